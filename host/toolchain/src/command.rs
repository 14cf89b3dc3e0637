//! Runs other programs: their lines go to the progress, the last ones into the error.

use crate::{Progress, error::BuildError};
use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
    thread,
};

/// Lines of a failed program that its error keeps.
const TAIL: usize = 60;

/// What a program wrote to stdout.
pub(crate) fn run(what: &str, command: &mut Command, progress: Progress<'_>) -> Result<String, BuildError> {
    let failed = |status: String, tail: String| BuildError::Tool {
        what: what.to_owned(),
        status,
        tail,
    };
    let program = command.get_program().to_string_lossy().into_owned();
    let not_started = |e: std::io::Error| failed(format!("`{program}` could not be started"), e.to_string());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(not_started)?;
    let (Some(mut stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed("no output".to_owned(), String::new()));
    };
    // Both pipes are read at once: a program that fills one of them while the other is read would wait for ever.
    let out = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stdout.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut tail = VecDeque::new();
    for line in BufReader::new(stderr).split(b'\n') {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if line.is_empty() {
            continue;
        }
        progress(&line);
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(line);
    }
    let status = child.wait().map_err(not_started)?;
    let out = out.join().unwrap_or_default();
    if status.success() {
        return Ok(out);
    }
    // Some programs write their errors to stdout.
    if tail.is_empty() {
        tail.extend(out.lines().rev().take(TAIL).map(str::to_owned));
        tail.make_contiguous().reverse();
        tail.iter().for_each(|line| progress(line));
    }
    Err(failed(status.to_string(), Vec::from(tail).join("\n")))
}

/// The error of an installation: its program's lines were told already, so it is said what the installation needs.
pub(crate) fn needs(error: BuildError, what_it_needs: &str) -> BuildError {
    match error {
        BuildError::Tool { what, status, .. } => {
            BuildError::MissingTool(format!("{what} failed ({status}): {what_it_needs}"))
        }
        other => other,
    }
}

/// What a program answers to a short question; `None` where it is absent or says no.
pub(crate) fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
