//! What the log says of answers that failed.

use axum::http::StatusCode;
use std::time::Duration;
use tower_http::classify::ServerErrorsFailureClass;
use tracing::Span;

/// Logs an answer that failed. That something is not there yet, or for a moment, is no fault: who asks `/readyz` after a start hears
/// that all the time.
pub(super) fn log(failure: ServerErrorsFailureClass, latency: Duration, _: &Span) {
    match failure {
        ServerErrorsFailureClass::StatusCode(StatusCode::SERVICE_UNAVAILABLE) => {
            tracing::debug!(?latency, "answered with {failure}");
        }
        _ => tracing::error!(?latency, "answered with {failure}"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use axum::{Router, body::Body, http::Request, routing::get};
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex, PoisonError},
    };
    use tower::ServiceExt;
    use tower_http::trace::TraceLayer;

    /// A log that a test reads.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged where an answer has this status.
    async fn logged(status: StatusCode) -> String {
        let kept = Log::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter("info,tower_http=warn")
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let routes: Router = Router::new()
            .route("/", get(move || async move { status }))
            .layer(TraceLayer::new_for_http().on_failure(log));
        let answer = routes.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(answer.status(), status);
        let bytes = kept.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(bytes).unwrap()
    }

    #[tokio::test]
    async fn what_is_not_there_yet_is_no_error_in_the_log() {
        assert_eq!(logged(StatusCode::SERVICE_UNAVAILABLE).await, "");
        let fault = logged(StatusCode::INTERNAL_SERVER_ERROR).await;
        assert!(fault.contains("ERROR") && fault.contains("500"), "{fault}");
    }
}
