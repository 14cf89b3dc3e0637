//! Bodies that no handler read to their end, of refused requests above all.
//!
//! A server that answers and closes while the client still sends makes the client's system drop the answer with
//! "connection reset", and one that keeps such a connection lets the next request fail. So what is left is read, within
//! bounds, before the answer goes out; beyond them the answer says that the connection closes.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

/// What is read of a body that nobody wants.
const DRAINED: usize = 32 << 20;
/// How long is waited for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// A body that is left in `rest` when its reader lets go of it.
struct Lent {
    body: Body,
    rest: Arc<Mutex<Option<Body>>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let body = mem::take(&mut self.body);
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }
}

/// Reads what a handler left of the request's body, or closes the connection after the answer.
pub(crate) async fn drain(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    // Who asked for leave first has sent nothing yet; reading would invite it.
    let waits = request.headers().contains_key(header::EXPECT);
    let rest = Arc::new(Mutex::new(None));
    let lent = |body| {
        Body::new(Lent {
            body,
            rest: rest.clone(),
        })
    };
    let mut response = next.run(request.map(lent)).await;
    let left = rest.lock().unwrap_or_else(PoisonError::into_inner).take();
    let whole = match left {
        Some(body) => body.is_end_stream() || !waits && ends(body).await,
        None => false,
    };
    if !whole {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether the body's end was reached within the bounds.
async fn ends(mut body: Body) -> bool {
    let read = async {
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > DRAINED {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or(false)
}
