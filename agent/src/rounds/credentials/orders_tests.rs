//! Orders over restarts, and what they want of whom.

use super::*;
use crate::rotation::due::Why;
use crate::store::subject::Kind;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds)
}

fn entry(device: &str, live: u8, due: Timestamp) -> Entry {
    let kind = Kind::Password { account: "admin".to_owned() };
    let subject = Subject { device: Some(device.parse().unwrap()), kind };
    let rotation = Rotation::adopt(SecretId([live; 16]), due);
    Entry { subject, rotation, why: Why::Schedule, changed: None }
}

fn order(orders: &mut Orders, reason: RotateReason) -> oneshot::Receiver<()> {
    let (done, ended) = oneshot::channel();
    let id = "0123456789abcdef0123456789abcdef".parse().unwrap();
    let yard: DeviceName = "yard".parse().unwrap();
    let what = CredentialKind::Password;
    let rotate = Rotate { devices: vec![yard.clone()], what, reason };
    orders.take((&id, at(0), at(3600)), &rotate, [yard], done);
    ended
}

#[test]
fn an_order_hurries_a_credential_once_and_is_done_when_another_is_taken() {
    let (mut orders, policy) = (Orders::default(), Policy::default());
    let mut ended = order(&mut orders, RotateReason::PersonLeft);
    let before = [entry("yard", 1, at(9000)), entry("gate", 1, at(9000))];
    let (wants, _) = orders.wants(before.iter(), &BTreeSet::new(), &policy);
    let [Want::Hurry(hurried)] = wants.as_slice() else { panic!("{wants:?}") };
    assert_eq!((hurried.rotation.due_at(), hurried.why), (Some(at(0)), Why::PersonLeft));
    assert!(orders.names(&"yard".parse().unwrap()) && !orders.names(&"gate".parse().unwrap()));
    assert_eq!(orders.wants(before.iter(), &BTreeSet::new(), &policy), (Vec::new(), false));
    orders.settle(before.iter(), |_| true, at(1));
    assert!(ended.try_recv().is_err());
    orders.settle([entry("yard", 2, at(9000))].iter(), |_| true, at(2));
    assert_eq!(ended.try_recv(), Ok(()));
}

#[test]
fn told_again_after_a_restart_it_is_done_without_another_change() {
    let (mut orders, policy) = (Orders::default(), Policy::default());
    drop(order(&mut orders, RotateReason::Command));
    orders.wants([entry("yard", 1, at(9000))].iter(), &BTreeSet::new(), &policy);
    let mut orders = Orders::from_bytes(&orders.to_bytes());
    let after = [entry("yard", 2, at(9000))];
    let mut ended = order(&mut orders, RotateReason::Command);
    assert!(orders.wants(after.iter(), &BTreeSet::new(), &policy).0.is_empty());
    orders.settle(after.iter(), |_| true, at(2));
    assert_eq!(ended.try_recv(), Ok(()));
}

#[test]
fn a_device_of_which_nothing_is_known_is_looked_at_once() {
    let (mut orders, policy) = (Orders::default(), Policy::default());
    let _ended = order(&mut orders, RotateReason::Command);
    let look = vec![Want::Look("yard".parse().unwrap())];
    assert_eq!(orders.wants([].iter(), &BTreeSet::new(), &policy).0, look);
    assert!(orders.wants([].iter(), &BTreeSet::new(), &policy).0.is_empty());
    assert_eq!(
        orders.wants([entry("yard", 1, at(9000))].iter(), &BTreeSet::new(), &policy).0.len(),
        1
    );
}

#[test]
fn what_is_over_or_of_another_site_is_dropped() {
    let mut orders = Orders::default();
    let mut ended = order(&mut orders, RotateReason::Command);
    assert!(orders.settle([].iter(), |_| false, at(1)));
    assert_eq!(ended.try_recv(), Ok(()), "there is nothing left to do");
    let mut ended = order(&mut orders, RotateReason::Command);
    assert!(orders.settle([].iter(), |_| true, at(3600)));
    assert!(ended.try_recv().is_err());
}
