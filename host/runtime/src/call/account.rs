//! Why a call did not end well.

use super::{MAX_RESOURCES, Watch};
use crate::{CallError, Plugin, asked, state::State};
use seawall_domain::{limits::Limits, manifest::Role};
use wasmtime::{Store, Trap, WasmBacktrace, component::ResourceTableError};
use wasmtime_wasi::I32Exit;

impl Plugin {
    /// Tells a limit, and what is not given, from a trap: the guest itself only shows `unreachable`.
    pub(super) fn account(
        &self,
        error: &wasmtime::Error,
        store: &Store<State>,
        watch: &Watch,
        limits: &Limits,
    ) -> CallError {
        if let Some(limit) = store.data().limiter.refused() {
            return over(limit, limits);
        }
        if watch.lines.overrun() {
            return over("log_lines", limits);
        }
        if let Some(ResourceTableError::Full) = error.downcast_ref() {
            return over("resources", limits);
        }
        let words = format!("{error:#}");
        if words.contains("store handle limit exceeded") {
            return over("resources", limits);
        }
        if words.contains("fuel allocated for hostcalls") {
            return over("result_bytes", limits);
        }
        let tail = watch.lines.tail();
        // JavaScript's engine gives up by itself before the host refuses it more.
        if tail.contains("out of memory") {
            return over("memory_bytes", limits);
        }
        let mut detail = cause(error);
        if let Some(Trap::CannotBlockSyncTask) = error.downcast_ref() {
            detail
                .push_str("; a role's function that waits with WASI 0.3 has to be an `async func` in the plugin's WIT");
        }
        let detail = if let Some(what) = asked::asked_for(error) {
            let is_rule = self.bundle().manifest.roles == [Role::Rule];
            format!("{} ({detail})", asked::explain(what, is_rule))
        } else if tail.is_empty() {
            detail
        } else {
            format!("{tail} ({detail})")
        };
        CallError::Trap {
            detail: seawall_domain::text::cut(&detail, 4000).into_owned(),
        }
    }
}

/// What stopped the guest, in a line: wasmtime's own words begin with a backtrace.
fn cause(error: &wasmtime::Error) -> String {
    if let Some(I32Exit(code)) = error.downcast_ref() {
        // WASI tells whether it ended well, and no more of its exit code.
        let how = if *code == 0 {
            "with exit code 0"
        } else {
            "with an exit code other than 0"
        };
        return format!("it ended itself {how}; answer from the function, or with an error, instead");
    }
    let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames);
    let inner = frames.and_then(|frames| frames.iter().find_map(|frame| frame.func_name()));
    match inner {
        Some(function) => format!("{} in `{function}`", error.root_cause()),
        None => error.root_cause().to_string(),
    }
}

pub(super) fn over(limit: &'static str, limits: &Limits) -> CallError {
    let (bound, hint) = match limit {
        "timeout_ms" => (
            format!("{} ms", limits.timeout_ms),
            "answer smaller pages, or raise the integration's limit",
        ),
        "memory_bytes" => (
            format!("{} bytes", limits.memory_bytes),
            "pull smaller pages, or raise the integration's limit",
        ),
        "response_bytes" => (
            format!("{} bytes", limits.response_bytes),
            "ask the tool for smaller pages, or raise the limit",
        ),
        "request_bytes" => (
            format!("{} bytes", limits.request_bytes),
            "send less in one request, or raise the limit",
        ),
        "requests_in_flight" => (
            format!("{} requests", limits.requests_in_flight),
            "wait for answers before sending more",
        ),
        "requests" => (
            format!("{} requests", limits.requests),
            "spread the work over more pages",
        ),
        "log_lines" => (format!("{} lines", limits.log_lines), "log less"),
        "result_bytes" => (
            format!("{} bytes", limits.result_bytes),
            "answer smaller pages (aim for 1,000 items)",
        ),
        "resources" => (
            format!("{MAX_RESOURCES} at once"),
            "drop requests, answers, headers and timers when they are done with",
        ),
        _ => ("200,000".to_owned(), "use fewer or smaller tables"),
    };
    CallError::Limit { limit, bound, hint }
}
