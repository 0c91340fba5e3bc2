//! What is explored: policy, the device's nature, and which things may happen.

use super::super::Rules;

/// What is explored.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Policy is one of these at each step.
    pub rules: Vec<Rules>,
    /// What the device is like.
    pub device: Device,
    /// How many credentials are made at most.
    pub rotations: u8,
    /// How often a person restores a backup.
    pub restores: u8,
    /// What becomes of the journal's generations.
    pub journal: Journal,
    /// What becomes of requests that are late.
    pub late: Late,
}

/// What becomes of requests that are late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// They are lost.
    Lost,
    /// They may arrive at any time, or be lost.
    Arrive,
}

/// What becomes of the journal's generations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// The newest is always readable.
    Sound,
    /// The newest may become unreadable at any time.
    FallsBack,
}

/// What a device is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// It does what it says.
    Honest,
    /// It will not have the first new credential.
    Rejects,
    /// It says OK to the first new credential and takes something else.
    Garbles,
    /// It has one administrator only.
    OneAccount,
    /// It says that it saved, and did not.
    ForgetsToSave,
    /// It says OK to everything and does nothing.
    DoesNothing,
    /// What is written is saved at once and served after its own reboot, as certificates are.
    Certificate,
}

impl Device {
    /// Each.
    pub fn all() -> [Self; 7] {
        use Device::*;
        [Honest, Rejects, Garbles, OneAccount, ForgetsToSave, DoesNothing, Certificate]
    }
}
