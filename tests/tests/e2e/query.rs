//! Questions over HTTP and by command: rules, filters, full text, the graph around an entity, and saved views.

use crate::{integration, probed};
use reqwest::{Method, StatusCode};
use seawall_tests::{Seawall, Tool, component};
use serde_json::{Value, json};

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap_or_else(|| panic!("no page: {page}"));
    items.iter().map(|item| item["identifier"].as_str().unwrap()).collect()
}

/// A list under a filter, or why there is none.
async fn try_listed(seawall: &Seawall, filter: &str) -> (StatusCode, Value) {
    let request = seawall.request(Method::GET, "/api/v1/blueprints/thing/entities");
    let response = request
        .query(&[("filter", filter), ("limit", "1000")])
        .send()
        .await
        .unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn listing(seawall: &Seawall, filter: &str) -> Value {
    let (status, page) = try_listed(seawall, filter).await;
    assert_eq!(status, StatusCode::OK, "{filter}: {page}");
    page
}

/// A Seawall whose tool has these items.
async fn holding(items: Value) -> (Seawall, Tool) {
    let tool = Tool::start(50).await;
    tool.set(items.as_array().unwrap().clone());
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    seawall.integrate(integration(&tool, json!({}))).await;
    seawall.settled("probe").await;
    (seawall, tool)
}

async fn search(seawall: &Seawall, body: Value) -> Value {
    let (status, page) = seawall.send(Method::POST, "/api/v1/search", &body).await;
    assert_eq!(status, StatusCode::OK, "{body}: {page}");
    page
}

#[tokio::test]
async fn filters_and_rules_find_the_same() {
    let (seawall, _tool) = probed(120).await;
    let rule = |property: &str, operator: &str, value: Value| json!({"property": property, "operator": operator, "value": value});
    for (filter, rules, count) in [
        ("tier = gold", rule("tier", "=", json!("gold")), 60),
        (
            "tier != gold AND size > 100",
            json!({"combinator": "and", "rules": [rule("tier", "!=", json!("gold")), rule("size", ">", json!(100))]}),
            10,
        ),
        (
            "between(size, 10, 19)",
            rule("size", "between", json!({"from": 10, "to": 19})),
            10,
        ),
        ("$identifier:0001", rule("$identifier", "contains", json!("0001")), 11),
        ("$title = \"*7\"", rule("$title", "endsWith", json!("7")), 12),
        (
            "parent.tier = gold",
            json!({"property": {"path": ["parent"], "property": "tier"}, "operator": "=", "value": "gold"}),
            -1,
        ),
        ("isEmpty(note)", json!({"property": "note", "operator": "isEmpty"}), -1),
        (
            "parent.tier:*",
            json!({"property": {"path": ["parent"], "property": "tier"}, "operator": "isNotEmpty"}),
            -1,
        ),
        (
            "relatedTo(thing, item-00000, downstream, 1)",
            json!({"operator": "relatedTo", "blueprint": "thing", "value": "item-00000", "direction": "downstream", "depth": 1}),
            -1,
        ),
        (
            "between($updatedAt, lastDay)",
            rule("$updatedAt", "between", json!({"preset": "lastDay"})),
            120,
        ),
    ] {
        let by_filter = listing(&seawall, filter).await;
        let by_rules = search(&seawall, json!({"combinator": "and", "rules": [rule("$blueprint", "=", json!("thing")), rules], "limit": 1000, "total": true})).await;
        assert_eq!(names(&by_filter), names(&by_rules), "{filter}");
        assert_eq!(by_rules["total"], names(&by_rules).len(), "{filter}");
        assert!(
            count < 0 || names(&by_filter).len() as i64 == count,
            "{filter}: {}",
            names(&by_filter).len()
        );
        assert_ne!(names(&by_filter).len(), 0, "{filter}");
    }
    // What has no parent has nothing of a parent's.
    let (with, without) = ("parent.tier:*", "isEmpty(parent.tier)");
    let (with, without) = (listing(&seawall, with).await, listing(&seawall, without).await);
    assert_eq!(names(&with).len() + names(&without).len(), 120);
    let neither = listing(&seawall, "parent.tier:* AND isEmpty(relations.parent)").await;
    assert_eq!(names(&neither).len(), 0, "{neither}");
    let orphans = listing(&seawall, "isEmpty(relations.parent)").await;
    assert!(
        names(&orphans).iter().all(|orphan| names(&without).contains(orphan)),
        "{orphans}"
    );
    assert_ne!(names(&orphans).len(), 0);
}

#[tokio::test]
async fn a_search_pages_counts_and_gives_the_fields_that_are_wanted() {
    let (seawall, _tool) = probed(60).await;
    let mut body = json!({"query": {"combinator": "or", "rules": [{"property": "size", "operator": "<", "value": 10}, {"property": "size", "operator": ">=", "value": 50}]},
        "blueprints": ["thing"], "sort": "-size", "limit": 7, "total": true, "facets": ["tier"], "include": ["$title", "size"]});
    let mut sizes = Vec::new();
    loop {
        let page = search(&seawall, body.clone()).await;
        assert_eq!(
            (&page["total"], &page["facets"]["tier"]["items"][0]["count"]),
            (&json!(20), &json!(10))
        );
        for item in page["items"].as_array().unwrap() {
            let fields: Vec<&String> = item.as_object().unwrap().keys().collect();
            assert_eq!(fields, ["blueprint", "identifier", "properties", "title"], "{item}");
            sizes.push(item["properties"]["size"].as_i64().unwrap());
        }
        match page["next"].as_str() {
            Some(next) => body["cursor"] = next.into(),
            None => break,
        }
    }
    let expected: Vec<i64> = (50..60).rev().chain((0..10).rev()).collect();
    assert_eq!(sizes, expected);
    body["sort"] = "size".into();
    let (status, problem) = seawall.send(Method::POST, "/api/v1/search", &body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], "/cursor");
    assert!(
        problem["detail"].as_str().unwrap().contains("another query"),
        "{problem}"
    );
    // The count and the facet of a blueprint take the same filters.
    let count = seawall
        .get("/api/v1/blueprints/thing/count?filter=size%20%3E%2030&q=item")
        .await;
    assert_eq!(count["count"], 29);
    let facet = seawall
        .get("/api/v1/blueprints/thing/facets/tier?filter=size%20%3C%2010%20OR%20size%20%3D%2059")
        .await;
    assert_eq!(facet["items"].as_array().unwrap().len(), 2, "{facet}");
}

#[tokio::test]
async fn a_list_gives_the_fields_that_are_wanted() {
    let (seawall, _tool) = probed(30).await;
    let path = "/api/v1/blueprints/thing/entities?limit=3&sort=size";
    let whole = seawall.get(path).await;
    let chosen = |parameters: &str| {
        let (seawall, path) = (&seawall, format!("{path}&{parameters}"));
        async move { seawall.get(&path).await }
    };
    for (number, item) in whole["items"].as_array().unwrap().iter().enumerate() {
        let name = json!({"blueprint": "thing", "identifier": item["identifier"]});
        let mut part = name.clone();
        part["title"] = item["title"].clone();
        part["properties"] = json!({"size": item["properties"]["size"], "tier": item["properties"]["tier"]});
        for parameters in [
            "include=$title,size,tier",
            "include=properties.size,tier&include=$title",
        ] {
            assert_eq!(chosen(parameters).await["items"][number], part, "{parameters}");
        }
        assert_eq!(chosen("include=$identifier").await["items"][number], name);
        let mut rest = item.clone();
        rest["properties"].as_object_mut().unwrap().remove("size");
        rest.as_object_mut().unwrap().remove("title");
        assert_eq!(chosen("exclude=size,$title,$identifier").await["items"][number], rest);
        part.as_object_mut().unwrap().remove("title");
        part["properties"] = item["properties"].clone();
        part["properties"].as_object_mut().unwrap().remove("tier");
        assert_eq!(chosen("include=properties&exclude=tier").await["items"][number], part);
        let body = json!({"blueprints": ["thing"], "sort": "size", "limit": 3, "include": ["properties"], "exclude": ["tier"]});
        assert_eq!(search(&seawall, body).await["items"][number], part);
    }
    // What is shown is no part of what is asked: a cursor goes on with other fields too.
    let next = whole["next"].as_str().unwrap();
    let page = chosen(&format!("include=size&cursor={next}")).await;
    assert_eq!(page["items"][0]["properties"]["size"], 3, "{page}");
    for (parameters, parameter, part) in [
        ("include=siz", "include", "did you mean `size`?"),
        ("exclude=$titel", "exclude", "$title"),
    ] {
        let (status, problem) = seawall.try_get(&format!("{path}&{parameters}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["pointer"], parameter, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
    }
}

#[tokio::test]
async fn full_text_finds_what_says_most_first() {
    let (seawall, _tool) = holding(json!([
        {"id": "a", "name": "Checkout", "note": "takes payments, and asks the payments gateway about payments"},
        {"id": "b", "name": "Payments gateway", "note": "speaks to banks"},
        {"id": "payments-db", "name": "A database", "note": "nothing to say"},
        {"id": "d", "name": "Search", "note": format!("{} and at its end the word zebra", "a long text about nothing at all. ".repeat(40))},
    ])).await;
    let found = |q: &'static str| {
        let seawall = &seawall;
        async move {
            let page = search(seawall, json!({"q": q})).await;
            names(&page).join(" ")
        }
    };
    assert_eq!(found("payments").await, "b payments-db a");
    assert_eq!(found("PAY").await, "b payments-db a");
    assert_eq!(found("payments gate").await, "b a");
    assert_eq!(found("gateway payments banks").await, "b");
    assert_eq!(found("zebra").await, "d");
    assert_eq!(found("pay gateway").await, "", "only the last word may be begun");
    let within = search(&seawall, json!({"q": "payments", "in": ["$title"]})).await;
    assert_eq!(names(&within), ["b"]);
    let sorted = search(&seawall, json!({"q": "payments", "sort": "-$title"})).await;
    assert_eq!(names(&sorted), ["b", "a", "payments-db"]);
    let listed = seawall
        .get("/api/v1/blueprints/thing/entities?q=payments&filter=note:banks&total=true")
        .await;
    assert_eq!((names(&listed), &listed["total"]), (vec!["b"], &json!(1)));
    let (status, problem) = seawall.send(Method::POST, "/api/v1/search", &json!({"q": "--"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["detail"].as_str().unwrap().contains("no word"), "{problem}");
    // What is deep inside of a long text is found by asking the entity itself.
    let page = listing(&seawall, "note:zebra").await;
    assert_eq!(names(&page), ["d"]);
    let output = seawall.command(&["catalog", "search", "payments", "gate"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("Payments gateway"), "{text}");
}

/// A value of which the index keeps only a part is looked at in the database.
#[tokio::test]
async fn what_the_index_does_not_keep_is_looked_at() {
    let long = |tail: &str| format!("{}{tail}", "word ".repeat(1000));
    let items: Vec<Value> = (0..30)
        .map(|n| json!({"id": format!("i{n:02}"), "name": "x", "note": long(if n % 3 == 0 { "Needle" } else { "straw" })}))
        .collect();
    let (seawall, _tool) = holding(items.into()).await;
    assert_eq!(names(&listing(&seawall, "note:needle").await).len(), 10);
    assert_eq!(names(&listing(&seawall, "-note:needle").await).len(), 20);
    assert_eq!(
        names(&listing(&seawall, "endsWith(note, \"STRAW\") AND $identifier = \"i0*\"").await).len(),
        6
    );
    let count = search(&seawall, json!({"filter": "note:needle", "limit": 3, "total": true})).await;
    assert_eq!((&count["total"], names(&count).len()), (&json!(10), 3));
}

#[tokio::test]
async fn the_graph_around_an_entity_draws() {
    let (seawall, _tool) = holding(json!([
        {"id": "root", "name": "Root"},
        {"id": "a", "name": "A", "parent": "root"},
        {"id": "b", "name": "B", "parent": "root"},
        {"id": "c", "name": "C", "parent": "a"},
        {"id": "d", "name": "D", "parent": "gone"},
    ]))
    .await;
    let graph = |query: &str| {
        let path = format!("/api/v1/blueprints/thing/entities/a/graph{query}");
        let seawall = &seawall;
        async move { seawall.get(&path).await }
    };
    let one = graph("").await;
    let ids = |graph: &Value| -> Vec<String> {
        let nodes = graph["nodes"].as_array().unwrap().iter();
        nodes
            .map(|node| format!("{} {}", node["id"].as_str().unwrap(), node["depth"]))
            .collect()
    };
    assert_eq!(ids(&one), ["thing/a 0", "thing/c 1", "thing/root 1"]);
    assert_eq!(
        one["edges"],
        json!([
            {"from": "thing/a", "to": "thing/root", "relation": "parent"},
            {"from": "thing/c", "to": "thing/a", "relation": "parent"},
        ])
    );
    assert_eq!(
        (&one["nodes"][0]["title"], &one["truncated"]),
        (&json!("A"), &json!(false))
    );
    assert_eq!(
        ids(&graph("?depth=2").await),
        ["thing/a 0", "thing/c 1", "thing/root 1", "thing/b 2"]
    );
    assert_eq!(
        ids(&graph("?depth=5&direction=out").await),
        ["thing/a 0", "thing/root 1"]
    );
    assert_eq!(ids(&graph("?depth=5&direction=in").await), ["thing/a 0", "thing/c 1"]);
    let cut = graph("?depth=5&limit=2").await;
    assert_eq!((ids(&cut).len(), &cut["truncated"]), (2, &json!(true)));
    for (query, part) in [
        ("?depth=16", "0 to 15"),
        ("?direction=up", "in, out or both"),
        ("?relations=parents", "did you mean `parent`?"),
        ("?limit=0", "1 to 5000"),
    ] {
        let (status, problem) = seawall
            .try_get(&format!("/api/v1/blueprints/thing/entities/a/graph{query}"))
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(part), "{query}: {problem}");
    }
    let (status, _) = seawall.try_get("/api/v1/blueprints/thing/entities/gone/graph").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let output = seawall.command(&["catalog", "graph", "thing/a", "--depth", "2"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("→ parent: thing/root") && text.contains("← parent: thing/c"),
        "{text}"
    );
}

#[tokio::test]
async fn bad_questions_say_where_and_what_to_write() {
    let (seawall, _tool) = probed(5).await;
    let deep = format!(
        "{}{{\"property\": \"size\", \"operator\": \"=\", \"value\": 1}}{}",
        "{\"combinator\": \"and\", \"rules\": [".repeat(1000),
        "]}".repeat(1000)
    );
    let request = seawall.request(Method::POST, "/api/v1/search");
    let response = request
        .header("content-type", "application/json")
        .body(deep)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem: Value = response.json().await.unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("nest"), "{problem}");
    let rule = |property: &str, operator: &str, value: Value| json!({"combinator": "and", "rules": [{"property": property, "operator": operator, "value": value}], "blueprints": ["thing"]});
    for (body, pointer, part) in [
        (rule("siz", "=", json!(1)), "/rules/0/property", "did you mean `size`?"),
        (
            rule("size", "=", json!("1")),
            "/rules/0/value",
            "write 1 without quotes",
        ),
        (rule("size", "like", json!(1)), "/rules/0/operator", "is no operator"),
        (
            json!({"filter": "size >", "blueprints": ["thing"]}),
            "/filter",
            "column 7: a value is missing",
        ),
        (
            json!({"filter": "size > 1", "blueprints": ["thin"]}),
            "",
            "did you mean `thing`?",
        ),
        (
            json!({"sort": "siz", "blueprints": ["thing"]}),
            "/sort",
            "did you mean `size`?",
        ),
        (json!({"sorted": "size"}), "", "unknown field"),
        (json!({"limit": 0}), "/limit", "1 to 1000"),
        (json!({"cursor": "x"}), "/cursor", "no cursor"),
        (json!({"include": ["nothing"]}), "/include/0", "nothing"),
        (json!({"query": {}, "rules": []}), "/query", "one of the two"),
    ] {
        let (status, problem) = seawall.send(Method::POST, "/api/v1/search", &body).await;
        assert!(status.is_client_error(), "{status} {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(part), "{part}: {problem}");
        if !pointer.is_empty() {
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        }
    }
    let filter = format!("{}size=1{}", "(".repeat(1000), ")".repeat(1000));
    let (status, problem) = try_listed(&seawall, &filter).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["detail"].as_str().unwrap().contains("32 deep"), "{problem}");
    let output = seawall.command(&["catalog", "list", "thing", "--where", "size > x AND"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("column"), "{text}");
}

#[tokio::test]
async fn views_are_saved_shown_and_removed() {
    let (mut seawall, _tool) = probed(40).await;
    let saved = seawall.command(&[
        "view",
        "save",
        "small-gold",
        "--blueprint",
        "thing",
        "--where",
        "tier = gold AND size < 10",
        "--sort",
        "-size",
        "--column",
        "tier",
        "--column",
        "size",
    ]);
    assert!(saved.status.success(), "{}", String::from_utf8_lossy(&saved.stderr));
    let view = seawall.get("/api/v1/views/small-gold").await;
    assert_eq!(
        (&view["filter"], &view["columns"]),
        (&json!("tier = gold AND size < 10"), &json!(["tier", "size"]))
    );
    let page = seawall.get("/api/v1/views/small-gold/entities?limit=2").await;
    assert_eq!(
        (names(&page), &page["total"]),
        (vec!["item-00008", "item-00006"], &json!(5))
    );
    let rest = seawall
        .get(&format!(
            "/api/v1/views/small-gold/entities?cursor={}",
            page["next"].as_str().unwrap()
        ))
        .await;
    assert_eq!(names(&rest), ["item-00004", "item-00002", "item-00000"]);
    let shown = seawall.command(&["view", "show", "small-gold"]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains("SIZE") && text.contains("item-00008"), "{text}");

    let rules = json!({"query": {"combinator": "and", "rules": [{"property": "tier", "operator": "=", "value": "silver"}]}, "blueprints": ["thing"]});
    let (status, body) = seawall.send(Method::PUT, "/api/v1/views/silver", &rules).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let (status, _) = seawall.send(Method::PUT, "/api/v1/views/silver", &rules).await;
    assert_eq!(status, StatusCode::OK);
    for (name, body, part) in [
        (
            "x",
            json!({"blueprints": ["thing"], "filter": "teir = gold"}),
            "did you mean `tier`?",
        ),
        (
            "x",
            json!({"blueprints": ["thing"], "columns": ["tier", "siz"]}),
            "did you mean `size`?",
        ),
        ("x", json!({"colums": []}), "unknown field"),
        ("%20x", json!({}), "a view's name"),
    ] {
        let (status, problem) = seawall.send(Method::PUT, &format!("/api/v1/views/{name}"), &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
    }
    // They are there after a restart.
    seawall.kill();
    seawall.boot().await;
    assert_eq!(seawall.get("/api/v1/views").await["items"].as_array().unwrap().len(), 2);
    assert!(seawall.command(&["view", "delete", "silver"]).status.success());
    let (status, problem) = seawall.try_get("/api/v1/views/small-god").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("did you mean `small-gold`?"),
        "{problem}"
    );
    let gone = seawall.command(&["view", "show", "silver"]);
    assert_eq!(gone.status.code(), Some(5));
}
