use std::collections::BTreeSet;

use futures::{FutureExt as _, StreamExt as _};
use proto::wire::finding::{About, Failure, FailureClass, Report, Sign};
use proto::{Stance, Timestamp, Verdict};

use crate::service::testing::{NOW, World, device, finding, report, site};
use crate::service::{News, Refusal};
use crate::store::findings::Filter;

/// What comes next, if it comes at all.
async fn soon<T>(next: impl Future<Output = T>) -> T {
    let patience = std::time::Duration::from_secs(30);
    tokio::time::timeout(patience, next).await.expect("nothing came")
}

fn about(codes: &[&str]) -> BTreeSet<About> {
    codes.iter().map(|code| About::Measure(code.parse().unwrap())).collect()
}

/// Two sites; `harbour` has yard and gate, `depot` has yard.
async fn world() -> World {
    let world = World::new().await;
    for (text, devices) in [("harbour", &["yard", "gate"][..]), ("depot", &["yard"])] {
        world.add_site(text).await;
        let (agent, ..) = world.join(text).await;
        for (sequence, name) in (1..).zip(devices) {
            let mut sign = finding("C01", Verdict::Unmet, Stance::Report);
            sign.about = About::Sign(Sign::GoneDevice);
            let findings = vec![
                finding("C07", Verdict::Unmet, Stance::Enforce),
                finding("C15", Verdict::Met, Stance::Report),
                finding("C19", Verdict::NotApplicable, Stance::Ignore),
                sign,
            ];
            world.report(&agent, sequence, report(name, findings)).await;
        }
    }
    world
}

#[tokio::test]
async fn filters_choose_by_site_device_measure_conclusion_and_stance() {
    let world = world().await;
    let all = Filter { ignored: true, ..Filter::default() };
    let judged = |judgments: &[Verdict]| judgments.iter().copied().collect::<BTreeSet<_>>();
    let table = [
        (Filter::default(), 9),
        (all.clone(), 12),
        (Filter { site: Some(site("depot")), ..all.clone() }, 4),
        (Filter { device: Some(device("yard")), ..all.clone() }, 8),
        (Filter { device: Some(device("nobody")), ..all.clone() }, 0),
        (Filter { about: about(&["C07"]), ..all.clone() }, 3),
        (Filter { about: about(&["C07", "C15"]), ..all.clone() }, 6),
        (Filter { about: BTreeSet::from([About::Sign(Sign::GoneDevice)]), ..all.clone() }, 3),
        (Filter { judgments: judged(&[Verdict::Unmet]), ..all.clone() }, 6),
        (Filter { judgments: judged(&[Verdict::NotApplicable]), ..all.clone() }, 3),
        (Filter { judgments: judged(&[Verdict::Unmet, Verdict::Met]), ..all.clone() }, 9),
        (
            Filter {
                site: Some(site("harbour")),
                device: Some(device("gate")),
                about: about(&["C07"]),
                judgments: judged(&[Verdict::Unmet]),
                ignored: false,
            },
            1,
        ),
    ];
    for (filter, count) in table {
        let found = world.service.findings(&filter, 0).await.unwrap();
        assert_eq!((found.rows.len(), found.more), (count, false), "{filter:?}");
        assert!(found.rows.iter().all(|row| filter.matches(row)), "{filter:?}");
    }
    let first = world.service.findings(&all, 2).await.unwrap();
    assert_eq!((first.rows.len(), first.more), (2, true));
    assert_eq!(first.rows[0].found.observed, "'; DROP TABLE findings; --");
    let refused = world.service.findings(&all, 10_001).await;
    assert!(matches!(refused, Err(Refusal::Invalid(_))));
    let nowhere = Filter { site: Some(site("nowhere")), ..all };
    assert!(matches!(world.service.findings(&nowhere, 0).await, Err(Refusal::NotFound(_))));
}

#[tokio::test]
async fn findings_of_a_device_that_is_gone_keep_the_time_of_their_look() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let findings = vec![finding("C07", Verdict::Unmet, Stance::Report)];
    let seen = report("yard", findings);
    let class = FailureClass::Unreachable;
    let gone = Report {
        observed_at: Timestamp::from_unix(NOW + 500),
        failure: Some(Failure { class, message: "no answer".to_owned() }),
        ..seen.clone()
    };
    world.report(&agent, 1, seen.clone()).await;
    world.report(&agent, 2, gone).await;
    let rows = world.service.findings(&Filter::default(), 0).await.unwrap().rows;
    assert_eq!(rows[0].observed_at, seen.observed_at);
    let devices = world.service.devices(Some(&site("harbour"))).await.unwrap();
    assert_eq!(devices[0].report.observed_at, Timestamp::from_unix(NOW + 500));
    assert!(devices[0].report.failure.is_some() && devices[0].unmet == 1);
}

#[tokio::test]
async fn ten_thousand_findings_come_in_one_answer() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let findings: Vec<_> = proto::Measure::all()
        .map(|measure| finding(measure.code(), Verdict::Unmet, Stance::Report))
        .collect();
    for number in 1..=313 {
        let name = format!("camera-{number}");
        world.report(&agent, number, report(&name, findings.clone())).await;
    }
    let found = world.service.findings(&Filter::default(), 0).await.unwrap();
    assert_eq!((found.rows.len(), found.more), (10_000, true));
    let watched = world.service.watch_findings(Filter::default()).await;
    assert!(matches!(watched, Err(Refusal::Precondition(_))));
}

#[tokio::test]
async fn a_watcher_sees_what_is_then_what_changes_and_what_was_cured() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let with = |judgment| report("yard", vec![finding("C07", judgment, Stance::Report)]);
    world.report(&agent, 1, with(Verdict::Unmet)).await;
    let judgments = BTreeSet::from([Verdict::Unmet]);
    let filter = Filter { judgments, ..Filter::default() };
    let mut watch = Box::pin(world.service.watch_findings(filter).await.unwrap());
    let mut next = async || watch.next().await.unwrap().unwrap().found.judgment;
    assert_eq!(soon(next()).await, Verdict::Unmet);
    assert!(next().now_or_never().is_none());
    world.report(&agent, 2, with(Verdict::Met)).await;
    assert_eq!(soon(next()).await, Verdict::Met, "what left the filter is shown once more");
    world.report(&agent, 3, with(Verdict::Unknown)).await;
    assert!(next().now_or_never().is_none(), "it did not match and does not");
    world.report(&agent, 4, with(Verdict::Unmet)).await;
    assert_eq!(soon(next()).await, Verdict::Unmet);
}

#[tokio::test]
async fn a_watcher_that_fell_behind_looks_at_everything_again() {
    let world = World::new().await;
    world.add_site("harbour").await;
    let (agent, ..) = world.join("harbour").await;
    let with = |judgment| report("yard", vec![finding("C07", judgment, Stance::Report)]);
    world.report(&agent, 1, with(Verdict::Unmet)).await;
    let mut watch = Box::pin(world.service.watch_findings(Filter::default()).await.unwrap());
    let first = soon(watch.next()).await.unwrap().unwrap();
    assert_eq!(first.found.judgment, Verdict::Unmet);
    world.report(&agent, 2, with(Verdict::Met)).await;
    for _ in 0..2000 {
        let _ = world.service.news.send(News { site: site("depot"), device: device("other") });
    }
    let next = soon(watch.next()).await.unwrap().unwrap();
    assert_eq!(next.found.judgment, Verdict::Met);
}

#[tokio::test]
async fn only_so_many_watch_at_a_time() {
    let world = World::new().await;
    let mut watching = Vec::new();
    for _ in 0..32 {
        watching.push(world.service.watch_findings(Filter::default()).await.unwrap());
    }
    let refused = world.service.watch_findings(Filter::default()).await;
    assert!(matches!(refused, Err(Refusal::Exhausted(_))));
    watching.pop();
    drop(world.service.watch_findings(Filter::default()).await.unwrap());
}
