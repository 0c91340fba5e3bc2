//! A test report for a build server: a suite per device, a case per measure.
//!
//! Unmet is a failure. Unknown, not applicable, waived and ignored are skipped, with the reason as the message: a build
//! server has no word for "nobody knows", and neither a pass nor a failure would be true. Met and attested pass. A
//! device that could not be audited is an error. Characters that XML forbids are left out.

use std::io;

use proto::Finding;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::words::{self, Rank};
use super::{DeviceReport, Report, Summary};
use crate::facts::Failure;

type Xml<'a> = Writer<&'a mut dyn io::Write>;

/// Writes the document.
pub(super) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let mut xml: Xml<'_> = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut root = element("testsuites", &[("name", report.site.as_deref().unwrap_or("palisade"))]);
    count(&mut root, &report.summary);
    xml.write_event(Event::Start(root))?;
    for device in &report.devices {
        suite(&mut xml, report, device)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
    xml.into_inner().write_all(b"\n")
}

fn suite(xml: &mut Xml<'_>, report: &Report, device: &DeviceReport) -> io::Result<()> {
    let time = device.observed_at.to_string();
    let name = device.device.name.as_str();
    let mut start = element("testsuite", &[("name", name), ("timestamp", &time)]);
    count(&mut start, &device.summary);
    xml.write_event(Event::Start(start))?;
    properties(xml, report, device)?;
    if let Some(failure) = &device.failure {
        error(xml, name, failure)?;
    }
    for finding in &device.findings {
        case(xml, name, finding)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuite")))
}

fn properties(xml: &mut Xml<'_>, report: &Report, device: &DeviceReport) -> io::Result<()> {
    let head = &device.device;
    let known = [
        ("agent", Some(report.agent.as_str())),
        ("kind", Some(words::kind(head.kind))),
        ("source", Some(words::source(head.source))),
        ("address", Some(head.address.as_str())),
        ("product", head.product.as_deref()),
        ("model", head.model.as_deref()),
        ("firmware", head.firmware.as_deref()),
        ("serial", head.serial.as_deref()),
    ];
    xml.write_event(Event::Start(BytesStart::new("properties")))?;
    for (name, value) in known {
        if let Some(value) = value {
            let property = element("property", &[("name", name), ("value", value)]);
            xml.write_event(Event::Empty(property))?;
        }
    }
    xml.write_event(Event::End(BytesEnd::new("properties")))
}

fn error(xml: &mut Xml<'_>, device: &str, failure: &Failure) -> io::Result<()> {
    let case = element("testcase", &[("name", "audit"), ("classname", device)]);
    xml.write_event(Event::Start(case))?;
    let class = words::failure(failure.class);
    let text = format!("{}\nadvice: {}", failure.message, words::advice(failure.class));
    text_element(xml, "error", &[("type", class), ("message", &failure.message)], &text)?;
    xml.write_event(Event::End(BytesEnd::new("testcase")))
}

fn case(xml: &mut Xml<'_>, device: &str, finding: &Finding) -> io::Result<()> {
    let name = format!("{} {}", finding.measure, finding.title);
    let class = format!("{device}.{}", finding.measure.chapter());
    xml.write_event(Event::Start(element("testcase", &[("name", &name), ("classname", &class)])))?;
    let rank = Rank::of(finding);
    match rank {
        Rank::Unmet => {
            let attributes = [("type", rank.word()), ("message", finding.observed.as_str())];
            text_element(xml, "failure", &attributes, &account(finding))?;
        }
        Rank::Met | Rank::Attested => {
            let text = format!("{}: {}", rank.word(), finding.observed);
            text_element(xml, "system-out", &[], &text)?;
        }
        Rank::Waived | Rank::Unknown | Rank::NotApplicable | Rank::Ignored => {
            let message = format!("{}: {}", rank.word(), reason(finding));
            xml.write_event(Event::Empty(element("skipped", &[("message", &message)])))?;
        }
    }
    xml.write_event(Event::End(BytesEnd::new("testcase")))
}

fn reason(finding: &Finding) -> String {
    match &finding.waiver {
        Some(waiver) if finding.waived => format!(
            "{}; accepted by {} until {}: {}",
            finding.observed, waiver.owner, waiver.expires, waiver.reason
        ),
        Some(_) | None => finding.observed.clone(),
    }
}

fn account(finding: &Finding) -> String {
    let Finding { expected, observed, why, remedy, .. } = finding;
    let mut text =
        format!("expected: {expected}\nobserved: {observed}\nwhy: {why}\nremedy: {remedy}\n");
    let disruption = words::disruption(finding.disruption);
    let lockout = words::lockout(finding.lockout_risk);
    text.push_str(&format!("disruption: {disruption}\nlock-out risk: {lockout}\n"));
    for piece in &finding.evidence {
        text.push_str(&format!("evidence: {}: {}\n", piece.source, piece.text));
    }
    text
}

fn element<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    let mut element = BytesStart::new(name);
    for (name, value) in attributes {
        element.push_attribute((*name, legal(value).as_str()));
    }
    element
}

fn text_element(
    xml: &mut Xml<'_>,
    name: &str,
    attributes: &[(&str, &str)],
    text: &str,
) -> io::Result<()> {
    xml.write_event(Event::Start(element(name, attributes)))?;
    xml.write_event(Event::Text(BytesText::new(&legal(text))))?;
    xml.write_event(Event::End(BytesEnd::new(name)))
}

fn count(element: &mut BytesStart<'_>, summary: &Summary) {
    let skipped = [Rank::Waived, Rank::Unknown, Rank::NotApplicable, Rank::Ignored];
    let skipped: u32 = skipped.iter().map(|rank| rank.count(summary)).sum();
    let failures = Rank::Unmet.count(summary);
    let tests = skipped + failures + summary.met + summary.attested + summary.failed_devices;
    let errors = summary.failed_devices;
    for (name, number) in
        [("tests", tests), ("failures", failures), ("errors", errors), ("skipped", skipped)]
    {
        element.push_attribute((name, number.to_string().as_str()));
    }
}

/// Without the characters that XML 1.0 (section 2.2) forbids, and without the control characters it merely discourages.
fn legal(text: &str) -> String {
    let allowed = |c: &char| match c {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => !c.is_control(),
    };
    text.chars().filter(allowed).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::Reader;

    use super::super::{Format, Style, render, sample};
    use super::*;

    /// Every element's name with its `message`, in order; fails on text that is not well-formed.
    fn elements(xml: &str) -> Vec<(String, Option<String>)> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().check_end_names = true;
        let mut seen = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) | Event::Empty(start) => {
                    let mut message = None;
                    for attribute in start.attributes() {
                        let attribute = attribute.unwrap();
                        let value = quick_xml::escape::unescape(&attribute.value).unwrap();
                        if attribute.key.as_ref() == "message" {
                            message = Some(value.into_owned());
                        }
                    }
                    seen.push((start.name().as_ref().to_owned(), message));
                }
                Event::Eof => return seen,
                _ => {}
            }
        }
    }

    fn number(xml: &str, name: &str) -> usize {
        elements(xml).iter().filter(|(element, _)| element == name).count()
    }

    #[test]
    fn verdicts_become_the_nearest_thing_a_build_server_knows() {
        let xml = render(&sample::camera(), Format::Junit, &Style::default());
        let counts = r#"tests="32" failures="8" errors="0" skipped="18">"#;
        assert!(xml.contains(counts), "{}", xml.lines().nth(1).unwrap());
        assert_eq!((number(&xml, "failure"), number(&xml, "skipped")), (8, 18));
        assert!(xml.contains(r#"<testcase name="C03 Factory administrator login is gone" classname="yard-entrance.Camera">"#));
        assert!(xml.contains("accepted by Kim Berg until 2027-04-30"));
    }

    #[test]
    fn a_device_that_could_not_be_audited_is_an_error() {
        let xml = render(&sample::site(), Format::Junit, &Style::default());
        assert_eq!((number(&xml, "testsuite"), number(&xml, "error")), (6, 1));
        assert!(
            xml.contains("no answer within 10 seconds") && xml.contains("check that it has power")
        );
    }

    #[test]
    fn hostile_text_stays_text() {
        let xml = render(&sample::hostile(), Format::Junit, &Style::default());
        assert_eq!((number(&xml, "testsuite"), number(&xml, "script")), (2, 0));
        assert!(!xml.contains(|c: char| c.is_control() && !"\t\r\n".contains(c)));
    }

    proptest! {
        #[test]
        fn any_message_reads_back(text in "(?s).{0,60}") {
            let mut report = sample::silent();
            report.devices[0].failure.as_mut().unwrap().message.clone_from(&text);
            let seen = elements(&render(&report, Format::Junit, &Style::default()));
            let message = seen.into_iter().find(|(name, _)| name == "error").unwrap().1.unwrap();
            prop_assert_eq!(message, legal(&text));
        }
    }
}
