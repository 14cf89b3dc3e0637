//! Waiting for what will be, with an end.

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// Asks again and again until the answer is there, for a minute at most; returns it with how long it took.
///
/// # Panics
/// With `what` where it never came.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> (T, Duration) {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return (answer, started.elapsed());
        }
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "waited a minute in vain for: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
