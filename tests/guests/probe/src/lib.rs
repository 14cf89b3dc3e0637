//! Lists items page by page from a small API, or misbehaves in the way that its config names.

use seawall_sdk::{ingestor::Change, prelude::*};

struct Probe;

#[derive(Serialize, Deserialize)]
struct Config {
    base_url: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    partitioned: bool,
}

#[derive(Deserialize)]
struct Listing {
    items: Vec<Value>,
    next: Option<String>,
}

impl Ingestor for Probe {
    fn partitions(scope: &Scope) -> Result<Vec<String>> {
        let config: Config = scope.config()?;
        if !config.partitioned {
            return Ok(vec!["all".into()]);
        }
        Ok(http::get(http::join(&config.base_url, "/partitions")).send()?.json()?)
    }

    fn pull(scope: &Scope, partition: &str, cursor: Option<&str>) -> Result<Page> {
        let config: Config = scope.config()?;
        let one = json!({"id": "one", "name": "One"});
        match config.mode.as_str() {
            "" => list(scope, &config, partition, cursor),
            "spin" => loop {
                std::hint::black_box(0);
            },
            "memory" => {
                let mut all: Vec<Vec<u8>> = Vec::new();
                loop {
                    all.push(std::hint::black_box(vec![1; 1 << 20]));
                }
            }
            "trap" => panic!("this plugin panics on purpose"),
            "huge" => {
                let mut page = Page::complete();
                let text = "x".repeat(100 << 10);
                for i in 0..500 {
                    page.upsert(scope.kind(), i.to_string(), &json!({"id": i, "note": text}))?;
                }
                Ok(page)
            }
            "invalid-json" => {
                let mut page = Page::complete();
                page.changes.push(seawall_sdk::ingestor::Change::Upsert {
                    kind: scope.kind().into(),
                    key: "broken".into(),
                    value: Json::from_bytes(b"{\"id\": \"broken".to_vec()),
                });
                Ok(page)
            }
            "duplicate-keys" => {
                let mut page = Page::complete();
                page.upsert(scope.kind(), "one", &one)?;
                page.upsert(scope.kind(), "one", &one)?;
                Ok(page)
            }
            "repeat-cursor" => {
                let mut page = Page::more("again");
                page.upsert(scope.kind(), "one", &one)?;
                Ok(page)
            }
            "wrong-kind" => {
                let mut page = Page::complete();
                page.upsert("secret-kind", "one", &one)?;
                Ok(page)
            }
            "log-flood" => loop {
                log::info("and on and on");
            },
            "fetch" => {
                let answer = http::get(config.url.clone()).send()?;
                let mut page = Page::complete();
                let status = answer.status();
                let body = answer.text().into_owned();
                page.upsert(
                    scope.kind(),
                    "answer",
                    &json!({"id": "answer", "size": status, "note": body}),
                )?;
                Ok(page)
            }
            // Kubernetes' own API.
            "namespaces" => {
                let url = http::join(&config.base_url, "/api/v1/namespaces");
                let listing: Value = http::get(url).send()?.json()?;
                let mut page = Page::complete();
                for namespace in listing["items"].as_array().into_iter().flatten() {
                    let name = namespace["metadata"]["name"].as_str().unwrap_or_default();
                    page.upsert(scope.kind(), name, &json!({"id": name, "name": name}))?;
                }
                Ok(page)
            }
            // A request that says when it was made, and that it is another than the last one.
            "stamp" => {
                let now = clock::now().as_millis().to_string();
                let url = http::join(&config.base_url, "/echo");
                let answer = http::get(url)
                    .query("at", now)
                    .query("nonce", seawall_sdk::random::u64())
                    .send()?;
                let mut page = Page::complete();
                page.upsert(
                    scope.kind(),
                    "answer",
                    &json!({"id": "answer", "name": answer.json::<Value>()?["uri"], "size": seawall_sdk::random::u64() % 1000}),
                )?;
                Ok(page)
            }
            other => Err(Failure::invalid_config(format!("no such mode: {other}"))),
        }
    }
}

/// What a mapping's selector may narrow.
#[derive(Deserialize)]
struct Selector {
    tier: Option<String>,
}

fn list(scope: &Scope, config: &Config, partition: &str, cursor: Option<&str>) -> Result<Page> {
    let mut request = http::get(http::join(&config.base_url, "/items"));
    if config.partitioned {
        request = request.query("partition", partition);
    }
    if let Some(tier) = scope.selector::<Selector>()?.tier {
        request = request.query("tier", tier);
    }
    if let Some(cursor) = cursor {
        request = request.query("cursor", cursor);
    }
    let listing: Listing = request.send()?.json()?;
    let mut page = listing.next.map_or_else(Page::complete, Page::more);
    for item in &listing.items {
        let key = item["id"]
            .as_str()
            .ok_or_else(|| Failure::failed("an item has no id"))?;
        page.upsert(scope.kind(), key, item)?;
    }
    Ok(page)
}

/// What a delivery says.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Event {
    /// The item as it is now; its note becomes the names of the delivery's headers.
    Upsert(Value),
    /// The item with this id is gone.
    Delete(String),
    /// Ask the API for all items and give the one with this id.
    Ask(String),
}

impl Webhook for Probe {
    fn receive(config: &Json, delivery: &Delivery) -> Result<Vec<Located>> {
        let config: Config = config.parse()?;
        let item = |mut item: Value| {
            let names: Vec<_> = delivery.headers.iter().map(|(name, _)| name.as_str()).collect();
            item["note"] = names.join(" ").into();
            let key = item["id"]
                .as_str()
                .ok_or_else(|| Failure::failed("an item has no id"))?
                .to_owned();
            Change::upsert("item", key, &item)
        };
        let change = match delivery.json()? {
            Event::Upsert(value) => item(value)?,
            Event::Delete(id) => Change::delete("item", id),
            Event::Ask(id) => {
                let listing: Listing = http::get(http::join(&config.base_url, "/items")).send()?.json()?;
                let found = listing.items.into_iter().find(|item| item["id"] == id.as_str());
                item(found.ok_or_else(|| Failure::failed("the API does not list it"))?)?
            }
        };
        Ok(vec![Located {
            partition: "all".into(),
            change,
        }])
    }
}

seawall_sdk::plugin!(Probe: ingestor, webhook);
