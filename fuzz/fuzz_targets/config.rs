//! `cargo +nightly fuzz run config`: what the parser accepts, it prints back to the byte; nothing panics.
#![no_main]

use agent::device::mobotix::config::{Document, from_remote, redact};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let configuration = from_remote(bytes).unwrap_or(bytes);
    if let Ok(document) = Document::parse(configuration) {
        assert!(document.print() == configuration);
        for section in document.sections() {
            let _ = section.json();
            section.entries().for_each(|entry| drop(redact(entry.value)));
        }
    }
});
