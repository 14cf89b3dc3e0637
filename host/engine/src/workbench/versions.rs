//! The mappings that an integration has had: numbered, with who put each in force and when. A way back is a version of its own,
//! which says whose mapping it brought back; so the way back from there leads further back, and not to and fro.

use crate::{Engine, EngineError, Result};
use seawall_domain::{IntegrationName, Millis};
use seawall_store::IntegrationRow;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// So many are kept beside the one in force.
const KEPT: usize = 20;

/// A mapping that is or was in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MappingVersion {
    /// Rises by one with each.
    pub number: u64,
    /// The mapping; none: the plugin's own.
    pub mapping: Option<Value>,
    /// Since when it was in force.
    pub at: Millis,
    /// Who put it in force; none where nobody said so.
    pub by: Option<String>,
    /// Of a way back: the version whose mapping it brought back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_to: Option<u64>,
}

impl MappingVersion {
    /// The version that stands behind it.
    fn standing(&self) -> u64 {
        self.back_to.unwrap_or(self.number)
    }
}

/// All of an integration that are kept, the oldest first. The last one is in force, so there is at least one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Versions {
    versions: Vec<MappingVersion>,
}

/// As versions of Seawall before these kept them, the newest first.
#[derive(Debug, Deserialize)]
struct Earlier {
    mapping: Option<Value>,
    until: Millis,
    by: String,
}

impl Versions {
    /// Reads what is stored. What was put in force without being noted is found by comparing.
    fn read(stored: Value, row: &IntegrationRow) -> Self {
        let mut all = match serde_json::from_value::<Self>(stored.clone()) {
            Ok(all) => all,
            Err(_) => Self::of_earlier(serde_json::from_value(stored).unwrap_or_default(), row),
        };
        let now = &row.integration.mapping;
        match all.versions.last() {
            None => all.push(now.clone(), row.created_at, None, None),
            Some(last) if last.mapping != *now => all.push(now.clone(), row.updated_at, None, None),
            Some(_) => {}
        }
        all
    }

    fn of_earlier(earlier: Vec<Earlier>, row: &IntegrationRow) -> Self {
        let mut all = Self { versions: Vec::new() };
        let (mut at, mut by) = (row.created_at, None);
        for one in earlier.into_iter().rev() {
            all.push(one.mapping, at, by, None);
            (at, by) = (one.until, Some(one.by));
        }
        if !all.versions.is_empty() {
            all.push(row.integration.mapping.clone(), at, by, None);
        }
        all
    }

    fn push(&mut self, mapping: Option<Value>, at: Millis, by: Option<String>, back_to: Option<u64>) {
        let number = self.versions.last().map_or(1, |last| last.number + 1);
        self.versions.push(MappingVersion {
            number,
            mapping,
            at,
            by,
            back_to,
        });
        let too_many = self.versions.len().saturating_sub(KEPT + 1);
        self.versions.drain(..too_many);
    }

    /// The version that was in force before the one that stands: its number and mapping.
    fn before(&self) -> Option<(u64, Option<Value>)> {
        let standing = self.versions.last()?.standing();
        let at = self.versions.iter().position(|version| version.number == standing)?;
        let before = self.versions[..at].last()?;
        Some((before.standing(), before.mapping.clone()))
    }

    /// The version of a number, with the one that stands behind it.
    fn of(&self, number: u64) -> Option<(u64, Option<Value>)> {
        let version = self.versions.iter().find(|version| version.number == number)?;
        Some((version.standing(), version.mapping.clone()))
    }
}

fn setting(name: &IntegrationName) -> String {
    format!("mappings:{name}")
}

impl Engine {
    /// The mappings that an integration has had, as far as they are kept, the oldest first; the last one is in force.
    ///
    /// # Errors
    /// Where it does not exist.
    pub async fn mapping_versions(&self, name: &IntegrationName) -> Result<Vec<MappingVersion>> {
        let row = self.integration_row(name).await?;
        let stored = self.inner.store.setting(&setting(name)).await?;
        Ok(Versions::read(stored.unwrap_or_default(), &row).versions)
    }

    /// Notes a mapping before it is put in force in place of that of `row`.
    pub(crate) async fn note_mapping(
        &self,
        row: &IntegrationRow,
        mapping: Option<Value>,
        by: Option<String>,
        back_to: Option<u64>,
    ) -> Result<()> {
        let now = self.now();
        self.change_setting(&setting(&row.integration.name), |value| {
            let mut all = Versions::read(value.take(), row);
            all.push(mapping.clone(), now, by.clone(), back_to);
            *value = json!(all);
            Ok(())
        })
        .await
    }

    /// The mapping to go back to: of a version, or the one before the one that stands.
    pub(super) async fn mapping_to_go_back_to(
        &self,
        name: &IntegrationName,
        to: Option<u64>,
    ) -> Result<(u64, Option<Value>)> {
        let row = self.integration_row(name).await?;
        let stored = self.inner.store.setting(&setting(name)).await?;
        let all = Versions::read(stored.unwrap_or_default(), &row);
        let Some(to) = to else {
            return all.before().ok_or_else(|| match all.versions.len() {
                1 => EngineError::Conflict(format!("`{name}` has had no other mapping")),
                _ => EngineError::Conflict(format!(
                    "`{name}` has had no mapping before this one, as far as they are kept; `seawall mapping history {name}` shows \
                     them, and `--to VERSION` goes to any of them"
                )),
            });
        };
        all.of(to).ok_or_else(|| {
            let (first, last) = (all.versions.first(), all.versions.last());
            let number = |version: Option<&MappingVersion>| version.map_or(0, |version| version.number);
            let hint = format!("there are {} to {}", number(first), number(last));
            EngineError::not_found_but("mapping version", to, hint)
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn row(mapping: Option<Value>) -> IntegrationRow {
        let mut integration: seawall_domain::integration::Integration =
            serde_json::from_value(json!({"name": "github", "plugin": "github"})).unwrap();
        integration.mapping = mapping;
        IntegrationRow {
            id: 1,
            integration,
            paused: false,
            stopped: None,
            removing: false,
            created_at: 5,
            updated_at: 9,
        }
    }

    fn standing(all: &Versions) -> Vec<u64> {
        all.versions.iter().map(MappingVersion::standing).collect()
    }

    /// Goes back, and gives the number that stands then.
    fn back(all: &mut Versions) -> Option<u64> {
        let (number, mapping) = all.before()?;
        all.push(mapping, 0, None, Some(number));
        Some(number)
    }

    #[test]
    fn each_way_back_leads_further_back() {
        let mut all = Versions::read(Value::Null, &row(None));
        for mapping in ["b", "c"] {
            all.push(Some(mapping.into()), 0, None, None);
        }
        assert_eq!(
            (back(&mut all), back(&mut all), back(&mut all)),
            (Some(2), Some(1), None)
        );
        assert_eq!(standing(&all), [1, 2, 3, 2, 1]);
        // What is new then stands on what it replaced.
        all.push(Some("d".into()), 0, None, None);
        assert_eq!(back(&mut all), Some(1));
        assert_eq!(all.of(4), Some((2, Some("b".into()))));
        assert_eq!(all.of(99), None);
    }

    #[test]
    fn what_was_kept_before_has_numbers_too_and_what_nobody_noted_is_there() {
        let earlier = json!([{"mapping": "b", "until": 8, "by": "bob"}, {"mapping": null, "until": 7, "by": "ann"}]);
        let all = Versions::read(earlier, &row(Some("c".into())));
        let shown: Vec<_> = all.versions.iter().map(|v| (v.number, v.at, v.by.as_deref())).collect();
        assert_eq!(shown, [(1, 5, None), (2, 7, Some("ann")), (3, 8, Some("bob"))]);
        assert_eq!(all.versions[2].mapping, Some("c".into()));
        let again = Versions::read(json!(all), &row(Some("d".into())));
        assert_eq!((again.versions.len(), again.versions[3].at), (4, 9));
    }

    #[test]
    fn only_so_many_are_kept() {
        let mut all = Versions::read(Value::Null, &row(None));
        for number in 0..50 {
            all.push(Some(number.into()), 0, None, None);
        }
        assert_eq!((all.versions.len(), all.versions[0].number), (KEPT + 1, 31));
    }
}
