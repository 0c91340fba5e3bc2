//! Renewal and the way back.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use certs::hierarchy::LEAF_LIFE;
use certs::join_state::{JoinState, recovery_message};
use certs::key::KeyHash;
use certs::request;

use super::*;

const DUE: i64 = START + LEAF_LIFE * 6 / 10;
const LAPSED: i64 = START + 10 * LEAF_LIFE;

fn at(time: i64) -> Times {
    Times { controller: time, agent: time }
}

fn key(certificate_request: &[u8]) -> KeyHash {
    request::verify(certificate_request).unwrap().hash()
}

/// Renews what is asked; gives the keys that were.
fn renews(rig: &Rig, time: i64) -> Arc<Mutex<Vec<KeyHash>>> {
    let keys: Arc<Mutex<Vec<_>>> = Arc::default();
    let (own, notes) = (Arc::downgrade(&rig.fake), keys.clone());
    hook(&rig.fake.renew, move |asked: v1::RenewRequest| {
        notes.lock().unwrap().push(key(&asked.certificate_request));
        let chain = own.upgrade().unwrap().chain(&asked.certificate_request, time);
        Ok(v1::RenewReply { chain, trust: None, controller_time: time })
    });
    keys
}

fn serial(rig: &Rig) -> String {
    rig.folder.member().unwrap().unwrap().identity.serial().to_owned()
}

#[tokio::test]
async fn a_renewal_in_its_time_moves_to_a_new_line_before_the_old_one_ends() {
    let mut rig = Rig::start_at(at(DUE)).await;
    let keys = renews(&rig, DUE);
    let before = serial(&rig);
    rig.go();
    let mut old = rig.stream().await;
    let mut new = rig.stream().await;
    new.status().await;
    assert!(old.statuses.recv().await.is_some(), "it was told who comes");
    let after = serial(&rig);
    assert!(after != before && rig.link.member().borrow().identity.serial() == after);
    assert_eq!(keys.lock().unwrap().len(), 1);
    while rig.folder.next().unwrap().is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn nothing_is_renewed_before_its_time_unless_an_operator_orders_it() {
    let mut rig = Rig::start().await;
    let keys = renews(&rig, START);
    rig.go();
    let mut stream = rig.stream().await;
    stream.status().await;
    assert!(keys.lock().unwrap().is_empty());
    let what = Some(v1::order::What::Renew(v1::RenewOrder {}));
    let order = v1::Order { id: "a".repeat(32), expires_at: START + 600, what };
    stream.say(v1::Instruction { orders: vec![order], ..nothing(START) }).await;
    let mut new = rig.stream().await;
    while new.status().await.orders_done.is_empty() {}
    assert_eq!(keys.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_certificate_that_does_not_prove_itself_does_not_replace_the_old_one() {
    let mut rig = Rig::start_at(at(DUE)).await;
    let before = serial(&rig);
    let keys = renews(&rig, DUE);
    let (own, door) = (Arc::downgrade(&rig.fake), rig.fake.door.clone());
    let notes = keys.clone();
    let (shut, seen_shut) = tokio::sync::watch::channel(0);
    hook(&rig.fake.renew, move |asked: v1::RenewRequest| {
        notes.lock().unwrap().push(key(&asked.certificate_request));
        let tries = notes.lock().unwrap().len();
        shut.send_replace(tries);
        // From the third time on, what is given is also taken.
        door.store(tries > 2, Ordering::SeqCst);
        let chain = own.upgrade().unwrap().chain(&asked.certificate_request, DUE);
        Ok(v1::RenewReply { chain, trust: None, controller_time: DUE })
    });
    rig.go();
    let mut stream = rig.stream().await;
    stream.status().await;
    wait(seen_shut, |tries| *tries >= 2).await;
    assert_eq!(serial(&rig), before);
    rig.stream().await.status().await;
    assert_ne!(serial(&rig), before);
    let keys = keys.lock().unwrap();
    assert!(keys[0] != keys[1] && keys[1] != keys[2], "what was given up is not asked for again");
}

#[tokio::test]
async fn a_lost_reply_to_a_renewal_is_asked_for_again_with_the_same_key() {
    let mut rig = Rig::start_at(at(DUE)).await;
    let keys: Arc<Mutex<Vec<_>>> = Arc::default();
    let (own, notes) = (Arc::downgrade(&rig.fake), keys.clone());
    hook(&rig.fake.renew, move |asked: v1::RenewRequest| {
        notes.lock().unwrap().push(key(&asked.certificate_request));
        let chain = own.upgrade().unwrap().chain(&asked.certificate_request, DUE);
        match notes.lock().unwrap().len() {
            1 => Err(Status::unavailable("lost")),
            2 => Ok(v1::RenewReply { chain: Vec::new(), trust: None, controller_time: DUE }),
            _ => Ok(v1::RenewReply { chain, trust: None, controller_time: DUE }),
        }
    });
    rig.go();
    let _old = rig.stream().await;
    rig.stream().await.status().await;
    let keys = keys.lock().unwrap();
    assert!(keys.len() == 3 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

/// Gives challenges, and checks what comes back; `answer` decides what is said to a sound recovery.
fn recovers(
    rig: &Rig,
    mut answer: impl FnMut(usize, v1::Joined) -> Result<v1::Joined, Status> + Send + 'static,
) -> Arc<Mutex<Vec<KeyHash>>> {
    hook(&rig.fake.challenge, |asked: v1::ChallengeRequest| {
        assert_eq!(asked.agent_id, "00ff");
        Ok(v1::ChallengeReply { nonce: vec![9; 32], controller_time: LAPSED })
    });
    let keys: Arc<Mutex<Vec<_>>> = Arc::default();
    let (own, notes) = (Arc::downgrade(&rig.fake), keys.clone());
    let recovery = rig.link.member().borrow().recovery.clone();
    hook(&rig.fake.recover, move |asked: v1::RecoverRequest| {
        let state = asked.join_state.unwrap();
        let state = JoinState {
            agent: "00ff".parse().unwrap(),
            sequence: state.sequence,
            issued_at: Timestamp::from_unix(state.issued_at),
            signature: state.signature,
        };
        let request = asked.certificate_request;
        let message = recovery_message(&[9; 32], &state.agent, &request, &state);
        certs::key::verify(recovery.spki(), &message, &asked.proof).unwrap();
        notes.lock().unwrap().push(key(&request));
        let count = notes.lock().unwrap().len();
        let joined = own.upgrade().unwrap().joined(&request, state.sequence + 1, LAPSED);
        answer(count, joined).map(|joined| v1::RecoverReply { joined: Some(joined) })
    });
    keys
}

#[tokio::test]
async fn an_agent_whose_certificate_has_lapsed_finds_its_way_back_with_one_key() {
    let mut rig = Rig::start_at(at(LAPSED)).await;
    let keys = recovers(&rig, |count, joined| match count {
        1 => Err(Status::unavailable("the reply was lost")),
        2 => Ok(v1::Joined { site: "other".to_owned(), ..joined }),
        _ => Ok(joined),
    });
    rig.go();
    rig.stream().await.status().await;
    let member = rig.folder.member().unwrap().unwrap();
    assert_eq!(member.join.sequence, 2);
    let keys = keys.lock().unwrap();
    assert!(keys.len() == 3 && keys.iter().all(|key| *key == member.identity.key().hash()));
    assert!(rig.folder.next().unwrap().is_none());
}

#[tokio::test]
async fn an_agent_that_believes_it_is_1970_hears_that_it_lapsed_and_finds_its_way_back() {
    let mut rig = Rig::start_at(Times { controller: LAPSED, agent: 7 }).await;
    recovers(&rig, |_, joined| Ok(joined));
    rig.go();
    rig.stream().await.status().await;
    assert_eq!(rig.folder.member().unwrap().unwrap().join.sequence, 2);
    assert!(rig.clock.is_known());
}

#[tokio::test]
async fn a_locked_agent_says_so_and_comes_back_when_it_is_unlocked() {
    let mut rig = Rig::start_at(at(LAPSED)).await;
    let unlocked = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let lock = unlocked.clone();
    recovers(&rig, move |_, joined| match lock.load(Ordering::SeqCst) {
        true => Ok(joined),
        false => Err(Status::failed_precondition("two boxes claim to be this agent")),
    });
    rig.go();
    let standing = rig.until(State::Locked).await;
    assert!(standing.trouble.unwrap().contains("two boxes"));
    unlocked.store(true, Ordering::SeqCst);
    rig.stream().await.status().await;
}

#[tokio::test]
async fn a_join_that_does_not_go_on_from_the_last_one_is_not_kept() {
    let mut rig = Rig::start_at(at(LAPSED)).await;
    let own = Arc::downgrade(&rig.fake);
    let keys = recovers(&rig, |_, joined| Ok(joined));
    let (fake, notes) = (rig.fake.clone(), keys.clone());
    hook(&fake.recover, move |asked: v1::RecoverRequest| {
        notes.lock().unwrap().push(key(&asked.certificate_request));
        let sequence = if notes.lock().unwrap().len() < 3 { 1 } else { 2 };
        let fake = own.upgrade().unwrap();
        let joined = fake.joined(&asked.certificate_request, sequence, LAPSED);
        Ok(v1::RecoverReply { joined: Some(joined) })
    });
    rig.go();
    rig.stream().await.status().await;
    assert_eq!(keys.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn an_agent_whose_authority_is_trusted_no_more_finds_its_way_back() {
    let mut rig = Rig::start().await;
    // Its certificate comes from an authority that this controller does not know.
    let other = Acme::new();
    let stranger = Arc::new(other.identity(&other.agent(), other.now));
    rig.link.become_member(|member| Member { identity: stranger, ..member.clone() }).await.unwrap();
    hook(&rig.fake.challenge, |_| {
        Ok(v1::ChallengeReply { nonce: vec![9; 32], controller_time: START })
    });
    let (own, keys) = (Arc::downgrade(&rig.fake), Arc::new(Mutex::new(Vec::new())));
    let notes = keys.clone();
    hook(&rig.fake.recover, move |asked: v1::RecoverRequest| {
        notes.lock().unwrap().push(key(&asked.certificate_request));
        if notes.lock().unwrap().len() < 3 {
            return Err(Status::unavailable("the reply was lost"));
        }
        let joined = own.upgrade().unwrap().joined(&asked.certificate_request, 2, START);
        Ok(v1::RecoverReply { joined: Some(joined) })
    });
    rig.go();
    rig.stream().await.status().await;
    let member = rig.folder.member().unwrap().unwrap();
    let keys = keys.lock().unwrap();
    assert!(keys.len() == 3 && keys.iter().all(|key| *key == member.identity.key().hash()));
    assert_eq!(member.join.sequence, 2);
}
