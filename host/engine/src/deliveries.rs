//! Deliveries of webhooks: proven, stored and answered; then given to the plugin, those of one integration one after another
//! in the order in which they came.

use crate::{Engine, EngineError, Result, replicas::OnDuty, sync::pass_log, tasks::Tasks};
use seawall_domain::{
    IntegrationName, Millis,
    pass::{AfterFailure, after_failure},
    webhook::Webhook,
};
use seawall_runtime::{CallError, Delivery};
use seawall_store::{
    DeliveryFilter, DeliveryOutcome, DeliveryRow, DeliveryState, IntegrationRow, NewDelivery, Store, StoreError,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Deliveries stored in one transaction at most.
const BATCH: usize = 1_000;
/// Deliveries that wait to be stored; further ones wait with their connection.
const WAITING: usize = 10_000;
/// Deliveries read at once to be given to the plugin.
const ROUND: usize = 32;
/// How often a delivery is tried before a person has to look.
const ATTEMPTS: u32 = 10;
/// How long one that cannot be given to anybody (paused, not granted) is left alone.
const PATIENCE: Duration = Duration::from_secs(30);

/// How an integration's deliveries are proven.
pub(crate) struct Hook {
    integration: i64,
    webhook: Webhook,
    secret: String,
}

/// What became of a delivery that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is stored, under this id.
    Stored(i64),
    /// It was there already.
    Duplicate,
    /// The tool only wants to see this again, in plain text.
    Challenge(String),
}

/// Why a delivery is not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// There is no such integration, or it takes none.
    #[error("no integration of this name takes deliveries")]
    Nobody,
    /// Nobody knows who sent it.
    #[error("{0}")]
    Unproven(#[from] seawall_domain::webhook::Unproven),
    /// The host could not.
    #[error("{0}")]
    Failed(#[from] EngineError),
}

type Answer = oneshot::Sender<Result<Option<i64>, String>>;

/// Stores what comes in, many in one transaction.
pub(crate) struct Intake {
    sender: mpsc::Sender<(NewDelivery, Answer)>,
    couriers: Arc<Couriers>,
}

impl Intake {
    pub(crate) fn start(store: Arc<dyn Store>, shutdown: CancellationToken, tasks: &Tasks) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        let couriers = Arc::<Couriers>::default();
        tasks.spawn(write(store, receiver, couriers.clone(), shutdown));
        Self { sender, couriers }
    }
}

/// Who gives deliveries on, by integration.
#[derive(Default)]
struct Couriers(Mutex<HashMap<i64, Arc<Notify>>>);

impl Couriers {
    fn all(&self) -> MutexGuard<'_, HashMap<i64, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What wakes a new courier; none where there is one, which is woken.
    fn join(&self, integration: i64) -> Option<Arc<Notify>> {
        let mut all = self.all();
        if let Some(wake) = all.get(&integration) {
            wake.notify_one();
            return None;
        }
        let wake = Arc::<Notify>::default();
        all.insert(integration, wake.clone());
        Some(wake)
    }

    fn leave(&self, integration: i64) {
        self.all().remove(&integration);
    }

    fn wake(&self, integration: i64) {
        if let Some(wake) = self.all().get(&integration) {
            wake.notify_one();
        }
    }

    fn wake_all(&self) {
        self.all().values().for_each(|wake| wake.notify_one());
    }
}

async fn write(
    store: Arc<dyn Store>,
    mut receiver: mpsc::Receiver<(NewDelivery, Answer)>,
    couriers: Arc<Couriers>,
    shutdown: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            biased;
            n = receiver.recv_many(&mut batch, BATCH) => if n == 0 { return },
            () = shutdown.cancelled() => return,
        }
        let (deliveries, answers): (Vec<_>, Vec<Answer>) = batch.drain(..).unzip();
        let integrations: HashSet<_> = deliveries
            .iter()
            .map(|delivery: &NewDelivery| delivery.integration)
            .collect();
        let stored = store.put_deliveries(deliveries).await;
        integrations
            .into_iter()
            .for_each(|integration| couriers.wake(integration));
        match stored {
            Ok(ids) => {
                // Who asked may be gone; the delivery is there.
                answers
                    .into_iter()
                    .zip(ids)
                    .for_each(|(answer, id)| drop(answer.send(Ok(id))));
            }
            Err(error) => {
                tracing::error!(deliveries = answers.len(), "deliveries were not stored: {error}");
                let why = error.to_string();
                answers
                    .into_iter()
                    .for_each(|answer| drop(answer.send(Err(why.clone()))));
            }
        }
    }
}

/// What became of one that was given to the plugin.
enum Given {
    /// What it said is in the catalog, and with it that it is done.
    Stored,
    /// It said nothing.
    Done,
    /// It is tried again, at this time.
    Again(Millis, String),
    Dead(String),
    /// Nobody could take it; it does not count as a try.
    Later,
}

impl Engine {
    /// Takes a delivery for an integration: checks who sent it, stores it, and says so. The plugin sees it afterwards.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub async fn take_delivery(
        &self,
        name: &IntegrationName,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Result<Taken, NotTaken> {
        let hook = self.hook(name).await?.ok_or(NotTaken::Nobody)?;
        let now = self.now();
        hook.webhook.verify(&hook.secret, &headers, &body, now)?;
        if let Some(challenge) = hook.webhook.challenge(&body) {
            return Ok(Taken::Challenge(challenge));
        }
        let delivery = NewDelivery {
            integration: hook.integration,
            dedupe: hook.webhook.id(&headers, &body),
            headers: hook.webhook.kept(headers),
            body,
            received_at: now,
        };
        let (answer, stored) = oneshot::channel();
        let stopping = || EngineError::Internal("the host is stopping; send it again".into());
        let sent = self.inner.intake.sender.send((delivery, answer)).await;
        sent.map_err(|_| stopping())?;
        match stored.await.map_err(|_| stopping())? {
            Ok(Some(id)) => Ok(Taken::Stored(id)),
            Ok(None) => Ok(Taken::Duplicate),
            Err(why) => Err(EngineError::Internal(format!("it could not be stored; send it again: {why}")).into()),
        }
    }

    async fn hook(&self, name: &IntegrationName) -> Result<Option<Arc<Hook>>> {
        let known = {
            let hooks = self.inner.hooks.read().unwrap_or_else(PoisonError::into_inner);
            hooks.get(name).cloned()
        };
        if known.is_some() {
            return Ok(known);
        }
        let rows = self.inner.store.integrations().await?;
        let row = rows
            .into_iter()
            .find(|row| row.integration.name == *name && !row.removing);
        let Some((integration, webhook)) = row.and_then(|row| Some((row.id, row.integration.webhook?))) else {
            return Ok(None);
        };
        let secret = self.secret_text(&webhook.secret).await?;
        let hook = Arc::new(Hook {
            integration,
            webhook,
            secret,
        });
        let mut hooks = self.inner.hooks.write().unwrap_or_else(PoisonError::into_inner);
        hooks.insert(name.clone(), hook.clone());
        Ok(Some(hook))
    }

    pub(crate) fn forget_hook(&self, name: &IntegrationName) {
        self.inner
            .hooks
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
    }

    /// Gives an integration's deliveries to its plugin until the host stops or the integration is removed, if nobody does yet.
    pub(crate) fn carry_deliveries(&self, row: &IntegrationRow) {
        if row.integration.webhook.is_none() {
            return;
        }
        let Some(wake) = self.inner.intake.couriers.join(row.id) else {
            return;
        };
        let (engine, name, id) = (self.clone(), row.integration.name.clone(), row.id);
        self.spawn(async move {
            // One process at a time, so that the order is kept.
            let duty = format!("deliveries:{id}");
            let mut removed = false;
            while !removed && let Some(on_duty) = engine.wait_for_duty(&duty).await {
                removed = engine.give_while_on_duty(&name, id, &wake, &on_duty).await;
                on_duty.give_back().await;
            }
            engine.inner.intake.couriers.leave(id);
        });
    }

    /// Gives on what waits as long as it is this process's to do; whether the integration was removed.
    async fn give_while_on_duty(&self, name: &IntegrationName, id: i64, wake: &Notify, on_duty: &OnDuty) -> bool {
        while !on_duty.is_over() {
            let sleep = match self.give_waiting(name, id, on_duty).await {
                Ok(due) => due.map_or(PATIENCE, |due| {
                    Duration::from_millis(u64::try_from(due - self.now()).unwrap_or(0))
                }),
                // It was removed in between.
                Err(EngineError::NotFound { .. }) => return true,
                Err(EngineError::Store(StoreError::NotOnDuty(_))) => return false,
                Err(error) => {
                    tracing::error!(integration = %name, "deliveries wait: {error}");
                    PATIENCE
                }
            };
            tokio::select! {
                () = on_duty.token().cancelled() => {}
                () = wake.notified() => {}
                () = tokio::time::sleep(sleep.min(PATIENCE)) => {}
            }
        }
        false
    }

    /// Gives on what waits. When the next one is due, if one waits still.
    async fn give_waiting(&self, name: &IntegrationName, integration: i64, on_duty: &OnDuty) -> Result<Option<Millis>> {
        let store = &self.inner.store;
        loop {
            let row = self.integration_row(name).await?;
            if row.id != integration {
                return Err(EngineError::not_found("integration", name));
            }
            let waiting = store.waiting_deliveries(integration, 0, ROUND).await?;
            if waiting.is_empty() || row.paused || on_duty.is_over() {
                return Ok(None);
            }
            let (mut outcomes, mut due) = (Vec::new(), None);
            for delivery in &waiting {
                // The first one holds up those behind it: they may be about the same item.
                due = (delivery.due > self.now()).then_some(delivery.due);
                if due.is_some() || on_duty.is_over() {
                    break;
                }
                let attempts = delivery.attempts + 1;
                let outcome = |state, error: Option<String>, due| DeliveryOutcome {
                    id: delivery.id,
                    state,
                    attempts,
                    error,
                    due,
                };
                match self.give(name, delivery, attempts, on_duty).await {
                    Given::Stored => {}
                    Given::Done => outcomes.push(outcome(DeliveryState::Done, None, 0)),
                    Given::Dead(why) => {
                        tracing::warn!(integration = %name, delivery = delivery.id, "a delivery is dead: {why}");
                        outcomes.push(outcome(DeliveryState::Dead, Some(why), 0));
                    }
                    Given::Again(at, why) => {
                        outcomes.push(outcome(DeliveryState::Waiting, Some(why), at));
                        due = Some(at);
                        break;
                    }
                    Given::Later => {
                        due = Some(self.now() + PATIENCE.as_millis() as i64);
                        break;
                    }
                }
            }
            // What was given and is not marked yet when the host dies is given once more.
            store
                .update_deliveries(&outcomes, Some(on_duty.duty()), self.now())
                .await?;
            if due.is_some() {
                return Ok(due);
            }
        }
    }

    async fn give(&self, name: &IntegrationName, delivery: &DeliveryRow, attempts: u32, on_duty: &OnDuty) -> Given {
        let site = match self.site(name).await {
            Ok(site) => site,
            Err(error) => {
                tracing::warn!(integration = %name, delivery = delivery.id, "a delivery waits: {error}");
                return Given::Later;
            }
        };
        let cancel = on_duty.token().child_token();
        let received = Delivery {
            headers: delivery.headers.clone(),
            body: delivery.body.clone(),
        };
        let answered = async {
            let held = self.newest_checkouts(&site, &cancel).await?;
            let sandbox = site.sandbox(self, &held, pass_log(name, "delivery"), cancel.clone());
            site.plugin.receive(&sandbox, site.config.clone(), received).await
        };
        let stored = match answered.await {
            Ok(changes) => {
                let cause = format!("delivery:{}", delivery.id);
                let done = Some((delivery.id, attempts));
                let any = !changes.is_empty();
                let stored = self.store_located(&site, changes, &cause, on_duty.duty(), done).await;
                stored.map(|()| any)
            }
            Err(error) => Err(error.into()),
        };
        match stored {
            Ok(true) => Given::Stored,
            Ok(false) => Given::Done,
            // What the end of a grant cut off waits until it is granted anew.
            Err(EngineError::Plugin(CallError::Cancelled | CallError::GrantEnded(_)) | EngineError::Store(_)) => {
                Given::Later
            }
            Err(error) if attempts >= ATTEMPTS => Given::Dead(error.to_string()),
            Err(EngineError::Plugin(error)) => match after_failure(&error.as_failure(), attempts, 0.5) {
                AfterFailure::RetryIn(ms) => Given::Again(self.now() + ms, error.to_string()),
                _ => Given::Dead(error.to_string()),
            },
            // A partition that no pass has listed yet.
            Err(error @ EngineError::Conflict(_)) => Given::Again(self.now() + 1_000, error.to_string()),
            Err(error) => Given::Dead(error.to_string()),
        }
    }

    /// Deliveries, newest first, without their bodies.
    ///
    /// # Errors
    /// The database's.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<i64>,
        most: usize,
    ) -> Result<Vec<DeliveryRow>> {
        Ok(self.inner.store.deliveries(filter, before, most).await?)
    }

    /// One delivery with its body.
    ///
    /// # Errors
    /// Where it does not exist.
    pub async fn delivery(&self, id: i64) -> Result<DeliveryRow> {
        let found = self.inner.store.delivery(id).await?;
        found.ok_or_else(|| {
            EngineError::not_found_but("delivery", id, "`seawall delivery list` shows those that are kept")
        })
    }

    /// Lets one that is dead be tried again, from its first attempt.
    ///
    /// # Errors
    /// Where it does not exist, or is not dead.
    pub async fn retry_delivery(&self, id: i64) -> Result<DeliveryRow> {
        self.decide_delivery(id, &[DeliveryState::Dead], DeliveryState::Waiting)
            .await
    }

    /// Gives one up that is dead or waits.
    ///
    /// # Errors
    /// Where it does not exist, or is over already.
    pub async fn drop_delivery(&self, id: i64) -> Result<DeliveryRow> {
        let open = [DeliveryState::Dead, DeliveryState::Waiting];
        self.decide_delivery(id, &open, DeliveryState::Dropped).await
    }

    async fn decide_delivery(&self, id: i64, from: &[DeliveryState], state: DeliveryState) -> Result<DeliveryRow> {
        let delivery = self.delivery(id).await?;
        if !from.contains(&delivery.state) {
            let stands = serde_json::to_value(delivery.state).unwrap_or_default();
            let stands = stands.as_str().unwrap_or_default();
            return Err(EngineError::Conflict(format!(
                "the delivery {id} is {stands}; this is for those that are dead"
            )));
        }
        let outcome = DeliveryOutcome {
            id,
            state,
            // Those of one that is tried again are counted anew; of one that is dropped, they are what was tried.
            attempts: match state {
                DeliveryState::Dropped => delivery.attempts,
                _ => 0,
            },
            error: delivery.error.filter(|_| state == DeliveryState::Dropped),
            due: self.now(),
        };
        self.inner.store.update_deliveries(&[outcome], None, self.now()).await?;
        self.wake_deliveries();
        self.delivery(id).await
    }

    /// Lets all that waits be looked at: what it waited for may have come.
    pub(crate) fn wake_deliveries(&self) {
        self.inner.intake.couriers.wake_all();
    }
}
