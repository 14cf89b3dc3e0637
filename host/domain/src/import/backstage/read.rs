//! Which files of a folder hold entities: those whose name says so, those that hold a document of Backstage's, and those
//! that a Location names.

use super::{Options, Source, is_entity};
use crate::{
    document::stream,
    folder::{self, Files},
    import::{Imported, mistakes},
    text::cut,
};
use globset::GlobBuilder;
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};

/// Marks of templates (Nunjucks, as Backstage's scaffolder writes it): such a file becomes YAML when it is filled in.
const PLACEHOLDERS: [&str; 3] = ["${{", "{{", "{%"];

/// All documents that are entities, by file.
pub(super) fn sources(files: &dyn Files, options: &Options, out: &mut Imported) -> Vec<Source> {
    let yaml = |path: &&String| folder::has_extension(path, &["yaml", "yml"]);
    let by_name = |path: &str| folder::name(path).contains("catalog-info");
    // Those that are named are read first, so that a mistake in them is one whoever else holds entities.
    let mut waiting: VecDeque<(String, bool)> = files
        .paths()
        .iter()
        .filter(yaml)
        .map(|path| (path.clone(), by_name(path)))
        .collect();
    let mut named: BTreeSet<String> = waiting
        .iter()
        .filter(|(_, named)| *named)
        .map(|(p, _)| p.clone())
        .collect();
    let mut sources: Vec<Source> = Vec::new();
    let mut read = BTreeSet::new();
    while let Some((path, is_named)) = waiting.pop_front() {
        if !read.insert((path.clone(), is_named)) || (!is_named && named.contains(&path)) {
            continue;
        }
        // What was read for its content is read again, and taken whole, where a Location names it after all.
        sources.retain(|source| source.file != path);
        let found = of_file(files, &path, is_named, out);
        for source in found.iter().filter(|source| is_location(source.document.value())) {
            for target in targets(files, options, source, out) {
                if named.insert(target.clone()) {
                    waiting.push_back((target, true));
                }
            }
        }
        sources.extend(found);
    }
    sources.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    out.passed_over
        .retain(|path| !sources.iter().any(|source| source.file == *path));
    sources
}

fn is_location(value: &Value) -> bool {
    is_entity(value)
        && value["kind"]
            .as_str()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("location"))
}

fn of_file(files: &dyn Files, path: &str, named: bool, out: &mut Imported) -> Vec<Source> {
    let text = match files.read(path) {
        Ok(text) => text,
        Err(why) if named => {
            out.wrong((path, None), "the file", why);
            return Vec::new();
        }
        Err(why) => {
            out.left((path, None), "the file", why);
            return Vec::new();
        }
    };
    let says_so = |text: &str| {
        let mut lines = text.lines();
        lines.any(|line| line.trim_start().starts_with("apiVersion:") && line.contains("backstage.io/"))
    };
    if !named && !says_so(&text) {
        out.passed_over.push(path.to_owned());
        return Vec::new();
    }
    let template = PLACEHOLDERS.iter().any(|mark| text.contains(mark));
    let mut found = Vec::new();
    for part in stream(path, &text) {
        let document = match part {
            Ok(part) => part.document,
            Err(_) if template => {
                out.left(
                    (path, None),
                    "a document",
                    "a template's skeleton: it becomes YAML when it is filled in",
                );
                continue;
            }
            Err(problems) => {
                for (line, what, why) in mistakes(&problems) {
                    out.wrong((path, line), what, why);
                }
                continue;
            }
        };
        let value = document.value();
        let line = document.position("").map_or(1, |at| at.line);
        if is_entity(value) || (named && value["kind"].is_string() && value["metadata"].is_object()) {
            found.push(Source {
                file: path.to_owned(),
                line,
                document,
            });
        } else if named {
            let why = "it has no `kind` and `metadata`, so it is no entity";
            out.left((path, Some(line)), "a document", why);
        }
    }
    if found.is_empty() {
        out.passed_over.push(path.to_owned());
    }
    found
}

/// The files that a Location names.
fn targets(files: &dyn Files, options: &Options, location: &Source, out: &mut Imported) -> Vec<String> {
    let spec = &location.document.value()["spec"];
    let optional = spec["presence"] == "optional";
    let several = spec["targets"].as_array().into_iter().flatten().enumerate();
    let several = several.map(|(i, target)| (format!("/spec/targets/{i}"), target));
    let all = several.chain(spec.get("target").map(|target| ("/spec/target".to_owned(), target)));
    let mut found = Vec::new();
    for (pointer, target) in all {
        let place = (
            location.file.as_str(),
            location.document.position(&pointer).map(|at| at.line),
        );
        let Some(text) = target.as_str() else {
            out.wrong(
                place,
                "a Location's target",
                "expected a text, such as `./services/*.yaml`",
            );
            continue;
        };
        let what = || format!("target `{}`", cut(text, 200));
        if text.contains("://") {
            let within = options.checkout.iter().flat_map(|checkout| checkout.paths(text));
            match within.into_iter().find_map(|path| matching(files, &path)) {
                Some(more) => found.extend(more),
                None => out.left(
                    place,
                    what(),
                    "an address elsewhere: nothing is fetched; import a checkout of that repository too",
                ),
            }
            continue;
        }
        match folder::resolve(folder::parent(&location.file), text) {
            None => out.wrong(
                place,
                what(),
                "it leads out of the folder; import the folder that holds both",
            ),
            Some(path) => match matching(files, &path) {
                Some(more) => found.extend(more),
                None if optional => {}
                None => out.wrong(
                    place,
                    what(),
                    "no file of the folder fits it; mend the path, or say `presence: optional`",
                ),
            },
        }
    }
    found
}

/// The files that a path or pattern names; none where there is none.
fn matching(files: &dyn Files, pattern: &str) -> Option<Vec<String>> {
    if files.has(pattern) {
        return Some(vec![pattern.to_owned()]);
    }
    if !pattern.contains(['*', '?', '[', '{']) {
        return None;
    }
    let glob = GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .ok()?
        .compile_matcher();
    let found: Vec<_> = files
        .paths()
        .iter()
        .filter(|path| glob.is_match(path.as_str()))
        .cloned()
        .collect();
    (!found.is_empty()).then_some(found)
}
