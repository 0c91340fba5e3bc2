//! `cargo +nightly fuzz run desired`: an instruction of the controller: refused whole, or taken in whole. What is promised stands in `tests::fuzzed`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = tests::fuzzed::desired(bytes);
});
