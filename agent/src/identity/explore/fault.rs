//! One-line faults in a renewal. The explorer must catch each.

/// A fault that somebody could put in by changing one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request goes out before its key is on the disk.
    AskBeforeTheKeyIsKept,
    /// Each attempt is made with a new key.
    AskWithANewKeyEachTime,
    /// The new certificate replaces the old one before it has connected.
    BecomeBeforeItIsProven,
    /// What is next goes from the disk before it is in force.
    ForgetBeforeBecoming,
    /// A key is forgotten because its certificate lapsed, or none came.
    ForgetAKeyWithoutACertificate,
    /// The way back makes a new key each time.
    ComeBackWithANewKeyEachTime,
    /// The journal is believed where the papers know better.
    BelieveTheJournal,
    /// The old key is dropped when the new one is certified.
    DropTheOldOneWhenTheNewOneIsCertified,
}

impl Fault {
    /// Each.
    pub const ALL: [Self; 8] = [
        Self::AskBeforeTheKeyIsKept,
        Self::AskWithANewKeyEachTime,
        Self::BecomeBeforeItIsProven,
        Self::ForgetBeforeBecoming,
        Self::ForgetAKeyWithoutACertificate,
        Self::ComeBackWithANewKeyEachTime,
        Self::BelieveTheJournal,
        Self::DropTheOldOneWhenTheNewOneIsCertified,
    ];
}
