//! What a plugin says: its log lines, and what it writes to stdout and stderr.

use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// A line of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `debug`, `info`, `warn`, `error`, `stdout` or `stderr`.
    pub level: &'static str,
    /// Without line break, at most 8 KiB.
    pub message: String,
}

/// Where a call's lines go.
pub type LogSink = Arc<dyn Fn(Line) + Send + Sync>;

/// Longer lines are cut.
pub(crate) const MAX_LINE: usize = 8 * 1024;

/// Counts the lines of one call and passes them on, up to its bound.
pub(crate) struct Lines {
    sink: LogSink,
    bound: u32,
    state: Mutex<LinesState>,
}

#[derive(Default)]
struct LinesState {
    count: u32,
    /// The last lines of stderr, for the account of a trap.
    tail: std::collections::VecDeque<String>,
}

impl Lines {
    pub(crate) fn new(sink: LogSink, bound: u32) -> Arc<Self> {
        Arc::new(Self {
            sink,
            bound,
            state: Mutex::default(),
        })
    }

    /// Passes a line on; false when the call has logged more than it may.
    pub(crate) fn push(&self, level: &'static str, message: &str) -> bool {
        let message: String = cut(message).replace(['\n', '\r'], " ");
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.count += 1;
        if state.count > self.bound {
            return false;
        }
        if matches!(level, "stderr" | "error") {
            if state.tail.len() == 20 {
                state.tail.pop_front();
            }
            state.tail.push_back(message.clone());
        }
        drop(state);
        (self.sink)(Line { level, message });
        true
    }

    /// Whether more was logged than is allowed.
    pub(crate) fn overrun(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).count > self.bound
    }

    /// The last lines of stderr.
    pub(crate) fn tail(&self) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tail.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

fn cut(s: &str) -> &str {
    if s.len() <= MAX_LINE {
        return s;
    }
    let mut end = MAX_LINE;
    while !s.is_char_boundary(end) {
        end -= 1;
    }
    &s[..end]
}

/// A guest's stdout or stderr, split into lines.
#[derive(Clone)]
pub(crate) struct Stdio {
    lines: Arc<Lines>,
    level: &'static str,
    partial: Arc<Mutex<Vec<u8>>>,
}

impl Stdio {
    pub(crate) fn new(lines: Arc<Lines>, level: &'static str) -> Self {
        Self {
            lines,
            level,
            partial: Arc::default(),
        }
    }

    fn take(&self, bytes: &[u8]) -> bool {
        let mut partial = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
        partial.extend_from_slice(bytes);
        let mut ok = true;
        while let Some(at) = partial.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = partial.drain(..=at).collect();
            ok &= self.lines.push(self.level, String::from_utf8_lossy(&line).trim_end());
        }
        if partial.len() > MAX_LINE {
            let line = std::mem::take(&mut *partial);
            ok &= self.lines.push(self.level, &String::from_utf8_lossy(&line));
        }
        ok
    }

    /// Passes on what was written without a line break at the end.
    pub(crate) fn finish(&self) {
        let rest = std::mem::take(&mut *self.partial.lock().unwrap_or_else(PoisonError::into_inner));
        if !rest.is_empty() {
            self.lines.push(self.level, String::from_utf8_lossy(&rest).trim_end());
        }
    }
}

#[async_trait::async_trait]
impl Pollable for Stdio {
    async fn ready(&mut self) {}
}

impl OutputStream for Stdio {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if self.take(&bytes) {
            Ok(())
        } else {
            Err(StreamError::Trap(wasmtime::format_err!("too many log lines")))
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

impl IsTerminal for Stdio {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stdio {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl tokio::io::AsyncWrite for Stdio {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buf: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        let ok = self.take(buf);
        std::task::Poll::Ready(if ok {
            Ok(buf.len())
        } else {
            Err(std::io::Error::other("too many log lines"))
        })
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}
