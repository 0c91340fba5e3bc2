//! The document for programs: `schema/report.schema.json` says what is in it. Complete and deterministic; nothing is
//! cut. Characters that drive terminals or turn text around are written as `\u` escapes, so that even a document shown
//! raw does no harm and still reads back as what was seen.

use std::io;

use proto::text::is_harmful;
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::{DeviceReport, Report, Summary};

/// The JSON Schema (2020-12) of the document.
pub const SCHEMA: &str = include_str!("../../../schema/report.schema.json");

/// What the document says it is.
const NAME: &str = "palisade-report-1";

#[derive(Serialize)]
struct One<'a> {
    schema: &'static str,
    agent: &'a str,
    #[serde(flatten)]
    report: &'a DeviceReport,
}

#[derive(Serialize)]
struct Many<'a> {
    schema: &'static str,
    agent: &'a str,
    site: Option<&'a str>,
    devices: &'a [DeviceReport],
    summary: &'a Summary,
}

/// Writes the document, pretty-printed, with a line break at its end.
pub(super) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut *out, Harmless(PrettyFormatter::new()));
    match report.devices.as_slice() {
        [device] if report.single => {
            One { schema: NAME, agent: &report.agent, report: device }.serialize(&mut serializer)
        }
        devices => Many {
            schema: NAME,
            agent: &report.agent,
            site: report.site.as_deref(),
            devices,
            summary: &report.summary,
        }
        .serialize(&mut serializer),
    }?;
    out.write_all(b"\n")
}

/// Pretty JSON in which no harmful character stands as itself.
struct Harmless(PrettyFormatter<'static>);

impl Formatter for Harmless {
    fn write_string_fragment<W>(&mut self, out: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        // Nearly all of a report is plain, and there is a lot of it.
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_harmful(*c)) {
            out.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::{Format, Style, render, sample};
    use super::*;

    fn document(report: &Report) -> String {
        render(report, Format::Json, &Style::default())
    }

    #[test]
    fn one_device_is_the_whole_document_and_reads_back() {
        let report = sample::camera();
        let text = document(&report);
        assert!(text.starts_with(
            "{\n  \"schema\": \"palisade-report-1\",\n  \"agent\": \"0.1.0\",\n  \"device\": {\n"
        ));
        assert!(text.ends_with("\n}\n"));
        let back: DeviceReport = serde_json::from_str(&text).unwrap();
        assert_eq!(Some(&back), report.devices.first());
    }

    #[test]
    fn many_devices_are_a_list_and_read_back() {
        let report = sample::site();
        let document: Value = serde_json::from_str(&document(&report)).unwrap();
        assert_eq!(document["site"], "Harbour North");
        let back: Vec<DeviceReport> = serde_json::from_value(document["devices"].clone()).unwrap();
        assert_eq!(back, report.devices);
        let summary: Summary = serde_json::from_value(document["summary"].clone()).unwrap();
        assert_eq!(summary, report.summary);
    }

    #[test]
    fn hostile_text_is_kept_whole_but_never_raw() {
        let report = sample::hostile();
        let text = document(&report);
        assert!(!text.chars().any(|c| c != '\n' && is_harmful(c)));
        let document: Value = serde_json::from_str(&text).unwrap();
        let back: Vec<DeviceReport> = serde_json::from_value(document["devices"].clone()).unwrap();
        assert_eq!(back, report.devices);
    }

    #[test]
    fn the_schema_lists_exactly_the_keys_that_are_written() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let keys = |value: &Value| -> Vec<String> {
            let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        let one: Value = serde_json::from_str(&document(&sample::camera())).unwrap();
        let many: Value = serde_json::from_str(&document(&sample::site())).unwrap();
        let waived =
            one["findings"].as_array().unwrap().iter().find(|f| f["waived"] == true).unwrap();
        let failed =
            many["devices"].as_array().unwrap().iter().find(|d| !d["failure"].is_null()).unwrap();
        for (name, value) in [
            ("one", &one),
            ("many", &many),
            ("device_report", &many["devices"][0]),
            ("device", &one["device"]),
            ("summary", &one["summary"]),
            ("finding", waived),
            ("waiver", &waived["waiver"]),
            ("evidence", &one["findings"][0]["evidence"][0]),
            ("failure", &failed["failure"]),
        ] {
            let part = &schema["$defs"][name];
            assert_eq!(keys(&part["properties"]), keys(value), "{name}");
            assert_eq!(part["additionalProperties"], false, "{name}");
            let required = part["required"].as_array().unwrap();
            assert_eq!(required.len(), keys(value).len(), "{name}");
        }
    }
}
