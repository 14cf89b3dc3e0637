//! Waiting for what follows from a changed blueprint.

use super::under_way;
use crate::cli::{client::Client, error::Result, follow::style};
use indicatif::ProgressBar;
use std::time::Duration;

/// How long it is waited between two looks.
const PERIOD: Duration = Duration::from_millis(200);

/// Waits until entities are checked, merged and computed anew, with progress. Of a blueprint that is gone nothing is left to do.
pub(super) async fn follow(client: &Client, blueprint: &str) -> Result {
    let bar = ProgressBar::new(0).with_style(style("{msg} {bar:30} {percent}% {elapsed}"));
    loop {
        let view = match client.get(&["blueprints", blueprint]).await {
            Err(error) if error.is_not_found() => break,
            view => view?,
        };
        let work = &view["recompute"];
        let Some(done) = work["done"].as_u64() else { break };
        bar.set_message(format!("{blueprint}: {}", under_way(&view)));
        bar.set_length(work["total"].as_u64().unwrap_or(0));
        bar.set_position(done);
        tokio::time::sleep(PERIOD).await;
    }
    bar.finish_and_clear();
    Ok(())
}
