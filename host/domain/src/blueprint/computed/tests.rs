//! What is read, what is wrong and where, and what calculations come to.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use serde_json::json;

fn read(other: Value) -> Result<Computed, Vec<ComputedError>> {
    let own = BTreeMap::from([("tier".to_owned(), json!({"type": "string"}))]);
    let relations = ["system", "repo"].map(str::to_owned).into();
    Computed::read(other.as_object().unwrap(), &own, &relations)
}

#[test]
fn ports_shapes_are_read() {
    let computed = read(json!({
        "mirrorProperties": {"m": {"path": "system.tier"}, "deep": {"title": "T", "path": "system.domain.$title"}},
        "calculationProperties": {
            "z": {"type": "number", "calculation": ".properties.a + 1"},
            "a": {"type": "number", "calculation": ".properties.stars * 2", "colorized": true, "colors": {"1": "red"}}
        },
        "aggregationProperties": {
            "n": {"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "count"}},
            "per": {"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "average", "averageOf": "week"}},
            "sum": {"target": "issue", "calculationSpec": {"calculationBy": "property", "func": "median", "property": "points"},
                "pathFilter": [
                    {"path": ["epic", "service"]}, {"fromBlueprint": "issue", "path": ["repo", "service"]},
                    {"path": ["repo"]}, {"fromBlueprint": "service", "path": ["repo"]},
                ],
                "query": {"combinator": "and", "rules": []}}
        },
        "ownership": {"type": "Inherited", "path": "system.domain"}
    }))
    .unwrap();
    assert_eq!(computed.mirrors["deep"].relations, ["system", "domain"]);
    assert_eq!(computed.mirrors["deep"].property, "$title");
    let order: Vec<_> = computed.calculations.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(order, ["a", "z"]);
    assert_eq!(
        computed.aggregations["per"].func,
        Func::CountPer {
            period: Period::Week,
            by: "$createdAt".into()
        }
    );
    let sum = &computed.aggregations["sum"];
    assert_eq!(
        sum.func,
        Func::Of {
            property: "points".into(),
            what: Over::Median
        }
    );
    assert_eq!(
        sum.paths
            .as_ref()
            .unwrap()
            .iter()
            .map(|path| path.from_here)
            .collect::<Vec<_>>(),
        [false, false, true, true]
    );
    assert_eq!(computed.inherits.as_deref().unwrap(), ["system", "domain"]);
    assert!(read(json!({})).unwrap().is_empty());
}

#[test]
fn what_is_wrong_is_named_where_it_stands() {
    for (other, pointer, words) in [
        (
            json!({"mirrorProperties": {"m": {"path": "sytem.tier"}}}),
            "/mirrorProperties/m/path",
            "did you mean `system`",
        ),
        (
            json!({"mirrorProperties": {"m": {"path": "system"}}}),
            "/mirrorProperties/m/path",
            "`system.$title`",
        ),
        (
            json!({"mirrorProperties": {"m": {"path": "system.$name"}}}),
            "/mirrorProperties/m/path",
            "$identifier",
        ),
        (
            json!({"mirrorProperties": {"tier": {"path": "system.tier"}}}),
            "/mirrorProperties/tier",
            "already",
        ),
        (
            json!({"mirrorProperties": {"m": {}}}),
            "/mirrorProperties/m/path",
            "expected a text",
        ),
        (
            json!({"mirrorProperties": []}),
            "/mirrorProperties",
            "expected an object",
        ),
        (
            json!({"calculationProperties": {"c": {"type": "string", "calculation": ".a |"}}}),
            "/calculationProperties/c/calculation",
            "expected",
        ),
        (
            json!({"calculationProperties": {"c": {"type": "strin", "calculation": ".a"}}}),
            "/calculationProperties/c/type",
            "did you mean `string`",
        ),
        (
            json!({"calculationProperties": {"a": {"type": "number", "calculation": ".properties.b"}, "b": {"type": "number", "calculation": ".properties.a"}}}),
            "/calculationProperties/a",
            "in a circle: a, b",
        ),
        (
            json!({"aggregationProperties": {"n": {"target": "issue"}}}),
            "/aggregationProperties/n/calculationSpec",
            "expected an object",
        ),
        (
            json!({"aggregationProperties": {"n": {"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "sum"}}}}),
            "/aggregationProperties/n/calculationSpec/func",
            "calculationBy: property",
        ),
        (
            json!({"aggregationProperties": {"n": {"target": "issue", "calculationSpec": {"calculationBy": "property", "property": "p", "func": "mode"}}}}),
            "/aggregationProperties/n/calculationSpec/func",
            "median",
        ),
        (
            json!({"ownership": {"type": "Inherited", "path": "owner"}}),
            "/ownership/path",
            "no relation `owner`",
        ),
        (
            json!({"ownership": {"type": "Shared"}}),
            "/ownership/type",
            "`Inherited`",
        ),
    ] {
        let errors = read(other.clone()).unwrap_err();
        assert_eq!(errors[0].pointer, pointer, "{other}");
        assert!(errors[0].message.contains(words), "{}", errors[0]);
    }
}

#[test]
fn a_name_that_is_also_a_filter_or_stands_in_a_text_is_no_circle() {
    let calculation = |code: &str| json!({"type": "string", "calculation": code});
    let computed = read(json!({"calculationProperties": {
        "env": calculation(".properties.environment // \"none\" | ascii_downcase"),
        "now": calculation(".properties.env + \"/\" + .properties.now_at"),
        "title": calculation(".title | ascii_upcase"),
        "link": calculation("\"https://x/link/\" + .identifier"),
        "all": calculation(".properties | .env + .now"),
    }}))
    .unwrap();
    let order: Vec<_> = computed.calculations.iter().map(|(name, _)| name.as_str()).collect();
    let place = |name: &str| order.iter().position(|one| *one == name).unwrap();
    assert!(place("env") < place("now") && place("now") < place("all"), "{order:?}");
    let itself = read(json!({"calculationProperties": {"a": calculation(".properties.a")}})).unwrap_err();
    assert!(itself[0].message.contains("in a circle"), "{}", itself[0]);
}

#[test]
fn a_calculation_fits_its_type_or_gives_nothing() {
    let one = |code: &str, kind: &str| {
        let all = json!({"calculationProperties": {"c": {"type": kind, "calculation": code}}});
        read(all).unwrap().calculations.remove(0).1
    };
    let entity = json!({"identifier": "pay", "properties": {"stars": 4, "n": null}});
    assert_eq!(one(".properties.stars * 2", "number").run(&entity), Ok(Some(json!(8))));
    assert_eq!(
        one("\"https://x/\" + .identifier", "string").run(&entity),
        Ok(Some(json!("https://x/pay")))
    );
    assert_eq!(one(".properties.n", "number").run(&entity), Ok(None));
    assert_eq!(one(".properties.stars", "string").run(&entity), Ok(Some(json!("4"))));
    assert!(one(".properties", "number").run(&entity).is_err());
    assert!(one("error(\"no\")", "number").run(&entity).unwrap_err().contains("no"));
    let endless = one("[range(1e9)] | length", "number").run(&entity);
    assert!(endless.is_err(), "{endless:?}");
    assert!(one("now", "number").run(&entity).is_err());
}

#[test]
fn aggregations_over_ranges_of_time_depend_on_it() {
    let over = |rule: Value| {
        let spec = json!({"calculationBy": "entities", "func": "average", "averageOf": "week"});
        let query = json!({"combinator": "and", "rules": [{"combinator": "or", "rules": [rule]}]});
        let n = json!({"target": "issue", "calculationSpec": spec, "query": query});
        read(json!({"aggregationProperties": {"n": n}}))
            .unwrap()
            .depends_on_time()
    };
    for rule in [
        json!({"property": "due", "operator": "isExpired"}),
        json!({"property": "$createdAt", "operator": "notBetween", "value": {"preset": "lastWeek"}}),
        json!({"propertySchema": {"type": "string", "format": "timer"}, "operator": "isNotExpired"}),
    ] {
        assert!(over(rule.clone()), "{rule}");
    }
    for rule in [
        json!({"property": "due", "operator": "<", "value": "2027-01-01"}),
        json!({"property": "due", "operator": "between", "value": {"from": "2026-01-01", "to": "2027-01-01"}}),
        json!({"property": "lastWeek", "operator": "=", "value": "isExpired"}),
    ] {
        assert!(!over(rule.clone()), "{rule}");
    }
}

#[test]
fn a_range_of_time_that_is_none_is_refused() {
    let over = |operator: &str, preset: &str| {
        let rule = json!({"property": "$createdAt", "operator": operator, "value": {"preset": preset}});
        let query = json!({"combinator": "and", "rules": [{"combinator": "or", "rules": [rule]}]});
        let n = json!({"target": "issue", "query": query, "calculationSpec": {"calculationBy": "entities", "func": "count"}});
        read(json!({"aggregationProperties": {"n": n}}))
    };
    for (operator, preset, words) in [
        ("between", "lastWeke", "did you mean `lastWeek`?"),
        ("notBetween", "nothing like it", "there are: today"),
    ] {
        let wrong = over(operator, preset).unwrap_err();
        assert_eq!(
            wrong[0].pointer,
            "/aggregationProperties/n/query/rules/0/rules/0/value/preset"
        );
        assert!(wrong[0].message.contains(words), "{wrong:?}");
    }
    assert!(over("between", "lastWeek").is_ok() && over("=", "lastWeke").is_ok());
}
