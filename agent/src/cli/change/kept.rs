//! Where `apply` keeps what would be lost: backups of configurations, sealed, and web server logs.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use certs::seal::{self, Recipient};
use proto::DeviceName;

use crate::apply::{Keeper, Kept};
use crate::cli::files::{Place, Readers};
use crate::cli::stop::Stop;
use crate::clock;

/// A folder that only its owner reads.
pub struct Folder {
    path: PathBuf,
    recipients: Vec<Recipient>,
}

/// For who only looks: there is nothing to keep.
pub struct Nowhere;

impl Folder {
    /// A folder that is there. Without a recipient, backups are kept in clear.
    ///
    /// # Errors
    /// A folder that is not there or takes no file.
    pub fn open(path: &Path, recipients: Vec<Recipient>) -> Result<Self, Stop> {
        if !path.is_dir() {
            return Err(Stop::Usage(format!("--keep {}: there is no such folder", path.display())));
        }
        Place::check(&path.join("probe"))?;
        Ok(Self { path: path.to_owned(), recipients })
    }
}

#[async_trait]
impl Keeper for Folder {
    async fn keep(&self, device: &DeviceName, what: Kept, bytes: Vec<u8>) -> Result<(), String> {
        let (seals, ending) = match (what, self.recipients.is_empty()) {
            (Kept::Configuration, false) => (true, "cfg.age"),
            (Kept::Configuration, true) => (false, "cfg"),
            (Kept::WebLog, _) => (false, "weblog.html"),
        };
        let stem = device.as_str().replace(':', "-");
        let recipients = self.recipients.clone();
        let folder = self.path.clone();
        let now = clock::now().unix();
        let work = tokio::task::spawn_blocking(move || {
            // A second log of the same second is another file.
            let name = |n: u32| match n {
                0 => format!("{stem}-{now}.{ending}"),
                n => format!("{stem}-{now}-{n}.{ending}"),
            };
            let path = (0..).map(|n| folder.join(name(n))).find(|path| !path.exists());
            let path = path.expect("some number is free");
            let place = Place::check(&path).map_err(|stop| stop.to_string())?;
            place
                .write(Readers::OwnerOnly, |file| match seals {
                    true => seal(&recipients, &bytes, file),
                    false => file.write_all(&bytes),
                })
                .map(|_| ())
                .map_err(|stop| stop.to_string())
        });
        work.await.unwrap_or_else(|_| Err("writing it failed".to_owned()))
    }
}

fn seal(recipients: &[Recipient], bytes: &[u8], out: &mut dyn io::Write) -> io::Result<()> {
    use io::Write as _;
    let mut writer = seal::sealing(recipients, out).map_err(io::Error::other)?;
    writer.write_all(bytes)?;
    writer.finish().map(|_| ())
}

#[async_trait]
impl Keeper for Nowhere {
    async fn keep(&self, _: &DeviceName, _: Kept, _: Vec<u8>) -> Result<(), String> {
        Err("nothing is kept while only a plan is made".to_owned())
    }
}
