//! `cargo +nightly fuzz run export`: facts from any bytes, and learning from them, without a panic.
#![no_main]

use std::sync::LazyLock;

use agent::device::mobotix::{Dialects, export, learn};
use libfuzzer_sys::fuzz_target;

static DIALECTS: LazyLock<Dialects> = LazyLock::new(Dialects::builtin);

const BEFORE: &[u8] = b"#:MXCFG2.0\n#:MX-V4.7.2.18\nSECTION a\nX=0\nENDSECTION a\n";

fuzz_target!(|bytes: &[u8]| {
    let _ = export::read(bytes, &DIALECTS);
    if let Ok(dialect) = learn::learn(BEFORE, bytes, Some("intrusion"), None) {
        DIALECTS.clone().add(&dialect).expect("what learning writes, a dialect takes");
    }
});
