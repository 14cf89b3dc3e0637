//! The change log, filtered, from a cursor on.

use crate::{Engine, EngineError, Problem, Result};
use seawall_domain::{
    BlueprintId,
    cause::Cause,
    subscription::{ChangeFilter, Kind, Seen},
};
use seawall_store::{ChangeKind, ChangeRow};
use std::time::Duration;
use tokio::time::Instant;

/// Rows of the log that are read at once.
const PAGE: usize = 1_000;
/// Pages that are looked through for one answer: a filter that nothing fits gives a short answer and not a late one.
const PAGES: usize = 20;

/// A piece of the change log.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// Those that fit, in order.
    pub changes: Vec<ChangeRow>,
    /// All up to here was looked at: the cursor of the next question.
    pub next: i64,
    /// The newest position that the index reflects.
    pub position: i64,
}

/// What is read of the log after a cursor.
pub(crate) enum Log {
    /// Rows in order, none left out.
    Rows(Vec<ChangeRow>),
    /// Retention took what comes next; the log is complete behind this position.
    Gone(i64),
}

impl Engine {
    /// The changes after `after`, or from the oldest that is kept, that fit; oldest first and at most `limit`.
    ///
    /// # Errors
    /// [`EngineError::Gone`] where the log does not reach back so far.
    pub async fn changes(&self, filter: &ChangeFilter, after: Option<i64>, limit: usize) -> Result<Feed> {
        let Some(after) = after else {
            loop {
                let start = self.inner.store.log_start().await?;
                match self.changes_after(filter, start, limit).await {
                    // Retention took the oldest ones since it was asked where they begin.
                    Err(EngineError::Gone(_)) if self.inner.store.log_start().await? > start => {}
                    ready => return ready,
                }
            }
        };
        self.changes_after(filter, after, limit).await
    }

    async fn changes_after(&self, filter: &ChangeFilter, after: i64, limit: usize) -> Result<Feed> {
        let (mut next, mut changes) = (after, Vec::new());
        'all: for _ in 0..PAGES {
            let known = self.position();
            let rows = match self.log(next, PAGE).await? {
                Log::Rows(rows) => rows,
                Log::Gone(from) => return Err(gone(after, from)),
            };
            if rows.is_empty() {
                // What the index had is committed, and was to be found.
                next = next.max(known);
                break;
            }
            for row in rows {
                if changes.len() == limit {
                    break 'all;
                }
                next = row.position;
                if filter.matches(seen(&row)) {
                    changes.push(row);
                }
            }
        }
        Ok(Feed {
            changes,
            position: self.position().max(next),
            next,
        })
    }

    /// As [`Engine::changes`]; where nothing fits yet, waits for what does, for `most` at most.
    ///
    /// # Errors
    /// As [`Engine::changes`].
    pub async fn changes_within(
        &self,
        filter: &ChangeFilter,
        mut after: Option<i64>,
        limit: usize,
        most: Duration,
    ) -> Result<Feed> {
        let until = Instant::now() + most;
        loop {
            let feed = self.changes(filter, after, limit).await?;
            if !feed.changes.is_empty() || Instant::now() >= until {
                return Ok(feed);
            }
            after = Some(feed.next);
            if feed.next >= feed.position {
                let moved = self.moved_past(feed.next);
                if tokio::time::timeout_at(until, moved).await.is_err() {
                    return Ok(feed);
                }
            }
        }
    }

    /// Rows after a cursor, or how far the log reaches back. It has no holes, so a first row that is the next one tells that
    /// nothing is missing.
    pub(crate) async fn log(&self, after: i64, most: usize) -> Result<Log> {
        let store = &self.inner.store;
        let rows = store.changes(after, most).await?;
        match rows.first() {
            Some(first) if first.position == after + 1 => return Ok(Log::Rows(rows)),
            None if after == self.position() => return Ok(Log::Rows(rows)),
            _ => {}
        }
        let start = store.log_start().await?;
        if start > after {
            return Ok(Log::Gone(start));
        }
        if rows.is_empty() {
            let newest = store.position().await?;
            if after > newest {
                return Err(EngineError::Gone(format!(
                    "there is no change {after}: the newest is {newest}. The database may have been restored from an earlier day; \
                     list anew, and go on from the position of that answer"
                )));
            }
        }
        Ok(Log::Rows(rows))
    }

    /// A filter for a blueprint that does not exist is a mistake, and an empty answer would hide it.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] that points to it.
    pub fn check_blueprints(&self, blueprints: &[BlueprintId], pointer: &str) -> Result<()> {
        let all = self.all_blueprints();
        let unknown = blueprints
            .iter()
            .enumerate()
            .filter(|(_, name)| !all.contains_key(*name));
        let problems: Vec<_> = unknown
            .map(|(i, name)| {
                let near = seawall_domain::text::nearest(name.as_str(), all.keys().map(BlueprintId::as_str));
                let hint = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`seawall catalog list` shows those that exist".to_owned(),
                };
                let at = match pointer.starts_with('/') {
                    true => format!("{pointer}/{i}"),
                    false => pointer.to_owned(),
                };
                Problem::at(at, format!("there is no blueprint `{name}`; {hint}"))
            })
            .collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(EngineError::Invalid(problems)),
        }
    }
}

fn gone(after: i64, start: i64) -> EngineError {
    EngineError::Gone(format!(
        "changes up to {start} are no longer kept, and the cursor is {after}; list anew, and go on from the position of that answer"
    ))
}

/// A row as filters see it.
pub(crate) fn seen(row: &ChangeRow) -> Seen<'_> {
    Seen {
        blueprint: &row.blueprint,
        identifier: &row.identifier,
        kind: kind(row.kind),
        diff: &row.diff,
        cause: Cause::read(&row.cause).what,
    }
}

/// A row's kind as messages and filters name it.
pub(crate) fn kind(kind: ChangeKind) -> Kind {
    match kind {
        ChangeKind::Created => Kind::Created,
        ChangeKind::Updated => Kind::Updated,
        ChangeKind::Deleted => Kind::Deleted,
    }
}
