//! A plugin's folder: manifest, blueprints and mapping, read before anything is built.

use crate::{
    definitions,
    error::{At as _, BuildError},
};
use seawall_domain::{
    Blueprint,
    blueprint::{BlueprintError, CompiledBlueprint},
    document::{Document, Problem},
    manifest::{self, Manifest, Role},
    mapping::Mapping,
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What travels inside the component beside the code.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) blueprints: Vec<Blueprint>,
    pub(crate) mapping: Option<Value>,
    /// What may be meant, and is worth a word.
    pub(crate) notes: Vec<String>,
}

/// Reads them, or answers every mistake of the first file that has any.
pub(crate) fn read(folder: &Path) -> Result<Project, BuildError> {
    let folder = fs::canonicalize(folder).at("find", folder)?;
    let file = folder.join(manifest::FILE);
    let text = text_of(&file)?;
    let manifest = manifest::parse(&shown(&file), &text).map_err(|e| BuildError::Invalid(e.to_string()))?;
    let problems = definitions::config(&manifest.config);
    if !problems.is_empty() {
        let document = Document::parse(&shown(&file), &text).map_err(|e| BuildError::Invalid(e.to_string()))?;
        return invalid(&document, problems);
    }
    let described = optional(&folder, "blueprints")?;
    let blueprints = described.as_ref().map(blueprints).transpose()?;
    let own = described.as_ref().and_then(|text| text.document.value().as_array());
    let mapping = optional(&folder, "mapping")?
        .map(|d| mapping(&d, &manifest, own.map_or(&[][..], Vec::as_slice)))
        .transpose()?;
    let lists = manifest
        .roles
        .iter()
        .any(|role| matches!(role, Role::Ingestor | Role::Webhook));
    if lists && mapping.is_none() {
        return Err(BuildError::Invalid(format!(
            "{}: there is no mapping.yaml beside it; a plugin that lists items needs one, such as\n{EXAMPLE}",
            shown(&file)
        )));
    }
    let notes = unmapped(&manifest, mapping.as_ref());
    Ok(Project {
        folder,
        manifest,
        blueprints: blueprints.unwrap_or_default(),
        mapping,
        notes,
    })
}

/// Kinds of which nothing comes until an operator's mapping names them.
fn unmapped(manifest: &Manifest, mapping: Option<&Value>) -> Vec<String> {
    let Some(resources) = mapping.and_then(|mapping| mapping["resources"].as_array()) else {
        return Vec::new();
    };
    let kinds = manifest.kinds.keys().map(|kind| kind.as_str());
    let mapped = |kind: &&str| resources.iter().any(|resource| resource["kind"] == *kind);
    kinds
        .filter(|kind| !mapped(kind))
        .map(|kind| format!("note: the kind `{kind}` is not in the mapping: its items are not asked for"))
        .collect()
}

const EXAMPLE: &str = "  resources:
    - kind: service
      selector: {query: \"true\"}
      port:
        entity:
          mappings: {identifier: .id, title: .name, blueprint: '\"service\"', properties: {}}";

/// A file as text and as a document with places.
struct Text {
    file: String,
    text: String,
    document: Document,
}

/// `NAME.yaml`, `NAME.yml` or `NAME.json`.
fn optional(folder: &Path, name: &str) -> Result<Option<Text>, BuildError> {
    let files = ["yaml", "yml", "json"].map(|extension| folder.join(format!("{name}.{extension}")));
    let Some(file) = files.into_iter().find(|file| file.is_file()) else {
        return Ok(None);
    };
    let text = text_of(&file)?;
    let file = shown(&file);
    let document = Document::parse(&file, &text).map_err(|e| BuildError::Invalid(e.to_string()))?;
    Ok(Some(Text { file, text, document }))
}

/// A file that is UTF-8, or the line where it is not.
fn text_of(file: &Path) -> Result<String, BuildError> {
    let bytes = fs::read(file).at("read", file)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = good.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&good[start..]).chars().count() + 1;
        BuildError::Invalid(format!(
            "{}:{line}:{column}: expected text in UTF-8, found the byte 0x{:02x}; save the file as UTF-8",
            shown(file),
            error.as_bytes()[good.len()]
        ))
    })
}

fn blueprints(Text { document, .. }: &Text) -> Result<Vec<Blueprint>, BuildError> {
    let Value::Array(list) = document.value() else {
        let problem = Problem::new("", "a list of blueprints", "something else");
        return invalid(
            document,
            vec![problem.example("- {identifier: service, schema: {properties: {}}}")],
        );
    };
    let problems = definitions::blueprints(list);
    if !problems.is_empty() {
        return invalid(document, problems);
    }
    let (mut read, mut problems) = (Vec::new(), Vec::new());
    for (i, value) in list.iter().enumerate() {
        match serde_json::from_value::<Blueprint>(value.clone()) {
            Ok(blueprint) => {
                problems.extend(CompiledBlueprint::new(blueprint.clone()).err().map(|e| unusable(i, &e)));
                read.push(blueprint);
            }
            Err(error) => problems.push(
                Problem::new(format!("/{i}"), "a blueprint", error.to_string())
                    .example("{identifier: service, schema: {properties: {tier: {type: string}}}, relations: {}}"),
            ),
        }
    }
    if problems.is_empty() {
        Ok(read)
    } else {
        invalid(document, problems)
    }
}

/// What would be refused when the plugin is put to work.
fn unusable(i: usize, error: &BlueprintError) -> Problem {
    let pointer = match error {
        BlueprintError::Property { property, field, .. } => {
            let property = property.replace('~', "~0").replace('/', "~1");
            let at = format!("/{i}/schema/properties/{property}");
            if field.is_empty() { at } else { format!("{at}/{field}") }
        }
        BlueprintError::Required { .. } => format!("/{i}/schema/required"),
    };
    Problem::new(pointer, "a blueprint whose schema can be checked", error.to_string()).example(definitions::PROPERTY)
}

/// The mapping as it stands, once its expressions compile and its kinds are the plugin's.
fn mapping(
    Text { file, text, document }: &Text,
    manifest: &Manifest,
    blueprints: &[Value],
) -> Result<Value, BuildError> {
    let value = document.value();
    let Some(resources) = value["resources"].as_array() else {
        let problem = Problem::new("", "a mapping with a list `resources`", "none");
        return invalid(document, vec![problem.example(format!("\n{EXAMPLE}"))]);
    };
    Mapping::parse(file, text).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        BuildError::Invalid(lines.join("\n"))
    })?;
    let kinds = || manifest.kinds.keys().map(|kind| kind.as_str());
    let mut problems = definitions::mapping(resources, blueprints);
    for (i, resource) in resources.iter().enumerate() {
        let kind = resource["kind"].as_str().unwrap_or_default();
        if !kinds().any(|known| known == kind) {
            let expected = format!("one of plugin.yaml's kinds: {}", kinds().collect::<Vec<_>>().join(", "));
            let problem = Problem::new(format!("/resources/{i}/kind"), expected, format!("`{kind}`"));
            problems.push(problem.meant(kind, kinds()));
        }
    }
    if problems.is_empty() {
        Ok(value.clone())
    } else {
        invalid(document, problems)
    }
}

fn invalid<T>(document: &Document, problems: Vec<Problem>) -> Result<T, BuildError> {
    Err(BuildError::Invalid(document.locate(problems).to_string()))
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn refused(files: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let manifest = "name: a\nversion: 1.0.0\nroles: [ingestor]\nkinds: {service: {}}\n";
        for (name, text) in [("plugin.yaml", manifest)].iter().chain(files) {
            fs::write(folder.path().join(name), text).unwrap();
        }
        read(folder.path()).unwrap_err().to_string()
    }

    const MAPPING: &str =
        "resources:\n- kind: service\n  port: {entity: {mappings: {identifier: .id, blueprint: '\"a\"'}}}\n";
    const BLUEPRINT: &str = "- identifier: a\n  schema:\n    properties:\n      tier: {type: string}\n";

    #[test]
    fn definitions_that_do_not_fit_are_named_with_their_place() {
        let blueprint = |rest: &str| format!("- identifier: a\n  {rest}\n");
        let property = |rest: &str| blueprint(&format!("schema:\n    properties:\n      tier: {{{rest}}}"));
        let mapping = |rest: &str| {
            format!(
                "resources:\n- kind: service\n  port:\n    entity:\n      mappings:\n        identifier: .id\n        {rest}\n"
            )
        };
        let of_a = |rest: &str| mapping(&format!("blueprint: '\"a\"'\n        {rest}"));
        for (file, text, place, words) in [
            ("blueprints.yaml", property("type: text"), "4:20", "one of string, number, boolean, object, array"),
            ("blueprints.yaml", property("type: strin"), "4:20", "did you mean `string`"),
            ("blueprints.yaml", property("type: string, enum: x"), "4:34", "a list of the values"),
            ("blueprints.yaml", property("type: string, default: 5"), "4:37", "a default of the property's type, string"),
            ("blueprints.yaml", property("type: string, enum: [b], default: c"), "4:48", "a default that `enum` allows"),
            ("blueprints.yaml", format!("{BLUEPRINT}{BLUEPRINT}"), "5:15", "`a` a second time"),
            ("blueprints.yaml", blueprint("relations: {team: {many: true}}"), "2:21", "relation `team`"),
            ("blueprints.yaml", blueprint("relations: {team: {target: b, many: \"yes\"}}"), "2:39", "true or false (relation `team`)"),
            ("mapping.yaml", mapping("blueprint: '\"aa\"'"), "7:20", "one of the plugin's blueprints: a, found `aa`"),
            ("mapping.yaml", of_a("properties: {teir: .tier}"), "8:22", "did you mean `tier`"),
            ("mapping.yaml", of_a("relations: {owner: .o}"), "8:21", "`a` has no relations"),
            ("mapping.yaml", of_a("title: 5"), "8:16", "a jq expression"),
            (
                "plugin.yaml",
                "name: a\nversion: 1.0.0\nroles: [ingestor]\nkinds: {service: {}}\nconfig:\n  type: object\n  properties: {base_url: {type: string}}\n  required: [base_urll]\n".to_owned(),
                "8:14",
                "did you mean `base_url`",
            ),
        ] {
            let files = [("blueprints.yaml", BLUEPRINT), ("mapping.yaml", MAPPING), (file, text.as_str())];
            let said = refused(&files);
            assert!(said.contains(&format!("{file}:{place}:")), "expected {place} in: {said}");
            assert!(said.contains(words), "expected `{words}` in: {said}");
        }
        let without = refused(&[("mapping.yaml", MAPPING)]);
        assert!(without.contains("blueprints.yaml, which it does not have"), "{without}");
    }

    #[test]
    fn a_file_that_is_no_utf8_is_named_with_the_line() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plugin.yaml"), b"name: a\ntitle: caf\xe9\n").unwrap();
        let said = read(folder.path()).unwrap_err().to_string();
        assert!(
            said.contains("plugin.yaml:2:11: expected text in UTF-8, found the byte 0xe9"),
            "{said}"
        );
    }

    #[test]
    fn a_plugin_that_lists_items_needs_a_mapping() {
        let words = refused(&[]);
        assert!(
            words.contains("no mapping.yaml") && words.contains("resources:"),
            "{words}"
        );
    }

    #[test]
    fn an_expression_that_does_not_compile_is_named_with_its_place() {
        let mapping = "resources:\n  - kind: service\n    selector: {query: 'true'}\n    port:\n      entity:\n        mappings:\n          \
                       identifier: .id |\n          blueprint: '\"a\"'\n";
        let words = refused(&[("mapping.yaml", mapping)]);
        assert!(
            words.contains("mapping.yaml:7:") && words.contains("identifier"),
            "{words}"
        );
    }

    #[test]
    fn a_kind_that_the_manifest_lacks_is_named_with_its_place() {
        let words = refused(&[(
            "mapping.yaml",
            "resources:\n  - kind: servcie\n    selector: {query: 'true'}\n    port: {entity: {mappings: {identifier: .id, blueprint: '\"a\"'}}}\n",
        )]);
        assert!(words.contains("mapping.yaml:2:"), "{words}");
        assert!(words.contains("`servcie`") && words.contains("service"), "{words}");
    }

    #[test]
    fn a_wrong_blueprint_is_named_with_its_place() {
        let words = refused(&[
            ("mapping.yaml", "resources: []\n"),
            ("blueprints.yaml", "- identifier: a\n- title: no identifier\n"),
        ]);
        assert!(
            words.contains("blueprints.yaml:2:") && words.contains("identifier"),
            "{words}"
        );
        let schema = "- identifier: a\n  schema:\n    properties: {tier: {type: string}}\n    required: [teir]\n";
        let words = refused(&[("mapping.yaml", "resources: []\n"), ("blueprints.yaml", schema)]);
        assert!(
            words.contains("blueprints.yaml:4:") && words.contains("did you mean `tier`"),
            "{words}"
        );
        let words = refused(&[("mapping.yaml", "resources: []\n"), ("blueprints.json", "{\"a\": 1}")]);
        assert!(
            words.contains("blueprints.json") && words.contains("a list of blueprints"),
            "{words}"
        );
    }
}
