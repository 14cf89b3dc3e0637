//! The merge of what several sources say of one entity, and whose word counts.

use super::{Entity, RelationTarget};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The source of people, under which those speak who name none.
pub const PEOPLE: &str = "people";

/// Whose word counts where several sources say different things of one field: names of integrations, and of clients'
/// sources such as `people`, the strongest first. A blueprint has one under `precedence`. Sources that a list does not
/// name come after those that it names, in the order that holds without it: what people say, then what other clients say, then
/// what integrations bring; of two clients and of two integrations the one that was added later.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Precedence {
    /// Of all fields that `fields` does not name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default: Vec<String>,
    /// By field: a property's name, `relations.NAME`, `$title`, `$icon` or `$team`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Vec<String>>,
}

/// What one source says of an entity.
#[derive(Debug, Clone, Copy)]
pub struct Spoken<'a> {
    /// The integration, or the clients' source.
    pub source: &'a str,
    /// What it says.
    pub entity: &'a Entity,
}

impl Precedence {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.default.is_empty() && self.fields.is_empty()
    }

    fn list(&self, field: &str) -> &[String] {
        self.fields.get(field).unwrap_or(&self.default)
    }

    /// Places among `all`, the weakest first. `all` is in the order that holds without a list, the weakest first.
    fn order(list: &[String], all: &[Spoken<'_>]) -> Vec<usize> {
        let rank = |spoken: &Spoken<'_>| list.iter().position(|name| name == spoken.source).unwrap_or(list.len());
        let mut order: Vec<usize> = (0..all.len()).collect();
        // Stable: those of one rank keep their order.
        order.sort_by_key(|at| std::cmp::Reverse(rank(&all[*at])));
        order
    }
}

/// Merges what several items say of one entity, in order of precedence: a later contribution's values win, property by
/// property; single relations likewise, and `many` relations and teams are joined. `None` without contributions.
pub fn merge<'a>(contributions: impl IntoIterator<Item = &'a Entity>) -> Option<Entity> {
    let mut all = contributions.into_iter();
    let mut merged = all.next()?.clone();
    for next in all {
        if next.title.is_some() {
            merged.title.clone_from(&next.title);
        }
        if next.icon.is_some() {
            merged.icon.clone_from(&next.icon);
        }
        for team in &next.team {
            if !merged.team.contains(team) {
                merged.team.push(team.clone());
            }
        }
        for (name, value) in &next.properties {
            merged.properties.insert(name.clone(), value.clone());
        }
        for (name, target) in &next.relations {
            match (merged.relations.get_mut(name), target) {
                (Some(RelationTarget::Many(have)), RelationTarget::Many(more)) => {
                    for id in more {
                        if !have.contains(id) {
                            have.push(id.clone());
                        }
                    }
                }
                _ => {
                    merged.relations.insert(name.clone(), target.clone());
                }
            }
        }
    }
    Some(merged)
}

/// [`merge`] under a blueprint's precedence. `all` is in the order that holds without it, the weakest first. A field with a
/// list of its own is one source's alone: its teams and targets are not joined with others'.
pub fn ranked(precedence: &Precedence, all: &[Spoken<'_>]) -> Option<Entity> {
    let order = Precedence::order(&precedence.default, all);
    let mut merged = merge(order.iter().map(|at| all[*at].entity))?;
    for (field, list) in &precedence.fields {
        let order = Precedence::order(list, all);
        let strongest = order.iter().rev().map(|at| all[*at].entity).find(|e| says(e, field));
        let Some(strongest) = strongest else { continue };
        match (field.as_str(), field.strip_prefix("relations.")) {
            ("$title", _) => merged.title.clone_from(&strongest.title),
            ("$icon", _) => merged.icon.clone_from(&strongest.icon),
            ("$team", _) => merged.team.clone_from(&strongest.team),
            (_, Some(relation)) => {
                let target = strongest.relations.get(relation).cloned();
                merged
                    .relations
                    .extend(target.map(|target| (relation.to_owned(), target)));
            }
            (property, None) => {
                let value = strongest.properties.get(property).cloned();
                merged
                    .properties
                    .extend(value.map(|value| (property.to_owned(), value)));
            }
        }
    }
    Some(merged)
}

/// Of each field of the merged entity, the places in `all` of those whose words it holds, the strongest first: one, but
/// for teams and targets that are joined. Fields are named as in [`Precedence::fields`].
pub fn provenance(precedence: &Precedence, all: &[Spoken<'_>]) -> BTreeMap<String, Vec<usize>> {
    let mut out = BTreeMap::new();
    let mut fields: Vec<String> = Vec::new();
    for spoken in all {
        let e = spoken.entity;
        fields.extend(e.title.is_some().then(|| "$title".to_owned()));
        fields.extend(e.icon.is_some().then(|| "$icon".to_owned()));
        fields.extend((!e.team.is_empty()).then(|| "$team".to_owned()));
        fields.extend(e.properties.keys().cloned());
        fields.extend(e.relations.keys().map(|name| format!("relations.{name}")));
    }
    for field in fields {
        if out.contains_key(&field) {
            continue;
        }
        let order = Precedence::order(precedence.list(&field), all);
        let speaking = order.into_iter().rev().filter(|at| says(all[*at].entity, &field));
        let joined = !precedence.fields.contains_key(&field)
            && (field == "$team"
                || field.strip_prefix("relations.").is_some_and(|relation| {
                    all.iter()
                        .any(|s| matches!(s.entity.relations.get(relation), Some(RelationTarget::Many(_))))
                }));
        let places = if joined {
            speaking.collect()
        } else {
            speaking.take(1).collect()
        };
        out.insert(field, places);
    }
    out
}

fn says(entity: &Entity, field: &str) -> bool {
    match (field, field.strip_prefix("relations.")) {
        ("$title", _) => entity.title.is_some(),
        ("$icon", _) => entity.icon.is_some(),
        ("$team", _) => !entity.team.is_empty(),
        (_, Some(relation)) => entity.relations.contains_key(relation),
        (property, None) => entity.properties.contains_key(property),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn said(value: Value) -> Entity {
        let mut whole = json!({"blueprint": "service", "identifier": "pay"});
        for (field, value) in value.as_object().unwrap() {
            whole[field] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    fn precedence(value: Value) -> Precedence {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_list_names_the_strongest_first() {
        let git = said(
            json!({"title": "Git", "properties": {"tier": "git", "lang": "go"}, "relations": {"uses": ["a"], "owner": "x"}, "team": ["a"]}),
        );
        let pager = said(
            json!({"title": "Pager", "properties": {"tier": "pager", "url": "u"}, "relations": {"uses": ["b"], "owner": "y"}, "team": ["b"]}),
        );
        let people = said(json!({"properties": {"tier": "people"}}));
        let all = [("git", &git), ("pager", &pager), ("people", &people)];
        let all = all.map(|(source, entity)| Spoken { source, entity });
        let tier = |p: Value| ranked(&precedence(p), &all).unwrap().properties["tier"].clone();
        assert_eq!(tier(json!({})), "people");
        assert_eq!(tier(json!({"default": ["git"]})), "git");
        assert_eq!(
            tier(json!({"default": ["git"], "fields": {"tier": ["nobody", "pager"]}})),
            "pager"
        );
        assert_eq!(tier(json!({"fields": {"lang": ["pager"]}})), "people");

        let plain = ranked(&Precedence::default(), &all).unwrap();
        assert_eq!(plain, merge([&git, &pager, &people]).unwrap());
        assert_eq!(plain.relations["uses"].to_json(), json!(["a", "b"]));
        let own = precedence(
            json!({"default": ["git", "pager"], "fields": {"relations.uses": ["pager"], "$team": ["git"], "$title": ["pager"]}}),
        );
        let merged = ranked(&own, &all).unwrap();
        assert_eq!(
            (
                merged.title.as_deref(),
                &merged.team,
                merged.relations["uses"].to_json(),
                merged.relations["owner"].to_json()
            ),
            (Some("Pager"), &vec!["a".to_owned()], json!(["b"]), json!("x"))
        );
        assert_eq!(merged.properties["url"], "u");
    }

    #[test]
    fn provenance_names_who_the_merge_took_it_from() {
        let git = said(json!({"title": "Git", "properties": {"tier": 1, "lang": "go"}, "relations": {"uses": ["a"]}}));
        let people = said(json!({"properties": {"tier": 2}, "relations": {"uses": ["b"]}}));
        let all = [("git", &git), ("people", &people)].map(|(source, entity)| Spoken { source, entity });
        for rule in [
            json!({}),
            json!({"default": ["git"]}),
            json!({"fields": {"tier": ["git"], "relations.uses": ["git"]}}),
        ] {
            let rule = precedence(rule);
            let merged = ranked(&rule, &all).unwrap();
            let from = provenance(&rule, &all);
            assert_eq!(from["lang"], [0]);
            assert_eq!(from["$title"], [0]);
            let tier = all[from["tier"][0]].entity.properties["tier"].clone();
            assert_eq!((from["tier"].len(), &tier), (1, &merged.properties["tier"]));
            let targets: usize = from["relations.uses"].len();
            assert_eq!(targets, merged.relations["uses"].targets().len());
        }
    }

    #[test]
    fn a_diff_taken_back_gives_what_was() {
        use super::super::{diff, diff_of_removal, undo};
        let before = said(
            json!({"title": "A", "team": ["a"], "properties": {"x": 1, "y": [1, null]}, "relations": {"o": "p", "m": ["a", "b"]}}),
        );
        let after =
            said(json!({"icon": "Git", "properties": {"y": 2, "z": {"d": 1}}, "relations": {"m": ["b"], "n": "c"}}));
        let mut back = after.clone();
        undo(&mut back, &diff(&before, &after));
        assert_eq!(back, before);
        let mut empty = said(json!({}));
        undo(&mut empty, &diff_of_removal(&before));
        assert_eq!(empty, before);
    }
}
