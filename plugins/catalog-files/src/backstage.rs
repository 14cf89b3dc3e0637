//! Backstage's entities, with the relations that Backstage itself derives from their specs
//! (`BuiltinKindsEntityProcessor` of its catalog).

use crate::{
    documents::{self, Document, Interest, Problem},
    glob::Patterns,
    pages::{File, Item},
    reference, walk,
};
use seawall_sdk::prelude::*;
use std::collections::BTreeMap;

/// Fields of the spec that name other entities: the kinds that have it, the field, the relation, and the kind that is
/// meant where the reference names none.
const RELATIONS: &[(&[&str], &str, &str, &str)] = &[
    (
        &["component", "api", "resource", "system", "domain", "template"],
        "owner",
        "ownedBy",
        "group",
    ),
    (&["component", "api", "resource"], "system", "partOf", "system"),
    (&["component"], "subcomponentOf", "partOf", "component"),
    (&["component"], "providesApis", "providesApi", "api"),
    (&["component"], "consumesApis", "consumesApi", "api"),
    (&["component", "resource"], "dependsOn", "dependsOn", "component"),
    (&["component", "resource"], "dependencyOf", "dependencyOf", "component"),
    (&["system"], "domain", "partOf", "domain"),
    (&["domain"], "subdomainOf", "partOf", "domain"),
    (&["user"], "memberOf", "memberOf", "group"),
    (&["group"], "parent", "childOf", "group"),
    (&["group"], "children", "parentOf", "group"),
    (&["group"], "members", "hasMember", "user"),
];

/// The files to read: those whose name says so, those that the config names, and those that a Location of these names.
pub fn select(root: &str, files: &[String], named: &Patterns, exclude: &Patterns) -> Vec<File> {
    let by_name = Patterns::new(&["**/*catalog-info*.yaml", "**/*catalog-info*.yml"]);
    let chosen = files.iter().filter(|file| by_name.matches(file) || named.matches(file));
    let mut selected: BTreeMap<String, bool> = chosen.map(|file| (file.clone(), by_name.matches(file))).collect();
    let mut unread: Vec<String> = selected.keys().cloned().collect();
    while let Some(file) = unread.pop() {
        for target in targets(root, &file) {
            if files.binary_search(&target).is_ok() {
                if !exclude.matches(&target) && !selected.contains_key(&target) {
                    selected.insert(target.clone(), false);
                    unread.push(target);
                }
            } else {
                log::warn(format!("{file}: a Location names {target}, which is not there"));
            }
        }
    }
    selected
        .into_iter()
        .map(|(path, strict)| File { path, strict })
        .collect()
}

/// The files of the directory that a file's Locations name.
fn targets(root: &str, file: &str) -> Vec<String> {
    let may_be_one = |text: &str| {
        if text.contains("ocation") {
            Interest::Some
        } else {
            Interest::None
        }
    };
    let documents = documents::read(root, file, may_be_one).into_iter().flatten();
    let locations = documents.filter(|document| {
        let kind = document.value["kind"].as_str().unwrap_or_default();
        kind.eq_ignore_ascii_case("location") && is_backstage(&document.value)
    });
    let mut files = Vec::new();
    for Document { value, .. } in locations {
        let spec = &value["spec"];
        let several = spec["targets"].as_array().into_iter().flatten();
        let all = several
            .chain(std::iter::once(&spec["target"]))
            .filter_map(Value::as_str);
        // What is elsewhere is another integration's.
        let here = all.filter(|target| !target.contains("://") && !target.starts_with('/') && !target.contains('*'));
        files.extend(here.filter_map(|target| resolve(walk::folder(file), target)));
    }
    files
}

/// A relative path as one below the directory; `None` where it leads out.
fn resolve(folder: &str, target: &str) -> Option<String> {
    let mut names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

fn is_backstage(value: &Value) -> bool {
    value["apiVersion"]
        .as_str()
        .is_some_and(|version| version.contains("backstage.io/"))
}

/// The entities of a file.
pub fn items(file: &File, documents: &[Document], _folder: &[Document]) -> Vec<Result<Item, Problem>> {
    let ours = documents
        .iter()
        .filter(|document| file.strict || is_backstage(&document.value));
    ours.map(item).collect()
}

fn item(document: &Document) -> Result<Item, Problem> {
    let Document { line, value } = document;
    let text = |value: &Value| {
        value
            .as_str()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let lacks = |field: &str, example: &str| Problem {
        line: *line,
        message: format!("the document is passed over: it has no `{field}`, such as `{example}`"),
        hides: false,
    };
    let kind = text(&value["kind"]).ok_or_else(|| lacks("kind", "kind: Component"))?;
    let metadata = &value["metadata"];
    let name = text(&metadata["name"]).ok_or_else(|| lacks("metadata.name", "metadata: {name: checkout}"))?;
    let namespace = text(&metadata["namespace"]).unwrap_or_else(|| "default".to_owned());
    let mut value = value.clone();
    value["relations"] = relations(&kind.to_lowercase(), &namespace, &value["spec"]);
    Ok(Item {
        reference: reference::make(&kind, &namespace, &name),
        line: *line,
        value,
    })
}

/// In the shape of Backstage's API: `[{"type": "ownedBy", "targetRef": "group:default/a"}]`.
fn relations(kind: &str, namespace: &str, spec: &Value) -> Value {
    let mut relations = Vec::new();
    for (kinds, field, relation, default_kind) in RELATIONS {
        if !kinds.contains(&kind) {
            continue;
        }
        let targets = match &spec[*field] {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        for target in targets.iter().filter_map(Value::as_str) {
            if let Some(target) = reference::complete(target, default_kind, namespace) {
                relations.push(json!({"type": relation, "targetRef": target}));
            }
        }
    }
    Value::Array(relations)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(yaml: &str) -> Result<Item, Problem> {
        let documents: Vec<Document> = documents::parse(yaml, |_| Interest::All)
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let file = File {
            path: "catalog-info.yaml".to_owned(),
            strict: true,
        };
        items(&file, &documents, &[]).remove(0)
    }

    #[test]
    fn references_are_filled_in_as_backstage_does() {
        let item = entity(
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: Web, namespace: Shop}\nspec:\n  owner: a\n  \
             system: other/s\n  providesApis: [p]\n  dependsOn: ['Resource:db', 'component:default/x']\n",
        )
        .unwrap();
        assert_eq!(item.reference, "component:shop/web");
        let expected = json!([
            {"type": "ownedBy", "targetRef": "group:shop/a"},
            {"type": "partOf", "targetRef": "system:other/s"},
            {"type": "providesApi", "targetRef": "api:shop/p"},
            {"type": "dependsOn", "targetRef": "resource:shop/db"},
            {"type": "dependsOn", "targetRef": "component:default/x"},
        ]);
        assert_eq!(item.value["relations"], expected);
    }

    #[test]
    fn a_document_without_a_name_is_reported() {
        let problem = entity("kind: Component\nmetadata: {}\n").unwrap_err();
        assert!(problem.message.contains("metadata.name"), "{problem:?}");
    }

    #[test]
    fn targets_stay_inside() {
        assert_eq!(resolve("a/b", "./../c.yaml").as_deref(), Some("a/c.yaml"));
        assert_eq!(resolve("a", "../../c.yaml"), None);
    }
}
