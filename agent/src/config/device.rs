//! One `[[devices]]` table of the site file.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use certs::Pin;
use proto::DeviceName;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::SiteError;
use crate::device::{Address, BasicInClear};
use crate::facts::Kind;

/// A device of the site, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteDevice {
    /// Its name, which no other device of the site has.
    pub name: DeviceName,
    /// What it is.
    pub kind: Kind,
    /// Where its facts come from.
    pub source: SiteSource,
    /// Where a workstation logs in from, or storage is found. Empty for cameras.
    pub addresses: Vec<IpAddr>,
}

/// Where a device's facts come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteSource {
    /// Over the network.
    Live {
        /// Where it listens.
        address: Address,
        /// Whom to log in as; without one, only what a stranger sees.
        login: Option<LoginSource>,
        /// The certificate it must present.
        pin: Option<Pin>,
    },
    /// From a configuration that it exported.
    File(PathBuf),
    /// From nothing but this table and what people vouch for.
    Declared,
}

/// Whom to log in as, and where the password is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSource {
    /// The account.
    pub user: String,
    /// Where its password is.
    pub password: PasswordSource,
    /// Whether the password may be sent readable.
    pub basic_in_clear: BasicInClear,
}

/// Where a password is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// In the first line of a file that nobody else may read.
    File(PathBuf),
    /// In an environment variable.
    Environment(String),
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    name: DeviceName,
    kind: Kind,
    address: Option<String>,
    file: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    /// Known only to be refused with a reason; its value is dropped unread.
    password: Option<IgnoredAny>,
    pin: Option<String>,
    basic_in_clear: Option<bool>,
    #[serde(default)]
    addresses: Vec<IpAddr>,
}

impl Written {
    pub(super) fn check(self, folder: &Path) -> Result<SiteDevice, SiteError> {
        let name = self.name.clone();
        self.checked(folder).map_err(|what| SiteError::Device(name, what))
    }

    fn checked(self, folder: &Path) -> Result<SiteDevice, String> {
        if self.password.is_some() {
            return Err("a password never stands in this file, which is copied and shown around; put it alone into a file \
                        and name that as password_file, or name an environment variable as password_env"
                .to_owned());
        }
        let source = match self.kind {
            Kind::Mobotix => self.camera(folder)?,
            Kind::Vms | Kind::Nas => self.declared()?,
        };
        Ok(SiteDevice { name: self.name, kind: self.kind, source, addresses: self.addresses })
    }

    fn declared(&self) -> Result<SiteSource, String> {
        match self.live_or_file_keys().first() {
            None => Ok(SiteSource::Declared),
            Some(key) => Err(format!(
                "only cameras are looked at; a vms or nas is declared by name and judged by what people vouch for, so \
                 leave out {key} (addresses tells where it is)"
            )),
        }
    }

    fn camera(&self, folder: &Path) -> Result<SiteSource, String> {
        if !self.addresses.is_empty() {
            return Err("addresses is for a vms or nas; a camera has one address".to_owned());
        }
        match (&self.address, &self.file) {
            (Some(_), Some(_)) => {
                Err("it has an address and a file; give the address to look at the camera, or the file to judge its \
                     exported configuration"
                    .to_owned())
            }
            (None, None) => {
                Err("it has neither an address nor a file; add address = \"https://…\" or file = \"….cfg\"".to_owned())
            }
            (None, Some(file)) => self.exported(file, folder),
            (Some(address), None) => self.live(address, folder),
        }
    }

    fn exported(&self, file: &Path, folder: &Path) -> Result<SiteSource, String> {
        if file.as_os_str().is_empty() {
            return Err("file is empty".to_owned());
        }
        match self.live_or_file_keys().iter().find(|key| **key != "file") {
            None => Ok(SiteSource::File(folder.join(file))),
            Some(key) => {
                Err(format!("it is read from a file and nobody logs in, so leave out {key}"))
            }
        }
    }

    fn live(&self, address: &str, folder: &Path) -> Result<SiteSource, String> {
        let address = address.parse::<Address>().map_err(|error| error.to_string())?;
        let pin = self
            .pin
            .as_ref()
            .map(|pin| pin.parse::<Pin>())
            .transpose()
            .map_err(|error| error.to_string())?;
        if pin.is_some() && !address.tls {
            return Err("it has a pin, but shows no certificate over http://; write https:// or leave out pin".to_owned());
        }
        let password = self.password_source(folder)?;
        let login = match (&self.user, password) {
            (None, None) if self.basic_in_clear.is_some() => {
                return Err(
                    "it has basic_in_clear but no user, so there is nothing to send".to_owned()
                );
            }
            (None, None) => None,
            (None, Some(_)) => {
                return Err("it has a password but no user; add user = \"…\"".to_owned());
            }
            (Some(_), None) => {
                return Err(
                    "it has a user but no password; add password_file or password_env".to_owned()
                );
            }
            (Some(user), Some(_)) if !is_user(user) => {
                return Err("user is empty, longer than 64 characters, or holds a colon or control character".to_owned());
            }
            (Some(user), Some(password)) => {
                let basic_in_clear = if self.basic_in_clear == Some(true) {
                    BasicInClear::Allowed
                } else {
                    BasicInClear::Never
                };
                Some(LoginSource { user: user.clone(), password, basic_in_clear })
            }
        };
        Ok(SiteSource::Live { address, login, pin })
    }

    fn password_source(&self, folder: &Path) -> Result<Option<PasswordSource>, String> {
        match (&self.password_file, &self.password_env) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err("it has password_file and password_env; keep one".to_owned()),
            (Some(file), None) if file.as_os_str().is_empty() => {
                Err("password_file is empty".to_owned())
            }
            (Some(file), None) => Ok(Some(PasswordSource::File(folder.join(file)))),
            (None, Some(name)) if is_variable(name) => {
                Ok(Some(PasswordSource::Environment(name.clone())))
            }
            // What was written may be a password by mistake, so it is not repeated.
            (None, Some(_)) => {
                Err("password_env wants the name of an environment variable, such as \
                                    PALISADE_PASSWORD_YARD, never a password"
                    .to_owned())
            }
        }
    }

    /// The keys present that only make sense for a device that is looked at or read.
    fn live_or_file_keys(&self) -> Vec<&'static str> {
        let keys = [
            ("address", self.address.is_some()),
            ("file", self.file.is_some()),
            ("user", self.user.is_some()),
            ("password_file", self.password_file.is_some()),
            ("password_env", self.password_env.is_some()),
            ("pin", self.pin.is_some()),
            ("basic_in_clear", self.basic_in_clear.is_some()),
        ];
        keys.into_iter().filter(|(_, present)| *present).map(|(key, _)| key).collect()
    }
}

/// A colon ends the user name in HTTP authentication (RFC 7617, section 2).
fn is_user(user: &str) -> bool {
    (1..=64).contains(&user.chars().count()) && !user.contains(|c: char| c == ':' || c.is_control())
}

fn is_variable(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && name.len() <= 100 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
