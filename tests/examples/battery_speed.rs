//! `cargo xtask bench battery`: how fast a catalog of 739,000 entities, shaped like Backstage's query battery, answers each
//! question over HTTP.
//!
//! A tool in this process lists the catalog as items of 1.2 KB, and a real server takes them in through the Rust guest.
//! Once it is at rest, one connection that stays open asks two thousand requests of each sort, made of random entities, one
//! after another. Of the second thousand, medians and p99 are reported, as the asker waits for them; of the first the
//! longest (`.cold`), which is mostly that of a field that nobody has sorted by before. Either thousand ends after ten
//! seconds.
//!
//! `battery_speed [ENTITIES] [--requests N] [--database URL]`

use anyhow::Result;
use seawall_tests::{
    Seawall,
    bench::{Arguments, Catalog, Goal, Report, Source, answer, memory, questions, rest},
};
use std::time::{Duration, Instant};

/// A round of one sort of requests takes as long at most.
const WITHIN: Duration = Duration::from_secs(10);

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<()> {
    let arguments = Arguments::read(&[])?;
    let entities = arguments.numbers.first().copied().unwrap_or(Catalog::ALL);
    let requests = arguments.number("requests", 1_000)?;
    let mut report = Report::new("battery");
    let catalog = Catalog::battery(entities);
    let entities = catalog.entities();
    report.say(format!("making {entities} items of 1.2 KB"));
    let source = Source::start(catalog.items())?;
    let serve = arguments.serve(0);
    let seawall = Seawall::start_with(&serve.iter().map(String::as_str).collect::<Vec<_>>(), &[]).await;
    let pid = seawall.pid().unwrap_or_default();
    report.say("taking them in");
    catalog.install(&seawall, source.address()).await?;
    let pass = catalog.filled(&report, &seawall, 1).await?;
    // The pages are not needed any more, and the system has a use for the memory.
    source.set(Catalog::nothing());
    let filled = Instant::now();
    let since = rest(pid, Duration::from_secs(600)).await?;
    let worked = since.saturating_duration_since(filled);
    report.say(format!("at rest {:.1} s after the pass", worked.as_secs_f64()));

    let mut answered = Vec::new();
    for question in questions(&catalog, &seawall, requests).await? {
        answered.push((question.name, answer(&report, &seawall, &question, WITHIN).await?));
    }
    let goal = if arguments.is_default_database() {
        12_000.0
    } else {
        8_000.0
    };
    report.add("battery.entities", entities as f64, "", Goal::None);
    report.add("battery.ingest", pass.rate(), "items/s", Goal::AtLeast(goal));
    for (name, times) in answered {
        report.add(format!("battery.{name}"), times.median, "ms", Goal::AtMost(5.0));
        report.add(format!("battery.{name}.p99"), times.p99, "ms", Goal::AtMost(25.0));
        report.add(format!("battery.{name}.cold"), times.cold, "ms", Goal::None);
    }
    let memory = memory(pid);
    report.add("battery.memory", memory.resident as f64 / 1e6, "MB", Goal::None);
    report.add("battery.memory.peak", memory.peak as f64 / 1e6, "MB", Goal::None);
    report.finish()
}
