//! A Seawall with a hostile plugin in it, between two hostile tools.

use reqwest::{Method, StatusCode};
use seawall_tests::{Rogue, Seawall, component, eventually};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) const SECRET: &str = "s3cret/never+in~a-guest";

pub(crate) struct Attack {
    pub(crate) seawall: Seawall,
    /// Reached with a credential.
    pub(crate) tool: Rogue,
    /// Reached without.
    pub(crate) wire: Rogue,
}

impl Attack {
    pub(crate) async fn prepared() -> Self {
        Self::with(&[], Rogue::start().await, Rogue::start().await).await
    }

    /// With further arguments of `serve`, and these tools.
    pub(crate) async fn with(arguments: &[&str], tool: Rogue, wire: Rogue) -> Self {
        let seawall = Seawall::start_with(arguments, &[]).await;
        seawall.install(&component("tests/guests/attacker")).await;
        let body = json!({"source": "sealed", "secret": SECRET});
        let (status, answer) = seawall.send(Method::PUT, "/api/v1/credentials/attacked", &body).await;
        assert!(status.is_success(), "{answer}");
        Self { seawall, tool, wire }
    }

    /// Starts an integration of this name that attacks. Where its tools are is said here, unless `config` says it.
    pub(crate) async fn start(&self, name: &str, config: Value) {
        self.start_with(name, config, json!({})).await;
    }

    /// The same, with more in its definition.
    pub(crate) async fn start_with(&self, name: &str, config: Value, more: Value) {
        let mut all = json!({"tool": self.tool.address(), "wire": self.wire.address()});
        put_into(&mut all, config);
        let mut definition = json!({
            "name": name, "plugin": "attacker", "config": all, "every_seconds": 3600,
            "credentials": {"token": "attacked"},
        });
        put_into(&mut definition, more);
        self.seawall.integrate(definition).await;
    }

    /// Its first pass, once it has ended.
    pub(crate) async fn ended(&self, name: &str) -> Value {
        let (pass, _) = eventually(&format!("the pass of {name} to end"), || async {
            let passes = self.seawall.passes(name).await;
            passes.into_iter().find(|pass| pass["state"] != "running")
        })
        .await;
        pass
    }

    /// What came of each request, by name.
    pub(crate) async fn outcomes(&self, requests: Vec<Value>) -> BTreeMap<String, Value> {
        self.start("attack", json!({"requests": requests})).await;
        self.told("attack").await
    }

    /// What came of each request of an integration that was started.
    pub(crate) async fn told(&self, name: &str) -> BTreeMap<String, Value> {
        let pass = self.ended(name).await;
        assert_eq!(pass["state"], "succeeded", "{pass}");
        let entities = self.seawall.entities("outcome").await;
        let outcome = |entity: Value| {
            let name = entity["identifier"].as_str().unwrap_or_default().to_owned();
            (name, entity["properties"].clone())
        };
        entities.into_iter().map(outcome).collect()
    }

    pub(crate) fn with_credential(&self, what: &str) -> Value {
        json!({"name": what, "scheme": "http", "authority": self.tool.authority(), "path": format!("/allowed/{what}")})
    }

    pub(crate) fn without_credential(&self, what: &str) -> Value {
        json!({"name": what, "scheme": "http", "authority": self.wire.authority(), "path": format!("/allowed/{what}")})
    }

    /// Waits for the record of a request to this address: whether it was let through, and a part of the reason. The API and the
    /// command line say the same of it.
    pub(crate) async fn recorded(&self, integration: &str, url: &str, allowed: bool, part: &str) -> Value {
        let is_it = |record: &Value| {
            let text = |name: &str| record[name].as_str().unwrap_or_default();
            let found = format!(
                "{}://{}:{}{}",
                text("scheme"),
                text("host"),
                record["port"],
                text("path")
            );
            found == url && record["allowed"] == allowed && text("reason").contains(part)
        };
        let what = format!("a record of {url}, allowed {allowed}, because of `{part}`");
        let (record, _) = eventually(&what, || async {
            let page = format!("/api/v1/egress?integration={integration}&allowed={allowed}&limit=1000");
            let page = self.seawall.get(&page).await;
            page["items"].as_array()?.iter().find(|record| is_it(record)).cloned()
        })
        .await;
        let only = if allowed { "--allowed" } else { "--refused" };
        let list = [
            "egress",
            "list",
            "--integration",
            integration,
            only,
            "--limit",
            "1000",
            "-o",
            "json",
        ];
        let listed = self.seawall.command(&list);
        let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
        assert!(
            listed["items"].as_array().unwrap().contains(&record),
            "{record} is not in {listed}"
        );
        record
    }

    /// Another plugin lists what its tool has, and the API answers: nobody else has noticed.
    pub(crate) async fn others_go_on(&self) {
        let tool = seawall_tests::Tool::start(50).await;
        tool.fill(60);
        self.seawall.install(&component("tests/guests/probe")).await;
        self.seawall.integrate(crate::integration(&tool, json!({}))).await;
        let view = self.seawall.settled("probe").await;
        assert_eq!(view["passes"][0]["state"], "succeeded", "{view}");
        assert_eq!(self.seawall.entities("thing").await.len(), 60);
        let (status, _) = self.seawall.try_get("/readyz").await;
        assert_eq!(status, StatusCode::OK);
    }

    /// The secret, in none of its forms, is in any answer, file or line.
    pub(crate) async fn no_secret(&self) {
        let entities = self.seawall.get("/api/v1/blueprints/outcome/entities?limit=1000").await;
        let egress = self.seawall.get("/api/v1/egress?integration=attack&limit=1000").await;
        let mut places = vec![entities.to_string(), egress.to_string()];
        for file in std::fs::read_dir(self.seawall.data()).unwrap().flatten() {
            if file.path().is_file() {
                places.push(String::from_utf8_lossy(&std::fs::read(file.path()).unwrap()).into_owned());
            }
        }
        for form in [
            SECRET,
            "s3cret%2Fnever%2Bin%7Ea-guest",
            "czNjcmV0L25ldmVyK2lufmEtZ3Vlc3Q",
        ] {
            assert!(!places.iter().any(|place| place.contains(form)), "{form} is somewhere");
        }
    }
}

fn put_into(all: &mut Value, more: Value) {
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
}

/// The door has refused it.
pub(crate) fn refused(outcome: &Value) -> bool {
    outcome["error"]
        .as_str()
        .is_some_and(|error| error.contains("HttpRequestDenied"))
}

/// The guest's own WASI has refused to make such a request.
pub(crate) fn not_made(outcome: &Value) -> bool {
    let error = outcome["error"].as_str().unwrap_or_default();
    [
        "refused",
        "HeaderError",
        "HttpRequestUriInvalid",
        "HttpRequestMethodInvalid",
        "HttpProtocolError",
    ]
    .iter()
    .any(|word| error.contains(word))
}
