//! `cargo xtask bench ingest`: how fast new items, and items that did not change, come through a plugin in Rust.
//!
//! A tool in this process lists 100,000 repositories of 1.2 KB in pages of 500, whose bytes were made beforehand. The
//! plugin asks for them through the door, parses them into its types and writes them again; the server maps them, and
//! stores items, contributions, entities, relations and history in SQLite, and indexes them. The baseline writes the
//! same rows with a plain loop of prepared statements, and for what is unchanged hashes each item and compares that
//! with the hash stored. Rounds of both alternate; the medians are reported.
//!
//! `ingest_speed [ITEMS] [ROUNDS]`

mod raw;

use anyhow::{Result, ensure};
use seawall_tests::{
    Seawall,
    bench::{
        Goal, Items, Pass, Report, Source, install_bench, median, memory, on_disk, process_cpu, sync, wait_for_pass,
    },
};
use std::time::Duration;

const PAGE: u64 = 500;

/// What one round of the server gave.
struct Round {
    new: Measured,
    unchanged: Measured,
    peak: u64,
    on_disk: u64,
}

/// Items a second, and microseconds of processor an item.
struct Measured {
    rate: f64,
    cpu: f64,
}

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let items: u64 = arguments.next().map_or(Ok(100_000), |n| n.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(3), |n| n.parse())?;
    let mut report = Report::new("ingest");
    report.say(format!("{items} items of 1.2 KB in pages of {PAGE}, {rounds} rounds"));
    let source = Source::start(Items::make(items, PAGE, 0))?;
    let (mut server, mut raw) = (Vec::new(), Vec::new());
    for number in 1..=rounds {
        let round = serve(&source, items).await?;
        let baseline = tokio::task::spawn_blocking(move || raw::round(items, PAGE)).await??;
        for (what, ours, theirs) in [
            ("new", &round.new, &baseline.new),
            ("unchanged", &round.unchanged, &baseline.unchanged),
        ] {
            report.say(format!(
                "round {number}, {what}: {:.0}/s and {:.1} µs of processor an item; plain SQLite {:.0}/s and {:.1} µs",
                ours.rate, ours.cpu, theirs.rate, theirs.cpu
            ));
        }
        server.push(round);
        raw.push(baseline);
    }
    let of = |pick: fn(&Round) -> f64| median(server.iter().map(pick).collect());
    let plain = |pick: fn(&raw::Round) -> f64| median(raw.iter().map(pick).collect());
    let (new, unchanged) = ("ingest.new.sqlite", "ingest.unchanged.sqlite");
    let rate = "items/s";
    report.compare(
        new,
        of(|r| r.new.rate),
        rate,
        plain(|r| r.new.rate),
        Goal::AtLeast(12_000.0),
    );
    let baseline = plain(|r| r.unchanged.rate);
    report.compare(
        unchanged,
        of(|r| r.unchanged.rate),
        rate,
        baseline,
        Goal::AtLeast(80_000.0),
    );
    let cpu = "µs/item";
    report.compare(
        format!("{new}.cpu"),
        of(|r| r.new.cpu),
        cpu,
        plain(|r| r.new.cpu),
        Goal::None,
    );
    let baseline = plain(|r| r.unchanged.cpu);
    report.compare(
        format!("{unchanged}.cpu"),
        of(|r| r.unchanged.cpu),
        cpu,
        baseline,
        Goal::None,
    );
    report.add("ingest.memory.peak", of(|r| r.peak as f64) / 1e6, "MB", Goal::None);
    let disk = of(|r| r.on_disk as f64) / items as f64;
    let baseline = plain(|r| r.on_disk as f64) / items as f64;
    report.compare("ingest.disk", disk, "B/item", baseline, Goal::None);
    report.finish()
}

async fn serve(source: &Source, items: u64) -> Result<Round> {
    let mut seawall = Seawall::start().await;
    let pid = seawall.pid().unwrap_or_default();
    let before = process_cpu(pid);
    install_bench(&seawall, source.address()).await?;
    let pass = wait_for_pass(&seawall, "bench", 1).await?;
    ensure!(
        pass.created == items,
        "the pass was to create {items} entities: {pass:?}"
    );
    let between = process_cpu(pid);
    let new = measured(&pass, between - before);
    sync(&seawall, "bench").await?;
    let pass = wait_for_pass(&seawall, "bench", 2).await?;
    ensure!(pass.unchanged == items, "the pass was to change nothing: {pass:?}");
    let unchanged = measured(&pass, process_cpu(pid) - between);
    let peak = memory(pid).peak;
    seawall.kill();
    let on_disk = on_disk(&seawall.data().join("seawall.db"))?;
    Ok(Round {
        new,
        unchanged,
        peak,
        on_disk,
    })
}

fn measured(pass: &Pass, cpu: Duration) -> Measured {
    Measured {
        rate: pass.rate(),
        cpu: cpu.as_secs_f64() * 1e6 / pass.items as f64,
    }
}
