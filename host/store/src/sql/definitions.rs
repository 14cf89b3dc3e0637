//! Blueprints, plugins, grants.

use super::{Conn, get, history, json, query};
use crate::{BlueprintRow, InstallationRow, PluginRow, Result, body::to_json};
use seawall_domain::{
    Blueprint, BlueprintId, Digest, Millis, definition::DefinitionChange, grant::Decision, policy::PolicyChange,
};

pub(crate) async fn put_blueprint(
    conn: &mut Conn<'_>,
    blueprint: &Blueprint,
    source: &str,
    now: Millis,
    change: Option<&DefinitionChange>,
) -> Result<bool> {
    let mut tx = conn.begin().await?;
    let name = blueprint.identifier.as_str();
    let known = query("SELECT body, source FROM blueprint WHERE identifier = $1")
        .bind(name)
        .fetch_optional(&mut tx.conn())
        .await?;
    if let Some(row) = &known
        && get::<&str, _>(row, "source")? == source
        && json::<Blueprint>("blueprint", row, "body").is_ok_and(|before| before == *blueprint)
    {
        return Ok(false);
    }
    query(
        "INSERT INTO blueprint (identifier, body, source, updated_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (identifier) DO UPDATE SET body = excluded.body, source = excluded.source, \
         updated_at = excluded.updated_at",
    )
    .bind(name)
    .bind(to_json("blueprint", blueprint)?)
    .bind(source)
    .bind(now)
    .execute(&mut tx.conn())
    .await?;
    if let Some(change) = change {
        history::put(&mut tx.conn(), change).await?;
    }
    tx.commit().await?;
    Ok(true)
}

pub(crate) async fn remove_blueprint(
    conn: &mut Conn<'_>,
    blueprint: &BlueprintId,
    change: Option<&DefinitionChange>,
) -> Result<bool> {
    let mut tx = conn.begin().await?;
    let done = query("DELETE FROM blueprint WHERE identifier = $1")
        .bind(blueprint.as_str())
        .execute(&mut tx.conn())
        .await?;
    if done == 0 {
        return Ok(false);
    }
    if let Some(change) = change {
        history::put(&mut tx.conn(), change).await?;
    }
    tx.commit().await?;
    Ok(true)
}

pub(crate) async fn blueprints(conn: &mut Conn<'_>) -> Result<Vec<BlueprintRow>> {
    query("SELECT body, source, updated_at FROM blueprint ORDER BY identifier")
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| {
            Ok(BlueprintRow {
                blueprint: json("blueprint", row, "body")?,
                source: get(row, "source")?,
                updated_at: get(row, "updated_at")?,
            })
        })
        .collect()
}

pub(crate) async fn put_plugin(conn: &mut Conn<'_>, plugin: &PluginRow) -> Result<()> {
    query(
        "INSERT INTO plugin (digest, body, installed_at) VALUES ($1, $2, $3) ON CONFLICT (digest) DO UPDATE SET \
         body = excluded.body, installed_at = excluded.installed_at, removed_at = NULL WHERE plugin.removed_at IS NOT NULL",
    )
        .bind(plugin.digest.as_str())
        .bind(to_json("plugin", plugin)?)
        .bind(plugin.installed_at)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn remove_plugin(conn: &mut Conn<'_>, digest: &Digest, now: Millis) -> Result<()> {
    query("UPDATE plugin SET removed_at = $2 WHERE digest = $1 AND removed_at IS NULL")
        .bind(digest.as_str())
        .bind(now)
        .execute(conn)
        .await?;
    query("DELETE FROM component WHERE digest = $1")
        .bind(digest.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn put_component(conn: &mut Conn<'_>, digest: &Digest, bytes: &[u8]) -> Result<()> {
    query("INSERT INTO component (digest, bytes) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING")
        .bind(digest.as_str())
        .bind(bytes.to_vec())
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn component(conn: &mut Conn<'_>, digest: &Digest) -> Result<Option<Vec<u8>>> {
    query("SELECT bytes FROM component WHERE digest = $1")
        .bind(digest.as_str())
        .fetch_optional(conn)
        .await?
        .map(|row| get(&row, 0))
        .transpose()
}

pub(crate) async fn plugins(conn: &mut Conn<'_>) -> Result<Vec<PluginRow>> {
    query("SELECT body FROM plugin WHERE removed_at IS NULL ORDER BY installed_at DESC, id DESC")
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| json("plugin", row, "body"))
        .collect()
}

pub(crate) async fn removed_plugins(conn: &mut Conn<'_>) -> Result<Vec<PluginRow>> {
    query("SELECT body, removed_at FROM plugin WHERE removed_at IS NOT NULL ORDER BY removed_at DESC, id DESC")
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| {
            Ok(PluginRow {
                removed_at: get(row, "removed_at")?,
                ..json("plugin", row, "body")?
            })
        })
        .collect()
}

pub(crate) async fn put_installation(conn: &mut Conn<'_>, installation: &InstallationRow) -> Result<()> {
    query("INSERT INTO installation (digest, body) VALUES ($1, $2)")
        .bind(installation.digest.as_str())
        .bind(to_json("installation", installation)?)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn installations(conn: &mut Conn<'_>) -> Result<Vec<InstallationRow>> {
    query("SELECT body FROM installation ORDER BY id")
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| json("installation", row, "body"))
        .collect()
}

pub(crate) async fn put_decision(conn: &mut Conn<'_>, decision: &Decision, note: &DefinitionChange) -> Result<()> {
    let mut tx = conn.begin().await?;
    query("INSERT INTO decision (digest, body) VALUES ($1, $2)")
        .bind(decision.digest.as_str())
        .bind(to_json("decision", decision)?)
        .execute(&mut tx.conn())
        .await?;
    history::put(&mut tx.conn(), note).await?;
    tx.commit().await?;
    Ok(())
}

pub(crate) async fn decisions(conn: &mut Conn<'_>, digest: Option<&Digest>) -> Result<Vec<Decision>> {
    query("SELECT body FROM decision WHERE $1 IS NULL OR digest = $1 ORDER BY id")
        .bind(digest.map(Digest::as_str))
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| json("decision", row, "body"))
        .collect()
}

pub(crate) async fn put_policy(conn: &mut Conn<'_>, change: &PolicyChange) -> Result<()> {
    query("INSERT INTO policy (body) VALUES ($1)")
        .bind(to_json("policy", change)?)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn policies(conn: &mut Conn<'_>) -> Result<Vec<PolicyChange>> {
    query("SELECT body FROM policy ORDER BY id")
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| json("policy", row, "body"))
        .collect()
}
