//! Drives the domain over store, index and runtime: plugins and grants, integrations and their passes, runs, rules.
//!
//! An [`Engine`] is what the HTTP API calls. It knows no HTTP, no SQL and no wasmtime; the clock is passed in.

mod audit;
mod blueprints;
mod catalog;
mod checkouts;
mod clock;
mod credentials;
mod deliveries;
mod egress;
mod engine;
mod error;
mod grants;
mod integrations;
mod plugins;
mod policy;
mod reach;
mod rehearsal;
mod removal;
mod rules;
mod runs;
mod site;
mod sync;
mod tasks;
mod tighten;
mod trust;
mod uninstall;

pub use audit::{Asked, AskedCheckout, AuditRow, PluginAudit};
pub use catalog::{Details, Listed, Referrer};
pub use clock::{Clock, system_clock};
pub use credentials::CredentialView;
pub use deliveries::{NotTaken, Taken};
pub use engine::{Engine, EngineConfig};
pub use error::{EngineError, Problem, Result};
pub use grants::{GrantRequest, RulePart};
pub use integrations::{IntegrationState, IntegrationView};
pub use plugins::{PluginStatus, PluginView};
pub use policy::Violation;
pub use reach::{Reach, ReachQuery};
pub use rehearsal::{Rehearsal, Rehearsed, rehearse};
pub use rules::Evaluation;
pub use runs::RunRequest;
pub use seawall_git::{Checkouts, GitError};
pub use sync::preview::{Preview, PreviewRequest, preview};
pub use tighten::Unused;
pub use trust::Standing;
