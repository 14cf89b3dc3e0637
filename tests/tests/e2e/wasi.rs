//! A plugin of WASI 0.3 beside those of 0.2: behind a setting, through the same door, under the same limits.

use reqwest::{Method, StatusCode};
use seawall_tests::{Answer, Guarded, Rogue, Seawall, Tool, component, eventually, run, seawall_binary};
use serde_json::{Value, json};
use std::process::Command;

const ON: &[&str] = &["--wasi-0-3"];
const SECRET: &str = "never-shown-to-async-guests";

fn integration(address: &str, config: Value) -> Value {
    let mut all = json!({"base_url": address});
    for (name, value) in config.as_object().unwrap() {
        all[name] = value.clone();
    }
    json!({"name": "async", "plugin": "async-probe", "config": all, "every_seconds": 3600})
}

/// A Seawall that takes WASI 0.3, with the guest and a credential.
async fn prepared() -> Seawall {
    let seawall = Seawall::start_with(ON, &[]).await;
    seawall.install(&component("tests/guests/async-probe")).await;
    let body = json!({"source": "sealed", "secret": SECRET});
    let (status, answer) = seawall
        .send(Method::PUT, "/api/v1/credentials/async-token", &body)
        .await;
    assert!(status.is_success(), "{answer}");
    seawall
}

/// The first pass of the integration, once it has ended.
async fn ended(seawall: &Seawall) -> Value {
    let (pass, _) = eventually("the pass to end", || async {
        let passes = seawall.passes("async").await;
        passes.into_iter().find(|pass| pass["state"] != "running")
    })
    .await;
    pass
}

#[tokio::test]
async fn runs_beside_a_guest_of_0_2_and_both_ingest() {
    let tool = Tool::start(50).await;
    tool.fill(120);
    let seawall = prepared().await;
    seawall.install(&component("tests/guests/probe")).await;
    seawall.integrate(integration(tool.address(), json!({}))).await;
    seawall.integrate(crate::integration(&tool, json!({}))).await;
    for name in ["async", "probe"] {
        let view = seawall.settled(name).await;
        assert_eq!(view["passes"][0]["state"], "succeeded", "{view}");
    }
    let (new, old) = (seawall.entities("async-thing").await, seawall.entities("thing").await);
    assert_eq!((new.len(), old.len()), (120, 120));
    assert_eq!(new[7]["properties"], old[7]["properties"]);
    // What it sent is on record, with the rule that let it through.
    eventually("the records", || async {
        let records = seawall.get("/api/v1/egress?integration=async&limit=1000").await;
        let items = records["items"].as_array()?.clone();
        (items.len() == 3
            && items
                .iter()
                .all(|r| r["status"] == 200 && r["received"].as_u64() > Some(0)))
        .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_host_that_was_not_told_to_refuses_it_and_says_how_to_turn_it_on() {
    let mut seawall = Seawall::start().await;
    let file = component("tests/guests/async-probe");
    let install = |seawall: &Seawall| {
        let request = seawall.request(Method::POST, "/api/v1/plugins");
        request
            .header("content-type", "application/wasm")
            .body(std::fs::read(&file).unwrap())
    };
    let refused = install(&seawall).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let refused = refused.text().await.unwrap();
    let words = "it needs WASI 0.3, which is off on this host";
    for part in [words, "--wasi-0-3", "SEAWALL_WASI_0_3", "wasi:http/client@0.3.0"] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
    assert_eq!(seawall.get("/api/v1/plugins").await["items"], json!([]));
    // One that was taken while it was on does not run once it is off.
    seawall.kill();
    seawall.boot_with(ON).await;
    let tool = Tool::start(50).await;
    tool.fill(3);
    seawall.install(&file).await;
    seawall.integrate(integration(tool.address(), json!({}))).await;
    seawall.settled("async").await;
    seawall.kill();
    seawall.boot_with(&[]).await;
    seawall.hindered("async", words).await;
    assert_eq!(seawall.entities("async-thing").await.len(), 3);
}

#[tokio::test]
async fn inspect_says_which_level_a_plugin_needs() {
    let inspect = |project: &str, more: &[&str], setting: &str| {
        let mut command = Command::new(seawall_binary());
        command
            .args(["plugin", "inspect", "-o", "json"])
            .args(more)
            .arg(component(project));
        let output = run(command.env("SEAWALL_WASI_0_3", setting));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        (
            output.status.code(),
            answer["wasi"].clone(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, wasi, said) = inspect("tests/guests/async-probe", &[], "false");
    assert_eq!((code, wasi), (Some(1), json!(["0.3"])), "{said}");
    assert!(said.contains("it needs WASI 0.3, which is off on this host"), "{said}");
    for (project, more, setting, level) in [
        ("tests/guests/async-probe", ON, "", json!(["0.3"])),
        ("tests/guests/async-probe", &[], "true", json!(["0.3"])),
        ("tests/guests/probe", &[], "", json!(["0.2"])),
        ("tests/guests/nosy", &[], "", json!(["0.2"])),
        ("plugins/rules-rust", &[], "", json!([])),
    ] {
        let (code, wasi, said) = inspect(project, more, setting);
        assert_eq!((code, wasi), (Some(0), level), "{project}: {said}");
    }
}

#[tokio::test]
async fn each_limit_ends_a_call_by_its_name() {
    let rogue = Rogue::start().await;
    let seawall = prepared().await;
    for (mode, url, limit) in [
        ("spin", String::new(), "timeout_ms"),
        ("sleep", String::new(), "timeout_ms"),
        ("memory", String::new(), "memory_bytes"),
        ("streams", String::new(), "resources"),
        ("log-flood", String::new(), "log_lines"),
        ("flood", format!("{}/drip-head", rogue.address()), "requests_in_flight"),
        ("send", format!("{}/swallow", rogue.address()), "request_bytes"),
    ] {
        let name = format!("crosses-{mode}");
        let mut wanted = integration(&rogue.address(), json!({"mode": mode, "url": url}));
        wanted["name"] = name.as_str().into();
        seawall.integrate(wanted).await;
        let (pass, _) = eventually(&format!("{mode} to end"), || async {
            let passes = seawall.passes(&name).await;
            passes.into_iter().find(|pass| pass["state"] == "failed")
        })
        .await;
        let error = pass["error"].as_str().unwrap_or_default().to_owned();
        assert!(error.contains(&format!("limit `{limit}`")), "{mode}: {pass}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_ends_the_call() {
    let tool = Tool::start(100_000).await;
    tool.fill(20_000);
    let seawall = prepared().await;
    seawall.integrate(integration(tool.address(), json!({}))).await;
    let pass = ended(&seawall).await;
    assert_eq!(pass["state"], "failed");
    assert!(
        pass["error"].as_str().unwrap().contains("limit `response_bytes`"),
        "{pass}"
    );
}

#[tokio::test]
async fn the_door_is_the_same() {
    let tool = Guarded::start(None, |headers| {
        headers
            .get("authorization")
            .is_some_and(|value| value == format!("Bearer {SECRET}").as_str())
    })
    .await;
    let elsewhere = Tool::start(50).await;
    let seawall = prepared().await;
    // Not granted: refused, and on record with the lines that would allow it.
    let mut wanted = integration(
        tool.address(),
        json!({"mode": "fetch", "url": format!("{}/items", elsewhere.address())}),
    );
    wanted["credentials"] = json!({"token": "async-token"});
    seawall.integrate(wanted.clone()).await;
    let pass = ended(&seawall).await;
    assert_eq!(pass["state"], "failed");
    assert!(
        pass["error"].as_str().unwrap().contains("the host refused a request"),
        "{pass}"
    );
    assert_eq!(elsewhere.requests(), 0);
    eventually("the record of the refusal", || async {
        let records = seawall.get("/api/v1/egress?integration=async").await;
        let refused = records["items"].as_array()?.iter().find(|r| r["allowed"] == false)?;
        refused["reason"].as_str().map(str::to_owned)
    })
    .await;
    // Granted: the credential is attached by the host, and four at once pass.
    wanted["config"] = json!({"base_url": tool.address(), "mode": "four", "url": format!("{}/echo", tool.address())});
    seawall.integrate(wanted.clone()).await;
    let (four, _) = eventually("four answers", || async {
        let (status, entity) = seawall.try_get("/api/v1/blueprints/async-thing/entities/four").await;
        (status == StatusCode::OK).then_some(entity)
    })
    .await;
    assert_eq!(four["properties"]["size"], 4);
    assert_eq!(tool.seen(), [format!("Bearer {SECRET}")]);
    // What the tool echoes of it is cut out.
    let echo = Tool::start(50).await;
    wanted["config"] = json!({"base_url": echo.address(), "mode": "fetch", "url": format!("{}/echo", echo.address())});
    seawall.integrate(wanted).await;
    let (answer, _) = eventually("the echo", || async {
        let (status, entity) = seawall.try_get("/api/v1/blueprints/async-thing/entities/answer").await;
        (status == StatusCode::OK).then_some(entity)
    })
    .await;
    let note = answer["properties"]["note"].as_str().unwrap();
    assert!(
        note.contains(&format!("Bearer {}", "*".repeat(SECRET.len()))) && !note.contains(SECRET),
        "{note}"
    );
    // Clock and chance are WASI 0.3's too.
    let (seconds, random) = answer["title"].as_str().unwrap().split_once(' ').unwrap();
    assert!(
        seconds.parse::<u64>().unwrap() > 1_700_000_000 && random.parse::<u64>().is_ok(),
        "{answer}"
    );
}

#[tokio::test]
async fn a_tool_that_fails_is_waited_for() {
    let tool = Tool::start(50).await;
    tool.fill(10);
    tool.answer(vec![Answer::Status(503, None), Answer::Half]);
    let seawall = prepared().await;
    seawall.integrate(integration(tool.address(), json!({}))).await;
    eventually("all items", || async {
        (seawall.entities("async-thing").await.len() == 10).then_some(())
    })
    .await;
}
