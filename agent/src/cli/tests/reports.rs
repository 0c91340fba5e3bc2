//! One report, however it comes about.

use super::*;
use crate::cli::arguments::{Color, Printing};
use crate::cli::judge::style;
use crate::cli::{FAILED, GOOD};
use crate::facts::Record;
use crate::report::Format;

const FORMATS: [&str; 5] = ["table", "json", "csv", "junit", "html"];

#[test]
fn judging_saved_facts_gives_the_audits_report_byte_for_byte() {
    let world = World::new();
    site_without_cameras(&world);
    world.write("policy.toml", "[networks]\nvms = [\"192.0.2.6\"]\n[stances]\nN05 = \"ignore\"\n");
    for format in FORMATS {
        let common = ["--policy", "@policy.toml", "--format", format, "--verbose"];
        let audit = ["audit", "--inventory", "@site.toml", "--save-facts", "@facts.json"];
        let audit = world.run(&[&audit[..], &common].concat());
        let judge = world.run(&[&["judge", "@facts.json"][..], &common].concat());
        assert!(!audit.out.is_empty());
        assert_eq!((audit.code, &audit.out), (judge.code, &judge.out), "{format}");
    }
}

#[test]
fn facts_on_standard_input_are_judged_too() {
    let mut world = World::new();
    site_without_cameras(&world);
    world.run(&["audit", "--inventory", "@site.toml", "--save-facts", "@facts.json"]);
    world.input = fs::read(world.path("facts.json")).unwrap();
    let (file, input) = (world.run(&["judge", "@facts.json"]), world.run(&["judge", "-"]));
    assert_eq!((file.code, file.out), (input.code, input.out));
}

#[test]
fn a_record_says_who_looked_at_what() {
    let world = World::new();
    site_without_cameras(&world);
    world.run(&["audit", "--inventory", "@site.toml", "--save-facts", "@facts.json"]);
    let record: Record =
        serde_json::from_slice(&fs::read(world.path("facts.json")).unwrap()).unwrap();
    let names: Vec<_> = record.observations.iter().map(|it| it.device.name.as_str()).collect();
    assert_eq!(names, ["vms", "nas", "broken"]);
    assert_eq!((record.site.as_deref(), record.single), (Some("north"), false));
    let workstation: std::net::IpAddr = "192.0.2.5".parse().unwrap();
    assert!(record.observations.iter().all(|it| it.vms_addresses == [workstation]));
}

#[test]
fn a_single_file_is_named_after_itself_or_as_told() {
    let world = World::new();
    world.write("gate 7.cfg", "x");
    for (more, name) in [(&[][..], "gate-7"), (&["--name", "yard"], "yard")] {
        let arguments = [&["audit", "@gate 7.cfg", "--save-facts", "@facts"][..], more].concat();
        let answer = world.run(&arguments);
        assert!(answer.err.contains(&format!("palisade-agent: {name}: ")), "{answer:?}");
        let record: Record =
            serde_json::from_slice(&fs::read(world.path("facts")).unwrap()).unwrap();
        assert_eq!((record.single, record.observations[0].device.name.as_str()), (true, name));
    }
}

#[test]
fn a_device_that_failed_does_not_hide_the_others() {
    let world = World::new();
    site_without_cameras(&world);
    let answer = world.run(&["audit", "--inventory", "@site.toml", "--format", "csv"]);
    assert_eq!(answer.code, FAILED);
    assert!(answer.err.starts_with("palisade-agent: broken: "), "{answer:?}");
    assert!(answer.out.contains("nas") && answer.out.contains("vms"), "{answer:?}");
}

#[test]
fn nothing_to_complain_about_ends_with_0() {
    let world = World::new();
    world.write(
        "facts",
        "{\"palisade_facts\":1,\"agent\":\"0\",\"site\":null,\"single\":false,\"observations\":[]}",
    );
    assert_eq!(world.run(&["judge", "@facts"]).code, GOOD);
}

#[test]
fn colour_is_for_terminals_unless_somebody_says_otherwise() {
    let colored =
        |terminal: bool, variables: &[(&'static str, &'static str)], color, output: bool| {
            let mut world = World::new();
            world.terminals.output = terminal;
            world.terminals.width = terminal.then_some(77);
            world.variables.extend(variables.iter().copied());
            let output = output.then(|| PathBuf::from("report"));
            let format = Format::Table;
            let printing = Printing { format, output, unknown_ok: false, verbose: false, color };
            let console = Console {
                input: &mut io::empty(),
                output: &mut io::sink(),
                errors: &mut io::sink(),
                variable: &|name| world.variables.get(name).map(OsString::from),
                ask: &|_| Ok(String::new()),
                terminals: world.terminals,
            };
            let style = style(&printing, &console);
            (style.colour, style.width)
        };
    let none = (false, 80);
    assert_eq!(colored(true, &[], Color::Auto, false), (true, 77));
    assert_eq!(colored(true, &[("NO_COLOR", "1")], Color::Auto, false), (false, 77));
    assert_eq!(colored(true, &[("NO_COLOR", "")], Color::Auto, false), (true, 77));
    assert_eq!(colored(true, &[("TERM", "dumb")], Color::Auto, false), (false, 77));
    assert_eq!(colored(true, &[], Color::Never, false), (false, 77));
    assert_eq!(colored(false, &[], Color::Auto, false), none);
    assert_eq!(colored(true, &[], Color::Auto, true), none, "a file is no terminal");
    assert_eq!(colored(false, &[("NO_COLOR", "1")], Color::Always, false), (true, 80));
}
