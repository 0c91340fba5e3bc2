//! Credentials of pretend cameras, rotated for real: a vault and a journal on the disk, the machine, the drivers, TLS. What
//! the camera takes is known to the vault after every fault, and nobody is locked out on the way.

mod certificates;
mod faults;
mod group;
mod passwords;
mod stage;
