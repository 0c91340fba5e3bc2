//! The README's table of measures is the catalogue, and each measure is the file it says it is.

use std::collections::BTreeSet;

use proto::Measure;

use crate::source;

#[test]
fn the_readme_lists_exactly_the_measures_of_the_catalogue() {
    let readme = source::read("README.md");
    let rows: Vec<&str> =
        readme.lines().filter(|line| line.starts_with("| `") && line.len() > 8).collect();
    let listed: Vec<&str> = rows.iter().copied().filter(|line| is_code(&line[3..6])).collect();
    let expected: Vec<String> = Measure::all()
        .map(|measure| {
            let proof = format!("{:?}", measure.proof()).to_lowercase();
            format!("| `{}` | {} | {proof} |", measure.code(), measure.title())
        })
        .collect();
    assert_eq!(listed, expected, "the README's table differs from proto/src/measure.rs");
}

fn is_code(text: &str) -> bool {
    text.parse::<Measure>().is_ok()
}

#[test]
fn every_measure_is_a_file_that_opens_with_its_title_and_nothing_else_lies_there() {
    let mut files: BTreeSet<String> = source::all()
        .into_iter()
        .map(|file| file.path)
        .filter(|path| path.starts_with("agent/src/measures/") && path.matches('/').count() == 4)
        .filter(|path| !path.ends_with("/mod.rs"))
        .collect();
    for measure in Measure::all() {
        let prefix = format!(
            "agent/src/measures/{}/{}_",
            measure.chapter().to_lowercase(),
            measure.code().to_lowercase()
        );
        let path = files
            .iter()
            .find(|path| path.starts_with(&prefix))
            .cloned()
            .unwrap_or_else(|| panic!("no file {prefix}….rs"));
        let text = source::read(&path);
        let wanted = format!("//! {}: {}.", measure.code(), measure.title());
        assert_eq!(text.lines().next(), Some(wanted.as_str()), "{path}");
        files.remove(&path);
    }
    assert!(files.is_empty(), "nobody declared {files:?}");
}
