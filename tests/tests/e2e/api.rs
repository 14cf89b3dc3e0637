//! The HTTP API: who may, what a list gives, and how each kind of bad input is answered.

use crate::{integration, probed};
use reqwest::{Method, StatusCode, header};
use seawall_tests::Seawall;
use serde_json::{Value, json};

#[tokio::test]
async fn every_request_needs_the_token() {
    let seawall = Seawall::start().await;
    let url = format!("{}/api/v1/blueprints", seawall.address());
    for token in [None, Some("wrong"), Some("")] {
        let mut request = reqwest::Client::new().get(&url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{token:?}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
    seawall.get("/api/v1/blueprints").await;
}

#[tokio::test]
async fn the_token_and_the_key_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let seawall = Seawall::start().await;
    for file in ["token", "master.key"] {
        let mode = std::fs::metadata(seawall.data().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{file} can be read by others: {mode:o}");
    }
}

#[tokio::test]
async fn health_readiness_metrics_and_the_page_answer_without_token() {
    let (seawall, _tool) = probed(10).await;
    let client = reqwest::Client::new();
    for (path, part) in [
        ("/healthz", "ok"),
        ("/readyz", "ready"),
        ("/metrics", "seawall_entities{blueprint=\"thing\"} 10"),
        ("/", "Seawall is running"),
    ] {
        let response = client.get(format!("{}{path}", seawall.address())).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let text = response.text().await.unwrap();
        assert!(text.contains(part), "{path} lacks {part}:\n{text}");
    }
}

#[tokio::test]
async fn lists_filter_sort_and_page() {
    let (seawall, _tool) = probed(120).await;
    let list = "/api/v1/blueprints/thing/entities";
    let page = seawall
        .get(&format!("{list}?filter=tier=gold&sort=-size&limit=50&total=true"))
        .await;
    assert_eq!(page["total"], 60);
    let sizes: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["properties"]["size"].as_i64().unwrap())
        .collect();
    assert_eq!(sizes, (0..60).rev().map(|i| i * 2).take(50).collect::<Vec<_>>());
    let next = page["next"].as_str().unwrap();
    let rest = seawall
        .get(&format!("{list}?filter=tier=gold&sort=-size&limit=50&cursor={next}"))
        .await;
    assert_eq!(rest["items"].as_array().unwrap().len(), 10);
    assert_eq!(rest["next"], Value::Null);
    let by_relation = seawall.get(&format!("{list}?filter=relations.parent=item-00001")).await;
    assert_eq!(by_relation["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        seawall.get("/api/v1/blueprints/thing/count?filter=tier=silver").await["count"],
        60
    );
    let facet = seawall.get("/api/v1/blueprints/thing/facets/tier").await;
    assert_eq!(
        facet["items"],
        json!([{"value": "gold", "count": 60}, {"value": "silver", "count": 60}])
    );
}

#[tokio::test]
async fn one_entity_shows_its_source_its_referrers_and_an_etag() {
    let (seawall, tool) = probed(5).await;
    let path = "/api/v1/blueprints/thing/entities/item-00001";
    let response = seawall.request(Method::GET, path).send().await.unwrap();
    let etag = response.headers()[header::ETAG].clone();
    let entity: Value = response.json().await.unwrap();
    assert_eq!(entity["title"], "Item 1");
    assert_eq!(entity["relations"]["parent"], "item-00000");
    assert_eq!(entity["sources"][0]["integration"], "probe");
    assert_eq!(entity["sources"][0]["key"], "item-00001");
    let referrers: Vec<_> = entity["referrers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["identifier"].clone())
        .collect();
    assert_eq!(referrers, ["item-00002", "item-00003"]);
    let again = seawall
        .request(Method::GET, path)
        .header(header::IF_NONE_MATCH, &etag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    // Another source that says the same leaves the entity as it was, and is part of the answer.
    let mut second = integration(&tool, json!({}));
    second["name"] = "second".into();
    seawall.integrate(second).await;
    seawall.settled("second").await;
    let changed = seawall.request(Method::GET, path).header(header::IF_NONE_MATCH, &etag);
    assert_eq!(changed.send().await.unwrap().status(), StatusCode::OK);
    let (status, problem) = seawall.try_get(&format!("{path}/history?cursor=abc")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let history = seawall.get(&format!("{path}/history")).await;
    assert_eq!(history["items"][0]["kind"], "created");
}

#[tokio::test]
async fn bad_input_is_a_problem_that_points_to_the_field() {
    let (seawall, _tool) = probed(60).await;
    let list = "/api/v1/blueprints/thing/entities";
    let cursor = seawall.get(&format!("{list}?limit=10")).await["next"]
        .as_str()
        .unwrap()
        .to_owned();
    let gets = [
        ("/api/v1/nothing".to_owned(), 404, "openapi"),
        ("/api/v1/blueprints/thin".to_owned(), 404, "did you mean `thing`"),
        (
            "/api/v1/blueprints/thin/entities".to_owned(),
            404,
            "did you mean `thing`",
        ),
        (format!("{list}/none"), 404, "thing/none"),
        (format!("{list}?filter=teir=gold"), 422, "did you mean `tier`"),
        (format!("{list}?filter=tier"), 422, "FIELD=VALUE"),
        (format!("{list}?sort=$age"), 422, "$updatedAt"),
        (format!("{list}?limit=0"), 422, "1 to 1000"),
        (format!("{list}?limit=ten"), 422, "number"),
        (format!("{list}?fliter=tier=gold"), 422, "did you mean `filter`"),
        (format!("{list}?cursor=rubbish"), 422, "cursor"),
        (format!("{list}?sort=size&cursor={cursor}"), 422, "another query"),
        (format!("{list}?total=maybe"), 422, "true or false"),
        ("/api/v1/passes?cursor=%FF".to_owned(), 422, "cursor"),
        ("/api/v1/passes?limit=ten".to_owned(), 422, "limit: "),
        (
            "/api/v1/passes?state=failed".to_owned(),
            422,
            "there is no parameter `state`",
        ),
        ("/api/v1/egress?refused=maybe".to_owned(), 422, "`allowed`"),
        (
            "/api/v1/egress?allowed=1".to_owned(),
            422,
            "allowed: provided string was not `true` or `false`, found `1`",
        ),
        ("/api/v1/egress?since=yesterday".to_owned(), 422, "since"),
        ("/api/v1/deliveries?state=lost".to_owned(), 422, "`dead`"),
        ("/api/v1/integrations/UPPER".to_owned(), 422, "lower-case"),
        ("/api/v1/plugins/prob".to_owned(), 404, "did you mean `probe`"),
        ("/api/v1/runs/none".to_owned(), 404, "seawall run list"),
    ];
    for (path, status, part) in gets {
        let (found, body) = seawall.try_get(&path).await;
        assert_eq!(found.as_u16(), status, "GET {path}: {body}");
        assert!(body["detail"].as_str().unwrap().contains(part), "GET {path}: {body}");
    }
    let puts = [
        (
            "/api/v1/integrations/probe",
            json!({"name": "probe", "plugin": "probe", "confg": {}}),
            "/confg",
            "config",
        ),
        (
            "/api/v1/integrations/probe",
            json!({"name": "other", "plugin": "probe"}),
            "/name",
            "the same",
        ),
        (
            "/api/v1/integrations/probe",
            json!({"name": "probe", "plugin": "probe", "config": {"base_url": 7}}),
            "/config/base_url",
            "expected text",
        ),
        (
            "/api/v1/integrations/probe",
            json!({"name": "probe", "plugin": "probe", "config": {"base_url": "http://127.0.0.1:1"}, "every_seconds": "often"}),
            "/every_seconds",
            "a whole number",
        ),
        (
            "/api/v1/integrations/probe",
            json!({"plugin": "probe"}),
            "/name",
            "missing",
        ),
        (
            "/api/v1/integrations/probe",
            json!({"name": "probe", "plugin": "probe", "config": {}, "limits": [1, 2, 3]}),
            "/limits",
            "found a list, expected an object",
        ),
        (
            "/api/v1/credentials/token",
            json!({"source": {"openbao": ["https://bao.example.com", "a/b", "field", "token"]}}),
            "/source/openbao",
            "found a list, expected an object",
        ),
        ("/api/v1/integrations/probe", json!([]), "", "expected an object"),
        (
            "/api/v1/plugins/probe/grant",
            json!([["127.0.0.0/8"], false, null, null, "by list", null]),
            "",
            "expected an object",
        ),
        (
            "/api/v1/blueprints/zz",
            json!({"identifier": "zz", "shema": {}}),
            "/shema",
            "did you mean `schema`",
        ),
        (
            "/api/v1/credentials/token",
            json!({"source": "sealed"}),
            "/secret",
            "secret",
        ),
        (
            "/api/v1/plugins/probe/grant",
            json!({"private_ranges": ["0.0.0.0/0"]}),
            "/private_ranges/0",
            "holds public addresses",
        ),
        (
            "/api/v1/plugins/probe/grant",
            json!({"expires_at": "tomorrow"}),
            "/expires_at",
            "2027",
        ),
        (
            "/api/v1/plugins/probe/grant",
            json!({"rules": [7]}),
            "/rules/0",
            "no rule 7",
        ),
    ];
    for (path, body, pointer, part) in puts {
        let (status, answer) = seawall.send(Method::PUT, path, &body).await;
        assert_eq!(status.as_u16(), 422, "PUT {path} {body}: {answer}");
        assert_eq!(answer["errors"][0]["pointer"], pointer, "PUT {path} {body}: {answer}");
        assert!(
            answer["detail"].as_str().unwrap().contains(part),
            "PUT {path} {body}: {answer}"
        );
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_too_large_or_of_another_type_are_refused() {
    let seawall = Seawall::start().await;
    let put = |body: Vec<u8>, kind: &'static str| {
        seawall
            .request(Method::PUT, "/api/v1/credentials/x")
            .header(header::CONTENT_TYPE, kind)
            .body(body)
            .send()
    };
    assert_eq!(
        put(b"{\"source\":".to_vec(), "application/json")
            .await
            .unwrap()
            .status(),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        put(b"{} trailing".to_vec(), "application/json")
            .await
            .unwrap()
            .status()
            .as_u16(),
        422
    );
    assert_eq!(
        put(b"{}".to_vec(), "text/plain").await.unwrap().status(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    // The answer arrives though nobody reads the body, and the connection serves the next request.
    for _ in 0..20 {
        let large = put(vec![b' '; 3 << 20], "application/json").await.unwrap();
        assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let unread = put(vec![b' '; 3 << 20], "text/plain").await.unwrap();
        assert_eq!(unread.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let wasm = seawall
        .request(Method::POST, "/api/v1/plugins")
        .header(header::CONTENT_TYPE, "application/wasm")
        .body("this is no component")
        .send()
        .await
        .unwrap();
    assert_eq!(wasm.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let method = seawall
        .request(Method::DELETE, "/api/v1/blueprints")
        .send()
        .await
        .unwrap();
    assert_eq!(method.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(method.headers()[header::CONTENT_TYPE], "application/problem+json");
}

#[tokio::test]
async fn the_openapi_document_describes_every_route() {
    let seawall = Seawall::start().await;
    let document = seawall.get("/api/v1/openapi.json").await;
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        document["openapi"]
    );
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "/blueprints",
        "/blueprints/{blueprint}/entities",
        "/plugins",
        "/plugins/{plugin}/grant",
        "/integrations/{integration}",
        "/passes",
        "/egress",
        "/audit",
        "/runs",
        "/runs/{run}/log",
        "/verdicts",
    ] {
        assert!(paths.contains_key(&format!("/api/v1{path}")), "{path} is missing");
    }
    let without: Vec<_> = paths
        .iter()
        .flat_map(|(path, operations)| operations.as_object().unwrap().iter().map(move |(m, o)| (path, m, o)))
        .filter(|(_, _, o)| o["summary"].as_str().is_none_or(str::is_empty))
        .map(|(path, method, _)| format!("{method} {path}"))
        .collect();
    assert!(without.is_empty(), "without a summary: {without:?}");
}
