//! The command line as a person meets it: what is typed, what comes back, and the exit code.

mod audit;
mod config;
mod escrow;
mod found;
mod halted;
mod hostile;
mod listings;
mod login;
mod orders;
mod policy;
mod recovery;
mod secrets;
mod streams;
mod usage;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use certs::Clock;
use proto::Timestamp;
use tempfile::TempDir;

use super::{Console, Terminals, run};
use crate::api::client::pretend::Pretend;

/// What came back.
#[derive(Debug)]
struct Answer {
    code: u8,
    out: String,
    err: String,
}

/// The present of every test, until the test says otherwise.
const PRESENT: i64 = 1_795_508_100;

/// A clock that stands until it is set.
#[derive(Debug)]
struct Standing(AtomicI64);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }
}

/// A directory to work in, and everything a process is started with.
struct World {
    folder: TempDir,
    input: Vec<u8>,
    variables: BTreeMap<&'static str, String>,
    terminals: Terminals,
    /// What the person at the terminal types when asked.
    types: &'static str,
    clock: Arc<Standing>,
}

impl World {
    fn new() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        let home = folder.path().join("home").to_str().unwrap().to_owned();
        Self {
            folder,
            input: Vec::new(),
            variables: BTreeMap::from([("HOME", home)]),
            terminals: Terminals::default(),
            types: "",
            clock: Arc::new(Standing(PRESENT.into())),
        }
    }

    /// A world with a controller, to which somebody is logged in.
    fn logged_in() -> (Self, Pretend) {
        let world = Self::new();
        let pretend = Pretend::start(world.clock.clone());
        world.secret("code", pretend.code().to_text().expose());
        let answer = world.run(&["login", "--code-file", "@code"]);
        assert_eq!(answer.code, super::GOOD, "{answer:?}");
        pretend.asked();
        (world, pretend)
    }

    /// Time passes.
    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// What a file in the world's directory holds.
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Asserts that only the owner may read a file.
    #[track_caller]
    fn is_private(&self, name: &str) {
        let mode = fs::metadata(self.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        // The umask is the whole process's, and commands under test beside this one set it.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    fn secret(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.write(name, content);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Runs `palisade` with these arguments; `@name` stands for a path in the world's directory.
    fn run(&self, arguments: &[&str]) -> Answer {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console {
            input: &mut &self.input[..],
            output: &mut out,
            errors: &mut err,
            variables: &|| {
                let all = self.variables.iter();
                all.map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
            },
            ask: &|_| Ok(self.types.to_owned()),
            terminals: self.terminals,
            clock: self.clock.clone(),
        };
        let arguments = arguments.iter().map(|argument| match argument.strip_prefix('@') {
            Some(name) => self.path(name).into_os_string(),
            None => OsString::from(argument),
        });
        let code = run([OsString::from("palisade")].into_iter().chain(arguments), &mut console);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Answer { code, out: text(out), err: text(err) }
    }
}

/// Asserts that a command ended with that code and one line on standard error that holds all of `words`.
#[track_caller]
fn refused(answer: &Answer, code: u8, words: &[&str]) {
    assert_eq!(answer.code, code, "{answer:?}");
    assert_eq!(answer.out, "", "{answer:?}");
    assert!(answer.err.starts_with("palisade: "), "{answer:?}");
    assert_eq!(answer.err.lines().count(), 1, "{answer:?}");
    for word in words {
        assert!(answer.err.contains(word), "{word:?} is not in {answer:?}");
    }
}
