//! What this process used.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

fn clock(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// Time this thread was on a processor: on a busy machine the clock on the wall says little.
pub(crate) fn of_thread() -> Duration {
    clock(ClockId::ThreadCPUTime)
}

/// The same of all its threads.
pub(crate) fn of_process() -> Duration {
    clock(ClockId::ProcessCPUTime)
}

/// Resident memory in MB, where Linux tells it.
pub(crate) fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}
