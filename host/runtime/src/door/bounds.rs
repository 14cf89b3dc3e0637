//! What one call may send: how many requests, how many at once, and how much.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use seawall_domain::limits::Limits;
use std::{
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::{Error, WasiBody};

/// Counts what one call sends, and ends the call where it goes over.
pub struct Bounds {
    limits: Limits,
    requests: AtomicU32,
    in_flight: AtomicU32,
    crossed: OnceLock<&'static str>,
    refused: OnceLock<String>,
    token: CancellationToken,
    began: Instant,
}

/// The limit that was crossed.
pub(crate) struct Crossed(pub(crate) &'static str);

/// One request in flight; given back when its response has been read or dropped.
pub(crate) struct Place(Arc<Bounds>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Bounds {
    /// Bounds of one call.
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            requests: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            crossed: OnceLock::new(),
            refused: OnceLock::new(),
            token: CancellationToken::new(),
            began: Instant::now(),
        }
    }

    pub(crate) fn enter(self: &Arc<Self>) -> Result<Place, Crossed> {
        if self.requests.fetch_add(1, Ordering::Relaxed) >= self.limits.requests {
            return Err(self.cross("requests"));
        }
        let place = Place(self.clone());
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= self.limits.requests_in_flight {
            return Err(self.cross("requests_in_flight"));
        }
        Ok(place)
    }

    pub(crate) fn cross(&self, limit: &'static str) -> Crossed {
        let first = *self.crossed.get_or_init(|| limit);
        self.token.cancel();
        Crossed(first)
    }

    /// Remembers the first refusal.
    pub(crate) fn refuse(&self, why: &str) {
        self.refused.get_or_init(|| why.to_owned());
    }

    /// Why the first refused request was refused.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.refused.get().cloned()
    }

    pub(crate) fn crossed(&self) -> Option<&'static str> {
        self.crossed.get().copied()
    }

    pub(crate) fn crossed_token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// How long the guest waits for an answer at most: a call that ended over it could not say what it waited for, and
    /// would not be tried again.
    pub(crate) fn patience(&self, asked: Duration) -> Duration {
        let whole = Duration::from_millis(self.limits.timeout_ms);
        asked.min(whole.saturating_sub(self.began.elapsed()) * 9 / 10)
    }

    pub(crate) fn response_bytes(&self) -> u64 {
        self.limits.response_bytes
    }

    /// Counts a request's body and cuts it at its bound.
    pub(crate) fn outgoing(self: &Arc<Self>, body: WasiBody) -> CountedBody {
        CountedBody {
            body,
            bounds: self.clone(),
            sent: Arc::default(),
        }
    }
}

/// A request's body on its way out. Trailers end it and are not sent: they are headers that nobody has judged, and a server may
/// take them for some.
pub(crate) struct CountedBody {
    body: WasiBody,
    bounds: Arc<Bounds>,
    sent: Arc<AtomicU64>,
}

impl CountedBody {
    pub(crate) fn sent(&self) -> Arc<AtomicU64> {
        self.sent.clone()
    }
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            if frame.is_trailers() {
                return Poll::Ready(None);
            }
            let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
            let total = self.sent.fetch_add(bytes, Ordering::Relaxed) + bytes;
            if total > self.bounds.limits.request_bytes {
                self.bounds.cross("request_bytes");
                return Poll::Ready(Some(Err(Error::HttpRequestBodySize(Some(total)))));
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
