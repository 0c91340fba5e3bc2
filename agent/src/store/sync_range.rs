//! Makes sled's `flush` durable. sled 0.34 ends every log write with `sync_file_range`, which neither flushes the
//! disk's own cache nor commits a file's size, so that a power cut loses what was acknowledged. This program brings its
//! own function of that name, which the linker prefers to the C library's, and which does what the caller means.
//!
//! A start-up test ([`calls`] before and after a flush) tells whether the linker did prefer it; no other room needs it.

use std::ffi::{c_int, c_uint};
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd as _;
use std::sync::atomic::{AtomicU64, Ordering};

static CALLS: AtomicU64 = AtomicU64::new(0);

/// How often a range was synced, and with it the whole file, since the program was started.
pub fn calls() -> u64 {
    CALLS.load(Ordering::Relaxed)
}

/// In place of the C library's: syncs the file's content and size whatever the range, as `fdatasync` does.
///
/// # Safety
/// `fd` is open during the call, as for any function that takes a descriptor.
#[allow(
    unsafe_code,
    reason = "the one way to make sled's log writes durable: it calls this C symbol"
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sync_file_range(fd: c_int, _: i64, _: i64, _: c_uint) -> c_int {
    CALLS.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the caller owns `fd` and keeps it open; `ManuallyDrop` keeps us from closing it.
    let file = ManuallyDrop::new(unsafe { File::from_raw_fd(fd) });
    match file.sync_data() {
        Ok(()) => 0,
        // `sync_data` ends in the C library's `fdatasync`, which has left the reason in `errno`.
        Err(_) => -1,
    }
}
