//! The bench, run briefly: it counts, and it is held to the counts. Its times are nobody's business here.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Over HTTP: the connection; the question that is answered with a challenge; four pages, robots.txt; the
/// configuration and the web log, both with the one nonce.
const ROUND_TRIPS_HTTP: u64 = 9;
/// Over HTTPS also the TLS handshake, and Basic where only Digest is offered.
const ROUND_TRIPS_HTTPS: u64 = ROUND_TRIPS_HTTP + 2;

#[test]
fn a_site_is_audited_whole_with_one_connection_and_the_fewest_round_trips_per_camera() {
    let bench = Path::new(env!("CARGO_BIN_EXE_palisade-bench"));
    let agent = bench.with_file_name("palisade-agent");
    assert!(agent.is_file(), "run `cargo build --workspace` first: {} is missing", agent.display());
    let output = Command::new(bench).args(["audit", "--quick"]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let rows: BTreeMap<_, u64> = std::str::from_utf8(&output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect();
    assert_eq!(
        rows,
        BTreeMap::from([
            ("audited_http", 20),
            ("open_per_camera_http", 1),
            ("round_trips_per_camera_http", ROUND_TRIPS_HTTP),
            ("audited_https", 20),
            ("open_per_camera_https", 1),
            ("round_trips_per_camera_https", ROUND_TRIPS_HTTPS),
        ])
    );
}
