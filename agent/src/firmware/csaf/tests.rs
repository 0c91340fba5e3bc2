//! Files that are refused, and why; and that no file does harm.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::firmware::Advisories;

const GOOD: &str = include_str!("../../../testdata/csaf/relationships.json");

/// The good document with one change.
fn changed(pointer: &str, value: Value) -> Vec<u8> {
    let mut document: Value = serde_json::from_str(GOOD).unwrap();
    *document.pointer_mut(pointer).unwrap() = value;
    serde_json::to_vec(&document).unwrap()
}

fn refused(bytes: &[u8]) -> String {
    let mut advisories = Advisories::builtin();
    let before = format!("{advisories:?}");
    let error = advisories.load("vendor/a.json", bytes).unwrap_err().to_string();
    assert_eq!(format!("{advisories:?}"), before, "a refused file changed something");
    assert!(error.contains("vendor/a.json"), "{error}");
    error
}

#[track_caller]
fn check(bytes: &[u8], words: &[&str]) {
    let error = refused(bytes);
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}

#[test]
fn what_is_not_json_is_named_with_its_place() {
    check(b"", &["line 1", "not JSON"]);
    check(b"\x7fELF\x00\xff", &["line 1, column 1", "not JSON"]);
    check(&GOOD.as_bytes()[..GOOD.len() / 2], &["not JSON", "line "]);
    check("[".repeat(100_000).as_bytes(), &["line 1"]);
    let deep = format!("{{\"document\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    check(deep.as_bytes(), &["line 1"]);
}

#[test]
fn json_that_is_not_csaf_2_0_is_named_as_such() {
    check(b"{}", &["no CSAF 2.0 document", "document"]);
    check(b"[1, 2]", &["no CSAF 2.0 document"]);
    check(b"\"CSAF\"", &["no CSAF 2.0 document"]);
    check(br#"{"document":{"csaf_version":"1.2"}}"#, &["csaf_version is \"1.2\""]);
    check(br#"{"document":{"csaf_version":"\u001b[2J2.0"}}"#, &["no CSAF 2.0 document"]);
    assert!(!refused(br#"{"document":{"csaf_version":"\u001b[2J2.0"}}"#).contains('\u{1b}'));
}

#[test]
fn a_broken_document_names_the_place() {
    check(br#"{"document":{"csaf_version":"2.0"}}"#, &["missing field", "line 1, column"]);
    check(
        &changed("/vulnerabilities/0/product_status/fixed/1", json!("NOBODY")),
        &["/vulnerabilities/0/product_status/fixed/1", "\"NOBODY\"", "not defined"],
    );
    check(
        &changed("/product_tree/relationships/3/product_reference", json!("NOBODY")),
        &["/product_tree/relationships/3", "\"NOBODY\""],
    );
    check(
        &changed(
            "/product_tree/branches/0/branches/0/branches/0/branches/1/product/product_id",
            json!("FW-4.0.1.15"),
        ),
        &["/product_tree/branches/0/branches/0/branches/0/branches/1/product", "twice"],
    );
    check(
        &changed("/document/tracking/current_release_date", json!("some day")),
        &["/document/tracking/current_release_date", "some day"],
    );
}

#[test]
fn relationships_in_a_circle_are_refused() {
    let own =
        changed("/product_tree/relationships/0/product_reference", json!("FW-4.0.1.15:HW-D24M"));
    check(&own, &["/product_tree/relationships/0", "builds on itself"]);
}

#[test]
fn a_file_that_is_too_large_is_not_parsed() {
    let error = Advisories::default().load("big.json", &vec![b' '; MAX_BYTES + 1]).unwrap_err();
    assert_eq!(error, CsafError::TooLarge { name: "big.json".to_owned(), size: MAX_BYTES + 1 });
}

#[test]
fn too_many_products_are_refused() {
    let names: Vec<Value> = (0..=tree::MAX_PRODUCTS)
        .map(|at| json!({"name": "x", "product_id": at.to_string()}))
        .collect();
    let mut document: Value = serde_json::from_str(GOOD).unwrap();
    document["product_tree"] = json!({"full_product_names": names});
    check(
        &serde_json::to_vec(&document).unwrap(),
        &["more than 50000 products", "/product_tree/full_product_names/50000"],
    );
}

#[test]
fn too_many_status_entries_are_refused() {
    let same = vec!["FW-4.0.1.15:HW-D24M"; MAX_ENTRIES + 1];
    check(
        &changed("/vulnerabilities/0/product_status/known_affected", json!(same)),
        &["more than 200000 status entries"],
    );
}

#[test]
fn a_byte_order_mark_is_passed_over_and_a_draft_is_named() {
    let text = format!("\u{feff}{}", GOOD.replace("\"final\"", "\"draft\""));
    let mut advisories = Advisories::default();
    assert_eq!(advisories.load("a.json", text.as_bytes()), Ok(1));
    let standing = advisories.about(&"MX-V4.2.1.61".parse().unwrap(), Some("D24M"));
    assert_eq!(standing.affected_by[0].source, "MOX-2031-P3-001 (MOBOTIX AG, 2031-02-03, draft)");
}

#[test]
fn ends_of_ranges_accuse_what_lies_between_them() {
    let status = json!({
        "first_affected": ["FW-4.1.4.11:HW-D24M"],
        "last_affected": ["FW-4.4.2.73.r2:HW-D24M"],
        "first_fixed": ["FW-4.7.2.18:HW-D24M"],
    });
    let mut advisories = Advisories::default();
    advisories.load("a.json", &changed("/vulnerabilities/0/product_status", status)).unwrap();
    let affected = |text: &str| {
        let standing = advisories.about(&text.parse().unwrap(), Some("D24M"));
        (standing.affected_by.len(), standing.not_affected_by.len())
    };
    assert_eq!(affected("MX-V4.1.4.10"), (0, 0));
    assert_eq!(affected("MX-V4.1.4.11"), (1, 0));
    assert_eq!(affected("MX-V4.2.0.1"), (1, 0));
    assert_eq!(affected("MX-V4.4.2.73-r2"), (1, 0));
    assert_eq!(affected("MX-V4.4.2.73-r3"), (0, 0));
    assert_eq!(affected("MX-V4.7.2.18"), (0, 1));
    assert_eq!(affected("MX-V4.9.0.0"), (0, 1));
}

#[test]
fn between_the_first_fixes_of_two_trains_nothing_is_cleared() {
    let status = json!({ "first_fixed": ["FW-4.1.4.11:HW-D24M", "FW-4.7.2.18:HW-D24M"] });
    let mut advisories = Advisories::default();
    advisories.load("a.json", &changed("/vulnerabilities/0/product_status", status)).unwrap();
    let clear =
        |text: &str| advisories.about(&text.parse().unwrap(), Some("D24M")).not_affected_by.len();
    assert_eq!((clear("MX-V4.1.4.11"), clear("MX-V4.2.0.1"), clear("MX-V4.7.2.19")), (1, 0, 1));
}

#[test]
fn where_a_camera_is_listed_itself_its_variants_are_other_cameras() {
    let status = json!({
        "known_affected": ["FW-4.2.1.61:HW-M15-Thermal"],
        "fixed": ["FW-4.7.2.18:HW-D24M"],
    });
    let text = String::from_utf8(changed("/vulnerabilities/0/product_status", status)).unwrap();
    let mut advisories = Advisories::default();
    advisories.load("a.json", text.replace("D24M", "M15").as_bytes()).unwrap();
    let affected = |model| {
        let standing = advisories.about(&"MX-V4.2.1.61".parse().unwrap(), Some(model));
        standing.affected_by.into_iter().flat_map(|it| it.if_model).collect::<Vec<_>>()
    };
    assert!(affected("M15").is_empty());
    assert_eq!(affected("M15-T"), ["M15-Thermal"]);
}

#[test]
fn an_exact_clearing_settles_what_another_entry_leaves_open() {
    let id = "FW-4.7.2.18:HW-D24M";
    let open = |status: Value| {
        let mut advisories = Advisories::default();
        advisories.load("a.json", &changed("/vulnerabilities/0/product_status", status)).unwrap();
        advisories.about(&"MX-V4.7.2.18".parse().unwrap(), Some("D24M")).undecided.len()
    };
    assert_eq!(open(json!({ "under_investigation": [id] })), 1);
    assert_eq!(open(json!({ "under_investigation": [id], "fixed": [id] })), 0);
}

/// Any JSON of moderate size.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        prop_oneof![Just("MOBOTIX"), Just("MX-V4.0.x"), Just("<5.2"), Just("D24M"), Just("2.0")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop_oneof![
            Just("branches"),
            Just("name"),
            Just("product"),
            Just("product_id"),
            Just("category")
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..4).prop_map(|pairs| pairs
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Advisories::default().load("x", &bytes);
    }

    #[test]
    fn no_json_in_any_place_makes_the_reader_panic(
        value in any_json(),
        place in prop_oneof![
            Just(""), Just("/document"), Just("/product_tree"), Just("/product_tree/branches"),
            Just("/product_tree/branches/0/name"), Just("/product_tree/branches/0/branches/0/branches/0"),
            Just("/product_tree/relationships/0"), Just("/product_tree/relationships/0/full_product_name"),
            Just("/vulnerabilities"), Just("/vulnerabilities/0/product_status"), Just("/vulnerabilities/0/cve"),
        ],
    ) {
        let mut advisories = Advisories::default();
        if advisories.load("x", &changed(place, value)).is_ok() {
            let _ = advisories.about(&"MX-V4.2.1.61".parse().unwrap(), None);
        }
    }

    #[test]
    fn no_branch_name_makes_the_reader_panic(name in "(?s).{0,60}", category in prop_oneof![
        Just("vendor"), Just("product_family"), Just("product_name"), Just("product_version"),
        Just("product_version_range"), Just("patch_level"), Just("anything"),
    ]) {
        let base = "/product_tree/branches/0/branches/0/branches/0/branches/0";
        let mut document: Value = serde_json::from_str(GOOD).unwrap();
        let branch = document.pointer_mut(base).unwrap();
        branch["name"] = json!(name);
        branch["category"] = json!(category);
        branch["product"]["name"] = json!(name);
        let mut advisories = Advisories::default();
        if advisories.load("x", &serde_json::to_vec(&document).unwrap()).is_ok() {
            let _ = advisories.about(&"MX-V4.0.1.15".parse().unwrap(), Some("D24M"));
        }
    }
}
