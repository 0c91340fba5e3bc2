//! One log, record by record: whether it is one chain, and whether the records are by whom they should be.

use certs::Name;
use certs::audit::{BrokenChain, ChainHead, Verifier, Witness};

use super::record::AuditRow;

/// Whose log it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// The controller's. It is kept for ever, so it begins with record 1.
    Controller,
    /// An agent's, by its id or the beginning of it. Its oldest records are kept no longer at some time, so the first one
    /// that is there is believed.
    Agent(String),
}

/// What is wrong, and how many records were in order before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// In words.
    pub fault: String,
    /// So many.
    pub records: u64,
}

/// A log that is one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intact {
    /// Number of the first record; 0 if there is none.
    pub first: u64,
    /// How many there are.
    pub records: u64,
    /// The last one.
    pub head: ChainHead,
}

/// What was found of a log.
pub type Walked = Result<Intact, Broken>;

/// A verifier that counts.
#[derive(Debug)]
pub struct Walk {
    keeper: Keeper,
    witnesses: Vec<Witness>,
    verifier: Verifier,
    first: u64,
    records: u64,
}

impl Walk {
    /// Before the first record.
    pub fn new(keeper: Keeper, witnesses: &[Witness]) -> Self {
        let verifier = Verifier::new(witnesses.iter().cloned());
        Self { keeper, witnesses: witnesses.to_vec(), verifier, first: 0, records: 0 }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn take(&mut self, row: AuditRow) -> Result<(), Broken> {
        let number = row.number;
        let Some((record, hash)) = row.apart() else {
            return Err(self.broken(format!("record {number} has no hash")));
        };
        if let Keeper::Agent(wanted) = &self.keeper {
            let is_theirs = matches!(record.actor.parse(), Ok(Name::Agent(_, id)) if id.as_str().starts_with(wanted.as_str()));
            if !is_theirs {
                let text = format!("record {number} is by {}, not by agent {wanted}", record.actor);
                return Err(self.broken(text));
            }
            if self.records == 0 && number > 1 {
                let before = hash.as_slice().try_into();
                let Ok(hash) = before else {
                    return Err(self.broken(format!("record {number} has no hash")));
                };
                let head = ChainHead { length: number, hash };
                self.verifier = Verifier::behind(head, self.witnesses.clone());
                (self.first, self.records) = (number, 1);
                return Ok(());
            }
        }
        if let Err(error) = self.verifier.take(&record, &hash) {
            return Err(self.broken(error.to_string()));
        }
        self.first = if self.records == 0 { number } else { self.first };
        self.records += 1;
        Ok(())
    }

    /// How many were taken.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// After the last record.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn finish(self) -> Walked {
        let (first, records) = (self.first, self.records);
        let broken = |error: BrokenChain| Broken { fault: error.to_string(), records };
        let head = self.verifier.finish().map_err(broken)?;
        Ok(Intact { first, records, head })
    }

    fn broken(&self, fault: String) -> Broken {
        Broken { fault, records: self.records }
    }
}
