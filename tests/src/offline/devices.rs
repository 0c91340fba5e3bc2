//! Twenty devices as their exported configurations, which change, break and are repaired while nobody may be told.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use certs::audit::Record;
use controller::store::devices::Device as Known;

use super::dice::Dice;

/// What became of a device, as the agent's audit log says it.
pub const FAILED: &str = "device_failed";
/// The other thing.
pub const RECOVERED: &str = "device_recovered";

#[derive(Debug)]
struct Device {
    name: String,
    /// Part of the firmware that its configuration names, so that each change is seen to arrive.
    revision: u32,
    broken: bool,
    /// Whether the site file names it.
    listed: bool,
    /// As it was when the agent looked last.
    seen_broken: bool,
    /// What the agent has to have said of it.
    said: Vec<&'static str>,
}

/// A site's files.
#[derive(Debug)]
pub struct Devices {
    folder: PathBuf,
    visit_minutes: u32,
    devices: Vec<Device>,
}

impl Devices {
    /// Writes the site file and a configuration for each device.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn new(folder: &Path, count: u32, visit_minutes: u32) -> io::Result<Self> {
        let device = |number| Device {
            name: format!("cam-{number:02}"),
            revision: 1,
            broken: false,
            listed: true,
            seen_broken: false,
            said: Vec::new(),
        };
        let devices = (1..=count).map(device).collect();
        let site = Self { folder: folder.to_owned(), visit_minutes, devices };
        site.devices.iter().try_for_each(|device| site.write(device))?;
        site.write_site()?;
        Ok(site)
    }

    /// The site file.
    pub fn site_file(&self) -> PathBuf {
        self.folder.join("site.toml")
    }

    /// Some devices change, some break, some are repaired.
    ///
    /// # Errors
    /// When their files cannot be written.
    pub fn change(&mut self, dice: &mut Dice) -> io::Result<()> {
        for _ in 0..=dice.below(4) {
            let place = dice.below(self.devices.len());
            let device = &mut self.devices[place];
            device.revision += 1;
            device.broken = !device.broken && dice.one_in(3);
            self.write(&self.devices[place])?;
        }
        Ok(())
    }

    /// The site file changes: a device leaves it, or the one that left comes back.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn edit_site(&mut self, dice: &mut Dice) -> io::Result<()> {
        let place = dice.below(self.devices.len());
        match self.devices.iter_mut().find(|device| !device.listed) {
            Some(away) => away.listed = true,
            None => self.devices[place].listed = false,
        }
        self.write_site()
    }

    /// Every device is in the site file again. Gives whether one was not.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn list_all(&mut self) -> io::Result<bool> {
        let was_away = self.listed() < self.devices.len();
        self.devices.iter_mut().for_each(|device| device.listed = true);
        self.write_site()?;
        Ok(was_away)
    }

    /// How many devices are in the site file.
    pub fn listed(&self) -> usize {
        self.devices.iter().filter(|device| device.listed).count()
    }

    /// The agent has taken the site file over: what it knew of a device that is not in it is gone.
    pub fn site_taken(&mut self) {
        for device in self.devices.iter_mut().filter(|device| !device.listed) {
            device.seen_broken = false;
        }
    }

    /// The agent has looked at every device of the site file as it is now.
    pub fn looked(&mut self) {
        for device in self.devices.iter_mut().filter(|device| device.listed) {
            if device.broken != device.seen_broken {
                device.seen_broken = device.broken;
                device.said.push(if device.broken { FAILED } else { RECOVERED });
            }
        }
    }

    fn write(&self, device: &Device) -> io::Result<()> {
        let file = self.folder.join(format!("{}.cfg", device.name));
        let revision = device.revision;
        match (device.broken, revision % 2) {
            (false, _) => fs::write(file, configuration(revision)),
            (true, 0) => fs::write(file, "no configuration of a camera\n"),
            (true, _) => match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    fn write_site(&self) -> io::Result<()> {
        let minutes = self.visit_minutes;
        let mut text = format!("name = \"Harbour\"\nconcurrency = 64\nvisit_minutes = {minutes}\n");
        for Device { name, .. } in self.devices.iter().filter(|device| device.listed) {
            let _ = write!(
                text,
                "[[devices]]\nname = \"{name}\"\nkind = \"mobotix\"\nfile = \"{name}.cfg\"\n"
            );
        }
        fs::write(self.site_file(), text)
    }

    /// What the controller does not know as it is, in words.
    pub fn out_of_date(&self, known: &[Known]) -> Vec<String> {
        let known: BTreeMap<_, _> =
            known.iter().map(|known| (known.report.device.as_str(), &known.report)).collect();
        let mut wrong = Vec::new();
        for device in self.devices.iter().filter(|device| device.listed) {
            let name = &device.name;
            match known.get(name.as_str()) {
                None => wrong.push(format!("{name} is not known")),
                Some(report) if report.failure.is_some() != device.broken => {
                    wrong.push(format!("{name} is broken: {}", device.broken));
                }
                Some(report) if !device.broken && report.firmware != firmware(device.revision) => {
                    wrong.push(format!("{name} has {}", firmware(device.revision)));
                }
                Some(_) => {}
            }
        }
        wrong
    }

    /// How many devices the controller knows that nobody has.
    pub fn strangers(&self, known: &[Known]) -> usize {
        let is_ours = |known: &Known| {
            let mut listed = self.devices.iter().filter(|device| device.listed);
            listed.any(|device| device.name == known.report.device.as_str())
        };
        known.iter().filter(|known| !is_ours(known)).count()
    }

    /// What the records do not say of the devices and should, and what they say too often.
    pub fn compare(&self, records: &[Record]) -> Said {
        let mut said = Said::default();
        for device in &self.devices {
            let told: Vec<_> = records
                .iter()
                .filter(|record| record.subject == device.name)
                .map(|record| record.deed.as_str())
                .filter(|deed| [FAILED, RECOVERED].contains(deed))
                .collect();
            let (mut once, mut wanted) = (told.clone(), device.said.clone());
            once.dedup();
            wanted.dedup();
            if once != wanted {
                said.wrong.push(format!("{}: {once:?} instead of {wanted:?}", device.name));
            }
            said.again += told.len().saturating_sub(device.said.len());
        }
        said
    }
}

/// What an audit log says of the devices.
#[derive(Debug, Default)]
pub struct Said {
    /// Devices of which it tells another story, in words.
    pub wrong: Vec<String>,
    /// Records that say what the one before says already.
    pub again: usize,
}

fn firmware(revision: u32) -> String {
    format!("MX-V4.7.3.11-r{revision}")
}

/// What a camera exports, as far as is needed to know it again.
fn configuration(revision: u32) -> String {
    let (firmware, robots) = (firmware(revision), ["allowed", "disallowed"][revision as usize % 2]);
    format!(
        "#:MXCFG2.0===============================\n#:{firmware}\n# Camera IP: 192.0.2.7\n\n\
         SECTION homepage\nLANGUAGE=en\nROBOTS_TXT_MODE={robots}\nENDSECTION homepage\n\n\
         SECTION timestamp\nVERSION={firmware}\nENDSECTION timestamp\n"
    )
}
