//! `cargo xtask bench read`: how fast a catalog of 100,000 entities answers over HTTP.
//!
//! Eight connections that stay open ask for entities by reference (random ones), for lists of 20 (by title, page after
//! page, and of one language or system), and for facets (of languages, teams and tiers, also under a filter): first
//! alone, then while the server takes in changed items as fast as it can. The load comes from one thread of this
//! process, which needs a good part of one processor: see the server's own time a request too.
//!
//! `read_speed [ENTITIES] [SECONDS] [ROUNDS]`

use anyhow::{Context, Result, ensure};
use seawall_tests::{
    Seawall,
    bench::{Goal, Items, Report, Source, install_bench, item, load, median, process_cpu, sync, wait_for_pass},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const PAGE: u64 = 500;
const CONNECTIONS: usize = 8;
const ENTITIES: &str = "/api/v1/blueprints/repository/entities";

/// Requests of one sort.
struct Ask {
    name: &'static str,
    goal: f64,
    paths: Vec<String>,
}

/// Medians of the rounds of one sort; `rate` in requests a second, the others in microseconds.
struct Answered {
    rate: f64,
    cpu: f64,
    p50: f64,
    p99: f64,
}

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let entities: u64 = arguments.next().map_or(Ok(100_000), |n| n.parse())?;
    let time = Duration::from_secs_f64(arguments.next().map_or(Ok(3.0), |n| n.parse())?);
    let rounds: usize = arguments.next().map_or(Ok(3), |n| n.parse())?;
    let mut report = Report::new("read");
    report.say(format!("taking in {entities} entities"));
    let versions = [Items::make(entities, PAGE, 0), Items::make(entities, PAGE, 1)];
    let source = Source::start(versions[0].clone())?;
    let seawall = Arc::new(Seawall::start().await);
    install_bench(&seawall, source.address()).await?;
    let pass = wait_for_pass(&seawall, "bench", 1).await?;
    ensure!(
        pass.created == entities,
        "the pass was to create {entities} entities: {pass:?}"
    );
    let asks = [
        Ask {
            name: "reference",
            goal: 15_000.0,
            paths: references(entities),
        },
        Ask {
            name: "list",
            goal: 5_000.0,
            paths: lists(&seawall).await?,
        },
        Ask {
            name: "facet",
            goal: 8_000.0,
            paths: facets(),
        },
    ];
    let alone = measure(&report, "", &seawall, &asks, time, rounds).await?;
    let ended = Arc::new(AtomicBool::new(false));
    let taken_in = Arc::new(AtomicU64::new(0));
    let ingesting = tokio::spawn(ingest(
        seawall.clone(),
        source,
        versions,
        ended.clone(),
        taken_in.clone(),
    ));
    let (started, before) = (Instant::now(), taken_in.load(Ordering::Relaxed));
    let beside = measure(&report, ".ingesting", &seawall, &asks, time, rounds).await?;
    let rate = (taken_in.load(Ordering::Relaxed) - before) as f64 / started.elapsed().as_secs_f64();
    ended.store(true, Ordering::Relaxed);
    ingesting.await??;

    for (ask, answered) in asks.iter().zip(&alone) {
        report.add(
            format!("read.{}", ask.name),
            answered.rate,
            "/s",
            Goal::AtLeast(ask.goal),
        );
    }
    for (ask, (answered, alone)) in asks.iter().zip(beside.iter().zip(&alone)) {
        let name = format!("read.{}.ingesting", ask.name);
        report.compare(name, answered.rate, "/s", alone.rate, Goal::AtLeast(ask.goal / 2.0));
    }
    for (suffix, all) in [("", &alone), (".ingesting", &beside)] {
        for (ask, answered) in asks.iter().zip(all) {
            let name = format!("read.{}{suffix}", ask.name);
            report.add(format!("{name}.p50"), answered.p50 / 1e3, "ms", Goal::None);
            report.add(format!("{name}.p99"), answered.p99 / 1e3, "ms", Goal::None);
            if suffix.is_empty() {
                report.add(format!("{name}.cpu"), answered.cpu, "µs", Goal::None);
            }
        }
    }
    report.add("read.ingesting.items", rate, "items/s", Goal::None);
    report.finish()
}

/// Rounds of all sorts in turn.
async fn measure(
    report: &Report,
    suffix: &str,
    seawall: &Seawall,
    asks: &[Ask],
    time: Duration,
    rounds: usize,
) -> Result<Vec<Answered>> {
    let pid = seawall.pid().unwrap_or_default();
    let mut all: Vec<[Vec<f64>; 4]> = asks.iter().map(|_| Default::default()).collect();
    // The first round, a short one, warms up.
    for round in 0..=rounds {
        for (ask, all) in asks.iter().zip(&mut all) {
            let time = if round == 0 { time / 6 } else { time };
            let address = seawall.address().trim_start_matches("http://").to_owned();
            let (token, paths) = (seawall.token().to_owned(), ask.paths.clone());
            let before = process_cpu(pid);
            let asked = move || load(&address, &token, &paths, CONNECTIONS, time);
            let load = tokio::task::spawn_blocking(asked).await??;
            let cpu = (process_cpu(pid) - before).as_secs_f64() * 1e6 / load.answers as f64;
            let micros = |time: Duration| time.as_secs_f64() * 1e6;
            if round > 0 {
                report.say(format!(
                    "round {round}, {}{suffix}: {:.0}/s of {:.0} bytes, p50 {:.0} µs, p99 {:.0} µs, {cpu:.0} µs of the server's processor each",
                    ask.name, load.rate, load.body, micros(load.p50), micros(load.p99)
                ));
                let values = [load.rate, cpu, micros(load.p50), micros(load.p99)];
                for (all, value) in all.iter_mut().zip(values) {
                    all.push(value);
                }
            }
        }
    }
    let medians = all.into_iter().map(|[rate, cpu, p50, p99]| Answered {
        rate: median(rate),
        cpu: median(cpu),
        p50: median(p50),
        p99: median(p99),
    });
    Ok(medians.collect())
}

/// Changes all items at the tool and syncs, again and again.
async fn ingest(
    seawall: Arc<Seawall>,
    source: Source,
    versions: [Items; 2],
    ended: Arc<AtomicBool>,
    taken_in: Arc<AtomicU64>,
) -> Result<()> {
    let mut passes = 1;
    while !ended.load(Ordering::Relaxed) {
        source.set(versions[passes % 2].clone());
        passes += 1;
        sync(&seawall, "bench").await?;
        let before = taken_in.load(Ordering::Relaxed);
        loop {
            let newest = seawall.passes("bench").await;
            let pass = newest.first().cloned().unwrap_or_default();
            if newest.len() >= passes {
                let items = pass["counts"]["items"].as_u64().unwrap_or_default();
                taken_in.store(before + items, Ordering::Relaxed);
                if pass["state"] == "succeeded" {
                    break;
                }
                ensure!(pass["state"] == "running", "a pass ended badly: {pass}");
            }
            if ended.load(Ordering::Relaxed) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

/// Entities in no order, four thousand of them.
fn references(entities: u64) -> Vec<String> {
    let step = (entities / 4_000).max(1) as usize;
    let name = |n: u64| {
        let name = item(n, 0)["full_name"].as_str().unwrap_or_default().replace('/', "%2F");
        format!("{ENTITIES}/{name}")
    };
    (0..entities).step_by(step).map(name).collect()
}

/// Forty pages by title from the start, and the first pages of each language and of forty systems, in turn.
async fn lists(seawall: &Seawall) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    let mut page = format!("{ENTITIES}?sort=$title&limit=20");
    for n in 0..40 {
        paths.push(page.clone());
        paths.push(format!(
            "{ENTITIES}?sort=$title&limit=20&filter=relations.system=system-{n}"
        ));
        let languages = ["rust", "go", "java", "python", "typescript", "c", "ruby", "kotlin"];
        paths.push(format!(
            "{ENTITIES}?sort=-stars&limit=20&filter=language={}",
            languages[n % 8]
        ));
        let answer = seawall.get(&page).await;
        let next = answer["next"].as_str().context("the list ends too soon")?;
        page = format!("{ENTITIES}?sort=$title&limit=20&cursor={next}");
    }
    Ok(paths)
}

fn facets() -> Vec<String> {
    [
        "language",
        "tier",
        "relations.owner",
        "language?filter=tier=gold",
        "relations.owner?filter=language=rust",
        "topics",
    ]
    .into_iter()
    .map(|facet| format!("/api/v1/blueprints/repository/facets/{facet}"))
    .collect()
}
