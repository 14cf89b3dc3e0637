//! What a hostile plugin says of what is not its own: entities of another plugin's blueprint, of no blueprint at all, and items
//! that it never listed.

use crate::{attack::Attack, essence, integration};
use reqwest::Method;
use seawall_tests::{Tool, component, eventually};
use serde_json::{Value, json};

/// An attack beside another plugin that has listed three things.
async fn beside() -> (Attack, Tool) {
    let attack = Attack::prepared().await;
    let tool = Tool::start(50).await;
    tool.fill(3);
    attack.seawall.install(&component("tests/guests/probe")).await;
    attack.seawall.integrate(integration(&tool, json!({}))).await;
    let view = attack.seawall.settled("probe").await;
    assert_eq!(view["passes"][0]["state"], "succeeded", "{view}");
    (attack, tool)
}

fn claim(key: &str, blueprint: &str, identifier: &str) -> Value {
    json!({"key": key, "blueprint": blueprint, "identifier": identifier, "title": "Stolen", "tier": "gold", "note": "forged"})
}

async fn goes_on(attack: &Attack, passes: usize) {
    let (status, answer) = attack
        .seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    assert!(status.is_success(), "{answer}");
    eventually("the other plugin's next pass", || async {
        let all = attack.seawall.passes("probe").await;
        (all.len() == passes && all[0]["state"] == "succeeded").then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_plugin_says_of_anothers_entities_is_its_own_word_and_goes_with_it() {
    let (attack, _tool) = beside().await;
    let path = "/api/v1/blueprints/thing/entities/item-00001";
    let before = essence(attack.seawall.entities("thing").await);
    let claims = json!({"claims": [
        claim("a", "thing", "item-00001"),
        claim("b", "thing", "forged"),
        claim("c", "nowhere", "x"),
        claim("d", "../thing", "x"),
        claim("e", "thing", "no identifier\n"),
    ]});
    attack.start("thief", claims.clone()).await;
    let seawall = &attack.seawall;
    eventually("what it says", || async {
        let passes = seawall.passes("thief").await;
        let claimed = |pass: &Value| pass["state"] == "succeeded" && pass["counts"]["items"] == 5;
        passes.iter().any(claimed).then_some(())
    })
    .await;
    // It is named wherever its word is seen, and nothing of the owner's is gone.
    let entity = seawall.get(&format!("{path}?include=provenance")).await;
    let from = |field: &str| entity["provenance"][field]["sources"][0]["integration"].clone();
    assert_eq!(
        (from("note"), from("size")),
        (json!("thief"), json!("probe")),
        "{entity}"
    );
    assert_eq!(entity["properties"]["size"], 1, "{entity}");
    let history = seawall.get(&format!("{path}/history")).await;
    let cause = history["items"][0]["cause"].as_str().unwrap();
    assert!(cause.starts_with("pass:"), "{history}");
    // What no blueprint is for is set aside and shown.
    let rejected = seawall.get("/api/v1/integrations/thief/rejected").await.to_string();
    for part in ["there is no blueprint `nowhere`", "../thing", "no identifier"] {
        assert!(rejected.contains(part), "{part}: {rejected}");
    }
    assert_eq!(seawall.entities("thing").await.len(), 4);
    // The owner of the blueprint says whose word counts.
    let mut blueprint = seawall.get("/api/v1/blueprints/thing").await;
    blueprint["precedence"] = json!({"default": ["probe"]});
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/blueprints/thing", &blueprint).await;
    assert!(status.is_success(), "{answer}");
    eventually("the owner's word", || async {
        (seawall.get(path).await["title"] == "Item 1").then_some(())
    })
    .await;
    goes_on(&attack, 2).await;
    // When it is gone, all is as it was.
    let removed = seawall.command(&["integration", "remove", "thief", "--yes"]);
    assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    eventually("what it said to be gone", || async {
        (essence(seawall.entities("thing").await) == before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_plugin_never_listed_it_cannot_remove() {
    let (attack, _tool) = beside().await;
    let before = essence(attack.seawall.entities("thing").await);
    // With the keys of the other's items, of a kind of its own: it never had such items.
    let own = json!([
        ["claim", "item-00000"],
        ["claim", "item-00001"],
        ["claim", "thing/item-00001"]
    ]);
    attack.start("deletes", json!({"gone": own})).await;
    // Of the other's kind, or of a kind that nobody has.
    attack.start("foreign", json!({"gone": [["item", "item-00000"]]})).await;
    attack.start("unknown", json!({"gone": [["", "item-00000"]]})).await;
    let of_claims = |passes: Vec<Value>| {
        let ended = |pass: &Value| pass["state"] != "running";
        (passes.len() == 2 && passes.iter().all(ended)).then_some(passes)
    };
    for (name, error) in [("deletes", ""), ("foreign", "`item`"), ("unknown", "``")] {
        let (passes, _) = eventually(&format!("both passes of {name}"), || async {
            of_claims(attack.seawall.passes(name).await)
        })
        .await;
        let failed: Vec<_> = passes.iter().filter(|pass| pass["state"] == "failed").collect();
        assert_eq!(failed.len(), usize::from(!error.is_empty()), "{name}: {passes:?}");
        for pass in failed {
            assert!(pass["error"].as_str().unwrap().contains(error), "{name}: {pass}");
        }
    }
    assert_eq!(essence(attack.seawall.entities("thing").await), before);
    goes_on(&attack, 2).await;
    assert_eq!(essence(attack.seawall.entities("thing").await), before);
}
