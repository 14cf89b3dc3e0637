//! Write Seawall plugins in Rust.
//!
//! A plugin is a type, one trait for each of its roles, and one line that exports them:
//!
//! ```
//! use seawall_sdk::prelude::*;
//!
//! struct Inventory;
//!
//! #[derive(Deserialize)]
//! struct Config {
//!     base_url: String,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Service {
//!     id: String,
//!     name: String,
//! }
//!
//! impl Ingestor for Inventory {
//!     fn partitions(_scope: &Scope) -> Result<Vec<String>> {
//!         Ok(vec!["all".into()])
//!     }
//!
//!     fn pull(scope: &Scope, _partition: &str, _cursor: Option<&str>) -> Result<Page> {
//!         let config: Config = scope.config()?;
//!         let services: Vec<Service> = http::get(http::join(&config.base_url, "/services")).send()?.json()?;
//!         let mut page = Page::complete();
//!         for service in &services {
//!             page.upsert(scope.kind(), &service.id, service)?;
//!         }
//!         Ok(page)
//!     }
//! }
//!
//! seawall_sdk::plugin!(Inventory: ingestor);
//! # fn main() {}
//! ```
//!
//! Every fallible function answers [`Result`], whose error is a [`Failure`]: what the host does next. Any other error
//! becomes one with `?`; an HTTP error becomes the one that fits its status (429 is [`Failure::RateLimited`], 401 is
//! [`Failure::Unauthorized`], and so on).
//!
//! The component imports only what its code reaches. A plugin with the role `rule` alone imports nothing.

// The bindings cross into the component's memory and exports; nothing else here is unsafe.
#![deny(unsafe_op_in_unsafe_fn)]

#[doc(hidden)]
pub mod bindings;

pub mod action;
pub mod catalog;
pub mod clock;
pub mod entity;
pub mod failure;
pub mod files;
pub mod http;
pub mod ingestor;
pub mod json;
pub mod log;
mod panic;
mod plugin;
pub mod random;
pub mod rule;
pub mod webhook;

pub use failure::{Failure, Result};
pub use serde;
pub use serde_json;

#[doc(hidden)]
pub mod __private {
    pub use crate::{action::ActionRole, ingestor::IngestorRole, rule::RuleRole, webhook::WebhookRole};

    pub const fn has_role<T>(_: std::marker::PhantomData<T>) {}
}

/// What most plugins use.
pub mod prelude {
    pub use crate::action::{Action, Invocation, Outcome, Progress};
    pub use crate::entity::{Entity, EntityRef, Relation};
    pub use crate::failure::{Context, Failure, Result};
    pub use crate::ingestor::{Ingestor, Next, Page, Scope};
    pub use crate::json::Json;
    pub use crate::rule::{Rule, Subject, Verdict};
    pub use crate::webhook::{Delivery, Located, Webhook};
    pub use crate::{catalog, clock, files, http, log};
    pub use serde::{Deserialize, Serialize};
    pub use serde_json::{Value, json};
}
