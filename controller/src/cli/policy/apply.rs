//! Putting a policy in force. What is in force is looked at first, so that nobody's change is overwritten unseen.

use proto::wire::v1;

use super::{Apply, Drop, Rollback, Waiting, name, read, rollout};
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
    let in_force = in_force(&site, &mut session)?;
    if in_force.text == text && in_force.site == site && in_force.version > 0 {
        console.note(&format!("version {} in force is the same; nothing to do", in_force.version));
        return Ok(GOOD);
    }
    let expected_version = match (apply.force, apply.expect) {
        (true, _) => 0,
        (false, Some(version)) => version,
        (false, None) => seen(&in_force, &site),
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
    let in_force = in_force(&site, &mut session)?;
    let earlier =
        session.ask(v1::ShowPolicyRequest { site: site.clone(), version: back.version })?;
    if earlier.site != site {
        return Err(Stop::Usage(format!(
            "version {} is not of this policy; see policy history",
            back.version
        )));
    }
    if earlier.dropped {
        return Err(Stop::Usage(format!(
            "with version {} the site's own policy was dropped; palisade policy drop does that again",
            back.version
        )));
    }
    let expected_version = seen(&in_force, &site);
    let request = v1::ApplyPolicyRequest {
        text: earlier.text,
        site,
        comment: format!("back to version {}", back.version),
        expected_version,
    };
    put(request, back.waiting, &mut session, console)
}

/// Has the organisation's policy hold at a site again.
///
/// # Errors
/// A controller that is not reached or refuses; an agent that does not follow in time.
pub fn drop(drop: &Drop, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let site = drop.site.to_string();
    let mut session = Session::open(connection, console)?;
    let request = v1::DropPolicyRequest { site: site.clone(), comment: drop.comment.clone() };
    let holds = session.ask(request)?;
    let which = match holds.version {
        0 => "the defaults hold".to_owned(),
        version => format!("version {version} of the organisation holds"),
    };
    console.note(&format!("{site} has no policy of its own any more; {which}"));
    if drop.waiting.wait {
        return rollout::wait(&site, drop.waiting.timeout, &mut session, console);
    }
    Ok(GOOD)
}

fn in_force(site: &str, session: &mut Session) -> Result<v1::PolicyVersion, Stop> {
    session.ask(v1::ShowPolicyRequest { site: site.to_owned(), version: 0 })
}

/// The version that was seen and may be replaced; 0, which is any, for a site that has none of its own yet and was shown
/// the organisation's.
fn seen(in_force: &v1::PolicyVersion, site: &str) -> u64 {
    if in_force.site == site { in_force.version } else { 0 }
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
