//! `seawall plugin inspect`.

use crate::cli::{
    Global, args,
    error::{CliError, Result},
    grant,
    output::{at, fields, grid, plain},
};
use seawall_domain::{
    Digest,
    bundle::{self, Bundle, Wasi},
};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Shows what a plugin is and asks for, without running it: digest, roles, imports, exports, network, files, credentials,
/// kinds, operations and rules. Exit code 1 where this host would refuse it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin inspect dist/unleash.wasm
  seawall plugin inspect dist/unleash.wasm -o json | jq '.manifest.capabilities.network'")]
pub(crate) struct Inspect {
    /// The component
    file: PathBuf,
    #[command(flatten)]
    wasi: args::Wasi,
}

impl Inspect {
    pub(super) fn run(self, global: &Global) -> Result {
        let bytes = super::read(&self.file)?;
        let wrong = |e: bundle::BundleError| CliError::Usage(format!("{}: {e}", self.file.display()));
        let world = bundle::world(&bytes).map_err(wrong)?;
        let bundle = Bundle::extract(&bytes).map_err(wrong)?;
        let checked = bundle::check_imports(&world.imports, self.wasi.wasi_0_3);
        let mut refused: Vec<String> = checked.err().iter().flatten().map(ToString::to_string).collect();
        refused.extend(bundle.check_roles(&world.exports).err().map(|e| e.to_string()));
        let answer = json!({
            "digest": Digest::of(&bytes),
            "size": bytes.len(),
            "manifest": bundle.manifest,
            "wasi": Wasi::of(&world.imports).into_iter().map(Wasi::line).collect::<Vec<_>>(),
            "imports": world.imports,
            "exports": world.exports,
            "blueprints": bundle.blueprints.iter().map(|blueprint| &blueprint.identifier).collect::<Vec<_>>(),
            "refused": refused,
        });
        global.output().one(&answer, people)?;
        if refused.is_empty() {
            Ok(())
        } else {
            Err(CliError::Failed(format!(
                "this host would refuse it: {}",
                refused.join("; ")
            )))
        }
    }
}

fn people(answer: &Value) -> String {
    let manifest = &answer["manifest"];
    let lines = |name: &str| {
        let all = answer[name].as_array().into_iter().flatten().map(plain);
        all.collect::<Vec<_>>().join("\n")
    };
    let mut parts = vec![fields(&[
        (
            "plugin",
            format!("{} {}", at(manifest, "/name"), at(manifest, "/version")),
        ),
        ("title", at(manifest, "/title")),
        ("description", at(manifest, "/description")),
        ("licence", at(manifest, "/license")),
        ("digest", at(answer, "/digest")),
        ("size", format!("{} bytes", at(answer, "/size"))),
        ("roles", at(manifest, "/roles")),
        ("blueprints", at(answer, "/blueprints")),
        ("wasi", wasi(&answer["wasi"])),
        ("exports", lines("exports")),
        ("imports", lines("imports")),
    ])];
    let mut asked = manifest["capabilities"].clone();
    asked["credentials"] = manifest["credentials"].clone();
    parts.extend(grant::asks(&asked, None));
    if asked["catalog"] == true {
        parts.push("It asks to read the catalog.".to_owned());
    }
    parts.extend(config(&manifest["config"]));
    parts.extend(section(&manifest["kinds"], "KIND", |kind| {
        let flags = ["strict", "live"].into_iter().filter(|flag| kind[*flag] == true);
        flags.collect::<Vec<_>>().join(", ")
    }));
    parts.extend(section(&manifest["operations"], "OPERATION", |operation| {
        let on = operation["target"]
            .as_str()
            .map(|target| format!("on {target}: "))
            .unwrap_or_default();
        format!("{on}{}", names(&operation["inputs"]))
    }));
    parts.extend(section(&manifest["rules"], "RULE", |rule| {
        let of = rule["blueprint"]
            .as_str()
            .map(|blueprint| format!("of {blueprint}: "))
            .unwrap_or_default();
        format!("{of}{}", names(&rule["params"]))
    }));
    parts.join("\n\n")
}

fn wasi(levels: &Value) -> String {
    match plain(levels) {
        none if none.is_empty() => "none".to_owned(),
        levels => levels,
    }
}

/// A table of one of the manifest's maps: its name, what `more` says, and its title or description.
fn section(map: &Value, heading: &str, more: impl Fn(&Value) -> String) -> Option<String> {
    let map = map.as_object().filter(|map| !map.is_empty())?;
    let rows = map.iter().map(|(name, value)| {
        let about = [at(value, "/title"), at(value, "/description")];
        let about: Vec<_> = about.into_iter().filter(|text| !text.is_empty()).collect();
        vec![name.clone(), more(value), about.join(": ")]
    });
    Some(grid(vec![heading.to_owned(), String::new(), "ABOUT".to_owned()], rows))
}

/// The properties of a JSON Schema; those that are required have a star.
fn names(schema: &Value) -> String {
    let required = schema["required"].as_array();
    let star = |name: &String| {
        if required.is_some_and(|all| all.iter().any(|r| r == name.as_str())) {
            "*"
        } else {
            ""
        }
    };
    let all = schema["properties"].as_object().into_iter().flatten();
    all.map(|(name, of)| format!("{name}{} {}", star(name), plain(&of["type"])))
        .collect::<Vec<_>>()
        .join(", ")
}

fn config(schema: &Value) -> Option<String> {
    let properties = schema["properties"].as_object().filter(|all| !all.is_empty())?;
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let rows = properties.iter().map(|(name, of)| {
        let need = if required.iter().any(|r| r == name.as_str()) {
            "required"
        } else {
            "optional"
        };
        let example = of["examples"][0].clone();
        let example = if example.is_null() {
            plain(&of["default"])
        } else {
            plain(&example)
        };
        vec![
            name.clone(),
            plain(&of["type"]),
            need.to_owned(),
            example,
            at(of, "/title"),
        ]
    });
    Some(grid(
        ["CONFIG", "TYPE", "NEED", "EXAMPLE", "ABOUT"]
            .map(str::to_owned)
            .to_vec(),
        rows,
    ))
}
