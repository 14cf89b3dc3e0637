//! A response's body on its way to the guest: counted, cut at its bound, redacted, perhaps kept, and recorded at its end.

use super::{
    bounds::{Bounds, Place},
    cache::Keep,
    record::Open,
    redact::{Redactor, Stream},
    tape::Taking,
};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Sleep;
use wasmtime_wasi_http::{Error, WasiBody};

/// See the module.
pub(super) struct Metered {
    body: WasiBody,
    bounds: Option<Arc<Bounds>>,
    _place: Place,
    redactor: Redactor,
    stream: Stream,
    keep: Option<Keep>,
    taking: Option<Taking>,
    open: Option<Open>,
    received: u64,
    ended: bool,
    /// How long the tool may be silent.
    patience: Option<Duration>,
    /// Runs while it is.
    silence: Option<Pin<Box<Sleep>>>,
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
            taking: None,
            open: None,
            received: 0,
            ended: false,
            patience: None,
            silence: None,
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
            taking: None,
            open: None,
            received: 0,
            ended: false,
            patience: None,
            silence: None,
            trailers: None,
        }
    }

    pub(super) fn keeping(mut self, keep: Option<Keep>) -> Self {
        self.keep = keep;
        self
    }

    pub(super) fn taped(mut self, taking: Option<Taking>) -> Self {
        self.taking = taking;
        self
    }

    /// Breaks the body off where the tool sends nothing for so long.
    pub(super) fn patient(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    pub(super) fn recorded(mut self, open: Open) -> Self {
        self.open = Some(open);
        self
    }

    /// The next frame of the tool's body, or that the tool has been silent for too long.
    fn poll_tool(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.silence = None;
            return Poll::Ready(frame);
        }
        let Some(patience) = self.patience else {
            return Poll::Pending;
        };
        let bounds = self.bounds.as_ref();
        let silence = self.silence.get_or_insert_with(|| {
            Box::pin(tokio::time::sleep(
                bounds.map_or(patience, |bounds| bounds.patience(patience)),
            ))
        });
        silence
            .as_mut()
            .poll(cx)
            .map(|()| Some(Err(Error::ConnectionReadTimeout)))
    }

    fn data(&mut self, data: Bytes) -> Result<Bytes, Error> {
        self.received += data.len() as u64;
        if let Some(bounds) = &self.bounds
            && self.received > bounds.response_bytes()
        {
            bounds.cross("response_bytes");
            self.ended = true;
            if let Some(open) = &mut self.open {
                open.note("the response went over the call's limit `response_bytes`");
            }
            return Err(Error::HttpResponseBodySize(Some(self.received)));
        }
        let clean = self.stream.push(&self.redactor, data);
        self.remember(&clean);
        Ok(clean)
    }

    fn remember(&mut self, clean: &Bytes) {
        if let Some(taking) = &mut self.taking {
            taking.push(clean);
        }
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
        // Kept before the guest can ask on.
        self.taking = None;
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
            return Poll::Ready(match std::task::ready!(this.poll_tool(cx)) {
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

/// A request's body: what nobody reads of it is read all the same and thrown away, so that a guest which is still writing it
/// is not told that its stream is closed before it is told why. JavaScript's engine ends itself over that.
pub(crate) struct Unread(Option<WasiBody>);

impl Unread {
    pub(crate) fn wrap(body: WasiBody) -> WasiBody {
        if body.is_end_stream() {
            body
        } else {
            Self(Some(body)).boxed_unsync()
        }
    }
}

impl Body for Unread {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let frame = std::task::ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let (Some(mut rest), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        // Ends with the call at the latest: the guest's end of the stream goes with its instance.
        drop(runtime.spawn(async move { while let Some(Ok(_)) = rest.frame().await {} }));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use http_body_util::StreamBody;

    #[tokio::test]
    async fn what_nobody_reads_of_a_request_is_taken_from_who_writes_it() {
        // One frame at a time: the second can only be sent once the first was taken.
        let (writer, reader) = tokio::sync::mpsc::channel(1);
        let frames = futures::stream::unfold(reader, |mut reader| async {
            reader.recv().await.map(|frame| (Ok(Frame::data(frame)), reader))
        });
        drop(Unread::wrap(StreamBody::new(frames).boxed_unsync()));
        for _ in 0..10 {
            writer.send(Bytes::from_static(b"x")).await.unwrap();
        }
    }
}
