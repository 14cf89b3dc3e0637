//! The bounds of one call of a plugin. Going over one ends the call with an error that names it.

use serde::{Deserialize, Serialize};

/// The longest that a call or a checkout may be given, in milliseconds: a day.
pub const LONGEST_MS: u64 = 24 * 60 * 60 * 1000;

/// Bounds of one call. Sizes are bytes, times milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Wall-clock time of the whole call, waiting included.
    pub timeout_ms: u64,
    /// All linear memories of the instance together.
    pub memory_bytes: u64,
    /// Bytes of one response's body.
    pub response_bytes: u64,
    /// Bytes of one request's body.
    pub request_bytes: u64,
    /// Requests that one call may have in flight at once.
    pub requests_in_flight: u32,
    /// Requests that one call may send.
    pub requests: u32,
    /// Lines that one call may log; further ones are counted and dropped, then the call ends.
    pub log_lines: u32,
    /// Bytes of a result, such as one page.
    pub result_bytes: u64,
    /// Wall-clock time of bringing a checkout up to date, which is no part of the call.
    pub checkout_timeout_ms: u64,
    /// Bytes of the pack that a git server sends at once.
    pub checkout_pack_bytes: u64,
    /// Bytes of all files of a checkout.
    pub checkout_bytes: u64,
    /// Files and folders of a checkout.
    pub checkout_files: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout_ms: 60_000,
            memory_bytes: 256 << 20,
            response_bytes: 64 << 20,
            request_bytes: 16 << 20,
            requests_in_flight: 16,
            requests: 1_000,
            log_lines: 1_000,
            result_bytes: 64 << 20,
            checkout_timeout_ms: 300_000,
            checkout_pack_bytes: 256 << 20,
            checkout_bytes: 512 << 20,
            checkout_files: 100_000,
        }
    }
}

impl Limits {
    /// What cannot be meant, each with the limit's name.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let times = [
            ("timeout_ms", self.timeout_ms),
            ("checkout_timeout_ms", self.checkout_timeout_ms),
        ];
        let sizes = [
            ("memory_bytes", self.memory_bytes),
            ("response_bytes", self.response_bytes),
            ("request_bytes", self.request_bytes),
            ("requests_in_flight", self.requests_in_flight.into()),
            ("requests", self.requests.into()),
            ("log_lines", self.log_lines.into()),
            ("result_bytes", self.result_bytes),
            ("checkout_pack_bytes", self.checkout_pack_bytes),
            ("checkout_bytes", self.checkout_bytes),
            ("checkout_files", self.checkout_files),
        ];
        let long = times.into_iter().filter(|(_, ms)| !(1..=LONGEST_MS).contains(ms));
        let long = long.map(|(name, ms)| (name, format!("expected 1 to {LONGEST_MS}, which is a day, found {ms}")));
        let none = sizes.into_iter().filter(|(_, size)| *size == 0);
        long.chain(none.map(|(name, _)| (name, "expected at least 1, found 0".to_owned())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_that_cannot_be_meant_are_named() {
        assert_eq!(Limits::default().problems(), []);
        let names = |limits: Limits| limits.problems().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let wrong = Limits {
            timeout_ms: LONGEST_MS + 1,
            checkout_timeout_ms: 0,
            memory_bytes: 0,
            requests: 0,
            ..Limits::default()
        };
        assert_eq!(
            names(wrong),
            ["timeout_ms", "checkout_timeout_ms", "memory_bytes", "requests"]
        );
        let longest = Limits {
            timeout_ms: LONGEST_MS,
            checkout_timeout_ms: 1,
            ..Limits::default()
        };
        assert_eq!(names(longest), [""; 0]);
    }
}
