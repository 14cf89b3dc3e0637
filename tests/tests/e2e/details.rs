//! The model's details: defaults, who wrote an entity, mirrors of meta properties, and what is said of definitions that are
//! probably mistakes.

use crate::probed;
use reqwest::{Method, StatusCode};
use seawall_tests::{Seawall, eventually};
use serde_json::{Value, json};

const SERVICE: &str = "/api/v1/blueprints/service";

async fn put(seawall: &Seawall, path: &str, body: Value) -> Value {
    let (status, answer) = seawall
        .send(Method::PUT, &format!("/api/v1/blueprints/{path}"), &body)
        .await;
    assert!(status.is_success(), "{path}: {answer}");
    answer
}

fn service(default: &Value) -> Value {
    json!({"identifier": "service", "schema": {"properties": {
        "tier": {"type": "string", "default": default},
        "replicas": {"type": "number", "default": 2},
        "form": {"type": "string", "default": {"jqQuery": ".form.x"}},
    }, "required": ["tier"]}, "calculationProperties": {
        "label": {"type": "string", "calculation": ".properties.tier + \"/\" + (.properties.replicas | tostring)"}
    }})
}

async fn becomes(seawall: &Seawall, path: &str, properties: Value) {
    eventually(&format!("{path} with {properties}"), || async {
        let entity = seawall.get(path).await;
        let fields = properties.as_object().unwrap();
        fields
            .iter()
            .all(|(name, value)| entity["properties"][name] == *value)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_default_holds_until_somebody_says_something_else() {
    let mut seawall = Seawall::start().await;
    put(&seawall, "service", service(&json!("bronze"))).await;
    let made = put(&seawall, "service/entities/pay", json!({"title": "Pay"})).await;
    assert_eq!(made["properties"]["tier"], "bronze", "it is there at once: {made}");
    assert_eq!(made["properties"]["replicas"], 2);
    assert_eq!(
        made["properties"]["form"],
        Value::Null,
        "what forms work out is no value"
    );
    let path = format!("{SERVICE}/entities/pay");
    becomes(&seawall, &path, json!({"label": "bronze/2"})).await;

    // It is found, counted and sorted by as others are.
    put(
        &seawall,
        "service/entities/own",
        json!({"properties": {"tier": "gold"}}),
    )
    .await;
    let found = seawall.get(&format!("{SERVICE}/entities?filter=tier=bronze")).await;
    assert_eq!(found["items"][0]["identifier"], "pay");
    let sorted = seawall.get(&format!("{SERVICE}/entities?sort=-tier")).await;
    assert_eq!(sorted["items"][0]["identifier"], "own");
    let facet = seawall.get(&format!("{SERVICE}/facets/tier")).await;
    assert_eq!(facet["items"].as_array().unwrap().len(), 2);

    // A word of a source stands before it, and the default is there again when that is taken back.
    let (_, gold) = seawall
        .send(Method::PATCH, &path, &json!({"properties": {"tier": "gold"}}))
        .await;
    assert_eq!(gold["properties"]["tier"], "gold");
    becomes(&seawall, &path, json!({"label": "gold/2"})).await;
    let origins = seawall.get(&format!("{path}?include=provenance")).await;
    assert_eq!(origins["provenance"]["tier"]["sources"][0]["integration"], "people");
    assert_eq!(
        (
            &origins["provenance"]["replicas"]["default"],
            &origins["provenance"]["replicas"]["sources"]
        ),
        (&json!(true), &json!([]))
    );
    let history = seawall.get(&format!("{path}/history")).await;
    let mut diffs = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| &change["diff"]["properties.tier"]);
    assert_eq!(diffs.find(|diff| !diff.is_null()), Some(&json!(["bronze", "gold"])));
    let (_, back) = seawall
        .send(Method::PATCH, &path, &json!({"properties": {"tier": null}}))
        .await;
    assert_eq!(back["properties"]["tier"], "bronze");

    // What says the same as the default is seen nowhere, and stays when the default changes.
    becomes(&seawall, &path, json!({"label": "bronze/2"})).await;
    let version = seawall.get(&path).await["version"].clone();
    let same = put(
        &seawall,
        "service/entities/pay",
        json!({"title": "Pay", "properties": {"replicas": 2}}),
    )
    .await;
    assert_eq!(same["version"], version);
    let mut other = service(&json!("iron"));
    other["schema"]["properties"]["replicas"]["default"] = json!(3);
    put(&seawall, "service", other).await;
    becomes(
        &seawall,
        &path,
        json!({"tier": "iron", "replicas": 2, "label": "iron/2"}),
    )
    .await;
    becomes(
        &seawall,
        &format!("{SERVICE}/entities/own"),
        json!({"tier": "gold", "replicas": 3}),
    )
    .await;
    let shown = seawall.command(&["catalog", "get", "service", "pay", "--provenance"]);
    assert!(
        String::from_utf8_lossy(&shown.stdout).contains("the default"),
        "{shown:?}"
    );

    // Also behind a stop, and one that is gone leaves nothing.
    seawall.kill();
    seawall.boot().await;
    becomes(&seawall, &path, json!({"tier": "iron"})).await;
    let mut without = service(&Value::Null);
    without["schema"]["required"] = json!([]);
    put(&seawall, "service", without).await;
    becomes(&seawall, &path, json!({"tier": null, "replicas": 2})).await;
}

#[tokio::test]
async fn a_default_fills_what_an_integration_leaves_out() {
    let (seawall, _tool) = probed(4).await;
    let mut thing = seawall.get("/api/v1/blueprints/thing").await;
    thing["schema"]["properties"]["region"] = json!({"type": "string", "default": "eu"});
    put(&seawall, "thing", thing).await;
    eventually("all in eu", || async {
        let count = seawall.get("/api/v1/blueprints/thing/count?filter=region=eu").await;
        (count["count"] == 4).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_created_and_changed_an_entity_is_shown_and_asked_for() {
    let (seawall, _tool) = probed(3).await;
    let things = "/api/v1/blueprints/thing/entities";
    let item = seawall.get(&format!("{things}/item-00000")).await;
    assert_eq!(
        (&item["createdBy"], &item["updatedBy"]),
        (&json!("probe"), &json!("probe"))
    );
    let (status, _) = seawall
        .send(
            Method::PATCH,
            &format!("{things}/item-00000?by=ann"),
            &json!({"title": "Mine"}),
        )
        .await;
    assert_eq!(status, StatusCode::OK);
    put(&seawall, "thing/entities/own?source=ci:deploy", json!({})).await;
    let item = seawall.get(&format!("{things}/item-00000")).await;
    assert_eq!(
        (&item["createdBy"], &item["updatedBy"]),
        (&json!("probe"), &json!("ann"))
    );
    let own = seawall.get(&format!("{things}/own")).await;
    assert_eq!(own["createdBy"], "ci:deploy");

    let names = async |query: &str| {
        let page = seawall.get(&format!("{things}?{query}")).await;
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|e| e["identifier"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("filter=$updatedBy=ann").await, ["item-00000"]);
    assert_eq!(names("filter=$createdBy%20!=%20probe").await, ["own"]);
    assert_eq!(names("sort=$updatedBy&limit=1").await, ["item-00000"]);
    let facet = seawall.get("/api/v1/blueprints/thing/facets/$createdBy").await;
    assert_eq!(facet["items"][0], json!({"value": "probe", "count": 3}));
    let shown = seawall.command(&["catalog", "get", "thing", "item-00000"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("by ann"), "{shown:?}");
}

#[tokio::test]
async fn meta_properties_of_related_entities_are_mirrored_and_come_to_rest() {
    let seawall = Seawall::start().await;
    put(
        &seawall,
        "service",
        json!({"identifier": "service", "schema": {"properties": {"n": {"type": "number"}}},
            "relations": {"parent": {"target": "service"}},
            "mirrorProperties": {
                "when": {"path": "parent.$updatedAt"}, "since": {"path": "parent.$createdAt"}, "who": {"path": "parent.$updatedBy"},
                "maker": {"path": "parent.$createdBy"}, "of": {"path": "parent.$blueprint"}, "name": {"path": "parent.$identifier"}}}),
    )
    .await;
    put(&seawall, "service/entities/a?by=ann", json!({})).await;
    put(
        &seawall,
        "service/entities/b?by=bob",
        json!({"relations": {"parent": "a"}}),
    )
    .await;
    // In a circle: what is computed moves no time, so this ends.
    put(
        &seawall,
        "service/entities/a?by=ann",
        json!({"relations": {"parent": "b"}}),
    )
    .await;
    let a = seawall.get(&format!("{SERVICE}/entities/a")).await;
    becomes(
        &seawall,
        &format!("{SERVICE}/entities/b"),
        json!({"when": a["updatedAt"], "since": a["createdAt"], "who": "ann", "maker": "ann", "of": "service", "name": "a"}),
    )
    .await;
    put(
        &seawall,
        "service/entities/a?by=cleo",
        json!({"properties": {"n": 1}, "relations": {"parent": "b"}}),
    )
    .await;
    let a = seawall.get(&format!("{SERVICE}/entities/a")).await;
    let b = format!("{SERVICE}/entities/b");
    becomes(
        &seawall,
        &b,
        json!({"when": a["updatedAt"], "who": "cleo", "maker": "ann"}),
    )
    .await;
    let entity = seawall.get(&b).await;
    assert_eq!(entity["updatedBy"], "bob", "what is computed is nobody's change");
    becomes(
        &seawall,
        &format!("{SERVICE}/entities/a"),
        json!({"when": entity["updatedAt"], "who": "bob"}),
    )
    .await;
    let found = seawall.get(&format!("{SERVICE}/entities?filter=who=cleo")).await;
    assert_eq!(found["items"][0]["identifier"], "b");
    let history = seawall.get(&format!("{b}/history?limit=100")).await;
    let derived = history["items"].as_array().unwrap().iter();
    let derived = derived.filter(|change| change["cause"] == "derived").count();
    assert!(derived <= 4, "{history}");
}

#[tokio::test]
async fn a_definition_that_cannot_be_meant_is_refused_where_it_is_wrong() {
    let seawall = Seawall::start().await;
    let blueprint = json!({"identifier": "service", "schema": {"properties": {
        "a": {"type": "string", "format": "date-tme"},
        "b": {"type": "number", "minimum": 5, "maximum": 1},
        "c": {"type": "string", "pattern": "^x", "default": "y"},
    }}});
    let (status, problem) = seawall.send(Method::PUT, SERVICE, &blueprint).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let errors = problem["errors"].as_array().unwrap().iter();
    let pointers: Vec<_> = errors.map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(
        pointers,
        [
            "/schema/properties/a/format",
            "/schema/properties/b/minimum",
            "/schema/properties/c/default"
        ]
    );
    let (status, _) = seawall.try_get(SERVICE).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_definition_that_leads_nowhere_is_taken_with_warnings() {
    let seawall = Seawall::start().await;
    let issue = json!({"identifier": "issue", "schema": {"properties": {
        "points": {"type": "number"}, "state": {"type": "string"}}}, "relations": {"service": {"target": "service"}}});
    let answer = put(&seawall, "issue", issue).await;
    // A target may come later, so that this is no mistake yet.
    assert_eq!(
        answer["warnings"],
        json!([{"pointer": "/relations/service/target",
            "detail": "there is no blueprint `service`; put it, or name another one"}])
    );
    put(
        &seawall,
        "system",
        json!({"identifier": "system", "schema": {"properties": {"tier": {"type": "string"}}}}),
    )
    .await;
    // Its relations and those of services meet in `system`, and lead on in no direction.
    put(
        &seawall,
        "team",
        json!({"identifier": "team", "schema": {"properties": {}}, "relations": {"system": {"target": "system"}}}),
    )
    .await;
    let over = |spec: Value| json!({"target": "issue", "calculationSpec": spec});
    let service = json!({"identifier": "service",
    "schema": {"properties": {"level": {"type": "string", "enum": ["high"], "enumColors": {"hihg": "red"}}}},
    "relations": {"system": {"target": "system"}, "later": {"target": "nothing"}},
    "mirrorProperties": {"tier": {"path": "system.teir"}, "deep": {"path": "system.domain.name"}, "unknown": {"path": "later.x"}},
    "aggregationProperties": {
        "sum": over(json!({"calculationBy": "property", "func": "sum", "property": "state"})),
        "max": over(json!({"calculationBy": "property", "func": "max", "property": "pionts"})),
        "good": over(json!({"calculationBy": "property", "func": "max", "property": "points"})),
        "rate": over(json!({"calculationBy": "entities", "func": "average", "averageOf": "day", "measureTimeBy": "state"})),
        "asked": {"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "count"},
            "query": {"combinator": "and", "rules": [{"property": "stat", "operator": "=", "value": "x"}]}},
        "no way": {"target": "team", "calculationSpec": {"calculationBy": "entities", "func": "count"}},
        "of nothing": {"target": "nothing", "calculationSpec": {"calculationBy": "entities", "func": "count"}},
        "away": {"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "count"},
            "query": {"combinator": "and", "rules": [{"property": {"path": ["service"], "property": "level"}, "operator": "isNotEmpty"}]}},
    }});
    let (status, effect) = seawall
        .send(Method::PUT, &format!("{SERVICE}?dryRun=true"), &service)
        .await;
    assert_eq!(status, StatusCode::OK, "{effect}");
    let answer = put(&seawall, "service", service.clone()).await;
    assert_eq!(answer["warnings"], effect["warnings"]);
    let warnings = answer["warnings"].as_array().unwrap();
    let mut places: Vec<_> = warnings.iter().map(|w| w["pointer"].as_str().unwrap()).collect();
    places.sort_unstable();
    assert_eq!(
        places,
        [
            "/aggregationProperties/asked/query",
            "/aggregationProperties/away/query",
            "/aggregationProperties/max/calculationSpec/property",
            "/aggregationProperties/no way/target",
            "/aggregationProperties/of nothing/target",
            "/aggregationProperties/rate/calculationSpec/measureTimeBy",
            "/aggregationProperties/sum/calculationSpec/property",
            "/mirrorProperties/deep/path",
            "/mirrorProperties/tier/path",
            "/mirrorProperties/unknown/path",
            "/relations/later/target",
            "/schema/properties/level/enumColors/hihg",
        ]
    );
    let said = |pointer: &str| {
        let warning = warnings.iter().find(|w| w["pointer"] == pointer).unwrap();
        warning["detail"].as_str().unwrap().to_owned()
    };
    assert!(said("/mirrorProperties/tier/path").contains("did you mean `tier`?"));
    for pointer in [
        "/aggregationProperties/of nothing/target",
        "/mirrorProperties/unknown/path",
        "/relations/later/target",
    ] {
        assert!(
            said(pointer).contains("there is no blueprint `nothing`"),
            "{}",
            said(pointer)
        );
    }
    // Once what it leads to is there, there is nothing to tell.
    let issue = seawall.get("/api/v1/blueprints/issue").await;
    assert_eq!(issue["warnings"], Value::Null, "{issue}");
    assert!(said("/aggregationProperties/away/query").contains("along relations; mirror there"));
    assert!(
        said("/aggregationProperties/no way/target").starts_with("no relations lead from `service` to `team` or back")
    );
    assert!(said("/aggregationProperties/sum/calculationSpec/property").contains("of numbers"));
    // They are still told, and what was read can be put back.
    let shown = seawall.get(SERVICE).await;
    assert_eq!(shown["warnings"], answer["warnings"]);
    put(&seawall, "service", shown).await;

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("service.json");
    std::fs::write(&file, service.to_string()).unwrap();
    let said = seawall.command(&["blueprint", "put", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(
        said.contains("warning: blueprint service, /mirrorProperties/tier/path:"),
        "{said}"
    );
    let said = seawall.command(&["apply", dir.path().to_str().unwrap(), "--yes", "--source", "git:x"]);
    assert!(said.status.success(), "{said:?}");
}

#[tokio::test]
async fn all_that_is_wrong_with_an_entity_is_named_at_once() {
    let seawall = Seawall::start().await;
    put(
        &seawall,
        "team",
        json!({"identifier": "team", "schema": {"properties": {}}}),
    )
    .await;
    put(
        &seawall,
        "service",
        json!({"identifier": "service", "schema": {"properties": {
            "tier": {"type": "number"}, "lang": {"type": "string"}, "url": {"type": "string", "format": "url"}}, "required": ["tier", "lang"]},
            "relations": {"owner": {"target": "team", "required": true}, "uses": {"target": "service", "many": true}}}),
    )
    .await;
    let wrong = json!({"properties": {"tier": "x", "url": "here", "lagn": 1}, "relations": {"uses": ["nobody"]}});
    let (status, problem) = seawall
        .send(Method::PUT, &format!("{SERVICE}/entities/a"), &wrong)
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let places = |errors: &Value| {
        let errors = errors.as_array().unwrap().iter();
        let mut places: Vec<_> = errors.map(|e| e["pointer"].as_str().unwrap().to_owned()).collect();
        places.sort_unstable();
        places
    };
    let all = [
        "/properties/lagn",
        "/properties/lang",
        "/properties/tier",
        "/properties/url",
        "/relations/owner",
        "/relations/uses/0",
    ];
    assert_eq!(places(&problem["errors"]), all);
    let shape = json!({"titel": "x", "icon": 1, "team": [1], "relations": {"uses": 3}});
    let (_, problem) = seawall
        .send(Method::PUT, &format!("{SERVICE}/entities/a"), &shape)
        .await;
    assert_eq!(
        places(&problem["errors"]),
        ["/icon", "/relations/uses", "/team", "/titel"]
    );

    let mut entity = wrong;
    entity["blueprint"] = json!("service");
    entity["identifier"] = json!("a");
    let (_, answer) = seawall
        .send(Method::POST, "/api/v1/entities/bulk", &json!({"entities": [entity]}))
        .await;
    assert_eq!(places(&answer["results"][0]["errors"]), all);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.json");
    std::fs::write(&file, entity.to_string()).unwrap();
    let said = seawall.command(&["catalog", "put", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(all.iter().all(|place| said.contains(place)), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_entities_of_ten_kilobytes_are_taken_and_more_are_refused_with_the_limit() {
    let seawall = Seawall::start().await;
    put(
        &seawall,
        "note",
        json!({"identifier": "note", "schema": {"properties": {"text": {"type": "string"}}}}),
    )
    .await;
    let note = |n: usize, size: usize| json!({"blueprint": "note", "identifier": format!("n{n}"), "properties": {"text": "a".repeat(size)}});
    let many: Vec<_> = (0..1_000).map(|n| note(n, 10_000)).collect();
    let (status, answer) = seawall
        .send(Method::POST, "/api/v1/entities/bulk", &json!({"entities": many}))
        .await;
    assert_eq!(status, StatusCode::OK);
    let results = answer["results"].as_array().unwrap();
    assert!(results.len() == 1_000 && results.iter().all(|r| r["status"] == "created"));
    let large: Vec<_> = (0..1_000).map(|n| note(n, 20_000)).collect();
    let (status, problem) = seawall
        .send(Method::POST, "/api/v1/entities/bulk", &json!({"entities": large}))
        .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("16 MiB") && detail.contains("several requests"),
        "{detail}"
    );
    // The command line makes as many requests as it takes.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("notes.json");
    std::fs::write(&file, Value::from(large).to_string()).unwrap();
    let said = seawall.command(&["catalog", "put", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("1000 updated"), "{said}");
    // A name that stands twice counts once, however far from each other the two are.
    let mut twice: Vec<_> = (0..1_000).map(|n| note(n, 1)).collect();
    twice.insert(1, note(0, 2));
    twice.push(note(0, 3));
    std::fs::write(&file, Value::from(twice).to_string()).unwrap();
    let said = seawall.command(&["catalog", "put", file.to_str().unwrap()]);
    assert_eq!(said.status.code(), Some(1));
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        said.contains("1000 updated, 0 unchanged, 2 rejected") && said.contains("entity 1002 (line 1)"),
        "{said}"
    );
    let first = seawall.get("/api/v1/blueprints/note/entities/n0").await;
    assert_eq!(first["properties"]["text"], "a");
}

#[tokio::test]
async fn a_time_to_come_and_a_filter_with_a_hyphen_are_understood() {
    let seawall = Seawall::start().await;
    put(&seawall, "service", service(&json!("bronze"))).await;
    put(&seawall, "service/entities/pay", json!({})).await;
    let said = seawall.command(&["catalog", "get", "service", "pay", "--at", "2999-01-01T00:00:00Z"]);
    assert_eq!(said.status.code(), Some(2));
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("still to come"), "{said}");
    let said = seawall.command(&["catalog", "count", "service", "--where", "-isEmpty(tier)"]);
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "1", "{said:?}");
}
