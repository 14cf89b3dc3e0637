//! `$text`, `$json` and `$yaml`: a value that stands in another file.

use super::{Options, Source};
use crate::{
    document::Document,
    folder::{self, Files},
    import::Imported,
    text::cut,
};
use serde_json::Value;

/// The most bytes of a file that is pulled in: an entity travels whole in one request.
const MOST: usize = 1 << 20;

/// What stands for a value: the words, and how the file is read.
const WORDS: [(&str, Reading); 5] = [
    ("$text", Reading::Text),
    ("$json", Reading::Parsed),
    ("$yaml", Reading::Parsed),
    // These two of Backstage's plugins put references in other files together; what stands in this one is taken.
    ("$openapi", Reading::Text),
    ("$asyncapi", Reading::Text),
];

#[derive(Clone, Copy, PartialEq)]
enum Reading {
    Text,
    Parsed,
}

/// Puts the files' contents into `value`. What cannot be had becomes null, with a note.
pub(super) fn fill(files: &dyn Files, options: &Options, source: &Source, value: &mut Value, out: &mut Imported) {
    walk(files, options, source, value, &mut String::new(), out);
}

fn walk(
    files: &dyn Files,
    options: &Options,
    source: &Source,
    value: &mut Value,
    pointer: &mut String,
    out: &mut Imported,
) {
    let base = pointer.len();
    match value {
        Value::Object(map) => {
            if let Some((reading, target)) = placeholder(map) {
                let target = target.to_owned();
                *value = pulled(files, options, source, reading, &target, pointer, out).unwrap_or_default();
                return;
            }
            for (name, inner) in map.iter_mut() {
                crate::document::push(pointer, name);
                walk(files, options, source, inner, pointer, out);
                pointer.truncate(base);
            }
        }
        Value::Array(all) => {
            for (i, inner) in all.iter_mut().enumerate() {
                crate::document::push(pointer, &i.to_string());
                walk(files, options, source, inner, pointer, out);
                pointer.truncate(base);
            }
        }
        _ => {}
    }
}

/// An object that stands for a value has one field, whose name says so.
fn placeholder(map: &serde_json::Map<String, Value>) -> Option<(Reading, &str)> {
    let (name, target) = map.iter().next().filter(|_| map.len() == 1)?;
    let (_, reading) = WORDS.iter().find(|(word, _)| word == name)?;
    Some((*reading, target.as_str()?))
}

fn pulled(
    files: &dyn Files,
    options: &Options,
    source: &Source,
    reading: Reading,
    target: &str,
    pointer: &str,
    out: &mut Imported,
) -> Option<Value> {
    let place = (
        source.file.as_str(),
        source.document.position(pointer).map(|at| at.line),
    );
    let what = format!("{} (`{}`)", field(pointer), cut(target, 200));
    let path = if target.contains("://") {
        let within = options.checkout.iter().flat_map(|checkout| checkout.paths(target));
        match within.into_iter().find(|path| files.has(path)) {
            Some(path) => path,
            None => {
                let why =
                    "an address elsewhere: nothing is fetched; put the file beside this one and name it by its path";
                out.left(place, what, why);
                return None;
            }
        }
    } else if target.starts_with('/') {
        out.wrong(
            place,
            what,
            "expected a path that is relative to this file, such as `./openapi.yaml`",
        );
        return None;
    } else {
        match folder::resolve(folder::parent(&source.file), target) {
            Some(path) => path,
            None => {
                out.wrong(
                    place,
                    what,
                    "it leads out of the folder, so it is not read; import the folder that holds both",
                );
                return None;
            }
        }
    };
    let text = match files.read(&path) {
        Ok(text) => text,
        Err(why) => {
            out.wrong(place, what, why);
            return None;
        }
    };
    if text.len() > MOST {
        let why = format!("the file has {} bytes, and {MOST} are taken at most", text.len());
        out.left(place, what, why);
        return None;
    }
    if reading == Reading::Text {
        return Some(text.into());
    }
    match Document::parse(&path, &text) {
        Ok(document) => Some(document.value().clone()),
        Err(problems) => {
            out.wrong(place, what, problems.to_string());
            None
        }
    }
}

/// `/spec/definition` as people write it.
pub(super) fn field(pointer: &str) -> String {
    let names: Vec<_> = pointer
        .split('/')
        .skip(1)
        .map(|name| name.replace("~1", "/").replace("~0", "~"))
        .collect();
    names.join(".")
}
