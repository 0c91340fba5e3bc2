use certs::audit::{ChainHead, Record, Verifier};
use certs::random::digest;
use proto::Timestamp;
use proto::wire::finding::digest_form;
use proto::wire::v1;
use proto::wire::v1::entry::What;
use proto::wire::v1::operator_client::OperatorClient;
use tonic::Code as Grpc;
use tonic::transport::Channel;

use crate::api::testing::{Member, START, World, soon};

fn report(device: &str, observed: &str) -> v1::DeviceReport {
    let finding = v1::Finding {
        about: Some(v1::finding::About::Measure("C07".to_owned())),
        judgment: v1::Verdict::Unmet.into(),
        stance: v1::Stance::Report.into(),
        proof: v1::Proof::Observed.into(),
        observed: observed.to_owned(),
        disruption: v1::Disruption::None.into(),
        lockout_risk: v1::LockoutRisk::None.into(),
        ..v1::Finding::default()
    };
    v1::DeviceReport {
        device: device.to_owned(),
        kind: v1::DeviceKind::Mobotix.into(),
        observed_at: START,
        found_at: START,
        findings: vec![finding],
        ..v1::DeviceReport::default()
    }
}

fn records(member: &Member, count: u64) -> Vec<What> {
    let mut head = ChainHead::default();
    let each = (1..=count).map(|number| {
        let record = Record {
            number,
            time: Timestamp::from_unix(START),
            actor: member.identity.name().to_string(),
            deed: "visit_failed".to_owned(),
            subject: "yard".to_owned(),
            detail: format!("{number}"),
        };
        head = head.extended(&record);
        What::Audit(v1::AuditRecord {
            number,
            deed: record.deed,
            subject: record.subject,
            detail: record.detail,
            time: START,
            hash: head.hash.to_vec(),
        })
    });
    each.collect()
}

fn upload(epoch: &str, first: u64, what: impl IntoIterator<Item = What>) -> v1::ReportRequest {
    let entries = (first..).zip(what).map(|(sequence, what)| v1::Entry {
        sequence,
        time: START,
        what: Some(what),
    });
    v1::ReportRequest { epoch: epoch.to_owned(), entries: entries.collect(), takes_refusals: true }
}

async fn send(
    world: &World,
    member: &Member,
    request: v1::ReportRequest,
) -> Result<v1::ReportReply, tonic::Status> {
    world.agent(member).await.report(request).await.map(tonic::Response::into_inner)
}

const RECORDS: &str = "SELECT COUNT(*) FROM agent_audit";

#[tokio::test]
async fn repeated_and_overlapping_uploads_are_taken_once() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let all = records(&member, 9);
    let part = |from: usize, to: usize| upload("one", from as u64 + 1, all[from..to].to_vec());
    let first = send(&world, &member, part(0, 4)).await.unwrap();
    assert_eq!(first.committed, 4);
    assert_eq!(send(&world, &member, part(0, 4)).await.unwrap(), first);
    assert_eq!(send(&world, &member, part(2, 7)).await.unwrap().committed, 7);
    assert_eq!(send(&world, &member, part(1, 3)).await.unwrap().committed, 7);
    assert_eq!(send(&world, &member, part(7, 9)).await.unwrap().committed, 9);
    // A rebuilt outbox sends under another epoch what it does not know to be here.
    assert_eq!(send(&world, &member, upload("two", 1, all)).await.unwrap().committed, 9);
    assert_eq!(world.service.store.number(RECORDS).await, 9);
    assert_eq!(world.deeds("agent_chain_odd").await.len(), 0);
}

#[tokio::test]
async fn uploads_at_the_same_moment_are_taken_once() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let client = world.agent(&member).await;
    let all = records(&member, 20);
    let tries = (0..16).map(|_| {
        let (mut client, request) = (client.clone(), upload("one", 1, all.clone()));
        tokio::spawn(async move { client.report(request).await.unwrap().into_inner().committed })
    });
    for done in futures::future::join_all(tries).await {
        assert_eq!(done.unwrap(), 20);
    }
    assert_eq!(world.service.store.number(RECORDS).await, 20);
}

#[tokio::test]
async fn a_chain_that_does_not_fit_is_kept_and_noted() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut all = records(&member, 6);
    let taken_out = all.remove(3);
    if let What::Audit(record) = &mut all[1] {
        record.detail = "changed".to_owned();
    }
    let reply = send(&world, &member, upload("one", 1, all.clone())).await.unwrap();
    assert_eq!(reply.committed, 5);
    let noted = world.deeds("agent_chain_odd").await;
    assert_eq!(noted.len(), 1);
    for part in ["record 2 does not fit", "records 4 to 4 are missing", "(2 in all)"] {
        assert!(noted[0].contains(part), "{noted:?}");
    }
    // What was left out comes too late to be verified; it changes nothing.
    send(&world, &member, upload("one", 9, [taken_out])).await.unwrap();
    if let What::Audit(record) = &mut all[0] {
        record.hash = vec![9; 32];
    }
    send(&world, &member, upload("one", 10, [all[0].clone()])).await.unwrap();
    let noted = world.deeds("agent_chain_odd").await;
    assert!(noted[1].contains("record 1 came again"), "{noted:?}");
}

#[tokio::test]
async fn a_report_takes_the_place_of_the_one_before_and_of_no_other() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let mut news = world.service.news();
    let reports = ["open", "closed"].map(|observed| What::Device(report("yard", observed)));
    let gate = What::Device(report("gate", "open"));
    let all = reports.into_iter().chain([gate]);
    send(&world, &member, upload("one", 1, all)).await.unwrap();
    assert_eq!(news.recv().await.unwrap().device.as_str(), "yard");
    let findings = "SELECT COUNT(*) FROM findings";
    assert_eq!(world.service.store.number(findings).await, 2);
    let forgotten = What::Forgotten(v1::DeviceForgotten { device: "yard".to_owned() });
    send(&world, &member, upload("one", 4, [forgotten])).await.unwrap();
    assert_eq!(world.service.store.number(findings).await, 1);
    let left = "SELECT COUNT(*) FROM devices WHERE device = 'gate' AND unmet = 1 AND met = 0";
    assert_eq!(world.service.store.number(left).await, 1);
}

#[tokio::test]
async fn what_is_unchanged_is_taken_only_if_the_same_report_is_here() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let whole = report("yard", "open");
    let unchanged = |digest: Vec<u8>| {
        What::Unchanged(v1::DeviceUnchanged {
            device: "yard".to_owned(),
            observed_at: START + 60,
            digest,
            generation: 4,
        })
    };
    let same = digest(&digest_form(&whole)).to_vec();
    let before = upload("one", 1, [unchanged(same.clone())]);
    assert_eq!(send(&world, &member, before).await.unwrap().resend, ["yard"]);
    let after = upload("one", 2, [What::Device(whole), unchanged(same)]);
    assert_eq!(send(&world, &member, after).await.unwrap().resend, Vec::<String>::new());
    let touched = "SELECT observed_at FROM devices WHERE generation = 4";
    assert_eq!(world.service.store.number(touched).await, START + 60);
    let other = upload("one", 4, [unchanged(vec![1; 32])]);
    assert_eq!(send(&world, &member, other).await.unwrap().resend, ["yard"]);
}

#[tokio::test]
async fn an_agent_reports_about_its_own_site_alone() {
    let world = World::start().await;
    let (harbour, depot) = (world.member("harbour").await, world.member("depot").await);
    send(&world, &harbour, upload("one", 1, [What::Device(report("yard", "theirs"))]))
        .await
        .unwrap();
    // The same device name, the same epoch, even a forgetting: nothing of the other site is touched.
    let forgotten = What::Forgotten(v1::DeviceForgotten { device: "yard".to_owned() });
    let reply = send(&world, &depot, upload("one", 1, [forgotten])).await.unwrap();
    assert_eq!(reply.committed, 1);
    let here = "SELECT COUNT(*) FROM devices WHERE site = 'harbour' AND device = 'yard'";
    assert_eq!(world.service.store.number(here).await, 1);
    send(&world, &depot, upload("one", 2, [What::Device(report("yard", "mine"))])).await.unwrap();
    assert_eq!(world.service.store.number("SELECT COUNT(*) FROM devices").await, 2);
}

#[tokio::test]
async fn an_upload_with_anything_wrong_in_it_is_refused_whole() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    let good = || What::Device(report("yard", "open"));
    let mut unknown = report("yard", "open");
    unknown.findings[0].judgment = 99;
    let mut loud = report("yard", "\u{1b}[2J");
    loud.device = "yard".to_owned();
    let mut backwards = upload("one", 5, [good(), good()]);
    backwards.entries.reverse();
    let mut empty = upload("one", 1, [good()]);
    empty.entries[0].what = None;
    let many = (0..257).map(|_| What::Forgotten(v1::DeviceForgotten { device: "x".to_owned() }));
    for bad in [
        upload("one", 1, [good(), What::Device(unknown)]),
        upload("one", 1, [What::Device(loud)]),
        upload("one", 1, [What::Forgotten(v1::DeviceForgotten { device: "../x".to_owned() })]),
        backwards,
        empty,
        upload("one", 1, many),
        upload(
            "one",
            1,
            [What::Device(v1::DeviceReport { model: "x".repeat(1 << 20), ..report("yard", "") })],
        ),
        upload("", 1, [good()]),
        upload("a b", 1, [good()]),
    ] {
        let refused = send(&world, &member, bad).await.unwrap_err();
        assert_eq!(refused.code(), Grpc::InvalidArgument, "{refused:?}");
    }
    assert_eq!(world.service.store.number("SELECT COUNT(*) FROM devices").await, 0);
    assert_eq!(world.service.store.number("SELECT COUNT(*) FROM uploads").await, 0);
}

#[tokio::test]
async fn what_nobody_reports_any_more_is_forgotten() {
    let world = World::start().await;
    let member = world.member("harbour").await;
    // An agent whose clock is wrong by years loses nothing by it.
    let mut yard = report("yard", "open");
    yard.observed_at = 0;
    let all = records(&member, 1).into_iter().chain([What::Device(yard)]);
    send(&world, &member, upload("one", 1, all)).await.unwrap();
    world.service.forget_old().await.unwrap();
    let kept = "SELECT (SELECT COUNT(*) FROM devices) + (SELECT COUNT(*) FROM agent_audit)";
    assert_eq!(world.service.store.number(kept).await, 2);
    // Nobody has to ask for it: a day later it is looked at again.
    world.clock.forward(400 * 86_400 + 1);
    soon(async {
        while world.service.store.number(kept).await > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(world.service.store.number("SELECT COUNT(*) FROM findings").await, 0);
    let removed = world.deeds("old_reports_removed").await;
    assert_eq!(removed.len(), 1, "{removed:?}");
    assert!(removed[0].starts_with("1 devices"), "{removed:?}");
    assert!(removed[0].contains("; 1 audit records of 1 agents"), "{removed:?}");
}

async fn read_back(
    kim: &OperatorClient<Channel>,
    agent: &str,
    from: u64,
) -> Result<Vec<Record>, tonic::Status> {
    let ask = v1::ReadAuditLogRequest { from, agent: agent.to_owned() };
    let mut records = kim.clone().read_audit_log(ask).await?.into_inner();
    let mut verifier = None;
    let mut read = Vec::new();
    while let Some(one) = records.message().await? {
        let record = Record {
            number: one.number,
            time: Timestamp::from_unix(one.time),
            actor: one.actor,
            deed: one.deed,
            subject: one.subject,
            detail: one.detail,
        };
        let hash = one.hash.as_slice().try_into().unwrap();
        match &mut verifier {
            None if record.number > 1 => {
                let head = ChainHead { length: record.number, hash };
                verifier = Some(Verifier::behind(head, []));
            }
            verifier => verifier.get_or_insert_default().take(&record, &hash).unwrap(),
        }
        read.push(record);
    }
    Ok(read)
}

#[tokio::test]
async fn what_an_agent_reported_of_its_chain_is_read_back_and_verifies() {
    let world = World::start().await;
    let (harbour, depot) = (world.member("harbour").await, world.member("depot").await);
    for (first, part) in (1..).step_by(200).zip(records(&harbour, 600).chunks(200)) {
        send(&world, &harbour, upload("one", first, part.to_vec())).await.unwrap();
    }
    let kim = world.operator(&world.log_in(&world.ticket.secret).await).await;
    let actor = harbour.identity.name().to_string();
    let all = read_back(&kim, harbour.id.as_str(), 0).await.unwrap();
    assert_eq!(all.len(), 600);
    assert!(all.iter().all(|record| record.actor == actor && record.subject == "yard"));
    assert_eq!(read_back(&kim, harbour.id.as_str(), 599).await.unwrap(), all[598..]);
    assert_eq!(read_back(&kim, depot.id.as_str(), 1).await.unwrap(), []);
    let none = read_back(&kim, &"0f".repeat(16), 1).await.unwrap_err();
    assert_eq!(none.code(), Grpc::NotFound);
    let odd = read_back(&kim, "../harbour", 1).await.unwrap_err();
    assert_eq!(odd.code(), Grpc::InvalidArgument);
}
