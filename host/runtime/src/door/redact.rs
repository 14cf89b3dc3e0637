//! Cuts a secret out of what a tool sends back, wherever it echoes it.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use memchr::memmem;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Replaces secrets by stars of the same length, so that a declared length stays true.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    needles: Arc<[Vec<u8>]>,
    /// Counts what is cut, for a recording.
    cuts: Option<Arc<AtomicU64>>,
}

/// Shorter secrets would cut ordinary words to pieces.
const SHORTEST: usize = 6;

impl Redactor {
    pub(crate) fn new(needles: Vec<Vec<u8>>) -> Self {
        let mut needles: Vec<_> = needles.into_iter().filter(|n| n.len() >= SHORTEST).collect();
        // Longest first: a needle may contain another.
        needles.sort_by_key(|n| std::cmp::Reverse(n.len()));
        needles.dedup();
        Self {
            needles: needles.into(),
            cuts: None,
        }
    }

    pub(super) fn counting(self, cuts: Arc<AtomicU64>) -> Self {
        Self {
            cuts: Some(cuts),
            ..self
        }
    }

    /// Cuts secrets out of what is there as a whole.
    pub(crate) fn bytes(&self, bytes: &mut [u8]) {
        self.cut(bytes);
    }

    /// Whether one of the secrets is in it.
    pub(super) fn finds(&self, bytes: &[u8]) -> bool {
        self.needles.iter().any(|needle| memmem::find(bytes, needle).is_some())
    }

    pub(super) fn is_idle(&self) -> bool {
        self.needles.is_empty()
    }

    pub(super) fn header(&self, value: &mut HeaderValue) {
        if self.finds(value.as_bytes()) {
            let mut bytes = value.as_bytes().to_vec();
            self.cut(&mut bytes);
            if let Ok(clean) = HeaderValue::from_bytes(&bytes) {
                *value = clean;
            }
        }
    }

    fn cut(&self, bytes: &mut [u8]) {
        for needle in &*self.needles {
            let mut from = 0;
            while let Some(at) = memmem::find(&bytes[from..], needle) {
                bytes[from + at..from + at + needle.len()].fill(b'*');
                from += at + needle.len();
                if let Some(cuts) = &self.cuts {
                    cuts.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// How many of the last bytes could be the start of a needle, whatever they are.
    fn held(&self, bytes: &[u8]) -> usize {
        let longest = self.needles.first().map_or(0, Vec::len);
        bytes.len().min(longest.saturating_sub(1))
    }
}

/// A secret in each form in which a tool may echo it; of `user:password` the password alone too.
pub(crate) fn needles(secret: &str) -> Vec<Vec<u8>> {
    let mut needles = vec![secret.as_bytes().to_vec(), STANDARD.encode(secret).into_bytes()];
    needles.push(
        url::form_urlencoded::byte_serialize(secret.as_bytes())
            .collect::<String>()
            .into_bytes(),
    );
    if let Some((_, password)) = secret.split_once(':') {
        needles.push(password.as_bytes().to_vec());
    }
    // A JSON string escapes quotes and backslashes, and in some libraries slashes.
    let json = secret.replace('\\', "\\\\").replace('"', "\\\"");
    needles.push(json.replace('/', "\\/").into_bytes());
    needles.push(json.into_bytes());
    // Percent escapes come in small letters too; base64 without padding, and in the alphabet for URLs.
    let percent = |upper: bool| {
        let escape = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ if upper => format!("%{byte:02X}"),
            _ => format!("%{byte:02x}"),
        };
        secret.bytes().map(escape).collect::<String>().into_bytes()
    };
    needles.extend([percent(true), percent(false)]);
    needles.push(STANDARD_NO_PAD.encode(secret).into_bytes());
    needles.push(URL_SAFE_NO_PAD.encode(secret).into_bytes());
    needles
}

/// A stream being redacted; holds back what may be the start of a secret. How much that is does not depend on what it is: a guest
/// that lets a tool repeat its guesses would see from the pieces how many characters it has guessed.
#[derive(Default)]
pub(super) struct Stream {
    held: BytesMut,
}

impl Stream {
    pub(super) fn push(&mut self, redactor: &Redactor, data: Bytes) -> Bytes {
        if redactor.is_idle() {
            return data;
        }
        self.held.extend_from_slice(&data);
        redactor.cut(&mut self.held);
        let keep = redactor.held(&self.held);
        self.held.split_to(self.held.len() - keep).freeze()
    }

    pub(super) fn finish(&mut self) -> Bytes {
        self.held.split().freeze()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn finds_a_secret_cut_across_chunks() {
        let redactor = Redactor::new(vec![b"hunter2hunter2".to_vec()]);
        let text = b"before hunter2hunter2 after hunter2hunte";
        for size in 1..text.len() {
            let (mut stream, mut out) = (Stream::default(), Vec::new());
            for chunk in text.chunks(size) {
                out.extend_from_slice(&stream.push(&redactor, Bytes::copy_from_slice(chunk)));
            }
            out.extend_from_slice(&stream.finish());
            assert_eq!(out, b"before ************** after hunter2hunte", "chunks of {size}");
        }
    }

    #[test]
    fn pieces_do_not_tell_how_much_of_a_secret_was_guessed() {
        let redactor = Redactor::new(vec![b"hunter2hunter2".to_vec()]);
        let passed = |guess: &[u8]| Stream::default().push(&redactor, Bytes::copy_from_slice(guess)).len();
        for n in 1..14 {
            let right = [b"you said: ", &b"hunter2hunter2"[..n]].concat();
            let wrong = [b"you said: ", &b"swordfishswordfish"[..n]].concat();
            assert_eq!(passed(&right), passed(&wrong), "{n} characters");
        }
    }

    #[test]
    fn finds_a_secret_in_the_forms_in_which_tools_echo_it() {
        let redactor = Redactor::new(needles("ann:a/b\"c+d~?ü"));
        for echo in [
            "ann:a/b\"c+d~?ü",
            "a/b\"c+d~?ü",
            r#"ann:a/b\"c+d~?ü"#,
            r#"ann:a\/b\"c+d~?ü"#,
            "ann%3Aa%2Fb%22c%2Bd~%3F%C3%BC",
            "ann%3aa%2fb%22c%2bd~%3f%c3%bc",
            "YW5uOmEvYiJjK2R+P8O8",
            "YW5uOmEvYiJjK2R-P8O8",
        ] {
            let mut value = HeaderValue::from_bytes(format!("<{echo}>").as_bytes()).unwrap();
            redactor.header(&mut value);
            let left = String::from_utf8_lossy(value.as_bytes()).replace('*', "");
            assert!(left.len() <= "<ann:>".len(), "{echo} became {left}");
        }
    }
}
