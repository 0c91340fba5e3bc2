//! Walks every world that a renewal, the way back and a controller can get into together: a crash before and after every
//! write and every call, lost replies, a controller that is away, that refuses a new certificate, that was restored to
//! before it certified; certificates that lapse; a journal that is lost or one generation behind. The machine and
//! [`super::renewal`] are the real ones.
//!
//! In each it asserts that the box has an identity which connects or a way back that is not shut; that every key the
//! controller takes is one the box holds, two at most; and that a renewal comes to its end once faults cease.

mod fault;
mod world;

use std::collections::BTreeSet;

use fault::Fault;
use world::{Setting, World};

/// What an exploration found.
struct Explored {
    worlds: usize,
    edges: usize,
    violation: Option<(String, Vec<String>)>,
}

/// Walks breadth first, so that a trace is as short as can be.
fn explore(setting: Setting, fault: Option<Fault>) -> Explored {
    let mut seen = BTreeSet::from([World::new(setting)]);
    let mut order = vec![(World::new(setting), 0, "start")];
    let (mut at, mut edges) = (0, 0);
    while at < order.len() {
        let world = order[at].0.clone();
        if let Err(what) = world.check().and_then(|()| world.rests(setting, fault)) {
            let mut trace = Vec::new();
            let mut step = at;
            while step != 0 {
                trace.push(format!("{}\n      {:?}", order[step].2, order[step].0));
                step = order[step].1;
            }
            trace.reverse();
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

fn settings() -> impl Iterator<Item = Setting> {
    [(false, 0), (false, 2), (true, 0), (true, 2)].into_iter().map(|(refuses, lapses)| Setting {
        refuses,
        lapses,
        keys: 3,
    })
}

#[test]
fn no_world_leaves_the_box_a_stranger_and_every_renewal_comes_to_its_end() {
    let (mut worlds, mut edges) = (0, 0);
    for setting in settings() {
        let explored = explore(setting, None);
        assert!(explored.violation.is_none(), "{setting:?}: {:#?}", explored.violation);
        worlds += explored.worlds;
        edges += explored.edges;
    }
    println!("{worlds} worlds, {edges} edges");
    assert!(worlds > 500, "the explorer must walk somewhere; it saw {worlds} worlds");
}

#[test]
fn every_planted_fault_of_a_renewal_is_caught_with_a_trace() {
    for fault in Fault::ALL {
        let caught = settings().find_map(|setting| explore(setting, Some(fault)).violation);
        let Some((what, trace)) = caught else { panic!("{fault:?} was not caught") };
        println!("{fault:?}: {what}, after {} steps", trace.len());
        assert!(!trace.is_empty(), "{fault:?}: {what} without a trace");
    }
}
