//! What a plugin asked for that it is not given, where the call ended for it: the guest itself only shows `unreachable`.

use wasmtime::WasmBacktrace;

/// What functions with this in their name are for. A component that was built without a capability has a stub in its place
/// that traps; the stub, or the library's function above it, stands in the backtrace.
const SIGNS: [(&str, &str); 18] = [
    // Rust's standard library, mangled.
    ("10SystemTime3now", "the time (`SystemTime::now`)"),
    ("7Instant3now", "a clock (`Instant::now`)"),
    // libc in Python's runtime.
    ("wall_clock_", "the time"),
    ("monotonic_clock_", "a clock"),
    ("random_get_", "random numbers"),
    ("instance_network", "the network"),
    ("filesystem_", "files"),
    ("environment_get", "environment variables"),
    // JavaScript's runtime.
    ("[constructor]fields", "the network"),
    ("[constructor]outgoing-request", "the network"),
    // WASI's own names, of both levels.
    ("wall-clock", "the time"),
    ("monotonic-clock", "a clock"),
    ("clock_time_get", "the time"),
    ("wasi:random", "random numbers"),
    ("wasi:http", "the network"),
    ("wasi:sockets", "the network"),
    ("environ_get", "environment variables"),
    ("path_open", "files"),
];

/// Frames of a panic's machinery, and the stub.
const FRAMES: usize = 10;

/// What the trap was about, if it was about something that the plugin is not given.
pub(crate) fn asked_for(error: &wasmtime::Error) -> Option<&'static str> {
    let backtrace = error.downcast_ref::<WasmBacktrace>()?;
    // What is further out is the plugin's own.
    let inner = backtrace.frames().iter().take(FRAMES);
    let mut names = inner.filter_map(|frame| frame.func_name());
    names.find_map(of)
}

fn of(name: &str) -> Option<&'static str> {
    let found = SIGNS.iter().find(|(sign, _)| name.contains(sign));
    found.map(|(_, what)| *what)
}

/// Says so, and what to do.
pub(crate) fn explain(what: &str, is_rule: bool) -> String {
    if is_rule {
        format!(
            "it asked for {what}: a rule has no clock, no random numbers, no files and no network, so that the same entity \
             gets the same verdict; the subject's `now` is the time of the evaluation"
        )
    } else {
        format!("it asked for {what} in a way that this host does not offer; ask through the SDK, and in the manifest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_asked_for_from_the_names_of_functions() {
        for (name, what) in [
            (
                "_RNvMs5_NtCsitsaScoLQJP_3std4timeNtB5_10SystemTime3now",
                Some("the time (`SystemTime::now`)"),
            ),
            ("wall_clock_now", Some("the time")),
            ("random_get_random_bytes", Some("random numbers")),
            ("instance_network_instance_network", Some("the network")),
            ("filesystem_preopens_get_directories", Some("files")),
            ("[constructor]fields", Some("the network")),
            ("wasi:http/outgoing-handler@0.2.12#handle", Some("the network")),
            ("core::panicking::panic_fmt", None),
        ] {
            assert_eq!(of(name), what, "{name}");
        }
    }
}
