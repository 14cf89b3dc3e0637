//! Writes the records of requests, and what else was used of a grant, in batches, off the path of the requests themselves;
//! drops old records and passes.

use crate::{Clock, tasks::Tasks};
use seawall_domain::Digest;
use seawall_runtime::door::{Record, RecordSink};
use seawall_store::{CapabilityUsageRow, EgressRow, Store};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Records of this age are dropped; the totals stay.
const KEEP_MS: i64 = 30 * 24 * 3600 * 1000;
/// More than so many are dropped, the oldest first.
const KEEP_ROWS: u64 = 1_000_000;
/// Passes that have ended and are kept of each partition: a live kind makes one after another.
const KEEP_PASSES: u64 = 50;
/// Among so many of the newest, those that failed are kept too.
const KEEP_FAILED: u64 = 200;
/// Passes dropped in one transaction.
const TRIM: usize = 2_000;
/// Deliveries that were done or dropped are known for so long: one that is sent again meanwhile is a duplicate.
const KEEP_DELIVERIES_MS: i64 = 7 * 24 * 3600 * 1000;
const BATCH: usize = 500;

/// Takes records and stores them.
#[derive(Clone)]
pub(crate) struct Recorder {
    sender: mpsc::UnboundedSender<Entry>,
    clock: Clock,
}

enum Entry {
    Request(Box<Record>),
    Use(CapabilityUsageRow),
}

impl Recorder {
    pub(crate) fn start(store: Arc<dyn Store>, clock: Clock, shutdown: CancellationToken, tasks: &Tasks) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        tasks.spawn(write(store, clock, receiver, shutdown));
        Self { sender, clock }
    }

    /// Counts one use of a capability beside requests, such as `files[0]` or `catalog`.
    pub(crate) fn used(&self, integration: &str, digest: &Digest, capability: &str) {
        let at = (self.clock)();
        let used = CapabilityUsageRow {
            digest: digest.clone(),
            integration: integration.to_owned(),
            capability: capability.to_owned(),
            count: 1,
            first_at: at,
            last_at: at,
        };
        drop(self.sender.send(Entry::Use(used)));
    }

    pub(crate) fn sink(&self) -> RecordSink {
        let sender = self.sender.clone();
        // The receiver lives as long as the process; after shutdown nobody sends requests.
        Arc::new(move |record| drop(sender.send(Entry::Request(Box::new(record)))))
    }
}

async fn write(
    store: Arc<dyn Store>,
    clock: Clock,
    mut receiver: mpsc::UnboundedReceiver<Entry>,
    shutdown: CancellationToken,
) {
    let mut trim = tokio::time::interval(Duration::from_secs(600));
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled(), if receiver.is_empty() => return,
            _ = trim.tick() => {
                if let Err(e) = store.trim_egress(clock() - KEEP_MS, KEEP_ROWS).await {
                    tracing::warn!("egress records were not trimmed: {e}");
                }
                if let Err(e) = store.trim_deliveries(clock() - KEEP_DELIVERIES_MS).await {
                    tracing::warn!("deliveries were not trimmed: {e}");
                }
                if let Err(e) = trim_passes(&*store).await {
                    tracing::warn!("passes were not trimmed: {e}");
                }
            }
            n = receiver.recv_many(&mut batch, BATCH) => {
                if n == 0 {
                    return;
                }
                let (mut rows, mut uses) = (Vec::new(), Vec::new());
                for entry in batch.drain(..) {
                    match entry {
                        Entry::Request(record) => rows.push(stored(*record)),
                        Entry::Use(used) => add(&mut uses, used),
                    }
                }
                if !rows.is_empty()
                    && let Err(e) = store.put_egress(&rows).await
                {
                    tracing::error!(rows = rows.len(), "egress records were not stored: {e}");
                }
                if !uses.is_empty()
                    && let Err(e) = store.put_capability_uses(&uses).await
                {
                    tracing::error!(uses = uses.len(), "uses of grants were not stored: {e}");
                }
            }
        }
    }
}

/// In pieces, so that pages are stored in between.
async fn trim_passes(store: &dyn Store) -> seawall_store::Result<()> {
    while store.trim_passes(KEEP_PASSES, KEEP_FAILED, TRIM).await? >= TRIM as u64 {}
    Ok(())
}

/// Adds a use to what is counted already.
fn add(uses: &mut Vec<CapabilityUsageRow>, used: CapabilityUsageRow) {
    let same = |one: &&mut CapabilityUsageRow| {
        (&one.digest, &one.integration, &one.capability) == (&used.digest, &used.integration, &used.capability)
    };
    match uses.iter_mut().find(same) {
        Some(one) => {
            one.count += used.count;
            one.last_at = one.last_at.max(used.last_at);
        }
        None => uses.push(used),
    }
}

fn stored(r: Record) -> EgressRow {
    EgressRow {
        id: 0,
        at: r.at,
        integration: r.integration,
        digest: r.digest,
        method: r.method,
        scheme: r.scheme,
        host: r.host,
        port: r.port,
        path: r.path,
        allowed: r.allowed,
        rule: r.rule,
        pattern: r.pattern,
        reason: r.reason,
        status: r.status,
        sent: r.sent,
        received: r.received,
        micros: r.micros,
        credential: r.credential,
        unchanged: r.unchanged,
        address: r.address,
        private_range: r.private_range,
    }
}
