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
fn an_entity_may_have_no_more_than_its_names_and_what_port_adds() {
    let imported = read(&[
        ("blueprints.json", BLUEPRINTS),
        (
            "e.json",
            r#"[{"identifier": "x", "blueprint": "service"}, {"identifier": "y", "blueprint": "sevice"},
{"identifier": "z", "blueprint": "service", "icon": "Box", "id": "entity_1", "createdAt": "2020", "scorecards": {}},
{"identifier": "w", "blueprint": "service", "widget": 1}]"#,
        ),
    ]);
    assert_eq!(names(&imported, Kind::Entity), ["service/x", "sevice/y", "service/z"]);
    let notes: Vec<_> = imported.notes.iter().filter(|note| note.file == "e.json").collect();
    assert_eq!(notes.len(), 1, "{notes:#?}");
    assert!(
        notes[0].line == Some(3) && notes[0].why.contains("shape of no"),
        "{notes:#?}"
    );
}

#[test]
fn fields_of_a_mapping_that_give_nothing_here_are_listed() {
    let imported = read(&[(
        "pagerduty/resources/port-app-config.yaml",
        "
resources:
- kind: service
  selector: {query: 'true'}
  port:
    entity:
      mappings:
        identifier: {combinator: '\"and\"', rules: [{property: '\"id\"', operator: '\"=\"', value: .id}]}
        blueprint: '\"service\"'
        team: {combinator: '\"and\"', rules: []}
        properties: {readme: 'file://README.md', name: .name}
        relations:
          owner: {combinator: '\"and\"', rules: [{property: '\"mail\"', operator: '\"=\"', value: .mail}]}
",
    )]);
    assert!(!imported.is_wrong(), "{:#?}", imported.notes);
    assert_eq!(names(&imported, Kind::Mapping), ["pagerduty"]);
    let left: Vec<_> = imported.notes.iter().map(|n| n.what.as_str()).collect();
    assert_eq!(
        left,
        [
            "mapping of `pagerduty`, kind `service`, `identifier`",
            "mapping of `pagerduty`, kind `service`, `properties.readme`",
            "mapping of `pagerduty`, kind `service`, `team`",
        ],
        "a relation by search is carried"
    );
}

#[test]
fn a_relation_that_names_nothing_is_left_out_and_its_entity_is_not() {
    let imported = read(&[
        ("blueprints.json", BLUEPRINTS),
        (
            "e.json",
            r#"[{"identifier": "x", "blueprint": "service", "title": 5, "properties": {"tier": 1}, "relations": {"system": {"name": "s"}}},
{"identifier": "y", "blueprint": "system", "properties": {}, "relations": {"main": {"combinator": "and", "rules": []}}},
{"identifier": "z", "blueprint": "service", "team": [1], "properties": {}, "relations": {"system": [7, null]}},
{"identifier": "w", "blueprint": "service", "properties": {}, "relations": {"system": " s"}}]"#,
        ),
    ]);
    assert!(!imported.is_wrong(), "{:#?}", imported.notes);
    let entities = imported.definitions.iter().filter(|d| d.kind == Kind::Entity);
    let kept: Vec<_> = entities
        .map(|d| (d.name.as_str(), d.value["relations"].clone()))
        .collect();
    assert_eq!(
        kept,
        [
            ("service/x", json!({})),
            ("system/y", json!({})),
            ("service/z", json!({"system": "7"})),
            ("service/w", json!({})),
        ]
    );
    let notes = imported.notes.iter().filter(|n| n.file == "e.json");
    let mut said: Vec<_> = notes.map(|n| format!("{}: {}", n.what, n.why)).collect();
    said.sort();
    let starts = [
        "entity `service/w`, `relations.system`: ` s` is no ",
        "entity `service/x`, `relations.system`: expected an identifier, found {\"name\":\"s\"}",
        "entity `service/x`, `title`: expected a text, found 5",
        "entity `service/z`, `team`: expected a list of names, found [1]",
        "entity `system/y`, `relations.main`: it is a search",
    ];
    assert_eq!(said.len(), starts.len(), "{said:#?}");
    for (said, start) in said.iter().zip(starts) {
        assert!(said.starts_with(start), "{said}");
    }
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
