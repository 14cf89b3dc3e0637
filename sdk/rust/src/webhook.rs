//! Turns one verified webhook delivery into changes.

use crate::{
    bindings::{types, webhook::exports::seawall::plugin::webhook as wit},
    failure::Result,
    ingestor::Change,
    json::Json,
    panic::report_panics,
};
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// Receives a tool's deliveries, whose signature the host has checked.
pub trait Webhook {
    /// What one delivery says has changed. A delivery about something else is an empty list, not an error.
    fn receive(config: &Json, delivery: &Delivery) -> Result<Vec<Located>>;
}

/// One delivery.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Header names and values, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body, as it was signed.
    pub body: Vec<u8>,
}

impl Delivery {
    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// A change outside a pass, with the partition that lists its item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// One of `partitions`.
    pub partition: String,
    /// What changed.
    pub change: Change,
}

impl From<Located> for types::LocatedChange {
    fn from(located: Located) -> Self {
        Self {
            partition: located.partition,
            change: located.change.into(),
        }
    }
}

/// Stands between the component's exports and the author's trait.
#[doc(hidden)]
pub struct WebhookRole<T: Webhook>(PhantomData<T>);

impl<T: Webhook> wit::Guest for WebhookRole<T> {
    fn receive(config: Vec<u8>, delivery: wit::Delivery) -> Result<Vec<types::LocatedChange>, types::Failure> {
        report_panics();
        let delivery = Delivery {
            headers: delivery.headers,
            body: delivery.body,
        };
        let changes = T::receive(&Json::from_bytes(config), &delivery)?;
        Ok(changes.into_iter().map(Into::into).collect())
    }
}
