//! Firmware versions and what vendors say about them.

mod version;

pub use version::Version;

/// What is known about firmware: our own small table, and the vendor's CSAF files.
#[derive(Clone, Debug, Default)]
pub struct Advisories;

/// What is known about one firmware version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirmwareStanding {
    /// Advisories that name it as affected.
    pub affected_by: Vec<AdvisoryRef>,
    /// The version recommended for its product line, and who said so when.
    pub recommended: Option<(Version, String)>,
    /// The first version in which everything of `affected_by` is fixed.
    pub fixed_in: Option<Version>,
}

/// A security advisory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvisoryRef {
    /// Such as `ICSA-24-235-03`.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Who published it when.
    pub source: String,
}

impl Advisories {
    /// What is known about a version, as far as possible for one model of its line.
    pub fn about(&self, version: &Version, model: Option<&str>) -> FirmwareStanding {
        let _ = (version, model);
        FirmwareStanding::default()
    }
}
