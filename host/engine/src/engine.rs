//! The engine and its start.

use crate::{
    Clock, Result,
    deliveries::{Hook, Intake},
    egress::Recorder,
    error::EngineError,
    events::Events,
    replicas::Others,
    site::Sites,
    subscriptions::{Couriers, Post},
    sync::Supervisors,
    tasks::{Tasks, UnderWay},
};
use seawall_domain::{CredentialName, Digest, IntegrationName};
use seawall_git::Checkouts;
use seawall_index::{Index, Row};
use seawall_runtime::{
    Plugin, Runtime,
    credential::{Logins, Minter},
    door::{Buckets, Names},
};
use seawall_store::Store;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What an engine is made of.
pub struct EngineConfig {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The sandbox.
    pub runtime: Runtime,
    /// Where components' bytes are kept, by digest.
    pub plugins: PathBuf,
    /// Where git repositories and their files are kept.
    pub checkouts: PathBuf,
    /// The time.
    pub clock: Clock,
    /// Sends messages of subscriptions.
    pub post: Arc<dyn Post>,
    /// Who is asked for the addresses of names that plugins reach.
    pub names: Names,
    /// Runs passes, deliveries and runs: threads that give way to those that answer people.
    pub background: tokio::runtime::Handle,
    /// Names this process in leases; unique among all that share the database.
    pub owner: String,
    /// How long work is taken for where several processes share the database: another one goes on with it so long after this one
    /// has died.
    pub lease: Duration,
}

/// See the crate. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) index: Index,
    /// Whether the index has all that was there at the start, and work goes on.
    started: watch::Sender<bool>,
    pub(crate) runtime: Runtime,
    pub(crate) folder: PathBuf,
    pub(crate) checkouts: Arc<Checkouts>,
    pub(crate) clock: Clock,
    pub(crate) owner: String,
    pub(crate) lease: Duration,
    pub(crate) others: Others,
    pub(crate) buckets: Buckets,
    pub(crate) names: Names,
    pub(crate) recorder: Recorder,
    pub(crate) plugins: RwLock<HashMap<Digest, Plugin>>,
    pub(crate) blueprints: RwLock<Arc<Blueprints>>,
    pub(crate) shapes: crate::search::Shapes,
    pub(crate) sites: Sites,
    pub(crate) supervisors: Supervisors,
    pub(crate) intake: Intake,
    pub(crate) logins: Arc<Logins>,
    pub(crate) minters: RwLock<HashMap<CredentialName, Arc<Minter>>>,
    pub(crate) hooks: RwLock<HashMap<IntegrationName, Arc<Hook>>>,
    /// Work of this process under a name, so that it is not begun twice: runs, removals, merges.
    pub(crate) under_way: UnderWay,
    pub(crate) remaps: crate::workbench::Remaps,
    pub(crate) begun: crate::begun::Open,
    /// How far the work is that follows from changed blueprints.
    pub(crate) steps: crate::model::Steps,
    /// Woken by every change.
    pub(crate) following: crate::derive::Following,
    /// Held while blueprints are read anew.
    pub(crate) reload: tokio::sync::Mutex<()>,
    /// Held while what a client says is read, changed and written.
    pub(crate) clients: tokio::sync::Mutex<()>,
    pub(crate) events: Events,
    pub(crate) couriers: Couriers,
    pub(crate) post: Arc<dyn Post>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) tasks: Tasks,
}

pub(crate) use seawall_domain::mapping::Blueprints;

impl Engine {
    /// Opens everything. Nothing is in the index before [`Engine::start`], and nothing runs.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn open(config: EngineConfig) -> Result<Self> {
        let folder = config.checkouts;
        // Removing what an earlier process left may take a moment.
        let checkouts = tokio::task::spawn_blocking(move || Checkouts::open(folder)).await?;
        let checkouts = checkouts.map_err(|e| EngineError::Internal(e.to_string()))?;
        let shutdown = CancellationToken::new();
        let tasks = Tasks::new(config.background);
        let recorder = Recorder::start(config.store.clone(), config.clock, shutdown.clone(), &tasks);
        let intake = Intake::start(config.store.clone(), shutdown.clone(), &tasks);
        let engine = Self {
            inner: Arc::new(Inner {
                store: config.store,
                index: Index::new(),
                started: watch::Sender::new(false),
                runtime: config.runtime,
                folder: config.plugins,
                checkouts: Arc::new(checkouts),
                clock: config.clock,
                owner: config.owner,
                lease: config.lease,
                others: Others::default(),
                under_way: UnderWay::default(),
                buckets: Buckets::default(),
                names: config.names,
                recorder,
                plugins: RwLock::default(),
                blueprints: RwLock::default(),
                shapes: crate::search::Shapes::default(),
                sites: Sites::default(),
                supervisors: Supervisors::default(),
                intake,
                logins: Arc::default(),
                minters: RwLock::default(),
                hooks: RwLock::default(),
                remaps: crate::workbench::Remaps::default(),
                begun: crate::begun::Open::default(),
                steps: crate::model::Steps::default(),
                following: crate::derive::Following::default(),
                reload: tokio::sync::Mutex::default(),
                clients: tokio::sync::Mutex::default(),
                events: Events::default(),
                couriers: Couriers::default(),
                post: config.post,
                shutdown,
                tasks,
            }),
        };
        engine.first_pulse().await?;
        engine.reload_blueprints().await?;
        Ok(engine)
    }

    /// Whether [`Engine::start`] is over.
    pub fn is_started(&self) -> bool {
        *self.inner.started.borrow()
    }

    /// Waits until [`Engine::start`] is over.
    pub async fn started(&self) {
        // The sender lives as long as the engine.
        let _ = self.inner.started.subscribe().wait_for(|started| *started).await;
    }

    /// Fills the index, starts passes by their schedules, and goes on with runs that a stop cut off. Until it is over, the index
    /// knows a part of the catalog: only [`Engine::details`], and what else reads the database alone, may be asked.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn start(&self) -> Result<()> {
        self.fill_index(|_| {}).await?;
        if let Err(error) = self.forget_checkouts().await {
            tracing::debug!("all checkouts stay: {error}");
        }
        for row in self.inner.store.integrations().await? {
            if row.removing {
                drop(self.remove_in_background(row));
            } else {
                self.supervise(row.integration.name.clone());
                self.carry_deliveries(&row);
            }
        }
        self.follow_others();
        self.tell_subscribers();
        self.keep_log_short();
        self.resume_work().await?;
        self.derive_in_background();
        self.resume_runs().await?;
        self.inner.started.send_replace(true);
        Ok(())
    }

    /// Ends all work at its next safe place and waits for it. Passes go on from their cursors at the next start.
    pub async fn stop(&self) {
        self.inner.shutdown.cancel();
        self.inner.tasks.wait().await;
    }

    /// The time.
    pub fn now(&self) -> i64 {
        (self.inner.clock)()
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// What the database says.
    pub async fn ready(&self) -> Result<()> {
        Ok(self.inner.store.ping().await?)
    }

    /// The database, for what the API shows as it is stored.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// Reads all entities into the index; `seen` sees each batch.
    pub(crate) async fn fill_index(&self, mut seen: impl FnMut(&[seawall_store::EntityRow]) + Send) -> Result<()> {
        const BATCH: usize = 5_000;
        let store = &self.inner.store;
        let position = store.position().await?;
        let mut rows = store.scan_entities(0, BATCH).await?;
        while let Some(last) = rows.last() {
            seen(&rows);
            // The next rows are read while these are taken in: each is half of the work.
            let next = store.scan_entities(last.id, BATCH);
            let engine = self.clone();
            let taken = tokio::task::spawn_blocking(move || {
                engine.inner.index.load(&rows.iter().map(row).collect::<Vec<_>>());
            });
            let (next, taken) = tokio::join!(next, taken);
            taken?;
            rows = next?;
        }
        self.inner.index.finish_load(position);
        self.inner.events.moved(position);
        Ok(())
    }

    /// Brings a transaction's outcome into the index, before it is answered.
    pub(crate) fn index(&self, result: &seawall_store::PageResult) {
        let rows: Vec<_> = result.upserted.iter().map(row).collect();
        if self.inner.store.is_shared() {
            // What others wrote before it is still to come: the position follows once it is there.
            self.inner.index.apply_ahead(&rows, &result.removed, result.position);
            self.wrote(result.position);
            return;
        }
        self.inner.index.apply(&rows, &result.removed, result.position);
        self.inner.events.moved(result.position);
        self.inner.following.wake.notify_one();
    }

    /// Starts work that calls plugins, behind what answers people.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.inner.tasks.spawn_behind(work);
    }

    pub(crate) fn all_blueprints(&self) -> Arc<Blueprints> {
        self.inner
            .blueprints
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

pub(crate) fn row(row: &seawall_store::EntityRow) -> Row<'_> {
    Row {
        id: row.id,
        entity: &row.entity,
        created_at: row.created_at,
        updated_at: row.updated_at,
        created_by: row.created_by.as_deref(),
        updated_by: row.updated_by.as_deref(),
        version: row.version,
    }
}

impl From<tokio::task::JoinError> for EngineError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Internal(format!("a task of the host ended early: {error}"))
    }
}
