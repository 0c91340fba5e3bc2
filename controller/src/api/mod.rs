//! The port that agents and operators dial.

mod operator;
mod peer;
mod status;
