//! Orders to visit devices: begun once, and done when each device was looked at since.

use certs::Clock as _;
use proto::wire::policy::OrderId;
use proto::{DeviceName, Timestamp};
use tokio::sync::oneshot;

use super::outlet::Deed;
use super::{MOST_ORDERS, Rounds, UnderWay};

impl Rounds {
    /// Begins an order, unless it is under way already.
    pub(super) async fn take_order(
        &mut self,
        id: OrderId,
        expires_at: Timestamp,
        devices: Vec<DeviceName>,
        done: oneshot::Sender<()>,
    ) {
        let known = self.orders.iter().any(|order| order.id == id);
        let (clock, Some(site)) = (&self.supplies.clock, &self.site) else { return };
        if known || self.orders.len() >= MOST_ORDERS || expires_at < clock.now() {
            return;
        }
        let all = site.file.devices.iter().map(|device| &device.name);
        let wanted = all.filter(|name| devices.is_empty() || devices.contains(name));
        let left = wanted.filter(|name| self.schedule.order(name)).cloned().collect();
        self.audit(Deed::VisitOrdered, "", &format!("order {id}")).await;
        self.orders.push(UnderWay { id, left, done });
        self.settle_orders_done();
    }

    pub(super) fn settle_orders(&mut self, name: &DeviceName) {
        // A visit that was under way when it was ordered again does not count.
        if !self.schedule.is_ordered(name) {
            for order in &mut self.orders {
                order.left.remove(name);
            }
        }
        self.settle_orders_done();
    }

    fn settle_orders_done(&mut self) {
        for order in self.orders.extract_if(.., |order| order.left.is_empty()) {
            // Who ordered may have gone; the report has been queued all the same.
            let _ = order.done.send(());
        }
    }

    /// Drops from all orders the devices that the site does not list any more.
    pub(super) fn settle_orders_of_gone(&mut self) {
        let Some(site) = self.site.clone() else { return };
        for order in &mut self.orders {
            order.left.retain(|name| site.lists(name));
        }
        self.settle_orders_done();
    }
}
