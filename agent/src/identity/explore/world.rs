//! One world: the papers, the journal, and what the controller takes.

use std::collections::BTreeSet;

use proto::Timestamp;

use super::super::renewal::{Given, Papers, Plan, RULES, Staged, Work};
use super::fault::Fault;
use crate::rotation::{Ask, Effect, Next, Outcome, Pace, Rotation};

type Id = u8;
/// The key of the first renewal; a setting may have its certificate refused.
const FIRST_MADE: Id = 1;

/// What is explored.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Whether the first new certificate is refused.
    pub refuses: bool,
    /// How many certificates lapse.
    pub lapses: u8,
    /// How many keys are made at most.
    pub keys: u8,
}

/// All there is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct World {
    papers: Papers<Id>,
    journal: Option<Rotation<Id>>,
    /// The journal's other generation.
    previous: Option<Rotation<Id>>,
    /// The keys with which the controller lets the box in.
    takes: BTreeSet<Id>,
    /// The key that came with a recovery which the box has not heard of yet.
    joining: Option<Id>,
    /// Two keys came for one join: it looks like two boxes.
    locked: bool,
    /// The certificate in use has lapsed.
    lapsed: bool,
    /// A turn is under way, with the journal's state in hand. After a crash one begins, and looks at the papers.
    in_turn: bool,
    made: u8,
    lapses: u8,
}

type Moves = Vec<(&'static str, World)>;

fn now() -> Timestamp {
    Timestamp::from_unix(1_800_000_000)
}

impl World {
    pub fn new(setting: Setting) -> Self {
        Self {
            papers: Papers { live: 0, next: None },
            journal: None,
            previous: None,
            takes: BTreeSet::from([0]),
            joining: None,
            locked: false,
            lapsed: false,
            in_turn: false,
            made: 0,
            lapses: setting.lapses,
        }
    }

    /// What is promised of every world.
    pub fn check(&self) -> Result<(), String> {
        let Papers { live, next } = &self.papers;
        if self.locked {
            return Err("two keys came for one join, and the way back is shut".to_owned());
        }
        if !self.lapsed && !self.takes.contains(live) {
            return Err(format!("the box is {live}, which does not connect and has not lapsed"));
        }
        let held = |key: &Id| key == live || next.as_ref().is_some_and(|next| next.key == *key);
        if let Some(lost) = self.takes.iter().find(|key| !held(key)) {
            return Err(format!("the controller takes {lost}, which the box does not hold"));
        }
        if let Some(Rotation::Stranded { .. }) = self.journal {
            return Err("a key of ours is stranded".to_owned());
        }
        Ok(())
    }

    /// Whether all comes to its end once faults cease.
    pub fn rests(&self, setting: Setting, fault: Option<Fault>) -> Result<(), String> {
        let (mut world, unbounded) = (self.clone(), Setting { keys: u8::MAX, ..setting });
        for _ in 0..60 {
            if world.papers.is_over() {
                world.papers.next = None;
            } else if !world.takes.contains(&world.papers.live) {
                let moves = world.way_back(unbounded, fault);
                world = moves.into_iter().last().expect("it is always open").1;
                world.check()?;
            } else {
                let Some((state, effect)) = world.agent(true, fault) else { break };
                if matches!(effect, Effect::Mint(_)) && world.papers.next.is_none() {
                    return Ok(());
                }
                let mut moves = Moves::new();
                world.act(state, &effect, unbounded, fault, &mut moves);
                let done = moves.into_iter().rev().find(|(how, _)| *how == "done");
                world = done.expect("it always can be done").1;
            }
        }
        Err(format!("it goes on for ever: {world:?}"))
    }

    /// Every world that may come next.
    pub fn moves(&self, setting: Setting, fault: Option<Fault>) -> Moves {
        let mut out = Moves::new();
        if self.papers.is_over() {
            out.push(("forgets what is over", self.with(|world| world.papers.next = None)));
        }
        let bare = self.papers.next.is_some_and(|next| next.given == Given::Nothing);
        if bare && fault == Some(Fault::ForgetAKeyWithoutACertificate) {
            out.push(("forgets what lapsed", self.with(|world| world.papers.next = None)));
        }
        for begins in [true, false] {
            if let Some((state, effect)) = self.agent(begins, fault) {
                self.act(state, &effect, setting, fault, &mut out);
            }
        }
        if !self.takes.contains(&self.papers.live) {
            out.extend(self.way_back(setting, fault));
        }
        if self.journal.is_some() {
            let stopped = self.with(|world| world.in_turn = false);
            out.push(("the journal is lost", Self { journal: None, ..stopped.clone() }));
            let journal = self.previous.clone();
            out.push(("the journal is one behind", Self { journal, ..stopped }));
        }
        self.lapse(&mut out);
        out
    }

    fn lapse(&self, out: &mut Moves) {
        if self.lapses == 0 {
            return;
        }
        let lapses = self.lapses - 1;
        if !self.lapsed {
            let lapsed = self.with(|world| {
                world.lapsed = true;
                world.takes.remove(&world.papers.live);
            });
            out.push(("the certificate lapses", Self { lapses, ..lapsed }));
        }
        let next = self.papers.next.filter(|next| next.given == Given::Certificate);
        if let Some(next) = next.filter(|next| next.key != self.papers.live) {
            let lapsed = self.with(|world| {
                world.takes.remove(&next.key);
                let staged = Staged { key: next.key, given: Given::Nothing };
                world.papers.next = Some(staged);
            });
            out.push(("the next certificate lapses", Self { lapses, ..lapsed }));
        }
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut world = self.clone();
        change(&mut world);
        world
    }

    fn agent(&self, begins: bool, fault: Option<Fault>) -> Option<(Rotation<Id>, Effect<Id>)> {
        let journal = self.journal.clone();
        let believed = journal.clone().filter(|_| fault == Some(Fault::BelieveTheJournal));
        let rotation = match (begins, believed) {
            (_, Some(believed)) => believed,
            (true, None) => self.papers.standing(journal, now()),
            (false, None) => journal.filter(|_| self.in_turn)?,
        };
        match (rotation.next(&RULES, now()), fault) {
            (
                Next::Do {
                    state: Rotation::InDoubt(change, Ask::Next),
                    effect: Effect::Probe(auth),
                },
                Some(Fault::BecomeBeforeItIsProven),
            ) => Some((Rotation::Unsaved(change), Effect::Save { auth })),
            (Next::Do { state, effect }, _) => Some((state, effect)),
            (Next::Sleep { .. }, _) => None,
        }
    }

    fn act(
        &self,
        state: Rotation<Id>,
        effect: &Effect<Id>,
        setting: Setting,
        fault: Option<Fault>,
        out: &mut Moves,
    ) {
        let before = self.with(|world| {
            world.write(state);
            world.in_turn = false;
        });
        out.push(("crash before the effect", before.clone()));
        let work = match self.papers.plan(effect) {
            Plan::Known(outcome) => return out.push(("done", before.learned(effect, outcome))),
            Plan::Do(work) => work,
        };
        let key = self.papers.next.map(|next| next.key);
        let mut end = |world: Self, outcome| {
            out.push(("crash after the effect", world.clone()));
            out.push(("done", world.learned(effect, outcome)));
        };
        match (work, key) {
            (Work::MakeKey, _) if self.made >= setting.keys => {}
            (Work::MakeKey, _) => {
                let made = before.make_key();
                let next = made.made;
                end(made, Outcome::Minted { next, second: None });
            }
            (Work::Forget, _) => end(before.with(|it| it.papers.next = None), Outcome::Done),
            (Work::Ask, Some(key)) => before.ask(key, effect, setting, fault, out),
            (Work::Connect, Some(key)) => {
                let outcome =
                    if before.takes.contains(&key) { Outcome::Done } else { Outcome::Refused };
                end(before.clone(), outcome);
                out.push(("no answer", before.learned(effect, Outcome::Unknown)));
            }
            (Work::Become, Some(key)) => {
                let halves = before.become_next(key, fault);
                out.push(("crash between the writes", halves.0));
                out.push(("crash after the effect", halves.1.clone()));
                out.push(("done", halves.1.learned(effect, Outcome::Done)));
            }
            (Work::Ask | Work::Connect | Work::Become, None) => {
                unreachable!("the plan needs a next key")
            }
        }
    }

    fn make_key(&self) -> Self {
        self.with(|world| {
            world.made += 1;
            world.papers.next = Some(Staged { key: world.made, given: Given::Nothing });
        })
    }

    fn ask(
        &self,
        mut key: Id,
        effect: &Effect<Id>,
        setting: Setting,
        fault: Option<Fault>,
        out: &mut Moves,
    ) {
        if !self.takes.contains(&self.papers.live) {
            return out.push(("no line", self.clone()));
        }
        let mut before = self.clone();
        if fault == Some(Fault::AskWithANewKeyEachTime) && self.made < setting.keys {
            before = before.make_key();
            key = before.made;
        }
        let certified = before.with(|world| {
            if !(setting.refuses && key == FIRST_MADE) {
                world.takes.insert(key);
            }
        });
        if fault == Some(Fault::AskBeforeTheKeyIsKept) {
            out.push(("crash after the request", certified.with(|it| it.papers.next = None)));
        }
        out.push(("the reply is lost", certified.clone().learned(effect, Outcome::Unknown)));
        out.push(("the controller was restored", before.learned(effect, Outcome::Unknown)));
        let kept = certified.with(|world| {
            world.papers.next = Some(Staged { key, given: Given::Certificate });
            if fault == Some(Fault::DropTheOldOneWhenTheNewOneIsCertified) {
                world.papers.live = key;
                world.takes.remove(&self.papers.live);
            }
        });
        out.push(("crash after the effect", kept.clone()));
        out.push(("done", kept.learned(effect, Outcome::Done)));
    }

    /// After the first write, and after the second.
    fn become_next(&self, key: Id, fault: Option<Fault>) -> (Self, Self) {
        let member = |world: &Self| {
            world.with(|world| {
                // Nobody needs the old one any more, which ends by itself.
                world.takes.remove(&world.papers.live);
                world.papers.live = key;
                world.lapsed = false;
            })
        };
        let forgotten = |world: &Self| world.with(|world| world.papers.next = None);
        if fault == Some(Fault::ForgetBeforeBecoming) {
            return (forgotten(self), member(&forgotten(self)));
        }
        (member(self), forgotten(&member(self)))
    }

    /// The way back of a box that is not let in any more. The last world is the one where all goes well.
    fn way_back(&self, setting: Setting, fault: Option<Fault>) -> Moves {
        let mut out = Moves::new();
        let mut start = self.clone();
        let next = self.papers.next.filter(|next| next.key != self.papers.live);
        if let Some(next) = next.filter(|next| next.given == Given::Certificate) {
            if self.takes.contains(&next.key) {
                let (half, whole) = self.become_next(next.key, None);
                out.extend([("proven, then a crash", half), ("proven on the way back", whole)]);
                return out;
            }
            start.papers.next = Some(Staged { key: next.key, given: Given::Nothing });
            out.push(("refused on the way back", start.clone()));
        }
        start.recover(setting, fault, &mut out);
        out
    }

    fn recover(&self, setting: Setting, fault: Option<Fault>, out: &mut Moves) {
        let begun = self.papers.next.filter(|next| next.key != self.papers.live);
        let begun = begun.filter(|_| fault != Some(Fault::ComeBackWithANewKeyEachTime));
        let (kept, key) = match begun {
            Some(next) => (self.clone(), next.key),
            None if self.made >= setting.keys => return,
            None => (self.make_key(), self.made + 1),
        };
        out.push(("the key of a recovery is kept", kept.clone()));
        let sent = kept.with(|world| {
            world.locked |= world.joining.is_some_and(|joining| joining != key);
            world.joining = Some(key);
            world.takes.insert(key);
        });
        out.push(("the reply to a recovery is lost", sent.clone()));
        let mut sent = sent;
        sent.joining = None;
        let (half, whole) = sent.become_next(key, None);
        out.extend([("recovered, then a crash", half), ("recovered", whole)]);
    }

    fn write(&mut self, state: Rotation<Id>) {
        if self.journal.as_ref() != Some(&state) {
            self.previous = self.journal.replace(state);
        }
    }

    fn learned(mut self, effect: &Effect<Id>, outcome: Outcome<Id>) -> Self {
        let pace = Pace { due: now(), retry: now(), again: now() };
        let state = self.journal.clone().expect("it was committed");
        let mut state = state.learn(effect, outcome, &RULES, &pace);
        if let Rotation::Settled { older, .. } = &mut state {
            // Nothing asks for them.
            older.clear();
        }
        self.write(state);
        self.in_turn = true;
        self
    }
}
