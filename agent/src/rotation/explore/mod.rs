//! Walks every world that the machine and a device can get into together: crash before and after every effect, lost and
//! late requests, lost replies, reboots, a journal whose newest generation is unreadable, a link that is down, a person
//! who restores a backup, policy that changes midway, and devices that reject, garble, or lie. In each it asserts what
//! [`super`] promises, and that from each the machine comes to rest once faults cease.

mod device;
mod fault;
mod rest;
mod setting;
mod step;
mod world;

use std::fmt::Write as _;

use super::{Escrow, Proof, Rules, Second};
use fault::Fault;
use setting::{Device, Journal, Late, Setting};
use world::{Move, World, Worlds};

/// What an exploration found.
struct Explored {
    worlds: usize,
    edges: usize,
    /// What was violated, and how it came to that.
    violation: Option<(String, Vec<String>)>,
}

/// Walks breadth first, so that a trace is as short as can be.
fn explore(setting: &Setting, fault: Option<Fault>) -> Explored {
    let first = World::new();
    let mut seen = Worlds::default();
    seen.insert(first.clone());
    let mut resting = vec![Worlds::default(); setting.rules.len()];
    let mut order: Vec<(World, usize, Move)> = vec![(first, 0, Move::Start)];
    let (mut at, mut edges) = (0, 0);
    while at < order.len() {
        let world = order[at].0.clone();
        let mut rests = || world.comes_to_rest(setting, fault, &mut resting);
        if let Err(what) = world.check(setting).and_then(|()| rests()) {
            let trace = trace(&order, at);
            return Explored { worlds: order.len(), edges, violation: Some((what, trace)) };
        }
        for (how, reached) in world.moves(setting, fault) {
            edges += 1;
            if seen.insert(reached.clone()) {
                order.push((reached, at, how));
            }
        }
        at += 1;
    }
    Explored { worlds: order.len(), edges, violation: None }
}

fn trace(order: &[(World, usize, Move)], mut at: usize) -> Vec<String> {
    let mut steps = Vec::new();
    while at != 0 {
        let (world, before, how) = &order[at];
        steps.push(format!("{how}\n      {world}"));
        at = *before;
    }
    steps.reverse();
    steps
}

fn told(explored: &Explored) -> String {
    let mut out = String::new();
    if let Some((what, steps)) = &explored.violation {
        let _ = writeln!(out, "{what}, after");
        for (number, step) in steps.iter().enumerate() {
            let _ = writeln!(out, "  {:2}. {step}", number + 1);
        }
    }
    out
}

const ESCROW: [Escrow; 2] = [Escrow::Acknowledged, Escrow::VaultWillDo];
const SECOND: [Second; 2] = [Second::None, Second::Stands];
const PROOF: [Proof; 2] = [Proof::Word, Proof::Reboot];

fn rules(escrow: Escrow, second: Second, proof: Proof) -> Rules {
    Rules { escrow, second, proof }
}

/// Every device with every policy; more rotations, restored backups and unreadable journals with an honest one; a link
/// that is down; and policies that change midway.
fn settings() -> Vec<Setting> {
    let mut all = Vec::new();
    for second in SECOND {
        for proof in PROOF {
            let rules = vec![rules(Escrow::Acknowledged, second, proof)];
            let one = |device, late| {
                let (rotations, restores, journal) = (1, 0, Journal::Sound);
                Setting { rules: rules.clone(), device, rotations, restores, journal, late }
            };
            all.extend(Device::all().map(|device| one(device, Late::Lost)));
            all.extend(Device::all().map(|device| one(device, Late::Arrive)));
            let honest = one(Device::Honest, Late::Arrive);
            all.push(Setting { rotations: 2, ..honest.clone() });
            all.push(Setting { restores: 1, ..honest.clone() });
            all.push(Setting { journal: Journal::FallsBack, ..honest });
            all.push(Setting { rotations: 2, ..one(Device::ForgetsToSave, Late::Arrive) });
        }
        let rules = vec![rules(Escrow::VaultWillDo, second, Proof::Word)];
        let (device, journal, late) = (Device::Honest, Journal::Sound, Late::Lost);
        all.push(Setting { rules, device, rotations: 1, restores: 0, journal, late });
    }
    let changing = |rules: [Rules; 2], rotations| Setting {
        rules: rules.into(),
        device: Device::Honest,
        rotations,
        restores: 0,
        journal: Journal::Sound,
        late: Late::Arrive,
    };
    all.push(changing(SECOND.map(|second| rules(ESCROW[0], second, Proof::Word)), 1));
    all.push(changing(PROOF.map(|proof| rules(ESCROW[0], Second::None, proof)), 2));
    all.push(changing(ESCROW.map(|escrow| rules(escrow, Second::None, Proof::Word)), 1));
    all
}

#[test]
fn no_world_loses_a_device_and_every_world_comes_to_rest() {
    let (mut worlds, mut edges) = (0, 0);
    for setting in settings() {
        let explored = explore(&setting, None);
        assert!(explored.violation.is_none(), "{setting:?}: {}", told(&explored));
        println!("{setting:?}: {} worlds, {} edges", explored.worlds, explored.edges);
        worlds += explored.worlds;
        edges += explored.edges;
    }
    println!("{worlds} worlds, {edges} edges");
    assert!(worlds > 10_000, "the explorer must walk somewhere; it saw {worlds} worlds");
}

#[test]
fn every_planted_fault_is_caught_with_a_trace() {
    for fault in Fault::ALL {
        let caught = settings().iter().find_map(|setting| {
            let explored = explore(setting, Some(fault));
            explored.violation.is_some().then(|| (format!("{setting:?}"), explored))
        });
        let Some((setting, explored)) = caught else { panic!("{fault:?} was not caught") };
        println!("{fault:?}, {setting}: {}", told(&explored));
        let (what, steps) = explored.violation.as_ref().expect("it was found by it");
        assert!(!steps.is_empty(), "{fault:?}: {what} without a trace");
    }
}
