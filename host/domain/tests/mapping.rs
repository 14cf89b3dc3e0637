//! What a mapping makes of items, and what it says where it cannot.

#![expect(clippy::unwrap_used, reason = "tests")]

use seawall_domain::{
    Blueprint, BlueprintId, EntityId, RelationTarget, Severity,
    blueprint::CompiledBlueprint,
    mapping::{Blueprints, Call, Find, FindError, Mapped, Mapping},
};
use serde_json::{Value, json};
use std::sync::Arc;

fn blueprints() -> Blueprints {
    let all = json!([
        {
            "identifier": "service",
            "schema": {"properties": {
                "text": {"type": "string"}, "number": {"type": "number"}, "integer": {"type": "integer"},
                "flag": {"type": "boolean"}, "list": {"type": "array"}, "words": {"type": "array", "items": {"type": "string"}},
                "object": {"type": "object"}, "url": {"type": "string", "format": "url"},
                "at": {"type": "string", "format": "date-time"}, "ttl": {"type": "string", "format": "timer"},
                "who": {"type": "string", "format": "user"}, "mail": {"type": "string", "format": "email"},
                "tier": {"type": "string", "enum": ["Gold", "Silver"], "enumColors": {"Gold": "yellow"}},
                "odd": {"type": "enum", "enum": ["a", "1"]},
                "code": {"type": "string", "pattern": "^[a-z]+(?!-x)$", "maxLength": 5},
                "port": {"type": "number", "minimum": 1, "maximum": 65535},
                "any": {"title": "Any", "icon": "Git"}
            }},
            "relations": {"owner": {"target": "team"}, "needs": {"target": "service", "many": true}},
            "mirrorProperties": {"slack": {"path": "owner.slack"}}
        },
        {
            "identifier": "strictly",
            "schema": {"properties": {"level": {"type": "number"}, "note": {"type": "string"}}, "required": ["level"]},
            "relations": {"of": {"target": "service", "required": true}}
        }
    ]);
    let all: Vec<Blueprint> = serde_json::from_value(all).unwrap();
    let all = all
        .into_iter()
        .map(|b| (b.identifier.clone(), Arc::new(CompiledBlueprint::new(b).unwrap())));
    all.collect()
}

fn file(mappings: Value) -> Value {
    json!({"resources": [{"kind": "repo", "selector": {"query": "true"}, "port": {"entity": {"mappings": mappings}}}]})
}

fn run(mapping: &Value, item: &Value, strict: bool) -> Mapped {
    let mapping = Mapping::compile(mapping).unwrap();
    mapping
        .map("repo", "k1", &serde_json::to_vec(item).unwrap(), &blueprints(), strict)
        .unwrap()
}

/// The value of one property, and the first report's rule and message.
fn property(name: &str, value: &Value) -> (Value, u64, Option<(String, String)>) {
    let mapping = file(json!({"identifier": "\"x\"", "blueprint": "\"service\"", "properties": {name: ".v"}}));
    let mapped = run(&mapping, &json!({"v": value}), false);
    let entity = &mapped.entities[0];
    let report = mapped.reports.first().map(|r| (r.rule.clone(), r.message.clone()));
    (
        entity.properties.get(name).cloned().unwrap_or_default(),
        mapped.converted,
        report,
    )
}

/// The result of an expression, or what its report says.
fn eval(expression: &str, item: &Value) -> Result<Value, String> {
    let mapping = file(json!({"identifier": "\"x\"", "blueprint": "\"service\"", "properties": {"any": expression}}));
    let mapped = run(&mapping, item, false);
    match mapped.reports.first() {
        Some(report) => Err(report.message.clone()),
        None => Ok(mapped.entities[0].properties.get("any").cloned().unwrap_or_default()),
    }
}

#[test]
fn makes_an_entity() {
    let mapping = file(json!({
        "identifier": ".id", "title": ".name", "icon": "\"Git\"", "team": ".teams", "blueprint": "\"service\"",
        "properties": {"text": ".a.b", "object": {"x": ".id", "y": [".name"]}, "any": null, "list": "empty"},
        "relations": {"owner": ".owner", "needs": "[.needs[]]"}
    }));
    let item =
        json!({"id": 7, "name": "N", "teams": ["a", null, "a"], "a": {"b": "B"}, "owner": 5, "needs": ["q", "p", "q"]});
    let mapped = run(&mapping, &item, false);
    assert_eq!(mapped.reports, []);
    assert!(mapped.selected);
    assert_eq!(mapped.converted, 2);
    assert_eq!(
        serde_json::to_value(&mapped.entities).unwrap(),
        json!([{
            "blueprint": "service", "identifier": "7", "title": "N", "icon": "Git", "team": ["a"],
            "properties": {"text": "B", "object": {"x": 7, "y": ["N"]}},
            "relations": {"owner": "5", "needs": ["q", "p"]}
        }])
    );
}

#[test]
fn converts_what_loses_nothing() {
    for (name, given, wanted) in [
        ("text", json!(72), json!("72")),
        ("text", json!(1.5), json!("1.5")),
        ("text", json!(true), json!("true")),
        ("number", json!("72"), json!(72)),
        ("number", json!("-0.25"), json!(-0.25)),
        ("integer", json!("8"), json!(8)),
        ("flag", json!("true"), json!(true)),
        ("words", json!(["a", 1, false]), json!(["a", "1", "false"])),
        (
            "at",
            json!("2023-11-28T09:15:22.412+0200"),
            json!("2023-11-28T09:15:22.412+02:00"),
        ),
        ("odd", json!(1), json!("1")),
    ] {
        let (got, converted, report) = property(name, &given);
        assert_eq!((got, report), (wanted, None), "{name} {given}");
        assert!(converted > 0, "{name} {given}");
    }
}

#[test]
fn takes_what_fits_as_it_is() {
    for (name, given) in [
        ("text", json!("")),
        ("number", json!(0.5)),
        ("integer", json!(3)),
        ("flag", json!(false)),
        ("list", json!([1, "a", null])),
        ("object", json!({"a": [1]})),
        ("url", json!("https://example.com/a?b=c")),
        ("at", json!("2024-01-31T10:00:00Z")),
        ("ttl", json!("2024-01-31T10:00:00Z")),
        ("who", json!("anyone at all")),
        ("mail", json!("a@example.com")),
        ("tier", json!("Gold")),
        ("odd", json!("a")),
        ("code", json!("abc")),
        ("port", json!(443)),
        ("any", json!([{}])),
    ] {
        assert_eq!(property(name, &given), (given.clone(), 0, None), "{name}");
    }
    // A float without fraction is the same number.
    assert_eq!(property("integer", &json!(1.0)), (json!(1), 0, None));
}

#[test]
fn leaves_out_what_breaks_the_schema_and_says_what_to_do() {
    for (name, given, rule, says) in [
        (
            "number",
            json!("72 h"),
            "type: number",
            "`number`: \"72 h\" is a text where a number is wanted; change the mapping, or the property's type to `string` (left out)",
        ),
        ("number", json!("072"), "type: number", "is a text"),
        ("integer", json!(1.5), "type: integer", "a whole number is wanted"),
        ("flag", json!(1), "type: boolean", "compare it in the mapping"),
        ("flag", json!("True"), "type: boolean", "`true` or `false` is wanted"),
        (
            "text",
            json!({"a": 1}),
            "type: string",
            "name one of its fields in the mapping, or write it as text with `tojson`",
        ),
        ("text", json!(["a"]), "type: string", "join it in the mapping"),
        ("list", json!("a"), "type: array", "make it a list in the mapping"),
        (
            "words",
            json!(["a", {}]),
            "items: type: string",
            "its entry 1 is an object",
        ),
        (
            "words",
            json!(["a", null]),
            "items: type: string",
            "map(select(. != null))",
        ),
        (
            "object",
            json!([]),
            "type: object",
            "is a list where an object is wanted",
        ),
        (
            "url",
            json!("/a/b"),
            "format: url",
            "is no absolute URL, such as `https://example.com/a`",
        ),
        (
            "at",
            json!("2024-01-31"),
            "format: date-time",
            "such as `2024-01-31T10:00:00Z`",
        ),
        (
            "ttl",
            json!("soon"),
            "format: date-time",
            "is no date with time and offset",
        ),
        ("mail", json!("nobody"), "format: email", "breaks the schema"),
        (
            "tier",
            json!("gold"),
            "enum",
            "is none of Gold, Silver; did you mean `Gold`?",
        ),
        ("odd", json!("b"), "enum", "is none of a, 1"),
        ("code", json!("ABC"), "pattern", "breaks the schema"),
        ("code", json!("abcdef"), "maxLength", "breaks the schema"),
        ("port", json!(0), "minimum", "breaks the schema"),
    ] {
        let (got, _, report) = property(name, &given);
        let (got_rule, message) = report.unwrap();
        assert_eq!(
            (got, got_rule.as_str()),
            (Value::Null, rule),
            "{name} {given}: {message}"
        );
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn reports_name_item_entity_field_and_value() {
    let mapping = file(json!({"identifier": ".id", "blueprint": "\"service\"", "properties": {"number": ".v"}}));
    let mapped = run(&mapping, &json!({"id": "a", "v": "x".repeat(1000)}), false);
    let report = &mapped.reports[0];
    assert_eq!(
        (report.kind.as_str(), report.key.as_str(), report.severity),
        ("repo", "k1", Severity::LeftOut)
    );
    assert_eq!(
        (report.entity.as_deref(), report.field.as_deref()),
        (Some("service/a"), Some("properties.number"))
    );
    assert_eq!(report.value.as_ref().unwrap().as_str().unwrap().chars().count(), 301);
    assert!(report.message.len() < 300, "{}", report.message);
}

#[test]
fn leaves_out_unknown_properties_and_relations() {
    let mapping = file(json!({
        "identifier": "\"x\"", "blueprint": "\"service\"",
        "properties": {"txet": "1", "slack": "\"#a\""}, "relations": {"ownr": "\"t\""}
    }));
    let mapped = run(&mapping, &json!({}), false);
    let said: Vec<_> = mapped
        .reports
        .iter()
        .map(|r| (r.rule.as_str(), r.message.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (
                "unknown property",
                "`slack` is computed by the blueprint `service` (mirrorProperties); take it out of the mapping (left out)"
            ),
            (
                "unknown property",
                "`txet` is no property of the blueprint `service`; did you mean `text`?; add it to the blueprint, or take it out of the mapping (left out)"
            ),
            (
                "unknown relation",
                "`ownr` is no relation of the blueprint `service`; did you mean `owner`?; add it to the blueprint, or take it out of the mapping (left out)"
            ),
        ]
    );
    assert!(mapped.entities[0].properties.is_empty() && mapped.entities[0].relations.is_empty());
}

#[test]
fn relations_take_one_or_many() {
    let relations = |owner: Value, needs: Value| {
        let mapping = file(json!({
            "identifier": "\"x\"", "blueprint": "\"service\"", "relations": {"owner": ".owner", "needs": ".needs"}
        }));
        let mapped = run(&mapping, &json!({"owner": owner, "needs": needs}), false);
        let rules: Vec<_> = mapped.reports.iter().map(|r| r.rule.clone()).collect();
        (serde_json::to_value(&mapped.entities[0].relations).unwrap(), rules)
    };
    assert_eq!(relations(json!(null), json!(null)), (json!({}), vec![]));
    assert_eq!(
        relations(json!(["a"]), json!("b")),
        (json!({"owner": "a", "needs": ["b"]}), vec![])
    );
    assert_eq!(relations(json!([]), json!([])), (json!({}), vec![]));
    assert_eq!(
        relations(json!(["a", "b"]), json!([1, null])),
        (json!({"needs": ["1"]}), vec!["many: false".into()])
    );
    assert_eq!(
        relations(json!({"id": "a"}), json!(["ok", {}])),
        (json!({"needs": ["ok"]}), vec!["relation".into(); 2])
    );
    assert_eq!(
        relations(json!(" a"), json!("")),
        (json!({}), vec!["identifier".into(); 2])
    );
}

#[test]
fn a_search_in_a_list_is_told_once_and_other_targets_stay() {
    let search = |value: &str| json!({"combinator": "\"and\"", "rules": [{"property": "\"h\"", "operator": "\"=\"", "value": value}]});
    let mapping = file(json!({
        "identifier": "\"x\"", "blueprint": "\"service\"",
        "relations": {"needs": [search(".a"), ".b", search(".c")]}
    }));
    let mapped = run(&mapping, &json!({"a": "1", "b": "two", "c": "3"}), false);
    assert_eq!(
        serde_json::to_value(&mapped.entities[0].relations).unwrap(),
        json!({"needs": ["two"]})
    );
    let said: Vec<_> = mapped
        .reports
        .iter()
        .map(|r| (r.rule.as_str(), r.message.as_str()))
        .collect();
    assert!(
        matches!(said[..], [("not supported", why)] if why.contains("write it without the list")),
        "{said:?}"
    );
    let left = Mapping::compile(&mapping).unwrap().left_out();
    assert_eq!(
        left.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(),
        ["relations.needs"]
    );
}

/// Knows one answer to each value that is looked for.
#[derive(Debug)]
struct Known;

impl Find for Known {
    fn find(&self, blueprint: &BlueprintId, rules: &Value) -> Result<Vec<EntityId>, FindError> {
        let asked = rules["rules"][0]["value"].as_str().unwrap_or_default();
        assert_eq!(
            *rules,
            json!({"combinator": "and", "rules": [{"property": "h", "operator": "=", "value": asked}]})
        );
        let found = match (blueprint.as_str(), asked) {
            ("team", "one") => vec!["t1"],
            ("team", "two") | ("service", "two") => vec!["a", "b"],
            (_, "wrong") => return Err(FindError::Rules("there is no property `h`".into())),
            (_, "down") => return Err(FindError::Unanswered("no database".into())),
            _ => vec![],
        };
        Ok(found.into_iter().map(|id| EntityId::new(id).unwrap()).collect())
    }
}

#[test]
fn a_relation_by_search_has_what_is_found() {
    let search = json!({"combinator": "\"and\"", "rules": [{"property": "\"h\"", "operator": "\"=\"", "value": ".h"}]});
    let mapping = |relation: &str| {
        let value = file(json!({
            "identifier": "\"x\"", "blueprint": "\"service\"", "relations": {relation: search}
        }));
        Mapping::compile(&value).unwrap()
    };
    let map = |relation: &str, item: Value, find: Option<&dyn Find>| {
        let call = Call {
            kind: "repo",
            key: "1",
            selector: None,
            strict: false,
            conversions: false,
            now: None,
            find,
        };
        mapping(relation).map_with(call, item.to_string().as_bytes(), &blueprints())
    };
    let gives = |relation: &str, item: Value, find: Option<&dyn Find>| {
        let mapped = map(relation, item, find).unwrap();
        let found = mapped.entities[0].relations.get(relation).map(RelationTarget::to_json);
        (found, mapped.reports.first().map(|report| report.message.clone()))
    };
    assert!(mapping("owner").searches("repo") && !mapping("owner").searches("other"));
    assert_eq!(
        gives("owner", json!({"h": "one"}), Some(&Known)),
        (Some(json!("t1")), None)
    );
    assert_eq!(
        gives("needs", json!({"h": "two"}), Some(&Known)),
        (Some(json!(["a", "b"])), None)
    );
    // Nothing was found, and nothing was looked for.
    assert_eq!(gives("owner", json!({"h": "none"}), Some(&Known)), (None, None));
    assert_eq!(gives("owner", json!({}), Some(&Known)), (None, None));
    for (relation, value, find, says) in [
        (
            "owner",
            "two",
            Some(&Known as &dyn Find),
            "the search finds 2 entities of `team`; add a rule",
        ),
        (
            "owner",
            "wrong",
            Some(&Known),
            "`owner` is searched for: there is no property `h`",
        ),
        (
            "owner",
            "one",
            None,
            "`owner` is searched for in the catalog, and there is none here",
        ),
        ("onwer", "one", Some(&Known), "did you mean `owner`?"),
    ] {
        let (found, said) = gives(relation, json!({"h": value}), find);
        let said = said.unwrap_or_default();
        assert!(
            found.is_none() && said.contains(says) && said.ends_with("(left out)"),
            "{said}"
        );
    }
    // A catalog that does not answer is no reason to take a relation away.
    let error = map("owner", json!({"h": "down"}), Some(&Known)).unwrap_err();
    assert!(error.to_string().contains("no database"), "{error}");
}

#[test]
fn asks_of_ports_agent_are_left_out() {
    for text in ["file://README.md", "search://path=a&&query=b"] {
        let said = eval(text, &json!({})).unwrap_err();
        assert!(
            said.contains("Port's own agent") && said.ends_with("(left out)"),
            "{said}"
        );
    }
}

#[test]
fn sets_aside_what_has_no_identifier_blueprint_or_required_part() {
    let whole = json!({"identifier": ".id", "blueprint": ".b", "properties": {"level": ".level", "note": ".note"}, "relations": {"of": ".of"}});
    let good = json!({"id": "x", "b": "strictly", "level": 1, "of": "s"});
    assert_eq!(run(&file(whole.clone()), &good, false).entities.len(), 1);
    for (field, value, rule, says) in [
        (
            "id",
            json!(null),
            "required",
            "the mapping gives no identifier (null); every entity must have one",
        ),
        (
            "id",
            json!({}),
            "type: string",
            "the identifier is {}, and must be a text",
        ),
        ("id", json!(""), "identifier", "is no entity identifier"),
        ("b", json!(null), "required", "gives no blueprint"),
        (
            "b",
            json!("strictli"),
            "unknown blueprint",
            "there is no blueprint `strictli`; did you mean `strictly`?",
        ),
        ("level", json!(null), "required", "the property `level` is required"),
        (
            "level",
            json!("high"),
            "type: number",
            "is a text where a number is wanted",
        ),
        ("of", json!(null), "required", "the relation `of` is required"),
        (
            "of",
            json!(["a", "b"]),
            "many: false",
            "is a single relation, and the mapping gives 2 targets",
        ),
    ] {
        let mut item = good.clone();
        item[field] = value.clone();
        // What is also wrong is of no use where there is no entity.
        item["note"] = json!([]);
        let mapped = run(&file(whole.clone()), &item, false);
        assert_eq!(mapped.entities.len(), 0, "{field} {value}");
        assert_eq!(mapped.reports.len(), 1, "{:?}", mapped.reports);
        let report = &mapped.reports[0];
        assert_eq!(
            (report.severity, report.rule.as_str()),
            (Severity::SetAside, rule),
            "{}",
            report.message
        );
        assert!(
            report.message.contains(says) && report.message.ends_with("(the whole entity is set aside)"),
            "{}",
            report.message
        );
        assert_eq!(mapped.converted, 0);
    }
}

#[test]
fn strict_sets_aside_at_once_but_still_converts() {
    let mapping =
        file(json!({"identifier": "\"x\"", "blueprint": "\"service\"", "properties": {"text": ".a", "number": ".b"}}));
    assert_eq!(run(&mapping, &json!({"a": 1, "b": "2"}), true).converted, 2);
    let mapped = run(&mapping, &json!({"a": 1, "b": "x"}), true);
    assert_eq!(
        (mapped.entities.len(), mapped.reports.len(), mapped.reports[0].severity),
        (0, 1, Severity::SetAside)
    );
    let failing = file(json!({"identifier": "\"x\"", "blueprint": "\"service\"", "properties": {"text": ".a.b"}}));
    assert_eq!(run(&failing, &json!({"a": 1}), true).entities.len(), 0);
    assert_eq!(run(&failing, &json!({"a": 1}), false).entities.len(), 1);
}

#[test]
fn selector_and_items_to_parse() {
    let mapping = |query: Value, items: Value, name: Value| {
        json!({"resources": [{"kind": "repo", "selector": {"query": query}, "port": {
            "itemsToParse": items, "itemsToParseName": name,
            "entity": {"mappings": [
                {"identifier": ".id + \"/\" + (.part // .item | .n)", "blueprint": "\"service\""},
            ]}
        }}]})
    };
    let item = json!({"id": "a", "parts": [{"n": "1"}, {"n": "2"}], "item": "theirs"});
    let ids = |m: &Mapped| m.entities.iter().map(|e| e.identifier.to_string()).collect::<Vec<_>>();
    let mapped = run(&mapping(json!(true), json!(".parts"), json!(null)), &item, false);
    assert_eq!(ids(&mapped), ["a/1", "a/2"]);
    let mapped = run(
        &mapping(json!(".part.n == \"2\""), json!(".parts"), json!("part")),
        &item,
        false,
    );
    assert_eq!((ids(&mapped), mapped.selected), (vec!["a/2".to_owned()], true));
    let mapped = run(
        &mapping(json!(".parts | length > 5"), json!(null), json!(null)),
        &item,
        false,
    );
    assert_eq!(mapped, Mapped::default());
    let mapped = run(&mapping(json!("true"), json!(".none"), json!(null)), &item, false);
    assert_eq!((mapped.entities.len(), mapped.reports.len()), (0, 0));
    let mapped = run(&mapping(json!("true"), json!(".id"), json!(null)), &item, false);
    assert!(
        mapped.reports[0].message.contains("itemsToParse gives \"a\", no list"),
        "{:?}",
        mapped.reports
    );
    let mapped = run(&mapping(json!(".id.x"), json!(null), json!(null)), &item, false);
    assert_eq!(
        (mapped.reports[0].field.as_deref(), mapped.reports[0].rule.as_str()),
        (Some("selector.query"), "jq")
    );
}

#[test]
fn other_kinds_are_not_selected() {
    let mapping = Mapping::compile(&file(json!({"identifier": ".id", "blueprint": "\"service\""}))).unwrap();
    assert_eq!(
        mapping.map("issue", "1", b"{}", &blueprints(), false).unwrap(),
        Mapped::default()
    );
    assert_eq!(mapping.kinds(), ["repo"]);
    assert_eq!(mapping.selectors("repo"), [&json!({})]);
    assert!(mapping.selectors("issue").is_empty());
}

#[test]
fn items_must_be_json() {
    let mapping = Mapping::compile(&file(json!({"identifier": ".id", "blueprint": "\"service\""}))).unwrap();
    for bad in [
        &b"{\"a\":}"[..],
        b"",
        b"{} {}",
        b"{\"a\":\xff}",
        "[".repeat(100_000).as_bytes(),
    ] {
        assert!(mapping.map("repo", "1", bad, &blueprints(), false).is_err());
    }
}

#[test]
fn failing_expressions_name_kind_key_field_and_expression() {
    let said = eval(".a.b | test(\"x\")", &json!({"a": {"b": 1}})).unwrap_err();
    assert_eq!(
        said,
        "kind `repo`, item `k1`, field `properties.any`: `.a.b | test(\"x\")`: cannot use 1 as string (left out)"
    );
    assert!(
        eval(".a.b", &json!({"a": "t"}))
            .unwrap_err()
            .contains("cannot index \"t\" with \"b\"")
    );
}

#[test]
fn jq_as_platform_engineers_know_it() {
    let item = json!({"a": "x-1_y", "n": null, "l": [3, 1, 2], "o": {"k": "v"}, "j": "{\"z\": [1]}"});
    for (expression, wanted) in [
        (".a[\"b\"]?", json!(null)),
        (".o[\"k\"]", json!("v")),
        (".o | .[\"k\"]", json!("v")),
        ("\"pre-\\(.a)\"", json!("pre-x-1_y")),
        (".n.x.y", json!(null)),
        (".missing // \"none\"", json!("none")),
        (".l | sort | map(. + 1) | join(\",\")", json!("2,3,4")),
        ("[.n, \"a\", 1, true] | join(\"-\")", json!("-a-1-true")),
        (".j | fromjson | .z[0]", json!(1)),
        (".a | test(\"^x(?=-)\")", json!(true)),
        (".a | gsub(\"(?<=[0-9])_\"; \"+\")", json!("x-1+y")),
        (".a | sub(\"(?<h>[a-z])-(?<d>\\\\d)\"; \"\\(.d)\\(.h)\")", json!("1x_y")),
        ("\"aXbX\" | gsub(\"x\"; \"-\"; \"i\")", json!("a-b-")),
        ("\"a1b22\" | [scan(\"[0-9]+\")]", json!(["1", "22"])),
        ("\"a1b2\" | [scan(\"([a-z])([0-9])\")]", json!([["a", "1"], ["b", "2"]])),
        ("\"ab\" | capture(\"(?<x>z)?b\")", json!({"x": null})),
        ("\"äb\" | match(\"b\") | .offset", json!(1)),
        (
            "\"ab\" | match(\"(z)?b\").captures",
            json!([{"offset": -1, "length": 0, "string": null, "name": null}]),
        ),
        ("\"a, b\" | split(\", *\"; null)", json!(["a", "b"])),
        (
            "\"a\\nb\" | [test(\"^b\"), test(\"a.b\"), test(\"a.b\"; \"p\"), test(\"A B\"; \"xi\")]",
            json!([false, false, true, false]),
        ),
        ("\"aab\" | match(\"a|aa\"; \"l\").string", json!("aa")),
        (
            "\"abc\" | [match(\"\"; \"g\").offset], [match(\"\"; \"gn\").offset]",
            json!([0, 1, 2, 3]),
        ),
        ("\"B\" | test([\"b\", \"i\"])", json!(true)),
        ("1 | ltrimstr(\"a\")", json!(1)),
        (".n | index(\",\")", json!(null)),
        ("[1, \"a\\\"b\", null] | @csv", json!("1,\"a\"\"b\",")),
        ("[\"a\\tb\", true] | @tsv", json!("a\\tb\ttrue")),
        (
            "\"2024-01-31T10:00:00Z\" | fromdate | todate",
            json!("2024-01-31T10:00:00Z"),
        ),
        (
            "\"2024-01-31 10:00:00\" | strptime(\"%Y-%m-%d %H:%M:%S\") | mktime",
            json!(1706695200),
        ),
        ("reduce range(5) as $i (0; . + $i)", json!(10)),
        ("[limit(3; repeat(1))]", json!([1, 1, 1])),
        (".o |= . + {x: 1} | .o", json!({"k": "v", "x": 1})),
        (".l | .[1] *= 5", json!([3, 5, 2])),
        ("\"ab\" * 3", json!("ababab")),
        (
            "[paths]",
            json!([
                ["a"],
                ["j"],
                ["l"],
                ["l", 0],
                ["l", 1],
                ["l", 2],
                ["n"],
                ["o"],
                ["o", "k"]
            ]),
        ),
        ("[.. | numbers]", json!([3, 1, 2])),
        ("def f($x): $x + 1; f(2)", json!(3)),
        (
            "def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; 5 | fac",
            json!(120),
        ),
        (".o | to_entries[0].value", json!("v")),
        (".l | group_by(. > 1) | length", json!(2)),
        ("del(.a, .j) | keys", json!(["l", "n", "o"])),
        ("getpath([\"o\", \"k\"])", json!("v")),
        ("[.l[] | IN(1, 2)]", json!([false, true, true])),
        ("first(.l[])", json!(3)),
        (
            "label $out | foreach .l[] as $x (0; . + $x; if . > 3 then ., break $out else empty end)",
            json!(4),
        ),
        ("try error(\"x\") catch .", json!("x")),
        (".a | ascii_downcase | @base64", json!("eC0xX3k=")),
        ("[1, 2] | .[-1:]", json!([2])),
        ("1, 2", json!(1)),
        ("true", json!(true)),
        ("5", json!(5)),
        ("6 / 2", json!(3)),
    ] {
        assert_eq!(eval(expression, &item), Ok(wanted), "{expression}");
    }
}

#[test]
fn the_host_is_out_of_reach() {
    for (expression, wanted) in [
        ("env", json!({})),
        ("$ENV.PATH", json!(null)),
        ("[inputs]", json!([])),
        ("$__loc__.line", json!(1)),
    ] {
        assert_eq!(eval(expression, &json!({})), Ok(wanted), "{expression}");
    }
    assert!(
        eval("halt", &json!({}))
            .unwrap_err()
            .contains("`halt` is not available")
    );
    assert!(eval("input", &json!({})).unwrap_err().contains("no more inputs"));
    assert!(
        eval("now", &json!({}))
            .unwrap_err()
            .contains("`now` is not available in a mapping")
    );
    assert!(
        Mapping::compile(&file(
            json!({"identifier": "import \"a\" as a; 1", "blueprint": "\"b\""})
        ))
        .is_err()
    );
    let mapping = file(json!({"identifier": "now | todate", "blueprint": "\"service\""}));
    let call = Call {
        kind: "repo",
        key: "1",
        selector: None,
        strict: false,
        conversions: false,
        now: Some(1_706_695_200_000),
        find: None,
    };
    let mapped = Mapping::compile(&mapping)
        .unwrap()
        .map_with(call, b"{}", &blueprints())
        .unwrap();
    assert_eq!(mapped.entities[0].identifier.as_str(), "2024-01-31T10:00:00Z");
}

#[test]
fn nothing_runs_for_ever_or_eats_all_memory() {
    for expression in [
        "def f: f; f",
        "def f: 1 + f; f",
        "def f: [f]; f",
        "def f: try f catch f; f",
        "def f: (f // 1) | f; f",
        "[repeat(1)]",
        "[range(1e12)]",
        "reduce range(1e12) as $i (0; . + 1)",
        "last(range(infinite))",
        "until(false; . + 1)",
        "[recurse([., .])] | length",
        "\"xxxxxxxxxx\" * 1000000000",
        "reduce range(100) as $i (\"x\"; . + .)",
        "reduce range(100) as $i ({a: \"x\"}; .a += .a)",
        "reduce range(100) as $i ({a: \"x\"}; .a |= \"\\(.)\\(.)\")",
        "reduce range(100) as $i ([1]; . + .)",
        "reduce range(60) as $i (1; [., .]) | tojson | length",
        "reduce range(60) as $i (1; [., .]) | \"\\(.)\" | length",
        "reduce range(60) as $i (1; [., .]) | [..] | length",
        "reduce range(60) as $i (1; [., .])",
        "reduce range(100000) as $i (1; [.]) | 1",
        "[range(2000) as $a | range(2000) as $b | 1] | length",
        "[range(3000)] | combinations(3)",
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\" | test(\"^(a+)+(?=b)$\")",
    ] {
        match eval(expression, &json!({"a": 1})) {
            Ok(value) if expression.contains("combinations") => assert!(value.is_array()),
            Ok(value) => assert!(value.to_string().len() < 100, "{expression} gave {value}"),
            Err(said) => assert!(said.contains("left out"), "{said}"),
        }
    }
    let said = eval("def f: f; f", &json!({})).unwrap_err();
    assert!(
        said.contains("it took more steps than one item may; it may run for ever"),
        "{said}"
    );
    let said = eval("def f: 1 + f; f", &json!({})).unwrap_err();
    assert!(said.contains("nested too deep"), "{said}");
    let deep = json!({"j": "[".repeat(100_000)});
    assert!(
        eval(".j | fromjson", &deep)
            .unwrap_err()
            .contains("recursion limit exceeded")
    );
}

#[test]
fn a_used_up_budget_does_not_spill_over_to_other_items() {
    let mapping = file(
        json!({"identifier": ".id", "blueprint": "\"service\"", "properties": {"any": "if .spin then [repeat(1)] else 1 end"}}),
    );
    let mapping = Mapping::compile(&mapping).unwrap();
    let map = |item: &str| mapping.map("repo", "1", item.as_bytes(), &blueprints(), false).unwrap();
    assert_eq!(map(r#"{"id":"a","spin":true}"#).reports.len(), 1);
    assert_eq!(map(r#"{"id":"a"}"#).reports.len(), 0);
}

#[test]
fn one_mapping_serves_several_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let mapping = Mapping::compile(&file(
        json!({"identifier": ".id | tostring | sub(\"^\"; \"n\")", "blueprint": "\"service\""}),
    ))
    .unwrap();
    shared(&mapping);
    let blueprints = blueprints();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (mapping, blueprints) = (&mapping, &blueprints);
            scope.spawn(move || {
                for i in 0..200 {
                    let id = thread * 1000 + i;
                    let mapped = mapping
                        .map("repo", "1", format!("{{\"id\":{id}}}").as_bytes(), blueprints, false)
                        .unwrap();
                    assert_eq!(mapped.entities[0].identifier.as_str(), format!("n{id}"));
                }
            });
        }
    });
}

#[test]
fn digests_change_with_what_they_stand_for() {
    let base = file(json!({"identifier": ".id", "blueprint": "\"service\""}));
    let all = blueprints();
    let digest = |file: &Value, all: &Blueprints| Mapping::compile(file).unwrap().digest("repo", all);
    // Held as a value, since it must be the same in every process.
    let first = digest(&base, &all);
    assert_eq!(
        first,
        digest(&serde_json::from_str(&base.to_string()).unwrap(), &blueprints())
    );
    assert_ne!(
        first,
        digest(&file(json!({"identifier": ".key", "blueprint": "\"service\""})), &all)
    );
    let changed = |name: &str| {
        let mut all = blueprints();
        let (id, old) = all
            .iter()
            .find(|(id, _)| id.as_str() == name)
            .map(|(a, b)| (a.clone(), b.clone()))
            .unwrap();
        let mut blueprint = old.blueprint().clone();
        blueprint
            .schema
            .properties
            .insert("more".into(), json!({"type": "string"}));
        all.insert(id, Arc::new(CompiledBlueprint::new(blueprint).unwrap()));
        all
    };
    assert_ne!(first, digest(&base, &changed("service")));
    assert_eq!(
        first,
        digest(&base, &changed("strictly")),
        "a blueprint that this kind does not use"
    );
    let computed = file(json!({"identifier": ".id", "blueprint": ".b"}));
    assert_ne!(digest(&computed, &all), digest(&computed, &changed("strictly")));
    let mut other = base.clone();
    other["resources"].as_array_mut().unwrap().push(
        json!({"kind": "issue", "port": {"entity": {"mappings": {"identifier": ".id", "blueprint": "\"service\""}}}}),
    );
    assert_eq!(first, digest(&other, &all), "another kind's part");
    assert_eq!(RelationTarget::Many(vec![]).targets().len(), 0);
}

#[test]
fn resources_of_one_kind_with_different_selectors_are_kept_apart() {
    let resource = |selector: Value, blueprint: &str| {
        json!({"kind": "repo", "selector": selector, "port": {"entity": {"mappings":
            {"identifier": ".id", "blueprint": format!("\"{blueprint}\"")}}}})
    };
    let mapping = Mapping::compile(&json!({"resources": [
        resource(json!({"query": "true", "states": ["open"]}), "service"),
        resource(json!({"query": ".tier == 1", "states": ["open"]}), "service"),
        resource(json!({"query": "true", "states": ["closed"], "depth": 2}), "service"),
        resource(json!({"query": "true"}), "service"),
    ]}))
    .unwrap();
    let (open, closed, all) = (
        json!({"states": ["open"]}),
        json!({"depth": 2, "states": ["closed"]}),
        json!({}),
    );
    assert_eq!(mapping.selectors("repo"), [&open, &closed, &all]);
    let names = [0, 1, 2].map(|place| mapping.partition_name("repo", place, "org {x}"));
    assert_eq!(
        names,
        ["org {x}", r#"org {x} {"depth":2,"states":["closed"]}"#, "org {x} {}"]
    );
    for (place, name) in names.iter().enumerate() {
        assert_eq!(mapping.partition_of("repo", name), (place, "org {x}"));
    }
    // The other order of fields is the same selector; a kind with one selector has its plugin's names, whatever they are.
    assert_eq!(mapping.partition_of("issue", "org {}"), (0, "org {}"));
    let blueprints = Blueprints::new();
    let reports = |selector| {
        let call = Call {
            kind: "repo",
            key: "k",
            selector,
            strict: false,
            conversions: false,
            now: None,
            find: None,
        };
        let mapped = mapping
            .map_with(call, br#"{"id": "a", "tier": 2}"#, &blueprints)
            .unwrap();
        // No blueprint is there, so each resource that takes the item sets one entity aside.
        mapped.reports.len()
    };
    assert_eq!(
        [
            reports(Some(0)),
            reports(Some(1)),
            reports(Some(2)),
            reports(Some(3)),
            reports(None)
        ],
        [1, 1, 1, 0, 3]
    );
}
