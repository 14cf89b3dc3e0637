//! Plugins in OCI registries: pushed, pulled and signed as the Wasm community and cosign do it.
//!
//! | module | what it knows |
//! |---|---|
//! | [`reference`] | `ghcr.io/acme/unleash:1.2.0@sha256:…` |
//! | `artifact` | which manifest a component has: the CNCF's Wasm OCI artifact layout |
//! | `client`, `token`, `http` | the distribution API, signing in, and how to get there |
//! | `signatures` | where signatures are kept: cosign's tag, and the referrers of OCI 1.1 |
//! | [`key`] | private keys, and signing with them |
//!
//! It speaks HTTP through hyper and rustls, as plugins' door does, and not through `oci-client`: that crate makes its own
//! reqwest client, whose TLS would have to be switched on for every client of this workspace (each would then panic without
//! a process-wide provider), follows redirects and token realms to plain HTTP on any host, and reads manifests and tokens of
//! any size. What is said here is a dozen requests; what has been said is bounded in size and time.

mod artifact;
mod auth;
mod client;
mod error;
mod http;
pub mod key;
pub mod reference;
mod signatures;
mod token;
mod transfer;

pub use artifact::Artifact;
pub use auth::Credentials;
pub use client::{Options, Registry};
pub use error::{RegistryError, Result};
pub use key::SigningKey;
pub use reference::Reference;
pub use transfer::{Found, Progress, Pulled, Pushed};
