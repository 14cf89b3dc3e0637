//! A partition that the tool no longer lists: a pass that lists nothing removes what it holds, under the same guard as
//! items that are gone.

use super::pass::PassEnd;
use crate::{Engine, EngineError, Result, site::Site};
use seawall_domain::{
    integration::Integration,
    pass::{self, PassState},
};
use seawall_store::{PartitionRow, StoreError, Vanished};

/// Closes a partition, or lets a person decide. It is looked at again when it is due, so that a bound which was raised
/// since counts.
pub(super) async fn drive(engine: &Engine, site: &Site, partition: &PartitionRow) -> Result<PassEnd> {
    match close(engine, site.integration(), partition).await {
        // Another process has it, or the tool lists it again, which has ended this pass.
        Err(EngineError::Store(StoreError::Fenced { .. })) => Ok(PassEnd::Elsewhere),
        Err(EngineError::Store(StoreError::Missing(_))) => Ok(PassEnd::Done),
        other => other,
    }
}

async fn close(engine: &Engine, rules: &Integration, partition: &PartitionRow) -> Result<PassEnd> {
    let (store, now) = (&engine.inner.store, engine.now());
    let lease = store.lease(partition.id, &engine.inner.owner, now, engine.lease_ms());
    let Some(fence) = lease.await? else {
        return Ok(PassEnd::Elsewhere);
    };
    if engine.was_done_elsewhere(partition, fence).await? {
        return Ok(PassEnd::Done);
    }
    let pass = store.begin_closing(partition.id, fence, now).await?;
    engine.pass_moved(rules.name.as_str(), &pass, PassState::Running, None);
    let all = store.vanished(partition.integration, &partition.kind).await?;
    // All that has gone counts together: three tenths are no less than a mass delete for going one by one.
    if pass::is_mass_delete(all.missing, all.known, rules.delete_share, rules.delete_floor) {
        let why = why(rules, partition, all, pass.id);
        store
            .end_pass(pass.id, Some(fence), PassState::Held, Some(&why), now)
            .await?;
        engine.pass_moved(rules.name.as_str(), &pass, PassState::Held, Some(&why));
    } else {
        engine.sweep(pass.id, fence).await?;
        store
            .end_pass(pass.id, Some(fence), PassState::Succeeded, None, engine.now())
            .await?;
        engine.pass_moved(rules.name.as_str(), &pass, PassState::Succeeded, None);
    }
    let due = pass::next_due(engine.now(), rules.every_seconds);
    store.release(partition.id, fence, partition.due, due).await?;
    Ok(PassEnd::Done)
}

fn why(rules: &Integration, partition: &PartitionRow, all: Vanished, pass: i64) -> String {
    let with = match all.partitions {
        0 | 1 => String::new(),
        n => format!(" ({n} partitions are gone, with {} items)", all.missing),
    };
    format!(
        "the tool no longer lists the partition `{}`, with {} of the {} items of kind `{}`{with}: more than the share of {} \
         that is removed without asking; look, then `seawall integration release {} {pass}` or `--keep`",
        partition.name, partition.items, all.known, partition.kind, rules.delete_share, rules.name
    )
}
