//! `palisade findings`: what is known about the devices, now or as it changes.

use clap::{Args, ValueEnum};
use proto::wire::finding::Sign;
use proto::wire::v1;
use proto::{DeviceName, Measure, SiteName};

use super::console::Console;
use super::finding::FindingRow;
use super::session::{Connection, Session};
use super::stop::{BAD, GOOD, Stop};
use super::table::{self, Format, Printing, Row};

/// The help page's example.
pub const EXAMPLE: &str = "\
Examples:
  palisade findings --site harbour --judgment unmet
  palisade findings --about C07,new_device --format json
  palisade findings --watch

With --check the exit code is 1 if anything listed is unmet and not waived, or unknown.";

/// Columns of a list that goes on for ever, which cannot wait for its widest cell.
const WATCH_WIDTHS: [usize; 6] = [16, 20, 18, 16, 8, 0];

/// `findings`
#[derive(Debug, Args)]
pub struct Findings {
    /// Only this site's
    #[arg(long, value_name = "SITE")]
    pub site: Option<SiteName>,
    /// Only this device's
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceName>,
    /// Only these: measures such as C07, or new_device, gone_device, changed_certificate,
    /// drift_found; may be repeated
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = about)]
    pub about: Vec<String>,
    /// Only these judgments; may be repeated
    #[arg(long, value_enum, value_name = "JUDGMENT", value_delimiter = ',')]
    pub judgment: Vec<Judgment>,
    /// Also what the policy ignores
    #[arg(long)]
    pub ignored: bool,
    /// At most so many, 1 to 10000
    #[arg(long, value_name = "N", default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Go on with what changes, until Ctrl-C
    #[arg(long, conflicts_with = "check")]
    pub watch: bool,
    /// Exit with 1 if anything listed has to be seen to
    #[arg(long)]
    pub check: bool,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// A conclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Judgment {
    /// What was seen is what the measure wants
    Met,
    /// It is not
    Unmet,
    /// The measure does not concern the device
    NotApplicable,
    /// It could not be seen
    Unknown,
    /// A person vouches for it
    Attested,
}

impl Judgment {
    fn wire(self) -> i32 {
        let verdict = match self {
            Self::Met => v1::Verdict::Met,
            Self::Unmet => v1::Verdict::Unmet,
            Self::NotApplicable => v1::Verdict::NotApplicable,
            Self::Unknown => v1::Verdict::Unknown,
            Self::Attested => v1::Verdict::Attested,
        };
        verdict.into()
    }
}

fn about(text: &str) -> Result<String, String> {
    if Sign::ALL.iter().any(|sign| sign.as_str() == text) {
        return Ok(text.to_owned());
    }
    let known =
        "want a measure such as C07, or new_device, gone_device, changed_certificate, drift_found";
    text.parse::<Measure>().map(|measure| measure.to_string()).map_err(|_| known.to_owned())
}

impl Findings {
    fn request(&self) -> v1::ListFindingsRequest {
        v1::ListFindingsRequest {
            site: self.site.as_ref().map_or(String::new(), ToString::to_string),
            device: self.device.as_ref().map_or(String::new(), ToString::to_string),
            about: self.about.clone(),
            judgments: self.judgment.iter().map(|it| it.wire()).collect(),
            ignored: self.ignored,
            limit: self.limit,
        }
    }
}

/// Lists findings, or goes on with what changes.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn run(
    findings: &Findings,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let mut session = Session::open(connection, console)?;
    if findings.watch {
        return watch(findings, &mut session, console);
    }
    let reply = session.ask(findings.request())?;
    let rows = reply.rows.into_iter().map(FindingRow::try_from).collect::<Result<Vec<_>, _>>()?;
    table::list(&rows, findings.printing.format, console)?;
    if reply.more {
        console.note(&format!("more match than these {}; narrow it down", rows.len()));
    }
    // What was not listed may be bad as well.
    let is_bad = rows.iter().any(FindingRow::is_bad) || reply.more;
    Ok(if findings.check && is_bad { BAD } else { GOOD })
}

/// Ctrl-C is how it is meant to end.
fn watch(
    findings: &Findings,
    session: &mut Session,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let request = findings.request();
    let mut rows = session.begin(async |client| client.watch_findings(request).await)?;
    let format = findings.printing.format;
    if format == Format::Text {
        let titles: Vec<_> = FindingRow::TITLES.iter().map(|it| (*it).to_owned()).collect();
        let line = table::aligned(&titles, &WATCH_WIDTHS, console.terminals.width);
        console.piece(&(line + "\n"))?;
    }
    loop {
        let row = match session.next(&mut rows) {
            Ok(Some(row)) => FindingRow::try_from(row)?,
            Err(Stop::Interrupted) => return Ok(GOOD),
            Ok(None) => {
                return Err(Stop::Failed(
                    "the controller ended the stream; run it again".to_owned(),
                ));
            }
            Err(other) => return Err(other),
        };
        let text = match format {
            Format::Json => table::line(&row)?,
            Format::Text => {
                let cells = row.cells(console.clock.now());
                table::aligned(&table::safe(&cells), &WATCH_WIDTHS, console.terminals.width) + "\n"
            }
        };
        if !console.piece(&text)? {
            return Ok(GOOD);
        }
    }
}
