//! Repositories and git servers that are broken or wicked, and a host that is killed: what was there before stays.

use crate::checkouts::{
    LOGIN, all_succeeded, ballast, catalog_info, checkouts, components, definition, packs, stores, sync, with_plugin,
};
use reqwest::Method;
use seawall_tests::{Forge, Packs, Seawall, eventually};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_fetched_fails_the_pass_with_the_reason_and_loses_nothing() {
    let forge = Forge::start().await;
    forge.guard(LOGIN);
    let repository = forge.make("shop");
    let large = ballast(4_000);
    forge.push(
        "shop",
        &[("catalog-info.yaml", &catalog_info("one")), ("folder/ballast", &large)],
    );
    let seawall = with_plugin("plugins/catalog-files").await;
    seawall.integrate(definition("shop", &repository, json!({}))).await;
    seawall.settled("shop").await;
    // A password that is refused fails the pass, waits for the operator, and goes on when it was replaced.
    forge.guard("reader:another");
    seawall.hindered("shop", "the git server answers 401").await;
    eventually("the integration to stop", || async {
        let view = seawall.get("/api/v1/integrations/shop").await;
        (view["state"] == "stopped").then_some(())
    })
    .await;
    let passes = seawall.passes("shop").await;
    let failed = passes.iter().find(|pass| pass["state"] == "failed").unwrap();
    assert!(failed["error"].as_str().unwrap().contains("answers 401"), "{failed}");
    assert_eq!(components(&seawall).await, ["one"]);
    forge.guard(LOGIN);
    all_succeeded(&seawall, "shop").await;
    let branch = |name: &str| json!({"config": {"repository": repository, "branch": name}});
    let limit = |name: &str, bound: u64| json!({"limits": {name: bound}});
    let elsewhere = format!("{}-gone.git", repository.trim_end_matches(".git"));
    for (more, says) in [
        (
            branch("nowhere"),
            "there is no branch or tag `nowhere`; there are the branches main",
        ),
        (
            json!({"config": {"repository": elsewhere}}),
            "there is no such repository (404)",
        ),
        (
            limit("checkout_bytes", 1_000),
            "is over the limit `checkout_bytes` of 1000 bytes",
        ),
        (
            limit("checkout_files", 2),
            "is over the limit `checkout_files` of 2 files and folders",
        ),
    ] {
        seawall.integrate(definition("shop", &repository, more)).await;
        seawall.hindered("shop", says).await;
        assert_eq!(components(&seawall).await, ["one"], "{says}");
    }
    // What is already here is not sent again, so this bound is for another store.
    let more = json!({"limits": {"checkout_pack_bytes": 5_000}, "credentials": {"git": "other"}});
    let body = json!({"source": "sealed", "secret": LOGIN});
    seawall.send(Method::PUT, "/api/v1/credentials/other", &body).await;
    seawall.integrate(definition("shop", &repository, more)).await;
    seawall
        .hindered("shop", "is over the limit `checkout_pack_bytes` of 5000 bytes")
        .await;
    // One that is empty.
    let empty = forge.make("empty");
    seawall.integrate(definition("shop", &empty, json!({}))).await;
    seawall
        .hindered("shop", "the repository is empty: push a commit to it")
        .await;
    let log = seawall.log();
    assert!(!log.contains("s3cret"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_breaks_off_is_fetched_again_and_the_old_commit_stays_meanwhile() {
    let forge = Forge::start().await;
    let repository = forge.make("shop");
    forge.push("shop", &[("catalog-info.yaml", &catalog_info("one"))]);
    let seawall = with_plugin("plugins/catalog-files").await;
    seawall.integrate(definition("shop", &repository, json!({}))).await;
    seawall.settled("shop").await;
    forge.push(
        "shop",
        &[
            ("catalog-info.yaml", &catalog_info("two")),
            ("ballast", &ballast(4_000)),
        ],
    );
    forge.send_packs(Packs::Half(9_000));
    forge.asked();
    sync(&seawall, "shop").await;
    let (error, _) = eventually("the pass to say what it waits for", || async {
        let passes = seawall.passes("shop").await;
        let error = passes.iter().find_map(|pass| pass["error"].as_str().map(str::to_owned));
        error.filter(|error| error.contains("attempt"))
    })
    .await;
    assert!(error.contains("broke off") && error.contains("unavailable"), "{error}");
    assert_eq!(components(&seawall).await, ["one"]);
    forge.send_packs(Packs::Whole);
    eventually("the new commit", || async {
        (components(&seawall).await == ["two"]).then_some(())
    })
    .await;
    let fetches = forge.asked().iter().filter(|one| one.starts_with("fetch")).count();
    assert!(fetches >= 2, "{fetches}");
    // Nothing is left of the halves.
    let packs = std::fs::read_dir(stores(&seawall)[0].join("objects-0/pack"))
        .unwrap()
        .flatten();
    let mut endings: Vec<_> = packs
        .map(|entry| entry.path().extension().unwrap().to_owned())
        .collect();
    endings.sort();
    assert_eq!(endings, ["idx", "idx", "pack", "pack"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_was_rewritten_is_read_as_it_is_now() {
    let forge = Forge::start().await;
    let repository = forge.make("shop");
    let large = ballast(4_000);
    for name in ["one", "two", "three"] {
        forge.push(
            "shop",
            &[("catalog-info.yaml", &catalog_info(name)), ("ballast", &large)],
        );
    }
    let seawall = with_plugin("plugins/catalog-files").await;
    seawall.integrate(definition("shop", &repository, json!({}))).await;
    seawall.settled("shop").await;
    assert_eq!(components(&seawall).await, ["three"]);
    // An orphan that has nothing of what was before but a file, and a step back behind what was fetched.
    forge.git("shop", &["branch", "--quiet", "kept"]);
    forge.git("shop", &["checkout", "--quiet", "--orphan", "fresh"]);
    forge.push(
        "shop",
        &[("catalog-info.yaml", &catalog_info("orphan")), ("ballast", &large)],
    );
    forge.git("shop", &["push", "--quiet", "--force", "origin", "fresh:main"]);
    all_succeeded(&seawall, "shop").await;
    assert_eq!(components(&seawall).await, ["orphan"]);
    forge.git("shop", &["push", "--quiet", "--force", "origin", "kept~2:main"]);
    all_succeeded(&seawall, "shop").await;
    assert_eq!(components(&seawall).await, ["one"]);
    let packs = packs(&seawall, "shop").await;
    assert!(
        packs.len() == 3 && packs[0] * 20 < packs[2] && packs[1] * 20 < packs[2],
        "{packs:?}"
    );
    eventually("old commits to go", || async {
        (checkouts(&stores(&seawall)[0]).len() == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_is_read_only_and_leads_nowhere() {
    let forge = Forge::start().await;
    let repository = forge.make("wicked");
    forge.push(
        "wicked",
        &[
            ("inside", "content"),
            ("folder/file", "content"),
            ("folder/good", "-> ../inside"),
            ("folder/up", "-> .."),
            ("absolute", "-> /etc/passwd"),
            ("out", "-> ../state.json"),
            ("folder/out", "-> ../../../../token"),
            ("folder/through", "-> up/../../state.json"),
        ],
    );
    let seawall = with_plugin("tests/guests/attacker").await;
    let attack = |name: &str| {
        json!({
            "name": name, "plugin": "attacker", "every_seconds": 3600,
            "config": {"tool": "http://127.0.0.1:9", "wire": "http://127.0.0.1:9", "repository": repository, "act": "checkout"},
        })
    };
    seawall.integrate(attack("attack")).await;
    let view = seawall.settled("attack").await;
    assert_eq!(view["problem"], Value::Null, "{view}");
    let outcomes = seawall.entities("outcome").await;
    let body = outcomes[0]["properties"]["body"].as_str().unwrap().to_owned();
    let of = |what: &str| {
        let line = body
            .lines()
            .find_map(|line| line.strip_prefix(what)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("nothing of {what}: {body}")).to_owned()
    };
    for inside in ["read inside", "read folder/good"] {
        assert_eq!(of(inside), "Ok(\"content\")", "{body}");
    }
    let reads: Vec<_> = body
        .lines()
        .filter(|line| line.starts_with("read ") && line.contains("Ok("))
        .collect();
    assert_eq!(reads.len(), 2, "{body}");
    for change in [
        "create",
        "write",
        "mkdir",
        "link",
        "hard link",
        "rename",
        "unlink",
        "rmdir",
        "times",
    ] {
        assert!(of(change).starts_with("Err("), "{change}: {body}");
    }
    // Those that lead out are not even there, which the log says.
    let store = stores(&seawall).remove(0);
    let files = store.join("checkouts").join(&checkouts(&store)[0]);
    let log = seawall.log();
    for link in ["absolute", "out", "folder/out", "folder/through"] {
        assert!(files.join(link).symlink_metadata().is_err(), "{link}");
        assert!(
            log.contains(&format!("left out of the checkout: `{link}`: a link, and it")),
            "{link}: {log}"
        );
    }
    // No name in a tree is a way out, or into what git itself keeps.
    for tree in [
        "100644 blob BLOB\t.git",
        "100644 blob BLOB\t.GIT",
        "100644 blob BLOB\tgit~1",
        "120000 blob BLOB\t.gitmodules",
        "100644 blob BLOB\t..",
    ] {
        forge.set_tree("wicked", tree);
        sync(&seawall, "attack").await;
        let name = tree.split('\t').nth(1).unwrap();
        seawall
            .hindered("attack", &format!("the commit has a file named `{name}`"))
            .await;
    }
    forge.set_tree(
        "wicked",
        "160000 commit 1234567890123456789012345678901234567890\tmodule\n100644 blob BLOB\tinside",
    );
    sync(&seawall, "attack").await;
    eventually("submodules to be told of", || async {
        seawall
            .log()
            .contains("submodules are not fetched, their folders are empty: `module`")
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_the_middle_of_a_fetch_leaves_nothing_behind() {
    let forge = Forge::start().await;
    let repository = forge.make("shop");
    forge.push(
        "shop",
        &[
            ("catalog-info.yaml", &catalog_info("one")),
            ("ballast", &ballast(40_000)),
        ],
    );
    let mut seawall = with_plugin("plugins/catalog-files").await;
    forge.send_packs(Packs::Waiting(200_000));
    seawall.integrate(definition("shop", &repository, json!({}))).await;
    let partial = |seawall: &Seawall| {
        let folder = stores(seawall).first()?.join("objects-0/pack");
        let all = std::fs::read_dir(folder).ok()?.flatten();
        Some(all.filter(|entry| entry.metadata().is_ok_and(|m| m.len() > 0)).count())
    };
    eventually("half a pack on the disk", || async {
        (forge.is_asked_for_a_pack() && partial(&seawall)? > 0).then_some(())
    })
    .await;
    seawall.kill();
    // As a host that died while it wrote the files of a commit.
    let store = stores(&seawall).remove(0);
    std::fs::create_dir_all(store.join("checkouts/.making-0/half")).unwrap();
    assert!(partial(&seawall).unwrap() > 0);
    forge.go_on();
    seawall.boot().await;
    eventually("the component", || async {
        (components(&seawall).await == ["one"]).then_some(())
    })
    .await;
    let packs = std::fs::read_dir(store.join("objects-0/pack")).unwrap().flatten();
    let mut endings: Vec<_> = packs
        .map(|entry| entry.path().extension().unwrap_or_default().to_owned())
        .collect();
    endings.sort();
    assert_eq!(endings, ["idx", "pack"]);
    assert!(!store.join("checkouts/.making-0").exists());
    // What is here is not fetched again after a start. A pass that was cut off would be gone on with, and be none of the next two.
    eventually("the passes to end", || async {
        let passes = seawall.passes("shop").await;
        passes.iter().all(|pass| pass["state"] != "running").then_some(())
    })
    .await;
    forge.asked();
    seawall.kill();
    seawall.boot().await;
    all_succeeded(&seawall, "shop").await;
    let asked = forge.asked();
    assert!(!asked.iter().any(|one| one.starts_with("fetch")), "{asked:?}");
}
