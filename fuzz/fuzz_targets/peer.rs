//! `cargo +nightly fuzz run peer`: a peer's certificate, and the name in it. What is promised stands in `tests::fuzzed`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = tests::fuzzed::certificate(bytes);
});
