//! A secret in a file that somebody else replaces, as Kubernetes and agents do, while passes run.

use reqwest::{Method, StatusCode};
use seawall_tests::{Guarded, Seawall, component, eventually};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

const TOKENS: usize = 6;

fn token(n: usize) -> String {
    format!("token-number-{n}/of+the~file")
}

/// Writes beside and renames, or into the file as it stands.
fn replace(file: &Path, n: usize) {
    let text = format!("{}\n", token(n));
    if n.is_multiple_of(2) {
        let beside = file.with_extension("new");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, file).unwrap();
    } else {
        std::fs::write(file, text).unwrap();
    }
}

/// A tool that takes the newest token alone, and has the token replaced while it is being asked: at every third request that it
/// would let in, before it judges it (so that it refuses what was right when it was sent) or after. It shows everybody the
/// tokens of those who came before.
async fn rotating(file: PathBuf) -> (Guarded, Arc<AtomicUsize>) {
    replace(&file, 0);
    let newest = Arc::new(AtomicUsize::new(0));
    let (state, good) = (newest.clone(), Mutex::new(0));
    let judge = move |headers: &axum::http::HeaderMap| {
        let mut good = good.lock().unwrap();
        let now = state.load(Ordering::SeqCst);
        let wanted = format!("Bearer {}", token(now));
        if headers.get("authorization").is_none_or(|v| v != wanted.as_str()) {
            return false;
        }
        *good += 1;
        if *good % 3 != 0 || now + 1 == TOKENS {
            return true;
        }
        replace(&file, now + 1);
        state.store(now + 1, Ordering::SeqCst);
        !now.is_multiple_of(2)
    };
    let tool = Guarded::start(None, judge).await;
    tool.show_who_came();
    (tool, newest)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_is_replaced_between_and_during_passes_and_none_fails() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let (tool, newest) = rotating(file.clone()).await;
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let (status, answer) = seawall
        .send(
            Method::PUT,
            "/api/v1/credentials/probe-token",
            &json!({"source": {"file": file}}),
        )
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
    seawall
        .integrate(json!({
            "name": "probe", "plugin": "probe", "config": {"base_url": tool.address()}, "every_seconds": 1,
            "credentials": {"token": "probe-token"},
        }))
        .await;
    eventually("the last token", || async {
        let last = tool.seen().contains(&format!("Bearer {}", token(TOKENS - 1)));
        (last && newest.load(Ordering::SeqCst) + 1 == TOKENS).then_some(())
    })
    .await;
    let seen: Vec<_> = (0..TOKENS).map(|n| format!("Bearer {}", token(n))).collect();
    assert!(tool.seen().iter().all(|who| seen.contains(who)), "{:?}", tool.seen());
    assert!(tool.refused() >= TOKENS / 2, "{}", tool.refused());
    // One more pass, in which the tool shows all of them.
    let before = seawall.passes("probe").await.len();
    eventually("another pass", || async {
        let passes = seawall.passes("probe").await;
        (passes.len() > before && passes[0]["state"] == "succeeded").then_some(())
    })
    .await;
    let passes = seawall.passes("probe").await;
    assert!(passes.iter().all(|pass| pass["state"] != "failed"), "{passes:?}");
    let view = seawall.get("/api/v1/integrations/probe").await;
    assert_ne!(view["state"], "stopped", "{view}");
    let note = seawall.get("/api/v1/blueprints/thing/entities/one").await["properties"]["note"].clone();
    assert!(
        note.as_str().is_some_and(|note| note.contains("Bearer ***")),
        "the tool shows them: {note}"
    );
    let tokens: Vec<_> = (0..TOKENS).map(token).collect();
    seawall
        .assert_nowhere(&tokens.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_that_is_gone_for_a_moment_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    replace(&file, 0);
    let wanted = Arc::new(AtomicUsize::new(0));
    let judge = wanted.clone();
    let tool = Guarded::start(None, move |headers| {
        let wanted = format!("Bearer {}", token(judge.load(Ordering::SeqCst)));
        headers.get("authorization").is_some_and(|v| v == wanted.as_str())
    })
    .await;
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    let body = json!({"source": {"file": file}});
    seawall
        .send(Method::PUT, "/api/v1/credentials/probe-token", &body)
        .await;
    let wants = json!({
        "name": "probe", "plugin": "probe", "config": {"base_url": tool.address()}, "every_seconds": 1,
        "credentials": {"token": "probe-token"},
    });
    seawall.integrate(wants).await;
    eventually("the first token", || async { (tool.seen().len() == 1).then_some(()) }).await;
    std::fs::remove_file(&file).unwrap();
    eventually("the reason", || async {
        let all = seawall.get("/api/v1/credentials").await;
        let error = all["items"][0]["error"].as_str()?;
        error.contains("cannot be read").then_some(())
    })
    .await;
    wanted.store(1, Ordering::SeqCst);
    replace(&file, 1);
    eventually("the second token", || async { (tool.seen().len() == 2).then_some(()) }).await;
    eventually("a pass that succeeded after it", || async {
        (seawall.passes("probe").await[0]["state"] == "succeeded").then_some(())
    })
    .await;
    assert_ne!(seawall.get("/api/v1/integrations/probe").await["state"], "stopped");
}
