//! Credentials. What is sealed goes in and out as bytes; see `seal.rs`.

use super::{Conn, get, json, query};
use crate::{
    CredentialRow, Result, StoreError,
    body::{identifier, to_json},
};
use seawall_domain::CredentialName;

/// Stores a credential. Without `sealed` a sealed one keeps the secret that it has; any other has none.
pub(crate) async fn put(conn: &mut Conn<'_>, credential: &CredentialRow, sealed: Option<Vec<u8>>) -> Result<()> {
    use seawall_domain::credential::SecretSource;
    let keeps = credential.source == SecretSource::Sealed && sealed.is_none();
    query(
        "INSERT INTO credential (name, source, attach, sealed, updated_at, exchange) VALUES ($1, $2, $3, $4, $5, $7) \
         ON CONFLICT (name) DO UPDATE SET source = excluded.source, attach = excluded.attach, exchange = excluded.exchange, \
         sealed = CASE WHEN $6 THEN credential.sealed ELSE excluded.sealed END, updated_at = excluded.updated_at",
    )
    .bind(credential.name.as_str())
    .bind(to_json("credential", &credential.source)?)
    .bind(
        credential
            .attach
            .as_ref()
            .map(|attach| to_json("credential", attach))
            .transpose()?,
    )
    .bind(sealed)
    .bind(credential.updated_at)
    .bind(keeps)
    .bind(
        credential
            .exchange
            .as_ref()
            .map(|exchange| to_json("credential", exchange))
            .transpose()?,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a sealed credential without a secret is told.
pub(crate) fn nothing_to_seal(name: &CredentialName) -> StoreError {
    StoreError::Seal(format!(
        "credential `{name}` is sealed, but there is no secret to seal; give one"
    ))
}

pub(crate) async fn all(conn: &mut Conn<'_>) -> Result<Vec<CredentialRow>> {
    query("SELECT name, source, attach, exchange, updated_at FROM credential ORDER BY name")
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| {
            let attach: Option<&str> = get(row, "attach")?;
            let exchange: Option<&str> = get(row, "exchange")?;
            Ok(CredentialRow {
                name: identifier("credential", get(row, "name")?)?,
                source: json("credential", row, "source")?,
                attach: attach
                    .map(|text| crate::body::from_json("credential", text))
                    .transpose()?,
                exchange: exchange
                    .map(|text| crate::body::from_json("credential", text))
                    .transpose()?,
                updated_at: get(row, "updated_at")?,
            })
        })
        .collect()
}

pub(crate) async fn sealed(conn: &mut Conn<'_>, name: &CredentialName) -> Result<Option<Vec<u8>>> {
    let row = query("SELECT sealed FROM credential WHERE name = $1")
        .bind(name.as_str())
        .fetch_optional(conn)
        .await?;
    row.map_or(Ok(None), |row| get(&row, 0))
}

/// The first sealed value and the name that it is sealed under.
pub(crate) async fn first_sealed(conn: &mut Conn<'_>) -> Result<Option<(String, Vec<u8>)>> {
    let row = query(
        "SELECT name, sealed FROM credential WHERE sealed IS NOT NULL \
         UNION ALL SELECT 'subscription/' || name, sealed FROM subscription LIMIT 1",
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok((get(&row, "name")?, get(&row, "sealed")?)))
        .transpose()
}

/// Replaces the sealed value of a credential that still has one.
pub(crate) async fn reseal(conn: &mut Conn<'_>, name: &CredentialName, sealed: Vec<u8>) -> Result<bool> {
    let done = query("UPDATE credential SET sealed = $2 WHERE name = $1 AND sealed IS NOT NULL")
        .bind(name.as_str())
        .bind(sealed)
        .execute(conn)
        .await?;
    Ok(done > 0)
}

pub(crate) async fn remove(conn: &mut Conn<'_>, name: &CredentialName) -> Result<bool> {
    let done = query("DELETE FROM credential WHERE name = $1")
        .bind(name.as_str())
        .execute(conn)
        .await?;
    Ok(done > 0)
}

/// Replaces every sealed value, of subscriptions too, by what `f` makes of its name and value: all of them, or none.
pub(crate) async fn replace_sealed(conn: &mut Conn<'_>, f: impl Fn(&str, &[u8]) -> Result<Vec<u8>>) -> Result<()> {
    let mut tx = conn.begin().await?;
    rewrap(&mut tx.conn(), f).await?;
    tx.commit().await
}

/// The same, in a transaction of the caller's.
pub(crate) async fn rewrap(conn: &mut Conn<'_>, f: impl Fn(&str, &[u8]) -> Result<Vec<u8>>) -> Result<()> {
    let rows = query("SELECT name, sealed FROM credential WHERE sealed IS NOT NULL ORDER BY name")
        .fetch_all(conn)
        .await?;
    for row in &rows {
        let name: &str = get(row, "name")?;
        let sealed = f(name, get(row, "sealed")?)?;
        query("UPDATE credential SET sealed = $2 WHERE name = $1")
            .bind(name)
            .bind(sealed)
            .execute(conn)
            .await?;
    }
    super::subscriptions::rewrap(conn, f).await
}
