//! What the device, the vault and the controller do with an effect.

use super::super::{Effect, Outcome, Second};
use super::setting::{Device, Setting};
use super::world::{GARBLED, Id, LIMIT, SECOND_MADE, World, bit};

impl World {
    pub(super) fn lets_in(&self, id: Id) -> bool {
        self.memory.main == id || self.memory.second == Some(id)
    }

    pub(super) fn late_arrives(&self, setting: &Setting) -> Self {
        let mut world = self.clone();
        if let Some(late) = world.late.take() {
            let _ = world.perform(&late, setting);
        }
        world
    }

    /// The effect, as the world takes it.
    pub(super) fn perform(&mut self, effect: &Effect<Id>, setting: &Setting) -> Outcome<Id> {
        match effect {
            Effect::Mint(second) => {
                self.made += 1;
                let next = self.made * 2 - 1;
                let second = (*second == Second::Stands).then_some(next + 1);
                return Outcome::Minted { next, second };
            }
            Effect::Escrow(id) => {
                self.vault |= bit(*id);
                self.controller |= bit(*id);
                return Outcome::Done;
            }
            _ => {}
        }
        if u32::from(self.failures) >= LIMIT.threshold {
            return Outcome::Unknown;
        }
        if effect.auth().is_some_and(|auth| !self.lets_in(*auth)) {
            self.failures += 1;
            return Outcome::Refused;
        }
        self.take(effect, setting.device)
    }

    /// What a device does with somebody it has let in.
    fn take(&mut self, effect: &Effect<Id>, device: Device) -> Outcome<Id> {
        match effect {
            Effect::Reboot { .. } => {
                // We wait until it is back, so whatever was on its way had its connection cut. Other reboots are not
                // credited with that.
                self.late = None;
                self.memory = self.flash;
            }
            _ if device == Device::DoesNothing => {}
            Effect::Raise { .. } if device == Device::OneAccount => return Outcome::Rejected,
            Effect::Raise { second, .. } => self.memory.second = Some(*second),
            Effect::Install { new: SECOND_MADE, .. } if device == Device::Rejects => {
                return Outcome::Rejected;
            }
            Effect::Install { new: SECOND_MADE, .. } if device == Device::Garbles => {
                self.memory.main = GARBLED;
            }
            Effect::Install { new, .. } => {
                self.memory.main = *new;
                if device == Device::Certificate {
                    self.flash.main = *new;
                }
            }
            Effect::Lower { .. } => self.memory.second = None,
            Effect::Save { .. } if device == Device::ForgetsToSave => {}
            Effect::Save { .. } => self.flash = self.memory,
            Effect::Mint(_) | Effect::Escrow(_) | Effect::Probe(_) => {}
        }
        Outcome::Done
    }
}
