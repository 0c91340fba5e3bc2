//! The restore drill: agents seal their cameras' secrets to the recovery recipients, the controller keeps what it cannot
//! open, somebody makes a kit, and then agent and controller are gone. Real programs, a bare agent.

use std::fs;
use std::path::Path;

use certs::escrow::{Quorum, Sheet, seal};
use certs::ticket::Ticket;
use certs::trust;
use proto::wire::v1;
use proto::wire::v1::agent_client::AgentClient;
use proto::{EscrowRecord, Secret, SecretId, SecretKind, Timestamp};
use tests::herd::dial::channel;
use tests::herd::{Pass, enroll};
use tests::world::{Controller, palisade, text};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

/// What the cameras at the site are opened with.
const PLANTED: [(&str, SecretKind, &str); 4] = [
    ("yard", SecretKind::DevicePassword, "Pyrd-Gannet+Cobalt/4"),
    ("gate", SecretKind::DevicePassword, "Pgte-Merlin=Saffron5"),
    ("roof", SecretKind::DevicePassword, "Prof-Osprey:Indigo#6"),
    ("roof", SecretKind::DeviceCertificate, "-----BEGIN PRIVATE KEY-----\nPkey0Avocet7Umber\n"),
];

/// Runs `palisade` as somebody whose certificate lies in that folder.
async fn run(folder: &Path, who: &str, words: &str) -> Result<String, String> {
    let home = folder.join(who);
    let words: Vec<_> = words.split(' ').chain(["--home", text(&home).unwrap()]).collect();
    palisade(words, folder).await.map_err(|error| format!("{error:#}"))
}

/// What the site's agent hears of the recovery recipients, as soon as it is on the line.
async fn recipients(controller: &Controller, pass: &Pass) -> v1::RecoveryRecipients {
    let line = channel(controller.place.clone(), pass.tls.clone()).await.unwrap();
    let (say, said) = tokio::sync::mpsc::channel(1);
    let status = v1::AgentStatus { version: "1".to_owned(), ..v1::AgentStatus::default() };
    say.send(status).await.unwrap();
    let heard = AgentClient::new(line).watch(ReceiverStream::new(said)).await.unwrap();
    let first = heard.into_inner().next().await.unwrap().unwrap();
    first.recovery.expect("recipients were set")
}

/// As an agent must: sealed to nobody whom the root did not sign.
fn checked(pass: &Pass, told: &v1::RecoveryRecipients) -> Quorum {
    let quorum = Quorum::new(told.threshold as usize, &told.recipients).unwrap();
    let root = trust::spki(&pass.trust.roots[0]).unwrap();
    let organisation = pass.identity.name().organisation();
    quorum.verify(organisation, told.generation, &told.signature, &root).unwrap();
    quorum
}

async fn hand_over(controller: &Controller, pass: &Pass, quorum: &Quorum) {
    let record = |(number, (device, kind, secret)): (u8, (&str, SecretKind, &str))| {
        let sheet = Sheet {
            organisation: controller.place.organisation.clone(),
            site: pass.site.parse().unwrap(),
            id: SecretId([number; 16]),
            device: Some(device.parse().unwrap()),
            kind,
            account: "admin".to_owned(),
            made_at: Timestamp::from_unix(1_800_000_000),
            secret: Secret::new(secret),
        };
        let copies = seal(&sheet, quorum).unwrap();
        let Sheet { id, device, kind, account, made_at, .. } = sheet;
        let recipients_generation = 1;
        EscrowRecord { id, device, kind, account, made_at, recipients_generation, copies }
    };
    let entries = (1..).zip(PLANTED).map(|planted| v1::Entry {
        sequence: planted.0.into(),
        time: 1_800_000_000,
        what: Some(v1::entry::What::Escrow((&record(planted)).into())),
    });
    let request = v1::ReportRequest {
        epoch: "one".to_owned(),
        entries: entries.collect(),
        takes_refusals: true,
    };
    let line = channel(controller.place.clone(), pass.tls.clone()).await.unwrap();
    let reply = AgentClient::new(line).report(request).await.unwrap();
    assert_eq!(reply.into_inner().committed, PLANTED.len() as u64);
}

/// What `secret open` printed: each device's secret.
fn opened(json: &str) -> Vec<(String, String)> {
    let rows: Vec<serde_json::Value> = serde_json::from_str(json).unwrap();
    let word = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.iter().map(|row| (word(row, "device"), word(row, "secret"))).collect()
}

/// Every planted part of a secret that a text holds.
fn found_in(bytes: &[u8]) -> Vec<&'static str> {
    let parts = PLANTED.iter().map(|(.., secret)| match secret.split_once('\n') {
        Some((_, key)) => key.trim(),
        None => secret,
    });
    parts.filter(|part| bytes.windows(part.len()).any(|window| window == part.as_bytes())).collect()
}

/// No file of the whole run holds a secret in clear: databases, logs, kits.
fn search(folder: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            files += search(&path);
        } else if kind.is_file() {
            files += 1;
            assert_eq!(found_in(&fs::read(&path).unwrap()), [""; 0], "{}", path.display());
        }
    }
    files
}

/// People with recovery keys, an organisation that seals to any two of them, a site, and somebody who may only look.
/// Gives what was printed.
async fn begin(folder: &Path) -> Vec<String> {
    let mut people = String::new();
    for person in ["one", "two", "three"] {
        let made = format!("recovery key --out {person}.key");
        people.push_str(&run(folder, "kim", &made).await.unwrap());
    }
    fs::write(folder.join("people"), &people).unwrap();
    let config = "--config controller/palisade.toml --passphrase-file passphrase";
    let mut heard = vec![people];
    for words in [
        "login --code-file first.code".to_owned(),
        format!("recovery set --recipients-file people --threshold 2 {config}"),
        "site add harbour --token-file harbour.token".to_owned(),
        "operator add robin --role viewer --code-file robin.code".to_owned(),
    ] {
        heard.push(run(folder, "kim", &words).await.unwrap());
    }
    heard.push(run(folder, "robin", "login --code-file robin.code").await.unwrap());
    heard
}

/// The kit opens with any two of the keys, and with no fewer. Gives what was printed besides secrets.
async fn open_alone(folder: &Path) -> [String; 2] {
    for keys in ["--key one.key --key two.key", "--key two.key --key three.key"] {
        let words = format!("secret open kit.json {keys} --format json");
        let mut found = opened(&run(folder, "nobody", &words).await.unwrap());
        found.sort();
        let planted = PLANTED.map(|(device, _, secret)| (device.to_owned(), secret.to_owned()));
        let mut wanted = planted.to_vec();
        wanted.sort();
        assert_eq!(found, wanted);
    }
    let alone = run(folder, "nobody", "secret open kit.json --key two.key --format json").await;
    let alone = alone.unwrap_err();
    assert!(alone.contains("more recovery keys are needed"), "{alone}");
    let kit = fs::read_to_string(folder.join("kit.json")).unwrap();
    fs::write(folder.join("half.json"), &kit[..kit.len() / 2]).unwrap();
    let words = "secret open half.json --key one.key --key two.key --format json";
    let half = run(folder, "nobody", words).await.unwrap_err();
    assert!(half.contains("cut off") && half.contains("ended with exit status: 2"), "{half}");
    [alone, half]
}

#[tokio::test]
async fn from_the_kit_alone_every_camera_opens_with_agent_and_controller_gone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut controller = Controller::found(folder, &[]).await.unwrap();
    let mut heard = begin(folder).await;

    let token = fs::read_to_string(folder.join("harbour.token")).unwrap();
    let pass = enroll(&controller.place, &Ticket::parse(&token).unwrap()).await.unwrap();
    let told = recipients(&controller, &pass).await;
    hand_over(&controller, &pass, &checked(&pass, &told)).await;

    // Whoever may only look is given nothing, and hears what it takes.
    for words in [
        "secret list harbour",
        "secret show harbour yard --key one.key --key two.key --reason curious --format json",
        "secret export --all --out mine.json --reason curious",
    ] {
        let refused = run(folder, "robin", words).await.unwrap_err();
        assert!(refused.contains("viewer") && refused.contains("takes the role"), "{refused}");
        heard.push(refused);
    }
    assert!(!folder.join("mine.json").exists());

    heard.push(run(folder, "kim", "secret list harbour").await.unwrap());
    let words = "secret export --all --out kit.json --reason drill";
    heard.push(run(folder, "kim", words).await.unwrap());
    let words =
        "secret show harbour yard --key one.key --key three.key --reason drill --format json";
    let shown = opened(&run(folder, "kim", words).await.unwrap());
    assert_eq!(shown, [("yard".to_owned(), PLANTED[0].2.to_owned())]);
    let log = run(folder, "kim", "audit log").await.unwrap();
    for deed in ["recovery_set", "secrets_exported", "secret_shown"] {
        assert!(log.contains(deed), "{deed}: {log}");
    }
    heard.push(log);

    controller.kill().await.unwrap();
    // The kit is all that is left.
    heard.extend(open_alone(folder).await);

    for text in heard {
        assert_eq!(found_in(text.as_bytes()), [""; 0], "{text}");
    }
    assert!(search(folder) > 10);
}
