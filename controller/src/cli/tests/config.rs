//! `palisade config check`: files, variables, and what is printed.

use super::*;
use crate::cli::{GOOD, USAGE};

const SMALL: &str = "[server]\naddresses = [\"controller.example.org:7443\"]\n";

fn check(world: &World) -> Answer {
    world.run(&["config", "check", "--config", "@palisade.toml"])
}

#[test]
fn the_settings_in_force_are_printed_with_words_defaults_and_origins() {
    let mut world = World::new();
    world.write("palisade.toml", format!("{SMALL}[lives]\ntoken = \"2h\"\n"));
    world.variables.insert("PALISADE_LIMITS_HANDSHAKES", "9".to_owned());
    let answer = check(&world);
    assert_eq!((answer.code, answer.err.as_str()), (GOOD, ""), "{answer:?}");
    for line in [
        "token = \"2h\"",
        "code = \"1d\"",
        "handshakes = 9",
        "(from PALISADE_LIMITS_HANDSHAKES; default 64)",
        "1m to 30d (from the file; default \"1d\")",
        "listen = \"0.0.0.0:7443\"",
    ] {
        assert!(answer.out.contains(line), "{line}: {}", answer.out);
    }
    // What is printed is a file that means the same.
    world.write("palisade.toml", &answer.out);
    world.variables.remove("PALISADE_LIMITS_HANDSHAKES");
    let json =
        |answer: &Answer| -> serde_json::Value { serde_json::from_str(&answer.out).unwrap() };
    let again = world.run(&["config", "check", "--config", "@palisade.toml", "--format", "json"]);
    let again = json(&again);
    assert_eq!(again["limits"]["handshakes"]["value"], 9);
    assert_eq!(again["limits"]["handshakes"]["default"], 64);
    assert_eq!(again["limits"]["handshakes"]["from"], "file");
    assert_eq!(again["limits"]["handshakes"]["variable"], "PALISADE_LIMITS_HANDSHAKES");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let mut world = World::new();
    let bad = |world: &World, text: &str, words: &[&str]| {
        world.write("palisade.toml", text);
        refused(&check(world), USAGE, &[&["palisade.toml"], words].concat());
    };
    bad(&world, "[server]\nlisten = 1\n", &["line 2"]);
    bad(&world, "[servers]\n", &["line 1", "did you mean `server`"]);
    bad(&world, "", &["server.addresses", "1 to 8"]);
    bad(&world, &format!("{SMALL}listen = \"7443\"\n"), &["line 3"]);
    bad(&world, &format!("{SMALL}[limits]\npending = -1\n"), &["line 4"]);
    bad(&world, &format!("{SMALL}[keep]\nfindings = \"9999d\"\n"), &["keep.findings", "3650d"]);
    world.variables.insert("PALISADE_LIVES_TOKN", "1h".to_owned());
    bad(&world, SMALL, &["PALISADE_LIVES_TOKN", "did you mean PALISADE_LIVES_TOKEN?"]);
}

#[test]
fn the_file_comes_from_the_option_then_the_environment() {
    let mut world = World::new();
    world.write("one.toml", SMALL);
    world.write("two.toml", format!("{SMALL}[lives]\ncode = \"3h\"\n"));
    let two = world.path("two.toml").to_str().unwrap().to_owned();
    world.variables.insert("PALISADE_CONFIG", two);
    assert!(world.run(&["config", "check"]).out.contains("code = \"3h\""));
    assert!(world.run(&["config", "check", "--config", "@one.toml"]).out.contains("code = \"1d\""));
    refused(&world.run(&["config", "check", "--config", "@none.toml"]), USAGE, &["none.toml"]);
    refused(&world.run(&["serve", "--config", "@none.toml"]), USAGE, &["none.toml"]);
}

#[test]
fn a_relative_data_folder_starts_at_the_file() {
    let world = World::new();
    world.write("palisade.toml", format!("{SMALL}data = \"data\"\n"));
    let wanted = format!("data = \"{}\"", world.path("data").display());
    assert!(check(&world).out.contains(&wanted), "{wanted}");
}

#[test]
fn what_is_no_file_is_refused() {
    let world = World::new();
    fs::create_dir(world.path("folder")).unwrap();
    fs::File::create(world.path("huge")).unwrap().set_len(1 << 30).unwrap();
    world.write("binary", b"\xff\xfe\0");
    for (file, word) in [
        ("@folder", "directory"),
        ("/dev/zero", "no file"),
        ("@huge", "at most"),
        ("@binary", "UTF-8"),
    ] {
        refused(&world.run(&["config", "check", "--config", file]), USAGE, &[word]);
    }
}
