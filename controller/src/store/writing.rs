//! A transaction on the one connection that writes. What it cannot bring to an end, it ends with the connection: a
//! commit that failed may leave a transaction open, and whatever came after on that connection would be part of it,
//! acknowledged and never written.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool};

/// See the module. Dropped without [`Writing::commit`], nothing of it was written.
pub struct Writing(Option<PoolConnection<Any>>);

impl Writing {
    pub(super) async fn begin(pool: &AnyPool) -> Result<Self, sqlx::Error> {
        let mut writing = Self(Some(pool.acquire().await?));
        sqlx::query("BEGIN").execute(&mut *writing).await?;
        Ok(writing)
    }

    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        let committed = sqlx::query("COMMIT").execute(&mut *self).await;
        if let Some(connection) = self.0.take() {
            match committed {
                Ok(_) => drop(connection),
                // Closing it takes back what is open; whatever that says, the commit's error is the one to tell.
                Err(_) => drop(connection.close().await),
            }
        }
        committed.map(|_| ())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let Some(mut connection) = self.0.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            drop(connection.detach());
            return;
        };
        // Until it is taken back, the next writer waits.
        runtime.spawn(async move {
            if sqlx::query("ROLLBACK").execute(&mut *connection).await.is_err() {
                let _ = connection.close().await;
            }
        });
    }
}

impl Deref for Writing {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        self.0.as_ref().expect("the connection is there until the end")
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        self.0.as_mut().expect("the connection is there until the end")
    }
}
