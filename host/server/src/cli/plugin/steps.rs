//! Steps of long work on stderr: a spinner with the current one, the ended ones above it.

use crate::cli::{error::Result, follow::style};
use indicatif::{HumanDuration, ProgressBar};
use seawall_toolchain::{Built, Options, Toolchain};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Builds the plugin in a folder and shows the steps.
pub(super) fn build(folder: &Path, release: bool, out: Option<PathBuf>) -> Result<Built> {
    let started = Instant::now();
    let steps = Steps::start("looking at the plugin");
    let say = |line: &str| steps.next(line);
    let tools = Toolchain::from_env()?;
    let built = tools.build(
        folder,
        &Options {
            release,
            out,
            progress: &say,
        },
    );
    steps.end();
    let built = built?;
    eprintln!(
        "built {} {} in {}: {}",
        built.bundle.manifest.name,
        built.bundle.manifest.version,
        HumanDuration(started.elapsed()),
        built.path.display()
    );
    Ok(built)
}

/// See the module.
pub(crate) struct Steps {
    bar: ProgressBar,
}

impl Steps {
    pub(crate) fn start(first: &str) -> Self {
        let bar = ProgressBar::new_spinner().with_style(style("{spinner} {wide_msg} {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        bar.set_message(first.to_owned());
        Self { bar }
    }

    /// The next step begins.
    pub(crate) fn next(&self, step: &str) {
        if self.bar.is_hidden() {
            eprintln!("{step}");
        } else {
            self.bar.println(format!("  {step}"));
            self.bar.set_message(step.to_owned());
        }
    }

    /// Something new within the step, for those who watch.
    pub(crate) fn now(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
