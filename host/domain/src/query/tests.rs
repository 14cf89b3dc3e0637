//! What questions mean, and what is wrong with bad ones.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::{Blueprint, BlueprintId, Entity, EntityId};
use serde_json::{Value, json};
use std::sync::Arc;

const NOW: i64 = 1_706_702_400_000; // 2024-01-31T12:00:00Z

fn shape() -> Shape {
    let all: Vec<Blueprint> = serde_json::from_value(json!([
        {"identifier": "service", "schema": {"properties": {
            "tier": {"type": "number"}, "version": {"type": "string"}, "on": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}}, "config": {"type": "object"},
            "due": {"type": "string", "format": "date-time"}, "url": {"type": "string", "format": "url"},
            "a.b": {"type": "string"}}},
         "relations": {"owner": {"target": "team", "required": true}, "uses": {"target": "service", "many": true}},
         "calculationProperties": {"score": {"type": "number", "calculation": "1"}}},
        {"identifier": "team", "schema": {"properties": {"name": {"type": "string"}, "size": {"type": "number"}}},
         "relations": {"parent": {"target": "team"}}}
    ]))
    .unwrap();
    Shape::of(&all)
}

fn service() -> Scope<'static> {
    Scope::of(Box::leak(Box::new(shape())), &["service".parse().unwrap()])
}

struct Small {
    shape: Shape,
    all: Vec<Arc<Entity>>,
}

impl Small {
    fn new(all: &[Value]) -> Self {
        let entity = |value: &Value| Arc::new(serde_json::from_value(value.clone()).unwrap());
        Self {
            shape: shape(),
            all: all.iter().map(entity).collect(),
        }
    }

    /// The identifiers of all that match.
    fn found(&self, node: &Node) -> String {
        let matching = self.all.iter().filter(|entity| {
            let subject = Subject {
                entity,
                created_at: NOW - 86_400_000,
                updated_at: NOW,
                created_by: None,
                updated_by: None,
            };
            node.matches(subject, self)
        });
        matching
            .map(|entity| entity.identifier.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

impl World for Small {
    fn now(&self) -> i64 {
        NOW
    }

    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn find(&self, blueprint: &BlueprintId, identifier: &EntityId) -> Option<Record> {
        let found = self
            .all
            .iter()
            .find(|e| e.blueprint == *blueprint && e.identifier == *identifier)?;
        Some(Record {
            entity: found.clone(),
            created_at: NOW,
            updated_at: NOW,
            created_by: None,
            updated_by: None,
        })
    }

    fn referrers(&self, blueprint: &BlueprintId, relation: &str, target: &EntityId) -> Vec<EntityId> {
        let refers = |e: &&Arc<Entity>| {
            let to = e.relations.get(relation);
            e.blueprint == *blueprint && to.is_some_and(|to| to.targets().contains(target))
        };
        self.all.iter().filter(refers).map(|e| e.identifier.clone()).collect()
    }
}

fn world() -> Small {
    let s = |id: &str, properties: Value, relations: Value| json!({"blueprint": "service", "identifier": id, "properties": properties, "relations": relations});
    Small::new(&[
        s(
            "a",
            json!({"tier": 1, "version": "1.10", "on": true, "tags": ["go", "Pci"], "config": {"cpu": {"limit": 4}, "l": [{"n": "x"}, {"n": "y"}]},
            "due": "2024-01-31T13:00:00+02:00", "url": "https://A.example/x"}),
            json!({"owner": "red", "uses": ["b"]}),
        ),
        s(
            "b",
            json!({"tier": 2.0, "version": "2", "tags": [], "due": "2024-02-01T00:00:00Z", "a.b": "dot"}),
            json!({"owner": "blue", "uses": ["c", "gone"]}),
        ),
        s(
            "c",
            json!({"tier": 10, "version": "", "on": false, "tags": ["golang"], "config": {}}),
            json!({"owner": "gone", "uses": []}),
        ),
        json!({"blueprint": "team", "identifier": "red", "title": "Red Team", "properties": {"name": "Reds", "size": 3}, "relations": {"parent": "all"}}),
        json!({"blueprint": "team", "identifier": "blue", "team": ["x", "y"], "properties": {"name": "Blues", "size": 9}, "relations": {"parent": "red"}}),
        json!({"blueprint": "team", "identifier": "all", "properties": {"name": "All"}}),
    ])
}

/// Each filter with the entities that it finds among the services.
#[test]
fn filters_find_what_they_say() {
    let (world, scope) = (world(), service());
    for (filter, found) in [
        ("tier = 1", "a"),
        ("tier = 1.0", "a"),
        ("tier=2", "b"),
        ("tier != 1", "b c red blue all"),
        ("tier > 1", "b c"),
        ("tier >= 2 AND tier < 10", "b"),
        ("in(tier, 1, 10)", "a c"),
        ("tier = (1 OR 2)", "a b"),
        ("tier != (1 OR 2)", "c red blue all"),
        ("version = 1.10", "a"),
        ("version > \"1\"", "a b"),
        ("version = null", "red blue all"),
        ("version:*", "a b"),
        ("isEmpty(version)", "c red blue all"),
        ("on = true OR on = false", "a c"),
        ("tags:go", "a"),
        ("tags:(pci OR golang)", "c"),
        ("tags:(go AND Pci)", "a"),
        ("beginsWith(tags, \"GO\")", "a c"),
        ("NOT isEmpty(tags)", "a c"),
        ("url:a.EXAMPLE", "a"),
        ("url = https://A.example/x", "a"),
        ("url = \"*/X\"", "a"),
        ("url = \"https*\"", "a"),
        ("url = \"\\*/x\"", ""),
        ("config.cpu.limit >= 4", "a"),
        ("config.l.n = y", "a"),
        ("config:cpu", "a"),
        ("properties.config.cpu:limit", "a"),
        ("config.cpu = {\"limit\": 4.0}", "a"),
        ("tags = [\"go\",\"Pci\"]", "a"),
        ("a.b = dot", "b"),
        ("due = 2024-01-31T11:00:00Z", "a"),
        ("due <= \"2024-01-31T11:00:00.000Z\"", "a"),
        ("between(due, today)", "a"),
        ("between(due, nextDay)", "b"),
        ("between(due, \"2024-02-01\", null)", "b"),
        ("isExpired(due)", "a"),
        ("$createdAt < 2024-01-31T00:00:00Z", "a b c red blue all"),
        ("$updatedAt = 1706702400000", "a b c red blue all"),
        ("owner = red", "a"),
        ("relations.uses:c", "b"),
        ("owner.size > 5", "b"),
        ("owner.parent.name = All", "a"),
        ("owner.name != Reds", "b c red blue all"),
        ("owner.name:*", "a b"),
        ("owner.name = \"*\"", "a b"),
        ("owner.name != null", "a b"),
        ("owner.name = null", "c red blue all"),
        ("isEmpty(owner.name)", "c red blue all"),
        ("owner.parent.name = (All OR null)", "a c red blue all"),
        ("owner.name != (Reds OR null)", "b"),
        // An empty text is a value, here as of the entity itself.
        ("uses.version = null", "c red blue all"),
        ("uses.version != null", "a b"),
        ("uses.version = (2 OR null)", "a c red blue all"),
        ("uses.version:*", "a"),
        ("isEmpty(uses.version)", "b c red blue all"),
        ("uses.owner.$identifier:*", "a"),
        ("uses.owner.name = Blues", "a"),
        ("relatedTo(service, a, upstream, 1)", "b red"),
        ("relatedTo(service, a, upstream)", "b c red blue all"),
        ("relatedTo(team, red, downstream, 1)", "a blue"),
        ("relatedTo(service, gone, downstream)", "a b"),
        ("relatedTo(service, b)", "a c red blue all"),
        ("$blueprint = service tier < 3 -tier = 2", "a"),
        ("RED", "red"),
        ("tier = 1 OR tier = 2 AND on = true", "a"),
        ("(tier = 1 AND on = true) OR version = 2", "a b"),
        ("$team = y", "blue"),
        ("$title:team", "red"),
        ("", "a b c red blue all"),
    ] {
        let node = Node::parse_filter(filter, &scope).unwrap_or_else(|e| panic!("{filter}: {e}"));
        assert_eq!(world.found(&node), found, "{filter}");
        // As rules it is the same tree.
        let rules = node.to_json();
        assert_eq!(Node::parse(&rules, &scope), Ok(node), "{filter} as {rules}");
    }
}

#[test]
fn rules_of_port_find_what_they_say() {
    let (world, scope) = (world(), service());
    let rule = |property: &str, operator: &str, value: Value| json!({"property": property, "operator": operator, "value": value});
    for (rules, found) in [
        (
            json!({"combinator": "and", "rules": [rule("$blueprint", "=", json!("service")), rule("tier", "in", json!([1, 10]))]}),
            "a c",
        ),
        (
            json!({"combinator": "or", "conditions": [rule("tier", "=", json!(1)), rule("version", "=", json!("2"))]}),
            "a b",
        ),
        (json!({"combinator": "and", "rules": []}), "a b c red blue all"),
        (json!({"combinator": "or", "rules": []}), ""),
        (rule("tags", "containsAny", json!(["golang", "Pci"])), "a c"),
        (rule("tags", "doesNotContain", json!("go")), "b c red blue all"),
        (rule("url", "doesNotBeginsWith", json!("HTTPS")), "b c red blue all"),
        (rule("url", "endsWith", json!("/X")), "a"),
        (
            rule(
                "due",
                "between",
                json!({"from": "2024-01-31", "to": "2024-01-31T11:00:00Z"}),
            ),
            "a",
        ),
        (
            rule("due", "notBetween", json!({"preset": "today"})),
            "b c red blue all",
        ),
        (json!({"property": "tags", "operator": "isNotEmpty"}), "a c"),
        (
            json!({"property": {"path": ["owner"], "property": "name"}, "operator": "isNotEmpty"}),
            "a b",
        ),
        (
            json!({"property": {"path": ["owner"], "property": "name"}, "operator": "isEmpty"}),
            "c red blue all",
        ),
        (
            json!({"property": {"path": ["owner"], "property": "size"}, "operator": "notBetween", "value": {"from": 1, "to": 5}}),
            "b c red blue all",
        ),
        (
            json!({"property": {"path": ["owner"], "property": "name"}, "operator": "notIn", "value": ["Reds", null]}),
            "b",
        ),
        (
            json!({"propertySchema": {"type": "string", "format": "url"}, "operator": "isNotEmpty"}),
            "a",
        ),
        (
            json!({"propertySchema": {"type": "string"}, "operator": "isEmpty"}),
            "c",
        ),
        (
            json!({"property": "due", "operator": "isNotExpired"}),
            "b c red blue all",
        ),
        (json!({"relation": "owner", "operator": "=", "value": "blue"}), "b"),
        (
            json!({"property": {"path": ["owner"]}, "operator": "matchAny", "value": ["blue"]}),
            "b",
        ),
        (
            json!({"property": {"path": ["owner", {"relation": "parent", "maxHops": 2}]}, "operator": "matchAny", "value": "all"}),
            "a b",
        ),
        (
            json!({"propertySchema": {"type": "string", "format": "url"}, "operator": "contains", "value": "example"}),
            "a",
        ),
        (
            json!({"propertySchema": {"type": "string"}, "operator": "=", "value": "dot"}),
            "b",
        ),
        (
            json!({"operator": "relatedTo", "blueprint": "team", "value": ["red", "blue"], "direction": "downstream", "depth": 1, "required": true}),
            "a b",
        ),
        (
            json!({"operator": "relatedTo", "blueprint": "team", "value": "red", "direction": "downstream", "required": false}),
            "blue",
        ),
        (
            json!({"combinator": "not", "rules": [{"combinator": "or", "rules": [rule("tier", "<", json!(5)), rule("$blueprint", "!=", json!("service"))]}]}),
            "c",
        ),
    ] {
        let node = Node::parse(&rules, &scope).unwrap_or_else(|e| panic!("{rules}: {e}"));
        assert_eq!(world.found(&node), found, "{rules}");
        assert_eq!(Node::parse(&node.to_json(), &scope), Ok(node), "{rules}");
    }
}

fn check_filter(filter: &str, column: usize, part: &str) {
    let error = Node::parse_filter(filter, &service()).expect_err(filter);
    assert_eq!(error.at, At::Text { line: 1, column }, "{filter}: {error}");
    assert!(error.detail.contains(part), "{filter}: {error}");
}

#[test]
fn bad_filters_say_where_and_what_to_write() {
    check_filter("tire = 1", 1, "did you mean `tier`?");
    check_filter("tier = 1 AND owner.nam = x", 14, "did you mean `name`?");
    check_filter("tier = ", 8, "a value is missing");
    check_filter("tier = 1 AND", 13, "expected a condition");
    check_filter("AND tier = 1", 1, "expected a condition before `AND`");
    check_filter("(tier = 1", 1, "no `)`");
    check_filter("tier = 1)", 9, "no `(`");
    check_filter("version = \"x", 11, "no end");
    check_filter("tier = \"3\"", 8, "write 3 without quotes");
    check_filter("version = [3]", 11, "of type string");
    check_filter("on > true", 6, "takes a number or a text");
    check_filter("$createdAt > yesterday", 14, "is a time");
    check_filter("$createdBi = me", 1, "did you mean `$createdBy`?");
    check_filter("$titel = me", 1, "did you mean `$title`?");
    check_filter("isempty(tier)", 1, "did you mean `isEmpty`?");
    check_filter("between(tier, lastWeak)", 1, "did you mean `lastWeek`?");
    check_filter("between(tier, 1, \"x\")", 1, "different types");
    check_filter("relatedTo(service, a, up)", 1, "is no direction");
    check_filter("relatedTo(service, a, upstream, 16)", 1, "1 to 15");
    check_filter("version = \"a*b\"", 11, "at the start and at the end");
    check_filter("tags:(a OR b AND c)", 6, "not by both");
    check_filter("version = {\"a\"", 11, "no JSON");
    check_filter("version:null", 9, "looks for a value");
    let error = Node::parse_filter("tier = 1 AND\n  tire = 2", &service()).unwrap_err();
    assert_eq!(error.to_string().split(": ").next(), Some("line 2, column 3"));
}

#[test]
fn bad_rules_say_where_and_what_to_write() {
    let rule = |property: &str, operator: &str, value: Value| json!({"property": property, "operator": operator, "value": value});
    for (rules, pointer, part) in [
        (json!([]), "", "expected a rule"),
        (
            json!({"combinator": "xor", "rules": []}),
            "/combinator",
            "did you mean `or`?",
        ),
        (json!({"combinator": "and"}), "/rules", "missing"),
        (
            json!({"combinator": "and", "rules": [rule("tire", "=", json!(1))]}),
            "/rules/0/property",
            "did you mean `tier`?",
        ),
        (
            json!({"combinator": "and", "rules": [{"combinator": "or", "rules": [rule("tier", "==", json!(1))]}]}),
            "/rules/0/rules/0/operator",
            "did you mean `=`?",
        ),
        (rule("tier", "=", json!("x")), "/value", "of type number"),
        (rule("tier", "in", json!(1)), "/value", "takes a list"),
        (rule("tier", ">", json!([])), "/value", "takes a number or a text"),
        (json!({"property": "tier", "operator": "="}), "/value", "missing"),
        (json!({"operator": "=", "value": 1}), "", "looks at one of"),
        (
            json!({"property": "tier", "operator": "=", "value": 1, "valeu": 2}),
            "/valeu",
            "did you mean `value`?",
        ),
        (
            rule("due", "between", json!({"preset": "lastweek"})),
            "/value/preset",
            "did you mean `lastWeek`?",
        ),
        (rule("due", "between", json!({})), "/value", "at least one of"),
        (rule("due", "between", json!("today")), "/value", "expected"),
        (json!({"operator": "relatedTo", "value": "x"}), "/blueprint", "missing"),
        (
            json!({"operator": "relatedTo", "blueprint": "team", "value": "x", "direction": "up"}),
            "/direction",
            "no direction",
        ),
        (
            json!({"operator": "relatedTo", "blueprint": "team", "value": "x", "depth": 0}),
            "/depth",
            "1 to 15",
        ),
        (
            json!({"property": {"context": "user", "property": "x"}, "operator": "=", "value": 1}),
            "/property",
            "sign-in",
        ),
        (
            json!({"property": {"path": ["ownr"]}, "operator": "matchAny", "value": "x"}),
            "/property/path/0",
            "did you mean `owner`?",
        ),
        (
            json!({"propertySchema": {"type": "strung"}, "operator": "=", "value": "x"}),
            "/propertySchema/type",
            "did you mean `string`?",
        ),
        (
            json!({"scorecard": "x", "operator": "=", "value": "Gold"}),
            "/scorecard",
            "no part of an entity",
        ),
    ] {
        let error = Node::parse(&rules, &service()).expect_err(&rules.to_string());
        assert_eq!(error.at, At::Pointer(pointer.to_owned()), "{rules}: {error}");
        assert!(error.detail.contains(part), "{rules}: {error}");
    }
}

#[test]
fn a_thousand_levels_are_refused_and_overflow_nothing() {
    let mut rules = json!({"property": "tier", "operator": "=", "value": 1});
    for _ in 0..1000 {
        // Not by `json!`, which copies level by level itself.
        rules = Value::Object([("rules".to_owned(), Value::Array(vec![rules]))].into_iter().collect());
    }
    let error = Node::parse(&rules, &service()).unwrap_err();
    assert!(error.detail.contains("32 deep"), "{error}");
    // Dropping it level by level must not overflow either.
    while let Some(inner) = rules.pointer_mut("/rules/0").map(Value::take) {
        rules = inner;
    }
    check_filter(
        &format!("{}tier=1{}", "(".repeat(1000), ")".repeat(1000)),
        32,
        "32 deep",
    );
    let double = format!("{}tier=1", "NOT ".repeat(1000));
    assert_eq!(
        Node::parse_filter(&double, &service()),
        Node::parse_filter("tier=1", &service())
    );
    let wide = vec!["tier=1"; 1001].join(" OR ");
    check_filter(&wide, 10_001, "more than 1000");
    check_filter(&format!("tier = {}", "[".repeat(1000)), 8, "no JSON");
}

#[test]
fn a_cursor_belongs_to_its_question() {
    let search = |filter: &str, descending| Search {
        blueprints: None,
        rules: Node::parse_filter(filter, &Scope::unchecked()).unwrap(),
        words: None,
        sort: Sort::By {
            field: Field::Title,
            descending,
        },
        after: None,
        limit: 20,
    };
    let place = Place {
        value: json!("x"),
        identifier: "y".into(),
        blueprint: None,
    };
    let digest = search("tier = 1", false).digest();
    let cursor = Cursor::new(digest.clone(), place.clone()).encode();
    assert_eq!(Cursor::decode(&cursor, &digest), Ok(place));
    for other in [search("tier = 2", false), search("tier = 1", true)] {
        let error = Cursor::decode(&cursor, &other.digest()).unwrap_err();
        assert!(error.contains("another query"), "{error}");
    }
    for none in ["", "x", "e30", "%"] {
        assert!(Cursor::decode(none, &digest).unwrap_err().contains("no cursor"));
    }
}
