//! Whom secrets are sealed to, as the controller tells it.

use certs::escrow::Quorum;
use certs::seal::Opener;

use super::*;

fn offered(acme: &Acme, generation: u64) -> v1::RecoveryRecipients {
    let recipients = vec![Opener::generate().recipient().to_string()];
    let quorum = Quorum::new(1, &recipients).unwrap();
    let signature = quorum.sign(&acme.organisation, generation, acme.root.key()).unwrap();
    v1::RecoveryRecipients { generation, threshold: 1, recipients, signature }
}

fn says(recovery: v1::RecoveryRecipients) -> v1::Instruction {
    v1::Instruction { recovery: Some(recovery), ..nothing(START) }
}

fn deeds(rig: &Rig) -> Arc<std::sync::Mutex<Vec<String>>> {
    let deeds: Arc<std::sync::Mutex<Vec<_>>> = Arc::default();
    let notes = deeds.clone();
    hook(&rig.fake.report, move |request: v1::ReportRequest| {
        let committed = request.entries.last().unwrap().sequence;
        let deed = |entry: v1::Entry| match entry.what {
            Some(v1::entry::What::Audit(record)) => Some(record.deed),
            _ => None,
        };
        notes.lock().unwrap().extend(request.entries.into_iter().filter_map(deed));
        Ok(v1::ReportReply { committed, resend: Vec::new(), refused: Vec::new() })
    });
    deeds
}

#[tokio::test]
async fn recipients_are_kept_told_and_never_go_back() {
    let mut rig = Rig::start().await;
    let deeds = deeds(&rig);
    let running = rig.go();
    let mut stream = rig.stream().await;
    assert_eq!(stream.status().await.recovery_generation, 0);
    let mine = offered(&rig.fake.acme, 3);
    stream.say(says(mine.clone())).await;
    while stream.status().await.recovery_generation != 3 {}
    let held = rig.link.recovery().borrow().clone().unwrap();
    assert_eq!(held.quorum.recipients().collect::<Vec<_>>(), [mine.recipients[0].as_str()]);
    let stolen = offered(&Acme::new(), 9);
    let changed = offered(&rig.fake.acme, 3);
    for refused in [stolen, offered(&rig.fake.acme, 2), changed, mine.clone()] {
        stream.say(says(refused)).await;
    }
    while deeds.lock().unwrap().iter().filter(|deed| *deed == "recovery_refused").count() < 3 {
        tokio::task::yield_now().await;
    }
    let now = rig.link.recovery().borrow().clone().unwrap();
    assert!(Arc::ptr_eq(&held, &now), "nothing took its place");
    let mut rig = rig.again(Some(running)).await;
    let kept = rig.link.recovery().borrow().clone().unwrap();
    assert_eq!((kept.generation, kept.quorum.threshold()), (3, 1));
    rig.go();
    assert_eq!(rig.stream().await.status().await.recovery_generation, 3);
    assert_eq!(deeds.lock().unwrap().iter().filter(|deed| *deed == "recovery_taken").count(), 1);
}
