//! A roll-out that halted is seen where sites and agents are listed.

use proto::wire::v1;
use serde_json::Value;

use super::*;

#[test]
fn a_halt_is_seen_in_every_listing_with_its_device_and_what_to_do() {
    let (world, pretend) = World::logged_in();
    let state = v1::AgentState::Online.into();
    let agent = || v1::AgentView {
        id: "0f3a".to_owned(),
        site: "harbour".to_owned(),
        state,
        ..v1::AgentView::default()
    };
    let halted = Some(v1::Halt {
        why: "yard: the picture is gone".to_owned(),
        since: PRESENT - 60,
        device: "yard".to_owned(),
    });
    let sites = vec![v1::Site {
        halted: halted.clone(),
        name: "harbour".to_owned(),
        agent_id: "0f3a".to_owned(),
        agent_state: state,
        ..v1::Site::default()
    }];
    pretend.answers("list_sites", v1::ListSitesReply { sites });
    let agents = vec![v1::AgentView { halted, ..agent() }];
    pretend.answers("list_agents", v1::ListAgentsReply { agents });
    for noun in ["site", "agent"] {
        let table = world.run(&[noun, "list"]);
        assert!(table.out.contains("online, halted"), "{table:?}");
        let todo = "yard: the picture is gone; look, then palisade agent order resume harbour";
        assert!(table.err.contains(todo), "{table:?}");
        let json = world.run(&[noun, "list", "--format", "json"]);
        let rows: Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!(rows[0]["halted"]["device"], "yard");
        assert_eq!(rows[0]["halted"]["why"], "yard: the picture is gone");
    }
    pretend.answers("list_agents", v1::ListAgentsReply { agents: vec![agent()] });
    let table = world.run(&["agent", "list"]);
    assert!(!table.out.contains("halted") && !table.err.contains("unattended"), "{table:?}");
}
