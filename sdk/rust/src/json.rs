//! JSON as the host hands it over: text that is parsed into the author's own types.

use crate::failure::{Failure, Result};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;

/// A JSON text.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Vec<u8>);

impl Json {
    /// Writes a value, for tests and for what goes to the host.
    pub fn from<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        let bytes = serde_json::to_vec(value).map_err(|e| Failure::failed(format!("cannot write as JSON: {e}")))?;
        Ok(Self(bytes))
    }

    /// JSON that is text already, such as a part of a response. The host checks it when it parses.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads it as a type of the author's.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.0)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}
