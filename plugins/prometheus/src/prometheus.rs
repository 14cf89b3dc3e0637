//! Prometheus' API, version 1.

use crate::{fingerprint, watch::Found};
use seawall_sdk::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// What every answer is wrapped in.
#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Targets {
    active_targets: Vec<Value>,
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    file: String,
    rules: Vec<Value>,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Vec<Value>,
}

/// Active targets by scrape pool and labels.
pub fn targets(base: &str) -> Result<Vec<(String, Value)>> {
    let url = http::join(base, "/api/v1/targets");
    let answer: Envelope<Targets> = http::get(url).query("state", "active").send()?.json()?;
    Ok(read_targets(answer.data))
}

/// Alerting rules by group and name.
pub fn rules(base: &str) -> Result<Vec<(String, Value)>> {
    Ok(read_rules(groups(base)?)
        .into_iter()
        .map(|rule| (rule.key, rule.item))
        .collect())
}

/// Pending and firing alerts by their fingerprint.
pub fn alerts(base: &str) -> Result<Vec<Found>> {
    let answer: Envelope<Alerts> = http::get(http::join(base, "/api/v1/alerts")).send()?.json()?;
    read_alerts(answer.data)
}

/// Adds to each alert the key of the rule that raised it, which the list of alerts lacks.
pub fn name_rules(base: &str, alerts: &mut [Found]) -> Result<()> {
    let rules = read_rules(groups(base)?);
    let raised_by = raised_by(&rules);
    for alert in alerts {
        alert.item["rule"] = json!(raised_by.get(alert.key.as_str()));
    }
    Ok(())
}

fn groups(base: &str) -> Result<Groups> {
    let url = http::join(base, "/api/v1/rules");
    let answer: Envelope<Groups> = http::get(url).query("type", "alert").send()?.json()?;
    Ok(answer.data)
}

fn read_targets(targets: Targets) -> Vec<(String, Value)> {
    let read = targets.active_targets.into_iter().map(|mut target| {
        // These change with every scrape: with them no pass would ever find a target unchanged.
        remove(&mut target, &["lastScrape", "lastScrapeDuration"]);
        let pool = target["scrapePool"].as_str().unwrap_or_default();
        // Prometheus drops a target whose labels another one of the pool has.
        (format!("{pool}/{}", fingerprint::of_labels(&target["labels"])), target)
    });
    read.collect()
}

/// A rule, and the fingerprints of the alerts that it has raised.
struct Rule {
    key: String,
    item: Value,
    alerts: Vec<String>,
}

fn read_rules(groups: Groups) -> Vec<Rule> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut rules = Vec::new();
    for group in groups.groups {
        for mut item in group.rules {
            let alerts = item["alerts"].as_array().map(Vec::as_slice).unwrap_or_default();
            let alerts = alerts
                .iter()
                .map(|alert| fingerprint::of_labels(&alert["labels"]))
                .collect();
            // The first two change with every evaluation.
            remove(&mut item, &["evaluationTime", "lastEvaluation", "alerts"]);
            let name = item["name"].as_str().unwrap_or_default();
            let name = format!("{}/{name}", group.name);
            // A group may hold several rules of one name, such as one for each severity; their order is the file's.
            let count = seen.entry(name.clone()).or_default();
            *count += 1;
            let key = if *count == 1 { name } else { format!("{name}#{count}") };
            item["key"] = json!(key);
            item["group"] = json!(group.name);
            item["file"] = json!(group.file);
            rules.push(Rule { key, item, alerts });
        }
    }
    rules
}

fn raised_by(rules: &[Rule]) -> HashMap<&str, &str> {
    let pairs = rules
        .iter()
        .flat_map(|rule| rule.alerts.iter().map(|alert| (alert.as_str(), rule.key.as_str())));
    pairs.collect()
}

fn read_alerts(alerts: Alerts) -> Result<Vec<Found>> {
    // Two rules may raise alerts of the same labels, which are one to Alertmanager: firing counts more than pending.
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for mut alert in alerts.alerts {
        let key = fingerprint::of_labels(&alert["labels"]);
        // The value changes with every evaluation; where it matters, the rule's annotations hold it.
        remove(&mut alert, &["value"]);
        alert["fingerprint"] = json!(key);
        let firing = alert["state"] == "firing";
        if firing || !found.contains_key(&key) {
            found.insert(key, alert);
        }
    }
    found.into_iter().map(|(key, alert)| Found::new(key, alert)).collect()
}

fn remove(item: &mut Value, fields: &[&str]) {
    if let Some(object) = item.as_object_mut() {
        object.retain(|name, _| !fields.contains(&name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded<T: for<'a> Deserialize<'a>>(text: &str) -> T {
        serde_json::from_str::<Envelope<T>>(text).unwrap().data
    }

    #[test]
    fn targets_are_the_same_after_another_scrape() {
        let mut text = include_str!("../recorded/targets.json").to_owned();
        let first = read_targets(recorded(&text));
        text = text.replace("0.000", "0.001").replace("2026-11-25", "2026-11-26");
        assert_eq!(first, read_targets(recorded(&text)));
        assert_eq!(first.len(), 2);
        assert!(
            first[0].0.starts_with("checkout/") && first[0].1["health"] == "down",
            "{first:?}"
        );
    }

    #[test]
    fn rules_of_one_name_have_keys_of_their_own() {
        let rules = read_rules(recorded(include_str!("../recorded/rules.json")));
        let keys: Vec<&str> = rules.iter().map(|rule| rule.key.as_str()).collect();
        assert_eq!(
            keys,
            ["always/Watchdog", "services/ServiceDown", "services/ServiceDown#2"]
        );
        assert_eq!(rules[1].item["file"], "rules.yml");
        assert_eq!(rules[1].item.get("alerts"), None);
    }

    #[test]
    fn every_alert_finds_its_rule() {
        let rules = read_rules(recorded(include_str!("../recorded/rules.json")));
        let raised_by = raised_by(&rules);
        let alerts = read_alerts(recorded(include_str!("../recorded/alerts.json"))).unwrap();
        let mut of: Vec<_> = alerts
            .iter()
            .map(|alert| (alert.item["state"].as_str().unwrap(), raised_by[alert.key.as_str()]))
            .collect();
        of.sort_unstable();
        let expected = [
            ("firing", "always/Watchdog"),
            ("firing", "services/ServiceDown"),
            ("pending", "services/ServiceDown#2"),
        ];
        assert_eq!(of, expected);
    }

    #[test]
    fn of_two_alerts_with_the_same_labels_the_firing_one_counts() {
        let alert = |state: &str| json!({"labels": {"alertname": "A"}, "state": state, "value": "1"});
        let alerts = read_alerts(Alerts {
            alerts: vec![alert("firing"), alert("pending")],
        })
        .unwrap();
        assert_eq!(alerts.len(), 1);
        assert_eq!(alerts[0].item["state"], "firing");
        assert_eq!(alerts[0].item.get("value"), None);
    }
}
