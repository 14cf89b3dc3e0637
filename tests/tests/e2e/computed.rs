//! Mirrored, calculated and inherited values: kept current as what they follow from changes.

use reqwest::{Method, StatusCode};
use seawall_tests::{Seawall, eventually};
use serde_json::{Value, json};

async fn put(seawall: &Seawall, path: &str, body: Value) -> Value {
    let (status, answer) = seawall
        .send(Method::PUT, &format!("/api/v1/blueprints/{path}"), &body)
        .await;
    assert!(status.is_success(), "{path}: {answer}");
    answer
}

async fn becomes(seawall: &Seawall, entity: &str, wanted: Value) {
    let path = format!("/api/v1/blueprints/{}", entity.replacen('/', "/entities/", 1));
    eventually(&format!("{entity} with {wanted}"), || async {
        let found = seawall.get(&path).await;
        let fields = wanted.as_object().unwrap();
        let fits = |(name, value): (&String, &Value)| {
            let now = if name == "team" {
                &found["team"]
            } else {
                &found["properties"][name]
            };
            now == value
        };
        fields.iter().all(fits).then_some(())
    })
    .await;
}

async fn modelled() -> Seawall {
    let seawall = Seawall::start().await;
    for blueprint in [
        json!({"identifier": "domain", "schema": {"properties": {"cost": {"type": "number"}}}}),
        json!({"identifier": "system", "schema": {"properties": {"tier": {"type": "string"}}},
               "relations": {"domain": {"target": "domain"}}}),
        json!({"identifier": "service", "schema": {"properties": {"stars": {"type": "number"}}},
               "relations": {"system": {"target": "system"}, "uses": {"target": "service", "many": true}},
               "mirrorProperties": {"tier": {"path": "system.tier"}, "cost": {"path": "system.domain.cost"},
                                    "used": {"path": "uses.$title"}},
               "calculationProperties": {"label": {"type": "string", "calculation": ".identifier + \"/\" + (.properties.tier // \"none\")"},
                                         "twice": {"type": "number", "calculation": ".properties.stars * 2"}},
               "ownership": {"type": "Inherited", "path": "system.domain"}}),
    ] {
        put(&seawall, blueprint["identifier"].as_str().unwrap(), blueprint.clone()).await;
    }
    put(
        &seawall,
        "domain/entities/money",
        json!({"title": "Money", "team": ["core"], "properties": {"cost": 10}}),
    )
    .await;
    put(
        &seawall,
        "system/entities/pay",
        json!({"properties": {"tier": "gold"}, "relations": {"domain": "money"}}),
    )
    .await;
    put(&seawall, "service/entities/db", json!({"title": "Database"})).await;
    put(
        &seawall,
        "service/entities/api",
        json!({"properties": {"stars": 4}, "relations": {"system": "pay", "uses": ["db"]}}),
    )
    .await;
    seawall
}

#[tokio::test]
async fn values_follow_along_relations_and_are_found_by_lists() {
    let mut seawall = modelled().await;
    let all =
        json!({"tier": "gold", "cost": 10, "used": ["Database"], "label": "api/gold", "twice": 8, "team": ["core"]});
    becomes(&seawall, "service/api", all.clone()).await;
    becomes(
        &seawall,
        "service/db",
        json!({"tier": null, "label": "db/none", "twice": null, "team": []}),
    )
    .await;
    // An entity is read from the database, a list by the index, which has it a moment later.
    eventually("lists to know the values", || async {
        let list = seawall
            .get("/api/v1/blueprints/service/entities?filter=tier=gold&filter=twice=8")
            .await;
        (list["items"][0]["identifier"] == "api").then_some(())
    })
    .await;
    let facet = seawall.get("/api/v1/blueprints/service/facets/label").await;
    assert_eq!(facet["items"].as_array().unwrap().len(), 2);

    // Far away, in between, and by another way.
    put(
        &seawall,
        "domain/entities/money",
        json!({"title": "Money", "team": ["gold", "core"], "properties": {"cost": 11}}),
    )
    .await;
    becomes(&seawall, "service/api", json!({"cost": 11, "team": ["gold", "core"]})).await;
    put(&seawall, "system/entities/pay", json!({"properties": {"tier": "iron"}})).await;
    becomes(
        &seawall,
        "service/api",
        json!({"tier": "iron", "cost": null, "label": "api/iron", "team": []}),
    )
    .await;
    put(&seawall, "service/entities/db", json!({"title": "DB"})).await;
    becomes(&seawall, "service/api", json!({"used": ["DB"]})).await;
    let (status, _) = seawall
        .send(Method::DELETE, "/api/v1/blueprints/system/entities/pay", &Value::Null)
        .await;
    assert_eq!(status, StatusCode::OK);
    becomes(&seawall, "service/api", json!({"tier": null, "label": "api/none"})).await;
    put(&seawall, "system/entities/pay", json!({"properties": {"tier": "new"}})).await;
    becomes(&seawall, "service/api", json!({"tier": "new"})).await;
    let history = seawall.get("/api/v1/blueprints/service/entities/api/history").await;
    let changes = history["items"].as_array().unwrap();
    let derived = changes.iter().find(|c| c["cause"] == "derived").unwrap();
    assert_eq!(derived["diff"]["properties.tier"], json!([null, "new"]));
    let entity = seawall
        .get("/api/v1/blueprints/service/entities/api?include=provenance")
        .await;
    assert_eq!(entity["provenance"]["tier"]["sources"], json!([]));

    // A change whose followers a crash cut off is followed by the next start.
    put(&seawall, "system/entities/pay", json!({"properties": {"tier": "last"}})).await;
    seawall.kill();
    seawall.boot().await;
    becomes(&seawall, "service/api", json!({"tier": "last", "label": "api/last"})).await;
}

#[tokio::test]
async fn a_changed_definition_is_computed_for_all() {
    let seawall = modelled().await;
    becomes(&seawall, "service/api", json!({"label": "api/gold"})).await;
    let mut service = seawall.get("/api/v1/blueprints/service").await;
    service["calculationProperties"] = json!({"name": {"type": "string", "calculation": ".identifier | ascii_upcase"}});
    service["mirrorProperties"].as_object_mut().unwrap().remove("cost");
    put(&seawall, "service", service).await;
    for (entity, name) in [("service/api", "API"), ("service/db", "DB")] {
        becomes(
            &seawall,
            entity,
            json!({"name": name, "label": null, "twice": null, "cost": null}),
        )
        .await;
    }
    let (status, problem) = seawall
        .try_get("/api/v1/blueprints/service/entities?filter=label=x")
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
}

#[tokio::test]
async fn definitions_that_cannot_be_are_refused_where_they_stand() {
    let seawall = modelled().await;
    let blueprint = |more: Value| {
        let mut body = json!({"identifier": "system", "schema": {"properties": {"tier": {"type": "string"}}},
            "relations": {"domain": {"target": "domain"}, "main": {"target": "service"}}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (more, pointer, words) in [
        (
            json!({"mirrorProperties": {"t": {"path": "man.tier"}}}),
            "/mirrorProperties/t/path",
            "did you mean `main`",
        ),
        (
            json!({"calculationProperties": {"c": {"type": "number", "calculation": "1 +"}}}),
            "/calculationProperties/c/calculation",
            "expected",
        ),
        (
            json!({"calculationProperties": {"a": {"type": "number", "calculation": ".properties.b"}, "b": {"type": "number", "calculation": ".properties.a"}}}),
            "/calculationProperties/a",
            "circle",
        ),
    ] {
        let (status, problem) = seawall
            .send(Method::PUT, "/api/v1/blueprints/system", &blueprint(more))
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    }
    // service.loop is system.loop, which would be service.loop.
    put(&seawall, "system", blueprint(json!({}))).await;
    let mut service = seawall.get("/api/v1/blueprints/service").await;
    service["mirrorProperties"]["loop"] = json!({"path": "system.loop"});
    put(&seawall, "service", service).await;
    let circle = blueprint(json!({"mirrorProperties": {"loop": {"path": "main.loop"}}}));
    let (status, problem) = seawall.send(Method::PUT, "/api/v1/blueprints/system", &circle).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("system.loop → service.loop → system.loop"), "{detail}");
    // An expression that never ends gives nothing, and holds up nothing.
    let mut service = seawall.get("/api/v1/blueprints/service").await;
    service["calculationProperties"]["endless"] = json!({"type": "number", "calculation": "[range(1e12)] | length"});
    service["calculationProperties"]["fine"] = json!({"type": "number", "calculation": "7"});
    put(&seawall, "service", service).await;
    becomes(&seawall, "service/api", json!({"fine": 7, "endless": null})).await;
}

#[tokio::test]
async fn aggregations_follow_what_comes_changes_moves_and_goes() {
    let mut seawall = Seawall::start().await;
    let count = json!({"calculationBy": "entities", "func": "count"});
    let of = |func: &str| json!({"calculationBy": "property", "func": func, "property": "points"});
    let open = json!({"combinator": "and", "rules": [{"property": "status", "operator": "=", "value": "OPEN"}]});
    for blueprint in [
        json!({"identifier": "team", "schema": {"properties": {}}, "aggregationProperties": {
            "open": {"target": "issue", "calculationSpec": count, "query": open, "pathFilter": [{"path": ["service", "owner"]}]}}}),
        json!({"identifier": "service", "schema": {"properties": {}}, "relations": {"owner": {"target": "team"}},
            "aggregationProperties": {
                "issues": {"target": "issue", "calculationSpec": count},
                "open": {"target": "issue", "calculationSpec": count, "query": open},
                "sum": {"target": "issue", "calculationSpec": of("sum")}, "least": {"target": "issue", "calculationSpec": of("min")},
                "most": {"target": "issue", "calculationSpec": of("max")}, "middle": {"target": "issue", "calculationSpec": of("median")},
                "mean": {"target": "issue", "calculationSpec": of("average")},
                "aDay": {"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "average", "averageOf": "day", "measureTimeBy": "at"}}
            },
            "calculationProperties": {"well": {"type": "boolean", "calculation": ".properties.open == 0"}}}),
        json!({"identifier": "issue", "schema": {"properties": {"status": {"type": "string"}, "points": {"type": "number"}, "at": {"type": "string", "format": "date-time"}}},
            "relations": {"service": {"target": "service"}}}),
    ] {
        put(&seawall, blueprint["identifier"].as_str().unwrap(), blueprint.clone()).await;
    }
    put(&seawall, "team/entities/core", json!({})).await;
    for service in ["pay", "web"] {
        put(
            &seawall,
            &format!("service/entities/{service}"),
            json!({"relations": {"owner": "core"}}),
        )
        .await;
    }
    let nothing = json!({"issues": 0, "open": 0, "sum": 0, "least": null, "middle": null, "mean": null, "aDay": null, "well": true});
    becomes(&seawall, "service/pay", nothing).await;
    for (i, status) in ["OPEN", "OPEN", "DONE", "OPEN"].into_iter().enumerate() {
        let issue = json!({"properties": {"status": status, "points": (i + 1) * 2, "at": format!("2026-11-0{}T10:00:00Z", i + 1)}, "relations": {"service": "pay"}});
        put(&seawall, &format!("issue/entities/i{i}"), issue).await;
    }
    let all = json!({"issues": 4, "open": 3, "sum": 20, "least": 2, "most": 8, "middle": 5, "mean": 5, "aDay": 1, "well": false});
    becomes(&seawall, "service/pay", all).await;
    becomes(&seawall, "team/core", json!({"open": 3})).await;

    // One is done, one moves, one goes, and a service changes hands.
    put(
        &seawall,
        "issue/entities/i0",
        json!({"properties": {"status": "DONE", "points": 3}, "relations": {"service": "pay"}}),
    )
    .await;
    put(
        &seawall,
        "issue/entities/i1",
        json!({"properties": {"status": "OPEN", "points": 4}, "relations": {"service": "web"}}),
    )
    .await;
    seawall
        .send(Method::DELETE, "/api/v1/blueprints/issue/entities/i3", &Value::Null)
        .await;
    becomes(
        &seawall,
        "service/pay",
        json!({"issues": 2, "open": 0, "sum": 9, "middle": 4.5, "well": true}),
    )
    .await;
    becomes(
        &seawall,
        "service/web",
        json!({"issues": 1, "open": 1, "sum": 4, "well": false}),
    )
    .await;
    becomes(&seawall, "team/core", json!({"open": 1})).await;
    put(&seawall, "team/entities/new", json!({})).await;
    put(&seawall, "service/entities/web", json!({"relations": {"owner": "new"}})).await;
    becomes(&seawall, "team/core", json!({"open": 0})).await;
    becomes(&seawall, "team/new", json!({"open": 1})).await;
    put(
        &seawall,
        "issue/entities/i1",
        json!({"properties": {"status": "DONE"}, "relations": {"service": "web"}}),
    )
    .await;
    seawall.kill();
    seawall.boot().await;
    becomes(&seawall, "team/new", json!({"open": 0})).await;
    let found = seawall
        .get("/api/v1/blueprints/service/entities?filter=open=0&sort=-issues")
        .await;
    assert_eq!(found["items"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_computed_on_a_day_is_gone_with_the_history_of_it() {
    let seawall = Seawall::start().await;
    let count = json!({"target": "task", "calculationSpec": {"calculationBy": "entities", "func": "count"}});
    put(
        &seawall,
        "list",
        json!({"identifier": "list", "schema": {"properties": {}}, "aggregationProperties": {"tasks": count}}),
    )
    .await;
    let task = json!({"identifier": "task", "schema": {"properties": {}}, "relations": {"list": {"target": "list"}}});
    put(&seawall, "task", task).await;
    put(&seawall, "list/entities/mine", json!({})).await;
    becomes(&seawall, "list/mine", json!({"tasks": 0})).await;
    let then = jiff::Timestamp::now();
    put(&seawall, "task/entities/one", json!({"relations": {"list": "mine"}})).await;
    becomes(&seawall, "list/mine", json!({"tasks": 1})).await;
    let at = format!("/api/v1/blueprints/list/entities/mine?at={then}");
    assert_eq!(seawall.get(&at).await["properties"]["tasks"], 0);
    crate::events::keep(&seawall, 0, 0, 0).await;
    eventually("the log to be empty", || async {
        let page = seawall.get("/api/v1/changes").await;
        page["items"].as_array()?.is_empty().then_some(())
    })
    .await;
    let (status, problem) = seawall.try_get(&at).await;
    assert_eq!(status, StatusCode::GONE, "{problem}");
}

/// What changes while nothing but time passes: nobody writes anything between one value and the next.
#[tokio::test]
async fn aggregations_over_ranges_of_time_follow_the_clock() {
    let mut seawall = Seawall::start().await;
    let count = json!({"calculationBy": "entities", "func": "count"});
    let over = |rule: Value| json!({"target": "task", "calculationSpec": count, "query": {"combinator": "and", "rules": [rule]}});
    let day = json!({"property": "due", "operator": "between", "value": {"preset": "lastDay"}});
    put(
        &seawall,
        "list",
        json!({"identifier": "list", "schema": {"properties": {}}, "aggregationProperties": {
            "late": over(json!({"property": "due", "operator": "isExpired"})),
            "open": over(json!({"property": "due", "operator": "isNotExpired"})),
            "lately": over(day)}}),
    )
    .await;
    put(
        &seawall,
        "task",
        json!({"identifier": "task", "schema": {"properties": {"due": {"type": "string", "format": "date-time"}}},
            "relations": {"list": {"target": "list"}}}),
    )
    .await;
    put(&seawall, "list/entities/mine", json!({})).await;
    let in_seconds = |seconds: i64| jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    let day = 24 * 3600;
    for (name, due) in [("past", -2 * day), ("ends", 8 - day), ("soon", 8), ("never", 3 * day)] {
        let task = json!({"properties": {"due": in_seconds(due).to_string()}, "relations": {"list": "mine"}});
        put(&seawall, &format!("task/entities/{name}"), task).await;
    }
    becomes(&seawall, "list/mine", json!({"late": 2, "open": 2, "lately": 1})).await;
    let before = seawall.get("/api/v1/changes?limit=1000").await["items"]
        .as_array()
        .unwrap()
        .len();
    // `soon` comes into the range, `ends` leaves it.
    becomes(&seawall, "list/mine", json!({"late": 3, "open": 1, "lately": 1})).await;
    let found = seawall.get("/api/v1/blueprints/list/entities?filter=late=3").await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    let changes = seawall.get("/api/v1/changes?limit=1000").await;
    let since = &changes["items"].as_array().unwrap()[before..];
    assert!(!since.is_empty() && since.len() <= 4, "{since:?}");
    assert!(since.iter().all(|change| change["cause"] == "derived"), "{since:?}");

    // A moment that passes while no server is there.
    let due = in_seconds(8);
    for (name, due) in [("never", due), ("more", in_seconds(3 * day))] {
        let task = json!({"properties": {"due": due.to_string()}, "relations": {"list": "mine"}});
        put(&seawall, &format!("task/entities/{name}"), task).await;
    }
    becomes(&seawall, "list/mine", json!({"late": 3, "open": 2})).await;
    seawall.kill();
    eventually("the moment", || async { (jiff::Timestamp::now() > due).then_some(()) }).await;
    seawall.boot().await;
    becomes(&seawall, "list/mine", json!({"late": 4, "open": 1})).await;
}

/// Entities that inherit their teams from each other in a circle come to rest: with what is said of one of them, and with none
/// where nothing is.
#[tokio::test]
async fn teams_that_are_inherited_in_a_circle_come_to_rest() {
    let seawall = Seawall::start().await;
    put(
        &seawall,
        "unit",
        json!({"identifier": "unit", "schema": {"properties": {}}, "relations": {"parent": {"target": "unit"}},
            "ownership": {"type": "Inherited", "path": "parent"}}),
    )
    .await;
    put(&seawall, "unit/entities/a", json!({"team": ["Z"]})).await;
    for (id, parent) in [("b", "a"), ("c", "b"), ("a", "c")] {
        let mut body = json!({"relations": {"parent": parent}});
        if id == "a" {
            body["team"] = json!(["Z"]);
        }
        put(&seawall, &format!("unit/entities/{id}"), body).await;
    }
    for id in ["b", "c"] {
        becomes(&seawall, &format!("unit/{id}"), json!({"team": ["Z"]})).await;
    }
    put(&seawall, "unit/entities/a", json!({"relations": {"parent": "c"}})).await;
    for id in ["a", "b", "c"] {
        becomes(&seawall, &format!("unit/{id}"), json!({"team": []})).await;
    }
    // What follows from a change is in the log before a later change is followed: when that is, nothing goes on.
    let rest = async || {
        put(
            &seawall,
            "unit/entities/last",
            json!({"relations": {"parent": "teamed"}}),
        )
        .await;
        seawall.get("/api/v1/changes?limit=1000").await["items"]
            .as_array()
            .unwrap()
            .len()
    };
    put(&seawall, "unit/entities/teamed", json!({"team": ["T"]})).await;
    let before = rest().await;
    becomes(&seawall, "unit/last", json!({"team": ["T"]})).await;
    let after = seawall.get("/api/v1/changes?limit=1000").await["items"]
        .as_array()
        .unwrap()
        .len();
    assert!(after <= before + 1, "{before} changes became {after}");
}

#[tokio::test]
async fn a_path_of_an_aggregation_leads_from_here_or_from_its_target() {
    let seawall = Seawall::start().await;
    let count = json!({"calculationBy": "entities", "func": "count"});
    put(
        &seawall,
        "jira",
        json!({"identifier": "jira", "schema": {"properties": {}}}),
    )
    .await;
    put(
        &seawall,
        "pull",
        json!({"identifier": "pull", "schema": {"properties": {}}, "relations": {"agent": {"target": "micro"}}}),
    )
    .await;
    put(
        &seawall,
        "micro",
        json!({"identifier": "micro", "schema": {"properties": {}}, "relations": {"issues": {"target": "jira", "many": true}},
            "aggregationProperties": {
                "direct": {"target": "jira", "calculationSpec": count, "pathFilter": [{"path": ["issues"]}]},
                "total": {"target": "pull", "calculationSpec": count,
                    "pathFilter": [{"fromBlueprint": "pull", "path": ["agent"]}]},
            }}),
    )
    .await;
    for id in ["one", "two"] {
        put(&seawall, &format!("jira/entities/{id}"), json!({})).await;
    }
    put(
        &seawall,
        "micro/entities/m",
        json!({"relations": {"issues": ["one", "two"]}}),
    )
    .await;
    put(&seawall, "pull/entities/p", json!({"relations": {"agent": "m"}})).await;
    becomes(&seawall, "micro/m", json!({"direct": 2, "total": 1})).await;
}

#[tokio::test]
async fn calculations_see_when_and_by_whom_an_entity_was_made_and_changed() {
    let seawall = Seawall::start().await;
    let note = json!({"identifier": "note", "schema": {"properties": {"text": {"type": "string"}}},
    "calculationProperties": {
        "made": {"type": "string", "format": "date-time", "calculation": ".createdAt"},
        "maker": {"type": "string", "calculation": ".createdBy"},
        "last": {"type": "string", "format": "date-time", "calculation": ".updatedAt"},
        "editor": {"type": "string", "calculation": ".updatedBy"},
        "version": {"type": "number", "calculation": ".version"},
    }});
    put(&seawall, "note", note).await;
    let calculated = async |name: &str, maker: &str, editor: &str| {
        let path = format!("/api/v1/blueprints/note/entities/{name}");
        let (entity, _) = eventually("what is calculated", || async {
            let found = seawall.get(&path).await;
            let of = |field: &str| found["properties"][field].clone();
            let fits = (of("made"), of("last")) == (found["createdAt"].clone(), found["updatedAt"].clone())
                && (of("maker"), of("editor")) == (json!(maker), json!(editor));
            fits.then_some(found)
        })
        .await;
        entity
    };
    put(
        &seawall,
        "note/entities/a?by=ann",
        json!({"properties": {"text": "one"}}),
    )
    .await;
    calculated("a", "ann", "ann").await;
    put(
        &seawall,
        "note/entities/a?by=bob",
        json!({"properties": {"text": "two"}}),
    )
    .await;
    let a = calculated("a", "ann", "bob").await;
    // What moves with each computed value cannot be asked for.
    assert_eq!(a["properties"]["version"], Value::Null);
    // It has come to rest: what was written behind it is computed, and it is as it was.
    put(&seawall, "note/entities/b?by=carl", json!({})).await;
    calculated("b", "carl", "carl").await;
    assert_eq!(calculated("a", "ann", "bob").await["version"], a["version"]);
}
