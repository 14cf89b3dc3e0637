//! Plugins that trap, spin, eat memory or answer nonsense: the call ends with an error that names the cause, and nobody
//! else notices.

use crate::{integration, probed};
use reqwest::Method;
use seawall_tests::eventually;
use serde_json::json;

/// Lets the probe misbehave beside itself as it should be, and gives the error of its pass.
async fn error_of(mode: &str) -> String {
    let (seawall, tool) = probed(30).await;
    let mut bad = integration(&tool, json!({"mode": mode}));
    bad["name"] = "bad".into();
    seawall.integrate(bad).await;
    let (pass, _) = eventually("the bad pass to end", || async {
        let passes = seawall.passes("bad").await;
        passes.into_iter().find(|p| p["state"] != "running")
    })
    .await;
    assert_eq!(pass["state"], "failed", "{pass}");
    // The neighbour and what was there are as before.
    seawall
        .send(Method::POST, "/api/v1/integrations/probe/sync", &json!({}))
        .await;
    eventually("the neighbour's second pass", || async {
        let passes = seawall.passes("probe").await;
        (passes.len() == 2 && passes[0]["state"] == "succeeded").then_some(())
    })
    .await;
    assert!(seawall.entities("thing").await.len() >= 30);
    pass["error"].as_str().unwrap().to_owned()
}

macro_rules! names_the_cause {
    ($($name:ident: $mode:literal => $part:literal;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let error = error_of($mode).await;
                assert!(error.contains($part), "expected `{}` in: {error}", $part);
            }
        )*
    };
}

names_the_cause! {
    a_plugin_that_spins_is_ended_by_its_time: "spin" => "`timeout_ms` of 3000 ms";
    a_plugin_that_eats_memory_is_ended_by_its_bound: "memory" => "`memory_bytes` of 134217728 bytes";
    a_plugin_that_panics_is_shown_with_its_words: "trap" => "panics on purpose";
    a_plugin_that_answers_too_much_is_ended: "huge" => "`result_bytes` of 33554432 bytes";
    a_plugin_that_floods_the_log_is_ended: "log-flood" => "`log_lines` of 500 lines";
    an_item_that_is_no_json_is_named: "invalid-json" => "the item `broken` of kind `item` is no valid JSON";
    a_key_that_comes_twice_is_named: "duplicate-keys" => "the key `one` is twice in one page";
    a_cursor_that_repeats_is_named: "repeat-cursor" => "the cursor `again` comes a second time";
    an_item_of_another_kind_is_named: "wrong-kind" => "`secret-kind`";
}
