//! A neglected site, hardened briefly by the code of `tests/bench harden`, and held to everything but its times.

use std::time::Duration;

use tests::harden::{Size, harden};

#[tokio::test]
async fn a_neglected_site_is_hardened_with_one_reboot_a_camera_and_then_left_alone() {
    let size = Size {
        cameras: 5,
        latency: Duration::from_millis(1),
        reboot: Duration::from_millis(300),
        at_once: 3,
    };
    let figures = harden(&size, &|_| ()).await.unwrap();
    assert_eq!((figures.reboots, figures.left, figures.written_again), (5, 0, 0), "{figures:?}");
    assert!(figures.seen_dark > Duration::ZERO && figures.dark > Duration::ZERO, "{figures:?}");
}
