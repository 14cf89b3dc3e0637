//! What specs say of other entities, put where it is stored.

use super::{Draft, Source, Target, placeholder::field, reference::Reference};
use crate::import::Imported;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A field of a spec that names other entities.
struct Field {
    /// The kinds that have it; empty: all.
    kinds: &'static [&'static str],
    name: &'static str,
    /// The kind that is meant where a reference names none.
    default: &'static str,
    /// The field of the other side that it is the other word for.
    other_side: Option<&'static str>,
}

const fn own(kinds: &'static [&'static str], name: &'static str, default: &'static str) -> Field {
    Field {
        kinds,
        name,
        default,
        other_side: None,
    }
}

const fn other(kind: &'static [&'static str], name: &'static str, default: &'static str, side: &'static str) -> Field {
    Field {
        kinds: kind,
        name,
        default,
        other_side: Some(side),
    }
}

/// As in Backstage's `BuiltinKindsEntityProcessor`, and `owner` for an organisation's own kinds too.
const FIELDS: [Field; 13] = [
    own(&[], "owner", "group"),
    own(&["component", "api", "resource"], "system", "system"),
    own(&["component"], "subcomponentOf", "component"),
    own(&["component"], "providesApis", "api"),
    own(&["component"], "consumesApis", "api"),
    own(&["component", "resource"], "dependsOn", "component"),
    other(&["component", "resource"], "dependencyOf", "component", "dependsOn"),
    own(&["system"], "domain", "domain"),
    own(&["domain"], "subdomainOf", "domain"),
    own(&["user"], "memberOf", "group"),
    own(&["group"], "parent", "group"),
    other(&["group"], "children", "group", "parent"),
    other(&["group"], "members", "user", "memberOf"),
];

/// Kinds without an owner.
const OWNERLESS: [&str; 3] = ["group", "user", "location"];

/// One thing that a spec says of another entity.
pub(super) struct Word {
    /// Whose spec has to hold it.
    from: Reference,
    field: &'static str,
    to: Reference,
    /// Who says it, and where.
    speaker: Reference,
    file: String,
    line: Option<u32>,
    what: String,
}

/// What a spec says, and the fields that are said whole.
pub(super) struct Said {
    pub(super) words: Vec<Word>,
    pub(super) whole: BTreeSet<String>,
}

/// The relation that a field is stored as, by the kind that it points to, and whether it may have several targets.
fn relation(field: &str, target: &str) -> Option<(String, bool)> {
    let (name, many) = match (field, target) {
        ("owner", "group") => ("owner", false),
        ("owner", "user") => ("ownedByUser", false),
        ("system", "system")
        | ("domain", "domain")
        | ("subcomponentOf", "component")
        | ("subdomainOf", "domain")
        | ("parent", "group") => (field, false),
        ("providesApis" | "consumesApis", "api") | ("memberOf", "group") => (field, true),
        ("dependsOn", kind) => return Some((depends_on(kind), true)),
        _ => return None,
    };
    Some((name.to_owned(), many))
}

/// `dependsOnComponents`, `dependsOnApis`.
pub(super) fn depends_on(kind: &str) -> String {
    let mut letters = kind.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("dependsOn{first}{}s", letters.as_str())
}

/// Reads the fields of a spec that name other entities. A field of which something is not carried stays in the spec too.
pub(super) fn said(speaker: &Reference, spec: &Map<String, Value>, source: &Source, out: &mut Imported) -> Said {
    let mut said = Said {
        words: Vec::new(),
        whole: BTreeSet::new(),
    };
    let of_kind = |field: &&Field| match field.kinds {
        [] => !OWNERLESS.contains(&speaker.kind.as_str()),
        kinds => kinds.contains(&speaker.kind.as_str()),
    };
    for Field {
        name,
        default,
        other_side,
        ..
    } in FIELDS.iter().filter(of_kind)
    {
        let Some(value) = spec.get(*name).filter(|value| !value.is_null()) else {
            continue;
        };
        let (several, base) = match value {
            Value::Array(all) => (all.as_slice(), true),
            one => (std::slice::from_ref(one), false),
        };
        let mut whole = true;
        for (i, value) in several.iter().enumerate() {
            let pointer = if base {
                format!("/spec/{name}/{i}")
            } else {
                format!("/spec/{name}")
            };
            let line = source.document.position(&pointer).map(|at| at.line);
            let what = format!("{speaker}: {}", field(&pointer));
            let Some(target) = Reference::read(value, default, &speaker.namespace) else {
                let why = format!(
                    "expected a reference, such as `{default}:{}/name`, found {}; it stays in `spec`",
                    speaker.namespace,
                    crate::document::show(value)
                );
                out.left((&source.file, line), what, why);
                whole = false;
                continue;
            };
            let (from, field, to) = match other_side {
                None => (speaker.clone(), *name, target),
                Some(side) => (target, *side, speaker.clone()),
            };
            if relation(field, &to.kind).is_none() {
                let why = format!(
                    "`{name}` names a {}, which Backstage has no relation for; it stays in `spec`",
                    to.kind
                );
                out.left((&source.file, line), what, why);
                whole = false;
                continue;
            }
            // A word for the other side is kept in the spec as well, until it is known that the other side is there.
            whole &= other_side.is_none();
            said.words.push(Word {
                from,
                field,
                to,
                speaker: speaker.clone(),
                file: source.file.clone(),
                line,
                what,
            });
        }
        if whole {
            said.whole.insert((*name).to_owned());
        }
    }
    said
}

/// Puts what was said where it is stored: an entity's own words first.
pub(super) fn place(drafts: &mut BTreeMap<Reference, Draft>, words: Vec<Word>, out: &mut Imported) {
    let (own, others): (Vec<_>, Vec<_>) = words.into_iter().partition(|word| word.from == word.speaker);
    let mut kept_back: BTreeSet<(Reference, &str)> = BTreeSet::new();
    let mut carried: Vec<(Reference, &str)> = Vec::new();
    for word in own.into_iter().chain(others) {
        let is_own = word.from == word.speaker;
        let said_as = match (word.field, is_own) {
            ("dependsOn", false) => "dependencyOf",
            ("parent", false) => "children",
            ("memberOf", false) => "members",
            (field, _) => field,
        };
        match put(drafts, &word) {
            Ok(()) if is_own => {}
            Ok(()) => carried.push((word.speaker.clone(), said_as)),
            Err(why) => {
                kept_back.insert((word.speaker.clone(), said_as));
                out.left((&word.file, word.line), word.what, why);
            }
        }
    }
    // What was carried whole need not stay in the spec.
    for (speaker, field) in carried {
        if !kept_back.contains(&(speaker.clone(), field))
            && let Some(draft) = drafts.get_mut(&speaker)
        {
            draft.rest.remove(field);
        }
    }
}

fn put(drafts: &mut BTreeMap<Reference, Draft>, word: &Word) -> Result<(), String> {
    let Some((name, many)) = relation(word.field, &word.to.kind) else {
        return Err("Backstage has no such relation".to_owned());
    };
    let Some(draft) = drafts.get_mut(&word.from) else {
        return Err(format!(
            "it is stored with {}, which is not in the folder; it stays in `spec`. Import the two together",
            word.from
        ));
    };
    let identifier = word.to.identifier();
    let target = draft.relations.entry(name).or_insert_with(|| Target {
        kind: word.to.kind.clone(),
        many,
        identifiers: Vec::new(),
    });
    if target.identifiers.contains(&identifier) {
        return Ok(());
    }
    if !many && let Some(first) = target.identifiers.first() {
        return Err(format!(
            "{} has one {} and names `{first}` itself; it stays in `spec`",
            word.from, word.field
        ));
    }
    target.identifiers.push(identifier);
    Ok(())
}
