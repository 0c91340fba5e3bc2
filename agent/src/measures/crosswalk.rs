//! The crosswalk: which measure touches which requirement of four frameworks, and how sure that is. Data, in
//! `crosswalk.toml`; this only reads it. It claims no conformity with anything.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proto::Measure;
use serde::{Deserialize, Serialize};

/// How well a measure and a requirement fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// The requirement asks for what the measure asks for.
    High,
    /// They overlap.
    Medium,
    /// They touch.
    Low,
    /// Written down from knowledge and not yet checked against the published text.
    Unchecked,
}

impl Certainty {
    /// The word used in files and on screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Unchecked => "unchecked",
        }
    }
}

/// One requirement of a framework.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// As the framework numbers it, such as `CR 1.5`.
    pub id: String,
    /// Where it differs from the row's.
    pub confidence: Option<Certainty>,
}

/// What one framework has for a measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Framework {
    /// Its name and edition.
    pub name: &'static str,
    /// Its requirements; empty if it has none that fit.
    pub references: Vec<Reference>,
}

/// One measure's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Crosswalk {
    /// How well the row fits as a whole.
    pub confidence: Certainty,
    /// The four frameworks.
    pub frameworks: [Framework; 4],
    /// What else must be said.
    pub note: Option<String>,
}

/// The row of a measure.
pub(super) fn row(measure: Measure) -> &'static Crosswalk {
    static ROWS: LazyLock<BTreeMap<Measure, Crosswalk>> = LazyLock::new(|| {
        read(include_str!("crosswalk.toml"))
            .expect("the built-in crosswalk is right: a test reads it")
    });
    ROWS.get(&measure).expect("every measure has a row: `read` has checked it")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    confidence: Certainty,
    etsi: Vec<String>,
    iec: Vec<String>,
    cis: Vec<String>,
    nist: Vec<String>,
    note: Option<String>,
}

fn read(text: &str) -> Result<BTreeMap<Measure, Crosswalk>, String> {
    let rows: BTreeMap<Measure, Row> =
        proto::text::parse_toml(text).map_err(|error| error.to_string())?;
    if let Some(missing) = Measure::all().find(|measure| !rows.contains_key(measure)) {
        return Err(format!("there is no row for {missing}"));
    }
    let crosswalk = |(measure, row): (Measure, Row)| {
        let framework = |name, is_id: fn(&str) -> bool, ids: &[String]| {
            let references = ids.iter().map(|id| reference(id, is_id));
            let references = references
                .collect::<Result<_, _>>()
                .map_err(|error| format!("{measure}: {error}"))?;
            Ok::<_, String>(Framework { name, references })
        };
        let frameworks = [
            framework("ETSI EN 303 645 V3.1.3", is_etsi, &row.etsi)?,
            framework("IEC 62443-4-2", is_iec, &row.iec)?,
            framework("CIS Controls v8.1", is_cis, &row.cis)?,
            framework("NIST SP 800-53 Rev. 5", is_nist, &row.nist)?,
        ];
        Ok((measure, Crosswalk { confidence: row.confidence, frameworks, note: row.note }))
    };
    rows.into_iter().map(crosswalk).collect()
}

/// `id`, or `id [M]`, `id [L]`, `id [K]`.
fn reference(text: &str, is_id: fn(&str) -> bool) -> Result<Reference, String> {
    let (id, mark) = text.split_once(" [").map_or((text, None), |(id, mark)| (id, Some(mark)));
    let confidence = match mark {
        None => None,
        Some("M]") => Some(Certainty::Medium),
        Some("L]") => Some(Certainty::Low),
        Some("K]") => Some(Certainty::Unchecked),
        Some(_) => return Err(format!("{text:?} has a mark that is none of [M], [L], [K]")),
    };
    if is_id(id) {
        Ok(Reference { id: id.to_owned(), confidence })
    } else {
        Err(format!("{id:?} is no id"))
    }
}

/// `5.3`, `5.3-15` or `5.3-15A`.
fn is_etsi(id: &str) -> bool {
    let (section, provision) = id.split_once('-').map_or((id, None), |(s, p)| (s, Some(p)));
    let is_provision = |text: &str| is_number(text.strip_suffix(['A', 'B']).unwrap_or(text));
    section.strip_prefix("5.").is_some_and(is_number) && provision.is_none_or(is_provision)
}

/// `CR 1.5`, `CR 1.1 RE1`, or a requirement for one kind of component: `EDR`, `HDR`, `NDR`, `SAR`.
fn is_iec(id: &str) -> bool {
    let mut words = id.split(' ');
    let kind =
        words.next().is_some_and(|kind| matches!(kind, "CR" | "EDR" | "HDR" | "NDR" | "SAR"));
    let number = words.next().and_then(|number| number.split_once('.'));
    let enhancement =
        words.next().is_none_or(|word| word.strip_prefix("RE").is_some_and(is_number));
    kind && number.is_some_and(|(a, b)| is_number(a) && is_number(b))
        && enhancement
        && words.next().is_none()
}

/// `11` for a whole control, `11.2` for a safeguard; there are 18 controls.
fn is_cis(id: &str) -> bool {
    let (control, safeguard) = id.split_once('.').map_or((id, None), |(c, s)| (c, Some(s)));
    is_number(control)
        && control.parse().is_ok_and(|number: u8| (1..=18).contains(&number))
        && safeguard.is_none_or(is_number)
}

/// `IA-5` or `IA-5(1)`, of one of the twenty families.
fn is_nist(id: &str) -> bool {
    const FAMILIES: [&str; 20] = [
        "AC", "AT", "AU", "CA", "CM", "CP", "IA", "IR", "MA", "MP", "PE", "PL", "PM", "PS", "PT",
        "RA", "SA", "SC", "SI", "SR",
    ];
    let Some((family, rest)) = id.split_once('-') else { return false };
    let (number, enhancement) = rest.split_once('(').map_or((rest, None), |(n, e)| (n, Some(e)));
    let is_enhancement = |text: &str| text.strip_suffix(')').is_some_and(is_number);
    FAMILIES.contains(&family) && is_number(number) && enhancement.is_none_or(is_enhancement)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("crosswalk.toml");

    #[test]
    fn every_measure_has_a_row_and_every_id_reads() {
        let rows = read(TEXT).unwrap();
        assert_eq!(rows.len(), 32);
        for (measure, row) in &rows {
            let count: usize =
                row.frameworks.iter().map(|framework| framework.references.len()).sum();
            assert!(count >= 2, "{measure}");
        }
    }

    #[test]
    fn a_missing_row_a_wrong_id_and_a_wrong_mark_are_named() {
        assert!(read(&TEXT.replace("[C07]", "[C7]")).is_ok(), "a code may be short");
        assert!(read(TEXT.split("[N05]").next().unwrap()).unwrap_err().contains("N05"));
        assert!(read(&TEXT.replace("\"EDR 3.10\"", "\"EDR 3\"")).unwrap_err().contains("C01"));
        assert!(
            read(&TEXT.replace("SA-22 [K]", "SA-22 [X]")).unwrap_err().contains("[M], [L], [K]")
        );
    }

    #[test]
    fn marks_are_told_apart_from_enhancements() {
        let read = |text| reference(text, is_nist).unwrap();
        assert_eq!(read("IA-5(1) [K]").confidence, Some(Certainty::Unchecked));
        assert_eq!(read("IA-5(1)").id, "IA-5(1)");
        assert_eq!(read("SC-7").confidence, None);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let wrong: [(fn(&str) -> bool, &[&str]); 4] = [
            (is_etsi, &["", "6.1-1", "5", "5.", "5.1-", "5.1-x", "5.1-1C"]),
            (is_iec, &["", "CR", "CR 1", "XR 1.1", "CR 1.1 RE", "CR 1.1 RE1 x", "1.1"]),
            (is_cis, &["", "0", "19.1", "11.x", "4.", "+1"]),
            (is_nist, &["", "IA", "XX-1", "IA-", "IA-5(", "IA-5(x)", "ia-5"]),
        ];
        for (is_id, texts) in wrong {
            assert!(texts.iter().all(|text| !is_id(text)), "{texts:?}");
        }
    }
}
