//! Camera models and product lines by name, as advisories and cameras write them.

use super::version::Line;

/// A model's name, and what of it is compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Model {
    name: String,
    key: String,
}

impl Model {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), key: key(name) }
    }
}

/// How well a camera fits the models that a statement names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// The statement is about this camera.
    Yes,
    /// It is about another one.
    No,
    /// It is, if the camera is one of these models.
    If(Vec<String>),
}

/// Whether a statement about `models` (none: all models) is about a camera of that model, or of an unknown one.
pub(super) fn fit(models: &[Model], camera: Option<&Model>) -> Fit {
    if models.is_empty() {
        return Fit::Yes;
    }
    let names = |models: Vec<&Model>| models.into_iter().map(|model| model.name.clone()).collect();
    let Some(camera) = camera.filter(|camera| !camera.key.is_empty()) else {
        return Fit::If(names(models.iter().collect()));
    };
    if models.iter().any(|model| model.key == camera.key) {
        return Fit::Yes;
    }
    let variants: Vec<&Model> =
        models.iter().filter(|model| is_variant(&model.key, &camera.key)).collect();
    if variants.is_empty() { Fit::No } else { Fit::If(names(variants)) }
}

/// Whether one name is the other with something behind it: `M16` and `M16B` may be one model or two.
fn is_variant(one: &str, other: &str) -> bool {
    let rest = one.strip_prefix(other).or_else(|| other.strip_prefix(one));
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// What is compared of a model's name: `Mx-S74A` and `MOBOTIX S74A` are the same.
fn key(name: &str) -> String {
    let lower = name.trim().to_lowercase();
    let bare = lower.strip_prefix("mobotix").unwrap_or(&lower).trim_start();
    let bare = bare.strip_prefix("mx-").unwrap_or(bare);
    bare.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The model names in a product name, such as `D24M` in `MOBOTIX D24M camera`. A model begins with one or two letters
/// and two or more digits, which the product lines (P3, Mx6) do not.
pub(super) fn models_in(name: &str) -> Vec<Model> {
    let words = name.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '/' | '(' | ')'));
    words.filter(|word| is_model(word)).map(Model::new).collect()
}

fn is_model(word: &str) -> bool {
    let bare =
        ["mx-", "Mx-", "MX-"].iter().find_map(|prefix| word.strip_prefix(prefix)).unwrap_or(word);
    let digits = bare.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let tail = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let letters = (1..=2).contains(&(bare.len() - digits.len()));
    let plain = tail.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    letters && digits.len() - tail.len() >= 2 && plain && word.len() <= 40
}

/// The product line that a product name names.
pub(super) fn line_in(name: &str) -> Option<Line> {
    let lower = name.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.iter().enumerate().find_map(|(at, word)| match *word {
        "p3" => Some(Line::P3),
        "mx6" => Some(Line::Mx6),
        "m7" | "mx7" | "mobotix7" => Some(Line::Mobotix7),
        "mobotix" if words.get(at + 1) == Some(&"7") => Some(Line::Mobotix7),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn models(list: &[&str]) -> Vec<Model> {
        list.iter().map(|name| Model::new(name)).collect()
    }

    #[track_caller]
    fn check(listed: &[&str], camera: Option<&str>, expected: Fit) {
        assert_eq!(fit(&models(listed), camera.map(Model::new).as_ref()), expected, "{camera:?}");
    }

    fn only_if(names: &[&str]) -> Fit {
        Fit::If(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_model_is_recognised_however_it_is_written() {
        for written in ["S74A", "Mx-S74A", "MX-s74a", "MOBOTIX S74A", "MOBOTIX Mx-S74A"] {
            check(&["S74A"], Some(written), Fit::Yes);
        }
        check(&["M15-Thermal"], Some("M15 Thermal"), Fit::Yes);
        check(&[], Some("S74A"), Fit::Yes);
        check(&[], None, Fit::Yes);
        check(&["M16"], Some("M15"), Fit::No);
    }

    #[test]
    fn a_variant_or_an_unknown_model_only_may_fit() {
        check(&["D24M", "M16"], Some("M16B"), only_if(&["M16"]));
        check(&["M15-Thermal"], Some("M15"), only_if(&["M15-Thermal"]));
        check(&["M1"], Some("M16"), Fit::No);
        check(&["M16", "S14"], None, only_if(&["M16", "S14"]));
        check(&["M16"], Some(" "), only_if(&["M16"]));
    }

    #[test]
    fn models_are_told_from_lines_versions_and_words() {
        let name = "MOBOTIX P3 cameras D24M, c25/Mx-V26 (M15-Thermal) MX-V4.7.2.18 v4.1 IPv4 CVE-2023-34873";
        assert_eq!(models_in(name), models(&["D24M", "c25", "Mx-V26", "M15-Thermal"]));
    }

    #[test]
    fn lines_are_found_in_names() {
        assert_eq!(line_in("MOBOTIX P3 cameras"), Some(Line::P3));
        assert_eq!(line_in("Mx6"), Some(Line::Mx6));
        assert_eq!(line_in("MOBOTIX 7 series"), Some(Line::Mobotix7));
        assert_eq!(line_in("MOBOTIX HUB"), None);
    }

    proptest! {
        #[test]
        fn no_name_makes_the_reader_panic(name in "(?s).{0,60}", model in "(?s).{0,20}") {
            let _ = (models_in(&name), line_in(&name), fit(&[Model::new(&name)], Some(&Model::new(&model))));
        }
    }
}
