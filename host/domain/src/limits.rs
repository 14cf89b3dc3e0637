//! The bounds of one call of a plugin. Going over one ends the call with an error that names it.

use serde::{Deserialize, Serialize};

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
