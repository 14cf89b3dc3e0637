//! What goes into the store and comes out of it.

mod definitions;
mod deliveries;
mod egress;
mod entities;
mod pages;
mod passes;
mod replicas;
mod runs;
mod subscriptions;

pub use definitions::*;
pub use deliveries::*;
pub use egress::*;
pub use entities::*;
pub use pages::*;
pub use passes::*;
pub use replicas::*;
pub use runs::*;
pub use subscriptions::*;
