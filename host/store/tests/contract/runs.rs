//! Runs and verdicts.

use crate::world::World;
use seawall_domain::run::{RuleVerdict, RunState};
use seawall_store::{LogLine, RunRow, StoreError, VerdictFilter, VerdictRow};
use serde_json::json;

/// A run that was asked for.
pub(crate) fn run(id: &str, key: Option<&str>) -> RunRow {
    RunRow {
        seq: 0,
        id: id.into(),
        integration: "flags".into(),
        operation: "switch".into(),
        target: Some(("flag".into(), "dark-mode".into())),
        inputs: json!({"on": true}),
        by: "ann".into(),
        idempotency_key: key.map(Into::into),
        state: RunState::Requested,
        label: None,
        progress: None,
        poll_at: None,
        outputs: None,
        link: None,
        created_at: 1,
        updated_at: 1,
    }
}

pub(crate) async fn an_idempotency_key_finds_its_run(world: &mut World) {
    let store = world.store();
    let (first, made) = store.create_run(&run("r1", Some("key"))).await.unwrap();
    assert!(made && first.seq > 0);
    assert_eq!(
        store.create_run(&run("r2", Some("key"))).await.unwrap(),
        (first.clone(), false)
    );
    assert!(store.create_run(&run("r3", None)).await.unwrap().1);
    assert!(store.create_run(&run("r4", None)).await.unwrap().1);
    assert!(store.create_run(&run("r4", None)).await.is_err(), "an id is used once");
    assert_eq!(store.run("r1").await.unwrap(), Some(first.clone()));
    assert_eq!(store.run("r2").await.unwrap(), None);
    let ids: Vec<_> = store.runs(None, 9).await.unwrap().into_iter().map(|r| r.id).collect();
    assert_eq!(ids, ["r4", "r3", "r1"]);
    let third = store.run("r3").await.unwrap().unwrap();
    assert_eq!(store.runs(Some(third.seq), 9).await.unwrap(), [first]);
}

pub(crate) async fn a_run_and_its_log_are_stored_together(world: &mut World) {
    let (mut row, _) = world.store().create_run(&run("r1", None)).await.unwrap();
    world.store().create_run(&run("r2", None)).await.unwrap();
    let line = |message: &str| LogLine {
        line: 0,
        at: 5,
        level: "info".into(),
        message: message.into(),
    };
    row.state = RunState::Running;
    row.progress = Some(vec![0, 255]);
    row.poll_at = Some(77);
    row.updated_at = 5;
    world
        .store()
        .update_run(&row, &[line("one"), line("two")], &world.duty().await)
        .await
        .unwrap();
    world.reopen().await;
    let store = world.store();
    assert_eq!(store.run("r1").await.unwrap(), Some(row.clone()));
    assert_eq!(store.open_runs().await.unwrap().len(), 2);
    row.state = RunState::Succeeded;
    row.outputs = Some(json!({"was": false}));
    row.link = Some("https://flags.example/1".into());
    store
        .update_run(&row, &[line("three")], &world.duty().await)
        .await
        .unwrap();
    let log = store.run_log("r1", 0).await.unwrap();
    assert_eq!(
        log.iter().map(|l| (l.line, l.message.as_str())).collect::<Vec<_>>(),
        [(1, "one"), (2, "two"), (3, "three")]
    );
    assert_eq!(store.run_log("r1", 2).await.unwrap(), log[2..]);
    assert!(store.run_log("r2", 0).await.unwrap().is_empty());
    let open: Vec<_> = store.open_runs().await.unwrap().into_iter().map(|r| r.id).collect();
    assert_eq!(open, ["r2"]);
    assert!(matches!(
        store.update_run(&run("nobody", None), &[], &world.duty().await).await,
        Err(StoreError::Missing(_))
    ));
}

pub(crate) async fn verdicts_are_replaced(world: &mut World) {
    let store = world.store();
    let verdict = |rule: &str, identifier: &str, verdict| VerdictRow {
        rule: rule.into(),
        blueprint: "service".into(),
        identifier: identifier.into(),
        verdict,
        at: 1,
    };
    let fail = RuleVerdict::Fail("no owner".into());
    let first = [
        verdict("p/owned", "b", RuleVerdict::Pass),
        verdict("p/owned", "a", fail.clone()),
        verdict("p/tested", "a", RuleVerdict::NotApplicable),
    ];
    store.put_verdicts(&first).await.unwrap();
    let again = VerdictRow {
        at: 2,
        ..verdict("p/owned", "b", fail)
    };
    store.put_verdicts(std::slice::from_ref(&again)).await.unwrap();
    let all = store.verdicts(&VerdictFilter::default()).await.unwrap();
    assert_eq!(all, [first[1].clone(), first[2].clone(), again.clone()]);
    let of_rule = VerdictFilter {
        rule: Some("p/owned".into()),
        entity: None,
    };
    assert_eq!(store.verdicts(&of_rule).await.unwrap(), [first[1].clone(), again]);
    let of_entity = VerdictFilter {
        rule: None,
        entity: Some(("service".into(), "a".into())),
    };
    assert_eq!(store.verdicts(&of_entity).await.unwrap(), first[1..]);
}
