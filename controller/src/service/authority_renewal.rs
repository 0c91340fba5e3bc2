//! Files of an issuing authority that takes the place of one under the same root. The new pair lies ready in a folder of
//! its own; it is moved into its place key first, so that a start finds out by which of the two is left there whether a
//! crash came between, and finishes it. The certificate that goes is kept: what it signed is taken until it is over.

use std::path::{Path, PathBuf};

use certs::Key;
use certs::hierarchy::Issuing;
use zeroize::Zeroizing;

use super::authority_folder::{
    AuthorityFolderError, ISSUING, ISSUING_KEY, certificate, current, keep, key, pem, root,
};
use super::folder::{make_folder, remove_folder, rename, sync_folder, write_new};

/// The pair that lies ready.
const RENEWED: &str = "renewed";

fn ready(data: &Path) -> PathBuf {
    current(data).join(RENEWED)
}

/// Lays a new issuing authority ready, whole or not at all; one that lay there before goes.
pub(super) fn save(data: &Path, issuing: &Issuing) -> Result<(), AuthorityFolderError> {
    // What was cut short is finished first: the certificate that lies there may be that of the key in force.
    settle(data)?;
    let making = current(data).join(".renewing");
    remove_folder(&making)?;
    make_folder(&making)?;
    let secret = Zeroizing::new(pem("PRIVATE KEY", issuing.key().pkcs8()));
    write_new(&making.join(ISSUING_KEY), secret.as_bytes())?;
    write_new(&making.join(ISSUING), pem("CERTIFICATE", issuing.certificate()).as_bytes())?;
    sync_folder(&making)?;
    remove_folder(&ready(data))?;
    rename(&making, &ready(data))?;
    Ok(sync_folder(&current(data))?)
}

/// The one that lies ready, under the root in force; `None` if there is none.
pub(super) fn load(data: &Path) -> Result<Option<Issuing>, AuthorityFolderError> {
    let folder = ready(data);
    if !folder.join(ISSUING_KEY).exists() {
        return Ok(None);
    }
    let (root, issuing) = (root(&current(data))?, certificate(&folder.join(ISSUING))?);
    let key: Key = key(&folder.join(ISSUING_KEY))?;
    Issuing::from_parts(issuing, root, key)
        .map(Some)
        .map_err(|source| AuthorityFolderError::Mismatch { path: folder, source })
}

/// Puts the one that lies ready into its place.
pub(super) fn take_over(data: &Path) -> Result<(), AuthorityFolderError> {
    let place = current(data);
    keep(&place.join(ISSUING), &place)?;
    rename(&ready(data).join(ISSUING_KEY), &place.join(ISSUING_KEY))?;
    sync_folder(&place)?;
    settle(data)
}

/// Finishes what a crash cut short after the key was in its place; run at each start. One that only lies ready stays.
pub(super) fn settle(data: &Path) -> Result<(), AuthorityFolderError> {
    let (folder, place) = (ready(data), current(data));
    if !folder.exists() || folder.join(ISSUING_KEY).exists() {
        return Ok(());
    }
    if folder.join(ISSUING).exists() {
        rename(&folder.join(ISSUING), &place.join(ISSUING))?;
        sync_folder(&place)?;
    }
    Ok(remove_folder(&folder)?)
}
