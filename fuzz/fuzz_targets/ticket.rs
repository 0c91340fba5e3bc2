//! `cargo +nightly fuzz run ticket`: a ticket, as somebody types it in. What is promised stands in `tests::fuzzed`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = tests::fuzzed::ticket(bytes);
});
