//! Generated from `wit/` by the test `bindings` of the crate `seawall-toolchain`; authors never meet them.
//! One file for what the SDK imports, and one for each role, so that a component exports its own roles alone.

#[rustfmt::skip]
#[expect(warnings, clippy::all, clippy::allow_attributes, clippy::unwrap_used, reason = "generated")]
pub mod imports;

#[rustfmt::skip]
#[expect(warnings, clippy::all, clippy::allow_attributes, clippy::unwrap_used, reason = "generated")]
pub mod action;
#[rustfmt::skip]
#[expect(warnings, clippy::all, clippy::allow_attributes, clippy::unwrap_used, reason = "generated")]
pub mod ingestor;
#[rustfmt::skip]
#[expect(warnings, clippy::all, clippy::allow_attributes, clippy::unwrap_used, reason = "generated")]
pub mod rule;
#[rustfmt::skip]
#[expect(warnings, clippy::all, clippy::allow_attributes, clippy::unwrap_used, reason = "generated")]
pub mod webhook;

pub use imports::seawall::plugin::types;
pub(crate) use imports::seawall::plugin::{catalog, log};
pub(crate) use imports::wasi;
