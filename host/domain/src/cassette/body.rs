//! A body as people read it.

use super::layout::{compact, layout};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_saphyr::LitStr;

/// Bytes, as what they are: JSON, other text, or neither. All three absent: no body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// JSON with line breaks where people want them; answered without white space. Numbers, names and their order are as they
    /// were sent.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "as_block")]
    json: Option<String>,
    /// Text that is no JSON, or JSON whose white space counts.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "as_block")]
    text: Option<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// Text with quotes in it is a block, on one line too: in quotes, all of its own would be escaped.
fn as_block<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    match text {
        Some(text) if text.contains(['"', '\\']) => serializer.serialize_some(&LitStr(text)),
        other => other.serialize(serializer),
    }
}

/// Characters of a line of base64.
const LINE: usize = 100;

impl Body {
    /// The same bytes, white space included.
    pub fn verbatim(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.is_empty() => Self {
                text: Some(text.to_owned()),
                ..Self::default()
            },
            _ => Self::of(bytes),
        }
    }

    /// The form in which people read these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut body = Self::default();
        match std::str::from_utf8(bytes) {
            Ok("") => {}
            Ok(text) => match layout(text) {
                Some(json) => body.json = Some(json),
                None => body.text = Some(text.to_owned()),
            },
            Err(_) => {
                let text = STANDARD.encode(bytes);
                let lines: Vec<&str> = (0..text.len())
                    .step_by(LINE)
                    .map(|at| &text[at..(at + LINE).min(text.len())])
                    .collect();
                body.base64 = Some(lines.join("\n"));
            }
        }
        body
    }

    /// The bytes. Of JSON without white space, which may be other than was sent.
    pub fn bytes(&self) -> Vec<u8> {
        match (&self.json, &self.text, &self.base64) {
            (Some(json), ..) => compact(json).into_bytes(),
            (None, Some(text), _) => text.clone().into_bytes(),
            (None, None, Some(text)) => decode(text).unwrap_or_default(),
            (None, None, None) => Vec::new(),
        }
    }

    /// Whether another body says the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self == other || self.value().is_some_and(|own| other.value() == Some(own))
    }

    /// What the JSON says, be it laid out or not.
    pub(super) fn value(&self) -> Option<Value> {
        let text = self.json.as_ref().or(self.text.as_ref())?;
        let is_json = text.trim_start().starts_with(['{', '[']);
        is_json.then(|| serde_json::from_str(text).ok()).flatten()
    }
}

/// Base64 with line breaks.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let joined: String = text.split_whitespace().collect();
    STANDARD.decode(joined).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_json_says_the_same() {
        for bytes in [
            &b""[..],
            b"plain\n",
            b"\xff\xfe\0binary",
            b"{\"a\": 1.0, \"b\":[1,2]}",
            b"5",
            b"{\"a\":",
        ] {
            let body = Body::of(bytes);
            match body.value() {
                Some(value) => assert_eq!(value, serde_json::from_slice::<Value>(bytes).unwrap()),
                None => assert_eq!(body.bytes(), bytes),
            }
        }
        assert_eq!(Body::verbatim(b"{ \"a\": 1 }").bytes(), b"{ \"a\": 1 }");
        assert!(Body::verbatim(b"{ \"a\": 1 }").is_same(&Body::of(b"{\"a\":1}")));
        assert!(Body::of(b"{\"a\":1,\"b\":2}").is_same(&Body::of(b"{ \"b\": 2, \"a\": 1 }")));
        assert!(!Body::of(b"{\"a\":1}").is_same(&Body::of(b"{\"a\":2}")));
        assert!(!Body::of(b"a").is_same(&Body::of(b"b")));
    }

    #[test]
    fn long_base64_has_lines() {
        let body = Body::of(&[0xff; 300]);
        assert!(body.base64.as_ref().unwrap().lines().all(|line| line.len() <= LINE));
        assert_eq!(body.bytes(), [0xff; 300]);
    }
}
