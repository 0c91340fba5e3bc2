//! The stories: one binary, one module per story.

#![allow(clippy::unwrap_used, reason = "all of it is tests, helpers included")]

mod pretend_camera;
