//! Plugins that trap, spin, eat memory or answer nonsense: the call ends with an error that names the cause, and nobody
//! else notices.

use crate::{integration, probed};
use reqwest::{Method, StatusCode, header};
use seawall_tests::{component, eventually};
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
    // What is wrong is what its health says, and not the neighbour's.
    for (name, state) in [("bad", "failing"), ("probe", "idle")] {
        let view = seawall.get(&format!("/api/v1/integrations/{name}")).await;
        assert_eq!(view["state"], state, "{view}");
    }
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

/// (module (func (loop (br 0))) (start 0)): its start function never ends.
const SPINS: [u8; 32] = [
    0, b'a', b's', b'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 8, 1, 0, 10, 9, 1, 7, 0, 3, 0x40, 12, 0, 11, 11,
];
/// (module (memory 1))
const MEMORY: [u8; 13] = [0, b'a', b's', b'm', 1, 0, 0, 0, 5, 3, 1, 0, 1];
/// (module (table 90000 funcref))
const LARGE: [u8; 16] = [0, b'a', b's', b'm', 1, 0, 0, 0, 4, 6, 1, 0x70, 0, 0x90, 0xbf, 5];
/// (module
///   (table 1 funcref)
///   (func
///     (loop (br_if 0 (i32.ne (table.grow (ref.null func) (i32.const 1000)) (i32.const -1))))
///     unreachable)
///   (start 0))
const GROWS: [u8; 50] = [
    0, b'a', b's', b'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 4, 4, 1, 0x70, 0, 1, 8, 1,
    0, // up to what starts
    10, 21, 1, 19, 0, 3, 0x40, 0xd0, 0x70, 0x41, 0xe8, 7, 0xfc, 15, 0, 0x41, 0x7f, 0x47, 13, 0, 11, 0, 11,
];
/// (module (table 1 funcref))
const TABLE: [u8; 14] = [0, b'a', b's', b'm', 1, 0, 0, 0, 4, 4, 1, 0x70, 0, 1];

/// A component that has a core module besides, which is instantiated so often wherever the component is.
fn with_module(component: &[u8], module: &[u8], times: u8) -> Vec<u8> {
    assert!(module.len() < 128 && times < 40, "LEB128 of one byte");
    // Sections follow a header of 8 bytes: an id, a length in LEB128, and so many bytes. Those with id 1 are core modules.
    let (mut at, mut modules) = (8, 0_u8);
    while at < component.len() {
        modules += u8::from(component[at] == 1);
        at += 1;
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let byte = component[at];
            at += 1;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        at += length;
    }
    let mut bytes = component.to_vec();
    bytes.extend_from_slice(&[1, module.len() as u8]);
    bytes.extend_from_slice(module);
    // Core instances of that module, with no arguments.
    bytes.extend_from_slice(&[2, 1 + 3 * times, times]);
    (0..times).for_each(|_| bytes.extend_from_slice(&[0, modules, 0]));
    bytes
}

#[tokio::test]
async fn a_component_that_would_take_more_than_its_share_is_refused() {
    let (seawall, _tool) = probed(5).await;
    let probe = std::fs::read(component("tests/guests/probe")).unwrap();
    // Each call has room for so many of each, whatever the others take.
    for (module, times, part) in [
        (
            &MEMORY[..],
            4,
            "linear memories, which exceeds the configured maximum of 4",
        ),
        (&TABLE[..], 16, "tables, which exceeds the configured maximum of 16"),
    ] {
        let request = seawall
            .request(Method::POST, "/api/v1/plugins")
            .header(header::CONTENT_TYPE, "application/wasm");
        let bytes = with_module(&probe, module, times);
        let answer = request.body(bytes).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// Lets the probe run with modules besides whose start functions do no good, and waits until it is said why that was ended.
async fn ended_with(modules: &[(&[u8], u8)], part: &str) {
    let (seawall, tool) = probed(30).await;
    let probe = std::fs::read(component("tests/guests/probe")).unwrap();
    let add = |bytes: Vec<u8>, (module, times): &(&[u8], u8)| with_module(&bytes, module, *times);
    let bytes = modules.iter().fold(probe, add);
    let request = seawall
        .request(Method::POST, "/api/v1/plugins")
        .header(header::CONTENT_TYPE, "application/wasm");
    let answer = request.body(bytes).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED, "{}", answer.text().await.unwrap());
    // What runs once it is granted is ended.
    let grant = json!({"private_ranges": ["127.0.0.0/8"], "plaintext_to_loopback": true});
    let (status, view) = seawall.send(Method::PUT, "/api/v1/plugins/probe/grant", &grant).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let mut bad = integration(&tool, json!({}));
    bad["name"] = "bad".into();
    seawall.integrate(bad).await;
    eventually("its call to be ended", || async {
        let view = seawall.get("/api/v1/integrations/bad").await;
        view["problem"]
            .as_str()
            .filter(|why| why.contains(part))
            .map(str::to_owned)
    })
    .await;
}

#[tokio::test]
async fn a_component_whose_tables_grow_past_the_limit_is_ended_with_its_name() {
    ended_with(&[(&LARGE, 2), (&GROWS, 1)], "`table elements` of 200,000").await;
}

#[tokio::test]
async fn nothing_of_a_component_runs_when_it_is_installed() {
    ended_with(&[(&SPINS, 1)], "`timeout_ms` of 3000 ms").await;
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
