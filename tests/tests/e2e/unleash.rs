//! plugins/unleash (TypeScript) against a real Unleash: flags come in, and a run switches one.

use crate::events::Stream;
use reqwest::{Method, StatusCode};
use seawall_tests::{RealServer, Seawall, component, eventually, free_port};
use serde_json::{Value, json};

const TOKEN: &str = "*:*.unleash-test-token";

struct Unleash {
    _server: RealServer,
    address: String,
}

impl Unleash {
    fn start() -> Self {
        let (port, postgres) = (free_port(), free_port());
        let server = RealServer::start(
            "unleash",
            &[&port.to_string(), &postgres.to_string()],
            &[("UNLEASH_TOKEN", TOKEN)],
        );
        Self {
            _server: server,
            address: format!("http://127.0.0.1:{port}"),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = reqwest::Client::new()
            .request(method, format!("{}{path}", self.address))
            .header("authorization", TOKEN);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().await.unwrap_or(Value::Null)
    }

    async fn create(&self, flag: &str) {
        let body = json!({"name": flag, "type": "release", "description": format!("Flag {flag}")});
        self.call(Method::POST, "/api/admin/projects/default/features", Some(body))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_of_a_real_unleash_are_in_the_catalog_and_a_run_switches_one() {
    let unleash = Unleash::start();
    unleash.create("checkout-v2").await;
    unleash.create("dark-mode").await;
    let seawall = Seawall::start().await;
    seawall.install(&component("plugins/unleash")).await;
    let secret = json!({"source": "sealed", "secret": TOKEN});
    assert!(
        seawall
            .send(Method::PUT, "/api/v1/credentials/unleash-token", &secret)
            .await
            .0
            .is_success()
    );
    seawall
        .integrate(json!({
            "name": "unleash", "plugin": "unleash", "config": {"base_url": unleash.address},
            "credentials": {"token": "unleash-token"}, "every_seconds": 3600
        }))
        .await;
    let view = seawall.settled("unleash").await;
    assert!(
        view["passes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|p| p["state"] == "succeeded"),
        "{view}"
    );
    let flags = seawall.entities("unleashFeatureFlag").await;
    let names: Vec<_> = flags.iter().map(|f| f["identifier"].as_str().unwrap()).collect();
    assert_eq!(names, ["checkout-v2", "dark-mode"]);
    assert_eq!(flags[0]["relations"]["project"], "default");
    assert_eq!(flags[0]["properties"]["enabledIn"], json!([]));
    assert!(seawall.entities("unleashEnvironment").await.len() >= 2);

    let body = json!({
        "integration": "unleash", "operation": "switch-flag",
        "target": {"blueprint": "unleashFeatureFlag", "identifier": "checkout-v2"},
        "inputs": {"environment": "development", "enabled": true}
    });
    let mut stream = Stream::open(&seawall, "?type=run", None).await;
    stream.block().await.unwrap();
    let request = seawall
        .request(Method::POST, "/api/v1/runs")
        .header("idempotency-key", "once")
        .json(&body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let run: Value = response.json().await.unwrap();
    let path = format!("/api/v1/runs/{}", run["id"].as_str().unwrap());
    let (run, _) = eventually("the run to end", || async {
        let run = seawall.get(&path).await;
        ["succeeded", "failed"].contains(&run["state"].as_str()?).then_some(run)
    })
    .await;
    assert_eq!(run["state"], "succeeded", "{run}");
    // Who follows has seen it move.
    let mut states = Vec::new();
    while states.last() != Some(&json!("succeeded")) {
        let event = stream.event().await.unwrap();
        assert_eq!((event.event.as_deref(), &event.data["id"]), (Some("run"), &run["id"]));
        states.push(event.data["state"].clone());
    }
    assert_eq!(states.first(), Some(&json!("requested")));
    let feature = unleash
        .call(Method::GET, "/api/admin/projects/default/features/checkout-v2", None)
        .await;
    let development = feature["environments"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["name"] == "development")
        .unwrap();
    assert_eq!(development["enabled"], true);
    let flag = seawall
        .get("/api/v1/blueprints/unleashFeatureFlag/entities/checkout-v2")
        .await;
    assert_eq!(
        flag["properties"]["enabledIn"],
        json!(["development"]),
        "the catalog knows before the run has ended"
    );
    let log = seawall.get(&format!("{path}/log")).await;
    assert!(log["items"].as_array().unwrap().len() >= 2, "{log}");
    // The same key is the same run.
    let again = seawall
        .request(Method::POST, "/api/v1/runs")
        .header("idempotency-key", "once")
        .json(&body);
    let again = again.send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.json::<Value>().await.unwrap()["id"], run["id"]);

    // By the command line, and followed to its end.
    let output = seawall.command(&[
        "run",
        "start",
        "unleash",
        "switch-flag",
        "--target",
        "unleashFeatureFlag/checkout-v2",
        "--input",
        "environment=development",
        "--input",
        "enabled=false",
        "--follow",
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let feature = unleash
        .call(Method::GET, "/api/admin/projects/default/features/checkout-v2", None)
        .await;
    assert!(
        feature["environments"]
            .as_array()
            .unwrap()
            .iter()
            .all(|e| e["enabled"] == false)
    );

    // What is wrong is said before anything starts.
    for (change, pointer) in [
        (json!({"inputs": {"environment": "development"}}), "/inputs"),
        (json!({"target": null}), "/target"),
    ] {
        let mut wrong = body.clone();
        for (name, value) in change.as_object().unwrap() {
            wrong[name] = value.clone();
        }
        let (status, answer) = seawall.send(Method::POST, "/api/v1/runs", &wrong).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        assert!(
            answer["errors"][0]["pointer"].as_str().unwrap().starts_with(pointer),
            "{answer}"
        );
    }
    let mut unknown = body.clone();
    unknown["operation"] = "swich-flag".into();
    assert_eq!(
        seawall.send(Method::POST, "/api/v1/runs", &unknown).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_that_changes_in_a_real_unleash_is_in_the_catalog_by_webhook() {
    let unleash = Unleash::start();
    unleash.create("live").await;
    let seawall = Seawall::start().await;
    seawall.install(&component("plugins/unleash")).await;
    for (name, secret) in [("unleash-token", TOKEN), ("unleash-hook", "hook-s3cret")] {
        let body = json!({"source": "sealed", "secret": secret});
        let path = format!("/api/v1/credentials/{name}");
        assert!(seawall.send(Method::PUT, &path, &body).await.0.is_success());
    }
    seawall
        .integrate(json!({
            "name": "unleash", "plugin": "unleash", "config": {"base_url": unleash.address},
            "credentials": {"token": "unleash-token"}, "every_seconds": 3600,
            "webhook": {"scheme": "token", "secret": "unleash-hook"},
        }))
        .await;
    seawall.settled("unleash").await;
    // As Unleash 8.2 sent it to a server of ours. It keeps its own list of webhooks for a minute, so the test delivers by itself.
    let deliver = |event: &'static str| {
        let body = json!({
            "id": 12, "type": event, "createdBy": "admin", "createdAt": "2026-11-25T19:16:35.764Z", "createdByUserId": -42,
            "data": null, "preData": null, "tags": [], "featureName": "live", "project": "default",
            "environment": "development", "groupType": "transaction", "groupId": "01M8A26V9S2K3EZBEMB0AKX645"
        });
        let request = reqwest::Client::new().post(format!("{}/hooks/unleash", seawall.address()));
        request.bearer_auth("hook-s3cret").json(&body).send()
    };
    let on = "/api/admin/projects/default/features/live/environments/development/on";
    unleash.call(Method::POST, on, None).await;
    let answer = deliver("feature-environment-enabled").await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let flag = "/api/v1/blueprints/unleashFeatureFlag/entities/live";
    eventually("the flag to be on in the catalog", || async {
        (seawall.get(flag).await["properties"]["enabledIn"] == json!(["development"])).then_some(())
    })
    .await;
    let history = seawall.get(&format!("{flag}/history")).await;
    assert!(
        history["items"][0]["cause"].as_str().unwrap().starts_with("delivery:"),
        "{history}"
    );
    unleash
        .call(Method::DELETE, "/api/admin/projects/default/features/live", None)
        .await;
    deliver("feature-archived").await.unwrap();
    eventually("the archived flag to be gone", || async {
        (seawall.try_get(flag).await.0 == StatusCode::NOT_FOUND).then_some(())
    })
    .await;
    assert_eq!(
        seawall.passes("unleash").await.len(),
        3,
        "no further pass has brought it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_stops_the_integration_with_the_reason() {
    let unleash = Unleash::start();
    let seawall = Seawall::start().await;
    seawall.install(&component("plugins/unleash")).await;
    let put = |secret: &'static str| {
        let seawall = &seawall;
        async move {
            let body = json!({"source": "sealed", "secret": secret});
            assert!(
                seawall
                    .send(Method::PUT, "/api/v1/credentials/unleash-token", &body)
                    .await
                    .0
                    .is_success()
            );
        }
    };
    put("*:*.not-the-token").await;
    seawall
        .integrate(json!({
            "name": "unleash", "plugin": "unleash", "config": {"base_url": unleash.address},
            "credentials": {"token": "unleash-token"}, "every_seconds": 3600
        }))
        .await;
    eventually("it to stop", || async {
        let view = seawall.get("/api/v1/integrations/unleash").await;
        (view["state"] == "stopped" && view["problem"].as_str()?.contains("credential")).then_some(())
    })
    .await;
    put(TOKEN).await;
    eventually("it to go on with the new token", || async {
        (!seawall.try_get("/api/v1/blueprints/unleashProject/entities").await.1["items"]
            .as_array()?
            .is_empty())
        .then_some(())
    })
    .await;
}
