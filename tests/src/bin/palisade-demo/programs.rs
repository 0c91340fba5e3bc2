//! This one program is `palisade` and `palisade-agent` as well, if it is called by such a name: so that a newcomer builds
//! one program and sees three.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use certs::SystemClock;

/// The names it answers to.
pub const NAMES: [&str; 2] = ["palisade", "palisade-agent"];

/// Makes links by those names in a folder.
///
/// # Errors
/// When they cannot be made.
pub fn link(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let own = std::env::current_exe()?;
    for name in NAMES {
        let path = folder.join(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => std::os::unix::fs::symlink(&own, path)?,
        }
    }
    Ok(())
}

/// Does what the program of the name it was called by does; `None` if that is the demo itself.
pub fn act() -> Option<ExitCode> {
    let called = std::env::args_os().next()?;
    match Path::new(&called).file_name()?.to_str()? {
        "palisade" => Some(palisade()),
        "palisade-agent" => Some(palisade_agent()),
        _ => None,
    }
}

fn palisade() -> ExitCode {
    use controller::cli::{Console, Terminals, ask_secret, harden, run};
    harden();
    let mut console = Console {
        input: &mut io::stdin(),
        output: &mut io::stdout(),
        errors: &mut io::stderr(),
        variables: &|| std::env::vars_os().collect(),
        ask: &ask_secret,
        terminals: Terminals::detect(),
        clock: Arc::new(SystemClock),
    };
    ExitCode::from(run(std::env::args_os(), &mut console))
}

fn palisade_agent() -> ExitCode {
    use agent::cli::{Console, Terminals, ask_password, harden, run};
    harden();
    let mut console = Console {
        input: &mut io::stdin(),
        output: &mut io::stdout(),
        errors: &mut io::stderr(),
        variable: &|name| std::env::var_os(name),
        ask: &ask_password,
        terminals: Terminals::detect(),
    };
    ExitCode::from(run(std::env::args_os(), &mut console))
}
