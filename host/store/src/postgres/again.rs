//! Asking again where nothing was done and another connection or moment may do.

use std::time::Duration;

/// Runs an async block until it ends otherwise than with an error after which it may be repeated.
macro_rules! again {
    ($ask:expr) => {{
        let mut tries = 0;
        loop {
            match $ask.await {
                Err(error) if $crate::StoreError::is_safe_to_repeat(&error) && tries < $crate::store::TRIES => {
                    tries += 1;
                    $crate::postgres::again::breathe(tries).await;
                }
                answer => break answer,
            }
        }
    }};
}

pub(super) use again;

/// Waits a little, and longer each time: at once after a broken connection, up to a tenth of a second for others to get through.
pub(super) async fn breathe(tries: u32) {
    if tries > 1 {
        tokio::time::sleep(Duration::from_millis((1 << tries.min(6)).min(100))).await;
    }
}
