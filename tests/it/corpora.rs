//! The corpora of the fuzz targets, fed to what the targets feed: nothing panics, some are taken in, some are refused.

use std::collections::BTreeSet;
use std::fs;

use tests::fuzzed::TARGETS;

use super::source::{read, root};

/// Larger seeds teach a fuzzer nothing, in bytes.
const MAX_SEED: usize = 16 << 10;
/// Targets for what cameras say; the agent's own tests feed them.
const CAMERAS: [&str; 2] = ["config", "export"];

#[test]
fn no_seed_makes_its_reader_panic_and_each_target_has_good_ones_and_bad_ones() {
    for (target, eat) in TARGETS {
        let folder = root().join("fuzz/corpus").join(target);
        let mut files: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let (mut taken, mut refused) = (0, 0);
        for file in files {
            let bytes = fs::read(&file).unwrap();
            assert!(bytes.len() <= MAX_SEED, "{} is no seed", file.display());
            if eat(&bytes) { taken += 1 } else { refused += 1 }
        }
        assert!(taken > 0 && refused > 0, "{target}: {taken} taken in, {refused} refused");
    }
}

#[test]
fn every_corpus_has_its_target_and_every_target_its_corpus() {
    let names: BTreeSet<String> =
        TARGETS.iter().map(|(name, _)| *name).chain(CAMERAS).map(str::to_owned).collect();
    let within = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root().join("fuzz").join(folder)).unwrap();
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        entries.map(|entry| name(entry.unwrap())).filter(|name| !name.starts_with('.')).collect()
    };
    assert_eq!(within("corpus"), names);
    let sources = names.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(within("fuzz_targets"), sources);
    let manifest = read("fuzz/Cargo.toml");
    for name in &names {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
}
