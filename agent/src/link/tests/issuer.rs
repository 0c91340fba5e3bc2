//! The site's device issuer, and what is made with it while the line is down.

use std::sync::Mutex;

use certs::device_issuer::{DEVICE_LIFE, Host};
use certs::hierarchy::DeviceNames;
use certs::{DeviceCertificate, request};
use proto::Secret;

use super::*;
use crate::custody::issuer::Hosts;
use crate::rotate::certificates::Certificates;
use crate::rotate::hands::Maker;
use crate::rotation::Second;
use crate::store::subject::{Kind, Subject};
use crate::store::vault::{Role, Vault};

fn hosts() -> Hosts {
    [("yard".parse().unwrap(), Host::of("192.0.2.9"))].into()
}

fn signed(fake: &Fake, asked: &v1::DeviceIssuerRequest, network: &str) -> v1::DeviceIssuer {
    let request = request::verify(&asked.certificate_request).unwrap();
    let may_name = DeviceNames { names: Vec::new(), networks: vec![network.parse().unwrap()] };
    let (acme, site) = (&fake.acme, "harbour".parse().unwrap());
    let now = Timestamp::from_unix(START);
    let issued =
        acme.issuing.device_issuer(&acme.organisation, &site, &may_name, &request, now).unwrap();
    v1::DeviceIssuer { chain: issued.chain.iter().map(|one| one.to_vec()).collect() }
}

/// Signs what is asked; gives how often it was.
fn signs(
    rig: &Rig,
    mut answer: impl FnMut(usize, &Fake, v1::DeviceIssuerRequest) -> Result<v1::DeviceIssuer, Status>
    + Send
    + 'static,
) -> Arc<Mutex<usize>> {
    let (own, count) = (Arc::downgrade(&rig.fake), Arc::new(Mutex::new(0)));
    let notes = count.clone();
    hook(&rig.fake.device_issuer, move |asked| {
        *notes.lock().unwrap() += 1;
        answer(*notes.lock().unwrap(), &own.upgrade().unwrap(), asked)
    });
    count
}

fn maker(rig: &Rig) -> Certificates {
    Certificates {
        issuer: rig.link.issuer(),
        device: "yard".parse().unwrap(),
        host: Host::of("192.0.2.9"),
        life: DEVICE_LIFE,
        jitter: 0.0,
        clock: rig.clock.clone(),
        register: rig.link.clone(),
        good: None,
    }
}

async fn made(maker: &mut Certificates) -> Secret {
    let (text, second) = maker.make(Second::None, &|_| false).await.unwrap();
    assert!(second.is_none());
    text
}

/// The details of what the controller hears about certificates of `yard`.
fn heard(rig: &Rig) -> Arc<Mutex<Vec<String>>> {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let notes = heard.clone();
    hook(&rig.fake.report, move |request: v1::ReportRequest| {
        let committed = request.entries.last().unwrap().sequence;
        for entry in request.entries {
            if let Some(v1::entry::What::Audit(record)) = entry.what
                && record.deed == "device_certificate_made"
            {
                assert_eq!(record.subject, "yard");
                notes.lock().unwrap().push(record.detail);
            }
        }
        Ok(v1::ReportReply { committed, resend: Vec::new(), refused: Vec::new() })
    });
    heard
}

#[tokio::test]
async fn with_its_issuer_a_site_makes_certificates_offline_and_both_sides_agree_on_serials() {
    let mut rig = Rig::start().await;
    let (heard, asked) =
        (heard(&rig), signs(&rig, |_, fake, asked| Ok(signed(fake, &asked, "192.0.2.0/24"))));
    let running = rig.go();
    rig.stream().await.status().await;
    assert!(maker(&rig).make(Second::None, &|_| false).await.is_err());
    rig.link.certify(hosts());
    wait(rig.link.issuer(), Option::is_some).await;
    // From here on there is no line, also after a restart.
    let rig = rig.again(Some(running)).await;
    let mut maker = maker(&rig);
    let vault = Vault::open(rig.data.path()).unwrap();
    let subject = Subject { device: Some("yard".parse().unwrap()), kind: Kind::Certificate };
    let mut kept = Vec::new();
    for _ in 0..2 {
        let text = made(&mut maker).await;
        let now = Timestamp::from_unix(START);
        let id = vault.keep(&subject, &[(Role::Main, text)], now).unwrap()[0];
        let secret = vault.secret(&subject, id).unwrap().secret;
        let read = DeviceCertificate::parse(&secret).unwrap();
        kept.push(format!("serial {} {} until {}", read.serial(), read.pin(), read.not_after()));
    }
    let due = maker.due(Timestamp::from_unix(START));
    assert_eq!(due.unix(), START - 600 + (DEVICE_LIFE + 600) * 2 / 3);
    assert!(kept[0] != kept[1] && heard.lock().unwrap().is_empty());
    rig.go();
    while heard.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*heard.lock().unwrap(), kept);
    assert_eq!(*asked.lock().unwrap(), 1);
}

#[tokio::test]
async fn no_issuer_is_asked_for_while_no_device_gets_certificates() {
    let mut rig = Rig::start().await;
    let asked = signs(&rig, |_, fake, asked| Ok(signed(fake, &asked, "192.0.2.0/24")));
    rig.go();
    rig.stream().await.status().await;
    rig.link.certify(Hosts::new());
    wait(rig.link.line.subscribe(), Option::is_some).await;
    assert!(rig.link.issuer().borrow().is_none() && *asked.lock().unwrap() == 0);
}

#[tokio::test]
async fn an_answer_that_will_not_do_is_refused_and_asked_for_again() {
    let mut rig = Rig::start().await;
    let asked = signs(&rig, |count, fake, asked| match count {
        1 => Err(Status::failed_precondition("not yet")),
        2 => Err(Status::unavailable("later")),
        3 => Ok(signed(fake, &asked, "198.51.100.0/24")),
        4 => Ok(v1::DeviceIssuer { chain: Vec::new() }),
        5 => {
            let other = Fake::new(Acme::new());
            Ok(signed(&other, &asked, "192.0.2.0/24"))
        }
        6 => {
            let chain = fake.chain(&asked.certificate_request, START);
            Ok(v1::DeviceIssuer { chain })
        }
        _ => Ok(signed(fake, &asked, "192.0.2.0/24")),
    });
    rig.go();
    rig.stream().await.status().await;
    rig.link.certify(hosts());
    let issuer = wait(rig.link.issuer(), Option::is_some).await.unwrap();
    assert!(issuer.not_covered(&Host::of("192.0.2.9")).is_empty());
    assert_eq!(*asked.lock().unwrap(), 7);
}

#[tokio::test]
async fn a_device_that_the_issuer_leaves_out_makes_the_agent_ask_for_another() {
    let mut rig = Rig::start().await;
    let asked = signs(&rig, |count, fake, asked| {
        Ok(signed(fake, &asked, if count == 1 { "192.0.2.0/28" } else { "192.0.2.0/24" }))
    });
    rig.go();
    rig.stream().await.status().await;
    rig.link.certify(hosts());
    let first = wait(rig.link.issuer(), Option::is_some).await.unwrap();
    let far = Host::of("192.0.2.200");
    assert_eq!(first.not_covered(&far), ["192.0.2.200"]);
    let mut more = hosts();
    more.insert("gate".parse().unwrap(), far.clone());
    rig.link.certify(more);
    let covers = |issuer: &Option<Arc<certs::DeviceIssuer>>| {
        issuer.as_ref().is_some_and(|issuer| issuer.not_covered(&far).is_empty())
    };
    wait(rig.link.issuer(), covers).await;
    assert_eq!(*asked.lock().unwrap(), 2);
}
