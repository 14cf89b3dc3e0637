//! A response's body on its way to the guest: counted, cut at its bound, redacted, perhaps kept, and recorded at its end.

use super::{
    bounds::{Bounds, Place},
    cache::Keep,
    record::Open,
    redact::{Redactor, Stream},
};
use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use wasmtime_wasi_http::{Error, WasiBody};

/// See the module.
pub(super) struct Metered {
    body: WasiBody,
    bounds: Option<Arc<Bounds>>,
    _place: Place,
    redactor: Redactor,
    stream: Stream,
    keep: Option<Keep>,
    open: Option<Open>,
    received: u64,
    ended: bool,
    trailers: Option<Frame<Bytes>>,
}

impl Metered {
    pub(super) fn new<B>(body: B, bounds: &Arc<Bounds>, place: Place, redactor: Redactor) -> Self
    where
        B: Body<Data = Bytes, Error = Error> + Send + 'static,
    {
        Self {
            body: body.boxed_unsync(),
            bounds: Some(bounds.clone()),
            _place: place,
            redactor,
            stream: Stream::default(),
            keep: None,
            open: None,
            received: 0,
            ended: false,
            trailers: None,
        }
    }

    pub(super) fn empty(place: Place) -> Self {
        Self {
            body: Empty::new().map_err(|never| match never {}).boxed_unsync(),
            bounds: None,
            _place: place,
            redactor: Redactor::default(),
            stream: Stream::default(),
            keep: None,
            open: None,
            received: 0,
            ended: false,
            trailers: None,
        }
    }

    pub(super) fn keeping(mut self, keep: Option<Keep>) -> Self {
        self.keep = keep;
        self
    }

    pub(super) fn recorded(mut self, open: Open) -> Self {
        self.open = Some(open);
        self
    }

    fn data(&mut self, data: Bytes) -> Result<Bytes, Error> {
        self.received += data.len() as u64;
        if let Some(bounds) = &self.bounds
            && self.received > bounds.response_bytes()
        {
            bounds.cross("response_bytes");
            self.ended = true;
            return Err(Error::HttpResponseBodySize(Some(self.received)));
        }
        let clean = self.stream.push(&self.redactor, data);
        self.remember(&clean);
        Ok(clean)
    }

    fn remember(&mut self, clean: &Bytes) {
        if self.keep.as_mut().is_some_and(|keep| !keep.push(clean)) {
            self.keep = None;
        }
    }

    fn end(&mut self) -> Option<Frame<Bytes>> {
        self.ended = true;
        let rest = self.stream.finish();
        self.remember(&rest);
        if let Some(keep) = self.keep.take() {
            keep.finish();
        }
        (!rest.is_empty()).then(|| Frame::data(rest))
    }
}

impl Body for Metered {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(this.trailers.take().map(Ok));
        }
        loop {
            return Poll::Ready(match std::task::ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                None => this.end().map(Ok),
                Some(Err(error)) => {
                    this.ended = true;
                    this.keep = None;
                    if let Some(open) = &mut this.open {
                        open.note(&format!("the response broke off: {error}"));
                    }
                    Some(Err(error))
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => match this.data(data) {
                        Ok(clean) if clean.is_empty() => continue,
                        Ok(clean) => Some(Ok(Frame::data(clean))),
                        Err(error) => Some(Err(error)),
                    },
                    Err(mut trailers) => {
                        if let Some(map) = trailers.trailers_mut() {
                            map.values_mut().for_each(|v| this.redactor.header(v));
                        }
                        match this.end() {
                            Some(rest) => {
                                this.trailers = Some(trailers);
                                Some(Ok(rest))
                            }
                            None => Some(Ok(trailers)),
                        }
                    }
                },
            });
        }
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            open.end(self.received);
        }
    }
}
