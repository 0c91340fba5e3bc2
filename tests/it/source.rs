//! Reads the project's own source for the tests that keep the rules of ARCHITECTURE.md.

use std::path::{Path, PathBuf};

/// A source file: its path from the project's root, with `/`, and its text.
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    /// The lines that are code: neither comment nor documentation, numbered from 1.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The same without what follows the first `#[cfg(test)]`, which by our style is the end of a file.
    pub fn code_without_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_tests = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        let until = if is_tests && self.path.contains("/src/") && !self.path.starts_with("tests/") {
            0
        } else {
            usize::MAX
        };
        let cut =
            self.text.lines().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(usize::MAX);
        self.code().take_while(move |(number, _)| *number <= cut && *number <= until)
    }
}

/// The project's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests crate stands in the project")
        .to_owned()
}

/// A text file of the project.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file of the project, build output left out.
pub fn all() -> Vec<Source> {
    let mut found = Vec::new();
    for place in ["proto", "certs", "agent", "controller", "tests", "fuzz"] {
        collect(&root().join(place), &mut found);
    }
    found.sort_by(|a: &Source, b: &Source| a.path.cmp(&b.path));
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.map(|entry| entry.expect("the folder can be listed")) {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("source is UTF-8");
            let short = path
                .strip_prefix(root())
                .expect("it is below the root")
                .to_string_lossy()
                .into_owned();
            found.push(Source { path: short, text });
        }
    }
}
