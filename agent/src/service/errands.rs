//! Carries what the controller asks for from the link to the rounds: orders to visit, and reports it wants whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use proto::wire::policy::{Order, OrderId, Work};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::link::Link;
use crate::rounds::Handle;

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
    let errands = async { tokio::join!(orders(link, rounds), resends(link, rounds), reloads) };
    tokio::select! {
        _ = errands => {}
        () = stop.cancelled() => {}
    }
}

/// Each order is handed on once, and told done once every device was looked at and its report is on its way.
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
                under_way.push(carry_out(rounds, order));
            }
        }
        tokio::select! {
            changed = listed.changed() => if changed.is_err() { return },
            Some(ended) = under_way.next(), if !under_way.is_empty() => {
                if let Some(order) = ended {
                    link.hasten();
                    link.done(order);
                }
            }
        }
    }
}

async fn carry_out(rounds: &Handle, order: Order) -> Option<OrderId> {
    let Work::Visit(devices) = order.what else { return None };
    let ended = rounds.visit(order.id.clone(), order.expires_at, devices).await.ok()?;
    ended.await.ok().map(|()| order.id)
}

async fn resends(link: &Arc<Link>, rounds: &Handle) {
    loop {
        let devices = link.wanted().await;
        if rounds.resend(devices.into_iter().collect()).await.is_err() {
            return;
        }
    }
}
