//! `cargo xtask bench scale`: what grows with the catalog, and how. The same as `battery` asks at 10,000, 100,000 and
//! 739,000 entities, and at 20,000 whose blueprints have fifty properties, 20,000 in five hundred blueprints, and 20,000 in
//! five hundred blueprints of fifty properties.
//!
//! For each: a server with its plugin and an empty catalog is started, for the memory that is there without entities. Then
//! all items are taken in (`ingest`), and once more without a change (`unchanged`). It is killed, its database's log
//! written back (`disk`), and started five times on what it has: `start.reference` and `start.list` are seconds from the
//! start of the process to the first answer of each; the files are in the system's cache. Memory is what is resident once
//! the server is at rest after such a start, and again after all questions (`.asked`): all of the process, what it grew by
//! an entity, and of that what belongs to no file (`.own`): the index, and what the database's client keeps.
//!
//! `scale_speed [ENTITIES]… [--shapes ENTITIES] [--requests N] [--database URL]`; `--shapes 0` leaves the last three out, and
//! `0` as the only number the others. In a database's URL `{}` stands for the number of the column, since each needs an empty
//! one.

use anyhow::{Result, ensure};
use seawall_tests::{
    Seawall,
    bench::{
        Arguments, Catalog, Goal, Grid, Memory, Report, Source, answer, follow_pass, median, memory, on_disk,
        on_server, questions, rest, start_up, sync,
    },
};
use std::time::Duration;

/// A round of one sort of requests takes as long at most.
const WITHIN: Duration = Duration::from_secs(5);
const STARTS: usize = 5;

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<()> {
    let arguments = Arguments::read(&["shapes"])?;
    let shapes = arguments.number("shapes", 20_000)?;
    let mut sizes = arguments.numbers.clone();
    if sizes.is_empty() {
        sizes = vec![10_000, 100_000, Catalog::ALL];
    }
    sizes.retain(|size| *size > 0);
    let mut columns: Vec<_> = sizes.into_iter().map(|size| (None, Catalog::battery(size))).collect();
    if shapes > 0 {
        let wide = Catalog::battery(shapes).with_properties(50);
        columns.push((Some("50 properties"), wide));
        columns.push((Some("500 blueprints"), Catalog::of_many(shapes, 500)));
        let both = Catalog::of_many(shapes, 500).with_properties(50);
        columns.push((Some("500 of 50"), both));
    }
    let (report, mut grid) = (Report::new("scale"), Grid::new("scale"));
    let source = Source::start(Catalog::nothing())?;
    for (number, (shape, catalog)) in columns.iter().enumerate() {
        let title = shape.map_or_else(|| grouped(catalog.entities()), str::to_owned);
        report.say(format!("\n── {title}: {} entities", catalog.entities()));
        grid.column(title);
        let run = Run {
            report: &report,
            arguments: &arguments,
            serve: arguments.serve(number),
            catalog,
            source: &source,
        };
        run.measure(&mut grid).await?;
    }
    grid.finish(report)
}

/// One column.
struct Run<'a> {
    report: &'a Report,
    arguments: &'a Arguments,
    /// Further arguments of `serve`.
    serve: Vec<String>,
    catalog: &'a Catalog,
    source: &'a Source,
}

impl Run<'_> {
    async fn measure(&self, grid: &mut Grid) -> Result<()> {
        let entities = self.catalog.entities();
        grid.set("entities", entities as f64, "", Goal::None);
        let serve: Vec<_> = self.serve.iter().map(String::as_str).collect();
        let mut seawall = Seawall::start_with(&serve, &[]).await;
        self.source.set(Catalog::nothing());
        self.catalog.install(&seawall, self.source.address()).await?;
        follow_pass(&seawall, "bench", 1, |_| ()).await?;
        seawall.kill();
        seawall.boot().await;
        let empty = at_rest(&seawall).await?;
        self.ingest(grid, &seawall).await?;
        seawall.kill();
        let bytes = if self.arguments.is_default_database() {
            Some(on_disk(&seawall.data().join("seawall.db"))?)
        } else {
            self.serve.last().and_then(|url| on_server(url))
        };
        if let Some(bytes) = bytes {
            grid.set("disk", bytes as f64 / entities as f64, "B/entity", Goal::None);
        }
        self.start(grid, &seawall).await?;
        seawall.boot().await;
        let started = at_rest(&seawall).await?;
        let mut times = Vec::new();
        let requests = self.arguments.number("requests", 500)?;
        for question in questions(self.catalog, &seawall, requests).await? {
            let answered = answer(self.report, &seawall, &question, WITHIN).await?;
            times.push((question.name, answered.median));
        }
        let asked = at_rest(&seawall).await?;
        self.memory(grid, "", started, empty);
        self.memory(grid, ".asked", asked, empty);
        for (name, time) in times {
            grid.set(name, time, "ms", Goal::AtMost(5.0));
        }
        Ok(())
    }

    async fn ingest(&self, grid: &mut Grid, seawall: &Seawall) -> Result<()> {
        self.source.set(self.catalog.items());
        sync(seawall, "bench").await?;
        let pass = self.catalog.filled(self.report, seawall, 2).await?;
        let goal = if self.arguments.is_default_database() {
            12_000.0
        } else {
            8_000.0
        };
        grid.set("ingest", pass.rate(), "items/s", Goal::AtLeast(goal));
        rest(seawall.pid().unwrap_or_default(), Duration::from_secs(600)).await?;
        sync(seawall, "bench").await?;
        let pass = follow_pass(seawall, "bench", 3, |_| ()).await?;
        let all = self.catalog.entities() as u64;
        ensure!(pass.unchanged == all, "the pass was to change nothing: {pass:?}");
        self.report.say(format!("unchanged: {:.0}/s", pass.rate()));
        grid.set("unchanged", pass.rate(), "items/s", Goal::AtLeast(80_000.0));
        let peak = memory(seawall.pid().unwrap_or_default()).peak;
        grid.set("ingest.memory.peak", peak as f64 / 1e6, "MB", Goal::None);
        self.source.set(Catalog::nothing());
        Ok(())
    }

    async fn start(&self, grid: &mut Grid, seawall: &Seawall) -> Result<()> {
        let entity = self.catalog.entity(self.catalog.entities() / 2);
        let name = |field: &str| entity[field].as_str().unwrap_or_default().to_owned();
        let reference = format!(
            "/api/v1/blueprints/{}/entities/{}",
            name("blueprint"),
            name("identifier")
        );
        let largest = self.catalog.largest();
        let list = format!("/api/v1/blueprints/{largest}/entities?sort=$title&limit=20");
        let (mut referred, mut listed) = (Vec::new(), Vec::new());
        for number in 1..=STARTS {
            let start = start_up(seawall.data(), &self.serve, seawall.token(), &reference, &list).await?;
            self.report.say(format!(
                "start {number}: by reference after {:.3} s, a list after {:.3} s",
                start.reference, start.list
            ));
            referred.push(start.reference);
            listed.push(start.list);
        }
        grid.set("start.reference", median(referred), "s", Goal::AtMost(0.5));
        grid.set("start.list", median(listed), "s", Goal::AtMost(5.0));
        Ok(())
    }

    fn memory(&self, grid: &mut Grid, when: &str, now: Memory, empty: Memory) {
        let each = |now: u64, empty: u64| now.saturating_sub(empty) as f64 / self.catalog.entities() as f64;
        let megabytes = now.resident as f64 / 1e6;
        grid.set(&format!("memory{when}"), megabytes, "MB", Goal::None);
        let resident = each(now.resident, empty.resident);
        grid.set(&format!("memory.entity{when}"), resident, "B/entity", Goal::None);
        let own = each(now.anonymous, empty.anonymous);
        grid.set(
            &format!("memory.own.entity{when}"),
            own,
            "B/entity",
            Goal::AtMost(500.0),
        );
    }
}

/// What is resident when nothing happens any more. What was needed meanwhile is given back after two seconds more.
async fn at_rest(seawall: &Seawall) -> Result<Memory> {
    let pid = seawall.pid().unwrap_or_default();
    rest(pid, Duration::from_secs(600)).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    Ok(memory(pid))
}

/// A number with commas.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let group = |(at, digit): (usize, char)| {
        let comma = at > 0 && (digits.len() - at).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(group).collect()
}
