//! Asking again where nothing was done and another connection or moment may do.

use crate::Result;
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// When connections were last found to take no writes.
static READ_ONLY: Mutex<Option<Instant>> = Mutex::new(None);
/// Connections are made anew no more often for that.
const PATIENCE: Duration = Duration::from_secs(1);

/// Notes where a connection takes no writes. Whether it does was settled when it began (`default_transaction_read_only`): one that is
/// made later may.
pub(crate) fn note<T>(answer: &Result<T>) {
    if answer.as_ref().is_err_and(crate::StoreError::is_read_only) {
        let mut noted = READ_ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.is_none_or(|at| at.elapsed() > PATIENCE) {
            *noted = Some(Instant::now());
        }
    }
}

/// Whether a connection of this age is one of those.
pub(super) fn is_read_only(age: Duration) -> bool {
    let noted = READ_ONLY.lock().unwrap_or_else(PoisonError::into_inner);
    noted.is_some_and(|at| at.elapsed() < age)
}

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
                answer => {
                    $crate::postgres::again::note(&answer);
                    break answer;
                }
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
