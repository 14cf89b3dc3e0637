//! Lines for the log of the pass or the run that is calling. In native tests they go to stderr.

use crate::bindings::log::{Level, write};

/// What helps to follow a problem; people see it only when they ask for it.
pub fn debug(message: impl AsRef<str>) {
    line(Level::Debug, message.as_ref());
}

/// What happened.
pub fn info(message: impl AsRef<str>) {
    line(Level::Info, message.as_ref());
}

/// What was passed over, such as a file that cannot be read.
pub fn warn(message: impl AsRef<str>) {
    line(Level::Warn, message.as_ref());
}

/// What went wrong.
pub fn error(message: impl AsRef<str>) {
    line(Level::Error, message.as_ref());
}

fn line(level: Level, message: &str) {
    if cfg!(target_arch = "wasm32") {
        write(level, message);
    } else {
        eprintln!("{level:?}: {message}");
    }
}
