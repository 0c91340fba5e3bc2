//! `palisade`.

fn main() {}
