//! Whether the machine comes to rest once faults cease.

use super::super::{Effect, Rotation, Rules, Safe, Second};
use super::fault::Fault;
use super::setting::Setting;
use super::world::{GARBLED, World, Worlds};

impl World {
    /// Whether the machine comes to rest once faults cease, whatever becomes of the late request.
    /// `resting` holds worlds that do.
    pub fn comes_to_rest(
        &self,
        setting: &Setting,
        fault: Option<Fault>,
        resting: &mut [Worlds],
    ) -> Result<(), String> {
        let mut starts = vec![Self { late: None, ..self.clone() }];
        if self.late.is_some() {
            starts.push(self.late_arrives(setting));
        }
        for start in starts {
            for (rules, resting) in setting.rules.iter().zip(&mut *resting) {
                start.clone().rests(rules, setting, fault, resting)?;
            }
        }
        Ok(())
    }

    fn rests(
        mut self,
        rules: &Rules,
        setting: &Setting,
        fault: Option<Fault>,
        resting: &mut Worlds,
    ) -> Result<(), String> {
        let mut way = Vec::new();
        for step in 0..100 {
            self.previous = self.journal.clone();
            if resting.contains(&self) {
                resting.extend(way);
                return Ok(());
            }
            way.push(self.clone());
            let called = matches!(self.journal, Rotation::Stranded { .. }) && step > 20;
            if called && self.memory.main == GARBLED && rules.second == Second::None {
                // Somebody is called, and takes the plug out and in.
                self.memory = self.flash;
            }
            if let Rotation::Settled { live, .. } = &self.journal {
                let (live, safe) = (live.credential, live.safe);
                if self.memory.main != live {
                    self.journal = self.journal.doubt();
                } else if safe == Safe::Controller {
                    resting.extend(way);
                    return Ok(());
                }
            }
            let Some((state, effect)) = self.agent(rules, u8::MAX, fault) else {
                self.lapse();
                continue;
            };
            let effect = match (&self.journal, effect) {
                (Rotation::Settled { live, .. }, Effect::Mint(_)) => {
                    Effect::Escrow(live.credential)
                }
                (_, effect) => effect,
            };
            self = self.committed(state, &effect, setting, fault);
            let outcome = self.perform(&effect, setting);
            self.record(&effect, outcome, rules, setting, fault);
        }
        let steps: Vec<_> =
            way.iter().rev().take(6).rev().map(|world| format!("\n      {world}")).collect();
        Err(format!("never comes to rest, but goes on with{}", steps.concat()))
    }
}
