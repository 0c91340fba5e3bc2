//! `cargo +nightly fuzz run durable`: a durable file and an identity, as they may lie on a worn card. What is promised stands in `tests::fuzzed`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = tests::fuzzed::durable(bytes);
});
