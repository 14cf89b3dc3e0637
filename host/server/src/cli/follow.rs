//! Following an integration's passes to their end, with progress on stderr.

use crate::cli::{
    client::Client,
    error::{CliError, Result},
    output::{self, Column, at, items},
};
use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressStyle};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How often the server is asked.
const PERIOD: Duration = Duration::from_millis(200);
/// How long a problem from before, or a list without partitions, is taken for one that is about to change.
const SETTLED: Duration = Duration::from_secs(5);
/// Partitions that get a line of their own; further ones are only counted.
const LINES: usize = 12;

/// What was there before something new was asked for.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    /// The newest pass's id.
    pass: i64,
    /// Passes that were under way: being asked again, they are what is waited for, since none begins beside them.
    running: Vec<i64>,
    problem: Option<String>,
}

impl Mark {
    /// Looks where `integration` stands; one that does not exist yet stands nowhere.
    pub(crate) async fn of(client: &Client, integration: &str) -> Result<Self> {
        let view = match client.get(&["integrations", integration]).await {
            Err(error) if error.is_not_found() => return Ok(Self::default()),
            other => other?,
        };
        let passes = client
            .get_with(
                &["passes"],
                &[("integration", integration.to_owned()), ("limit", "1000".into())],
            )
            .await?;
        let ids = |of: &dyn Fn(&Value) -> bool| -> Vec<i64> {
            let passes = items(&passes).iter().filter(|pass| of(pass));
            passes.filter_map(|pass| pass["id"].as_i64()).collect()
        };
        Ok(Self {
            pass: ids(&|_| true).into_iter().max().unwrap_or(0),
            running: ids(&|pass| pass["state"] == "running"),
            problem: view["problem"].as_str().map(str::to_owned),
        })
    }
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Followed {
    /// The first pass of each partition that ended after the mark, by kind and partition.
    pub(crate) passes: Vec<Value>,
    /// Why the integration does not sync.
    pub(crate) problem: Option<String>,
}

impl Followed {
    /// Whether every partition was listed to its end.
    pub(crate) fn is_well(&self) -> bool {
        self.problem.is_none() && self.passes.iter().all(|pass| pass["state"] == "succeeded")
    }

    /// The sum of one of the counts.
    pub(crate) fn sum(&self, count: &str) -> u64 {
        self.passes
            .iter()
            .filter_map(|pass| pass["counts"][count].as_u64())
            .sum()
    }

    /// The passes as an answer.
    pub(crate) fn answer(&self) -> Value {
        serde_json::json!({"items": self.passes, "next": null, "problem": self.problem})
    }
}

/// The columns of passes.
pub(crate) const PASSES: &[Column] = &[
    ("PASS", |pass| at(pass, "/id")),
    ("KIND", |pass| at(pass, "/kind")),
    ("PARTITION", |pass| at(pass, "/partition")),
    ("STATE", |pass| at(pass, "/state")),
    ("PAGES", |pass| at(pass, "/counts/pages")),
    ("ITEMS", |pass| of_expected(pass)),
    ("PER SECOND", |pass| at(pass, "/rate")),
    ("CREATED", |pass| at(pass, "/counts/created")),
    ("UPDATED", |pass| some(pass, "/counts/updated")),
    ("DELETED", |pass| some(pass, "/counts/deleted")),
    ("LEFT OUT", |pass| some(pass, "/counts/leftOut")),
    ("SET ASIDE", |pass| some(pass, "/counts/setAside")),
    ("ERROR", |pass| at(pass, "/error")),
];

/// `120`, or `120 of 500` while it runs and the pass before it is known.
fn of_expected(pass: &Value) -> String {
    let items = at(pass, "/counts/items");
    match expected(pass) {
        Some(expected) => format!("{items} of {expected}"),
        None => items,
    }
}

/// What a running pass will list if it is as the one before.
fn expected(pass: &Value) -> Option<u64> {
    pass["expected"].as_u64().filter(|n| *n > 0)
}

/// A count that is no zero: where all are, the column is left out.
fn some(pass: &Value, pointer: &str) -> String {
    Some(at(pass, pointer)).filter(|count| count != "0").unwrap_or_default()
}

/// Waits until every partition of `integration` has ended a pass that began after `mark`, or until it stops.
pub(crate) async fn follow(client: &Client, integration: &str, mark: &Mark) -> Result<Followed> {
    follow_on(client, integration, mark, &MultiProgress::new()).await
}

/// The same, drawing below what `bars` already shows.
pub(crate) async fn follow_on(
    client: &Client,
    integration: &str,
    mark: &Mark,
    bars: &MultiProgress,
) -> Result<Followed> {
    let started = Instant::now();
    let mut watch = Watch::new(integration, bars);
    loop {
        let view = client.get(&["integrations", integration]).await?;
        let query = [("integration", integration.to_owned()), ("limit", "1000".into())];
        let passes = client.get_with(&["passes"], &query).await?;
        watch.take(&passes, mark);
        watch.take_held(&view);
        if let Some(problem) = watch.ended(&view, mark, started.elapsed()) {
            watch.clear();
            return Ok(Followed {
                passes: watch.ended.into_values().collect(),
                problem,
            });
        }
        tokio::time::sleep(PERIOD).await;
    }
}

type Key = (String, String);

struct Watch<'a> {
    name: &'a str,
    bars: &'a MultiProgress,
    head: ProgressBar,
    lines: BTreeMap<Key, ProgressBar>,
    ended: BTreeMap<Key, Value>,
    running: BTreeMap<Key, Value>,
}

impl<'a> Watch<'a> {
    fn new(name: &'a str, bars: &'a MultiProgress) -> Self {
        let head = bars.add(ProgressBar::new_spinner().with_style(style("{spinner} {msg}")));
        head.set_message(format!("{name}: asking for its partitions"));
        head.enable_steady_tick(Duration::from_millis(100));
        Self {
            name,
            bars,
            head,
            lines: BTreeMap::new(),
            ended: BTreeMap::new(),
            running: BTreeMap::new(),
        }
    }

    /// Takes in what the server says of the passes, and draws it.
    fn take(&mut self, passes: &Value, mark: &Mark) {
        self.running.clear();
        // Oldest first: a live partition begins anew at once, and its first pass is the one that was waited for.
        let counts = |pass: &&Value| {
            let id = pass["id"].as_i64().unwrap_or(0);
            id > mark.pass || mark.running.contains(&id)
        };
        for pass in items(passes).iter().rev().filter(counts) {
            let key = (at(pass, "/kind"), at(pass, "/partition"));
            match pass["state"].as_str() {
                Some("running") => drop(self.running.insert(key, pass.clone())),
                _ if self.ended.contains_key(&key) => {}
                _ => {
                    if let Some(line) = self.lines.remove(&key) {
                        line.finish_and_clear();
                    }
                    if self.head.is_hidden() {
                        eprintln!("{}: {}", self.name, line(pass));
                    }
                    self.ended.insert(key, pass.clone());
                }
            }
        }
        self.draw();
    }

    /// A closing pass that waits for a person keeps waiting: no further one begins that could be waited for.
    fn take_held(&mut self, view: &Value) {
        let passes = view["passes"].as_array().map_or(&[][..], Vec::as_slice);
        for pass in passes
            .iter()
            .filter(|pass| pass["closing"] == true && pass["state"] == "held")
        {
            let key = (at(pass, "/kind"), at(pass, "/partition"));
            self.ended.entry(key).or_insert_with(|| pass.clone());
        }
    }

    fn draw(&mut self) {
        let all = || self.ended.values().chain(self.running.values());
        let sum = |count: &str| all().filter_map(|pass| pass["counts"][count].as_u64()).sum::<u64>();
        let rate: f64 = self.running.values().filter_map(|pass| pass["rate"].as_f64()).sum();
        self.head.set_message(format!(
            "{}: {} items, {} pages, {}/s; {} of {} partitions",
            self.name,
            HumanCount(sum("items")),
            HumanCount(sum("pages")),
            HumanCount(rate as u64),
            self.ended.len(),
            all()
                .map(|pass| (at(pass, "/kind"), at(pass, "/partition")))
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
        ));
        self.lines.retain(|key, line| {
            self.running.contains_key(key) || {
                line.finish_and_clear();
                false
            }
        });
        for (key, pass) in &self.running {
            if self.ended.contains_key(key) || (self.lines.len() >= LINES && !self.lines.contains_key(key)) {
                continue;
            }
            let bar = self.lines.entry(key.clone()).or_insert_with(|| {
                let bar = match expected(pass) {
                    Some(n) => ProgressBar::new(n).with_style(style("    {bar:20} {msg}")),
                    None => ProgressBar::new_spinner().with_style(style("    {msg}")),
                };
                self.bars.insert_after(&self.head, bar)
            });
            // A pass may list more than the one before.
            let items = pass["counts"]["items"].as_u64().unwrap_or(0);
            bar.set_position(bar.length().map_or(items, |length| items.min(length)));
            bar.set_message(line(pass));
        }
    }

    /// Whether there is nothing more to wait for, and what is wrong if something is.
    fn ended(&self, view: &Value, mark: &Mark, waited: Duration) -> Option<Option<String>> {
        let problem = view["problem"].as_str().map(str::to_owned);
        let state = view["state"].as_str().unwrap_or_default();
        if state == "paused" {
            return Some(Some(format!(
                "it is paused; go on with `seawall integration resume {}`",
                self.name
            )));
        }
        if state == "stopped" {
            return Some(Some(problem.unwrap_or_else(|| "it waits for the operator".into())));
        }
        let partitions = view["slices"].as_array().map_or(&[][..], Vec::as_slice);
        let has_ended = |partition: &Value| {
            self.ended
                .contains_key(&(at(partition, "/kind"), at(partition, "/name")))
        };
        if !partitions.is_empty() && partitions.iter().all(has_ended) {
            return Some(None);
        }
        // What stands there from before is replaced as soon as the server has tried again.
        let fresh = problem.is_some() && (problem != mark.problem || waited > SETTLED);
        let heard = self.ended.values().any(|pass| pass["id"].as_i64() > Some(mark.pass));
        if fresh && self.running.is_empty() && !heard {
            return Some(problem);
        }
        (partitions.is_empty() && state == "idle" && waited > SETTLED).then_some(None)
    }

    fn clear(&mut self) {
        self.lines.values().for_each(ProgressBar::finish_and_clear);
        self.head.finish_and_clear();
    }
}

/// One pass in a line.
fn line(pass: &Value) -> String {
    let count = |name: &str| HumanCount(pass["counts"][name].as_u64().unwrap_or(0)).to_string();
    let rate = pass["rate"]
        .as_f64()
        .map(|rate| format!(", {}/s", HumanCount(rate as u64)))
        .unwrap_or_default();
    let of = expected(pass)
        .map(|n| format!(" of about {}", HumanCount(n)))
        .unwrap_or_default();
    let error = pass["error"]
        .as_str()
        .map(|error| format!(": {error}"))
        .unwrap_or_default();
    output::visible(&format!(
        "{} {}: {}, {} pages, {} items{of}, {} entities{rate}{error}",
        at(pass, "/kind"),
        at(pass, "/partition"),
        at(pass, "/state"),
        count("pages"),
        count("items"),
        HumanCount(pass["entities"].as_u64().unwrap_or(0)),
    ))
}

/// A style of indicatif's; a template that it cannot read is a plain one.
pub(crate) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// Ends with exit code 1 where something is not well.
pub(crate) fn verdict(name: &str, followed: &Followed) -> Result {
    if let Some(problem) = &followed.problem {
        return Err(CliError::Failed(format!("`{name}` does not sync: {problem}")));
    }
    if followed.is_well() {
        return Ok(());
    }
    if followed.passes.iter().any(|pass| pass["state"] == "held") {
        eprintln!(
            "a pass would remove many items and waits for you; see `seawall integration status {name}` and `seawall integration release`"
        );
    }
    Err(CliError::Unwell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn watch(bars: &MultiProgress) -> Watch<'_> {
        Watch::new("i", bars)
    }

    fn pass(id: i64, partition: &str, state: &str) -> Value {
        json!({"id": id, "kind": "k", "partition": partition, "state": state, "counts": {"items": id}})
    }

    fn view(state: &str, problem: Option<&str>, partitions: &[&str]) -> Value {
        let partitions: Vec<_> = partitions
            .iter()
            .map(|name| json!({"kind": "k", "name": name}))
            .collect();
        json!({"state": state, "problem": problem, "slices": partitions})
    }

    #[test]
    fn waits_for_a_pass_of_every_partition_that_began_after_the_mark() {
        let bars = MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::hidden());
        let (mut watch, mark) = (
            watch(&bars),
            Mark {
                pass: 5,
                ..Mark::default()
            },
        );
        watch.take(
            &json!({"items": [pass(6, "a", "succeeded"), pass(5, "b", "succeeded")]}),
            &mark,
        );
        assert_eq!(
            watch.ended(&view("syncing", None, &["a", "b"]), &mark, Duration::ZERO),
            None
        );
        watch.take(
            &json!({"items": [pass(8, "b", "running"), pass(7, "b", "failed"), pass(6, "a", "succeeded")]}),
            &mark,
        );
        assert_eq!(
            watch.ended(&view("failing", None, &["a", "b"]), &mark, Duration::ZERO),
            Some(None)
        );
        let ids: Vec<_> = watch.ended.values().map(|pass| pass["id"].as_i64()).collect();
        assert_eq!(ids, [Some(6), Some(7)]);
    }

    #[test]
    fn a_closing_pass_that_waits_for_a_person_is_not_waited_for() {
        let bars = MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::hidden());
        let (mut watch, mark) = (
            watch(&bars),
            Mark {
                pass: 5,
                ..Mark::default()
            },
        );
        let mut view = view("held", None, &["a", "b"]);
        let mut held = pass(4, "b", "held");
        held["closing"] = true.into();
        view["passes"] = json!([held]);
        watch.take_held(&view);
        assert_eq!(watch.ended(&view, &mark, Duration::ZERO), None);
        let mut failing = view.clone();
        failing["problem"] = "503".into();
        assert_eq!(watch.ended(&failing, &mark, Duration::ZERO), Some(Some("503".into())));
        watch.take(&json!({"items": [pass(6, "a", "succeeded")]}), &mark);
        assert_eq!(watch.ended(&view, &mark, Duration::ZERO), Some(None));
    }

    #[test]
    fn a_problem_from_before_is_given_time_to_go_away() {
        let bars = MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::hidden());
        let (watch, mark) = (
            watch(&bars),
            Mark {
                problem: Some("401".into()),
                ..Mark::default()
            },
        );
        let same = view("failing", Some("401"), &[]);
        assert_eq!(watch.ended(&same, &mark, Duration::ZERO), None);
        assert_eq!(watch.ended(&same, &mark, SETTLED * 2), Some(Some("401".into())));
        assert_eq!(
            watch.ended(&view("failing", Some("404"), &[]), &mark, Duration::ZERO),
            Some(Some("404".into()))
        );
        assert_eq!(
            watch.ended(&view("stopped", Some("401"), &[]), &mark, Duration::ZERO),
            Some(Some("401".into()))
        );
    }
}
