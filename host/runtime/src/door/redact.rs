//! Cuts a secret out of what a tool sends back, wherever it echoes it.

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
    needles: Vec<Vec<u8>>,
    /// Counts what is cut, for a recording.
    cuts: Option<Arc<AtomicU64>>,
}

/// Shorter secrets would cut ordinary words to pieces.
const SHORTEST: usize = 6;

impl Redactor {
    pub(super) fn new(needles: Vec<Vec<u8>>) -> Self {
        let mut needles: Vec<_> = needles.into_iter().filter(|n| n.len() >= SHORTEST).collect();
        // Longest first: a needle may contain another.
        needles.sort_by_key(|n| std::cmp::Reverse(n.len()));
        needles.dedup();
        Self { needles, cuts: None }
    }

    pub(super) fn counting(self, cuts: Arc<AtomicU64>) -> Self {
        Self {
            cuts: Some(cuts),
            ..self
        }
    }

    /// Cuts secrets out of what is there as a whole.
    pub(super) fn bytes(&self, bytes: &mut [u8]) {
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
        for needle in &self.needles {
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

    /// How many of the last bytes could be the start of a needle.
    fn held(&self, bytes: &[u8]) -> usize {
        let longest = self.needles.iter().map(Vec::len).max().unwrap_or(0);
        (1..longest.min(bytes.len() + 1))
            .rev()
            .find(|n| {
                self.needles
                    .iter()
                    .any(|needle| needle.len() > *n && bytes[bytes.len() - n..] == needle[..*n])
            })
            .unwrap_or(0)
    }
}

/// A stream being redacted; holds back what may be the start of a secret.
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
}
