//! The stories: one binary, one module per story, named as an operator would name them.

#![allow(clippy::unwrap_used, reason = "all of it is tests, helpers included")]

mod apply;
mod audit_file;
mod audit_live;
mod bad_cameras;
mod bad_disk;
mod bench_short;
mod catalogue;
mod corpora;
mod crashes;
mod credentials;
mod demo;
mod desk;
mod enforce;
mod escrow;
mod faces;
mod harden_short;
mod hostile;
mod kill;
mod lapsed;
mod learn;
mod live_review;
mod offline;
mod powercut;
mod pretend_camera;
mod records;
mod rotate_live;
mod rotating;
mod rounds;
mod secrets;
mod slow_readers;
mod source;
mod strangers;
mod tidy;
mod vms;
