//! Credentials on their way to a request: read from where they are kept, exchanged for what the tool wants (an access token, an
//! installation token, a signature, a client certificate), kept until that ends, and made anew. Nothing of it enters a guest.

mod fetch;
mod github;
mod live;
mod minter;
mod oauth;
mod openbao;
mod sigv4;

pub use live::Live;
pub use minter::{Minter, Status};
pub use openbao::{Access, Logins, RoleIds, read as read_openbao};

pub(crate) use live::{Identity, Use};
pub(crate) use sigv4::{Signer, sign};

use std::time::Duration;

/// What a credential's keeper holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    /// The secret.
    pub secret: String,
    /// The secret of the other credential that this one needs, such as an OAuth client's.
    pub second: Option<String>,
    /// How long it is good for before it is read again; absent: until it is replaced.
    pub fresh: Option<Duration>,
}

/// Reads the secret of one credential from where it is kept.
#[async_trait::async_trait]
pub trait Keeper: Send + Sync {
    /// Reads it now.
    ///
    /// # Errors
    /// Why there is none, with what to do.
    async fn read(&self) -> Result<Kept, Unminted>;

    /// Keeps what an authorisation server has put in the secret's place.
    ///
    /// # Errors
    /// Why it cannot be kept.
    async fn replace(&self, secret: &str) -> Result<(), String>;
}

/// Why there is nothing to attach.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{why}")]
pub struct Unminted {
    /// Whether it was refused: trying again does not help, until somebody replaces it.
    pub refused: bool,
    /// In words, without any secret.
    pub why: String,
}

impl Unminted {
    /// Refused: nothing helps but another secret.
    pub fn refused(why: impl Into<String>) -> Self {
        Self {
            refused: true,
            why: why.into(),
        }
    }

    /// Not now.
    pub fn later(why: impl Into<String>) -> Self {
        Self {
            refused: false,
            why: why.into(),
        }
    }
}
