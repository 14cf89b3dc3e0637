//! What is said of mapping files and blueprints that are wrong.

#![expect(clippy::unwrap_used, reason = "tests")]

use seawall_domain::{Blueprint, blueprint::CompiledBlueprint, mapping::Mapping};
use serde_json::{Value, json};

/// What the one entity mapping's errors say.
fn said(mappings: &Value) -> Vec<String> {
    let file = json!({"resources": [{"kind": "issue", "port": {"entity": {"mappings": mappings}}}]});
    Mapping::compile(&file)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn expressions_name_kind_field_place_and_text() {
    let with = |expression: &str| {
        let all = said(&json!({"identifier": ".id", "blueprint": "\"b\"", "properties": {"tier": expression}}));
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    };
    assert_eq!(
        with(".labels[] |"),
        "kind `issue`, field `properties.tier`: expected term, found the end at line 1, column 12 of the expression: `.labels[] |`; \
         for example `.metadata.labels.tier`"
    );
    assert!(with(".a\n  | foo(1").contains("expected closing parenthesis"));
    let unknown = with(".a |\n  ascii_lowcase");
    assert!(
        unknown.contains("there is no filter `ascii_lowcase`") && unknown.contains("at line 2, column 3"),
        "{unknown}"
    );
    assert!(with(".a | tojso").contains("did you mean `tojson`?"));
    assert!(with("service").contains("a text is written in quotes: '\"service\"'"));
    assert!(with("$x").contains("there is no variable `$x`"));
    assert!(with(".a | split").contains("the filter `split` takes"));
    assert!(with(".a) b").contains("at line 1, column 3"), "{}", with(".a) b"));
    assert!(with("").contains("expected term, found the end"));
    assert!(with(&"-".repeat(19_999)).contains("expected term"));
    assert!(with(&format!("{}1", "-".repeat(19_000))).contains("nested too deep"));
    assert!(with(&format!("{}1", "def f: ".repeat(2_000))).contains("expected"));
    assert!(with(&"1+".repeat(15_000)).contains("it has 30000 bytes; at most 20000 are taken"));
}

#[test]
fn every_error_is_told_at_once() {
    let all = said(&json!({"title": ".a |", "properties": {"x": "nope", "y": ".ok"}, "relations": "no"}));
    assert_eq!(all.len(), 5, "{all:#?}");
    assert!(
        all.iter()
            .any(|e| e.contains("`identifier` is missing; add a jq expression for it, such as `identifier: .id`"))
    );
    assert!(all.iter().any(|e| e.contains("`blueprint` is missing")));
    assert!(
        all.iter()
            .any(|e| e.contains("expected `relations`, an object of jq expressions by name"))
    );
}

#[test]
fn misspelt_fields_are_told_and_unknown_ones_ignored() {
    let all = said(&json!({"identifier": ".id", "blueprint": "\"b\"", "propertes": {}, "whatever": 1}));
    assert_eq!(
        all,
        [
            "kind `issue`, at /resources/0/port/entity/mappings/propertes: there is no field `propertes`; did you mean `properties`?"
        ]
    );
}

#[test]
fn shapes_are_told() {
    for (file, says) in [
        (json!([]), "expected a mapping file: an object with `resources`, a list"),
        (json!({"resource": []}), "did you mean `resources`?"),
        (
            json!({"resources": {}}),
            "expected `resources`, a list of `{kind, selector, port}`",
        ),
        (json!({"resources": [{"port": {}}]}), "expected `kind`"),
        (json!({"resources": [{"kind": "a"}]}), "`port` is missing"),
        (
            json!({"resources": [{"kind": "a", "port": {"entity": {}}}]}),
            "`mappings` is missing",
        ),
        (
            json!({"resources": [{"kind": "a", "selector": {"query": ["x"]}, "port": {"entity": {"mappings": []}}}]}),
            "field `selector.query`: expected a jq expression",
        ),
    ] {
        let errors = Mapping::compile(&file).unwrap_err();
        assert!(
            errors.iter().any(|e| e.to_string().contains(says)),
            "{file}: {errors:?}"
        );
    }
}

#[test]
fn text_gives_file_line_and_column() {
    let text = "resources:\n  - kind: issue\n    selector: {query: 'true'}\n    port:\n      entity:\n        mappings:\n          identifier: .id\n          blueprint: '\"b\"'\n          title: .a | nope\n";
    let errors = Mapping::parse("mapping.yaml", text).unwrap_err();
    let said = errors[0].to_string();
    assert!(
        said.starts_with("mapping.yaml:9:18: kind `issue`, field `title`: there is no filter `nope`"),
        "{said}"
    );
    assert!(Mapping::parse("mapping.yaml", &text.replace("nope", "length")).is_ok());
    let broken = Mapping::parse("mapping.yaml", "resources: [\n").unwrap_err();
    assert!(broken[0].to_string().contains("mapping.yaml"), "{}", broken[0]);
}

#[test]
fn port_settings_beside_resources_are_accepted() {
    let file = json!({"deleteDependentEntities": true, "createMissingRelatedEntities": true, "enableMergeEntity": true, "resources": []});
    assert!(Mapping::compile(&file).is_ok());
}

#[test]
fn blueprints_say_which_property_is_wrong() {
    let said = |blueprint: Value| {
        CompiledBlueprint::new(serde_json::from_value::<Blueprint>(blueprint).unwrap())
            .unwrap_err()
            .to_string()
    };
    let bad = said(json!({"identifier": "b", "schema": {"properties": {"p": {"type": "string", "pattern": "("}}}}));
    assert!(
        bad.starts_with("blueprint `b`, property `p`: its schema is no JSON Schema"),
        "{bad}"
    );
    let bad = said(json!({"identifier": "b", "schema": {"properties": {"p": 5}}}));
    assert!(bad.contains("its schema is 5; write an object such as"), "{bad}");
    let bad = said(json!({"identifier": "b", "schema": {"properties": {"tier": {}}, "required": ["teir"]}}));
    assert!(
        bad.contains("names `teir`, which is no property (did you mean `tier`?)"),
        "{bad}"
    );
}

#[test]
fn what_port_has_beyond_json_schema_loads() {
    let blueprint = json!({"identifier": "b", "schema": {"properties": {
        "a": {"type": "string", "format": "markdown", "icon": "x", "enumColors": {"q": "red"}, "enum": {"jqQuery": ".x"}},
        "b": {"type": "string", "format": "yaml", "spec": "embedded-url", "specAuthentication": {"clientId": "c"}},
        "c": {"type": "array", "items": {"type": "string", "format": "team", "enumColors": {}}},
        "d": {"type": "object", "spec": "async-api"}, "e": {"type": "string", "format": "proto", "default": "x"},
        "f": {"type": "enum", "enum": ["x"]}, "g": {"type": "array", "items": {"type": "object", "properties": {"u": {"type": "strange"}}}}
    }}});
    CompiledBlueprint::new(serde_json::from_value(blueprint).unwrap()).unwrap();
}
