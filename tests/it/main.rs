//! The stories: one binary, one module per story, named as an operator would name them.

#![allow(clippy::unwrap_used, reason = "all of it is tests, helpers included")]

mod bench_short;
mod catalogue;
mod pretend_camera;
mod source;
mod tidy;
