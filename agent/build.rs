//! Has the linker lay apart what a resting agent does not need, in programs that are shipped. Most of such an agent's
//! memory is pages of its program, and the kernel brings sixteen of them at a time.
//!
//! Only for Linux and for linkers that know what is asked for (GNU ld and lld); who names another one gets the plain
//! layout.

use std::env;
use std::process::Command;

/// First version of glibc whose loader reads packed relocations.
const PACKED_SINCE: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=layout.ld");
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let flags = variable("CARGO_ENCODED_RUSTFLAGS");
    let shipped = variable("PROFILE") == "release" && variable("CARGO_CFG_TARGET_OS") == "linux";
    if !shipped || flags.contains("fuse-ld") {
        return;
    }
    link("-T");
    link(&format!("{}/layout.ld", variable("CARGO_MANIFEST_DIR")));
    // 400 KiB less to ship, and to read at the start. A program that is made here runs here; one that is made for
    // another system may meet an older loader there.
    let here = variable("HOST") == variable("TARGET") && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    if here && glibc().is_some_and(|version| version >= PACKED_SINCE) {
        link("-Wl,-z,pack-relative-relocs");
    }
}

/// Version of this system's C library.
fn glibc() -> Option<(u32, u32)> {
    let told = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(told.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn link(argument: &str) {
    println!("cargo::rustc-link-arg-bin=palisade-agent={argument}");
}

fn variable(name: &str) -> String {
    env::var_os(name).and_then(|value| value.into_string().ok()).unwrap_or_default()
}
