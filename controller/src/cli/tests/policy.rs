//! `palisade policy validate`, which needs no controller.

use super::*;
use crate::cli::{GOOD, USAGE};

#[test]
fn a_sound_policy_passes_and_a_wrong_one_says_where() {
    let mut world = World::new();
    world.write("policy.toml", "[passwords]\nmin_length = 12\n");
    let answer = world.run(&["policy", "validate", "@policy.toml"]);
    assert!(answer.code == GOOD && answer.out.is_empty(), "{answer:?}");
    world.write("wrong.toml", "[passwords]\nmin_lenght = 12\n");
    let wrong = world.run(&["policy", "validate", "@wrong.toml"]);
    refused(&wrong, USAGE, &["wrong.toml", "line 2", "did you mean `min_length`"]);
    world.write("range.toml", "[passwords]\nmin_length = 0\n");
    refused(&world.run(&["policy", "validate", "@range.toml"]), USAGE, &["min_length"]);
    world.input = b"[stances]\nC07 = \"enforce\"\n".to_vec();
    assert_eq!(world.run(&["policy", "validate", "-"]).code, GOOD);
    refused(&world.run(&["policy", "validate", "@none.toml"]), USAGE, &["none.toml"]);
}

#[test]
fn a_wrong_policy_is_refused_before_the_controller_is_asked() {
    let world = World::new();
    world.write("wrong.toml", "[passwords]\nmin_length = 0\n");
    for command in ["apply", "diff"] {
        refused(&world.run(&["policy", command, "@wrong.toml"]), USAGE, &["min_length"]);
    }
}

#[test]
fn a_waiver_that_is_over_is_pointed_out() {
    let world = World::new();
    let waiver = "[[waivers]]\nmeasure='C15'\nreason='VMS'\nowner='Kim'\nexpires='2020-01-01'\n";
    world.write("policy.toml", waiver);
    let answer = world.run(&["policy", "validate", "@policy.toml"]);
    assert!(answer.code == GOOD && answer.err.contains("C15 ended with 2020-01-01"), "{answer:?}");
}

#[test]
fn endless_input_is_cut_off() {
    let mut world = World::new();
    world.input = vec![b'#'; (1 << 20) + 1];
    refused(&world.run(&["policy", "validate", "-"]), USAGE, &["standard input", "more than"]);
}
