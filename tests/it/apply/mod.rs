//! Changing pretend cameras for real: what a plan promises, what becomes of it, and what is never lost on the way.

mod command;
mod faults;
mod harden;
mod remedies;
mod restore;
mod shop;

pub use shop::neglected;
