//! Blueprints, plugins, grants, integrations, credentials, settings.

use crate::world::{World, integration, simple};
use seawall_domain::{
    Blueprint, CredentialName, Digest, IntegrationName,
    credential::SecretSource,
    definition::{Author, Decided, DefinitionChange, FieldChange, Happened, Kind},
    grant::{Decision, Verdict},
    policy::{Policy, PolicyChange},
    provenance::Provenance,
    signature::{Format, Signature},
    trust::Signer,
};
use seawall_store::{CredentialRow, DefinitionFilter, InstallationRow, PluginRow};
use serde_json::{Value, json};
use std::slice;

pub(crate) fn blueprint(name: &str, relations: serde_json::Value) -> Blueprint {
    serde_json::from_value(json!({
        "identifier": name, "title": name, "schema": {"properties": {}}, "relations": relations, "ownership": {"x": 1}
    }))
    .unwrap()
}

pub(crate) fn credential(name: &str) -> CredentialRow {
    CredentialRow {
        name: CredentialName::new(name).unwrap(),
        source: SecretSource::Sealed,
        attach: None,
        exchange: None,
        updated_at: 5,
    }
}

pub(crate) async fn blueprints_are_replaced_and_say_whether_anything_changed(world: &mut World) {
    let store = world.store();
    let first = blueprint("service", json!({}));
    assert!(store.put_blueprint(&first, "api", 1, None).await.unwrap());
    assert!(!store.put_blueprint(&first, "api", 2, None).await.unwrap());
    assert!(store.put_blueprint(&first, "plugin:git", 3, None).await.unwrap());
    let second = blueprint("service", json!({"owner": {"target": "team"}}));
    assert!(store.put_blueprint(&second, "api", 4, None).await.unwrap());
    store
        .put_blueprint(&blueprint("api", json!({})), "api", 5, None)
        .await
        .unwrap();
    let all = store.blueprints().await.unwrap();
    assert_eq!(
        all.iter().map(|r| r.blueprint.identifier.as_str()).collect::<Vec<_>>(),
        ["api", "service"]
    );
    assert_eq!(
        (&all[1].blueprint, all[1].updated_at, all[1].source.as_str()),
        (&second, 4, "api")
    );
}

pub(crate) async fn plugins_and_decisions_are_kept(world: &mut World) {
    let store = world.store();
    let manifest = json!({"name": "git", "version": "1.0.0", "roles": ["ingestor"]});
    let plugin = |bytes: &[u8], at| PluginRow {
        digest: Digest::of(bytes),
        bundle: serde_json::from_value(json!({"manifest": manifest})).unwrap(),
        size: 7,
        installed_at: at,
        imports: vec!["wasi:http".into()],
        exports: vec![],
        installed_by: Some("ann".into()),
        removed_at: None,
    };
    let (old, new) = (plugin(b"1", 1), plugin(b"2", 2));
    store.put_plugin(&old).await.unwrap();
    store.put_plugin(&new).await.unwrap();
    store
        .put_plugin(&PluginRow {
            installed_at: 9,
            ..old.clone()
        })
        .await
        .unwrap();
    assert_eq!(store.plugins().await.unwrap(), [new.clone(), old.clone()]);

    let decision = |row: &PluginRow, verdict, at| Decision {
        digest: row.digest.clone(),
        verdict,
        grant: None,
        by: "ann".into(),
        reason: None,
        at,
        rests_on: None,
    };
    let all = [
        decision(&old, Verdict::Approved, 1),
        decision(&new, Verdict::Approved, 2),
        decision(&old, Verdict::Revoked, 3),
    ];
    let note = |d: &Decision| DefinitionChange {
        kind: Kind::Grant,
        name: "rust".into(),
        change: Happened::Updated,
        at: d.at,
        author: Author::default(),
        fields: Vec::new(),
        decided: Some(Decided {
            decision: d.word().to_owned(),
            version: "0.1.0".into(),
            digest: d.digest.clone(),
        }),
    };
    for d in &all {
        store.put_decision(d, &note(d)).await.unwrap();
    }
    assert_eq!(store.decisions(None).await.unwrap(), all);
    // Each with its note.
    let notes = store.definition_changes(&DefinitionFilter::default(), None, 9).await;
    let notes: Vec<_> = notes.unwrap().into_iter().map(|(_, note)| note).collect();
    assert_eq!(notes, all.iter().rev().map(note).collect::<Vec<_>>());
    assert_eq!(
        store.decisions(Some(&old.digest)).await.unwrap(),
        [all[0].clone(), all[2].clone()]
    );

    // What a removed one asked for is kept, until it is installed again.
    assert!(store.removed_plugins().await.unwrap().is_empty());
    store.remove_plugin(&old.digest, 10).await.unwrap();
    store.remove_plugin(&old.digest, 11).await.unwrap();
    assert_eq!(store.plugins().await.unwrap(), slice::from_ref(&new));
    let removed = PluginRow {
        removed_at: Some(10),
        ..old.clone()
    };
    assert_eq!(store.removed_plugins().await.unwrap(), [removed]);
    let again = PluginRow {
        installed_at: 12,
        ..old
    };
    store.put_plugin(&again).await.unwrap();
    assert_eq!(store.plugins().await.unwrap(), [again, new]);
    assert!(store.removed_plugins().await.unwrap().is_empty());
}

pub(crate) async fn installations_are_kept(world: &mut World) {
    let store = world.store();
    assert!(store.installations().await.unwrap().is_empty());
    let signature = Signature {
        format: Format::SimpleSigning,
        payload: vec![0, 255],
        signature: vec![1],
    };
    let all = [1, 2].map(|at| InstallationRow {
        digest: Digest::of(b"1"),
        by: "ann".into(),
        at,
        provenance: Provenance {
            reference: Some("ghcr.io/acme/git:1".into()),
            manifest: Some("{}".into()),
            signatures: vec![signature.clone()],
        },
        signers: vec![Signer {
            name: "acme".into(),
            fingerprint: Digest::of(b"key"),
        }],
    });
    for one in &all {
        store.put_installation(one).await.unwrap();
    }
    assert_eq!(store.installations().await.unwrap(), all);
}

pub(crate) async fn policies_are_kept(world: &mut World) {
    let store = world.store();
    assert!(store.policies().await.unwrap().is_empty());
    let change = |days, at| PolicyChange {
        policy: Policy {
            max_days: days,
            ..Policy::default()
        },
        by: "ann".into(),
        reason: Some("because".into()),
        at,
    };
    let all = [change(Some(9), 1), change(None, 2)];
    for one in &all {
        store.put_policy(one).await.unwrap();
    }
    assert_eq!(store.policies().await.unwrap(), all);
}

pub(crate) async fn changes_of_definitions_are_kept(world: &mut World) {
    let store = world.store();
    let change = |kind, name: &str, by: Option<&str>| DefinitionChange {
        kind,
        name: name.to_owned(),
        change: Happened::Updated,
        at: 7,
        author: Author {
            by: by.map(str::to_owned),
            reason: Some("because".into()),
            ..Author::default()
        },
        fields: vec![FieldChange {
            field: "title".into(),
            before: Value::Null,
            after: "a\0b".into(),
        }],
        decided: None,
    };
    let all = [
        change(Kind::Blueprint, "a", Some("ann")),
        change(Kind::View, "a", Some("bob")),
        change(Kind::Blueprint, "b/ü", None),
        change(Kind::Blueprint, "a", Some("bob")),
    ];
    for one in &all {
        assert!(store.put_definition_change(one, None).await.unwrap());
    }
    let found = async |filter: DefinitionFilter, before, limit| {
        let rows = store.definition_changes(&filter, before, limit).await.unwrap();
        rows.into_iter().collect::<Vec<_>>()
    };
    let newest = found(DefinitionFilter::default(), None, 2).await;
    assert_eq!((&newest[0].1, &newest[1].1, newest.len()), (&all[3], &all[2], 2));
    let rest = found(DefinitionFilter::default(), Some(newest[1].0), 9).await;
    assert_eq!((&rest[0].1, &rest[1].1, rest.len()), (&all[1], &all[0], 2));
    let of_a = DefinitionFilter {
        kind: Some(Kind::Blueprint),
        name: Some("a".into()),
        by: None,
    };
    assert_eq!(found(of_a.clone(), None, 9).await.len(), 2);
    let by_bob = DefinitionFilter {
        by: Some("bob".into()),
        ..of_a
    };
    assert_eq!(found(by_bob, None, 9).await[0].1, all[3]);
}

pub(crate) async fn changes_are_kept_with_what_they_are_of(world: &mut World) {
    let store = world.store();
    let change = |name: &str| DefinitionChange {
        kind: Kind::Blueprint,
        name: name.into(),
        change: Happened::Updated,
        at: 5,
        author: Author::default(),
        fields: Vec::new(),
        decided: None,
    };
    let kept = async || {
        let rows = store.definition_changes(&DefinitionFilter::default(), None, 9).await;
        let names = rows.unwrap().into_iter().map(|(_, change)| change.name);
        names.collect::<Vec<_>>()
    };
    let first = blueprint("team", json!({}));
    let put = async |by: &str| store.put_blueprint(&first, by, 1, Some(&change("put"))).await.unwrap();
    assert!(put("api").await);
    // What changes nothing is no change, and what is not there is not removed.
    assert!(!put("api").await);
    let remove = async || {
        let removed = store
            .remove_blueprint(&first.identifier, Some(&change("removed")))
            .await;
        removed.unwrap()
    };
    assert!(remove().await && !remove().await);
    assert_eq!(kept().await, ["removed", "put"]);
    // One that takes the place of a setting is kept once.
    store.put_setting("begun", &json!(1)).await.unwrap();
    let end = async || {
        store
            .put_definition_change(&change("begun"), Some("begun"))
            .await
            .unwrap()
    };
    assert!(end().await && !end().await);
    assert_eq!(store.setting("begun").await.unwrap(), None);
    assert_eq!(kept().await, ["begun", "removed", "put"]);
}

pub(crate) async fn integrations_keep_id_and_items_when_replaced(world: &mut World) {
    let part = world.partition("git-main").await;
    world.pass(&part, vec![simple("a", 1)]).await;
    let store = world.store();
    let name = IntegrationName::new("git-main").unwrap();
    assert!(store.set_paused(&name, true).await.unwrap());
    assert!(store.set_stopped(&name, Some("401")).await.unwrap());
    assert!(
        !store
            .set_paused(&IntegrationName::new("nobody").unwrap(), true)
            .await
            .unwrap()
    );
    let mut other = integration("git-main");
    other.mapping = Some(json!({"resources": []}));
    let row = store.put_integration(&other, 77).await.unwrap();
    assert_eq!(
        (row.id, row.created_at, row.updated_at),
        (part.integration, world.now, 77)
    );
    assert_eq!(
        (row.paused, row.stopped.as_deref(), &row.integration),
        (true, Some("401"), &other)
    );
    assert_eq!(store.integrations().await.unwrap(), [row]);
    assert_eq!(world.item(&part, "a").await.unwrap().1, 1);
    assert_eq!(world.value("a", "n").await, 1);
}

pub(crate) async fn secrets_are_sealed_and_come_back(world: &mut World) {
    let (row, name) = (credential("token"), CredentialName::new("token").unwrap());
    assert!(
        world.store().put_credential(&row, None).await.is_err(),
        "there is nothing to seal"
    );
    world.store().put_credential(&row, Some("s3cret")).await.unwrap();
    world.reopen().await;
    let store = world.store();
    assert_eq!(store.unseal(&name).await.unwrap().as_deref(), Some("s3cret"));
    assert_eq!(store.credentials().await.unwrap(), std::slice::from_ref(&row));
    // Stored again without a secret, it keeps the one it has.
    let attached = CredentialRow {
        attach: Some(seawall_domain::manifest::Attach::Bearer),
        ..row
    };
    store.put_credential(&attached, None).await.unwrap();
    assert_eq!(store.unseal(&name).await.unwrap().as_deref(), Some("s3cret"));
    let outside = CredentialRow {
        source: SecretSource::Env("TOKEN".into()),
        ..attached
    };
    store.put_credential(&outside, None).await.unwrap();
    assert_eq!(store.unseal(&name).await.unwrap(), None);
    assert_eq!(store.credentials().await.unwrap(), [outside]);
    assert_eq!(
        store.unseal(&CredentialName::new("nobody").unwrap()).await.unwrap(),
        None
    );
}

pub(crate) async fn settings_are_kept(world: &mut World) {
    assert_eq!(world.store().setting("token").await.unwrap(), None);
    world.store().put_setting("token", &json!({"hash": "x"})).await.unwrap();
    world.store().put_setting("token", &json!(null)).await.unwrap();
    world.reopen().await;
    assert_eq!(world.store().setting("token").await.unwrap(), Some(json!(null)));
    world.store().ping().await.unwrap();
}

pub(crate) async fn settings_are_swapped_where_they_are_as_they_were(world: &mut World) {
    let store = world.store();
    let (one, two) = (json!({"a": 1, "b": [2.5, null]}), json!("two"));
    assert!(store.swap_setting("s:1", None, Some(&one)).await.unwrap());
    assert!(!store.swap_setting("s:1", None, Some(&two)).await.unwrap());
    assert!(!store.swap_setting("s:1", Some(&two), Some(&two)).await.unwrap());
    assert!(store.swap_setting("s:1", Some(&one), Some(&two)).await.unwrap());
    store.put_setting("s:0", &one).await.unwrap();
    store.put_setting("s_2", &one).await.unwrap();
    let all = store.settings("s:").await.unwrap();
    assert_eq!(all, [("s:0".to_owned(), one), ("s:1".to_owned(), two.clone())]);
    assert!(!store.swap_setting("s:1", Some(&json!(1)), None).await.unwrap());
    assert!(store.swap_setting("s:1", Some(&two), None).await.unwrap());
    assert_eq!(store.setting("s:1").await.unwrap(), None);
}

pub(crate) async fn components_are_kept_until_they_are_removed(world: &mut World) {
    let bytes = vec![0, 97, 115, 109, 255];
    let digest = seawall_domain::Digest::of(&bytes);
    assert_eq!(world.store().component(&digest).await.unwrap(), None);
    world.store().put_component(&digest, &bytes).await.unwrap();
    world.store().put_component(&digest, &bytes).await.unwrap();
    world.reopen().await;
    assert_eq!(world.store().component(&digest).await.unwrap(), Some(bytes));
    world.store().remove_plugin(&digest, 5).await.unwrap();
    assert_eq!(world.store().component(&digest).await.unwrap(), None);
}
