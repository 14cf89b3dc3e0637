//! Deliveries of webhooks.

use seawall_domain::Millis;
use serde::{Deserialize, Serialize};

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// It waits for its turn, or for another try.
    Waiting,
    /// Its changes are in the catalog.
    Done,
    /// The plugin could not take it; a person tries it again or drops it.
    Dead,
    /// A person dropped it.
    Dropped,
}

/// A delivery that came in and was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// The integration's row.
    pub integration: i64,
    /// What tells it from another; none where the tool says nothing.
    pub dedupe: Option<String>,
    /// Without those that prove who sent it.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
    /// When.
    pub received_at: Millis,
}

/// A delivery that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Row id, rising in the order in which they came.
    pub id: i64,
    /// Name of the integration.
    pub integration: String,
    /// See [`NewDelivery::dedupe`].
    pub dedupe: Option<String>,
    /// How it stands.
    pub state: DeliveryState,
    /// Empty once it is done or dropped.
    pub headers: Vec<(String, String)>,
    /// Empty once it is done or dropped, and in lists.
    pub body: Vec<u8>,
    /// Size of the body as it came.
    pub bytes: u64,
    /// Calls of the plugin so far.
    pub attempts: u32,
    /// Why the last one failed.
    pub error: Option<String>,
    /// When it is tried.
    pub due: Millis,
    /// When it came.
    pub received_at: Millis,
    /// When it was done, given up or dropped.
    pub ended_at: Option<Millis>,
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Of one integration.
    pub integration: Option<String>,
    /// In one state.
    pub state: Option<DeliveryState>,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryOutcome {
    /// Row id.
    pub id: i64,
    /// How it stands now. `done` and `dropped` forget headers and body.
    pub state: DeliveryState,
    /// Calls of the plugin so far.
    pub attempts: u32,
    /// Why the last one failed.
    pub error: Option<String>,
    /// When it is tried again.
    pub due: Millis,
}
