//! Reads one row's cells as checked words. What no version of this program wrote is [`StoreError::Nonsense`].

use std::str::FromStr;

use proto::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{StoreError, while_doing};

/// A row whose cells are read by their column's name.
pub(super) trait Cells {
    /// TEXT.
    fn text(&self, column: &'static str) -> Result<String, StoreError>;
    /// TEXT that may be null.
    fn maybe_text(&self, column: &'static str) -> Result<Option<String>, StoreError>;
    /// BIGINT.
    fn int(&self, column: &'static str) -> Result<i64, StoreError>;
    /// BIGINT that may be null.
    fn maybe_int(&self, column: &'static str) -> Result<Option<i64>, StoreError>;
    /// BLOB.
    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError>;
    /// BLOB that may be null.
    fn maybe_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError>;

    /// BIGINT as a count.
    fn count(&self, column: &'static str) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?).map_err(|_| nonsense(column))
    }

    /// BIGINT as a point in time.
    fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_unix(self.int(column)?))
    }

    /// BIGINT that may be null, as a point in time.
    fn maybe_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.maybe_int(column)?.map(Timestamp::from_unix))
    }

    /// BIGINT as yes or no.
    fn yes(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    /// TEXT as one of our words.
    fn word<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| nonsense(column))
    }

    /// TEXT that may be null, as one of our words.
    fn maybe_word<T: FromStr>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let text = self.maybe_text(column)?;
        text.map(|text| text.parse().map_err(|_| nonsense(column))).transpose()
    }

    /// BLOB of a fixed length, such as a hash.
    fn hash(&self, column: &'static str) -> Result<[u8; 32], StoreError> {
        self.bytes(column)?.try_into().map_err(|_| nonsense(column))
    }

    /// BLOB of a fixed length that may be null.
    fn maybe_hash(&self, column: &'static str) -> Result<Option<[u8; 32]>, StoreError> {
        let bytes = self.maybe_bytes(column)?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| nonsense(column))).transpose()
    }
}

impl Cells for AnyRow {
    fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.try_get(column).map_err(while_doing("reading a row"))
    }

    fn maybe_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.try_get(column).map_err(while_doing("reading a row"))
    }

    fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        self.try_get(column).map_err(while_doing("reading a row"))
    }

    fn maybe_int(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.try_get(column).map_err(while_doing("reading a row"))
    }

    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.try_get(column).map_err(while_doing("reading a row"))
    }

    fn maybe_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.try_get(column).map_err(while_doing("reading a row"))
    }
}

/// A cell that holds what it cannot hold.
pub(super) fn nonsense(column: &'static str) -> StoreError {
    StoreError::Nonsense(format!("something in the column {column}"))
}

/// A count as the database keeps it; what is beyond every real count is kept as the largest.
pub(super) fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
