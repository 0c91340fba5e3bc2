//! A site without a line for ninety days: when it is back, nothing is missing and nothing there twice, and nobody helped.

use tests::offline::{Outcome, Plan, trial};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_ninety_days_without_a_line_everything_arrives_once_and_the_agent_is_itself_again() {
    assert_eq!(trial(11, Plan::SHORT).await.unwrap(), Outcome::default());
}
