//! Carries what the controller asks for from the link to the rounds: orders to visit, and reports it wants whole. And
//! back, whether unattended changes are halted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use proto::wire::policy::{Order, OrderId, Work};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::link::Link;
use crate::rounds::Handle;

/// What an order brought may take so long to reach the controller before it hears that the order is done.
const DELIVERY: Duration = Duration::from_secs(20);

pub(super) async fn run(
    link: &Arc<Link>,
    rounds: &Handle,
    reload: &Notify,
    stop: &CancellationToken,
) {
    let reloads = async {
        loop {
            reload.notified().await;
            if rounds.reload().await.is_err() {
                return;
            }
        }
    };
    let errands = async {
        tokio::join!(orders(link, rounds), resends(link, rounds), halts(link, rounds), reloads)
    };
    tokio::select! {
        _ = errands => {}
        () = stop.cancelled() => {}
    }
}

/// Each order is handed on once, and told done once every device was looked at and, if the line allows, reported: who
/// waits for an order wants to see what came of it.
async fn orders(link: &Arc<Link>, rounds: &Handle) {
    let mut listed = link.orders();
    let mut taken: BTreeSet<OrderId> = BTreeSet::new();
    let mut under_way = FuturesUnordered::new();
    loop {
        let now = listed.borrow_and_update().clone();
        // What is listed no more can be forgotten; the controller never lists it again.
        taken.retain(|id| now.iter().any(|order| order.id == *id));
        for order in now {
            if taken.insert(order.id.clone()) {
                under_way.push(carry_out(link, rounds, order));
            }
        }
        tokio::select! {
            changed = listed.changed() => if changed.is_err() { return },
            Some(ended) = under_way.next(), if !under_way.is_empty() => {
                if let Some(order) = ended {
                    link.done(order);
                }
            }
        }
    }
}

async fn carry_out(link: &Link, rounds: &Handle, order: Order) -> Option<OrderId> {
    let id = order.id.clone();
    let ended = match order.what {
        Work::Visit(devices) => rounds.visit(order.id, order.expires_at, devices).await,
        Work::Rotate(rotate) => rounds.rotate(order.id, order.expires_at, rotate).await,
        Work::Plan(_) | Work::Apply(_) | Work::Resume | Work::Forget(_) => {
            rounds.carry_out(order).await
        }
        Work::Renew => return None,
    };
    ended.ok()?.await.ok()?;
    let mut drains = link.drains();
    let delivered = async {
        // An upload that was under way may have passed by what the visit brought; the next one cannot.
        for _ in 0..2 {
            link.hasten();
            if drains.changed().await.is_err() {
                return;
            }
        }
    };
    let _ = timeout(DELIVERY, delivered).await;
    Some(id)
}

async fn resends(link: &Arc<Link>, rounds: &Handle) {
    loop {
        let devices = link.wanted().await;
        if rounds.resend(devices.into_iter().collect()).await.is_err() {
            return;
        }
    }
}

/// The controller shows who halted, and so is told of it, and of its end.
async fn halts(link: &Link, rounds: &Handle) {
    let mut progress = rounds.progress();
    loop {
        let halt = progress.borrow_and_update().halted.clone();
        link.halted(halt);
        if progress.changed().await.is_err() {
            return;
        }
    }
}
