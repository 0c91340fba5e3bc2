//! `cargo +nightly fuzz run request`: a certificate request. What is promised stands in `tests::fuzzed`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = tests::fuzzed::certificate_request(bytes);
});
