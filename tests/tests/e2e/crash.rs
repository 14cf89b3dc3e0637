//! kill -9 at many moments of a pass: the next start goes on from the cursor, and the end state is that of an
//! undisturbed run.

use crate::{essence, integration};
use seawall_tests::{Seawall, Tool, component, eventually};
use serde_json::json;

const ITEMS: usize = 400;
const PAGE: usize = 10;

async fn prepared() -> (Seawall, Tool) {
    let tool = Tool::start(PAGE).await;
    tool.fill(ITEMS);
    let seawall = Seawall::start().await;
    seawall.install(&component("tests/guests/probe")).await;
    (seawall, tool)
}

async fn ended(seawall: &Seawall) {
    eventually("the pass to end", || async {
        (seawall.passes("probe").await.first()?["state"] == "succeeded").then_some(())
    })
    .await;
}

#[tokio::test]
async fn kill_9_at_many_points_loses_nothing_and_doubles_nothing() {
    let (undisturbed, tool) = prepared().await;
    undisturbed.integrate(integration(&tool, json!({}))).await;
    ended(&undisturbed).await;
    let expected = essence(undisturbed.entities("thing").await);
    assert_eq!(expected.len(), ITEMS);

    let (mut seawall, tool) = prepared().await;
    tool.slow(10);
    seawall.integrate(integration(&tool, json!({}))).await;
    // After each start a few further pages are let through, then the process is killed wherever it stands: while a page
    // is pulled, mapped, stored or indexed.
    let (mut kills, mut allowed) = (0, 3);
    while tool.requests() < ITEMS / PAGE {
        eventually("some further pages", || async {
            (tool.requests() >= allowed || tool.requests() >= ITEMS / PAGE).then_some(())
        })
        .await;
        // Spread over the milliseconds of a page.
        std::thread::sleep(std::time::Duration::from_millis(kills * 3 % 17));
        seawall.kill();
        kills += 1;
        seawall.boot().await;
        allowed = tool.requests() + 3;
    }
    ended(&seawall).await;
    assert!(kills >= 10, "only {kills} kills");
    assert_eq!(essence(seawall.entities("thing").await), expected);
    let passes = seawall.passes("probe").await;
    assert_eq!(
        passes.len(),
        1,
        "the pass was gone on with, not started anew: {passes:?}"
    );
    // Every kill costs at most the two pages that were under way.
    assert!(
        tool.requests() <= ITEMS / PAGE + 2 * kills as usize + 2,
        "{} requests after {kills} kills",
        tool.requests()
    );
    let history = seawall
        .get("/api/v1/blueprints/thing/entities/item-00007/history")
        .await;
    assert_eq!(history["items"].as_array().unwrap().len(), 1, "{history}");
}
