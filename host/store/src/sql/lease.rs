//! Leases: a row that one process holds for a time. A fence tells a later holder from an earlier one.

use super::{Conn, get, query};
use crate::Result;
use seawall_domain::Millis;

/// How the leases of a table are taken, in one statement, so that two that ask at once cannot both get one.
pub(crate) struct Lease {
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! lease {
    ($table:literal) => {
        Lease {
            sqlite: lease!($table, "$4"),
            postgres: lease!(
                $table,
                "(SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT))"
            ),
        }
    };
    ($table:literal, $now:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET fence = fence + CASE WHEN owner = $2 THEN 0 ELSE 1 END, owner = $2, lease_until = $3 + ",
            $now,
            " WHERE id = $1 AND (owner IS NULL OR owner = $2 OR lease_until <= ",
            $now,
            ") RETURNING fence"
        )
    };
}

pub(crate) const PARTITION: Lease = lease!("partition");
pub(crate) const SUBSCRIPTION: Lease = lease!("subscription");

impl Lease {
    /// Takes the lease of a row; none where another holds it, or it is gone. On PostgreSQL the database's own clock counts, so that
    /// replicas whose clocks differ agree on when a lease has run out.
    pub(crate) async fn take(
        &self,
        conn: &mut Conn<'_>,
        id: i64,
        owner: &str,
        now: Millis,
        length: Millis,
    ) -> Result<Option<i64>> {
        let ask = match conn {
            Conn::Sqlite(_) => query(self.sqlite).bind(id).bind(owner).bind(length).bind(now),
            Conn::Postgres(..) => query(self.postgres).bind(id).bind(owner).bind(length),
        };
        let taken = ask.fetch_optional(conn).await?;
        taken.map(|row| get(&row, 0)).transpose()
    }
}
