//! One step from a world to the next ones: what the agent does and what may come between, and what else may happen.

use super::super::attempts::Attempts;
use super::super::{Effect, Next, Outcome, Rotation, Rules};
use super::fault::Fault;
use super::setting::{Journal, Late, Setting};
use super::world::{Accounts, Id, LIMIT, Move, What, World, bit, now, pace};

impl World {
    /// Every world that may come next.
    pub fn moves(&self, setting: &Setting, fault: Option<Fault>) -> Vec<(Move, Self)> {
        let mut out = Vec::new();
        for rules in &setting.rules {
            if let Some((state, effect)) = self.agent(rules, setting.rotations, fault) {
                self.act(state, &effect, rules, setting, fault, &mut out);
            }
        }
        if self.late.is_some() {
            out.push((Move::LateRequestArrives, self.late_arrives(setting)));
            out.push((Move::LateRequestIsLost, Self { late: None, ..self.clone() }));
        } else if self.failures > 0 || self.attempts != Attempts::default() {
            let mut lapsed = self.clone();
            lapsed.lapse();
            out.push((Move::FailedLoginsLapse, lapsed));
        }
        if self.memory != self.flash {
            out.push((Move::DeviceReboots, Self { memory: self.flash, ..self.clone() }));
        }
        if self.journal != self.previous {
            let fallen = Self { journal: self.previous.clone(), ..self.clone() };
            out.push((Move::NewestJournalIsUnreadable, fallen));
        }
        if let Rotation::Settled { live, older, .. } = &self.journal {
            self.visit(live.credential, setting, &mut out);
            if self.restored < setting.restores
                && let Some(held) = older.last()
            {
                let back = Accounts { main: held.credential, second: None };
                let restored = self.restored + 1;
                let restored = Self { memory: back, flash: back, restored, ..self.clone() };
                out.push((Move::PersonRestores, restored));
            }
        }
        out
    }

    /// A visit's log-in, which the device counts like any other.
    fn visit(&self, live: Id, setting: &Setting, out: &mut Vec<(Move, Self)>) {
        if self.attempts.free_at(&LIMIT, now()) > now() || self.lets_in(live) {
            return;
        }
        let mut world = self.clone();
        world.attempts.charge(&LIMIT, now());
        world.failures += 1;
        out.push((Move::VisitCrashes, world.clone()));
        world.write(world.journal.clone().doubt(), setting);
        out.push((Move::VisitIsRefused, world));
    }

    /// What the agent does next, if it does anything.
    pub(super) fn agent(
        &self,
        rules: &Rules,
        most: u8,
        fault: Option<Fault>,
    ) -> Option<(Rotation<Id>, Effect<Id>)> {
        let Next::Do { state, effect } = Fault::next(fault, &self.journal, rules, now()) else {
            return None;
        };
        let free = match &effect {
            Effect::Mint(_) if self.made >= most => return None,
            Effect::Mint(_) => self.attempts.clear_at(&LIMIT, now()),
            effect if effect.auth().is_some() => self.attempts.free_at(&LIMIT, now()),
            _ => now(),
        };
        (free <= now()).then_some((state, effect))
    }

    fn act(
        &self,
        state: Rotation<Id>,
        effect: &Effect<Id>,
        rules: &Rules,
        setting: &Setting,
        fault: Option<Fault>,
        out: &mut Vec<(Move, Self)>,
    ) {
        let before = self.clone().committed(state, effect, setting, fault);
        let word = effect.word();
        let mut push = |what, world| out.push((Move::Agent(word, what), world));
        let learned = |mut world: Self, outcome| {
            world.record(effect, outcome, rules, setting, fault);
            world
        };
        push(What::CrashBefore, before.clone());
        let mut after = before.clone();
        let outcome = after.perform(effect, setting);
        push(What::CrashAfter, after.clone());
        push(What::Done, learned(after.clone(), outcome));
        match effect {
            Effect::Mint(_) => {}
            Effect::Escrow(id) => {
                push(What::ReplyLost, learned(after, Outcome::Unknown));
                let mut kept = before;
                kept.vault |= bit(*id);
                push(What::CrashAfter, kept.clone());
                push(What::ControllerAway, learned(kept, Outcome::Kept));
            }
            _ => {
                push(What::NotSent, learned(before.clone(), Outcome::NotSent));
                push(What::ReplyLost, learned(after, Outcome::Unknown));
                let writes = !matches!(effect, Effect::Probe(_) | Effect::Reboot { .. });
                if writes && before.late.is_none() && setting.late == Late::Arrive {
                    let late = Self { late: Some(effect.clone()), ..before };
                    push(What::CrashWhileLate, late.clone());
                    push(What::Late, learned(late, Outcome::Unknown));
                }
            }
        }
    }

    pub(super) fn committed(
        mut self,
        state: Rotation<Id>,
        effect: &Effect<Id>,
        setting: &Setting,
        fault: Option<Fault>,
    ) -> Self {
        if effect.auth().is_some() && fault != Some(Fault::ChargeAfterTheLogIn) {
            self.attempts.charge(&LIMIT, now());
        }
        if fault != Some(Fault::JournalAfterTheEffect) {
            self.write(state, setting);
        }
        self
    }

    pub(super) fn record(
        &mut self,
        effect: &Effect<Id>,
        outcome: Outcome<Id>,
        rules: &Rules,
        setting: &Setting,
        fault: Option<Fault>,
    ) {
        let charged = fault != Some(Fault::ChargeAfterTheLogIn);
        let let_in = outcome.spares_the_count()
            || outcome == Outcome::Unknown && fault == Some(Fault::BelieveThatALateRequestIsLost);
        match (effect.auth().is_some(), charged, let_in) {
            (true, true, true) => self.attempts.refund(),
            (true, false, false) => self.attempts.charge(&LIMIT, now()),
            _ => {}
        }
        let learned = Fault::learn(fault, self.journal.clone(), effect, outcome, rules, &pace());
        self.write(learned, setting);
    }

    fn write(&mut self, state: Rotation<Id>, setting: &Setting) {
        if state != self.journal {
            self.previous = std::mem::replace(&mut self.journal, state);
        }
        if setting.journal == Journal::Sound {
            self.previous = self.journal.clone();
        }
    }

    pub(super) fn lapse(&mut self) {
        self.failures = 0;
        self.attempts = Attempts::default();
    }
}
