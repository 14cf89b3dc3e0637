//! What the end-to-end tests share: a running `seawall` in a folder of its own, a client for its API, and a small tool
//! whose answers a test decides.

#![expect(clippy::expect_used, reason = "a test kit stops the test where it cannot go on")]

pub mod bench;
mod dns;
mod forge;
mod guarded;
pub mod oci;
mod pki;
mod postgres;
mod real;
mod receiver;
mod rogue;
mod search;
mod seawall;
mod tool;
mod wait;

pub use dns::Dns;
pub use forge::{Forge, Packs};
pub use guarded::{Behind, Guarded};
pub use pki::{Authority, Signed};
pub use postgres::{PASSWORD, Postgres, faketime};
pub use real::{RealServer, free_port};
pub use receiver::{Decided, Received, Receiver};
pub use rogue::Rogue;
pub use search::forms;
pub use seawall::{Seawall, component, repository, run, seawall_binary};
pub use tool::{Answer, Tool};
pub use wait::eventually;
