//! JSON as the host hands it over: text that is parsed into the author's own types.

use crate::failure::{Failure, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, ser::Error as _};
use serde_json::value::RawValue;
use std::fmt;

/// A JSON text. As a field of the author's types, or as the elements of a list, it keeps that part of an answer as the
/// tool wrote it, without building it: `Vec<Json>` takes a listing apart in a fraction of the time that `Vec<Value>`
/// needs, and the mapping sees every field.
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

    fn parse_borrowed<'de, T: Deserialize<'de>>(&'de self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.0)
    }

    /// Reads it as a type of the author's.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.0)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(String::from(Box::<str>::from(raw)).into_bytes()))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = self.parse_borrowed().map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[derive(Deserialize, Serialize)]
    struct Listing {
        items: Vec<Json>,
    }

    const TEXT: &str = r#"{"items":[{"id": 1.00, "b":"\u00e9"},7]}"#;

    #[test]
    fn a_part_of_an_answer_stays_as_the_tool_wrote_it() {
        let listing: Listing = serde_json::from_str(TEXT).unwrap();
        assert_eq!(listing.items[0].as_bytes(), br#"{"id": 1.00, "b":"\u00e9"}"#);
        assert_eq!(listing.items[1].as_bytes(), b"7");
        assert_eq!(serde_json::to_string(&listing).unwrap(), TEXT);
    }

    #[test]
    fn what_is_no_json_is_not_written() {
        assert!(serde_json::to_string(&Json::from_bytes(b"{".to_vec())).is_err());
    }
}
