//! Entities that people and clients write, whose word counts, where values come from, and what was on a day.

use crate::probed;
use reqwest::{Method, StatusCode, header};
use seawall_tests::{Seawall, eventually};
use serde_json::{Value, json};

const SERVICES: &str = "/api/v1/blueprints/service/entities";

async fn with_services() -> Seawall {
    let seawall = Seawall::start().await;
    for blueprint in [
        json!({"identifier": "team", "schema": {"properties": {"slack": {"type": "string"}}}}),
        json!({
            "identifier": "service",
            "schema": {"properties": {
                "tier": {"type": "string", "enum": ["gold", "silver"]}, "stars": {"type": "number"},
                "settings": {"type": "object"}, "lang": {"type": "string"}
            }, "required": ["lang"]},
            "relations": {"owner": {"target": "team"}, "uses": {"target": "service", "many": true}}
        }),
    ] {
        let path = format!("/api/v1/blueprints/{}", blueprint["identifier"].as_str().unwrap());
        let (status, answer) = seawall.send(Method::PUT, &path, &blueprint).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
    seawall
}

fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_entity_is_created_merged_replaced_and_taken_back() {
    let seawall = with_services().await;
    let path = format!("{SERVICES}/pay?by=ann");
    let body = json!({"title": "Pay", "team": ["core"], "properties": {"lang": "go", "tier": "gold", "settings": {"a": 1, "b": null}}});
    let (status, made) = seawall.send(Method::PUT, &path, &body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(made["properties"]["settings"], json!({"a": 1, "b": null}));
    let (status, again) = seawall.send(Method::PUT, &path, &body).await;
    assert_eq!((status, &again["version"]), (StatusCode::OK, &made["version"]));

    let patch = json!({"title": null, "properties": {"tier": null, "stars": 4, "settings": {"c": 2}}});
    let (status, patched) = seawall.send(Method::PATCH, &path, &patch).await;
    assert_eq!(status, StatusCode::OK, "{patched}");
    assert_eq!(patched["title"], Value::Null);
    assert_eq!(
        patched["properties"],
        json!({"lang": "go", "stars": 4, "settings": {"c": 2}})
    );
    let list = seawall.get(&format!("{SERVICES}?filter=stars=4")).await;
    assert_eq!(list["items"][0]["identifier"], "pay");

    let (status, replaced) = seawall
        .send(Method::PUT, &path, &json!({"properties": {"lang": "c"}}))
        .await;
    assert_eq!(
        (status, &replaced["properties"]),
        (StatusCode::OK, &json!({"lang": "c"}))
    );
    let history = seawall.get(&format!("{SERVICES}/pay/history")).await;
    let causes: Vec<_> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["cause"].as_str().unwrap())
        .collect();
    assert_eq!(causes, ["write:people:ann"; 3]);

    let (status, removed) = seawall.send(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(
        (status, removed),
        (StatusCode::OK, json!({"deleted": true, "sources": []}))
    );
    let (status, _) = seawall.send(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) = seawall.send(Method::PATCH, &path, &json!({"title": "x"})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_wrong_is_said_field_by_field_and_nothing_of_it_is_stored() {
    let seawall = with_services().await;
    let path = format!("{SERVICES}/pay");
    for (body, wanted, words) in [
        (
            json!({"properties": {"lang": "go", "tier": "iron"}}),
            "/properties/tier",
            "gold",
        ),
        (
            json!({"properties": {"lang": "go", "tear": 1}}),
            "/properties/tear",
            "did you mean `tier`",
        ),
        (
            json!({"properties": {"lang": "go"}, "relations": {"onwer": "x"}}),
            "/relations/onwer",
            "did you mean `owner`",
        ),
        (
            json!({"properties": {"lang": "go"}, "relations": {"owner": "nobody"}}),
            "/relations/owner",
            "there is no team `nobody`",
        ),
        (
            json!({"properties": {"lang": "go"}, "relations": {"uses": ["pay", "x"]}}),
            "/relations/uses/1",
            "there is no service `x`",
        ),
        (
            json!({"properties": {"lang": "go"}, "relations": {"owner": 7}}),
            "/relations/owner",
            "an identifier",
        ),
        (
            json!({"properties": {"stars": 4}}),
            "/properties/lang",
            "requires the property `lang`",
        ),
        (json!({"propertys": {}}), "/propertys", "did you mean `properties`"),
        (json!({"title": 7}), "/title", "expected a text"),
        (json!({"identifier": "other"}), "/identifier", "as the address says"),
        (json!({"properties": [1]}), "/properties", "expected an object"),
    ] {
        let (status, problem) = seawall.send(Method::PUT, &path, &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {problem}");
        assert_eq!(pointers(&problem), [wanted], "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
        assert!(!problem.to_string().contains("mapping"), "{problem}");
    }
    let both = json!({"properties": {"lang": 1.5, "tier": [], "stars": "many"}});
    let (_, problem) = seawall.send(Method::PUT, &path, &both).await;
    assert_eq!(
        pointers(&problem),
        ["/properties/stars", "/properties/tier"],
        "all at once, and 1.5 is `1.5`"
    );
    for path in [
        format!("{path}?source=git hub"),
        format!("{path}?source=github"),
        format!("{path}?bye=ann"),
        format!("{path}?by="),
    ] {
        let (status, problem) = seawall
            .send(Method::PUT, &path, &json!({"properties": {"lang": "go"}}))
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {problem}");
    }
    let (status, problem) = seawall
        .send(Method::PUT, "/api/v1/blueprints/sevice/entities/pay", &json!({}))
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        problem["detail"].as_str().unwrap().contains("did you mean `service`"),
        "{problem}"
    );
    assert_eq!(seawall.entities("service").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_write_may_ask_that_nothing_has_changed() {
    let seawall = with_services().await;
    let path = format!("{SERVICES}/pay");
    let write = |header: header::HeaderName, value: String, stars: i64| {
        let body = json!({"properties": {"lang": "go", "stars": stars}});
        let request = seawall.request(Method::PUT, &path).header(header, value).json(&body);
        async move { request.send().await.unwrap().status() }
    };
    assert_eq!(write(header::IF_NONE_MATCH, "*".into(), 1).await, StatusCode::CREATED);
    assert_eq!(
        write(header::IF_NONE_MATCH, "*".into(), 2).await,
        StatusCode::PRECONDITION_FAILED
    );
    let response = seawall.request(Method::GET, &path).send().await.unwrap();
    let etag = response.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(write(header::IF_MATCH, etag.clone(), 3).await, StatusCode::OK);
    assert_eq!(write(header::IF_MATCH, etag, 4).await, StatusCode::PRECONDITION_FAILED);
    assert_eq!(seawall.get(&path).await["properties"]["stars"], 3);
}

#[tokio::test]
async fn a_bulk_answers_for_each_entity() {
    let seawall = with_services().await;
    let bulk = "/api/v1/entities/bulk";
    let service = |name: &str, more: Value| {
        let mut body = json!({"blueprint": "service", "identifier": name, "properties": {"lang": "go"}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let entities = json!([
        service("a", json!({"relations": {"uses": ["b"], "owner": "core"}})),
        service("b", json!({})),
        {"blueprint": "team", "identifier": "core"},
        service("c", json!({"relations": {"uses": ["d"]}})),
        service("d", json!({"relations": {"uses": ["nobody"]}})),
        {"blueprint": "sevice", "identifier": "e"},
        {"identifier": "f"},
        {"blueprint": "team", "identifier": 7},
        service("a", json!({})),
    ]);
    let (status, answer) = seawall.send(Method::POST, bulk, &json!({"entities": entities})).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let results = answer["results"].as_array().unwrap();
    let line = |r: &Value| {
        (
            r["status"].as_str().unwrap().to_owned(),
            r["pointer"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let lines: Vec<_> = results.iter().map(line).collect();
    let wanted = [
        ("created", ""),
        ("created", ""),
        ("created", ""),
        ("rejected", "/relations/uses/0"),
        ("rejected", "/relations/uses/0"),
        ("rejected", "/blueprint"),
        ("rejected", "/blueprint"),
        ("rejected", "/identifier"),
        ("rejected", "/identifier"),
    ];
    assert_eq!(lines, wanted.map(|(a, b)| (a.to_owned(), b.to_owned())), "{answer}");
    let body = json!({"createMissingRelatedEntities": true, "merge": true, "entities": [
        {"blueprint": "service", "identifier": "a", "relations": {"uses": ["b", "new"]}},
        service("b", json!({})),
    ]});
    let (_, answer) = seawall.send(Method::POST, bulk, &body).await;
    let lines: Vec<_> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(line)
        .map(|(status, _)| status)
        .collect();
    assert_eq!(lines, ["updated", "unchanged"]);
    assert_eq!(
        seawall.get(&format!("{SERVICES}/a")).await["relations"],
        json!({"owner": "core", "uses": ["b", "new"]})
    );
    assert_eq!(seawall.get(&format!("{SERVICES}/new")).await["title"], "new");
    let many: Vec<_> = (0..1001).map(|i| service(&format!("s{i}"), json!({}))).collect();
    let (status, problem) = seawall.send(Method::POST, bulk, &json!({"entities": many})).await;
    assert_eq!(
        (status, pointers(&problem)),
        (StatusCode::UNPROCESSABLE_ENTITY, vec!["/entities"])
    );
}

#[tokio::test]
async fn a_pass_never_overwrites_a_person_and_a_precedence_decides() {
    let (seawall, tool) = probed(3).await;
    let path = "/api/v1/blueprints/thing/entities/item-00001";
    let (status, written) = seawall
        .send(Method::PATCH, path, &json!({"properties": {"tier": "gold"}}))
        .await;
    assert_eq!(status, StatusCode::OK, "{written}");
    assert_eq!(written["properties"]["tier"], "gold");
    assert!(written.get("shadowed").is_none());
    // The tool says something new of the same entity: the rest follows it, the person's word stands.
    tool.set(vec![
        json!({"id": "item-00001", "name": "New", "tier": "silver", "size": 1000}),
    ]);
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &Value::Null)
        .await;
    eventually("the new title", || async {
        (seawall.get(path).await["title"] == "New").then_some(())
    })
    .await;
    let entity = seawall.get(&format!("{path}?include=provenance")).await;
    assert_eq!(
        (&entity["properties"]["tier"], &entity["properties"]["size"]),
        (&json!("gold"), &json!(1000))
    );
    let from = |field: &str| entity["provenance"][field]["sources"][0]["integration"].clone();
    assert_eq!(
        (from("tier"), from("size"), from("$title")),
        (json!("people"), json!("probe"), json!("probe"))
    );
    assert!(entity["provenance"]["size"]["since"].as_str() > entity["createdAt"].as_str());

    let mut blueprint = seawall.get("/api/v1/blueprints/thing").await;
    blueprint["precedence"] = json!({"fields": {"tier": ["probe"]}});
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/blueprints/thing", &blueprint).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    eventually("the integration's word", || async {
        (seawall.get(path).await["properties"]["tier"] == "silver").then_some(())
    })
    .await;
    let (_, shadowed) = seawall
        .send(
            Method::PATCH,
            path,
            &json!({"title": "Own", "properties": {"tier": "gold", "size": 5}}),
        )
        .await;
    assert_eq!(
        shadowed["shadowed"],
        json!(["tier"]),
        "a person is told that this is not seen: {shadowed}"
    );
    // What the integration says is its own to remove; what people say goes, and the entity stays.
    let (status, removed) = seawall.send(Method::DELETE, path, &Value::Null).await;
    assert_eq!(
        (status, removed),
        (StatusCode::OK, json!({"deleted": false, "sources": ["probe"]}))
    );
    let (status, problem) = seawall.send(Method::DELETE, path, &Value::Null).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(
        problem["detail"].as_str().unwrap().contains("it comes from probe"),
        "{problem}"
    );
}

#[tokio::test]
async fn an_entity_is_shown_as_it_was() {
    let seawall = with_services().await;
    let path = format!("{SERVICES}/pay");
    let now = async || {
        // Two changes of one millisecond cannot be told apart by time.
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        let at = jiff::Timestamp::now().to_string();
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        at
    };
    let before = now().await;
    seawall
        .send(
            Method::PUT,
            &path,
            &json!({"title": "One", "properties": {"lang": "go", "settings": {"x": [1]}}}),
        )
        .await;
    let first = now().await;
    seawall
        .send(Method::PUT, &path, &json!({"properties": {"lang": "c", "stars": 3}}))
        .await;
    let second = now().await;
    seawall.send(Method::DELETE, &path, &Value::Null).await;
    let gone = now().await;
    seawall
        .send(Method::PUT, &path, &json!({"properties": {"lang": "rust"}}))
        .await;
    let at = async |when: &str| seawall.try_get(&format!("{path}?at={when}")).await;
    for (when, wanted) in [
        (&first, json!({"lang": "go", "settings": {"x": [1]}})),
        (&second, json!({"lang": "c", "stars": 3})),
        (&now().await, json!({"lang": "rust"})),
    ] {
        let (status, entity) = at(when).await;
        assert_eq!((status, &entity["properties"]), (StatusCode::OK, &wanted), "{when}");
    }
    assert_eq!(at(&first).await.1["title"], "One");
    for when in [&before, &gone] {
        let (status, problem) = at(when).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("was not there at that time"),
            "{problem}"
        );
    }
    let (status, problem) = at("monday").await;
    assert_eq!(
        (status, pointers(&problem)),
        (StatusCode::UNPROCESSABLE_ENTITY, vec!["at"])
    );
}
