//! What is left of a crash: no memory, no secret.

use tests::rotating::crashes::{Crashes, crashing};

#[tokio::test]
async fn agent_and_controller_that_crash_in_a_rotation_leave_no_secret_behind() {
    let folder = tempfile::tempdir().unwrap();
    let Crashes { crashes, cores, leaked, others_dump } = crashing(folder.path()).await.unwrap();
    assert!(crashes >= 4, "{crashes}");
    assert_eq!((cores, leaked), (0, Vec::new()));
    if !others_dump {
        eprintln!("the kernel writes no core dumps here, so that there are none says little");
    }
}
