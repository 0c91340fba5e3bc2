//! One-line faults, planted in a decision of the machine or in the order of things. The explorer must catch each.

use proto::Timestamp;

use super::super::{Ask, Change, Effect, Held, Next, Outcome, Pace, Rotation, Rules, Safe};

/// A fault that somebody could put in by changing one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    InstallWhileTheJournalSaysEscrowed,
    SettleWithoutSaving,
    SettleWithoutSavingButRememberTheOldOne,
    InstallBeforeEscrow,
    TakeTheVaultForTheController,
    StartOverWhenTheReplyIsLost,
    ForgetTheNewOneWhenBothAreRefused,
    TakeTheOldOneForGrantedWhenTheNewOneIsRefused,
    ForgetTheNewOneWhenGivingUp,
    SaveBeforeTheNewOneIsProven,
    InstallAsTheOldAdministrator,
    LeaveTheSecondAdministratorStanding,
    TakeTheWordForProof,
    TryForEver,
    JournalAfterTheEffect,
    ChargeAfterTheLogIn,
    BelieveThatALateRequestIsLost,
}

impl Fault {
    /// Each.
    pub const ALL: [Self; 17] = [
        Self::InstallWhileTheJournalSaysEscrowed,
        Self::SettleWithoutSaving,
        Self::SettleWithoutSavingButRememberTheOldOne,
        Self::InstallBeforeEscrow,
        Self::TakeTheVaultForTheController,
        Self::StartOverWhenTheReplyIsLost,
        Self::ForgetTheNewOneWhenBothAreRefused,
        Self::TakeTheOldOneForGrantedWhenTheNewOneIsRefused,
        Self::ForgetTheNewOneWhenGivingUp,
        Self::SaveBeforeTheNewOneIsProven,
        Self::InstallAsTheOldAdministrator,
        Self::LeaveTheSecondAdministratorStanding,
        Self::TakeTheWordForProof,
        Self::TryForEver,
        Self::JournalAfterTheEffect,
        Self::ChargeAfterTheLogIn,
        Self::BelieveThatALateRequestIsLost,
    ];

    /// [`Rotation::next`] with the fault.
    pub fn next(
        fault: Option<Self>,
        rotation: &Rotation<u8>,
        rules: &Rules,
        now: Timestamp,
    ) -> Next<u8> {
        let right = rotation.next(rules, now);
        match (fault, right) {
            (
                Some(Self::InstallWhileTheJournalSaysEscrowed),
                Next::Do {
                    state: Rotation::InDoubt(change, _),
                    effect: effect @ Effect::Install { .. },
                },
            ) => Next::Do { state: Rotation::Escrowed(change), effect },
            (Some(Self::InstallBeforeEscrow), Next::Do { state: Rotation::Minted(change), .. }) => {
                marked(change, Safe::Controller).next(rules, now)
            }
            (
                Some(Self::LeaveTheSecondAdministratorStanding),
                Next::Do {
                    state: state @ Rotation::Unsaved(_),
                    effect: Effect::Lower { auth, .. },
                },
            ) => Next::Do { state, effect: Effect::Save { auth } },
            (
                Some(Self::SaveBeforeTheNewOneIsProven),
                Next::Do {
                    state: Rotation::InDoubt(change, Ask::Next),
                    effect: Effect::Probe(auth),
                },
            ) => {
                let auth = change.second.as_ref().map_or(auth, |second| second.credential);
                Next::Do { state: Rotation::Unsaved(change), effect: Effect::Save { auth } }
            }
            (
                Some(Self::InstallAsTheOldAdministrator),
                Next::Do {
                    state: Rotation::InDoubt(change, ask),
                    effect: Effect::Install { new, .. },
                },
            ) => {
                let auth = change.live.credential;
                let state = Rotation::InDoubt(change, ask);
                Next::Do { state, effect: Effect::Install { auth, new } }
            }
            (_, right) => right,
        }
    }

    /// [`Rotation::learn`] with the fault.
    pub fn learn(
        fault: Option<Self>,
        before: Rotation<u8>,
        effect: &Effect<u8>,
        outcome: Outcome<u8>,
        rules: &Rules,
        pace: &Pace,
    ) -> Rotation<u8> {
        let right = before.clone().learn(effect, outcome.clone(), rules, pace);
        let Some(fault) = fault else { return right };
        let settled = |live: &Held<u8>, older: &[Held<u8>]| Rotation::Settled {
            live: live.clone(),
            older: older.to_vec(),
            due: pace.due,
        };
        match (fault, &before, effect, outcome, right) {
            (Self::SettleWithoutSaving, _, _, _, Rotation::Unsaved(change)) => {
                settled(&change.next, &[])
            }
            (Self::SettleWithoutSavingButRememberTheOldOne, _, _, _, Rotation::Unsaved(change)) => {
                settled(&change.next, &[change.live])
            }
            (Self::TakeTheVaultForTheController, _, Effect::Escrow(_), Outcome::Kept, _) => {
                before.learn(effect, Outcome::Done, rules, pace)
            }
            (
                Self::StartOverWhenTheReplyIsLost,
                Rotation::InDoubt(change, _),
                Effect::Install { .. },
                Outcome::Unknown,
                _,
            ) => settled(&change.live, &change.older),
            (
                Self::ForgetTheNewOneWhenBothAreRefused,
                _,
                _,
                _,
                Rotation::Stranded { change, .. },
            ) => settled(&change.live, &change.older),
            (
                Self::TakeTheOldOneForGrantedWhenTheNewOneIsRefused,
                Rotation::InDoubt(change, Ask::Next),
                _,
                Outcome::Refused,
                _,
            ) => settled(&change.live, &change.older),
            (
                Self::ForgetTheNewOneWhenGivingUp,
                Rotation::Leaving(change),
                _,
                Outcome::Done,
                Rotation::Settled { .. },
            ) => settled(&change.live, &change.older),
            (Self::TakeTheWordForProof, _, _, _, Rotation::Saved(change)) => {
                settled(&change.next, &[change.live])
            }
            (Self::TryForEver, Rotation::InDoubt(change, Ask::Live), _, Outcome::Done, _) => {
                Rotation::Escrowed(Change { tries: 0, ..change.clone() })
            }
            (_, _, _, _, right) => right,
        }
    }
}

fn marked(mut change: Change<u8>, safe: Safe) -> Rotation<u8> {
    change.next.safe = safe;
    change.second.iter_mut().for_each(|held| held.safe = safe);
    Rotation::Escrowed(change)
}
