//! The blueprints of kinds.

use super::{Draft, Options, entity::Shape, reference::Reference, relations::depends_on};
use crate::definition::{Definition, Kind, Origin};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A field of the spec, the property for it, and what it holds.
type Own = (&'static str, &'static str, Shape);

/// A relation: its name, its title, the target's kind, whether there may be several.
type Link = (&'static str, &'static str, &'static str, bool);

/// A kind of Backstage's.
struct Known {
    kind: &'static str,
    title: &'static str,
    description: &'static str,
    own: &'static [Own],
    relations: &'static [Link],
}

const TYPE: Own = ("type", "type", Shape::Text);
const LIFECYCLE: Own = ("lifecycle", "lifecycle", Shape::Text);
const NAME: Own = ("profile.displayName", "displayName", Shape::Text);
const EMAIL: Own = ("profile.email", "email", Shape::Email);
const PICTURE: Own = ("profile.picture", "picture", Shape::Text);

const OWNER: Link = ("owner", "Owner", "group", false);
const PERSON: Link = ("ownedByUser", "Owner (a person)", "user", false);
const SYSTEM: Link = ("system", "System", "system", false);

const KNOWN: [Known; 9] = [
    Known {
        kind: "component",
        title: "Component",
        description: "A piece of software.",
        own: &[TYPE, LIFECYCLE],
        relations: &[
            OWNER,
            PERSON,
            SYSTEM,
            ("subcomponentOf", "Part of", "component", false),
            ("providesApis", "Provides APIs", "api", true),
            ("consumesApis", "Consumes APIs", "api", true),
            ("dependsOnComponents", "Depends on components", "component", true),
            ("dependsOnResources", "Depends on resources", "resource", true),
        ],
    },
    Known {
        kind: "api",
        title: "API",
        description: "An interface that components provide and consume.",
        own: &[TYPE, LIFECYCLE],
        relations: &[OWNER, PERSON, SYSTEM],
    },
    Known {
        kind: "resource",
        title: "Resource",
        description: "Something that components need to run, such as a database.",
        own: &[TYPE],
        relations: &[
            OWNER,
            PERSON,
            SYSTEM,
            ("dependsOnComponents", "Depends on components", "component", true),
            ("dependsOnResources", "Depends on resources", "resource", true),
        ],
    },
    Known {
        kind: "system",
        title: "System",
        description: "Components, APIs and resources that belong together.",
        own: &[TYPE],
        relations: &[OWNER, PERSON, ("domain", "Domain", "domain", false)],
    },
    Known {
        kind: "domain",
        title: "Domain",
        description: "Systems of one part of the business.",
        own: &[TYPE],
        relations: &[OWNER, PERSON, ("subdomainOf", "Part of", "domain", false)],
    },
    Known {
        kind: "group",
        title: "Group",
        description: "A team or another unit of people.",
        own: &[TYPE, NAME, EMAIL, PICTURE],
        relations: &[("parent", "Parent", "group", false)],
    },
    Known {
        kind: "user",
        title: "User",
        description: "A person.",
        own: &[NAME, EMAIL, PICTURE],
        relations: &[("memberOf", "Member of", "group", true)],
    },
    Known {
        kind: "location",
        title: "Location",
        description: "A place where more entities are described.",
        own: &[
            TYPE,
            ("target", "target", Shape::Text),
            ("targets", "targets", Shape::Texts),
            ("presence", "presence", Shape::Text),
        ],
        relations: &[],
    },
    Known {
        kind: "template",
        title: "Template",
        description: "A software template: its parameters and steps are in `spec`.",
        own: &[TYPE, LIFECYCLE],
        relations: &[OWNER, PERSON],
    },
];

/// Of a kind of the organisation's own.
const OTHERS: (&[Own], &[Link]) = (&[TYPE, LIFECYCLE], &[OWNER, PERSON]);

fn known(kind: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.kind == kind)
}

/// The fields of a kind's spec with properties of their own.
pub(super) fn own(kind: &str) -> &'static [Own] {
    known(kind).map_or(OTHERS.0, |known| known.own)
}

/// The blueprints of the kinds that occur, and of those that these point to.
pub(super) fn of(kinds: &BTreeSet<&str>, drafts: &BTreeMap<Reference, Draft>, options: &Options) -> Vec<Definition> {
    let mut more: BTreeMap<&str, BTreeMap<String, &str>> = BTreeMap::new();
    for draft in drafts.values() {
        for (name, target) in &draft.relations {
            let all = more.entry(&draft.reference.kind).or_default();
            all.insert(name.clone(), &target.kind);
        }
    }
    let mut waiting: Vec<&str> = kinds.iter().copied().collect();
    let mut done = BTreeMap::new();
    while let Some(kind) = waiting.pop() {
        if done.contains_key(kind) {
            continue;
        }
        let fixed = known(kind).map_or(OTHERS.1, |known| known.relations);
        let mut relations: BTreeMap<String, (String, &str, bool)> = fixed
            .iter()
            .map(|(name, title, target, many)| ((*name).to_owned(), ((*title).to_owned(), *target, *many)))
            .collect();
        for (name, target) in more.get(kind).into_iter().flatten() {
            let title = || format!("Depends on {target}s");
            debug_assert!(relations.contains_key(name) || *name == depends_on(target));
            relations.entry(name.clone()).or_insert_with(|| (title(), target, true));
        }
        waiting.extend(relations.values().map(|(_, target, _)| *target));
        done.insert(kind, blueprint(kind, &relations, options));
    }
    done.into_values().collect()
}

fn blueprint(kind: &str, relations: &BTreeMap<String, (String, &str, bool)>, options: &Options) -> Definition {
    let known = known(kind);
    let mut properties = common();
    for (_, property, shape) in own(kind) {
        let mut letters = property.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        let mut schema = match shape {
            Shape::Text => json!({"type": "string"}),
            Shape::Email => json!({"type": "string", "format": "email"}),
            Shape::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Shape::Object => json!({"type": "object"}),
            Shape::Objects => json!({"type": "array", "items": {"type": "object"}}),
        };
        schema["title"] = match *property {
            "displayName" => "Display name".into(),
            _ => format!("{first}{}", letters.as_str()).into(),
        };
        properties.insert((*property).to_owned(), schema);
    }
    if kind == "api" {
        properties.extend(super::api::properties());
    }
    let identifier = options.blueprint(kind);
    let relations: Map<String, Value> = relations
        .iter()
        .map(|(name, (title, target, many))| {
            let target = options.blueprint(target);
            (
                name.clone(),
                json!({"title": title, "target": target, "required": false, "many": many}),
            )
        })
        .collect();
    Definition {
        kind: Kind::Blueprint,
        value: json!({
            "identifier": identifier,
            "title": known.map_or(kind, |known| known.title),
            "description": known.map_or("Entities of a kind of the organisation's own.", |known| known.description),
            "icon": "Backstage",
            "schema": {"properties": properties, "required": ["name"]},
            "relations": relations,
        }),
        name: identifier,
        origin: Origin::default(),
    }
}

/// The properties that every kind has.
fn common() -> Map<String, Value> {
    let all = json!({
        "name": {"type": "string", "title": "Name"},
        "namespace": {"type": "string", "title": "Namespace"},
        "description": {"type": "string", "format": "markdown", "title": "Description"},
        "tags": {"type": "array", "items": {"type": "string"}, "title": "Tags"},
        "labels": {"type": "object", "title": "Labels"},
        "annotations": {"type": "object", "title": "Annotations"},
        "links": {"type": "array", "items": {"type": "object"}, "title": "Links", "description": "Each with `url`, and often `title`, `icon` and `type`."},
        "metadata": {"type": "object", "title": "Metadata", "description": "What else its metadata says."},
        "spec": {"type": "object", "title": "Spec", "description": "What its spec says beside the other properties and relations."},
        "apiVersion": {"type": "string", "title": "API version"},
        "source": {"type": "string", "title": "Source", "description": "The file that it is described in."},
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}
