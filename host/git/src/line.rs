//! An answer in lines: git's `pkt-line` (<https://git-scm.com/docs/gitprotocol-common>), read as it comes.

use crate::{Answer, Bounds, GitError};
use bytes::{Bytes, BytesMut};
use gix_packetline::{
    PacketLineRef,
    decode::{Stream, streaming},
};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    Data(Bytes),
    /// The end of a list or of all.
    Flush,
    /// The end of a section.
    Delimiter,
}

impl Line {
    /// The text of a line without its line feed.
    pub(crate) fn text(&self) -> Option<String> {
        let Self::Data(data) = self else { return None };
        let text = String::from_utf8_lossy(data);
        Some(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }
}

/// Reads the lines of one answer.
pub(crate) struct Lines<'a> {
    answer: Box<dyn Answer>,
    buffer: BytesMut,
    url: &'a str,
    bounds: &'a Bounds,
    /// Bytes that may still come.
    room: u64,
}

impl<'a> Lines<'a> {
    /// Lines of at most `most` bytes altogether.
    pub(crate) fn new(answer: Box<dyn Answer>, url: &'a str, bounds: &'a Bounds, most: u64) -> Self {
        Self {
            answer,
            buffer: BytesMut::new(),
            url,
            bounds,
            room: most,
        }
    }

    /// The next line; none at the end of the answer.
    ///
    /// # Errors
    /// Where it breaks off or is no such line, or where the server says in one that it failed.
    pub(crate) async fn next(&mut self) -> Result<Option<Line>, GitError> {
        loop {
            if let Some(line) = self.take()? {
                return Ok(Some(line));
            }
            let piece = self.answer.piece().await;
            let piece = piece.map_err(|error| GitError::wire(error, self.url, self.bounds))?;
            match piece {
                Some(piece) => {
                    self.room = self.room.checked_sub(piece.len() as u64).ok_or_else(|| {
                        GitError::Unusable(format!("{}: the git server's answer has no end", self.url))
                    })?;
                    self.buffer.extend_from_slice(&piece);
                }
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(self.broken_off()),
            }
        }
    }

    /// The next line, where one has to come.
    pub(crate) async fn expect(&mut self) -> Result<Line, GitError> {
        self.next().await?.ok_or_else(|| self.broken_off())
    }

    pub(crate) fn broken_off(&self) -> GitError {
        GitError::Unavailable(format!("{}: the git server's answer broke off", self.url))
    }

    /// What the server says of its failure.
    pub(crate) fn failed(&self, words: &[u8]) -> GitError {
        let words = String::from_utf8_lossy(words);
        GitError::Unavailable(format!(
            "{}: the git server says: {}",
            self.url,
            seawall_text::cut(words.trim(), 300)
        ))
    }

    fn take(&mut self) -> Result<Option<Line>, GitError> {
        let stream = streaming(&self.buffer).map_err(|error| {
            GitError::Unusable(format!("{}: the answer is not that of a git server: {error}", self.url))
        })?;
        let Stream::Complete { line, bytes_consumed } = stream else {
            return Ok(None);
        };
        let line = match line {
            PacketLineRef::Data(_) => None,
            PacketLineRef::Flush | PacketLineRef::ResponseEnd => Some(Line::Flush),
            PacketLineRef::Delimiter => Some(Line::Delimiter),
        };
        let mut whole = self.buffer.split_to(bytes_consumed).freeze();
        Ok(Some(match line {
            Some(line) => line,
            None => {
                let data = whole.split_off(PREFIX);
                if let Some(words) = data.strip_prefix(b"ERR ") {
                    return Err(self.failed(words));
                }
                Line::Data(data)
            }
        }))
    }
}

/// Bytes before a line's data: its length.
const PREFIX: usize = 4;

/// Adds a line to a request.
pub(crate) fn put(request: &mut Vec<u8>, line: &str) {
    request.extend_from_slice(format!("{:04x}{line}\n", line.len() + PREFIX + 1).as_bytes());
}

/// Ends a section of a request.
pub(crate) fn delimit(request: &mut Vec<u8>) {
    request.extend_from_slice(b"0001");
}

/// Ends a request.
pub(crate) fn flush(request: &mut Vec<u8>) {
    request.extend_from_slice(b"0000");
}
