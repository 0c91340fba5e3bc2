//! The stories: one binary, one module per story, named as an operator would name them.

#![allow(clippy::unwrap_used, reason = "all of it is tests, helpers included")]

mod catalogue;
mod demo;
mod live_review;
mod pretend_camera;
mod source;
mod tidy;
