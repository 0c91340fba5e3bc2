//! What an operator plans and has carried out.

use tests::devices::mobotix::{Fault, Faults};

use super::super::pretend_camera::configure;
use super::scene::{Scene, closed, crawling};

async fn plan(scene: &Scene, words: &str) -> (String, String) {
    let shown = scene.run(&format!("plan harbour {words}")).await;
    let plans = scene.json("plans harbour").await;
    (plans[0]["id"].as_str().unwrap().to_owned(), shown)
}

#[tokio::test]
async fn a_plan_is_shown_before_anything_is_done_and_then_done_exactly() {
    let cameras = [("gate", Faults::none()), ("yard", Faults::none())];
    let scene = Scene::set(&cameras, &["C06", "C09", "C14"], &closed()).await;
    let (id, shown) = plan(&scene, "yard").await;
    for says in [
        "3 changes, one reboot",
        "- homepage: ROBOTS_TXT_MODE=allowed",
        "+ homepage: ROBOTS_TXT_MODE=forbidden",
        "undo: ",
        "no return: ",
        &format!("Plan {id}  ready, good until "),
    ] {
        assert!(shown.contains(says), "{says}\n{shown}");
    }
    assert!(!shown.contains("gate"), "only what was asked for: {shown}");
    let yard = scene.camera("yard");
    assert_eq!(yard.counts().writes, 0);

    let done = scene.run(&format!("apply {} --wait 2m", &id[..8])).await;
    assert_eq!(done.matches(": proven\n").count(), 3, "{done}");
    assert!(done.contains("1 reboot(s)") && done.contains("ended as planned"), "{done}");
    assert_eq!((crawling(yard), scene.camera("gate").counts().writes), ([true, true], 0));
    let (_, detail) = scene.deed("apply_ordered").await;
    assert!(detail.contains(&id), "{detail}");
    let audit = scene.run("audit log --format json").await;
    assert!(audit.contains(&format!("carry out plan {id} on 1 devices: yard")), "{audit}");

    // Once is once; and then there is nothing to do.
    let again = scene.refused(&format!("apply {id}")).await;
    assert!(again.contains("was carried out"), "{again}");
    let (_, shown) = plan(&scene, "yard").await;
    assert!(shown.contains("nothing to change"), "{shown}");
}

#[tokio::test]
async fn a_plan_for_a_camera_that_was_changed_meanwhile_does_nothing() {
    let scene = Scene::set(&[("yard", Faults::none())], &["C09"], &closed()).await;
    let (id, _) = plan(&scene, "").await;
    let yard = scene.camera("yard");
    configure(yard, "helo\nwrite params\ntime/TZ=Europe/Lisbon\nupdate\nstore\nquit\n").await;
    let writes = yard.counts().writes;
    let ended = scene.refused(&format!("apply {id} --wait 2m")).await;
    let shown = scene.json(&format!("plan show {id}")).await;
    assert_eq!(shown["state"], "failed", "{ended}");
    assert_eq!(shown["results"][0]["steps"][0]["outcome"], "not_tried");
    let stopped = shown["results"][0]["stopped"].as_str().unwrap();
    assert!(stopped.contains("changed since the plan was made"), "{stopped}");
    assert_eq!(yard.counts().writes, writes);
}

#[tokio::test]
async fn a_camera_that_lies_ends_a_plan_and_the_others_are_not_taken_up() {
    let cameras = [("gate", Faults::none().with(Fault::Lies)), ("yard", Faults::none())];
    let scene = Scene::set(&cameras, &["C09"], &closed()).await;
    let (id, _) = plan(&scene, "").await;
    let ended = scene.refused(&format!("apply {id} --wait 2m")).await;
    let shown = scene.json(&format!("plan show {id}")).await;
    let halted = shown["halted"].as_str().unwrap_or_default();
    assert!(halted.starts_with("gate: "), "{ended}: {shown}");
    assert_eq!(shown["left"], serde_json::json!(["yard"]));
    assert_eq!(scene.camera("yard").counts().writes, 0);
}

#[tokio::test]
async fn a_plan_that_its_agent_no_longer_keeps_is_refused_by_it() {
    let mut scene = Scene::set(&[("yard", Faults::none())], &["C09"], &closed()).await;
    let (id, _) = plan(&scene, "").await;
    scene.agent.stop().await.unwrap();
    std::fs::remove_dir_all(scene.agent.data.join("cache")).unwrap();
    scene.agent.start().await.unwrap();
    scene.refused(&format!("apply {id} --wait 2m")).await;
    let shown = scene.json(&format!("plan show {id}")).await;
    assert!(shown["refused"].as_str().unwrap().contains("keeps no such plan"), "{shown}");
    assert_eq!(scene.camera("yard").counts().writes, 0);
    let (_, detail) = scene.deed("apply_refused").await;
    assert!(detail.contains(&id), "{detail}");
}
