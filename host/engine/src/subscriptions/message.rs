//! What a message says.

use crate::{Engine, Result, events::kind, past::take_back};
use seawall_domain::{BlueprintId, Entity, EntityId, Millis, cause::Cause};
use seawall_store::{ChangeKind, ChangeRow};
use serde_json::{Value, json};

/// Larger ones leave out the entity and what changed: receivers ask for it.
const LARGEST: usize = 256 << 10;
/// Changes that are taken back to tell what an entity was after one of them; beyond, the entity is left out.
const BACK: usize = 2_000;
const PAGE: usize = 200;

impl Engine {
    /// The body of the message that tells of a change: the same however often it is made.
    pub(super) async fn message(&self, change: &ChangeRow, thin: bool) -> Result<String> {
        let entity = match thin {
            true => None,
            false => self.entity_after(change).await?,
        };
        let cause = Cause::read(&change.cause);
        let mut body = json!({
            "type": format!("entity.{}", kind(change.kind).as_str()),
            "timestamp": time(change.at),
            "data": {
                "position": change.position,
                "blueprint": change.blueprint,
                "identifier": change.identifier,
                "cause": cause.what,
                "by": cause.by,
                "integration": cause.integration,
                "diff": change.diff,
            },
        });
        if let Some(entity) = entity {
            body["data"]["entity"] = serde_json::to_value(entity).unwrap_or_default();
        }
        let text = body.to_string();
        if text.len() <= LARGEST {
            return Ok(text);
        }
        if let Some(data) = body["data"].as_object_mut() {
            data.remove("entity");
            data.insert("diff".into(), json!({}));
            data.insert("truncated".into(), Value::Bool(true));
        }
        Ok(body.to_string())
    }

    /// What the entity was right after a change; none of one that went, and where that is no longer known.
    async fn entity_after(&self, change: &ChangeRow) -> Result<Option<Entity>> {
        if change.kind == ChangeKind::Deleted {
            return Ok(None);
        }
        let (Ok(blueprint), Ok(identifier)) = (BlueprintId::new(&change.blueprint), EntityId::new(&change.identifier))
        else {
            return Ok(None);
        };
        let store = &self.inner.store;
        let living = store.entity(&blueprint, &identifier).await?;
        let newest = living.as_ref().map(|row| row.version);
        let mut state = living.map(|row| row.entity);
        if newest == Some(change.position) {
            return Ok(state);
        }
        let mut before = None;
        for _ in 0..BACK / PAGE {
            let later = store.history(&blueprint, &identifier, before, PAGE).await?;
            for row in &later {
                // What came after the entity was read is not in it.
                if newest.is_some_and(|newest| row.position > newest) {
                    continue;
                }
                if row.position <= change.position {
                    return Ok(state.filter(|_| row.position == change.position));
                }
                state = take_back(state, row, &blueprint, &identifier)?;
            }
            match later.last() {
                Some(last) if later.len() == PAGE => before = Some(last.position),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }
}

fn time(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map(|at| at.to_string())
        .unwrap_or_default()
}
