//! What Seawall's words mean, without any input or output: identifiers, blueprints, entities, mapping, manifests,
//! grants, egress rules, queries and the state machines of passes and runs.
//!
//! Nothing in this crate knows a clock, a socket, a database, wasmtime or HTTP handlers. Times are handed in as
//! [`Millis`]. One function reads files: [`mapping::TrialInput::read`], which the command line and the tests share.

pub mod blueprint;
pub mod bundle;
pub mod cassette;
pub mod cause;
pub mod checkout;
pub mod credential;
pub mod definition;
pub mod document;
pub mod egress;
pub mod entity;
pub mod failure;
pub mod folder;
pub mod grant;
pub mod ids;
pub mod import;
pub mod installed;
pub mod integration;
pub mod item;
pub mod limits;
pub mod manifest;
pub mod mapping;
pub mod oci;
pub mod pass;
pub mod policy;
pub mod provenance;
pub mod query;
pub mod report;
pub mod run;
pub mod signature;
pub mod subscription;
pub mod trust;
pub mod webhook;

pub use blueprint::Blueprint;
pub use entity::{Entity, RelationTarget};
pub use failure::Failure;
pub use ids::*;
pub use report::{Report, Severity};
pub use seawall_text as text;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;
