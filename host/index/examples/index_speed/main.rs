//! Fills the index with 739,000 made-up entities in seven blueprints and prints how long questions and writes take.
//!
//! `cargo run --release -p seawall-index --example index_speed [ENTITIES]`
#![expect(clippy::print_stdout, reason = "an example that prints what it measured")]

use seawall_domain::{
    BlueprintId,
    query::{Field, ListQuery},
};
use seawall_index::Index;
use serde_json::{Value, json};
use std::{
    error::Error,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

mod battery;
mod data;
mod shape;
mod timing;

use data::{PAGE, page, rows};
use shape::{ALL, BLUEPRINTS, mix};
use timing::{ms, print_times, time};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Time this thread was on a processor, where Linux tells it: on a busy machine the clock says little.
fn on_processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(
        stat.split_whitespace()
            .next()
            .and_then(|ns| ns.parse().ok())
            .unwrap_or_default(),
    )
}

/// Resident memory of this process, where Linux tells it.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? * 1024)
}

fn fill(index: &Index, entities: usize) -> Result<usize> {
    let (mut spent, mut used) = (Duration::ZERO, Duration::ZERO);
    let mut filled = 0;
    for (blueprint, share) in BLUEPRINTS {
        let count = share * entities / ALL;
        for from in (0..count).step_by(PAGE) {
            let page = page(blueprint, from..(from + PAGE).min(count), 0)?;
            let rows = rows(&page, filled)?;
            let (start, begun) = (Instant::now(), on_processor());
            index.load(&rows);
            spent += start.elapsed();
            used += on_processor() - begun;
            filled += page.len();
        }
    }
    println!(
        "filled {filled} in {:.2} s ({:.2} s of processor)",
        spent.as_secs_f64(),
        used.as_secs_f64()
    );
    let (start, begun) = (Instant::now(), on_processor());
    index.finish_load(1);
    let used = on_processor() - begun;
    println!(
        "finished in {:.2} s ({:.2} s of processor)",
        start.elapsed().as_secs_f64(),
        used.as_secs_f64()
    );
    Ok(filled)
}

fn query(filters: Vec<(Field, Value)>, sort: Field, descending: bool) -> Result<ListQuery> {
    Ok(ListQuery {
        blueprint: "subcomponent".parse()?,
        filters,
        sort,
        descending,
        after: None,
        limit: 20,
    })
}

fn property(name: &str) -> Field {
    Field::Property(name.into())
}

fn ask(index: &Index) -> Result<()> {
    let blueprint: BlueprintId = "subcomponent".parse()?;
    println!("\n{:<58}{:>9}{:>9}{:>10}", "milliseconds", "median", "p99", "first");
    let production = || (property("lifecycle"), json!("production"));
    let system = || (property("system"), json!("system-7"));
    let lists = [
        ("list by title, 20 rows", query(vec![], Field::Title, false)?),
        (
            "list by score descending, 20 rows",
            query(vec![], property("score"), true)?,
        ),
        (
            "filter (4 in 10), sort by title",
            query(vec![production()], Field::Title, false)?,
        ),
        (
            "filter (1 in 200), sort by url",
            query(vec![system()], property("url"), false)?,
        ),
        (
            "two filters (1 in 500), sort by score",
            query(vec![production(), system()], property("score"), false)?,
        ),
        (
            "filter (1 in 4) at the far end of its own order",
            query(vec![(property("tier"), json!(3))], property("tier"), false)?,
        ),
        (
            "filter on null (none), sort by title",
            query(vec![(property("url"), Value::Null)], Field::Title, false)?,
        ),
    ];
    for (name, mut query) in lists {
        time(name, || index.list(&query));
        query.after = index
            .list(&ListQuery {
                limit: 5000,
                ..query.clone()
            })?
            .next;
        if query.after.is_some() {
            time("  … after 5,000 others", || index.list(&query));
        }
    }
    time("count of two filters", || {
        index.count(&blueprint, &[production(), (property("tier"), json!(2))])
    });
    time("count of two filters (1 in 500)", || {
        index.count(&blueprint, &[production(), system()])
    });
    time("facet of 200 values", || {
        index.facet(&blueprint, &property("system"), &[], 200)
    });
    time("facet of 200 values under a filter (4 in 10)", || {
        index.facet(&blueprint, &property("system"), &[production()], 200)
    });
    time("facet of 3 values under a filter (4 in 10)", || {
        index.facet(&blueprint, &property("lifecycle"), &[(property("tier"), json!(1))], 200)
    });
    time("facet of 200 values under a filter (1 in 30)", || {
        index.facet(
            &blueprint,
            &property("system"),
            &[(property("tags"), json!("tag-3"))],
            200,
        )
    });
    time("facet of 30 tags, arrays, under a filter (4 in 10)", || {
        index.facet(&blueprint, &property("tags"), &[production()], 200)
    });
    time("facet of 257,064 different values", || {
        index.facet(&blueprint, &property("url"), &[], 200)
    });
    time("by identifier", || index.get(&blueprint, &"no-such".parse().ok()?));
    Ok(())
}

/// Applies pages of changes to one blueprint while another thread lists, and prints both sides.
fn apply_while_reading(index: &Index, entities: usize, filled: usize) -> Result<()> {
    let before: usize = BLUEPRINTS[..3].iter().map(|(_, share)| share * entities / ALL).sum();
    let count = BLUEPRINTS[3].1 * entities / ALL;
    let pages = 60;
    let mut changed = Vec::new();
    let mut new = Vec::new();
    for number in 0..pages {
        let at = mix(number) % (count - PAGE);
        changed.push((page("subcomponent", at..at + PAGE, number + 1)?, before + at));
        let at = ALL + number * PAGE;
        new.push((page("subcomponent", at..at + PAGE, 0)?, filled + number * PAGE));
    }
    let filter = vec![(property("system"), json!("system-7"))];
    let questions = [
        query(vec![], Field::Title, false)?,
        query(filter, Field::Title, false)?,
        query(vec![], property("score"), true)?,
    ];
    println!();
    for (name, pages, read) in [
        ("page of 500 changed entities, nobody reading", &changed[..20], false),
        ("page of 500 changed entities, two readers", &changed[20..], true),
        ("page of 500 new entities, nobody reading", &new[..20], false),
        ("page of 500 new entities, two readers", &new[20..], true),
    ] {
        let ended = AtomicBool::new(!read);
        let (wrote, listed, used) = std::thread::scope(|scope| -> Result<_> {
            let reader = || {
                let mut times = Vec::new();
                while !ended.load(Ordering::Relaxed) {
                    for question in &questions {
                        let start = Instant::now();
                        let page = index.list(question);
                        times.push(start.elapsed());
                        assert!(page.is_ok_and(|page| page.ids.len() == 20));
                    }
                    // As a busy server would, not as a loop without an end: about a thousand questions a second.
                    std::thread::park_timeout(Duration::from_millis(3));
                }
                times
            };
            let readers = [scope.spawn(reader), scope.spawn(reader)];
            let (mut wrote, mut used) = (Vec::new(), Duration::ZERO);
            for (entities, first_id) in pages {
                let rows = rows(entities, *first_id)?;
                let (start, begun) = (Instant::now(), on_processor());
                index.apply(&rows, &[], index.position() + 1);
                wrote.push(start.elapsed());
                used += on_processor() - begun;
                // As pages come from a database: about forty a second.
                std::thread::park_timeout(Duration::from_millis(20));
            }
            ended.store(true, Ordering::Relaxed);
            let mut listed = Vec::new();
            for reader in readers {
                listed.extend(reader.join().map_err(|_| "a reader panicked")?);
            }
            Ok((wrote, listed, used / u32::try_from(pages.len())?))
        })?;
        print_times(name, None, wrote);
        println!("  … of which on a processor, mean{:>36.4}", ms(used));
        if !listed.is_empty() {
            print_times(&format!("  … {} lists of 20 meanwhile", listed.len()), None, listed);
        }
    }
    Ok(())
}

/// Many blueprints with many properties, a few of them set on each entity and one of them a long text.
fn wide() -> Result<()> {
    let (blueprints, each, properties) = (300, 200, 50);
    let index = Index::new();
    let mut used = Duration::ZERO;
    for blueprint in 0..blueprints {
        let mut entities = Vec::new();
        for number in 0..each {
            let random = mix(blueprint * each + number);
            let value = |at: usize| {
                if at == 0 {
                    json!("long ".repeat(400 + number))
                } else {
                    json!(random % (at + 2))
                }
            };
            let set = (0..properties).filter(|at| *at == 0 || (random >> (at % 40)).is_multiple_of(2));
            let set: serde_json::Map<_, _> = set.map(|at| (format!("property-{at}"), value(at))).collect();
            entities.push(serde_json::from_value(json!({
                "blueprint": format!("blueprint-{blueprint}"), "identifier": format!("{number}"), "properties": set,
            }))?);
        }
        let rows = rows(&entities, blueprint * each)?;
        let begun = on_processor();
        index.load(&rows);
        used += on_processor() - begun;
    }
    index.finish_load(1);
    let count = blueprints * each;
    println!(
        "\n{blueprints} blueprints of {properties} properties, half of them set, one of 2 to 3 KB: {:.1} µs of processor and {} bytes an entity",
        used.as_secs_f64() * 1e6 / f64::from(u32::try_from(count)?),
        index.memory_bytes() / count,
    );
    Ok(())
}

fn main() -> Result<()> {
    let entities = std::env::args().nth(1).map_or(Ok(ALL), |count| count.parse())?;
    let empty = resident();
    let index = Index::new();
    let filled = fill(&index, entities)?;
    let print_memory = |when: &str| {
        let estimate = index.memory_bytes();
        println!(
            "{when}: {} MB, {} bytes an entity",
            estimate / 1_000_000,
            estimate / filled
        );
        if let (Some(empty), Some(now)) = (empty, resident()) {
            println!(
                "  (the process grew by {} MB, {} bytes an entity)",
                (now - empty) / 1_000_000,
                (now - empty) / filled
            );
        }
    };
    print_memory("memory after filling");
    ask(&index)?;
    print_memory("\nmemory with the orders used");
    battery::ask(&index)?;
    print_memory("memory with the texts that were looked through");
    apply_while_reading(&index, entities, filled)?;
    print_memory("\nmemory after all");
    wide()
}
