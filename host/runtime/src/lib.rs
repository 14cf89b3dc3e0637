//! The only wasmtime: loads a component, gives it its sandbox, its capabilities and its limits, and calls its roles.
//!
//! A [`Runtime`] compiles components (and keeps the compiled code by digest), a [`Plugin`] is a loaded component whose
//! roles were looked up once, and each call of it gets a fresh instance in a [`Sandbox`]: what this call may reach,
//! where its log goes, and its bounds. All requests of a guest pass [`door::Door`]; there is no second way out.

mod asked;
mod bindings;
mod call;
mod catalog;
mod convert;
pub mod credential;
pub mod door;
mod error;
mod file;
mod lane;
mod limiter;
mod log;
mod plugin;
mod rest;
mod runtime;
mod shape;
mod state;

pub use call::{Delivery, Invocation, Progress, Sandbox, Scope, Subject};
pub use catalog::CatalogReader;
pub use error::{CallError, LoadError};
pub use file::ComponentFile;
pub use log::{Line, LogSink};
pub use plugin::Plugin;
pub use runtime::{Runtime, RuntimeConfig};
