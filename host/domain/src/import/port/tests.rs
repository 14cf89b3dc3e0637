#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::{folder::Texts, import::Severity};
use serde_json::json;

fn read(all: &[(&str, &str)]) -> Imported {
    import(&all.iter().copied().collect::<Texts>(), "acme")
}

fn names(imported: &Imported, kind: Kind) -> Vec<&str> {
    let of = imported.definitions.iter().filter(|d| d.kind == kind);
    of.map(|d| d.name.as_str()).collect()
}

const BLUEPRINTS: &str = r#"[
  {"identifier": "service", "title": "Service", "schema": {"properties": {"tier": {"type": "number"}}, "required": []},
   "relations": {"system": {"target": "system", "many": false}}, "createdAt": "2020", "mirrorProperties": {}, "colour": "red"},
  {"identifier": "system", "schema": {"properties": {}}, "relations": {"main": {"target": "service"}}}
]"#;

#[test]
fn takes_what_port_has_by_its_shape() {
    let imported = read(&[
        ("blueprints.json", BLUEPRINTS),
        (
            "a.json",
            r#"{"ok": true, "entities": [{"identifier": "x", "blueprint": "service", "title": null, "team": "t", "properties": {"tier": "5"}, "relations": {"system": null}, "createdAt": "2020"}]}"#,
        ),
        (
            "jira/resources/port-app-config.yaml",
            "resources:\n- kind: issue\n  selector: {query: 'true'}\n  port: {entity: {mappings: {identifier: .id, blueprint: '\"service\"'}}}\n",
        ),
        (
            "actions.json",
            r#"[{"identifier": "go", "trigger": {"type": "self-service"}}, {"identifier": "on", "trigger": {"type": "automation"}}]"#,
        ),
        (
            "old.yml",
            "blueprint: service\ndata:\n- {identifier: s, levels: [{title: A}], rules: [{identifier: r, level: A}]}\n",
        ),
        ("pages.json", r#"[{"identifier": "p", "widgets": []}]"#),
        ("jira/examples/issue/a.json", r#"{"id": 1}"#),
        ("jira/examples/issue/b.json", r#"{"id": 2}"#),
        ("readme.md", "# no"),
    ]);
    assert!(!imported.is_wrong(), "{:#?}", imported.notes);
    assert_eq!(names(&imported, Kind::Blueprint), ["service", "system"]);
    assert_eq!(names(&imported, Kind::Entity), ["service/x"]);
    assert_eq!(names(&imported, Kind::Mapping), ["jira"]);
    assert_eq!(names(&imported, Kind::Action), ["go"]);
    assert_eq!(names(&imported, Kind::Automation), ["on"]);
    assert_eq!(names(&imported, Kind::Scorecard), ["service/s"]);
    let x = &imported
        .definitions
        .iter()
        .find(|d| d.kind == Kind::Entity)
        .unwrap()
        .value;
    // Conversions that lose nothing are made here already.
    assert_eq!(
        *x,
        json!({"identifier": "x", "blueprint": "service", "team": ["t"], "properties": {"tier": 5}, "relations": {}})
    );
    let left: Vec<_> = imported
        .notes
        .iter()
        .map(|n| (n.file.as_str(), n.what.as_str()))
        .collect();
    assert_eq!(
        left,
        [
            ("blueprints.json", "blueprint `service`, `colour` at /0"),
            ("jira/examples/issue", "example items (2 files)"),
            ("pages.json", "page `p` at /0"),
        ]
    );
}

#[test]
fn what_breaks_its_blueprint_is_noted_before_anything_is_sent() {
    let imported = read(&[
        ("blueprints.json", BLUEPRINTS),
        (
            "e.yaml",
            "- {identifier: x, blueprint: service, properties: {tier: high, teir: 1}}\n- {identifier: ' ', blueprint: service, properties: {}}\n",
        ),
    ]);
    let notes: Vec<_> = imported.notes.iter().filter(|n| n.file == "e.yaml").collect();
    assert_eq!(notes.len(), 3, "{notes:#?}");
    assert!(
        notes
            .iter()
            .any(|n| n.line == Some(1) && n.what.contains("properties.tier")),
        "{notes:#?}"
    );
    assert!(
        notes.iter().any(|n| n.line == Some(2) && n.severity == Severity::Wrong),
        "{notes:#?}"
    );
    assert_eq!(names(&imported, Kind::Entity), ["service/x"]);
}

#[test]
fn two_that_differ_under_one_name_are_a_mistake_and_equal_ones_are_not() {
    let one = r#"{"identifier": "a", "schema": {"properties": {}}}"#;
    let other = r#"{"identifier": "a", "title": "A", "schema": {"properties": {}}}"#;
    assert_eq!(read(&[("1.json", one), ("2.json", one)]).notes, []);
    let imported = read(&[("1.json", one), ("2.json", other)]);
    assert!(
        imported.is_wrong() && imported.notes[0].why.contains("in 1.json:1"),
        "{:?}",
        imported.notes
    );
    assert_eq!(imported.definitions.len(), 1);
}

#[test]
fn broken_files_are_mistakes_with_their_lines() {
    let imported = read(&[
        ("a.json", "{\"identifier\": \n"),
        (
            "b.json",
            r#"{"identifier": "b", "schema": {"properties": {"p": {"type": "strin"}}}}"#,
        ),
        (
            "c.yaml",
            "resources:\n- kind: issue\n  port: {entity: {mappings: {identifier: '.id |', blueprint: '\"a\"'}}}\n",
        ),
        ("d.json", r#"{"identifier": "s", "rules": [{"level": "x"}]}"#),
    ]);
    let files: Vec<_> = imported
        .notes
        .iter()
        .filter(|n| n.severity == Severity::Wrong)
        .map(|n| n.file.as_str())
        .collect();
    assert_eq!(files, ["a.json", "b.json", "c.yaml", "d.json"], "{:#?}", imported.notes);
    assert_eq!(imported.definitions, []);
}
