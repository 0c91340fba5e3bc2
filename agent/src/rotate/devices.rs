//! Who is at which device: one task at a time, visits and rotations alike.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use proto::DeviceName;
use tokio::sync::Notify;

/// Which devices are taken. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct Devices(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    taken: Mutex<BTreeSet<Option<DeviceName>>>,
    freed: Notify,
}

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
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let free = taken.insert(device.clone());
        free.then(|| Taken { device, devices: self.clone() })
    }

    /// Takes a device once nobody else is at it.
    pub async fn wait(&self, device: &DeviceName) -> Taken {
        loop {
            let freed = self.0.freed.notified();
            if let Some(taken) = self.take(Some(device)) {
                return taken;
            }
            freed.await;
        }
    }

    /// Whether nobody is at a device.
    pub fn is_free(&self, device: &DeviceName) -> bool {
        let taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        !taken.contains(&Some(device.clone()))
    }

    /// Ends when a device is given free from now on.
    pub fn freed(&self) -> impl Future<Output = ()> + '_ {
        self.0.freed.notified()
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
        let mut taken = self.devices.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.device);
        drop(taken);
        self.devices.0.freed.notify_waiters();
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

    #[tokio::test]
    async fn whoever_waits_for_a_device_gets_it_when_it_is_given_free() {
        let (devices, name) = (Devices::default(), "cam-1".parse().unwrap());
        let first = devices.wait(&name).await;
        assert!(!devices.is_free(&name));
        let (_second, ()) = tokio::join!(devices.wait(&name), async { drop(first) });
        assert!(devices.take(Some(&name)).is_none());
    }
}
