//! A site without a line for ninety days: when it is back, nothing is missing, nothing is there twice, and nobody helped.

use tests::offline::{Outcome, Plan, trial};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_ninety_days_without_a_line_everything_arrives_once_and_the_agent_is_itself_again() {
    // In these, answers get lost on the way back: the recovery's in the first, an upload's in both.
    let (one, other) = tokio::join!(trial(1, Plan::SHORT), trial(5, Plan::SHORT));
    assert_eq!((one.unwrap(), other.unwrap()), (Outcome::default(), Outcome::default()));
}
