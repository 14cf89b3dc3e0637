//! What is hard on a catalog: disks that are full, values that are huge, identifiers of every kind.

use crate::{integration, probed};
use reqwest::{Method, StatusCode};
use seawall_tests::{Seawall, eventually};
use serde_json::{Value, json};

const NOTES: &str = "/api/v1/blueprints/note/entities";

async fn notes(seawall: &Seawall) {
    let blueprint = json!({"identifier": "note", "schema": {"properties": {"text": {"type": "string"}}}});
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/blueprints/note", &blueprint).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
}

/// Text that does not compress.
fn noise(seed: usize, bytes: usize) -> String {
    let mut state = seed as u64 + 1;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((state >> 59) % 26).unwrap())
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_loses_nothing_and_passes() {
    let seawall = Seawall::on_small_disk(24, 8).await;
    notes(&seawall).await;
    let mut stored = Vec::new();
    let problem = loop {
        let n = stored.len();
        assert!(n < 200, "the disk does not fill");
        let text = noise(n, 256 << 10);
        let path = format!("{NOTES}/n{n}");
        let (status, answer) = seawall
            .send(Method::PUT, &path, &json!({"properties": {"text": text}}))
            .await;
        match status {
            StatusCode::CREATED => stored.push(text),
            _ => break (status, answer),
        }
    };
    let (status, problem) = problem;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("disk is full"),
        "{problem}"
    );
    // Reading goes on, with all that was acknowledged and nothing of what was not.
    let all = seawall.get(&format!("{NOTES}?limit=1000&sort=$createdAt")).await;
    assert_eq!(all["items"].as_array().unwrap().len(), stored.len());
    seawall.drop_ballast();
    let n = stored.len();
    let text = noise(n, 256 << 10);
    eventually("there to be room", || async {
        let path = format!("{NOTES}/n{n}");
        let (status, _) = seawall
            .send(Method::PUT, &path, &json!({"properties": {"text": text}}))
            .await;
        status.is_success().then_some(())
    })
    .await;
    stored.push(text);
    for (n, text) in stored.iter().enumerate() {
        let entity = seawall.get(&format!("{NOTES}/n{n}")).await;
        assert_eq!(entity["properties"]["text"].as_str(), Some(text.as_str()), "n{n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_ten_megabytes_is_refused_and_nothing_else_goes() {
    let (seawall, tool) = probed(3).await;
    notes(&seawall).await;
    let huge = noise(1, 10 << 20);
    let (status, problem) = seawall
        .send(
            Method::PUT,
            &format!("{NOTES}/huge"),
            &json!({"properties": {"text": huge}}),
        )
        .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("2 MiB"), "{problem}");
    // Of a tool: the pass ends with the item's name, and what was there stays.
    tool.set(vec![json!({"id": "item-00000", "name": "Huge", "note": huge})]);
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    let (pass, _) = eventually("the pass to fail", || async {
        let passes = seawall.passes("probe").await;
        (passes[0]["state"] == "failed").then(|| passes[0].clone())
    })
    .await;
    let why = pass["error"].to_string();
    assert!(why.contains("item-00000") && why.contains("10485760"), "{why}");
    assert_eq!(seawall.entities("thing").await.len(), 3);
    // One that is large and still an item is taken, searched and given back whole.
    let large = noise(2, 4 << 20);
    tool.set(vec![json!({"id": "item-00000", "name": "Large", "note": large})]);
    let mut wanted = integration(&tool, json!({}));
    wanted["delete_share"] = json!(1.0);
    seawall.integrate(wanted).await;
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    eventually("the large one to be there", || async {
        let entity = seawall.get("/api/v1/blueprints/thing/entities/item-00000").await;
        (entity["properties"]["note"] == large.as_str()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_of_every_kind_are_kept_apart_and_found_again() {
    let seawall = Seawall::start().await;
    notes(&seawall).await;
    // The same to the eye or to a comparison that folds: composed and decomposed, full width, cases, ligatures, joiners.
    let odd = [
        "caf\u{e9}",
        "cafe\u{301}",
        "CAF\u{c9}",
        "caf\u{65}",
        "\u{ff43}afe",
        "stra\u{df}e",
        "strasse",
        "STRASSE",
        "\u{130}i",
        "\u{131}",
        "i",
        "I",
        "\u{fb01}n",
        "fin",
        "a\u{200d}b",
        "ab",
        "a\u{200b}b",
        "\u{202e}txt",
        "\u{feff}bom",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\u{10ffff}",
        "a\u{2028}line",
        "a b",
        "a/b",
        "a%2fb",
        "..",
        ".",
        "%",
        "?",
        "#",
        "a\\b",
        "a'b",
        "a\"b",
        "`",
        "--",
        "*",
        "{}",
        "null",
        "true",
        "0",
        "-1",
        "1e5",
        "NaN",
        "$identifier",
        "a:b",
        "a;b",
        "a,b",
        "\u{5d0}\u{5d1}",
        "\u{627}",
        "\u{e01}",
        "\u{4e2d}",
        "2",
    ];
    let encode = |text: &str| -> String {
        url::form_urlencoded::byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    // A path has no segment `.` or `..`, however it is encoded: those are written by the bulk door.
    let dots = |text: &&str| **text == *"." || **text == *"..";
    for name in odd.iter().filter(|name| !dots(name)) {
        let path = format!("{NOTES}/{}", encode(name));
        let (status, answer) = seawall
            .send(Method::PUT, &path, &json!({"properties": {"text": name}}))
            .await;
        assert_eq!(status, StatusCode::CREATED, "{name:?}: {answer}");
        assert_eq!(answer["identifier"], *name);
    }
    let named = odd.iter().filter(|name| !dots(name)).count();
    let list = seawall.get(&format!("{NOTES}?limit=1000")).await;
    let mut found: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["identifier"].as_str().unwrap())
        .collect();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), named);
    for name in odd.iter().filter(|name| !dots(name)) {
        let one = seawall.get(&format!("{NOTES}/{}", encode(name))).await;
        assert_eq!(one["properties"]["text"], *name);
        let history = seawall.get(&format!("{NOTES}/{}/history", encode(name))).await;
        assert_eq!(history["items"].as_array().unwrap().len(), 1, "{name:?}");
        // In a filter it stands for anything.
        if *name == "*" {
            continue;
        }
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        let filter = encode(&format!("$identifier = \"{quoted}\""));
        let list = seawall.get(&format!("{NOTES}?filter={filter}")).await;
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{name:?}: {list}");
        assert_eq!(items[0]["identifier"], *name);
    }
    // Pages of two find each one once.
    let (mut after, mut all) = (None::<String>, Vec::new());
    loop {
        let cursor = after
            .map(|after| format!("&cursor={}", encode(&after)))
            .unwrap_or_default();
        let page = seawall.get(&format!("{NOTES}?limit=2&sort=text{cursor}")).await;
        let items = page["items"].as_array().unwrap();
        all.extend(items.iter().map(|item| item["identifier"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), named);
    // What is no identifier is refused with what one is.
    for wrong in [" a", "a ", "a\nb", "a\u{0}b", &"x".repeat(1001)] {
        let path = format!("{NOTES}/{}", encode(wrong));
        let (status, answer) = seawall.send(Method::PUT, &path, &json!({})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}: {answer}");
        assert!(answer.to_string().contains("1,000 bytes"), "{answer}");
    }
    for name in odd.iter().filter(|name| !dots(name)) {
        let path = format!("{NOTES}/{}", encode(name));
        let (status, answer) = seawall.send(Method::DELETE, &path, &Value::Null).await;
        assert!(status.is_success(), "{name:?}: {answer}");
    }
    assert_eq!(seawall.get(&format!("{NOTES}?limit=1")).await["items"], json!([]));
}

async fn refused(seawall: &Seawall, path: &str, body: &Value, pointer: &str, says: &str) {
    let (status, problem) = seawall.send(Method::PUT, path, body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {problem}");
    assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    let detail = problem["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains(says), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_and_questions_that_would_never_end_are_refused_or_end() {
    let seawall = Seawall::start().await;
    let path = "/api/v1/blueprints/n";
    let with = |part: &str, value: Value| {
        let mut blueprint = json!({"identifier": "n", "schema": {"properties": {
            "text": {"type": "string", "pattern": "^(a+)+$"}, "o": {"type": "object"}, "i": {"type": "number"}
        }}, "relations": {"r": {"target": "n"}}});
        blueprint[part] = value;
        blueprint
    };
    refused(
        &seawall,
        path,
        &with("mirrorProperties", json!({"x": {"path": "r.y"}, "y": {"path": "r.x"}})),
        "/mirrorProperties/x/path",
        "leads back to itself",
    )
    .await;
    let circle = json!({
        "a": {"type": "number", "calculation": ".properties.b"}, "b": {"type": "number", "calculation": ".properties.a"}
    });
    refused(
        &seawall,
        path,
        &with("calculationProperties", circle),
        "/calculationProperties/a",
        "in a circle",
    )
    .await;
    // What jq does is known when it runs: it ends by its bounds, gives nothing, and says so. Another one goes on.
    let endless = json!({
        "recursion": {"type": "number", "calculation": "def f: f; f"},
        "memory": {"type": "number", "calculation": "[range(1e12)] | length"},
        "growth": {"type": "string", "calculation": "reduce range(100) as $i (\"x\"; . + .)"},
        "good": {"type": "number", "calculation": ".properties.i + 1"},
    });
    let (status, answer) = seawall
        .send(Method::PUT, path, &with("calculationProperties", endless))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let entities = format!("{path}/entities");
    let (status, answer) = seawall
        .send(Method::PUT, &format!("{entities}/a"), &json!({"properties": {"i": 1}}))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let (entity, _) = eventually("the good one to be computed", || async {
        let entity = seawall.get(&format!("{entities}/a?include=provenance")).await;
        (entity["properties"]["good"] == 2).then_some(entity)
    })
    .await;
    for name in ["recursion", "memory", "growth"] {
        assert_eq!(entity["properties"][name], Value::Null);
        let why = entity["provenance"][name]["problem"].as_str().unwrap_or_default();
        assert!(!why.is_empty(), "{name}: {entity}");
    }
    let shown = seawall.command(&["catalog", "get", "n", "a", "--provenance"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("comes to nothing"), "{shown}");
    // A pattern that backtracks elsewhere, a relation to nothing.
    let text = format!("{}!", "a".repeat(10_000));
    refused(
        &seawall,
        &format!("{entities}/b"),
        &json!({"properties": {"text": text}}),
        "/properties/text",
        "does not match",
    )
    .await;
    refused(
        &seawall,
        &format!("{entities}/b"),
        &json!({"relations": {"r": "nobody"}}),
        "/relations/r",
        "create it first",
    )
    .await;
    // Questions.
    let mut rules = json!({"property": "i", "operator": "=", "value": 1});
    for _ in 0..60 {
        rules = json!({"combinator": "and", "rules": [rules]});
    }
    let (status, problem) = seawall
        .send(Method::POST, "/api/v1/search", &json!({"query": rules}))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("nested"), "{problem}");
    let body = format!(
        "{{\"query\":{}1{}",
        "{\"combinator\":\"and\",\"rules\":[".repeat(1000),
        "]}".repeat(1000) + "}"
    );
    let request = seawall
        .request(Method::POST, "/api/v1/search")
        .header("content-type", "application/json");
    let answer = request.body(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().await.unwrap().contains("nested deeper"));
    let filter = format!("{}i=1{}", "(".repeat(1000), ")".repeat(1000));
    for (query, says) in [
        (format!("filter={filter}"), "nested"),
        ("sort=o".to_owned(), "objects have no order"),
        ("sort=nothing".to_owned(), "nothing"),
        ("cursor=abc".to_owned(), "cursor"),
    ] {
        let (status, problem) = seawall.try_get(&format!("{entities}?{query}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
}

#[tokio::test]
async fn what_leads_back_to_itself_through_others_is_refused() {
    let seawall = Seawall::start().await;
    let blueprint = |name: &str, other: &str, computed: Value| {
        let mut blueprint = json!({
            "identifier": name, "schema": {"properties": {"stored": {"type": "number"}}}, "relations": {"r": {"target": other}}
        });
        for (field, value) in computed.as_object().unwrap() {
            blueprint[field] = value.clone();
        }
        blueprint
    };
    let sum = |target: &str, property: &str| {
        json!({"title": "n", "type": "number", "target": target, "calculationSpec": {
            "calculationBy": "property", "func": "sum", "property": property, "averageOf": "total", "measureTimeBy": "$createdAt"
        }})
    };
    // A mirror of a calculation over a mirror of it.
    let b = blueprint(
        "b",
        "a",
        json!({"mirrorProperties": {"m": {"path": "r.m"}}, "calculationProperties": {
            "x": {"type": "number", "calculation": "(.properties.m // 0) + 1"}
        }}),
    );
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/blueprints/b", &b).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let a = blueprint("a", "b", json!({"mirrorProperties": {"m": {"path": "r.x"}}}));
    refused(
        &seawall,
        "/api/v1/blueprints/a",
        &a,
        "/mirrorProperties/m/path",
        "a.m → b.x → b.m → a.m",
    )
    .await;
    // An aggregation over one of the same; over what is stored it is none.
    let a = blueprint("a", "b", json!({"aggregationProperties": {"n": sum("b", "x")}}));
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/blueprints/a", &a).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let circle = blueprint("b", "a", json!({"aggregationProperties": {"x": sum("a", "n")}}));
    refused(
        &seawall,
        "/api/v1/blueprints/b",
        &circle,
        "/aggregationProperties/x",
        "b.x → a.n → b.x",
    )
    .await;
    let fine = blueprint("b", "a", json!({"aggregationProperties": {"x": sum("a", "stored")}}));
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/blueprints/b", &fine).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

#[tokio::test]
async fn a_target_that_is_gone_hinders_no_other_write_and_none_is_made_of_nothing() {
    let seawall = Seawall::start().await;
    for blueprint in [
        json!({"identifier": "system", "schema": {"properties": {}}}),
        json!({"identifier": "service", "schema": {"properties": {"a": {"type": "string"}}},
               "relations": {"system": {"target": "system"}, "ghost": {"target": "ghost"}}}),
    ] {
        let path = format!("/api/v1/blueprints/{}", blueprint["identifier"].as_str().unwrap());
        let (status, answer) = seawall.send(Method::PUT, &path, &blueprint).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
    let service = "/api/v1/blueprints/service/entities/s";
    let system = "/api/v1/blueprints/system/entities/x";
    seawall.send(Method::PUT, system, &json!({})).await;
    let (status, answer) = seawall
        .send(Method::PUT, service, &json!({"relations": {"system": "x"}}))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let (status, answer) = seawall.send(Method::DELETE, system, &Value::Null).await;
    assert!(status.is_success(), "{answer}");
    let (status, answer) = seawall
        .send(Method::PATCH, service, &json!({"properties": {"a": "r"}}))
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["properties"]["a"], "r");
    let (status, answer) = seawall
        .send(Method::PATCH, service, &json!({"relations": {"system": "x"}}))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    let (status, answer) = seawall
        .send(
            Method::PATCH,
            &format!("{service}?createMissingRelatedEntities=true"),
            &json!({"relations": {"ghost": "g"}}),
        )
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    assert!(answer.to_string().contains("there is no blueprint `ghost`"), "{answer}");
}

#[tokio::test]
async fn an_aggregation_without_a_path_is_over_all_ways() {
    let seawall = Seawall::start().await;
    for blueprint in [
        json!({"identifier": "system", "schema": {"properties": {}}, "aggregationProperties": {
            "issues": {"title": "i", "type": "number", "target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "count"}}
        }}),
        json!({"identifier": "service", "schema": {"properties": {}}, "relations": {"system": {"target": "system"}}}),
        json!({"identifier": "issue", "schema": {"properties": {}}}),
    ] {
        let path = format!("/api/v1/blueprints/{}", blueprint["identifier"].as_str().unwrap());
        let (status, answer) = seawall.send(Method::PUT, &path, &blueprint).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
    for (path, body) in [
        ("system/entities/x", json!({})),
        ("service/entities/s", json!({"relations": {"system": "x"}})),
        ("issue/entities/1", json!({})),
    ] {
        let (status, answer) = seawall
            .send(Method::PUT, &format!("/api/v1/blueprints/{path}"), &body)
            .await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
    let counted = |n: u32| {
        let seawall = &seawall;
        async move {
            eventually(&format!("{n} issues"), || async move {
                let system = seawall.get("/api/v1/blueprints/system/entities/x").await;
                (system["properties"]["issues"] == n).then_some(())
            })
            .await;
        }
    };
    counted(0).await;
    // A relation that makes a way of two steps, and an entity that goes it.
    let issue =
        json!({"identifier": "issue", "schema": {"properties": {}}, "relations": {"service": {"target": "service"}}});
    seawall.send(Method::PUT, "/api/v1/blueprints/issue", &issue).await;
    let path = "/api/v1/blueprints/issue/entities/1";
    seawall
        .send(Method::PUT, path, &json!({"relations": {"service": "s"}}))
        .await;
    counted(1).await;
    // The step between goes.
    let service = "/api/v1/blueprints/service/entities/s";
    seawall
        .send(Method::PATCH, service, &json!({"relations": {"system": null}}))
        .await;
    counted(0).await;
}
