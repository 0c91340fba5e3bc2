//! The restore drill.

use std::io::Read as _;
use std::sync::Arc;

use certs::mutual::{Gate, Lifetimes, Trusting, client_config, server_config};
use certs::seal::{Opener, opening};
use certs::{Identity, Key, Name, TrustBundle, request};
use futures::StreamExt as _;
use proto::{Organisation, Role, Stance, Timestamp, Verdict};
use rustls::{ClientConnection, ServerConnection};

use crate::service::restore::{RestoreError, Restored, restore};
use crate::service::standing::Door;
use crate::service::testing::{
    NOW, World, finding, name, organisation, report, serve, site, source,
};
use crate::service::{Authorities, Refusal, Service, Settings};
use crate::store::findings::Filter;
use crate::store::policies::Scope;

async fn backup(world: &World) -> Vec<u8> {
    let mut chunks = world.service.backup(&world.kim).await.unwrap();
    let mut whole = Vec::new();
    while let Some(chunk) = chunks.next().await {
        whole.extend(chunk.unwrap());
    }
    whole
}

async fn bring_back(
    backup: Vec<u8>,
    opener: &Opener,
    data: &std::path::Path,
) -> Result<Restored, RestoreError> {
    let opener = Opener::parse(&opener.to_text()).unwrap();
    let later = Timestamp::from_unix(NOW + 100);
    restore(std::io::Cursor::new(backup), opener, data, later).await
}

/// Whether the service's port would let somebody in who comes with this certificate.
fn lets_in(
    service: &Service,
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: Key,
) -> bool {
    let standing = service.authorities.now();
    let own = Key::generate().unwrap();
    let asks = request::verify(&request::make(&own).unwrap()).unwrap();
    let name = Name::Controller(organisation());
    let issued = standing.issuing.issue(&name, &asks, service.now(), 86_400).unwrap();
    let server = Identity::new(issued.chain, own).unwrap();
    let gate: Arc<dyn Gate> = Arc::new(Door(service.standings.clone()));
    let accepts = &standing.accepted;
    let config = server_config(&server, accepts, gate, service.clock.clone()).unwrap();
    let mut server = ServerConnection::new(config).unwrap();
    let client = Identity::new(chain, key).unwrap();
    let trusting = Trusting::Bundle(standing.trust.clone());
    let times = Lifetimes::Judged(service.clock.clone());
    let config = client_config(&organisation(), &trusting, Some(&client), times).unwrap();
    let dns = certs::name::server_name(&organisation()).try_into().unwrap();
    let mut client = ClientConnection::new(config, dns).unwrap();
    for _ in 0..4 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut &*wire).unwrap();
        if server.process_new_packets().is_err() {
            return false;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut &*wire).unwrap();
        client.process_new_packets().unwrap();
    }
    !client.is_handshaking() && !server.is_handshaking()
}

#[tokio::test]
async fn a_controller_comes_back_with_everything_and_everybody() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    let kims_key = Key::generate().unwrap();
    let asks = request::make(&kims_key).unwrap();
    let login = service.log_in(source(), &world.ticket.secret, &asks).await.unwrap();
    world.add_site("harbour").await;
    world.add_site("depot").await;
    let (agent, joined, agents_key) = world.join("harbour").await;
    let findings = vec![finding("C07", Verdict::Unmet, Stance::Report)];
    world.report(&agent, 1, report("yard", findings)).await;
    let text = "[stances]\nC07 = \"enforce\"\n";
    service.apply_policy(kim, &Scope::Organisation, text, "", 0).await.unwrap();
    let token = service.create_token(kim, &site("depot"), 0).await.unwrap();
    service.add_operator(kim, &name("robin"), Role::Viewer).await.unwrap();

    // Writing goes on while the backup is taken.
    let writing = async {
        for number in 0..50 {
            world.add_site(&format!("site-{number}")).await;
        }
    };
    let (sealed, ()) = tokio::join!(backup(&world), writing);
    let secret = std::fs::read(world.data.join("authority/issuing.key")).unwrap();
    assert!(!sealed.windows(64).any(|window| secret.windows(64).any(|part| part == window)));

    let data = world.data.with_file_name("restored");
    let restored = bring_back(sealed, &world.opener, &data).await.unwrap();
    assert_eq!((restored.organisation, restored.taken_at.unix()), (organisation(), NOW));
    assert_eq!(restored.revoked, 2, "depot's token and robin's code");
    let again = serve(data, world.clock.clone(), &world.opener).await;
    let sites = again.sites().await.unwrap();
    assert!(sites.len() >= 2 && sites.iter().any(|one| one.name == site("harbour")));
    assert!(sites.iter().all(|site| site.generation > 10_000), "agents refuse to go back");
    let rows = again.findings(&Filter::default(), 0).await.unwrap().rows;
    assert_eq!(rows.len(), 1);
    let policy = again.policy_in_force(&Scope::Site(site("harbour"))).await.unwrap();
    assert_eq!(policy.text, text);
    assert!(again.standings.operator(&name("robin")).is_some());
    assert_eq!(again.authorities.now().trust.generation, 10_001);
    let records = again.store.audit_records(1, 1000).await.unwrap();
    assert_eq!(records.last().unwrap().0.deed, "restored");
    again.store.verify().await.unwrap();

    assert!(lets_in(&again, login.chain, kims_key), "kim's certificate is still taken");
    assert!(lets_in(&again, joined.answer.chain, agents_key), "the agent's as well");
    let tokens = again.tokens().await.unwrap();
    let depots = tokens.iter().find(|one| one.id == token.id).unwrap();
    assert!(depots.revoked_at.is_some(), "it may have been used since");
}

#[tokio::test]
async fn a_stranger_is_not_let_in_after_all() {
    let (world, other) = (World::new().await, World::new().await);
    let key = Key::generate().unwrap();
    let asks = request::make(&key).unwrap();
    let login = other.service.log_in(source(), &other.ticket.secret, &asks).await.unwrap();
    assert!(!lets_in(&world.service, login.chain, key));
    let _: (Organisation, TrustBundle) = (organisation(), login.trust);
}

#[tokio::test]
async fn the_age_and_tar_tools_alone_could_open_it() {
    let world = World::new().await;
    let sealed = backup(&world).await;
    let mut tar = Vec::new();
    opening(&*sealed, &world.opener).unwrap().read_to_end(&mut tar).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup.tar");
    std::fs::write(&path, tar).unwrap();
    let listed = std::process::Command::new("tar").arg("-tf").arg(&path).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    let wanted = "backup.json\nauthority/issuing.crt\nauthority/issuing.key\nauthority/root.crt\n\
                  authority/root.key.age\npalisade.db\n";
    assert_eq!(names, wanted);
}

#[tokio::test]
async fn what_is_not_a_whole_backup_leaves_nothing_behind() {
    let world = World::new().await;
    let sealed = backup(&world).await;
    let data = world.data.with_file_name("restored");
    let mut altered = sealed.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    for wrong in [Vec::new(), sealed[..sealed.len() - 1].to_vec(), altered, b"what?".to_vec()] {
        assert!(bring_back(wrong, &world.opener, &data).await.is_err());
        assert!(!data.exists());
    }
    let refused = bring_back(sealed.clone(), &Opener::generate(), &data).await;
    assert!(matches!(refused, Err(RestoreError::Sealed(_))) && !data.exists());
    let refused = bring_back(sealed, &world.opener, &world.data).await;
    assert!(matches!(refused, Err(RestoreError::Folder(_))), "it holds a controller");
    world.service.sites().await.unwrap();
}

#[tokio::test]
async fn a_backup_whose_audit_log_was_altered_is_refused() {
    let world = World::new().await;
    world.add_site("harbour").await;
    world.service.store.tamper("UPDATE audit_log SET actor = 'mallory' WHERE number = 2").await;
    let data = world.data.with_file_name("restored");
    let refused = bring_back(backup(&world).await, &world.opener, &data).await.unwrap_err();
    let RestoreError::Store(cause) = refused else { panic!("{refused}") };
    assert!(cause.to_string().contains("record 2"), "{cause}");
    assert!(!data.exists());
}

#[tokio::test]
async fn without_recipients_or_while_one_is_taken_none_is_begun() {
    let world = World::new().await;
    let (service, before) = (&world.service, world.deeds().await.len());
    let taken = service.backing_up.clone().try_acquire_owned().unwrap();
    assert!(matches!(service.backup(&world.kim).await, Err(Refusal::Exhausted(_))));
    drop(taken);
    let alone = Service::new(
        service.store.clone(),
        service.clock.clone(),
        organisation(),
        Authorities::new((*service.authorities.now()).clone()),
        Settings { recipients: Vec::new(), ..service.settings.clone() },
    );
    assert!(matches!(alone.backup(&world.kim).await, Err(Refusal::Precondition(_))));
    assert_eq!(world.deeds().await.len(), before);
    backup(&world).await;
    assert_eq!(world.deeds().await.last().unwrap(), "backup_taken");
}

#[tokio::test]
async fn a_backup_is_being_taken_until_its_taker_has_it() {
    let world = World::new().await;
    let waiting = world.service.backup(&world.kim).await.unwrap();
    let other = world.service.backup(&world.kim).await;
    assert!(matches!(other, Err(Refusal::Exhausted(_))));
    drop(waiting);
    // Free again once the thread that seals it has noticed.
    while world.service.backing_up.available_permits() == 0 {
        tokio::task::yield_now().await;
    }
    backup(&world).await;
}

#[tokio::test]
async fn nothing_of_a_backup_stays_on_the_disk() {
    let world = World::new().await;
    let names = || {
        let entries = std::fs::read_dir(&world.data).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    backup(&world).await;
    // The copy goes when the thread that read it ends.
    while names() != before {
        tokio::task::yield_now().await;
    }
    std::fs::create_dir(world.data.join(".snapshot-crash")).unwrap();
    world.service.store.close().await;
    crate::service::found::open(&world.data).await.unwrap();
    assert!(!world.data.join(".snapshot-crash").exists());
}
