//! Who is at which device: one task at a time, visits and rotations alike.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use proto::DeviceName;

/// Which devices are taken. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct Devices(Arc<Mutex<BTreeSet<Option<DeviceName>>>>);

/// Proof that nobody else is at this device. Dropping it gives the device free.
#[derive(Debug)]
pub struct Taken {
    device: Option<DeviceName>,
    devices: Devices,
}

impl Devices {
    /// Takes a device, or what the site shares; `None` if somebody is at it.
    pub fn take(&self, device: Option<&DeviceName>) -> Option<Taken> {
        let device = device.cloned();
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = taken.insert(device.clone());
        free.then(|| Taken { device, devices: self.clone() })
    }
}

impl Taken {
    /// Which device; `None` for what the site shares.
    pub fn device(&self) -> Option<&DeviceName> {
        self.device.as_ref()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut taken = self.devices.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.device);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_taken_once_until_it_is_given_free() {
        let (devices, name) = (Devices::default(), "cam-1".parse().unwrap());
        let taken = devices.take(Some(&name)).unwrap();
        assert!(devices.clone().take(Some(&name)).is_none());
        assert!(devices.take(None).is_some());
        drop(taken);
        assert!(devices.take(Some(&name)).is_some());
    }
}
