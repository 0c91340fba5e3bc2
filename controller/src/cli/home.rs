//! Who the person at this machine is to the controller: one file, readable by them alone, replaced whole. It holds a
//! private key, so it never leaves the machine.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::identity::Identity;
use certs::key::Key;
use certs::name::Name;
use certs::trust::TrustBundle;
use proto::{OperatorName, Organisation};
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::console::Console;
use super::files::{self, Place, Readers};
use super::stop::Stop;

/// Names the folder, where `--home` does not.
pub const VARIABLE: &str = "PALISADE_HOME";
const FILE: &str = "operator.json";
const FORMAT: u32 = 1;
const MAX_FILE: u64 = 128 << 10;

/// The folder that the identity is kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home(PathBuf);

/// A person with a certificate.
#[derive(Debug)]
pub struct Operator {
    /// Whose controller it is.
    pub organisation: Organisation,
    /// Who.
    pub name: OperatorName,
    /// Where the controller is, the preferred first.
    pub addresses: Vec<String>,
    /// Certificate and key.
    pub identity: Identity,
    /// Whom the controller's certificate may lead to.
    pub trust: TrustBundle,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    palisade_operator: u32,
    addresses: Vec<String>,
    key: String,
    chain: Vec<String>,
    trust_generation: u64,
    roots: Vec<String>,
}

impl Drop for Body {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl Home {
    /// The folder of `--home`, of the environment, or of this user.
    ///
    /// # Errors
    /// A user without a home.
    pub fn find(given: Option<&Path>, console: &Console<'_>) -> Result<Self, Stop> {
        if let Some(folder) = given {
            return Ok(Self(folder.to_owned()));
        }
        let variable = |name: &str| console.variable(name).map(PathBuf::from);
        let folder = variable(VARIABLE)
            .or_else(|| variable("XDG_CONFIG_HOME").map(|folder| folder.join("palisade")))
            .or_else(|| variable("HOME").map(|folder| folder.join(".config/palisade")));
        folder.map(Self).ok_or_else(|| {
            Stop::Usage(format!(
                "cannot tell where you keep your certificate: name it with --home or {VARIABLE}"
            ))
        })
    }

    fn file(&self) -> PathBuf {
        self.0.join(FILE)
    }

    /// Who is logged in here.
    ///
    /// # Errors
    /// Nobody, a file that others may read, or one that is damaged.
    pub fn load(&self) -> Result<Operator, Stop> {
        let path = self.file();
        if !path.try_exists().unwrap_or(true) {
            let shown = self.0.display();
            return Err(Stop::Usage(format!(
                "nobody is logged in here ({shown}); get a one-time code and run palisade login --code-file FILE"
            )));
        }
        let bytes = files::whole_secret("your certificate", &path, MAX_FILE)?;
        read(&bytes).map_err(|why| {
            let shown = path.display();
            Stop::Failed(format!("your certificate in {shown} is damaged ({why}); log in again"))
        })
    }

    /// Keeps who is logged in here, in place of who was.
    ///
    /// # Errors
    /// A folder that takes no file.
    pub fn save(&self, operator: &Operator) -> Result<(), Stop> {
        files::private_folder(&self.0)?;
        let place = Place::any_file(&self.file(), Readers::OwnerOnly)?;
        place.write(&write(operator)?)
    }

    /// Whether somebody is logged in here.
    pub fn is_taken(&self) -> bool {
        self.file().try_exists().unwrap_or(true)
    }

    /// Forgets who is logged in here. `false` if nobody was.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn forget(&self) -> Result<bool, Stop> {
        match std::fs::remove_file(self.file()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => {
                Err(Stop::Failed(format!("cannot remove {}: {error}", self.file().display())))
            }
        }
    }
}

impl Operator {
    /// Puts together what a log-in brought.
    ///
    /// # Errors
    /// A certificate that names no operator.
    pub fn new(
        addresses: Vec<String>,
        identity: Identity,
        trust: TrustBundle,
    ) -> Result<Self, &'static str> {
        let (organisation, name) = match identity.name() {
            Name::Operator(organisation, name) => (organisation.clone(), name.clone()),
            Name::Controller(_) | Name::Agent(..) => {
                return Err("the certificate is not an operator's");
            }
        };
        Ok(Self { organisation, name, addresses, identity, trust })
    }
}

fn write(operator: &Operator) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let encode = |certificate: &CertificateDer<'_>| STANDARD.encode(certificate);
    let body = Body {
        palisade_operator: FORMAT,
        addresses: operator.addresses.clone(),
        key: STANDARD.encode(operator.identity.key().pkcs8()),
        chain: operator.identity.chain().iter().map(encode).collect(),
        trust_generation: operator.trust.generation,
        roots: operator.trust.roots.iter().map(encode).collect(),
    };
    // Of this size from the start, so that growing leaves no copies of the key behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 << 10));
    serde_json::to_writer_pretty(&mut *bytes, &body).map_err(|error| Stop::failed(&error))?;
    Ok(bytes)
}

fn read(bytes: &[u8]) -> Result<Operator, String> {
    let body: Body = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if body.palisade_operator != FORMAT {
        return Err(format!("format {}, and this program reads {FORMAT}", body.palisade_operator));
    }
    let decode = |text: &String| STANDARD.decode(text).map_err(|_| "not base64".to_owned());
    let key = Zeroizing::new(decode(&body.key)?);
    let key = Key::from_pkcs8(&key).map_err(|error| error.to_string())?;
    let chain = body.chain.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
    let chain = chain.into_iter().map(CertificateDer::from).collect();
    let identity = Identity::new(chain, key).map_err(|error| error.to_string())?;
    let roots = body.roots.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
    let trust =
        TrustBundle::new(body.trust_generation, roots).map_err(|error| error.to_string())?;
    Operator::new(body.addresses.clone(), identity, trust).map_err(str::to_owned)
}
