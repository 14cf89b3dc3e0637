//! Checkouts of git repositories: fetched by git's smart protocol over HTTP, kept as objects, and written as files that plugins
//! read.
//!
//! [`Checkouts`] has a folder with one store for each repository and credential. [`Checkouts::update`] asks the server what its
//! branch is at, fetches what is not here yet (the newest commit alone, and of that what changed), and gives a [`Checkout`]: a
//! folder with the files of one commit, which stays as long as somebody holds it.
//!
//! This crate opens no socket. Every request goes through a [`Wire`], which is the engine's: it passes the door that a plugin's
//! requests pass, and the credential is attached there.

mod checkout;
mod checkouts;
mod clean;
mod error;
mod held;
mod kept;
mod line;
mod name;
mod pack;
mod protocol;
mod refs;
mod repository;
mod tree;
mod wire;

pub use checkout::{Checkout, Notes};
pub use checkouts::{Ask, Bounds, Checkouts};
pub use error::GitError;
pub use wire::{Answer, Wire, WireError};
