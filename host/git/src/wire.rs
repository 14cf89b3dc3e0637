//! What a fetch needs of HTTP.

use bytes::Bytes;

/// Sends requests.
#[async_trait::async_trait]
pub trait Wire: Send + Sync {
    /// Sends one; an answer with whatever status is an answer. Redirects are not followed.
    ///
    /// # Errors
    /// [`WireError`].
    async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Box<dyn Answer>, WireError>;
}

/// What the server says.
#[async_trait::async_trait]
pub trait Answer: Send {
    /// Its status.
    fn status(&self) -> u16;

    /// One of its headers.
    fn header(&self, name: &str) -> Option<&str>;

    /// The next piece of its body; none at the end.
    ///
    /// # Errors
    /// [`WireError`].
    async fn piece(&mut self) -> Result<Option<Bytes>, WireError>;
}

/// Why there is no answer, or no whole one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// It may not be sent; asking again would not help.
    #[error("{0}")]
    Refused(String),
    /// The server could not be reached, or broke off.
    #[error("{0}")]
    Failed(String),
    /// The answer is larger than what was allowed for.
    #[error("the answer is too large")]
    TooLarge,
    /// There was no time left.
    #[error("there was no time left")]
    TooLate,
}
