//! The search for secrets in clear: every file that a run left behind, and what the system shows of a process.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The line before a key.
const KEY_BEGINS: &str = "-----BEGIN PRIVATE KEY-----";
/// Shorter pieces of a secret are found everywhere.
const SHORTEST: usize = 8;

/// Where one of the secrets stands in clear, below a folder and in what the system shows of these processes. Of a
/// certificate with its key, each line of the key counts as one; a fingerprint is none. `except` names files that are
/// meant to hold secrets.
///
/// # Errors
/// When a file cannot be read.
pub fn leaks(
    folder: &Path,
    processes: &[u32],
    secrets: &[String],
    except: &[&str],
) -> io::Result<Vec<PathBuf>> {
    let needles: BTreeSet<&[u8]> = secrets
        .iter()
        .flat_map(|secret| private(secret))
        .map(str::as_bytes)
        .filter(|line| line.len() >= SHORTEST)
        .collect();
    let mut found = Vec::new();
    for process in processes {
        for file in ["cmdline", "environ", "comm", "status"] {
            look(&PathBuf::from(format!("/proc/{process}/{file}")), &needles, &mut found)?;
        }
    }
    walk(folder, &needles, except, &mut found)?;
    Ok(found)
}

/// What of a secret nobody else may know.
fn private(secret: &str) -> Vec<&str> {
    if secret.starts_with("sha256:") {
        return Vec::new();
    }
    let Some((_, key)) = secret.split_once(KEY_BEGINS) else { return vec![secret] };
    let lines = key.lines().take_while(|line| !line.starts_with("-----"));
    // What comes behind is the end of the public key, which is in the certificate as well.
    lines.filter(|line| !line.is_empty()).take(2).collect()
}

fn walk(
    folder: &Path,
    needles: &BTreeSet<&[u8]>,
    except: &[&str],
    found: &mut Vec<PathBuf>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let kind = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.file_type(),
            // A program at work makes files and takes them away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let is_meant =
            path.file_name().and_then(|it| it.to_str()).is_some_and(|name| except.contains(&name));
        if kind.is_dir() {
            walk(&path, needles, except, found)?;
        } else if kind.is_file() && !is_meant {
            look(&path, needles, found)?;
        }
    }
    Ok(())
}

fn look(path: &Path, needles: &BTreeSet<&[u8]>, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // The programs let nobody but root look into them, not even who started them.
        Err(error)
            if error.kind() == io::ErrorKind::PermissionDenied && path.starts_with("/proc") =>
        {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let holds = |needle: &&[u8]| bytes.windows(needle.len()).any(|window| window == *needle);
    if needles.iter().any(holds) {
        found.push(path.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_stands_but_where_it_is_meant_to() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("log"), "x Pw-Gannet+Cobalt y").unwrap();
        fs::write(deep.join("pw"), "Pw-Gannet+Cobalt").unwrap();
        fs::write(deep.join("other"), "nothing").unwrap();
        let secrets = ["Pw-Gannet+Cobalt".to_owned()];
        let found = leaks(folder.path(), &[std::process::id()], &secrets, &["pw"]).unwrap();
        assert_eq!(found, [deep.join("log")]);
    }

    #[test]
    fn of_a_certificate_only_the_key_is_a_secret() {
        let text = "-----BEGIN CERTIFICATE-----\nMIIBpub\n-----END CERTIFICATE-----\n\
                    -----BEGIN PRIVATE KEY-----\nMIGHone\ntwo\npublic\n-----END PRIVATE KEY-----\n";
        assert_eq!(private(text), ["MIGHone", "two"]);
        assert_eq!(private("sha256:00ff"), [""; 0]);
        assert_eq!(private("Pw-Gannet+Cobalt"), ["Pw-Gannet+Cobalt"]);
    }
}
