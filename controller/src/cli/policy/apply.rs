//! Putting a policy in force. What is in force is looked at first, so that nobody's change is overwritten unseen.

use proto::wire::v1;

use super::{Apply, Rollback, Waiting, name, read, rollout};
use crate::cli::console::Console;
use crate::cli::session::{Connection, Session};
use crate::cli::stop::{GOOD, Stop};

/// Puts a file in force.
///
/// # Errors
/// A file that is wrong; a controller that is not reached or refuses; agents that do not follow in time.
pub fn apply(
    apply: &Apply,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let text = read(&apply.file, console)?;
    let site = name(apply.site.as_ref());
    let mut session = Session::open(connection, console)?;
    let in_force = session.ask(v1::ShowPolicyRequest { site: site.clone(), version: 0 })?;
    if in_force.text == text && in_force.site == site && in_force.version > 0 {
        console.note(&format!("version {} in force is the same; nothing to do", in_force.version));
        return Ok(GOOD);
    }
    let expected_version = match (apply.force, apply.expect) {
        (true, _) => 0,
        (false, Some(version)) => version,
        (false, None) => in_force.version,
    };
    let comment = apply.comment.clone();
    let request = v1::ApplyPolicyRequest { text, site, comment, expected_version };
    put(request, apply.waiting, &mut session, console)
}

/// Puts an earlier version in force again.
///
/// # Errors
/// As [`apply`].
pub fn roll_back(
    back: &Rollback,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let site = name(back.site.as_ref());
    let mut session = Session::open(connection, console)?;
    let in_force = session.ask(v1::ShowPolicyRequest { site: site.clone(), version: 0 })?;
    let earlier =
        session.ask(v1::ShowPolicyRequest { site: site.clone(), version: back.version })?;
    if earlier.site != site {
        return Err(Stop::Usage(format!(
            "version {} is not of this policy; see policy history",
            back.version
        )));
    }
    let request = v1::ApplyPolicyRequest {
        text: earlier.text,
        site,
        comment: format!("back to version {}", back.version),
        expected_version: in_force.version,
    };
    put(request, back.waiting, &mut session, console)
}

fn put(
    request: v1::ApplyPolicyRequest,
    waiting: Waiting,
    session: &mut Session,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let site = request.site.clone();
    let applied = session.ask(request)?;
    let whose = if site.is_empty() { "the organisation".to_owned() } else { site.clone() };
    console.note(&format!("version {} is in force for {whose}", applied.version));
    console.result(&format!("{}\n", applied.version))?;
    if waiting.wait {
        return rollout::wait(&site, waiting.timeout, session, console);
    }
    Ok(GOOD)
}
