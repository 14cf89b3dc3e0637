//! The door out, as far as it is words: what a request really asks for, whether the rules allow it, and which addresses
//! may be connected to. The runtime resolves, connects and sends; it decides nothing of its own.
//!
//! 1. [`normalise`] makes a [`Target`] of what the guest gave, or refuses what has two readings.
//! 2. [`Door::decide`] matches it against what the manifest asks and what the operator granted.
//! 3. [`AddressPolicy::check`] judges every address that the name resolved to.
//! 4. [`attach`] says which headers are the host's alone.

mod addresses;
pub mod attach;
mod bans;
mod door;
mod host;
mod normalise;
mod path;
mod pattern;
mod place;
mod rules;
mod suggest;

pub use addresses::{AddressPolicy, check_range, is_openable, ranges};
pub use bans::Bans;
pub use door::{Decision, Door, DoorError, Reach};
pub use host::Host;
pub use normalise::{Refusal, Scheme, Target, normalise};
pub use place::HostPattern;
pub(crate) use place::is_any_host;

pub(crate) use bans::fixed_place;
pub(crate) use path::check_pattern;
pub(crate) use pattern::covers;
pub(crate) use place::{check_place, check_repository, placeholders, repository};

#[cfg(test)]
mod tests;
