use certs::escrow::{Quorum, Sheet, open, seal};
use certs::hierarchy::DEVICE_ISSUER_LIFE;
use certs::seal::{Opener, open_with_passphrase};
use certs::{Key, request};
use futures::StreamExt as _;
use proto::{EscrowRecord, Secret, SecretId, SecretKind, Timestamp};

use crate::service::recipients::Signed;
use crate::service::reports::{Entry, Item, Upload};
use crate::service::shown::OVERDUE;
use crate::service::testing::{DAY, NOW, World, asking, device, organisation, report, serve, site};
use crate::service::turnover::Step;
use crate::service::{AgentPeer, Refusal};
use crate::store::escrow::{Held, Wanted};
use crate::store::policies::Scope;

/// The root's key, as whoever knows the passphrase has it.
fn root(world: &World) -> Key {
    let sealed = std::fs::read(world.data.join("authority/root.key.age")).unwrap();
    let opened = open_with_passphrase(&sealed, &Secret::new("correct horse battery")).unwrap();
    Key::from_pkcs8(&opened).unwrap()
}

fn people(count: usize) -> (Vec<Opener>, Vec<String>) {
    let keys: Vec<_> = (0..count).map(|_| Opener::generate()).collect();
    let names = keys.iter().map(|key| key.recipient().to_string()).collect();
    (keys, names)
}

fn signed(root: &Key, generation: u64, threshold: u32, names: &[String]) -> Signed {
    let quorum = Quorum::new(threshold as usize, names).unwrap();
    let signature = quorum.sign(&organisation(), generation, root).unwrap();
    Signed { generation, threshold, recipients: names.to_vec(), signature }
}

/// One person's key, and the first recipients set to it.
async fn recipients(world: &World) -> (Opener, Quorum) {
    let (mut keys, names) = people(1);
    world.service.set_recipients(&world.kim, signed(&root(world), 1, 1, &names)).await.unwrap();
    (keys.remove(0), Quorum::new(1, &names).unwrap())
}

fn record(id: u8, kind: SecretKind, quorum: &Quorum, generation: u64) -> EscrowRecord {
    let sheet = Sheet {
        organisation: organisation(),
        site: site("harbour"),
        id: SecretId([id; 16]),
        device: Some(device("yard")),
        kind,
        account: "admin".to_owned(),
        made_at: Timestamp::from_unix(NOW),
        secret: Secret::new(format!("Pw-{id}-Gannet")),
    };
    let copies = seal(&sheet, quorum).unwrap();
    let Sheet { id, device, kind, account, made_at, .. } = sheet;
    EscrowRecord { id, device, kind, account, made_at, recipients_generation: generation, copies }
}

fn password(id: u8, quorum: &Quorum) -> EscrowRecord {
    record(id, SecretKind::DevicePassword, quorum, 1)
}

async fn hand_over(
    world: &World,
    peer: &AgentPeer,
    records: impl IntoIterator<Item = EscrowRecord>,
) -> Result<u64, Refusal> {
    let items = records.into_iter().map(|record| Item::Escrow(Box::new(record)));
    let entries = (1..).zip(items).map(|(sequence, item)| Entry { sequence, item });
    let epoch = certs::random::id().unwrap();
    let upload = Upload { epoch, entries: entries.collect(), takes_refusals: true };
    world.service.take_report(peer, upload).await.map(|taken| taken.committed)
}

async fn listed(world: &World, history: bool) -> Vec<Held> {
    let wanted = Wanted { history, ..Wanted::default() };
    world.service.secrets(&wanted).await.unwrap().0
}

async fn shown(world: &World, history: bool) -> Vec<EscrowRecord> {
    let (site, device) = (site("harbour"), device("yard"));
    let asked = world.service.show_secrets(&world.kim, (&site, Some(&device)), history, "drill");
    asked.await.unwrap().records
}

#[tokio::test]
async fn only_recipients_that_the_root_signed_are_taken_one_generation_after_the_other() {
    let world = World::new().await;
    let (service, kim, root) = (&world.service, &world.kim, root(&world));
    assert_eq!(service.recipients().await.unwrap(), (None, 1));
    let (_, names) = people(3);
    let forged = signed(&Key::generate().unwrap(), 1, 2, &names);
    let refused = service.set_recipients(kim, forged).await.unwrap_err();
    assert!(matches!(&refused, Refusal::Invalid(why) if why.contains("no root")), "{refused}");
    let mut more = signed(&root, 1, 2, &names);
    more.threshold = 1;
    assert!(service.set_recipients(kim, more).await.is_err(), "it was signed for two");
    let early = service.set_recipients(kim, signed(&root, 2, 2, &names)).await;
    assert!(matches!(early, Err(Refusal::Conflict(_))));
    service.set_recipients(kim, signed(&root, 1, 2, &names)).await.unwrap();
    let again = service.set_recipients(kim, signed(&root, 1, 1, &names)).await;
    assert!(matches!(again, Err(Refusal::Conflict(_))));
    service.set_recipients(kim, signed(&root, 2, 1, &names[..2])).await.unwrap();
    let (held, next) = service.recipients().await.unwrap();
    assert_eq!((held.unwrap().recipients, next), (names[..2].to_vec(), 3));
    let records = service.store.audit_records(1, 100).await.unwrap();
    let details: Vec<_> = records.iter().filter(|(one, _)| one.deed == "recovery_set").collect();
    assert_eq!(details.len(), 2);
    assert!(details[1].0.detail.ends_with(&format!("no more: {}", names[2])), "{details:?}");
    // As if started again.
    service.load().await.unwrap();
    assert_eq!(service.recipients_generation(), 2);
}

#[tokio::test]
async fn what_is_handed_over_is_kept_once_and_again_for_newer_recipients() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let (_, quorum) = recipients(&world).await;
    let (one, two) = (password(1, &quorum), password(2, &quorum));
    assert_eq!(hand_over(&world, &agent, [one.clone(), two.clone()]).await.unwrap(), 2);
    hand_over(&world, &agent, [one.clone(), two.clone()]).await.unwrap();
    let all = listed(&world, true).await;
    assert_eq!(all.len(), 2);
    assert_eq!(listed(&world, false).await.len(), 1, "the second took the first's place");
    assert_eq!(shown(&world, true).await, [two.clone(), one]);

    let (keys, names) = people(1);
    let next = signed(&root(&world), 2, 1, &names);
    world.service.set_recipients(&world.kim, next).await.unwrap();
    let quorum = Quorum::new(1, &names).unwrap();
    let resealed = record(2, SecretKind::DevicePassword, &quorum, 2);
    assert_eq!(world.service.sealed_to_earlier().await.unwrap(), 2);
    hand_over(&world, &agent, [resealed, two]).await.unwrap();
    assert_eq!(world.service.sealed_to_earlier().await.unwrap(), 1, "the history stays as it was");
    let kept = shown(&world, false).await.remove(0);
    assert_eq!(kept.recipients_generation, 2, "the older copies do not come back");
    assert_eq!(open(&kept.copies[0], &keys).unwrap().secret.expose(), "Pw-2-Gannet");
    assert_eq!(listed(&world, true).await.len(), 2);
}

#[tokio::test]
async fn an_agent_that_was_taken_over_destroys_no_copy_and_reaches_no_other_site() {
    let world = World::new().await;
    world.add_site("harbour").await;
    world.add_site("depot").await;
    let ((harbour, ..), (depot, ..)) = (world.join("harbour").await, world.join("depot").await);
    let (_, quorum) = recipients(&world).await;
    let good = password(1, &quorum);
    hand_over(&world, &harbour, [good.clone()]).await.unwrap();
    let (_, strangers) = people(1);
    let stranger = Quorum::new(1, &strangers).unwrap();
    let other = EscrowRecord { account: "mallory".to_owned(), ..password(1, &quorum) };
    let newer = record(1, SecretKind::DevicePassword, &stranger, u64::MAX);
    for odd in [other, newer] {
        hand_over(&world, &harbour, [odd]).await.unwrap();
    }
    // The same name at another site is another secret.
    hand_over(&world, &depot, [record(1, SecretKind::DevicePassword, &stranger, 1)]).await.unwrap();
    assert_eq!(shown(&world, true).await, [good]);
    let odd = world.deeds().await.into_iter().filter(|deed| deed == "agent_secret_odd").count();
    assert_eq!(odd, 3);
    let sites: Vec<_> = listed(&world, true).await.into_iter().map(|one| one.site).collect();
    assert_eq!(sites, [site("depot"), site("harbour")]);
}

#[tokio::test]
async fn showing_takes_a_reason_and_leaves_a_record_and_what_is_still_in_use_is_due_a_day_later() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let (_, quorum) = recipients(&world).await;
    let certificate = record(9, SecretKind::DeviceCertificate, &quorum, 1);
    hand_over(&world, &agent, [password(1, &quorum), certificate]).await.unwrap();
    let (service, site, yard) = (&world.service, site("harbour"), device("yard"));
    let asked = service.show_secrets(&world.kim, (&site, Some(&yard)), false, " ").await;
    assert!(matches!(asked, Err(Refusal::Invalid(_))));
    let asked = service.show_secrets(&world.kim, (&site, None), false, "why").await;
    assert!(matches!(asked, Err(Refusal::NotFound(_))), "the site shares nothing");
    assert!(service.due_rotations(Timestamp::from_unix(i64::MAX)).await.unwrap().is_empty());
    shown(&world, false).await;
    assert_eq!(world.deeds().await.last().unwrap(), "secret_shown");
    let at = |seconds| Timestamp::from_unix(NOW + seconds);
    assert!(service.due_rotations(at(OVERDUE - 1)).await.unwrap().is_empty());
    let due = service.due_rotations(at(OVERDUE)).await.unwrap();
    let kinds: Vec<_> = due.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [SecretKind::DeviceCertificate, SecretKind::DevicePassword]);
    hand_over(&world, &agent, [password(2, &quorum)]).await.unwrap();
    let due = service.due_rotations(at(OVERDUE)).await.unwrap();
    assert_eq!(due.len(), 1, "the password has a newer one");
}

#[tokio::test]
async fn what_was_shown_is_ordered_to_be_replaced_where_policy_lets_it_and_again_when_overdue() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let (_, quorum) = recipients(&world).await;
    hand_over(&world, &agent, [password(1, &quorum)]).await.unwrap();
    let (service, site, yard) = (&world.service, site("harbour"), device("yard"));
    let show = || service.show_secrets(&world.kim, (&site, Some(&yard)), false, "why");
    let orders = || service.orders.outstanding(&site, service.now()).len();
    assert_eq!(show().await.unwrap().rotate_at, None, "no policy says so");
    assert_eq!(orders(), 0);
    let policy = "[rotation]\npasswords = true\nshown_grace_minutes = 10\n";
    service.apply_policy(&world.kim, &Scope::Organisation, policy, "", 0).await.unwrap();
    for _ in 0..2 {
        assert_eq!(show().await.unwrap().rotate_at, Some(Timestamp::from_unix(NOW + 600)));
        assert_eq!(orders(), 1);
    }
    world.clock.forward(2 * DAY);
    assert_eq!(orders(), 0, "nobody was there to do it");
    service.order_overdue().await.unwrap();
    assert_eq!(orders(), 0, "nor is now");
    let _line = service.watch(&agent);
    for _ in 0..2 {
        service.order_overdue().await.unwrap();
        assert_eq!(orders(), 1);
    }
}

#[tokio::test]
async fn a_site_with_secrets_in_no_kit_is_not_removed() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let (_, quorum) = recipients(&world).await;
    let records: Vec<_> = (1..=40).map(|id| password(id, &quorum)).collect();
    hand_over(&world, &agent, records.clone()).await.unwrap();
    let (service, kim) = (&world.service, &world.kim);
    service.revoke_agent(kim, &agent.id, "gone").await.unwrap();
    let refused = service.remove_site(kim, &site("harbour")).await.unwrap_err();
    assert!(refused.to_string().contains("40 secrets"), "{refused}");
    let kit = service.export_secrets(kim, Some(site("harbour")), "before removal").await.unwrap();
    let kit: Vec<_> = kit.map(|one| one.unwrap().1).collect().await;
    assert_eq!(kit, records);
    assert!(world.deeds().await.contains(&"secrets_exported".to_owned()));
    service.remove_site(kim, &site("harbour")).await.unwrap();
    assert!(listed(&world, true).await.is_empty());
    let nothing = service.export_secrets(kim, None, "monthly").await.err().unwrap();
    assert!(matches!(nothing, Refusal::Precondition(_)));
}

#[tokio::test]
async fn a_root_does_not_go_while_it_alone_signed_the_recipients() {
    let world = World::new().await;
    recipients(&world).await;
    let passphrase = Secret::new("correct horse battery");
    let (work, now) = (certs::seal::Work::Little, world.service.now());
    crate::service::found::prepare_authority(&world.data, passphrase, None, work, now)
        .await
        .unwrap();
    let (service, kim) = (&world.service, &world.kim);
    let login = request::make(&Key::generate().unwrap()).unwrap();
    service.log_in(crate::service::testing::source(), &world.ticket.secret, &login).await.unwrap();
    service.turn_over(kim, Step::Prepare).await.unwrap();
    service.renew_operator(kim, &login).await.unwrap();
    service.turn_over(kim, Step::Activate { leave_behind_after: 0 }).await.unwrap();
    world.clock.forward(8 * DAY);
    let refused = service.turn_over(kim, Step::Retire).await.unwrap_err();
    assert!(refused.to_string().contains("palisade recovery set"), "{refused}");
    let sealed = std::fs::read(world.data.join("authority/next/root.key.age")).unwrap();
    let opened = open_with_passphrase(&sealed, &Secret::new("correct horse battery")).unwrap();
    let (_, names) = people(2);
    let next = signed(&Key::from_pkcs8(&opened).unwrap(), 2, 1, &names);
    service.set_recipients(kim, next).await.unwrap();
    service.turn_over(kim, Step::Retire).await.unwrap();
}

#[tokio::test]
async fn a_sites_issuer_names_the_addresses_that_its_devices_are_known_to_have() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let (service, ask) = (&world.service, asking().0.request);
    let refused = service.device_issuer(&agent, &ask).await.unwrap_err();
    assert!(matches!(&refused, Refusal::Precondition(why) if why.contains("visited")), "{refused}");
    for (sequence, (name, address)) in
        (1..).zip([("yard", "https://10.1.2.3"), ("gate", "https://93.184.216.34")])
    {
        let seen = proto::wire::finding::Report {
            address: address.to_owned(),
            ..report(name, Vec::new())
        };
        world.report(&agent, sequence, seen).await;
    }
    let chain = service.device_issuer(&agent, &ask).await.unwrap();
    assert_eq!(chain.len(), 3);
    let (_, ends) = certs::trust::lifetime(&chain[0]).unwrap();
    assert_eq!(ends.unix(), NOW + DEVICE_ISSUER_LIFE);
    let window = |bytes: &[u8]| chain[0].windows(bytes.len()).any(|part| part == bytes);
    assert!(window(&[10, 1, 2, 3, 255, 255, 255, 255]) && !window(&[93, 184, 216, 34]));
    assert_eq!(world.deeds().await.last().unwrap(), "device_issuer_signed");
    for _ in 1..6 {
        service.device_issuer(&agent, &ask).await.unwrap();
    }
    assert!(matches!(service.device_issuer(&agent, &ask).await, Err(Refusal::Exhausted(_))));
    world.clock.forward(3600);
    service.device_issuer(&agent, &ask).await.unwrap();
    let nonsense = service.device_issuer(&agent, b"what?").await;
    assert!(matches!(nonsense, Err(Refusal::Invalid(_))));
}

#[tokio::test]
async fn a_backup_brings_back_what_is_in_escrow_and_never_an_earlier_generation() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let (key, quorum) = recipients(&world).await;
    hand_over(&world, &agent, [password(1, &quorum)]).await.unwrap();
    let mut pieces = world.service.backup(&world.kim).await.unwrap();
    let mut sealed = Vec::new();
    while let Some(piece) = pieces.next().await {
        sealed.extend(piece.unwrap());
    }
    let data = world.data.with_file_name("restored");
    let opener = Opener::parse(&world.opener.to_text()).unwrap();
    let later = Timestamp::from_unix(NOW + 100);
    let from = std::io::Cursor::new(sealed);
    crate::service::restore::restore(from, opener, &data, later).await.unwrap();
    let again = serve(data, world.clock.clone(), &world.opener).await;
    let (held, next) = again.recipients().await.unwrap();
    assert_eq!((held.unwrap().generation, next), (1, 10_002));
    let (site, yard) = (site("harbour"), device("yard"));
    let shown = again.show_secrets(&world.kim, (&site, Some(&yard)), false, "drill").await.unwrap();
    let sheet = open(&shown.records[0].copies[0], &[key]).unwrap();
    assert_eq!(sheet.secret.expose(), "Pw-1-Gannet");
}
