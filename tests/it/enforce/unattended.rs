//! What the policy alone has done.

use tests::devices::mobotix::{Fault, Faults};

use super::super::pretend_camera::{configure, configure_from};
use super::scene::{OPEN, Scene, closed, crawling};

const CURABLE: &[&str] = &["C06", "C07", "C08", "C09", "C10", "C13", "C14"];

#[tokio::test]
async fn a_forgotten_camera_is_hardened_in_an_open_window_and_then_left_alone() {
    let scene = Scene::set(&[("yard", Faults::none())], CURABLE, OPEN).await;
    let plans = scene.plans(&["done"]).await;
    assert_eq!((&plans[0]["steps"], &plans[0]["ordered_by"]), (&7.into(), &"".into()));
    let (device, detail) = scene.deed("changed").await;
    assert_eq!(device, "yard");
    let all = CURABLE.iter().all(|code| detail.contains(&format!("{code} proven")));
    assert!(all && detail.contains("1 reboots") && detail.contains("s without video"), "{detail}");
    let yard = scene.camera("yard");
    assert_eq!(yard.running_config(), yard.flash_config());

    // A look at a hardened camera writes nothing, and neither does a new policy that wants the same.
    let writes = yard.counts().writes;
    scene.visit().await;
    scene.policy(CURABLE, &format!("{OPEN}at_once = 2\n")).await;
    scene.visit().await;
    assert_eq!(yard.counts().writes, writes);
    scene.plans(&["done"]).await;
    assert_eq!(yard.counts().most_open, 1, "never two at one camera");
}

#[tokio::test]
async fn what_somebody_changed_back_is_found_with_a_diff_and_cured() {
    let scene = Scene::set(&[("yard", Faults::none())], &["C09"], OPEN).await;
    scene.plans(&["done"]).await;
    // The look that follows a change is what later ones are compared with.
    scene.visit().await;
    let yard = scene.camera("yard");
    assert_eq!(crawling(yard), [true, true]);
    let back = "helo\nwrite params\nhomepage/ROBOTS_TXT_MODE=allowed\nupdate\nstore\nquit\n";
    configure_from("127.0.0.7", yard, back).await;
    assert_eq!(crawling(yard), [false, false]);
    scene.visit().await;
    let (device, detail) = scene.deed("drift_found").await;
    assert_eq!(device, "yard");
    for says in [
        "C09: - homepage: ROBOTS_TXT_MODE=forbidden; + homepage: ROBOTS_TXT_MODE=allowed",
        "logged in since: admin from 127.0.0.7",
    ] {
        assert!(detail.contains(says), "{detail}");
    }
    scene.plans(&["done", "done"]).await;
    scene.visit().await;
    assert_eq!(crawling(yard), [true, true]);
    let signs = scene.json("findings --about drift_found").await;
    assert_eq!(signs.as_array().unwrap().len(), 0, "cured: {signs}");
}

#[tokio::test]
async fn outside_its_windows_nothing_is_written_and_what_was_changed_back_is_told() {
    let scene = Scene::set(&[("yard", Faults::none())], &["C09"], &closed()).await;
    let yard = scene.camera("yard");
    for _ in 0..2 {
        scene.visit().await;
    }
    assert_eq!((yard.counts().writes, crawling(yard)), (0, [false, false]));
    let by_hand = "helo\nwrite params\nhomepage/ROBOTS_TXT_MODE=forbidden\nupdate\nstore\nquit\n";
    configure(yard, by_hand).await;
    scene.visit().await;
    configure(yard, &by_hand.replace("forbidden", "allowed")).await;
    let writes = yard.counts().writes;
    scene.visit().await;
    scene.visit().await;
    let signs = scene.json("findings --about drift_found").await;
    let told = signs[0]["finding"]["observed"].as_str().or(signs[0]["observed"].as_str());
    assert!(told.unwrap().contains("- homepage: ROBOTS_TXT_MODE=forbidden"), "{signs}");
    assert_eq!(yard.counts().writes, writes, "found, and not cured before a window opens");
    scene.plans(&[]).await;
}

#[tokio::test]
async fn a_canary_that_lies_halts_the_roll_out_until_somebody_says_go_on() {
    let cameras = [
        ("dock", Faults::none()),
        ("gate", Faults::none()),
        ("yard", Faults::none().with(Fault::Lies)),
    ];
    let change = format!("{}canary = ['yard']\nat_once = 2\n", closed());
    let mut scene = Scene::set(&cameras, &["C09"], &change).await;
    scene.visit().await;
    let open = format!("{OPEN}canary = ['yard']\nat_once = 2\n");
    scene.policy(&["C09"], &open).await;
    let plans = scene.plans(&["failed"]).await;
    let id = plans[0]["id"].as_str().unwrap().to_owned();
    let shown = scene.run(&format!("plan show {id}")).await;
    assert!(shown.contains("NOT DONE") && shown.contains("Halted: yard: "), "{shown}");
    let (_, detail) = scene.deed("rollout_halted").await;
    assert!(detail.starts_with("yard: ") && detail.contains("as if all were well"), "{detail}");
    let halted = scene.agent.status().await.unwrap();
    let halted = halted["rounds"]["troubles"].to_string();
    assert!(halted.contains("nothing is changed unattended since"), "{halted}");

    // A restart forgets nothing, and neither does another look.
    scene.agent.kill().await.unwrap();
    scene.agent.start().await.unwrap();
    scene.visit().await;
    let writes = |scene: &Scene| ["dock", "gate"].map(|name| scene.camera(name).counts().writes);
    assert_eq!(writes(&scene), [0, 0]);
    scene.plans(&["failed"]).await;

    scene.camera("yard").set_faults(Faults::none());
    scene.run("agent order resume harbour --wait 60s").await;
    let cured =
        async || scene.cameras.iter().all(|(_, it)| crawling(it) == [true, true]).then_some(());
    scene.until("all are cured", cured).await;
}
