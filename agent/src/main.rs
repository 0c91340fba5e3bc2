//! `palisade-agent`.

fn main() {}
