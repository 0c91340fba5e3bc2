//! `palisade plan`, `palisade plans`, `palisade apply`: what would be done to the devices of a site, shown before anything
//! is; and the same done, exactly as it was shown, by the agent that made the plan.

mod rows;
mod text;

use clap::{Args, Subcommand};
use proto::wire::v1;
use proto::wire::v1::send_order_request::What;
use proto::{DeviceName, SiteName};

use super::agent::waiting;
use super::console::Console;
use super::session::{Connection, Session};
use super::stop::{FAILED, GOOD, Stop};
use super::table::{self, Format, Printing};
use super::words;
use crate::config::Span;
use rows::PlanRow;

/// The help page's example.
pub const EXAMPLE: &str = "Examples:\n  palisade plan harbour\n  palisade plan harbour yard gate\n  palisade plan show 5b1e2a90\n\
                           A site whose name is show or help is planned for with palisade plan -- show";
/// The longest single wait that the controller takes, in seconds.
const ONE_WAIT: u32 = 60;

/// `plan`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Plan {
    /// Something other than a new plan.
    #[command(subcommand)]
    pub command: Option<PlanCommand>,
    /// The site
    #[arg(value_name = "SITE", required = true)]
    pub site: Option<SiteName>,
    /// The devices; all cameras if none is named
    #[arg(value_name = "DEVICE")]
    pub devices: Vec<DeviceName>,
    /// How long to wait for it, up to 120s
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = waiting)]
    pub wait: Span,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `plan ...`
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Show a plan, and what became of it
    #[command(after_help = "Example:\n  palisade plan show 5b1e2a90")]
    Show(Show),
}

/// `plan show`
#[derive(Debug, Args)]
pub struct Show {
    /// Its name, or the beginning of it
    #[arg(value_name = "PLAN")]
    pub plan: String,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `plans`
#[derive(Debug, Args)]
pub struct Plans {
    /// Only this site's
    #[arg(value_name = "SITE")]
    pub site: Option<SiteName>,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `apply`
#[derive(Debug, Args)]
pub struct Apply {
    /// The plan's name, or the beginning of it
    #[arg(value_name = "PLAN")]
    pub plan: String,
    /// Wait so long for it to end, and show what became of it
    #[arg(long, value_name = "TIME")]
    pub wait: Option<Span>,
    /// Do not show it and ask; only a person at a terminal is asked
    #[arg(long)]
    pub yes: bool,
    /// How to print what became of it.
    #[command(flatten)]
    pub printing: Printing,
}

/// Makes a plan, or shows one.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn run(plan: &Plan, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let mut session = Session::open(connection, console)?;
    let site = match (&plan.command, &plan.site) {
        (Some(PlanCommand::Show(show)), _) => {
            let shown = fetch(&show.plan, 0, &mut session)?;
            print(&shown, show.printing.format, console)?;
            return Ok(GOOD);
        }
        (None, Some(site)) => site,
        (None, None) => return Err(Stop::Usage("name the site".to_owned())),
    };
    let devices = plan.devices.iter().map(ToString::to_string).collect();
    let reply = session.ask(v1::SendOrderRequest {
        site: site.to_string(),
        wait: plan.wait.as_seconds(),
        what: Some(What::Plan(v1::PlanOrder { devices })),
    })?;
    let shown = fetch(&reply.id, 0, &mut session)?;
    let state = state(&shown)?;
    if state == v1::PlanState::Waiting {
        let id = &reply.id;
        console.complain(&format!(
            "{site} has not made the plan within {}; palisade plan show {id} shows it when it has",
            plan.wait
        ));
        return Ok(FAILED);
    }
    print(&shown, plan.printing.format, console)?;
    let failed = shown.parts.iter().any(|part| !part.failed.is_empty());
    if shown.view.as_ref().is_some_and(|view| view.steps > 0) {
        let id = reply.id.get(..8).unwrap_or(&reply.id);
        console.note(&format!("nothing was changed; palisade apply {id} --wait 30m does it"));
    }
    Ok(if failed { FAILED } else { GOOD })
}

/// Lists plans.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn list(plans: &Plans, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let site = plans.site.as_ref().map_or(String::new(), ToString::to_string);
    let reply = Session::open(connection, console)?.ask(v1::ListPlansRequest { site })?;
    let rows = reply.plans.into_iter().map(PlanRow::try_from).collect::<Result<Vec<_>, _>>()?;
    table::list(&rows, plans.printing.format, console)?;
    Ok(GOOD)
}

/// Has a plan carried out.
///
/// # Errors
/// A controller that is not reached or refuses; somebody who does not agree.
pub fn apply(
    apply: &Apply,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let mut session = Session::open(connection, console)?;
    let shown = fetch(&apply.plan, 0, &mut session)?;
    let view = shown.view.clone().ok_or_else(|| words::nonsense("a plan without a head"))?;
    if !apply.yes && console.terminals.input {
        console.result(&text::plan(&shown)?)?;
        console.confirm(&format!(
            "This changes {} devices at {} now, whatever its windows say.",
            view.devices, view.site
        ))?;
    }
    let ask = v1::ApplyPlanRequest { id: view.id.clone(), digest: view.digest.clone() };
    let order = session.ask(ask)?;
    console.note(&format!("{} is ordered to carry out plan {}", view.site, view.id));
    let Some(wait) = apply.wait else {
        console
            .note(&format!("order {}; palisade plan show {} tells how it goes", order.id, view.id));
        return Ok(GOOD);
    };
    let mut left = wait.as_seconds();
    loop {
        let turn = left.min(ONE_WAIT);
        let shown = fetch(&view.id, turn, &mut session)?;
        match state(&shown)? {
            v1::PlanState::Done => {
                result(&shown, apply.printing.format, console)?;
                return Ok(GOOD);
            }
            v1::PlanState::Failed => {
                result(&shown, apply.printing.format, console)?;
                return Ok(FAILED);
            }
            _ => {}
        }
        left -= turn;
        if left == 0 {
            let site = &view.site;
            console.complain(&format!("{site} is not done with plan {} within {wait}", view.id));
            return Ok(FAILED);
        }
    }
}

fn fetch(plan: &str, wait: u32, session: &mut Session) -> Result<v1::ShownPlan, Stop> {
    session.ask(v1::ShowPlanRequest { id: plan.trim().to_ascii_lowercase(), wait })
}

fn state(shown: &v1::ShownPlan) -> Result<v1::PlanState, Stop> {
    let number = shown.view.as_ref().map_or(0, |view| view.state);
    v1::PlanState::try_from(number).map_err(|_| words::nonsense("the state of a plan"))
}

fn print(shown: &v1::ShownPlan, format: Format, console: &mut Console<'_>) -> Result<(), Stop> {
    match format {
        Format::Json => table::object(&rows::whole(shown)?, console),
        Format::Text => {
            let mut out = text::plan(shown)?;
            out.push_str(&text::results(shown)?);
            console.result(&out)
        }
    }
}

fn result(shown: &v1::ShownPlan, format: Format, console: &mut Console<'_>) -> Result<(), Stop> {
    match format {
        Format::Json => table::object(&rows::whole(shown)?, console),
        Format::Text => console.result(&text::results(shown)?),
    }
}
