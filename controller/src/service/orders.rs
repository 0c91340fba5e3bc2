//! Orders: something to be done once at a site. An order is kept until it is done or an hour has passed, and is said
//! again on every stream; whoever gave it can wait for it. What is outstanding is kept in memory and in the books.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use proto::wire::policy::{MAX_DEVICES, MAX_ORDERS, Order, OrderId, Work};
use proto::wire::rotation::Rotate;
use proto::{SiteName, Timestamp};
use tokio_util::sync::CancellationToken;

use super::caller::OperatorPeer;
use super::live::lock;
use super::{Refusal, Service};
use crate::store::Deed;
use crate::store::agents::Place;

/// How long an order is good, in seconds.
const ORDER_LIFE: i64 = 3600;
/// The longest that somebody may wait for an order.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// See the module.
#[derive(Debug, Default)]
pub struct Orders {
    open: Mutex<HashMap<SiteName, Vec<Open>>>,
    /// Done, and not in the books yet.
    unwritten: Mutex<Vec<(OrderId, Timestamp)>>,
}

#[derive(Debug)]
struct Open {
    order: Order,
    done: CancellationToken,
}

/// An order that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its name.
    pub id: OrderId,
    /// Whether it was done while its giver waited.
    pub is_done: bool,
}

impl Orders {
    /// Everything that is ordered at a site and not done.
    pub(super) fn outstanding(&self, site: &SiteName, now: Timestamp) -> Vec<Order> {
        let mut open = lock(&self.open);
        let Some(of_site) = open.get_mut(site) else { return Vec::new() };
        of_site.retain(|one| now < one.order.expires_at);
        let orders = of_site.iter().map(|one| one.order.clone()).collect();
        if of_site.is_empty() {
            open.remove(site);
        }
        orders
    }

    /// An agent has done these. Those that are not outstanding at its site say nothing.
    pub(super) fn done(&self, site: &SiteName, ids: &[OrderId], now: Timestamp) {
        if ids.is_empty() {
            return;
        }
        let mut open = lock(&self.open);
        let Some(of_site) = open.get_mut(site) else { return };
        let is_done = |one: &mut Open| ids.contains(&one.order.id);
        let mut unwritten = lock(&self.unwritten);
        for one in of_site.extract_if(.., is_done) {
            one.done.cancel();
            unwritten.push((one.order.id, now));
        }
        if of_site.is_empty() {
            open.remove(site);
        }
    }

    fn add(&self, site: &SiteName, order: Order) -> CancellationToken {
        let done = CancellationToken::new();
        let one = Open { order, done: done.clone() };
        lock(&self.open).entry(site.clone()).or_default().push(one);
        done
    }

    /// What is to be written.
    pub(super) fn take_unwritten(&self) -> Vec<(OrderId, Timestamp)> {
        std::mem::take(&mut *lock(&self.unwritten))
    }

    /// Gives back what could not be written.
    pub(super) fn put_back(&self, unwritten: Vec<(OrderId, Timestamp)>) {
        lock(&self.unwritten).extend(unwritten);
    }
}

impl Service {
    /// Orders something at a site, and waits for at most `wait` until it is done.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for more than 120 s or too many devices, [`Refusal::NotFound`] without such a site,
    /// [`Refusal::Precondition`] without an agent there, [`Refusal::Exhausted`] with 256 orders outstanding.
    pub async fn send_order(
        &self,
        by: &OperatorPeer,
        site: &SiteName,
        what: Work,
        wait: Duration,
    ) -> Result<Given, Refusal> {
        if wait > LONGEST_WAIT {
            return Err(Refusal::Invalid("wait: at most 120 s".to_owned()));
        }
        let actor = by.actor(&self.organisation);
        let (id, done) = self.give_order(actor, site, what).await?;
        let is_done = tokio::time::timeout(wait, done.cancelled()).await.is_ok();
        Ok(Given { id, is_done })
    }

    /// Orders something at a site, in somebody's name; gives what is cancelled once it is done.
    ///
    /// # Errors
    /// As [`Self::send_order`].
    pub(super) async fn give_order(
        &self,
        actor: String,
        site: &SiteName,
        what: Work,
    ) -> Result<(OrderId, CancellationToken), Refusal> {
        self.give_order_until(actor, site, (what, None)).await
    }

    /// The same; what is ordered may have an end of its own, before that of every order.
    ///
    /// # Errors
    /// As [`Self::send_order`].
    pub(super) async fn give_order_until(
        &self,
        actor: String,
        site: &SiteName,
        (what, end): (Work, Option<Timestamp>),
    ) -> Result<(OrderId, CancellationToken), Refusal> {
        let detail = detail(&what)?;
        let now = self.now();
        if self.orders.outstanding(site, now).len() >= MAX_ORDERS {
            return Err(Refusal::Exhausted(60));
        }
        let id = Self::order_id()?;
        let usual = Timestamp::from_unix(now.unix().saturating_add(ORDER_LIFE));
        let expires_at = end.map_or(usual, |end| end.min(usual));
        let order = Order { id: id.clone(), expires_at, what };
        let mut change = self.store.change().await?;
        match change.place(site).await? {
            Place::NoSite => return Err(Refusal::NotFound(format!("there is no site {site}"))),
            Place::Free => {
                return Err(Refusal::Precondition(format!("{site} has no agent; enrol one first")));
            }
            Place::Taken(_) => {}
        }
        change.add_order(site, &order, &actor, now).await?;
        match &order.what {
            Work::Plan(_) => change.add_plan(site, &id, &actor, now).await?,
            Work::Apply(it) => {
                if !change.plan_applied(&it.plan, &actor, now).await? {
                    let text = format!("somebody else has the plan {} carried out", it.plan);
                    return Err(Refusal::Conflict(text));
                }
            }
            Work::Visit(_) | Work::Renew | Work::Rotate(_) | Work::Resume => {}
            Work::Forget(forget) => {
                self.may_forget(site, forget).await?;
            }
        }
        let detail = format!("{id}: {detail}");
        let deed =
            Deed { time: now, actor, deed: "order_given", subject: site.to_string(), detail };
        change.commit(deed).await?;
        let done = self.orders.add(site, order);
        if let Some(line) = self.live.line(site) {
            line.update(|_| true);
        }
        Ok((id, done))
    }

    /// Remembers the orders that were outstanding when we last stopped.
    pub(super) async fn load_orders(&self) -> Result<(), Refusal> {
        let outstanding = self.store.outstanding_orders(self.now()).await?;
        lock(&self.orders.open).clear();
        for (site, order) in outstanding {
            self.orders.add(&site, order);
        }
        Ok(())
    }
}

/// What an order is, for the audit log.
fn detail(what: &Work) -> Result<String, Refusal> {
    let named = |verb: &str, devices: &[proto::DeviceName]| match devices.len() {
        0 => Ok(format!("{verb} every device")),
        count if count <= MAX_DEVICES => Ok(format!("{verb} {count} devices")),
        _ => Err(Refusal::Invalid(format!("devices: at most {MAX_DEVICES}"))),
    };
    match what {
        Work::Renew => Ok("renew the agent's certificate".to_owned()),
        Work::Visit(devices) => named("visit", devices),
        Work::Rotate(Rotate { devices, what, reason }) => {
            named(&format!("rotate the {} of", what.as_str()), devices)
                .map(|text| format!("{text}, {}", reason.as_str()))
        }
        Work::Plan(devices) => named("plan for", devices),
        Work::Apply(it) => {
            // Who is changed is in the log by name, as far as a record has room.
            let names: Vec<&str> = it.devices.iter().take(40).map(|it| it.as_str()).collect();
            let more = match it.devices.len().saturating_sub(names.len()) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            named(&format!("carry out plan {} on", it.plan), &it.devices)
                .map(|text| format!("{text}: {}{more}", names.join(", ")))
        }
        Work::Resume => Ok("go on with unattended changes".to_owned()),
        Work::Forget(it) => {
            let even = if it.even_unsettled { ", even unsettled" } else { "" };
            Ok(format!("forget the {} of {}{even}: {}", it.what.as_str(), it.device, it.reason))
        }
    }
}
