//! `cargo +nightly fuzz run settings`: the controller's settings file. What is promised stands in `tests::fuzzed`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = tests::fuzzed::settings(bytes);
});
