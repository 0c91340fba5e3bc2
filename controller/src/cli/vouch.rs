//! `palisade attest`, `waive`, `vouches` and `withdraw`: what people answer for, always until a day.

use clap::Args;
use proto::wire::v1;
use proto::wire::v1::vouch::What;
use proto::{Day, DeviceName, Measure, SiteName, Timestamp};
use serde::Serialize;

use super::console::Console;
use super::session::{Connection, Session};
use super::stop::{GOOD, Stop};
use super::table::{self, Format, Printing, Row};
use super::words::nonsense;

/// The help page's example.
pub const ATTEST_EXAMPLE: &str = "\
Example:
  palisade attest harbour C22 --by 'Kim Lee' --until 2027-06-30 \\
      --evidence 'restored the backup on 24 June'";
/// The help page's example.
pub const WAIVE_EXAMPLE: &str = "\
Example:
  palisade waive harbour C15 --device yard --reason 'VMS needs port 80' \\
      --owner 'Kim Lee' --expires 2027-06-30";

/// What an attestation or waiver is about.
#[derive(Debug, Args)]
pub struct Subject {
    /// The site
    #[arg(value_name = "SITE")]
    pub site: SiteName,
    /// The measure, such as C22
    #[arg(value_name = "MEASURE")]
    pub measure: Measure,
    /// Only for these devices; may be repeated
    #[arg(long = "device", value_name = "DEVICE", value_delimiter = ',')]
    pub devices: Vec<DeviceName>,
}

impl Subject {
    fn devices(&self) -> Vec<String> {
        self.devices.iter().map(ToString::to_string).collect()
    }
}

/// `attest`
#[derive(Debug, Args)]
pub struct Attest {
    /// What it is about.
    #[command(flatten)]
    pub subject: Subject,
    /// Who vouches
    #[arg(long, value_name = "NAME", value_parser = said)]
    pub by: String,
    /// The last day it holds, such as 2027-06-30
    #[arg(long, value_name = "DAY")]
    pub until: Day,
    /// What the person looked at
    #[arg(long, value_name = "TEXT", value_parser = said)]
    pub evidence: String,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `waive`
#[derive(Debug, Args)]
pub struct Waive {
    /// What it is about.
    #[command(flatten)]
    pub subject: Subject,
    /// Why it is accepted
    #[arg(long, value_name = "TEXT", value_parser = said)]
    pub reason: String,
    /// Who answers for it
    #[arg(long, value_name = "NAME", value_parser = said)]
    pub owner: String,
    /// The last day it holds, such as 2027-06-30
    #[arg(long, value_name = "DAY")]
    pub expires: Day,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `vouches`
#[derive(Debug, Args)]
pub struct Vouches {
    /// Only this site's
    #[arg(long, value_name = "SITE")]
    pub site: Option<SiteName>,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `withdraw`
#[derive(Debug, Args)]
pub struct Withdraw {
    /// The id, as vouches shows it
    #[arg(value_name = "ID")]
    pub id: String,
}

fn said(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("say something".to_owned()) } else { Ok(text.to_owned()) }
}

#[derive(Debug, Serialize)]
struct VouchRow {
    vouch: String,
    site: String,
    kind: &'static str,
    measure: String,
    devices: Vec<String>,
    /// Who vouches, or who answers for it.
    by: String,
    until: String,
    /// The evidence, or the reason.
    text: String,
    entered_by: String,
    entered_at: Option<Timestamp>,
}

impl TryFrom<v1::Vouch> for VouchRow {
    type Error = Stop;

    fn try_from(vouch: v1::Vouch) -> Result<Self, Stop> {
        let what = vouch.what.ok_or_else(|| nonsense("an attestation without content"))?;
        let (kind, measure, devices, by, until, text) = match what {
            What::Attestation(it) => {
                ("attestation", it.measure, it.devices, it.by, it.until, it.evidence)
            }
            What::Waiver(it) => ("waiver", it.measure, it.devices, it.owner, it.expires, it.reason),
        };
        let (entered_by, entered_at) = (vouch.entered_by, table::time(vouch.entered_at));
        let (vouch, site) = (vouch.id, vouch.site);
        Ok(Self { vouch, site, kind, measure, devices, by, until, text, entered_by, entered_at })
    }
}

impl Row for VouchRow {
    const TITLES: &'static [&'static str] =
        &["ID", "SITE", "KIND", "MEASURE", "DEVICES", "BY", "UNTIL", "TEXT"];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let is_over = self.until.parse::<Day>().is_ok_and(|day| day.is_over(now));
        let devices =
            if self.devices.is_empty() { "all".to_owned() } else { self.devices.join(",") };
        vec![
            self.vouch.clone(),
            self.site.clone(),
            self.kind.to_owned(),
            self.measure.clone(),
            devices,
            self.by.clone(),
            format!("{}{}", self.until, if is_over { " (over)" } else { "" }),
            self.text.clone(),
        ]
    }
}

fn not_over(day: Day, console: &Console<'_>) -> Result<(), Stop> {
    if day.is_over(console.clock.now()) {
        return Err(Stop::Usage(format!("{day} is over; name the last day it is to hold")));
    }
    Ok(())
}

/// Vouches for a measure.
///
/// # Errors
/// A day that is over; a controller that is not reached or refuses.
pub fn attest(
    attest: &Attest,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    not_over(attest.until, console)?;
    let attestation = v1::Attestation {
        measure: attest.subject.measure.to_string(),
        devices: attest.subject.devices(),
        by: attest.by.clone(),
        until: attest.until.to_string(),
        evidence: attest.evidence.clone(),
    };
    let request =
        v1::AttestRequest { site: attest.subject.site.to_string(), attestation: Some(attestation) };
    let vouch = Session::open(connection, console)?.ask(request)?;
    entered(vouch, attest.printing, console)
}

/// Accepts an unmet measure.
///
/// # Errors
/// As [`attest`].
pub fn waive(
    waive: &Waive,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    not_over(waive.expires, console)?;
    let waiver = v1::Waiver {
        measure: waive.subject.measure.to_string(),
        devices: waive.subject.devices(),
        reason: waive.reason.clone(),
        owner: waive.owner.clone(),
        expires: waive.expires.to_string(),
    };
    let request = v1::WaiveRequest { site: waive.subject.site.to_string(), waiver: Some(waiver) };
    let vouch = Session::open(connection, console)?.ask(request)?;
    entered(vouch, waive.printing, console)
}

/// The id is the result: it is what withdraws it.
fn entered(vouch: v1::Vouch, printing: Printing, console: &mut Console<'_>) -> Result<u8, Stop> {
    let row = VouchRow::try_from(vouch)?;
    match printing.format {
        Format::Json => table::object(&row, console)?,
        Format::Text => {
            let text = proto::text::printable(&row.vouch, 100) + "\n";
            console.result(&text)?;
            console.note(&format!("{} for {} at {}", row.kind, row.measure, row.site));
        }
    }
    Ok(GOOD)
}

/// Lists them.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn list(
    vouches: &Vouches,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let site = vouches.site.as_ref().map_or(String::new(), ToString::to_string);
    let reply = Session::open(connection, console)?.ask(v1::ListVouchesRequest { site })?;
    let rows = reply.vouches.into_iter().map(VouchRow::try_from).collect::<Result<Vec<_>, _>>()?;
    table::list(&rows, vouches.printing.format, console)?;
    Ok(GOOD)
}

/// Takes one back.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn withdraw(
    withdraw: &Withdraw,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let request = v1::WithdrawRequest { id: withdraw.id.clone() };
    Session::open(connection, console)?.ask(request)?;
    console.note(&format!("withdrew {}", withdraw.id));
    Ok(GOOD)
}
