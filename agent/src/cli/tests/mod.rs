//! The command line as a person meets it: what is typed, what comes back, and the exit code.

mod bad_files;
mod outputs;
mod passwords;
mod pins;
mod reports;
mod unattended;
mod usage;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Console, Terminals, run};

/// What came back.
#[derive(Debug)]
struct Answer {
    code: u8,
    out: String,
    err: String,
}

/// A directory to work in, and everything a process is started with.
struct World {
    folder: TempDir,
    input: Vec<u8>,
    variables: BTreeMap<&'static str, &'static str>,
    terminals: Terminals,
    /// What the person at the terminal types when asked.
    types: &'static str,
}

impl World {
    fn new() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Self {
            folder: TempDir::new().unwrap(),
            input: Vec::new(),
            variables: BTreeMap::new(),
            terminals: Terminals::default(),
            types: "",
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn secret(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.write(name, content);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            names.map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Runs `palisade-agent` with these arguments; `@name` stands for a path in the world's directory.
    fn run(&self, arguments: &[&str]) -> Answer {
        let mut out = Vec::new();
        let (code, err) = self.run_into(arguments, &mut out);
        Answer { code, out: String::from_utf8(out).unwrap(), err }
    }

    fn run_into(&self, arguments: &[&str], output: &mut dyn io::Write) -> (u8, String) {
        let mut errors = Vec::new();
        let mut console = Console {
            input: &mut &self.input[..],
            output,
            errors: &mut errors,
            variable: &|name| self.variables.get(name).map(OsString::from),
            ask: &|_| Ok(self.types.to_owned()),
            terminals: self.terminals,
        };
        let arguments = arguments.iter().map(|argument| match argument.strip_prefix('@') {
            Some(name) => self.path(name).into_os_string(),
            None => OsString::from(argument),
        });
        let code =
            run([OsString::from("palisade-agent")].into_iter().chain(arguments), &mut console);
        (code, String::from_utf8(errors).unwrap())
    }
}

/// Asserts that a command ended with that code and one line on standard error that holds all of `words`.
#[track_caller]
fn refused(answer: &Answer, code: u8, words: &[&str]) {
    assert_eq!(answer.code, code, "{answer:?}");
    assert_eq!(answer.out, "", "{answer:?}");
    assert!(answer.err.starts_with("palisade-agent: "), "{answer:?}");
    assert_eq!(answer.err.lines().count(), 1, "{answer:?}");
    for word in words {
        assert!(answer.err.contains(word), "{word:?} is not in {answer:?}");
    }
}

/// A site whose judgment needs no camera: storage, a workstation, and a configuration that is none.
fn site_without_cameras(world: &World) -> PathBuf {
    world.write("broken.cfg", "not a configuration\n");
    world.write(
        "site.toml",
        "name = \"north\"\n\
         [[devices]]\nname = \"vms\"\nkind = \"vms\"\naddresses = [\"192.0.2.5\"]\n\
         [[devices]]\nname = \"nas\"\nkind = \"nas\"\n\
         [[devices]]\nname = \"broken\"\nkind = \"mobotix\"\nfile = \"broken.cfg\"\n",
    )
}

fn exists(path: &Path) -> bool {
    path.try_exists().unwrap()
}
