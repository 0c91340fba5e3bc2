use proto::Waiver;
use proto::finding::Attestation;

use crate::service::Refusal;
use crate::service::testing::{DAY, World, device, report, site};

fn attestation(until: &str, devices: &[&str]) -> Attestation {
    Attestation {
        measure: "C19".parse().unwrap(),
        devices: devices.iter().map(|name| device(name)).collect(),
        by: "Kim'); DROP TABLE vouches; --".to_owned(),
        until: until.parse().unwrap(),
        evidence: "switch export".to_owned(),
    }
}

fn waiver(expires: &str) -> Waiver {
    Waiver {
        measure: "C15".parse().unwrap(),
        devices: Vec::new(),
        reason: "VMS".to_owned(),
        owner: "Kim".to_owned(),
        expires: expires.parse().unwrap(),
    }
}

#[tokio::test]
async fn what_is_vouched_for_reads_back_and_raises_the_generation() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    world.add_site("harbour").await;
    let one = service.attest(kim, &site("harbour"), attestation("2027-03-31", &[])).await.unwrap();
    let two = service.waive(kim, &site("harbour"), waiver("2027-03-31")).await.unwrap();
    let all = service.vouches(Some(&site("harbour"))).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all.contains(&one) && all.contains(&two));
    assert_eq!(service.store.site(&site("harbour")).await.unwrap().unwrap().generation, 3);
    service.withdraw(kim, &one.id).await.unwrap();
    assert!(matches!(service.withdraw(kim, &one.id).await, Err(Refusal::NotFound(_))));
    assert_eq!(service.vouches(None).await.unwrap(), [two]);
    assert_eq!(service.store.site(&site("harbour")).await.unwrap().unwrap().generation, 4);
    let deeds = world.deeds().await;
    assert_eq!(deeds[2..], ["attested", "waived", "withdrawn"]);
}

/// The day is 2027-01-15.
#[tokio::test]
async fn a_last_day_that_is_over_or_far_away_is_refused() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    world.add_site("harbour").await;
    for day in ["2027-01-14", "1999-01-01", "2030-01-18", "9999-12-31"] {
        let refused = service.attest(kim, &site("harbour"), attestation(day, &[])).await;
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{day}");
        let refused = service.waive(kim, &site("harbour"), waiver(day)).await;
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{day}");
    }
    service.attest(kim, &site("harbour"), attestation("2027-01-15", &[])).await.unwrap();
    world.clock.forward(DAY);
    let refused = service.attest(kim, &site("harbour"), attestation("2027-01-15", &[])).await;
    assert!(matches!(refused, Err(Refusal::Invalid(_))));
}

#[tokio::test]
async fn a_device_that_the_site_does_not_have_is_a_slip_once_its_devices_are_known() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    world.add_site("harbour").await;
    let at = |devices| attestation("2027-03-31", devices);
    service.attest(kim, &site("harbour"), at(&["yrad"])).await.unwrap();
    let (agent, ..) = world.join("harbour").await;
    world.report(&agent, 1, report("yard", Vec::new())).await;
    let refused = service.attest(kim, &site("harbour"), at(&["yard", "yrad"])).await.unwrap_err();
    assert!(refused.to_string().contains("yrad"), "{refused}");
    service.attest(kim, &site("harbour"), at(&["yard"])).await.unwrap();
    let refused = service.attest(kim, &site("nowhere"), at(&[])).await;
    assert!(matches!(refused, Err(Refusal::NotFound(_))));
}

#[tokio::test]
async fn a_site_has_room_for_so_many_words_and_no_more() {
    let world = World::new().await;
    let (service, kim) = (&world.service, &world.kim);
    world.add_site("harbour").await;
    let devices: Vec<String> = (0..2000).map(|n| format!("{n:064}")).collect();
    let devices: Vec<&str> = devices.iter().map(String::as_str).collect();
    let long = attestation("2027-03-31", &devices);
    let mut entered = 0;
    let refused = loop {
        match service.attest(kim, &site("harbour"), long.clone()).await {
            Ok(_) => entered += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, Refusal::Precondition(_)) && entered == 7, "{entered} {refused}");
}
