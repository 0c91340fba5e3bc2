//! Every camera measure that is not met has a way out that the plan names: the lines it writes, the credential it hands
//! to rotation, the setting that has to be learned, or what a person does and how that is confirmed.

use std::sync::Arc;

use agent::apply::Rotates;
use agent::change::Credential;
use agent::device::Target;
use agent::device::mobotix::Dialects;
use agent::facts::Facts;
use agent::measures;
use agent::plan::{DevicePlan, Task, TaskKind};
use agent::site::Site;
use proto::policy::ExpectedAccount;
use proto::{Measure, Verdict};
use tests::devices::mobotix::{Camera, Line};

use super::shop::{LINES, Shop, neglected};

/// The measures that a plan is for: what stands in the camera's settings, its credentials, and its backup.
const ALL: [&str; 17] = [
    "C03", "C04", "C05", "C06", "C07", "C08", "C09", "C10", "C11", "C12", "C13", "C14", "C15",
    "C16", "C17", "C20", "C22",
];

/// An agent that rotates whatever an agent can.
struct Willing;

impl Rotates for Willing {
    fn rotates(
        &self,
        it: &Credential,
        target: &Target,
        product: Option<&str>,
    ) -> Result<(), String> {
        agent::apply::out_of_reach(it, target, product).map_or(Ok(()), Err)
    }
}

/// What of these measures a look does not find met, each with what is seen.
async fn open(shop: &Shop, camera: &Camera) -> Vec<(Measure, Verdict, String)> {
    let target = shop.target(camera, "yard");
    let mut driver = agent::device::open(target.clone(), shop.workshop.dialects.clone());
    let (_, facts) = driver.observe().await.unwrap();
    assert!(matches!(facts, Facts::Camera(_)));
    let site = Site {
        policy: &shop.workshop.policy,
        advisories: &shop.workshop.advisories,
        device: &target.name,
        now: agent::clock::now(),
        attestations: &[],
        vms_addresses: &[],
    };
    let all = measures::assess(&facts, &site).into_iter();
    let asked = all.filter(|it| ALL.contains(&it.measure.code()));
    let open = asked.filter(|it| matches!(it.judgment, Verdict::Unmet | Verdict::Unknown));
    open.map(|it| (it.measure, it.judgment, it.observed)).collect()
}

/// Whether a task says what to do and how it is confirmed.
fn is_plain(task: &Task) -> bool {
    let confirmed = task.confirm.contains("palisade ");
    let says = match &task.kind {
        TaskKind::Learn => task.words.contains("palisade-agent learn"),
        TaskKind::Rotate { credential, window } => {
            task.words.contains(&credential.to_string()) && *window > 0
        }
        TaskKind::Person => task.words.len() > 40,
    };
    confirmed && says && task.words.ends_with('.')
}

/// The best way out that a plan names.
fn way_out(plan: &DevicePlan, measure: Measure) -> Option<&'static str> {
    if plan.steps.iter().any(|step| step.measure == measure && !step.edit.lines.is_empty()) {
        return Some("lines");
    }
    let tasks = plan.tasks.iter().filter(|task| task.measure == measure);
    let word = |task: &Task| match task.kind {
        TaskKind::Rotate { .. } => "rotation",
        TaskKind::Learn => "learn",
        TaskKind::Person => "person",
    };
    let words: Vec<_> = tasks.map(word).collect();
    ["rotation", "learn", "person"].into_iter().find(|word| words.contains(word))
}

/// How each measure is got at that a neglected camera of any line does not meet: with what is built in, and with what
/// somebody has learned about the pretend cameras. C15 is met, since they answer at other ports.
const WAYS: [(&str, &str, &str); 16] = [
    ("C03", "rotation", "rotation"),
    ("C04", "person", "person"),
    ("C05", "person", "person"),
    ("C06", "lines", "lines"),
    ("C07", "learn", "lines"),
    ("C08", "learn", "lines"),
    ("C09", "lines", "lines"),
    ("C10", "lines", "lines"),
    ("C11", "rotation", "rotation"),
    ("C12", "learn", "learn"),
    ("C13", "learn", "lines"),
    ("C14", "lines", "lines"),
    ("C16", "person", "person"),
    ("C17", "person", "person"),
    ("C20", "learn", "learn"),
    ("C22", "person", "person"),
];

/// The same for one line, where lines differ: how storage tests are written is only inferred for Mx6, and only MOBOTIX 7
/// takes a certificate from a program.
fn expected(line: Line, code: &str, is_learned: bool) -> &'static str {
    let (_, builtin, learned) = WAYS.iter().find(|(it, ..)| *it == code).unwrap();
    match (line, code) {
        (Line::Mx6, "C14") if !is_learned => "learn",
        (Line::Mobotix7, "C16") => "rotation",
        _ if is_learned => learned,
        _ => builtin,
    }
}

fn strict(policy: &mut proto::Policy) {
    let (name, group) = ("guard".to_owned(), "guests".to_owned());
    policy.accounts.expected = vec![ExpectedAccount { name, group }];
}

#[tokio::test]
async fn every_camera_measure_names_its_lines_its_rotation_or_the_way_to_learn_it() {
    for (line, is_learned) in LINES.into_iter().flat_map(|line| [(line, false), (line, true)]) {
        let mut shop = Shop::new(strict);
        shop.workshop.rotates = Arc::new(Willing);
        if !is_learned {
            shop.workshop.dialects = Arc::new(Dialects::builtin());
        }
        let camera = neglected(line, |_| ()).await;
        let plan = shop.plan(&shop.target(&camera, "yard")).await;
        let open = open(&shop, &camera).await;
        let codes: Vec<_> = open.iter().map(|(measure, ..)| measure.code()).collect();
        assert_eq!(codes, WAYS.map(|(code, ..)| code), "{line:?}");
        for (measure, verdict, observed) in open {
            let tasks: Vec<_> = plan.tasks.iter().filter(|it| it.measure == measure).collect();
            let wanted = Some(expected(line, measure.code(), is_learned));
            assert_eq!(
                way_out(&plan, measure),
                wanted,
                "{line:?} {is_learned} {measure} {verdict:?}: {observed}\n{tasks:#?}"
            );
            assert!(tasks.iter().all(|task| is_plain(task)), "{tasks:#?}");
        }
    }
}

#[tokio::test]
async fn a_credential_is_rotated_where_an_agent_can_and_a_person_is_told_how_where_it_cannot() {
    for line in LINES {
        let mut shop = Shop::new(|_| ());
        let camera = neglected(line, |_| ()).await;
        let target = shop.target(&camera, "yard");
        let by_hand = shop.plan(&target).await;
        assert_eq!(by_hand.rotations().count(), 0, "nobody here rotates");
        let task = |plan: &DevicePlan, code: &str| {
            plan.tasks.iter().find(|it| it.measure.code() == code).cloned().unwrap()
        };
        assert!(task(&by_hand, "C03").words.contains("palisade-agent rotate yard --what password"));

        shop.workshop.rotates = Arc::new(Willing);
        let plan = shop.plan(&target).await;
        let password =
            Credential::Password { account: "admin".to_owned(), group: Some("admins".to_owned()) };
        let certificate = Credential::Certificate;
        let rotated: Vec<_> =
            plan.rotations().map(|(_, it, window)| (it.clone(), window)).collect();
        let windows = |it: &Credential| rotated.iter().find(|(one, _)| one == it).map(|one| one.1);
        if line == Line::Mobotix7 {
            assert_eq!(
                (windows(&certificate), windows(&password)),
                (Some(2), Some(3)),
                "never in one window"
            );
        } else {
            assert_eq!((windows(&certificate), windows(&password)), (None, Some(2)));
            let words = task(&plan, "C16").words;
            assert!(words.contains("MOBOTIX 7 only") && words.contains("Web Server"), "{words}");
        }
        assert!(plan.is_work());
    }
}
