//! The product tree: from a product id to versions, product line and models.
//!
//! A tree names a product in three ways: by a path of branches, by a full name, and by a relationship such as
//! "firmware 4.7.3.11 installed on D24M". Only camera firmware of MOBOTIX is of interest; the vendor's other software
//! has version numbers of its own that must not be taken for a camera's.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::{Branch, FullName, Relationship, Tree};
use crate::firmware::advisory::Scope;
use crate::firmware::model::{Model, line_in, models_in};
use crate::firmware::range::Versions;
use crate::firmware::version::Line;

/// A document with more products is refused.
pub(super) const MAX_PRODUCTS: usize = 50_000;
/// Relationships that build on relationships, at most this deep.
const MAX_CHAIN: u32 = 16;
/// Of longer names only the beginning is read, in characters.
const MAX_NAME: usize = 300;

/// Every product of a document; `None`: not camera firmware of MOBOTIX.
pub(super) type Products = BTreeMap<String, Option<Arc<Scope>>>;

/// What was wrong, and at which JSON pointer.
pub(super) type Misplaced = (String, String);

/// What the names so far say about a product.
#[derive(Clone, Debug, Default)]
struct Naming {
    /// Whether the vendor is MOBOTIX; `None`: no vendor named.
    ours: Option<bool>,
    /// Whether anything says that this is a camera or its firmware.
    camera: bool,
    /// Whether it is one of the vendor's products that have other firmware.
    foreign: bool,
    line: Option<Line>,
    models: Vec<Model>,
    versions: Option<Versions>,
}

/// Reads the tree. `by_vendor`: the publisher is MOBOTIX, so that products without a vendor are its own.
pub(super) fn products(tree: &Tree, by_vendor: bool) -> Result<Products, Misplaced> {
    let mut named = Named::default();
    let root = Naming { ours: by_vendor.then_some(true), ..Naming::default() };
    for (at, branch) in tree.branches.iter().enumerate() {
        named.walk(branch, &root, &format!("/product_tree/branches/{at}"))?;
    }
    for (at, full) in tree.full_product_names.iter().enumerate() {
        let naming = root.clone().with_words(&full.name);
        named.add(full, naming, &format!("/product_tree/full_product_names/{at}"))?;
    }
    let relations = Relations::of(&tree.relationships, &named)?;
    for relationship in &tree.relationships {
        relations.resolve(&relationship.full_product_name.product_id, &mut named, MAX_CHAIN)?;
    }
    Ok(named.0.into_iter().map(|(id, naming)| (id, naming.scope())).collect())
}

#[derive(Default)]
struct Named(BTreeMap<String, Naming>);

impl Named {
    fn walk(&mut self, branch: &Branch, above: &Naming, place: &str) -> Result<(), Misplaced> {
        let naming = above.clone().with_branch(&branch.category, &branch.name);
        if let Some(product) = &branch.product {
            let complete = naming.versions.is_some() && !naming.models.is_empty();
            let naming =
                if complete { naming.clone() } else { naming.clone().with_rest(&product.name) };
            self.add(product, naming, &format!("{place}/product"))?;
        }
        for (at, inner) in branch.branches.iter().enumerate() {
            self.walk(inner, &naming, &format!("{place}/branches/{at}"))?;
        }
        Ok(())
    }

    fn add(&mut self, product: &FullName, naming: Naming, place: &str) -> Result<(), Misplaced> {
        if self.0.len() >= MAX_PRODUCTS {
            return Err((place.to_owned(), format!("it has more than {MAX_PRODUCTS} products")));
        }
        match self.0.insert(product.product_id.clone(), naming) {
            None => Ok(()),
            Some(_) => Err((
                place.to_owned(),
                format!("it defines product {:?} twice", shown(&product.product_id)),
            )),
        }
    }
}

/// Relationships by the id of the product they make, with their place in the list.
struct Relations<'a>(BTreeMap<&'a str, (usize, &'a Relationship)>);

impl<'a> Relations<'a> {
    fn of(list: &'a [Relationship], named: &Named) -> Result<Self, Misplaced> {
        let mut by_id = BTreeMap::new();
        for (at, relationship) in list.iter().enumerate() {
            let id = relationship.full_product_name.product_id.as_str();
            if named.0.contains_key(id) || by_id.insert(id, (at, relationship)).is_some() {
                return Err((place(at), format!("it defines product {:?} twice", shown(id))));
            }
        }
        Ok(Self(by_id))
    }

    /// The naming of a product, from which others may be made; `depth` more steps are allowed.
    fn resolve(
        &self,
        id: &str,
        named: &mut Named,
        depth: u32,
    ) -> Result<Option<Naming>, Misplaced> {
        if let Some(naming) = named.0.get(id) {
            return Ok(Some(naming.clone()));
        }
        let Some((at, relationship)) = self.0.get(id) else { return Ok(None) };
        let Some(depth) = depth.checked_sub(1) else {
            return Err((
                place(*at),
                format!("it builds on itself, or on more than {MAX_CHAIN} others"),
            ));
        };
        let mut part = |id: &str| {
            let missing = || {
                (place(*at), format!("it refers to product {:?}, which is not defined", shown(id)))
            };
            self.resolve(id, named, depth)?.ok_or_else(missing)
        };
        let software = part(&relationship.product_reference)?;
        let hardware = part(&relationship.relates_to_product_reference)?;
        let naming = software.on(hardware).with_rest(&relationship.full_product_name.name);
        named.add(&relationship.full_product_name, naming.clone(), &place(*at))?;
        Ok(Some(naming))
    }
}

fn place(at: usize) -> String {
    format!("/product_tree/relationships/{at}")
}

fn shown(id: &str) -> String {
    proto::text::printable(id, 60)
}

impl Naming {
    fn with_branch(mut self, category: &str, name: &str) -> Self {
        match category {
            "vendor" => self.ours = Some(is_ours(name)),
            "product_version" | "product_version_range" => {
                self.camera |= names_camera(name);
                self.versions = Some(Versions::read(name));
            }
            // A patch below a version names some of that version's builds, in a way nobody laid down.
            "patch_level" | "service_pack" if self.versions.is_some() => {
                self.versions = Some(Versions::Unread(shown(name)));
            }
            "product_family" | "product_name" => self = self.with_words(name),
            _ => {}
        }
        self
    }

    /// With everything that a name in plain words says.
    fn with_words(mut self, name: &str) -> Self {
        let name = beginning(name);
        self.ours = self.ours.or_else(|| is_ours(&name).then_some(true));
        self.camera |= names_camera(&name);
        self.foreign |= name.split_whitespace().any(|word| word.eq_ignore_ascii_case("move"));
        self.line = line_in(&name).or(self.line);
        let models = models_in(&name);
        if !models.is_empty() {
            self.models = models;
        }
        self.versions = versions_in(&name).or(self.versions);
        self
    }

    /// With what a full name says about things that nothing else has said.
    fn with_rest(self, name: &str) -> Self {
        let words = Self::default().with_words(name);
        Self {
            ours: self.ours.or(words.ours),
            camera: self.camera || words.camera,
            foreign: self.foreign || words.foreign,
            line: self.line.or(words.line),
            models: if self.models.is_empty() { words.models } else { self.models },
            versions: self.versions.or(words.versions),
        }
    }

    /// This software on that hardware.
    fn on(self, hardware: Self) -> Self {
        Self {
            ours: Some(self.ours == Some(true) || hardware.ours == Some(true)),
            camera: self.camera || hardware.camera,
            foreign: self.foreign || hardware.foreign,
            line: self.line.or(hardware.line),
            models: if hardware.models.is_empty() { self.models } else { hardware.models },
            versions: self.versions.or(hardware.versions),
        }
    }

    fn scope(self) -> Option<Arc<Scope>> {
        let camera = self.camera || self.line.is_some() || !self.models.is_empty();
        let ours = self.ours == Some(true) && camera && !self.foreign;
        // A product without a version stands for all of its versions.
        let versions = self.versions.unwrap_or(Versions::All);
        ours.then(|| Arc::new(Scope { versions, line: self.line, models: self.models }))
    }
}

fn beginning(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}

/// Whether a vendor's or product's name is MOBOTIX's.
pub(super) fn is_ours(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.contains("mobotix") || lower.contains("mx-v")
}

fn names_camera(name: &str) -> bool {
    let lower = name.to_lowercase();
    ["mx-v", "camera", "firmware"].iter().any(|word| lower.contains(word))
}

/// The versions in a name that holds other things too, such as `MOBOTIX P3 D24M < 4.7.2.18`.
fn versions_in(name: &str) -> Option<Versions> {
    let lower = name.to_lowercase().replace("mobotix 7", "");
    let software = [" installed on ", " installed with ", " on ", " for "]
        .iter()
        .find_map(|mark| lower.split_once(mark))
        .map_or(lower.as_str(), |(software, _)| software);
    let words: Vec<&str> = software
        .split_whitespace()
        .filter(|word| models_in(word).is_empty() && line_in(word).is_none())
        .collect();
    let all = words.iter().any(|word| matches!(*word, "all" | "any" | "*"));
    let some = words
        .iter()
        .any(|word| word.contains(|c: char| c.is_ascii_digit() || matches!(c, '<' | '>' | '=')));
    (all || some).then(|| Versions::read(&words.join(" ")))
}
