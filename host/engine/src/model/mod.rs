//! Changes of the model: what a blueprint would break, and what follows when it is put or removed.

mod check;
mod dependants;
mod effect;
mod progress;
mod put;
mod remove;

pub use dependants::Dependant;
pub use effect::BlueprintEffect;
pub use progress::{Recompute, RecomputeStep, Step};
pub(crate) use progress::{Steps, Stride};
pub use put::{BlueprintPut, ModelChange};
pub use remove::Removal;

/// Entities and items that are looked at at once.
const PIECE: usize = 500;
