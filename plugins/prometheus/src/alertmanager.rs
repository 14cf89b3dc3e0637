//! Alertmanager's API, version 2.

use crate::{fingerprint, watch::Found};
use seawall_sdk::prelude::*;

/// Alerts that are not resolved, by their fingerprint.
pub fn alerts(base: &str) -> Result<Vec<Found>> {
    read_alerts(http::get(http::join(base, "/api/v2/alerts")).send()?.json()?)
}

/// Silences by their id; Alertmanager keeps expired ones for some days.
pub fn silences(base: &str) -> Result<Vec<Found>> {
    read_silences(http::get(http::join(base, "/api/v2/silences")).send()?.json()?)
}

fn read_alerts(alerts: Vec<Value>) -> Result<Vec<Found>> {
    let found = alerts.into_iter().map(|mut alert| {
        let fields = alert
            .as_object_mut()
            .ok_or_else(|| Failure::failed("an alert of Alertmanager is no object"))?;
        // Prometheus sends each alert again every minute, which moves these two and means nothing.
        fields.remove("updatedAt");
        fields.remove("endsAt");
        let given = fields.get("fingerprint").and_then(Value::as_str).map(str::to_owned);
        let key = given.unwrap_or_else(|| fingerprint::of_labels(&alert["labels"]));
        Found::new(key, alert)
    });
    found.collect()
}

fn read_silences(silences: Vec<Value>) -> Result<Vec<Found>> {
    let found = silences.into_iter().map(|silence| {
        let id = silence["id"]
            .as_str()
            .ok_or_else(|| Failure::failed("a silence of Alertmanager has no id"))?;
        Found::new(id.to_owned(), silence)
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_that_is_sent_again_is_the_same() {
        let recorded: Vec<Value> = serde_json::from_str(include_str!("../recorded/alertmanager-alerts.json")).unwrap();
        let mut again = recorded.clone();
        again[0]["updatedAt"] = json!("2026-11-25T00:01:12.125Z");
        again[0]["endsAt"] = json!("2026-11-25T00:05:12.125Z");
        let (first, again) = (read_alerts(recorded).unwrap(), read_alerts(again).unwrap());
        assert_eq!(first, again);
        assert!(!first.is_empty());
    }

    #[test]
    fn a_silence_that_expires_is_another() {
        let recorded: Vec<Value> = serde_json::from_str(include_str!("../recorded/silences.json")).unwrap();
        let mut expired = recorded.clone();
        expired[0]["status"]["state"] = json!("expired");
        let (first, expired) = (read_silences(recorded).unwrap(), read_silences(expired).unwrap());
        assert_eq!(first[0].key, expired[0].key);
        assert_ne!(first[0].hash, expired[0].hash);
    }
}
