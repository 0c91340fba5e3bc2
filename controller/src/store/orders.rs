//! Orders that were given to sites, until they are done or over.

use prost::Message as _;
use proto::wire::policy::Order;
use proto::wire::v1;
use proto::{SiteName, Timestamp};

use super::cells::Cells as _;
use super::{Change, Intake, Store, StoreError, while_doing};

impl Store {
    /// Every order that is neither done nor over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outstanding_orders(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(SiteName, Order)>, StoreError> {
        let sql = "SELECT site, body FROM orders WHERE done_at IS NULL AND expires_at > $1 \
                   ORDER BY created_at, id";
        let rows = sqlx::query(sql).bind(now.unix()).fetch_all(&self.readers).await;
        let rows = rows.map_err(while_doing("listing orders"))?;
        rows.iter().map(|row| Ok((row.word("site")?, order(&row.bytes("body")?)?))).collect()
    }
}

fn order(bytes: &[u8]) -> Result<Order, StoreError> {
    let nonsense = || StoreError::Nonsense("an order".to_owned());
    let order = v1::Order::decode(bytes).map_err(|_| nonsense())?;
    Order::try_from(order).map_err(|_| nonsense())
}

impl Change {
    /// Keeps a new order.
    ///
    /// # Errors
    /// [`StoreError`], also when the site is not there.
    pub async fn add_order(
        &mut self,
        site: &SiteName,
        order: &Order,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO orders (id, site, body, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(order.id.as_str())
        .bind(site.as_str())
        .bind(v1::Order::from(order).encode_to_vec())
        .bind(by)
        .bind(now.unix())
        .bind(order.expires_at.unix())
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(while_doing("keeping an order"))
    }
}

impl Intake {
    /// Notes that an order was done.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order_done(&mut self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE orders SET done_at = $2 WHERE id = $1 AND done_at IS NULL")
            .bind(id)
            .bind(at.unix())
            .execute(&mut *self.tx)
            .await
            .map(drop)
            .map_err(while_doing("noting a done order"))
    }
}
