//! How soon a server answers after it was started.

use super::server::{Served, get};
use anyhow::{Result, bail};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Seconds since the process was started.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Startup {
    /// To the first answer of one entity by reference.
    pub reference: f64,
    /// To the first answer of a list.
    pub list: f64,
}

/// Starts a server on a data folder with these further arguments of `serve`, asks for both from the first moment, each by
/// itself, and kills it.
///
/// # Errors
/// Where it does not start, or does not answer within ten minutes.
pub async fn start_up(data: &Path, arguments: &[String], token: &str, reference: &str, list: &str) -> Result<Startup> {
    let served = Served::start_with(data, arguments)?;
    let poll = |path: &str| {
        let (address, token, path, started) = (
            served.address.clone(),
            token.to_owned(),
            path.to_owned(),
            served.started,
        );
        tokio::task::spawn_blocking(move || first(&address, &token, &path, started))
    };
    let (reference, list) = (poll(reference), poll(list));
    Ok(Startup {
        reference: reference.await??,
        list: list.await??,
    })
}

fn first(address: &str, token: &str, path: &str, started: Instant) -> Result<f64> {
    loop {
        // Until it listens nothing answers, and until it can answer something else may.
        match get(address, path, token) {
            Ok(_) => return Ok(started.elapsed().as_secs_f64()),
            Err(error) if started.elapsed() > Duration::from_secs(600) => bail!("the server does not answer: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}
