//! A plugin's folder: manifest, blueprints and mapping, read before anything is built.

use crate::error::{At as _, BuildError};
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
}

/// Reads them, or answers every mistake of the first file that has any.
pub(crate) fn read(folder: &Path) -> Result<Project, BuildError> {
    let folder = fs::canonicalize(folder).at("find", folder)?;
    let file = folder.join(manifest::FILE);
    let text = fs::read_to_string(&file).at("read", &file)?;
    let manifest = manifest::parse(&shown(&file), &text).map_err(|e| BuildError::Invalid(e.to_string()))?;
    let blueprints = optional(&folder, "blueprints")?.map(|d| blueprints(&d)).transpose()?;
    let mapping = optional(&folder, "mapping")?
        .map(|d| mapping(&d, &manifest))
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
    Ok(Project {
        folder,
        manifest,
        blueprints: blueprints.unwrap_or_default(),
        mapping,
    })
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
    let text = fs::read_to_string(&file).at("read", &file)?;
    let file = shown(&file);
    let document = Document::parse(&file, &text).map_err(|e| BuildError::Invalid(e.to_string()))?;
    Ok(Some(Text { file, text, document }))
}

fn blueprints(Text { document, .. }: &Text) -> Result<Vec<Blueprint>, BuildError> {
    let Value::Array(list) = document.value() else {
        let problem = Problem::new("", "a list of blueprints", "something else");
        return invalid(
            document,
            vec![problem.example("- {identifier: service, schema: {properties: {}}}")],
        );
    };
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
        BlueprintError::Property { property, .. } => {
            let property = property.replace('~', "~0").replace('/', "~1");
            format!("/{i}/schema/properties/{property}")
        }
        BlueprintError::Required { .. } => format!("/{i}/schema/required"),
    };
    Problem::new(pointer, "a blueprint whose schema can be checked", error.to_string())
        .example("{type: string, title: Tier}")
}

/// The mapping as it stands, once its expressions compile and its kinds are the plugin's.
fn mapping(Text { file, text, document }: &Text, manifest: &Manifest) -> Result<Value, BuildError> {
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
    let mut problems = Vec::new();
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
