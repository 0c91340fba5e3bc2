//! A camera that was reset by a person begins anew under its old name, when an operator says so.

use proto::wire::policy::{Order, Work};
use proto::wire::rotation::{CredentialKind, Forget};

use super::*;

async fn forget(world: &World, id: u8, even_unsettled: bool) {
    let forget = Forget {
        device: "yard".parse().unwrap(),
        what: CredentialKind::Password,
        even_unsettled,
        reason: "it was reset".to_owned(),
    };
    let id = format!("{id:032x}").parse().unwrap();
    let expires_at = Timestamp::from_unix(i64::MAX);
    let order = Order { id, expires_at, what: Work::Forget(forget) };
    world.handle().carry_out(order).await.unwrap().await.unwrap();
}

#[test]
fn a_camera_that_was_reset_is_adopted_anew_once_an_operator_has_it_forgotten() {
    let mut world = World::new("reset", &site_file("reset", &["yard"], ""));
    let outside = Pretend::new(&mut world, &["yard"]);
    world.run(async |world| {
        world.desire(1, ON);
        world.until(|progress| progress.credentials.len() == 1).await;
        world.rotate(1, &["yard"]).await.await.unwrap();
        // Settled: the camera takes it, and whoever orders is mistaken.
        forget(world, 2, true).await;
        assert_eq!(stands(&world.progress(), Standing::Settled), 1);
        let in_escrow = outside.lock().escrow.len();

        outside.lock().passwords.insert("yard".to_owned(), "factory".to_owned());
        world.order(3, &["yard"]).await.unwrap();
        world.until(|progress| stands(progress, Standing::Stranded) == 1).await;
        world.write("yard.pw", "factory\n");
        world.pass(7 * 3600).await;
        world.settle().await;
        assert_eq!(stands(&world.progress(), Standing::Stranded), 1, "nobody said that it is new");
        forget(world, 4, false).await;
        world.until(|progress| stands(progress, Standing::Settled) == 1).await;
        // What the machine was refused counts for an hour.
        let done = world.rotate(5, &["yard"]).await;
        world.pass(4000).await;
        done.await.unwrap();
        assert_ne!(outside.password("yard"), "factory");
        assert!(outside.lock().escrow.len() > in_escrow + 1, "and nothing in escrow went");
    });
    let deeds = world.deeds();
    let count = |deed: &str| deeds.iter().filter(|it| **it == deed).count();
    assert_eq!((count("credential_forgotten"), count("credential_adopted")), (1, 2));
    assert_eq!(count("rotation_failed"), 1, "the one that was refused");
}

#[test]
fn what_is_in_doubt_is_forgotten_only_where_the_order_says_so() {
    let mut world = World::new("doubt", &site_file("doubt", &["yard"], ""));
    let outside = Pretend::new(&mut world, &["yard"]);
    world.run(async |world| {
        world.desire(1, ON);
        world.until(|progress| progress.credentials.len() == 1).await;
        world.settle().await;
        outside.lock().dead = true;
        let _never = world.rotate(1, &["yard"]).await;
        world.until(|progress| stands(progress, Standing::InDoubt) == 1).await;
        world.settle().await;
        forget(world, 2, false).await;
        assert_eq!(stands(&world.progress(), Standing::InDoubt), 1);
        forget(world, 3, true).await;
        world.until(|progress| stands(progress, Standing::InDoubt) == 0).await;
    });
    assert!(world.deeds().contains(&"credential_forgotten"));
}
