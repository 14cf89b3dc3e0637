//! Sync: one task watches over each integration, asks for its partitions, and starts a pass for each that is due.

mod closing;
pub(crate) mod find;
mod held;
pub(crate) mod page;
mod pass;
pub(crate) mod preview;
mod supervisor;

pub(crate) use supervisor::{Supervisors, pass_log};
