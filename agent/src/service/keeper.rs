//! Where a device's configuration lies before it is changed, and its web log before it reboots: sealed to the vault's
//! key, because a configuration holds passwords, each in a file of its own under `kept/` in the data folder. Of each
//! device the newest are kept. Which is newer is told by a number that grows with each, and never by the clock, which may
//! have run ahead. They open with the vault's key, and so with this box alone.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use certs::Clock as _;
use certs::seal;
use proto::DeviceName;

use crate::apply::{self, Kept};
use crate::clock::AgentClock;
use crate::store::make_private_folder;
use crate::store::vault::Vault;

/// Files that are kept of one device, of either kind.
const MOST: usize = 20;
/// The largest, in bytes: an answer of a device is bounded before.
const LARGEST: usize = 16 << 20;

/// See the module.
pub(super) struct Keeper {
    data: PathBuf,
    clock: Arc<AgentClock>,
}

impl Keeper {
    /// Keeps below this data folder.
    pub fn new(data: &Path, clock: Arc<AgentClock>) -> Self {
        Self { data: data.to_owned(), clock }
    }
}

#[async_trait]
impl apply::Keeper for Keeper {
    async fn keep(&self, device: &DeviceName, what: Kept, bytes: Vec<u8>) -> Result<(), String> {
        if bytes.len() > LARGEST {
            return Err(format!("it has more than {LARGEST} bytes"));
        }
        let ending = match what {
            Kept::Configuration => "cfg",
            Kept::WebLog => "weblog",
        };
        let folder = self.data.join("kept").join(device.as_str().replace(':', "-"));
        let (data, now) = (self.data.clone(), self.clock.now().unix());
        let work =
            tokio::task::spawn_blocking(move || write(&data, &folder, (now, ending), &bytes));
        work.await.unwrap_or_else(|_| Err("writing it failed".to_owned()))
    }
}

/// Durable once it has returned.
fn write(
    data: &Path,
    folder: &Path,
    (now, ending): (i64, &str),
    bytes: &[u8],
) -> Result<(), String> {
    let vault = Vault::open(data).map_err(|error| error.to_string())?;
    make_private_folder(&data.join("kept")).map_err(|error| error.to_string())?;
    make_private_folder(folder).map_err(|error| error.to_string())?;
    let mut sealed = Vec::new();
    let mut sealing = seal::sealing(&[vault.recipient()], &mut sealed)
        .map_err(|error| format!("it cannot be sealed: {error}"))?;
    let put = |error: io::Error| format!("{}: {}", folder.display(), error.kind());
    sealing.write_all(bytes).map_err(put)?;
    sealing.finish().map_err(put)?;
    let number = numbered(folder).last().map_or(0, |(last, _)| last.saturating_add(1));
    let path = folder.join(format!("{number:012}-{now}.{ending}.age"));
    let new = path.with_extension("new");
    let mut file = fs::File::create(&new).map_err(put)?;
    file.write_all(&sealed).and_then(|()| file.sync_all()).map_err(put)?;
    fs::rename(&new, &path).map_err(put)?;
    fs::File::open(folder).and_then(|it| it.sync_all()).map_err(put)?;
    forget_oldest(folder, ending);
    Ok(())
}

/// What is kept, the oldest first, each with its number: what its name begins with.
fn numbered(folder: &Path) -> Vec<(u64, PathBuf)> {
    let number = |path: &Path| path.file_name()?.to_str()?.split('-').next()?.parse().ok();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<(u64, PathBuf)> =
        entries.filter_map(|it| number(&it.path()).map(|number| (number, it.path()))).collect();
    all.sort();
    all
}

/// What cannot be removed now is removed another time.
fn forget_oldest(folder: &Path, ending: &str) {
    let ours = |path: &PathBuf| path.to_string_lossy().ends_with(&format!(".{ending}.age"));
    let mut paths: Vec<PathBuf> =
        numbered(folder).into_iter().map(|(_, path)| path).filter(ours).collect();
    let excess = paths.len().saturating_sub(MOST);
    for path in paths.drain(..excess) {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::store::DurableFile;

    #[test]
    fn what_is_kept_is_sealed_and_the_newest_stay() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("kept").join("yard");
        for now in 0..=MOST as i64 {
            // The clock runs back; what was kept last is the newest all the same.
            write(data.path(), &folder, (9_999 - now, "cfg"), b"PASSWORD=geheim").unwrap();
            write(data.path(), &folder, (7, "weblog"), b"log").unwrap();
        }
        let names = |ending: &str| {
            let all = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path());
            let mut all: Vec<_> =
                all.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
            all.sort();
            all
        };
        let kept = names(".cfg.age");
        assert_eq!((kept.len(), names(".weblog.age").len()), (MOST, MOST));
        assert!(kept[0].ends_with("000000000002-9998.cfg.age"), "the oldest went: {kept:?}");
        let sealed = fs::read(&kept[0]).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"geheim"));
        let key = DurableFile::new(data.path(), "vault.key", 4096).read().unwrap().unwrap();
        let key = proto::Secret::new(std::str::from_utf8(&key.bytes).unwrap());
        let key = seal::Opener::parse(&key).unwrap();
        let mut opened = Vec::new();
        seal::opening(&sealed[..], &key).unwrap().read_to_end(&mut opened).unwrap();
        assert_eq!(opened, b"PASSWORD=geheim");
    }
}
