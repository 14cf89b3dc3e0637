//! The mapping workbench: a mapping is tried on stored items, put in force without asking the tool, and taken back.

use crate::probed;
use reqwest::{Method, StatusCode};
use seawall_tests::{Seawall, eventually};
use serde_json::{Value, json};

const MAPPING: &str = "/api/v1/integrations/probe/mapping";

fn mapping(query: &str, tier: &str) -> Value {
    json!({"resources": [{"kind": "item", "selector": {"query": query}, "port": {"entity": {"mappings": {
        "identifier": ".id", "title": ".name", "blueprint": "\"thing\"",
        "properties": {"size": ".size", "tier": tier}, "relations": {"parent": ".parent"}
    }}}}]})
}

async fn preview(seawall: &Seawall, mapping: &Value) -> Value {
    let body = json!({"mapping": mapping});
    let (status, diff) = seawall.send(Method::POST, &format!("{MAPPING}/preview"), &body).await;
    assert_eq!(status, StatusCode::OK, "{diff}");
    diff
}

fn total(diff: &Value) -> [u64; 5] {
    ["added", "changed", "removed", "unchanged", "rejected"].map(|name| diff["total"][name].as_u64().unwrap())
}

async fn tiers(seawall: &Seawall) -> Vec<String> {
    let facet = seawall.get("/api/v1/blueprints/thing/facets/tier").await;
    let values = facet["items"].as_array().unwrap().iter();
    let mut tiers: Vec<_> = values
        .map(|v| format!("{}:{}", v["value"].as_str().unwrap(), v["count"]))
        .collect();
    tiers.sort();
    tiers
}

#[tokio::test]
async fn a_mapping_is_seen_before_it_is_in_force_and_goes_back() {
    let (mut seawall, tool) = probed(40).await;
    // No pass may do what the workbench does.
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/pause", &Value::Null)
        .await;
    let asked = tool.requests();
    let items = seawall.get("/api/v1/integrations/probe/items?kind=item&limit=30").await;
    assert_eq!(items["items"].as_array().unwrap().len(), 30);
    assert_eq!(items["items"][1]["value"]["id"], "item-00001");
    let next = items["next"].as_str().unwrap();
    let rest = seawall
        .get(&format!(
            "/api/v1/integrations/probe/items?kind=item&limit=30&cursor={next}"
        ))
        .await;
    assert_eq!(
        (rest["items"].as_array().unwrap().len(), &rest["next"]),
        (10, &Value::Null)
    );
    assert_eq!(rest["items"][0]["key"], "item-00030");

    let same = preview(&seawall, &Value::Null).await;
    assert_eq!(total(&same), [0, 0, 0, 40, 0]);
    let other = mapping(".size < 38", "\"gold\"");
    let diff = preview(&seawall, &other).await;
    assert_eq!(total(&diff), [0, 19, 2, 19, 0], "{diff}");
    let changed = diff["kinds"][0]["examples"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["what"] == "changed")
        .unwrap();
    assert_eq!(
        changed["diff"]["properties.tier"],
        json!(["silver", "gold"]),
        "{changed}"
    );
    let broken = preview(&seawall, &mapping("true", ".name | tonumber")).await;
    assert_eq!(broken["total"]["rejected"], 40, "{broken}");
    assert_eq!(
        tiers(&seawall).await,
        ["gold:20", "silver:20"],
        "a preview changes nothing"
    );

    let (status, answer) = seawall
        .send(Method::PUT, &format!("{MAPPING}?by=ann"), &json!({"mapping": other}))
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    eventually("the new mapping", || async {
        (tiers(&seawall).await == ["gold:38"]).then_some(())
    })
    .await;
    let history = seawall
        .get("/api/v1/blueprints/thing/entities/item-00001/history")
        .await;
    let newest = &history["items"][0];
    assert_eq!(
        (&newest["cause"], &newest["by"]),
        (&json!("mapping:probe"), &json!("ann"))
    );
    let view = seawall.get(MAPPING).await;
    assert_eq!(
        (&view["earlier"][0]["mapping"], &view["earlier"][0]["by"]),
        (&Value::Null, &json!("ann"))
    );

    // It is in force after a crash too, and the way back asks nobody either.
    seawall.kill();
    seawall.boot().await;
    let output = seawall.command(&["mapping", "rollback", "probe", "--by", "bob"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(tiers(&seawall).await, ["gold:20", "silver:20"]);
    assert_eq!(tool.requests(), asked, "the tool was asked for nothing");
    // What the next pass finds is unchanged.
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/resume", &Value::Null)
        .await;
    seawall.settled("probe").await;
    let position = seawall.get("/api/v1/blueprints/thing/entities?limit=1").await["position"].clone();
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &Value::Null)
        .await;
    seawall.settled("probe").await;
    assert_eq!(
        seawall.get("/api/v1/blueprints/thing/entities?limit=1").await["position"],
        position
    );
}

#[tokio::test]
async fn each_rollback_leads_further_back_and_versions_have_numbers() {
    let (seawall, _tool) = probed(4).await;
    let in_force = async |tier: &str, by: &str| {
        let body = json!({"mapping": mapping("true", tier)});
        let (status, answer) = seawall.send(Method::PUT, &format!("{MAPPING}?by={by}"), &body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    };
    in_force("\"gold\"", "ann").await;
    in_force("\"silver\"", "bob").await;
    let run = |arguments: &[&str]| {
        let output = seawall.command(&[&["mapping"], arguments].concat());
        (output.status.success(), crate::folders::said(&output))
    };
    let rollback = ["rollback", "probe", "--by", "carl"];
    let (well, said) = run(&rollback);
    assert!(well, "{said}");
    assert_eq!(tiers(&seawall).await, ["gold:4"]);
    let (well, said) = run(&rollback);
    assert!(well, "{said}");
    assert_eq!(tiers(&seawall).await, ["gold:2", "silver:2"], "the plugin's own");
    let (well, said) = run(&rollback);
    assert!(!well && said.contains("has had no mapping before this one"), "{said}");

    let view = seawall.get(MAPPING).await;
    let versions = view["versions"].as_array().unwrap();
    let shown: Vec<_> = versions
        .iter()
        .map(|v| json!([v["version"], v["by"], v["backTo"]]))
        .collect();
    let expect = json!([
        [5, "carl", 1],
        [4, "carl", 2],
        [3, "bob", null],
        [2, "ann", null],
        [1, null, null]
    ]);
    assert_eq!((json!(shown), &view["version"]), (expect, &json!(5)));
    let (well, said) = run(&["history", "probe"]);
    assert!(
        well && said.contains("back to 2") && said.contains("version 5 is in force"),
        "{said}"
    );

    let (well, said) = run(&["rollback", "probe", "--to", "3"]);
    assert!(well, "{said}");
    assert_eq!(tiers(&seawall).await, ["silver:4"]);
    let (well, said) = run(&["rollback", "probe", "--to", "9"]);
    assert!(!well && said.contains("there are 1 to 6"), "{said}");
    // The history of definitions has them too, and so has a mapping that came with the integration's definition.
    let mut definition = seawall.get("/api/v1/integrations/probe").await["definition"].clone();
    definition["mapping"] = mapping("true", "\"iron\"");
    seawall
        .send(Method::PUT, "/api/v1/integrations/probe?by=dora", &definition)
        .await;
    let view = seawall.get(MAPPING).await;
    assert_eq!(
        (&view["version"], &view["versions"][0]["by"]),
        (&json!(7), &json!("dora"))
    );
    let changes = seawall
        .get("/api/v1/definition-changes?kind=Integration&name=probe")
        .await;
    let who: Vec<_> = changes["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["by"].clone())
        .collect();
    assert_eq!(who.len(), 7, "{changes}");
    assert_eq!(
        (&who[0], &who[2], &who[5]),
        (&json!("dora"), &json!("carl"), &json!("ann"))
    );
}

#[tokio::test]
async fn a_relation_by_search_follows_what_there_is_to_find() {
    let (seawall, tool) = probed(12).await;
    let put = async |path: &str, body: Value| {
        let (status, answer) = seawall.send(Method::PUT, path, &body).await;
        assert!(status.is_success(), "{answer}");
    };
    let person = json!({"identifier": "person", "schema": {"properties": {"login": {"type": "string"}}}});
    put("/api/v1/blueprints/person", person).await;
    put(
        "/api/v1/blueprints/held",
        json!({"identifier": "held", "schema": {"properties": {}}, "relations": {
            "by": {"target": "person"}, "with": {"target": "person", "many": true}
        }}),
    )
    .await;
    let be = async |name: &str, login: &str| {
        let body = json!({"properties": {"login": login}});
        put(&format!("/api/v1/blueprints/person/entities/{name}"), body).await;
    };
    be("ann", "item-00001").await;
    let search = |operator: &str| {
        json!({"combinator": "\"and\"", "rules": [
            {"property": "\"login\"", "operator": format!("{operator:?}"), "value": ".id"}
        ]})
    };
    let mapping = json!({"resources": [{"kind": "item", "selector": {"query": "true"}, "port": {"entity": {"mappings": {
        "identifier": ".id", "blueprint": "\"held\"", "relations": {"by": search("="), "with": search("contains")}
    }}}}]});
    let relations = async |item: &str| {
        let held = seawall.get(&format!("/api/v1/blueprints/held/entities/{item}")).await;
        held["relations"].clone()
    };
    let pass = async || {
        let before = seawall.passes("probe").await.len();
        let path = "/api/v1/integrations/probe/sync";
        let (status, answer) = seawall.send(Method::POST, path, &Value::Null).await;
        assert!(status.is_success(), "{answer}");
        eventually("a further pass to end", || async {
            let passes = seawall.passes("probe").await;
            (passes.len() > before && passes[0]["state"] != "running").then_some(())
        })
        .await;
    };
    // The workbench searches as a pass does.
    put(&format!("{MAPPING}?force=true"), json!({"mapping": mapping})).await;
    eventually("the new mapping", || async {
        let held = seawall.try_get("/api/v1/blueprints/held/entities/item-00001").await;
        (held.0 == StatusCode::OK).then_some(())
    })
    .await;
    assert_eq!(relations("item-00001").await, json!({"by": "ann", "with": ["ann"]}));
    assert_eq!(relations("item-00002").await, json!({}));

    // The tool lists the same: what there is to find now is found by the next pass, and what is gone is let go.
    be("bob", "item-00002").await;
    be("ann", "item-00001 at home").await;
    pass().await;
    assert_eq!(relations("item-00001").await, json!({"with": ["ann"]}));
    assert_eq!(relations("item-00002").await, json!({"by": "bob", "with": ["bob"]}));

    // A pass that finds the same changes nothing.
    let position = seawall.get("/api/v1/blueprints/held/entities?limit=1").await["position"].clone();
    pass().await;
    let after = seawall.get("/api/v1/blueprints/held/entities?limit=1").await["position"].clone();
    assert_eq!(after, position);

    // Two are too many for a single relation, which is said.
    be("carl", "item-00002").await;
    pass().await;
    assert_eq!(relations("item-00002").await, json!({"with": ["bob", "carl"]}));
    let reports = seawall.get("/api/v1/integrations/probe/rejected").await;
    assert!(
        reports.to_string().contains("the search finds 2 entities of `person`"),
        "{reports}"
    );
    assert_eq!(tool.items().len(), 12);
}

#[tokio::test]
async fn a_mapping_that_is_wrong_or_removes_much_is_refused() {
    let (seawall, _tool) = probed(40).await;
    let body = json!({"mapping": mapping("true", ".tier |")});
    for (method, path) in [
        (Method::POST, format!("{MAPPING}/preview")),
        (Method::PUT, MAPPING.to_owned()),
    ] {
        let (status, problem) = seawall.send(method, &path, &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("tier"), "{problem}");
    }
    let little = json!({"mapping": mapping(".size < 5", ".tier")});
    let (status, problem) = seawall.send(Method::PUT, MAPPING, &little).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("would remove 35 of 40"),
        "{problem}"
    );
    assert_eq!(seawall.get("/api/v1/blueprints/thing/count").await["count"], 40);
    let (status, problem) = seawall
        .send(Method::POST, &format!("{MAPPING}/rollback"), &Value::Null)
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    let (status, problem) = seawall.try_get("/api/v1/integrations/probe/items?kind=itme").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
    let (status, _) = seawall
        .send(Method::PUT, &format!("{MAPPING}?force=true"), &little)
        .await;
    assert_eq!(status, StatusCode::ACCEPTED);
    eventually("fewer entities", || async {
        (seawall.get("/api/v1/blueprints/thing/count").await["count"] == 5).then_some(())
    })
    .await;
}
