//! Time. The standard library's own clocks are absent in a plugin.

use crate::bindings::wasi::clocks;
use std::time::Duration;

/// The time since 1970-01-01T00:00:00Z.
pub fn now() -> Duration {
    if cfg!(target_arch = "wasm32") {
        let now = clocks::wall_clock::now();
        return Duration::new(now.seconds, now.nanoseconds);
    }
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// A time that never goes backwards, from a start of its own: two readings tell how long something took.
pub fn monotonic() -> Duration {
    if cfg!(target_arch = "wasm32") {
        return Duration::from_nanos(clocks::monotonic_clock::now());
    }
    now()
}

/// Waits. The host counts the wait as part of the call, so keep it well below the call's time limit.
pub fn sleep(time: Duration) {
    if cfg!(target_arch = "wasm32") {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        clocks::monotonic_clock::subscribe_duration(nanoseconds).block();
    } else {
        std::thread::sleep(time);
    }
}
