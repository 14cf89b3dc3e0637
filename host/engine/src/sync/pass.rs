//! One pass: pages pulled from a cursor to the end, each stored before the next is asked to follow it.

mod check_out;

use super::{
    page::{Place, Ready},
    supervisor,
};
use crate::{Engine, EngineError, Result, checkouts::Held, site::Site};
use seawall_domain::{
    Failure,
    cause::Cause,
    item::{Next, Page},
    pass::{self, AfterFailure, PassState},
};
use seawall_runtime::CallError;
use seawall_store::{PartitionRow, PassRow, StoreError};
use std::{
    collections::HashSet,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How long a page that is ready to be stored waits for the one after it, so that both work side by side.
const AHEAD: Duration = Duration::from_millis(50);
/// Items removed in one transaction.
const SWEEP: usize = 1_000;

/// How a pass left its partition.
pub(super) enum PassEnd {
    Done,
    Cancelled,
    /// Another process works on the partition.
    Elsewhere,
    /// No further pass until the operator acts.
    Stop(Failure),
}

/// Why pulling ended.
enum Ended {
    Snapshot(Option<String>),
    CaughtUp,
    Failed(Failure, AfterFailure),
    /// What a plugin answered or did cannot be used.
    Fault(String),
    /// Ended where it stands, by shutdown or a pause.
    Interrupted,
    Cancelled,
}

/// Takes the partition and walks over it. Another process that holds it is left alone. `fresh` are checkouts that were brought up to
/// date just now.
pub(super) async fn drive(
    engine: &Engine,
    site: &Arc<Site>,
    partition: &PartitionRow,
    fresh: Option<&Held>,
    token: &CancellationToken,
) -> Result<PassEnd> {
    let store = &engine.inner.store;
    let now = engine.now();
    let lease = store.lease(partition.id, &engine.inner.owner, now, engine.lease_ms());
    let Some(fence) = lease.await? else {
        // Looked at again when the holder's lease may have run out.
        return Ok(PassEnd::Elsewhere);
    };
    if engine.was_done_elsewhere(partition, fence).await? {
        return Ok(PassEnd::Done);
    }
    let row = store.begin_pass(partition.id, fence, now).await?;
    engine.pass_moved(site.integration().name.as_str(), &row, PassState::Running, None);
    let pass = Pass {
        engine,
        site,
        partition,
        token,
        fence,
        row,
        stored: AtomicBool::new(false),
        held: OnceLock::new(),
    };
    let walked = tokio::select! {
        walked = pass.walk(fresh) => walked,
        lost = pass.hold() => Err(lost),
    };
    let ended = match walked {
        Ok(ended) => ended,
        Err(EngineError::Store(StoreError::Fenced { .. })) => return Ok(PassEnd::Elsewhere),
        // The database is away, so nothing could be said of it: the pass stays the running one, and goes on when it is back.
        Err(EngineError::Store(error)) if error.is_unavailable() => return Err(error.into()),
        Err(EngineError::Plugin(CallError::Cancelled)) => pass.interrupted(),
        Err(EngineError::Plugin(error)) => match error.as_failure() {
            failure @ (Failure::Failed(_) | Failure::NotFound(_)) => Ended::Fault(failure.to_string()),
            failure => Ended::Failed(failure, AfterFailure::GiveUp),
        },
        Err(error) => {
            pass.close(PassState::Failed, Some(&error.to_string()), false).await?;
            return Err(error);
        }
    };
    match pass.finish(ended).await {
        Err(EngineError::Store(StoreError::Fenced { .. })) => Ok(PassEnd::Elsewhere),
        other => other,
    }
}

struct Pass<'a> {
    engine: &'a Engine,
    site: &'a Arc<Site>,
    partition: &'a PartitionRow,
    token: &'a CancellationToken,
    fence: i64,
    row: PassRow,
    /// Whether a page was stored, and its cursor with it.
    stored: AtomicBool,
    /// The checkouts that all of its pages read.
    held: OnceLock<Held>,
}

impl Pass<'_> {
    /// Pulls page after page. While a page is stored, the one after it is compared and mapped, and the one after that is
    /// pulled: its cursor is known, and a page that is lost is pulled again from the cursor that was stored.
    async fn pull_all(&self) -> Result<Ended> {
        let mut seen = HashSet::new();
        let mut cursor = self.row.cursor.clone();
        let mut ready = None;
        let mut pulled = self.pull(cursor.clone()).await;
        loop {
            let page = match pulled {
                Ok(Ok(page)) => page,
                other => {
                    // What came before stays, whatever ended the pulling.
                    self.put(ready.take()).await?;
                    return other.map(|other| other.err().unwrap_or(Ended::Interrupted));
                }
            };
            let Page { changes, next } = page;
            let place = self.place();
            match next {
                Next::More(following) => {
                    if cursor.as_deref() == Some(&following) || !seen.insert(following.clone()) {
                        self.put(ready.take()).await?;
                        let why = format!(
                            "the cursor `{}` comes a second time: the pass would never end",
                            cut(&following)
                        );
                        return Ok(Ended::Fault(why));
                    }
                    if ready.as_ref().is_some_and(|ready: &Ready| ready.meets(&changes)) {
                        self.put(ready.take()).await?;
                    }
                    let mapped = self
                        .engine
                        .ready_page(self.site, &place, changes, Some(following.clone()));
                    let pulling = self.pull(Some(following.clone()));
                    tokio::pin!(pulling);
                    let here = async {
                        let (put, mapped) = tokio::join!(self.put(ready.take()), mapped);
                        put?;
                        mapped
                    };
                    let (mapped, early) = overlap(here, pulling.as_mut()).await;
                    ready = Some(mapped?);
                    pulled = match early {
                        Some(next) => next,
                        None => match tokio::time::timeout(AHEAD, pulling.as_mut()).await {
                            Ok(next) => next,
                            // A slow tool, or one that asks to wait: what is here is stored and seen meanwhile.
                            Err(_) => {
                                let (put, next) = tokio::join!(self.put(ready.take()), pulling);
                                put?;
                                next
                            }
                        },
                    };
                    cursor = Some(following);
                }
                Next::SnapshotComplete(following) => {
                    self.put(ready.take()).await?;
                    // The new cursor is stored after what is gone was removed: a stop in between pulls this page again.
                    self.engine.store_page(self.site, &place, changes, cursor).await?;
                    self.stored.store(true, Ordering::Relaxed);
                    return Ok(Ended::Snapshot(following));
                }
                Next::CaughtUp(following) => {
                    self.put(ready.take()).await?;
                    self.engine
                        .store_page(self.site, &place, changes, Some(following))
                        .await?;
                    return Ok(Ended::CaughtUp);
                }
            }
        }
    }

    async fn put(&self, ready: Option<Ready>) -> Result<()> {
        if let Some(ready) = ready {
            self.engine.put_page(ready).await?;
            self.stored.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Pulls one page, again and again where the failure says so.
    async fn pull(&self, cursor: Option<String>) -> Result<std::result::Result<Page, Ended>> {
        let mut attempts = 0;
        loop {
            if self.token.is_cancelled() {
                return Ok(Err(self.interrupted()));
            }
            let kind = &self.partition.kind;
            let log = supervisor::pass_log(&self.site.integration().name, kind);
            let held = self.held.get_or_init(Held::default);
            let sandbox = self.site.sandbox(self.engine, held, log, self.token.clone());
            let (selector, partition) = self.site.slice(self.partition);
            let scope = self.site.scope(kind, selector);
            let error = match self
                .site
                .plugin
                .pull(&sandbox, scope, partition, cursor.as_deref())
                .await
            {
                Ok(page) => {
                    if attempts > 0 {
                        self.engine.inner.store.note_pass(self.row.id, None).await?;
                    }
                    return Ok(Ok(page));
                }
                Err(error) => self.site.explain(error),
            };
            attempts += 1;
            if let Some(ended) = self.wait_after(&error, attempts).await? {
                return Ok(Err(ended));
            }
        }
    }

    /// Waits until it is to be tried again; or how the pass ends, where it is not.
    async fn wait_after(&self, error: &CallError, attempts: u32) -> Result<Option<Ended>> {
        if matches!(error, CallError::Cancelled) {
            return Ok(Some(self.interrupted()));
        }
        let failure = error.as_failure();
        let jitter = f64::from(u8::try_from(self.engine.now() % 100).unwrap_or(0)) / 100.0;
        match pass::after_failure(&failure, attempts, jitter) {
            AfterFailure::RetryIn(ms) => {
                let note = format!("{error}; attempt {attempts}, the next in {ms} ms");
                self.engine.inner.store.note_pass(self.row.id, Some(&note)).await?;
                tokio::select! {
                    () = self.token.cancelled() => {}
                    () = tokio::time::sleep(Duration::from_millis(u64::try_from(ms).unwrap_or(0))) => {}
                }
                Ok(None)
            }
            then => Ok(Some(Ended::Failed(failure, then))),
        }
    }

    fn interrupted(&self) -> Ended {
        if self.engine.was_cancelled(&self.site.integration().name) {
            Ended::Cancelled
        } else {
            Ended::Interrupted
        }
    }

    fn place(&self) -> Place {
        Place {
            partition: self.partition.id,
            kind: self.partition.kind.clone(),
            selector: self.site.slice(self.partition).0,
            pass: Some(self.row.id),
            fence: self.fence,
            duty: None,
            delivery: None,
            cause: Cause::new(&format!("pass:{}", self.row.id))
                .of(self.site.row.integration.name.as_str())
                .to_string(),
        }
    }

    /// Holds the partition as long as it is worked on, however long the tool takes; ends with why it was lost.
    async fn hold(&self) -> EngineError {
        let engine = self.engine;
        if !engine.inner.store.is_shared() {
            return std::future::pending().await;
        }
        let mut held = tokio::time::Instant::now();
        loop {
            tokio::time::sleep(engine.inner.lease / 3).await;
            let (owner, now) = (&engine.inner.owner, engine.now());
            let lease = engine
                .inner
                .store
                .lease(self.partition.id, owner, now, engine.lease_ms());
            match lease.await {
                Ok(Some(fence)) if fence == self.fence => held = tokio::time::Instant::now(),
                // It may be had still; but not for longer than it was taken for.
                Err(_) if held.elapsed() < engine.inner.lease => {}
                _ => {
                    return StoreError::Fenced {
                        partition: self.partition.id,
                    }
                    .into();
                }
            }
        }
    }

    async fn finish(&self, ended: Ended) -> Result<PassEnd> {
        match ended {
            Ended::CaughtUp => self.close(PassState::Succeeded, None, true).await?,
            Ended::Snapshot(cursor) => self.snapshot(cursor).await?,
            Ended::Cancelled => {
                self.close(PassState::Cancelled, Some("cancelled by a person"), false)
                    .await?;
                return Ok(PassEnd::Cancelled);
            }
            Ended::Interrupted => {
                // The pass stays the running one; whoever starts next goes on from its cursor.
                self.engine
                    .inner
                    .store
                    .release(self.partition.id, self.fence, self.partition.due, self.engine.now())
                    .await?;
                return Ok(PassEnd::Cancelled);
            }
            Ended::Fault(why) => self.close(PassState::Failed, Some(&why), false).await?,
            Ended::Failed(failure, AfterFailure::StartOver) => {
                let store = &self.engine.inner.store;
                store.forget_cursor(self.partition.id, self.fence).await?;
                self.engine
                    .inner
                    .store
                    .end_pass(
                        self.row.id,
                        Some(self.fence),
                        PassState::Failed,
                        Some(&failure.to_string()),
                        self.engine.now(),
                    )
                    .await?;
                self.moved(PassState::Failed, Some(&failure.to_string()));
                self.engine
                    .inner
                    .store
                    .release(self.partition.id, self.fence, self.partition.due, self.engine.now())
                    .await?;
            }
            Ended::Failed(failure, AfterFailure::Stop) => {
                self.close(PassState::Failed, Some(&failure.to_string()), false).await?;
                return Ok(PassEnd::Stop(failure));
            }
            Ended::Failed(failure, _) => self.close(PassState::Failed, Some(&failure.to_string()), false).await?,
        }
        Ok(PassEnd::Done)
    }

    /// Removes what the snapshot no longer lists, or lets a person decide.
    async fn snapshot(&self, cursor: Option<String>) -> Result<()> {
        let store = &self.engine.inner.store;
        let missing = store.missing(self.row.id).await?;
        let rules = self.site.integration();
        if pass::is_mass_delete(missing.missing, missing.known, rules.delete_share, rules.delete_floor) {
            let why = format!(
                "the tool no longer lists {} of {} items, more than the share of {} that is removed without asking; \
                 look, then `seawall integration release {} {}` or `--keep`",
                missing.missing, missing.known, rules.delete_share, rules.name, self.row.id
            );
            return self.close(PassState::Held, Some(&why), true).await;
        }
        self.engine.sweep(self.row.id, self.fence).await?;
        if let Some(cursor) = cursor {
            self.engine
                .store_page(self.site, &self.place(), Vec::new(), Some(cursor))
                .await?;
        } else {
            store.forget_cursor(self.partition.id, self.fence).await?;
        }
        self.close(PassState::Succeeded, None, true).await
    }

    fn moved(&self, state: PassState, error: Option<&str>) {
        let name = &self.site.integration().name;
        self.engine.pass_moved(name.as_str(), &self.row, state, error);
    }

    /// Ends the pass and says when the next one is due.
    async fn close(&self, state: PassState, error: Option<&str>, well: bool) -> Result<()> {
        let store = &self.engine.inner.store;
        let now = self.engine.now();
        // A pass that begins in the middle of this one's listing would take what came before for gone. First, so that
        // after a stop in between this pass itself lists all once more.
        if state != PassState::Succeeded
            && (self.stored.load(Ordering::Relaxed) || self.row.cursor.is_some() && self.row.counts.pages > 0)
        {
            store.forget_cursor(self.partition.id, self.fence).await?;
        }
        store.end_pass(self.row.id, Some(self.fence), state, error, now).await?;
        self.moved(state, error);
        let kinds = &self.site.plugin.bundle().manifest.kinds;
        let live = kinds.iter().any(|(k, v)| k.as_str() == self.partition.kind && v.live);
        // A live kind waits inside `pull`, so it is asked again at once; the pause keeps one that does not wait in bounds.
        let due = if well && live {
            now + 100
        } else {
            pass::next_due(now, self.site.integration().every_seconds)
        };
        let seen = self.partition.due;
        store.release(self.partition.id, self.fence, seen, due).await?;
        if well && state == PassState::Succeeded {
            self.engine
                .supersede_held(self.row.integration, self.partition.id, self.row.id)
                .await?;
        }
        Ok(())
    }
}

/// Drives both until `first` is done; besides its outcome that of `second`, if it came as soon.
async fn overlap<A, B>(
    first: impl Future<Output = A>,
    mut second: Pin<&mut impl Future<Output = B>>,
) -> (A, Option<B>) {
    tokio::pin!(first);
    tokio::select! {
        biased;
        done = second.as_mut() => (first.await, Some(done)),
        done = &mut first => (done, None),
    }
}

impl Engine {
    /// Whether another process has had the pass for which this one took the lease just now. Then it is given back.
    pub(super) async fn was_done_elsewhere(&self, partition: &PartitionRow, fence: i64) -> Result<bool> {
        let store = &self.inner.store;
        if !store.is_shared() {
            return Ok(false);
        }
        match store.due(partition.id).await? {
            Some(due) if due > partition.due => {
                store.release(partition.id, fence, due, due).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Removes all items that a pass has not listed, in pieces.
    pub(super) async fn sweep(&self, pass: i64, fence: i64) -> Result<()> {
        loop {
            let result = self.inner.store.sweep(pass, fence, SWEEP, self.now()).await?;
            self.index(&result.page);
            if result.removed_items == 0 {
                return Ok(());
            }
        }
    }
}

fn cut(cursor: &str) -> std::borrow::Cow<'_, str> {
    seawall_domain::text::cut(cursor, 100)
}
