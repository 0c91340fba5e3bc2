//! The parts of a CSAF 2.0 document that say which versions are affected. Everything else is passed over.

use serde::Deserialize;

/// Looked at before anything else: is it CSAF, and which?
#[derive(Deserialize)]
pub(super) struct Cover {
    pub(super) document: Head,
}

#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) csaf_version: String,
}

#[derive(Deserialize)]
pub(super) struct Csaf {
    pub(super) document: About,
    #[serde(default)]
    pub(super) product_tree: Tree,
    #[serde(default)]
    pub(super) vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
pub(super) struct About {
    pub(super) title: String,
    pub(super) publisher: Publisher,
    pub(super) tracking: Tracking,
}

#[derive(Deserialize)]
pub(super) struct Publisher {
    pub(super) name: String,
    pub(super) namespace: String,
}

#[derive(Deserialize)]
pub(super) struct Tracking {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) current_release_date: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Tree {
    pub(super) branches: Vec<Branch>,
    pub(super) full_product_names: Vec<FullName>,
    pub(super) relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
pub(super) struct Branch {
    pub(super) category: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) branches: Vec<Branch>,
    pub(super) product: Option<FullName>,
}

#[derive(Deserialize)]
pub(super) struct FullName {
    pub(super) name: String,
    pub(super) product_id: String,
}

#[derive(Deserialize)]
pub(super) struct Relationship {
    pub(super) full_product_name: FullName,
    pub(super) product_reference: String,
    pub(super) relates_to_product_reference: String,
}

#[derive(Deserialize)]
pub(super) struct Vulnerability {
    pub(super) cve: Option<String>,
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) ids: Vec<ForeignId>,
    #[serde(default)]
    pub(super) product_status: ProductStatus,
}

#[derive(Deserialize)]
pub(super) struct ForeignId {
    pub(super) text: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ProductStatus {
    pub(super) first_affected: Vec<String>,
    pub(super) first_fixed: Vec<String>,
    pub(super) fixed: Vec<String>,
    pub(super) known_affected: Vec<String>,
    pub(super) known_not_affected: Vec<String>,
    pub(super) last_affected: Vec<String>,
    pub(super) recommended: Vec<String>,
    pub(super) under_investigation: Vec<String>,
}
