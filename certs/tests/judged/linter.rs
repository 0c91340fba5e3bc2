//! pkilint, an independent linter. `tests/run` puts it into the build's folder; where it cannot be had, these tests say
//! so and judge nothing.

use std::path::PathBuf;
use std::process::Command;

use super::chains::{Chains, in_target};

/// One of its programs.
fn program(name: &str) -> Option<PathBuf> {
    let path = in_target("pkilint/bin").join(name);
    if !path.exists() {
        eprintln!(
            "NOT LINTED: there is no {}; tests/run installs pkilint where it can",
            path.display()
        );
        return None;
    }
    Some(path)
}

/// What a program finds, from notices up.
fn found(mut command: Command) -> String {
    let told = command.output().unwrap();
    let errors = String::from_utf8_lossy(&told.stderr);
    assert!(errors.trim().is_empty(), "{errors}");
    String::from_utf8_lossy(&told.stdout).trim().to_owned()
}

/// The names of agents, operators and the controller are URIs of a scheme of our own, with the organisation where a host
/// would be. The linter knows the schemes of the web alone, and says so of each; it may find nothing else.
fn but_for_the_scheme(finding: &str) -> bool {
    finding.contains("pkix.invalid_uri_syntax") && finding.contains("\"palisade://acme/")
}

#[test]
fn a_linter_finds_nothing_in_any_certificate() {
    let Some(program) = program("lint_pkix_cert") else { return };
    let chains = Chains::new();
    let lint = |name: &str| {
        let mut command = Command::new(&program);
        command.args(["lint", "-s", "NOTICE", "-f", "CSV"]).arg(chains.path(name));
        let findings = found(command);
        // The first line names the columns.
        findings.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    for name in ["root", "issuing", "device-issuer"] {
        assert!(lint(name).is_empty(), "{name}: {:?}", lint(name));
    }
    for name in ["agent", "operator", "controller"] {
        let rest: Vec<_> = lint(name).into_iter().filter(|one| !but_for_the_scheme(one)).collect();
        assert!(rest.is_empty(), "{name}: {rest:?}");
    }
}

#[test]
fn a_linter_finds_nothing_between_a_certificate_and_its_issuer() {
    let Some(program) = program("lint_pkix_signer_signee_cert_chain") else { return };
    let chains = Chains::new();
    for (above, below) in [
        ("root", "issuing"),
        ("issuing", "device-issuer"),
        ("issuing", "agent"),
        ("issuing", "operator"),
        ("issuing", "controller"),
    ] {
        let mut command = Command::new(&program);
        command.args(["lint", "-s", "NOTICE"]).arg(chains.path(above)).arg(chains.path(below));
        assert_eq!(found(command), "", "{above} {below}");
    }
}
