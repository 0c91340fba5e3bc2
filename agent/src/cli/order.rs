//! What an audit is asked to look at: from arguments or a site file to the calls to pay, with everything they need
//! read and asked for beforehand, so that nothing is missing half way.

mod site;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use proto::{DeviceName, Policy};

use super::arguments::{Audit, Yardstick};
use super::console::Console;
use super::files::{self, ReadFault};
use super::inputs;
use super::stop::Stop;
use crate::config::read as settings;
use crate::device::{self, Address, BasicInClear, Limits, Login, Target, Trials};
use crate::firmware::Advisories;
use crate::visit::{Call, Equipment, Way};

/// Everything an audit needs.
pub struct Order {
    /// The site's name, if a site file gave one.
    pub site: Option<String>,
    /// Whether one device was asked for.
    pub single: bool,
    /// What to look at.
    pub calls: Vec<Call>,
    /// The devices whose certificate nobody has vouched for.
    pub unpinned: BTreeSet<DeviceName>,
    /// What to judge by.
    pub policy: Policy,
    /// What vendors say.
    pub advisories: Advisories,
    /// What every visit shares.
    pub equipment: Equipment,
}

/// Reads and asks for everything an audit needs.
///
/// # Errors
/// A request that is wrong, or a single file that cannot be read.
pub fn take(arguments: &Audit, console: &mut Console<'_>) -> Result<Order, Stop> {
    match (&arguments.inventory, &arguments.target) {
        (Some(path), _) => {
            site::order(settings::site(path).map_err(inputs::usage)?, arguments, console)
        }
        (None, Some(target)) => of_target(target, arguments, console),
        (None, None) => Err(Stop::Usage("name a TARGET or an --inventory".to_owned())),
    }
}

/// What `TARGET` may be.
enum Aim {
    Camera(Address),
    File(PathBuf),
    Input,
}

fn aim(target: &str) -> Result<Aim, Stop> {
    if target == "-" {
        return Ok(Aim::Input);
    }
    let Some((scheme, rest)) = target.split_once("://") else {
        return Ok(Aim::File(PathBuf::from(target)));
    };
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(Stop::Usage(format!(
            "{scheme}:// is not understood; write https://HOST or http://HOST"
        )));
    }
    if rest.contains('@') {
        return Err(login_in_address());
    }
    target
        .parse()
        .map(Aim::Camera)
        .map_err(|why| Stop::Usage(format!("the target is no camera's address: {why}")))
}

/// The address is not repeated: what stands before the @ may be a password.
fn login_in_address() -> Stop {
    Stop::Usage(
        "an address holds no user or password, because every user of this machine can read it: use --user, and \
         change the password if it was in there"
            .to_owned(),
    )
}

fn of_target(target: &str, arguments: &Audit, console: &mut Console<'_>) -> Result<Order, Stop> {
    let Yardstick { policy, advisories } = &arguments.yardstick;
    let policy = inputs::policy(policy.as_deref())?;
    let advisories = inputs::advisories(advisories.as_deref(), console)?;
    let equipment = equipment(&arguments.dialect, 1)?;
    let mut unpinned = BTreeSet::new();
    let (name, address, way) = match aim(target)? {
        Aim::Camera(address) => {
            let name = name(arguments, &address.host);
            let shown = address.to_string();
            if arguments.pin.is_none() {
                unpinned.insert(name.clone());
            }
            let target = live_target(&name, address, arguments, &policy, console)?;
            (name, shown, Way::Live(Box::new(target)))
        }
        Aim::File(path) => {
            refuse_login(arguments, target)?;
            let bytes = files::read(&path, files::MAX_CONFIGURATION)
                .map_err(|fault| unread(target, &fault))?;
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let name = name(arguments, &stem.unwrap_or_default());
            (name, target.to_owned(), Way::Export(Box::new(move || Ok(bytes))))
        }
        Aim::Input => {
            refuse_login(arguments, "standard input")?;
            let bytes = files::read_stream(console.input, files::MAX_CONFIGURATION)
                .map_err(|fault| Stop::Failed(format!("cannot read standard input: {fault}")))?;
            let name = name(arguments, "stdin");
            (name, "standard input".to_owned(), Way::Export(Box::new(move || Ok(bytes))))
        }
    };
    let limit = patience(arguments);
    let vms_addresses = arguments.vms.clone();
    let call = Call { name, address, way, limit, attestations: Vec::new(), vms_addresses };
    Ok(Order {
        site: None,
        single: true,
        calls: vec![call],
        unpinned,
        policy,
        advisories,
        equipment,
    })
}

fn name(arguments: &Audit, otherwise: &str) -> DeviceName {
    arguments.name.clone().unwrap_or_else(|| DeviceName::from_lossy(otherwise))
}

fn refuse_login(arguments: &Audit, target: &str) -> Result<(), Stop> {
    let given = [
        ("--user", arguments.user.is_some()),
        ("--password-file", arguments.password_file.is_some()),
        ("--pin", arguments.pin.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(Stop::Usage(format!(
            "{option} is for a camera on the network (https://HOST), and {target} is read as a file"
        ))),
        None => Ok(()),
    }
}

/// Why a file was not read; where the name could as well be a camera's, both ways are told.
fn unread(target: &str, fault: &ReadFault) -> Stop {
    let missing = *fault == ReadFault::Missing;
    if missing && target.contains('@') {
        return login_in_address();
    }
    let text = format!("cannot read {target}: {fault}");
    let host_like = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    let could_be_host = missing
        && target.chars().all(host_like)
        && !target.to_ascii_lowercase().ends_with(".cfg")
        && target.parse::<Address>().is_ok();
    Stop::Failed(if could_be_host {
        format!("{text}; if a camera on the network is meant, write https://{target}")
    } else {
        text
    })
}

fn live_target(
    name: &DeviceName,
    address: Address,
    arguments: &Audit,
    policy: &Policy,
    console: &mut Console<'_>,
) -> Result<Target, Stop> {
    if arguments.pin.is_some() && !address.tls {
        return Err(Stop::Usage(
            "--pin holds a camera to its certificate; write https://".to_owned(),
        ));
    }
    let login = match &arguments.user {
        None if arguments.password_file.is_some() => {
            return Err(Stop::Usage("--password-file needs --user NAME".to_owned()));
        }
        None => {
            console.note("without --user, only what a stranger sees is looked at");
            None
        }
        // Neither HTTP nor the camera knows such a name; whoever writes it means a name and a password.
        Some(user) if user.contains(':') => {
            return Err(Stop::Usage(
                "--user takes a name alone, because every user of this machine can read it: use --password-file \
                 FILE, and change the password if it was in there"
                    .to_owned(),
            ));
        }
        Some(user) => {
            let whose = format!("{user} at {address}");
            let password = inputs::password(arguments.password_file.as_deref(), &whose, console)?;
            let basic_in_clear = basic_in_clear(arguments.basic_in_clear);
            Some(Login { user: user.clone(), password, basic_in_clear })
        }
    };
    Ok(Target {
        name: name.clone(),
        address,
        login,
        pin: arguments.pin,
        seen_before: None,
        trials: Trials::Allowed,
        web_ports: policy.web_ports,
        password_rules: policy.passwords.clone(),
        limits: limits(arguments),
    })
}

fn basic_in_clear(allowed: bool) -> BasicInClear {
    if allowed { BasicInClear::Allowed } else { BasicInClear::Never }
}

fn limits(arguments: &Audit) -> Limits {
    let usual = Limits::default();
    let visit = arguments.timeout.map_or(usual.visit, |s| Duration::from_secs(s.into()));
    Limits { visit, connect: usual.connect.min(visit), request: usual.request.min(visit), ..usual }
}

/// A driver keeps its own time and knows best what took so long, so that it is given the chance to tell.
fn patience(arguments: &Audit) -> Duration {
    limits(arguments).visit + Duration::from_secs(1)
}

fn equipment(dialects: &[PathBuf], concurrency: usize) -> Result<Equipment, Stop> {
    Ok(Equipment {
        dialects: inputs::dialects(dialects)?,
        open: device::open,
        concurrency: NonZeroUsize::new(concurrency).unwrap_or(NonZeroUsize::MIN),
    })
}
