//! Credentials replaced while everything goes wrong, briefly, by the code of `tests/faults rotation` and `certificate`:
//! real programs, cameras over TLS.

use std::sync::Mutex;

use tests::rotating::{Plan, Tally, What, rotating};

async fn tried(what: What, seed: u64) {
    let plan = Plan { what, trials: 4, cameras: 4, seed };
    let told = Mutex::new(Vec::new());
    let tally = rotating(&plan, &|text| told.lock().unwrap().push(text.to_owned())).await.unwrap();
    let whole = Tally { trials: 4, replaced: 4, ..Tally::default() };
    assert_eq!(tally, whole, "{:?}", told.lock().unwrap());
}

#[tokio::test]
async fn passwords_are_replaced_and_no_camera_is_lost_locked_out_or_not_in_escrow() {
    tried(What::Password, 11).await;
}

#[tokio::test]
async fn certificates_are_replaced_and_the_agent_knows_what_every_camera_presents() {
    tried(What::Certificate, 12).await;
}
