//! `cargo +nightly fuzz run neighbours`: the kernel's table of neighbours. What is promised stands in `tests::fuzzed`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = tests::fuzzed::arp_table(bytes);
});
