//! Git repositories that plugins read: fetched by the host from git's own server, whatever that server and the repository are up to.

use axum::{Router, extract::State, http::Uri, routing::get};
use reqwest::Method;
use seawall_tests::{Forge, Seawall, component, eventually};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

pub(crate) const LOGIN: &str = "reader:s3cret/only+the~host";

pub(crate) fn catalog_info(name: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\nspec: {{type: service, lifecycle: production, \
         owner: team-a}}\n"
    )
}

/// A file that does not get small by packing: 16 bytes for each number, of which a pack has half.
pub(crate) fn ballast(numbers: usize) -> String {
    let mut state = 88_172_645_463_325_252_u64;
    let number = |_| {
        // Xorshift (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        format!("{state:016x}")
    };
    (0..numbers).map(number).collect()
}

pub(crate) async fn with_plugin(plugin: &str) -> Seawall {
    let seawall = Seawall::start().await;
    seawall.install(&component(plugin)).await;
    let body = json!({"source": "sealed", "secret": LOGIN});
    let (status, answer) = seawall.send(Method::PUT, "/api/v1/credentials/forge", &body).await;
    assert!(status.is_success(), "{answer}");
    seawall
}

pub(crate) fn definition(name: &str, repository: &str, more: Value) -> Value {
    let mut definition = json!({
        "name": name, "plugin": "catalog-files", "config": {"repository": repository}, "credentials": {"git": "forge"},
        "every_seconds": 3600, "delete_floor": 1000,
    });
    for (field, value) in more.as_object().unwrap() {
        definition[field] = value.clone();
    }
    definition
}

pub(crate) async fn components(seawall: &Seawall) -> Vec<String> {
    let all = seawall.entities("backstageComponent").await;
    let mut names: Vec<_> = all
        .iter()
        .map(|e| e["properties"]["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    names
}

pub(crate) async fn sync(seawall: &Seawall, name: &str) {
    let path = format!("/api/v1/integrations/{name}/sync");
    let (status, answer) = seawall.send(Method::POST, &path, &json!({})).await;
    assert!(status.is_success(), "{answer}");
}

/// Waits for passes of this integration that began after those that are there, one for each kind, and gives them.
async fn synced(seawall: &Seawall, name: &str) -> Vec<Value> {
    let before = seawall.passes(name).await.len();
    sync(seawall, name).await;
    let (passes, _) = eventually(&format!("two more passes of {name} to end"), || async {
        let mut passes = seawall.passes(name).await;
        passes.truncate(passes.len().checked_sub(before)?);
        (passes.len() >= 2 && passes.iter().all(|pass| pass["state"] != "running")).then_some(passes)
    })
    .await;
    passes
}

pub(crate) async fn all_succeeded(seawall: &Seawall, name: &str) {
    for pass in synced(seawall, name).await {
        assert_eq!(pass["state"], "succeeded", "{pass}");
    }
}

/// Bytes of the packs that an integration has received, newest first.
pub(crate) async fn packs(seawall: &Seawall, name: &str) -> Vec<u64> {
    let records = seawall
        .get(&format!("/api/v1/egress?integration={name}&limit=1000"))
        .await;
    let posts = records["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["method"] == "POST");
    // What lists names is small.
    posts
        .map(|r| r["received"].as_u64().unwrap())
        .filter(|bytes| *bytes > 300)
        .collect()
}

/// Folders of repositories that this host keeps.
pub(crate) fn stores(seawall: &Seawall) -> Vec<std::path::PathBuf> {
    let all = std::fs::read_dir(seawall.data().join("git")).unwrap();
    all.flatten().map(|entry| entry.path()).collect()
}

pub(crate) fn checkouts(store: &std::path::Path) -> Vec<String> {
    let all = std::fs::read_dir(store.join("checkouts")).unwrap().flatten();
    let names = all.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !name.ends_with(".json")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_fetched_with_a_credential_that_stays_with_the_host() {
    let forge = Forge::start().await;
    forge.guard(LOGIN);
    let repository = forge.make("shop");
    let payments = catalog_info("payments");
    let commit = forge.push(
        "shop",
        &[("payments/catalog-info.yaml", &payments), ("ballast", &ballast(4_000))],
    );
    let seawall = with_plugin("plugins/catalog-files").await;
    seawall.integrate(definition("shop", &repository, json!({}))).await;
    let view = seawall.settled("shop").await;
    assert_eq!(view["problem"], Value::Null, "{view}");
    assert_eq!(components(&seawall).await, ["payments"]);
    // All that was sent passed the door, by the checkout's own rule, with its credential.
    let records = seawall.get("/api/v1/egress?integration=shop&limit=1000").await;
    let records = records["items"].as_array().unwrap().clone();
    assert_eq!(records.len(), 3, "{records:?}");
    for record in &records {
        assert_eq!(
            (&record["rule"], &record["credential"]),
            (&json!("git[0]"), &json!("git")),
            "{record}"
        );
        assert_eq!(
            (&record["allowed"], &record["status"]),
            (&json!(true), &json!(200)),
            "{record}"
        );
    }
    let audit = seawall.get("/api/v1/audit?plugin=catalog-files").await;
    let checkout = &audit["items"][0]["git"][0];
    assert_eq!(
        (&checkout["from"], &checkout["granted"]),
        (&json!("{repository}"), &json!(true))
    );
    assert_eq!(checkout["used"].as_array().unwrap().len(), 2, "{checkout}");
    let reach = seawall.get("/api/v1/audit/reach?plugin=catalog-files").await;
    let places: Vec<_> = reach["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (&r["capability"], &r["place"]))
        .collect();
    assert_eq!(
        places,
        [(&json!("git"), &json!(repository)), (&json!("git"), &json!(repository))]
    );
    // Only the commit's files are there, and the secret is nowhere.
    let store = &stores(&seawall)[0];
    assert_eq!(checkouts(store), [commit]);
    let mut folders = vec![seawall.data().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let content = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
            for form in [LOGIN, "s3cret/only", "cmVhZGVyOnMzY3JldC9vbmx5K3RoZX5ob3N0"] {
                assert!(!content.contains(form), "{form} is in {}", entry.path().display());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_brings_what_is_new_and_nothing_where_nothing_is() {
    let forge = Forge::start().await;
    let repository = forge.make("shop");
    let (one, two, large) = (catalog_info("one"), catalog_info("two"), ballast(4_000));
    forge.push("shop", &[("one/catalog-info.yaml", &one), ("ballast", &large)]);
    let seawall = with_plugin("plugins/catalog-files").await;
    seawall.integrate(definition("shop", &repository, json!({}))).await;
    seawall.settled("shop").await;
    forge.asked();
    // Nothing is new: two requests for all passes of a turn, of which there may be three, and no pack.
    all_succeeded(&seawall, "shop").await;
    let asked = forge.asked();
    assert_eq!(asked[..2], ["GET /shop.git/info/refs", "ls-refs /shop.git"]);
    assert!(
        asked.len() <= 6 && !asked.iter().any(|one| one.starts_with("fetch")),
        "{asked:?}"
    );
    let second = [
        ("one/catalog-info.yaml", one.as_str()),
        ("two/catalog-info.yaml", &two),
        ("ballast", &large),
    ];
    let commit = forge.push("shop", &second);
    all_succeeded(&seawall, "shop").await;
    assert_eq!(components(&seawall).await, ["one", "two"]);
    let packs = packs(&seawall, "shop").await;
    assert_eq!(packs.len(), 2, "{packs:?}");
    assert!(packs[0] * 20 < packs[1], "the second is much smaller: {packs:?}");
    // Another branch of the same repository is another commit of the same store.
    forge.git("shop", &["checkout", "--quiet", "-b", "next"]);
    forge.push(
        "shop",
        &[("three/catalog-info.yaml", &catalog_info("three")), ("ballast", &large)],
    );
    let mut next = definition("next", &repository, json!({}));
    next["config"]["branch"] = "next".into();
    seawall.integrate(next).await;
    seawall.settled("next").await;
    assert_eq!(components(&seawall).await, ["one", "three", "two"]);
    let stores = stores(&seawall);
    assert_eq!(stores.len(), 1);
    assert_eq!(checkouts(&stores[0]).len(), 2);
    assert!(checkouts(&stores[0]).contains(&commit));
}

#[tokio::test(flavor = "multi_thread")]
async fn integrations_share_what_one_credential_sees_and_what_nobody_names_goes() {
    let forge = Forge::start().await;
    forge.guard(LOGIN);
    let repository = forge.make("shop");
    forge.push("shop", &[("catalog-info.yaml", &catalog_info("one"))]);
    let seawall = with_plugin("plugins/catalog-files").await;
    seawall.integrate(definition("first", &repository, json!({}))).await;
    seawall.settled("first").await;
    seawall.integrate(definition("second", &repository, json!({}))).await;
    seawall.settled("second").await;
    let asked = forge.asked();
    assert_eq!(
        asked.iter().filter(|one| one.starts_with("fetch")).count(),
        1,
        "{asked:?}"
    );
    assert_eq!(stores(&seawall).len(), 1);
    // Without the credential nothing of it is given: not from the store either.
    seawall
        .integrate(definition("third", &repository, json!({"credentials": {}})))
        .await;
    let view = seawall.settled("third").await;
    assert!(
        view["problem"]
            .as_str()
            .unwrap()
            .contains("the integration has none for it"),
        "{view}"
    );
    assert_eq!(view["items"], 0, "{view}");
    for name in ["first", "third"] {
        seawall
            .send(Method::DELETE, &format!("/api/v1/integrations/{name}"), &json!({}))
            .await;
    }
    assert_eq!(stores(&seawall).len(), 1);
    assert_eq!(components(&seawall).await, ["one"]);
    seawall
        .send(Method::DELETE, "/api/v1/integrations/second", &json!({}))
        .await;
    eventually("the store to go", || async {
        stores(&seawall).is_empty().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_is_not_fetched() {
    let forge = Forge::start().await;
    let repository = forge.make("shop");
    forge.push("shop", &[("catalog-info.yaml", &catalog_info("one"))]);
    let seawall = with_plugin("plugins/catalog-files").await;
    let output = seawall.command(&[
        "grant",
        "approve",
        "catalog-files",
        "--private",
        "127.0.0.0/8",
        "--no-git",
    ]);
    assert!(output.status.success(), "{output:?}");
    seawall.integrate(definition("shop", &repository, json!({}))).await;
    let says = "the grant does not allow the checkout of";
    seawall.hindered("shop", says).await;
    assert!(forge.asked().is_empty());
    let shown = seawall.command(&["grant", "show", "catalog-files"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let line = shown
        .lines()
        .find(|line| line.contains("{repository}"))
        .unwrap_or_default();
    assert!(line.contains("no"), "{shown}");
    // Private addresses need a grant that names them, as they do for a plugin's own requests.
    let output = seawall.command(&[
        "grant",
        "approve",
        "catalog-files",
        "--git",
        "0",
        "--plaintext-to-loopback",
    ]);
    assert!(output.status.success(), "{output:?}");
    seawall.hindered("shop", "--private RANGE").await;
    assert!(forge.asked().is_empty());
    let range = ["--private", "127.0.0.0/8", "--plaintext-to-loopback"];
    let output = seawall.command(&[&["grant", "approve", "catalog-files"][..], &range].concat());
    assert!(output.status.success(), "{output:?}");
    all_succeeded(&seawall, "shop").await;
    assert_eq!(components(&seawall).await, ["one"]);
    let wrong = json!({"git": [7]});
    let (status, answer) = seawall
        .send(Method::PUT, "/api/v1/plugins/catalog-files/grant", &wrong)
        .await;
    assert_eq!(status, 422);
    assert!(
        answer
            .to_string()
            .contains("there is no checkout 7; the manifest asks for 1 (0 to 0)"),
        "{answer}"
    );
    // Tightened to what was used, it keeps the checkout, and loses the directory that no call was given.
    let (status, answer) = seawall
        .send(
            Method::POST,
            "/api/v1/plugins/catalog-files/grant/tighten",
            &json!({"dry_run": true}),
        )
        .await;
    assert_eq!(
        (
            status.as_u16(),
            answer["unused"].as_array().map(Vec::len),
            &answer["unused"][0]["capability"]
        ),
        (200, Some(1), &json!("files")),
        "{answer}"
    );
}

/// A tool that answers so many requests, and lets others wait until they may go on.
#[derive(Clone)]
struct Gate {
    open: Arc<AtomicUsize>,
    reached: Arc<AtomicUsize>,
    address: String,
}

impl Gate {
    async fn start(open: usize) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = Self {
            open: Arc::new(AtomicUsize::new(open)),
            reached: Arc::default(),
            address: format!("http://{}", listener.local_addr().unwrap()),
        };
        let router = Router::new().fallback(get(Self::answer)).with_state(gate.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        gate
    }

    async fn answer(State(gate): State<Self>, uri: Uri) -> &'static str {
        let page: usize = uri.path().rsplit('-').next().unwrap().parse().unwrap();
        gate.reached.fetch_max(page + 1, Ordering::Relaxed);
        eventually("the gate to open", || async {
            (page < gate.open.load(Ordering::Relaxed)).then_some(())
        })
        .await;
        "go on"
    }

    async fn reached(&self, pages: usize) {
        eventually("the guest to ask", || async {
            (self.reached.load(Ordering::Relaxed) >= pages).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_pages_of_a_pass_read_one_commit_over_a_crash_too() {
    let forge = Forge::start().await;
    let repository = forge.make("shop");
    let old = forge.push("shop", &[("version", "old")]);
    let gate = Gate::start(1).await;
    let mut seawall = with_plugin("tests/guests/attacker").await;
    let reader = |name: &str, wire: &str, act: &str| {
        json!({
            "name": name, "plugin": "attacker", "every_seconds": 3600, "limits": {"timeout_ms": 60_000},
            "config": {"tool": "http://127.0.0.1:9", "wire": wire, "repository": repository, "act": act},
        })
    };
    seawall.integrate(reader("reader", &gate.address, "versions")).await;
    gate.reached(2).await;
    eventually("the first page to be stored", || async {
        (seawall.passes("reader").await.first()?["counts"]["pages"].as_u64()? >= 1).then_some(())
    })
    .await;
    // Another one fetches what is new meanwhile; what is read stays.
    let new = forge.push("shop", &[("version", "new")]);
    seawall
        .integrate(reader("other", "http://127.0.0.1:9", "checkout"))
        .await;
    seawall.settled("other").await;
    let store = stores(&seawall).remove(0);
    let mut here = checkouts(&store);
    here.sort();
    let mut both = [old, new.clone()];
    both.sort();
    assert_eq!(here, both);
    seawall.kill();
    seawall.boot().await;
    gate.open.store(3, Ordering::Relaxed);
    eventually("the pass to end", || async {
        let passes = seawall.passes("reader").await;
        (passes.len() == 1 && passes[0]["state"] == "succeeded").then_some(())
    })
    .await;
    let versions = || async {
        let all = seawall.entities("outcome").await;
        let pages = all
            .iter()
            .filter(|e| e["identifier"].as_str().is_some_and(|id| id.starts_with("page-")));
        pages
            .map(|e| e["properties"]["body"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(versions().await, ["old"; 3]);
    sync(&seawall, "reader").await;
    eventually("the new commit in all pages", || async {
        (versions().await == ["new"; 3]).then_some(())
    })
    .await;
    eventually("the old commit to go", || async {
        (checkouts(&store) == [new.clone()]).then_some(())
    })
    .await;
}
