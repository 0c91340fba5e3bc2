//! The outbox on its way.

use std::sync::Mutex;

use proto::wire::v1::entry::What;

use super::*;
use crate::store::{Kind, NewEntry};

fn forgotten(device: &str) -> NewEntry {
    let time = Timestamp::from_unix(START);
    let what = What::Forgotten(v1::DeviceForgotten { device: device.to_owned() });
    NewEntry { kind: Kind::Status, key: device.to_owned(), bytes: entry::bytes(what, time), time }
}

type Seen = Arc<Mutex<Vec<(String, Vec<u64>)>>>;

/// Notes what comes, and answers as the test wants.
fn answers(
    rig: &Rig,
    mut answer: impl FnMut(usize, u64) -> Result<v1::ReportReply, Status> + Send + 'static,
) -> Seen {
    let seen = Seen::default();
    let notes = seen.clone();
    hook(&rig.fake.report, move |request: v1::ReportRequest| {
        let numbers: Vec<_> = request.entries.iter().map(|entry| entry.sequence).collect();
        let last = *numbers.last().unwrap();
        notes.lock().unwrap().push((request.epoch, numbers));
        let count = notes.lock().unwrap().len();
        answer(count, last)
    });
    seen
}

async fn until_empty(rig: &Rig) {
    while rig.store.waiting().await.unwrap().records > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_waits_is_uploaded_in_order_and_removed_once_it_is_committed() {
    let rig = Rig::start().await;
    let seen = answers(&rig, |_, last| {
        Ok(v1::ReportReply { committed: last, resend: Vec::new(), refused: Vec::new() })
    });
    let names: Vec<_> = (0..300).map(|number| format!("camera-{number}")).collect();
    rig.store.push_all(names.iter().map(|name| forgotten(name)).collect()).await.unwrap();
    rig.go();
    until_empty(&rig).await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.iter().map(|(_, numbers)| numbers.len()).collect::<Vec<_>>(), [256, 44]);
    let numbers: Vec<_> = seen.iter().flat_map(|(_, numbers)| numbers.clone()).collect();
    assert_eq!(numbers, (1..=300).collect::<Vec<_>>());
    assert!(seen.iter().all(|(epoch, _)| *epoch == seen[0].0));
}

#[tokio::test]
async fn what_was_not_committed_is_sent_again_with_the_same_numbers() {
    let rig = Rig::start().await;
    let seen = answers(&rig, |count, last| match count {
        1 => Err(Status::unavailable("the disk is full")),
        2 => Ok(v1::ReportReply { committed: 0, resend: Vec::new(), refused: Vec::new() }),
        3 => Ok(v1::ReportReply { committed: last + 1, resend: Vec::new(), refused: Vec::new() }),
        4 => Ok(v1::ReportReply { committed: 1, resend: Vec::new(), refused: Vec::new() }),
        _ => Ok(v1::ReportReply { committed: last, resend: Vec::new(), refused: Vec::new() }),
    });
    rig.store.push_all(vec![forgotten("a"), forgotten("b")]).await.unwrap();
    rig.go();
    until_empty(&rig).await;
    let numbers: Vec<_> = seen.lock().unwrap().iter().map(|(_, it)| it.clone()).collect();
    assert_eq!(numbers, [vec![1, 2], vec![1, 2], vec![1, 2], vec![1, 2], vec![2]]);
}

#[tokio::test]
async fn what_is_urgent_goes_at_once_and_devices_asked_for_again_are_named() {
    let mut rig = Rig::start().await;
    answers(&rig, |_, last| {
        let resend = vec!["yard".to_owned(), "no name\n".to_owned()];
        Ok(v1::ReportReply { committed: last, resend, refused: Vec::new() })
    });
    rig.go();
    rig.stream().await.status().await;
    rig.store.push_all(vec![forgotten("a")]).await.unwrap();
    rig.link.hasten();
    let wanted = rig.link.wanted().await;
    assert_eq!(wanted.into_iter().map(|name| name.to_string()).collect::<Vec<_>>(), ["yard"]);
    until_empty(&rig).await;
}

#[tokio::test]
async fn what_waits_when_the_agent_is_told_to_stop_is_uploaded_first() {
    let mut rig = Rig::start().await;
    let seen = answers(&rig, |_, last| {
        Ok(v1::ReportReply { committed: last, resend: Vec::new(), refused: Vec::new() })
    });
    let running = rig.go();
    let mut stream = rig.stream().await;
    stream.status().await;
    wait(rig.link.line.subscribe(), Option::is_some).await;
    rig.store.push_all(vec![forgotten("a")]).await.unwrap();
    rig.stop.cancel();
    while stream.statuses.recv().await.is_some() {}
    drop(stream);
    running.await.unwrap();
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_first_upload_after_a_start_hits_an_entry_that_cannot_be_read_and_goes_on() {
    let rig = Rig::start().await;
    let seen = answers(&rig, |_, last| {
        Ok(v1::ReportReply { committed: last, resend: Vec::new(), refused: Vec::new() })
    });
    let broken = NewEntry { bytes: vec![0xff; 9], ..forgotten("a") };
    rig.store.push_all(vec![broken, forgotten("b")]).await.unwrap();
    rig.go();
    until_empty(&rig).await;
    assert_eq!(seen.lock().unwrap()[0].1, [1, 2]);
}
