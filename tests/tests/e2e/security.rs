//! SECURITY.md names a test for each promise: those tests are there, and no test of an attack is left out of it.

use std::{collections::BTreeMap, fs, path::Path};

/// Where the tests of this program are.
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e");
/// The folder of the whole project.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What the page names in its columns of tests, in order: a test with the crate that it is in, or none for one of these.
fn named(page: &str) -> Vec<(Option<&str>, &str)> {
    let (_, lines) = page.split_once("## The lines").unwrap();
    let (lines, _) = lines.split_once("## What is not promised").unwrap();
    let cells = lines
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").nth(1));
    cells
        .flat_map(|cell| {
            let quoted = cell.split('`').skip(1).step_by(2);
            let with_crate = quoted.scan(None, |within, name| {
                if let Some(of) = name.strip_prefix("seawall-") {
                    *within = Some(of);
                    return Some(None);
                }
                let is_test = !name.contains(' ') && (within.is_some() || name.contains("::"));
                Some(is_test.then_some((*within, name)))
            });
            with_crate.flatten().collect::<Vec<_>>()
        })
        .collect()
}

/// The functions of each file beside this one, by the file's name.
fn functions() -> BTreeMap<String, Vec<String>> {
    let files = fs::read_dir(HERE).unwrap().map(|file| file.unwrap().path());
    let of = |text: &str| -> Vec<String> {
        let behind = text.split("fn ").skip(1);
        behind
            .filter_map(|rest| Some(rest.split_once('(')?.0.to_owned()))
            .collect()
    };
    files
        .map(|file| {
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, of(&fs::read_to_string(file).unwrap()))
        })
        .collect()
}

/// Whether a name, whose end may be a `*`, means this.
fn means(name: &str, this: &str) -> bool {
    name.strip_suffix('*')
        .map_or(name == this, |start| this.starts_with(start))
}

/// Whether a crate has a test, a module or a file of this name.
fn has(of: &str, name: &str) -> bool {
    let folder = Path::new(ROOT).join("host").join(of);
    if name.ends_with(".rs") {
        return folder.join(name).is_file();
    }
    let Some((within, last)) = name.rsplit_once("::") else {
        let all = ["src", "tests"].map(|within| folder.join(within));
        return all.iter().any(|all| any(all, &format!("fn {name}(")));
    };
    let within = folder.join("src").join(within.replace("::", "/"));
    let declares = |file: &Path| fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("mod {last}")));
    declares(&within.with_extension("rs")) || declares(&within.join("mod.rs"))
}

/// Whether any source in a folder contains this.
fn any(folder: &Path, text: &str) -> bool {
    let files = fs::read_dir(folder).into_iter().flatten();
    files.map(|file| file.unwrap().path()).any(|file| {
        if file.is_dir() {
            any(&file, text)
        } else {
            fs::read_to_string(&file).is_ok_and(|source| source.contains(text))
        }
    })
}

#[test]
fn each_test_that_the_page_names_is_there_and_each_attack_is_on_it() {
    let page = fs::read_to_string(Path::new(ROOT).join("SECURITY.md")).unwrap();
    let (named, functions) = (named(&page), functions());
    let is_there = |of: Option<&str>, name: &str| match of {
        Some(of) => has(of, name),
        None => name.split_once("::").is_some_and(|(file, test)| {
            let all = functions.get(file);
            all.is_some_and(|all| all.iter().any(|function| means(test, function)))
        }),
    };
    let missing: Vec<_> = named.iter().filter(|(of, name)| !is_there(*of, name)).collect();
    assert!(missing.is_empty(), "SECURITY.md names what is not there: {missing:?}");
    assert!(named.len() > 90, "only {} names were found", named.len());

    let is_named = |file: &str, test: &str| {
        let of_here = named.iter().filter(|(of, _)| of.is_none());
        of_here
            .filter_map(|(_, name)| name.split_once("::"))
            .any(|(named, name)| named == file && means(name, test))
    };
    let attacks = functions.keys().filter(|file| file.starts_with("attacks"));
    let mut left_out = Vec::new();
    for file in attacks {
        let text = fs::read_to_string(Path::new(HERE).join(file).with_extension("rs")).unwrap();
        // An attack is on a running server; other tests beside them are of what the attacks use.
        let tests = text.split("#[tokio::test").skip(1);
        let names = tests.map(|rest| rest.split_once("fn ").unwrap().1.split_once('(').unwrap().0);
        left_out.extend(
            names
                .filter(|name| !is_named(file, name))
                .map(|name| format!("{file}::{name}")),
        );
    }
    assert!(left_out.is_empty(), "SECURITY.md does not name {left_out:?}");
}
