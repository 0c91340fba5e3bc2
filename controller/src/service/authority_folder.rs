//! The authority as files: `root.crt`, `root.key.age` (sealed with a passphrase; it may be moved off the machine),
//! `issuing.crt` and `issuing.key`. During a turnover the coming authority lies in `next/`; of those that went, `past/`
//! keeps the issuing certificates, for join states they signed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::hierarchy::{HierarchyError, Issuing, Root};
use certs::seal::{self, SealError};
use certs::{Key, RootPin, trust};
use proto::Secret;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::authority_renewal;
use super::folder::{
    AUTHORITY, FolderError, failed, make_folder, read_small, remove_folder, rename, sync_folder,
    write_new,
};

/// Certificate of the root.
const ROOT: &str = "root.crt";
/// Its key, sealed.
const ROOT_KEY: &str = "root.key.age";
/// Certificate of the issuing authority.
pub(super) const ISSUING: &str = "issuing.crt";
/// Its key.
pub(super) const ISSUING_KEY: &str = "issuing.key";
/// Its certificate by the root that went before: see [`Root::bridge`].
const BRIDGE: &str = "bridge.crt";
/// The coming authority.
const NEXT: &str = "next";
/// Certificates of those that went.
const PAST: &str = "past";
/// Most past certificates that are read.
const MAX_PAST: usize = 64;

/// Why the authority cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityFolderError {
    /// A file could not be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file does not hold what its name says.
    #[error("{} holds no {what} in PEM", path.display())]
    Unreadable {
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A key that others may read.
    #[error("{} may be read by others; run chmod 600 on it, and ask who did", .0.display())]
    Exposed(PathBuf),
    /// The files do not belong together.
    #[error("the certificates and the key in {} do not belong together", path.display())]
    Mismatch {
        /// The folder.
        path: PathBuf,
        /// What does not fit.
        #[source]
        source: HierarchyError,
    },
    /// The root's key does not open.
    #[error("{} cannot be opened", path.display())]
    Sealed {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: SealError,
    },
    /// Neither folder holds the root that the database names.
    #[error("no authority in {} has the root {wanted} that the database names", path.display())]
    Missing {
        /// The data folder.
        path: PathBuf,
        /// The root's pin.
        wanted: RootPin,
    },
}

/// Where the authority in force is.
pub(super) fn current(data: &Path) -> PathBuf {
    data.join(AUTHORITY)
}

/// Where the coming one is.
pub(super) fn coming(data: &Path) -> PathBuf {
    current(data).join(NEXT)
}

/// Writes an authority into a folder that is not there yet.
pub(super) fn save(
    folder: &Path,
    root: &Root,
    sealed_key: &[u8],
    issuing: &Issuing,
) -> Result<(), FolderError> {
    make_folder(folder)?;
    let key = Zeroizing::new(pem("PRIVATE KEY", issuing.key().pkcs8()));
    write_new(&folder.join(ROOT_KEY), sealed_key)?;
    write_new(&folder.join(ROOT), pem("CERTIFICATE", root.certificate()).as_bytes())?;
    write_new(&folder.join(ISSUING_KEY), key.as_bytes())?;
    write_new(&folder.join(ISSUING), pem("CERTIFICATE", issuing.certificate()).as_bytes())?;
    sync_folder(folder)
}

/// Reads the issuing authority of a folder, with the root it is under.
pub(super) fn load(folder: &Path) -> Result<Issuing, AuthorityFolderError> {
    let (root, issuing) = (certificate(&folder.join(ROOT))?, certificate(&folder.join(ISSUING))?);
    Issuing::from_parts(issuing, root, key(&folder.join(ISSUING_KEY))?)
        .map_err(|source| AuthorityFolderError::Mismatch { path: folder.to_owned(), source })
}

/// Reads a private key that nobody else may read.
pub(super) fn key(path: &Path) -> Result<Key, AuthorityFolderError> {
    let mode = fs::metadata(path).map_err(failed("read", path))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(AuthorityFolderError::Exposed(path.to_owned()));
    }
    let text = Zeroizing::new(read_small(path)?);
    let unreadable =
        || AuthorityFolderError::Unreadable { what: "private key", path: path.to_owned() };
    let der = PrivatePkcs8KeyDer::from_pem_slice(&text).map_err(|_| unreadable())?;
    Key::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| unreadable())
}

/// Opens the root's key of a folder.
pub(super) fn open_root(folder: &Path, passphrase: &Secret) -> Result<Root, AuthorityFolderError> {
    let path = folder.join(ROOT_KEY);
    let opened = seal::open_with_passphrase(&read_small(&path)?, passphrase);
    let pkcs8 =
        opened.map_err(|source| AuthorityFolderError::Sealed { path: path.clone(), source })?;
    let key = Key::from_pkcs8(&pkcs8)
        .map_err(|_| AuthorityFolderError::Unreadable { what: "private key", path })?;
    Root::from_parts(root(folder)?, key)
        .map_err(|source| AuthorityFolderError::Mismatch { path: folder.to_owned(), source })
}

/// What leads whoever knows only the root before to the issuing authority of a folder; `None` if there is nothing, or it
/// was made for an issuing authority that was renewed since.
pub(super) fn bridge(
    folder: &Path,
    issuing: &Issuing,
) -> Result<Option<CertificateDer<'static>>, AuthorityFolderError> {
    let path = folder.join(BRIDGE);
    if !path.exists() {
        return Ok(None);
    }
    let bridge = certificate(&path)?;
    Ok(Some(bridge).filter(|it| trust::spki(it).as_deref() == Some(issuing.key().spki())))
}

/// The pin of a folder's root; `None` if there is none.
pub(super) fn root_pin(folder: &Path) -> Option<RootPin> {
    certificate(&folder.join(ROOT)).ok().and_then(|root| RootPin::of(&root))
}

/// The certificate of a folder's root.
pub(super) fn root(folder: &Path) -> Result<CertificateDer<'static>, AuthorityFolderError> {
    certificate(&folder.join(ROOT))
}

/// Issuing authorities that are not in force any more.
pub(super) fn past(data: &Path) -> Result<Vec<CertificateDer<'static>>, AuthorityFolderError> {
    let folder = current(data).join(PAST);
    let mut paths = names(&folder)?;
    paths.sort();
    paths.iter().take(MAX_PAST).map(|path| certificate(path)).collect()
}

/// Puts an authority beside the one in force, whole or not at all.
pub(super) fn save_coming(
    data: &Path,
    root: &Root,
    sealed_key: &[u8],
    (issuing, bridge): (&Issuing, Option<&CertificateDer<'static>>),
) -> Result<(), FolderError> {
    let making = current(data).join(".making");
    remove_folder(&making)?;
    save(&making, root, sealed_key, issuing)?;
    if let Some(bridge) = bridge {
        write_new(&making.join(BRIDGE), pem("CERTIFICATE", bridge).as_bytes())?;
        sync_folder(&making)?;
    }
    rename(&making, &coming(data))?;
    sync_folder(&current(data))
}

/// Brings the authority whose root the database names into its place. What a crash left half-way is finished: run at
/// each start, and when a turnover ends.
pub(super) fn settle(data: &Path, wanted: RootPin) -> Result<(), AuthorityFolderError> {
    let (place, arriving, leaving) =
        (current(data), data.join("authority.arriving"), data.join("authority.leaving"));
    if root_pin(&place) != Some(wanted) {
        if root_pin(&arriving) != Some(wanted) {
            if root_pin(&coming(data)) != Some(wanted) {
                return Err(AuthorityFolderError::Missing { path: data.to_owned(), wanted });
            }
            remove_folder(&arriving)?;
            rename(&coming(data), &arriving)?;
        }
        let old = if place.exists() { place.clone() } else { leaving.clone() };
        keep_past(&old, &arriving)?;
        if place.exists() {
            remove_folder(&leaving)?;
            rename(&place, &leaving)?;
        }
        rename(&arriving, &place)?;
        sync_folder(data)?;
    }
    remove_folder(&leaving)?;
    authority_renewal::settle(data)
}

/// Copies the certificates that went, and the one that goes now, to where the arriving authority keeps them.
fn keep_past(old: &Path, arriving: &Path) -> Result<(), AuthorityFolderError> {
    let folder = arriving.join(PAST);
    remove_folder(&folder)?;
    make_folder(&folder)?;
    let mut paths = names(&old.join(PAST))?;
    paths.push(old.join(ISSUING));
    for path in paths {
        keep(&path, arriving)?;
    }
    Ok(sync_folder(&folder)?)
}

/// Copies a certificate that goes to where the authority in `place` keeps those.
pub(super) fn keep(path: &Path, place: &Path) -> Result<(), AuthorityFolderError> {
    let certificate = certificate(path)?;
    let folder = place.join(PAST);
    if !folder.exists() {
        make_folder(&folder)?;
        sync_folder(place)?;
    }
    let name = certs::random::hex(&certs::random::digest(&certificate)[..8]);
    let to = folder.join(format!("{name}.crt"));
    if !to.exists() {
        write_new(&to, pem("CERTIFICATE", &certificate).as_bytes())?;
    }
    Ok(sync_folder(&folder)?)
}

/// Every file of the authority, by its path within the data folder, for a backup.
pub(super) fn every_file(data: &Path) -> Result<Vec<(String, Zeroizing<Vec<u8>>)>, FolderError> {
    let mut files = Vec::new();
    for folder in
        [AUTHORITY.to_owned(), format!("{AUTHORITY}/{NEXT}"), format!("{AUTHORITY}/{PAST}")]
    {
        for path in names(&data.join(&folder))?.into_iter().filter(|path| path.is_file()) {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            files.push((format!("{folder}/{name}"), Zeroizing::new(read_small(&path)?)));
        }
    }
    files.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(files)
}

/// What is in a folder; nothing if it is not there.
fn names(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed("read", folder))?,
    };
    entries.map(|entry| Ok(entry.map_err(failed("read", folder))?.path())).collect()
}

/// Reads a certificate in PEM.
pub(super) fn certificate(path: &Path) -> Result<CertificateDer<'static>, AuthorityFolderError> {
    let text = read_small(path)?;
    CertificateDer::from_pem_slice(&text).map_err(|_| AuthorityFolderError::Unreadable {
        what: "certificate",
        path: path.to_owned(),
    })
}

/// RFC 7468: lines of 64 characters between two marks.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let encoded = Zeroizing::new(STANDARD.encode(der));
    let mut text = String::with_capacity(encoded.len() + encoded.len() / 64 + 80);
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    for line in encoded.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}
