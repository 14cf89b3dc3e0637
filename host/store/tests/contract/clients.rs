//! What clients say, whose word counts, and what the host computes.

use crate::world::{Part, World, entity, id, item, service, simple};
use seawall_domain::{Blueprint, entity::Derived};
use seawall_store::{ChangeKind, DeriveWrite, Expect, ItemWrite, PageWrite, StoreError};
use serde_json::{Value, json};

fn one(key: &str, hash: u8, properties: Value) -> Vec<ItemWrite> {
    vec![item(key, hash, vec![entity("x", properties)])]
}

/// A client's source as a partition to write to.
async fn client(world: &World, name: &str) -> Part {
    Part {
        integration: 0,
        id: world.store().client_partition(name, world.now).await.unwrap(),
        fence: 0,
    }
}

fn service_with(precedence: Value) -> Blueprint {
    serde_json::from_value(json!({"identifier": "service", "precedence": precedence})).unwrap()
}

pub(crate) async fn a_client_corrects_every_integration(world: &mut World) {
    let people = client(world, "people").await;
    world
        .page(&people, None, one("service/x", 1, json!({"tier": "gold"})))
        .await;
    // Though it came later, and so would every pass.
    let git = world.partition("git-main").await;
    world
        .pass(&git, one("k", 1, json!({"tier": "none", "lang": "go"})))
        .await;
    assert_eq!(
        world.find("x").await.unwrap().entity,
        entity("x", json!({"tier": "gold", "lang": "go"}))
    );
    let row = world.find("x").await.unwrap();
    let said = world.store().contributions(row.id).await.unwrap();
    let said: Vec<_> = said
        .iter()
        .map(|c| (c.source.integration.as_str(), c.source.client, c.says.clone()))
        .collect();
    assert_eq!(
        said,
        [
            ("git-main", false, entity("x", json!({"tier": "none", "lang": "go"}))),
            ("people", true, entity("x", json!({"tier": "gold"}))),
        ]
    );
    // What a client says stays when the tool forgets, and goes when the client takes it back.
    world.pass(&git, vec![]).await;
    assert_eq!(
        world.find("x").await.unwrap().entity,
        entity("x", json!({"tier": "gold"}))
    );
    let write = PageWrite {
        deletes: vec!["service/x".into()],
        ..world.write(&people, None)
    };
    world.store().apply_page(write).await.unwrap();
    assert!(world.find("x").await.is_none());
}

pub(crate) async fn people_correct_every_other_client(world: &mut World) {
    let people = client(world, "people").await;
    let import = client(world, "import:port").await;
    let ci = client(world, "ci:deploy").await;
    let said = [
        (&people, json!({"tier": "people"})),
        (&import, json!({"tier": "import", "lang": "import"})),
        (&ci, json!({"tier": "ci", "lang": "ci"})),
    ];
    for (source, values) in said {
        world.page(source, None, one("service/x", 1, values)).await;
    }
    // Not the order of writing, but that in which the sources came, where they are no people.
    world
        .page(
            &import,
            None,
            one("service/x", 2, json!({"tier": "again", "lang": "again"})),
        )
        .await;
    assert_eq!(
        world.find("x").await.unwrap().entity,
        entity("x", json!({"tier": "people", "lang": "ci"}))
    );
    let row = world.find("x").await.unwrap();
    let said = world.store().contributions(row.id).await.unwrap();
    let said: Vec<_> = said.iter().map(|c| c.source.integration.as_str()).collect();
    assert_eq!(said, ["import:port", "ci:deploy", "people"]);
    // A blueprint says otherwise.
    let store = world.store();
    let imports = service_with(json!({"default": ["import:port"]}));
    store.put_blueprint(&imports, "api", world.now, None).await.unwrap();
    store
        .merge_again(&service(), 0, 10, "blueprint", world.now)
        .await
        .unwrap();
    assert_eq!(world.value("x", "tier").await, "again");
}

pub(crate) async fn a_precedence_names_the_strongest_and_is_applied_again(world: &mut World) {
    let (git, pager) = (world.partition("git-main").await, world.partition("pager").await);
    let people = client(world, "people").await;
    world
        .pass(&git, one("k", 1, json!({"tier": "git", "lang": "go"})))
        .await;
    world
        .pass(&pager, one("k", 1, json!({"tier": "pager", "lang": "c"})))
        .await;
    world
        .page(&people, None, one("service/x", 1, json!({"tier": "people"})))
        .await;
    world
        .pass(
            &git,
            vec![
                one("k", 1, json!({"tier": "git", "lang": "go"})).remove(0),
                simple("alone", 1),
            ],
        )
        .await;
    let store = world.store();
    let precedence = json!({"default": ["git-main"], "fields": {"tier": ["pager", "people"]}});
    store
        .put_blueprint(&service_with(precedence), "api", world.now, None)
        .await
        .unwrap();
    assert_eq!(world.value("x", "tier").await, "people");
    let (result, last) = store
        .merge_again(&service(), 0, 10, "blueprint", world.now)
        .await
        .unwrap();
    assert_eq!(
        (result.counts.updated, result.upserted.len(), last.is_some()),
        (1, 1, true)
    );
    assert_eq!(
        (world.value("x", "tier").await, world.value("x", "lang").await),
        (json!("pager"), json!("go"))
    );
    let (result, last) = store
        .merge_again(&service(), last.unwrap(), 10, "blueprint", world.now)
        .await
        .unwrap();
    assert_eq!((result.counts.updated, last), (0, None));
    // A page merges under it too, and so it does once it is gone.
    world.pass(&pager, one("k", 2, json!({"tier": "p2"}))).await;
    assert_eq!(world.value("x", "tier").await, "p2");
    assert!(world.store().remove_blueprint(&service(), None).await.unwrap());
    assert!(!world.store().remove_blueprint(&service(), None).await.unwrap());
    world.pass(&pager, one("k", 3, json!({"tier": "p3"}))).await;
    assert_eq!(world.value("x", "tier").await, "people");
}

pub(crate) async fn a_client_source_is_no_integration(world: &mut World) {
    world.partition("git-main").await;
    let people = client(world, "people").await;
    assert_eq!(client(world, "people").await.id, people.id);
    let ci = client(world, "ci:deploy").await;
    assert_ne!(ci.id, people.id);
    world.page(&ci, None, one("service/x", 1, json!({"a": 1}))).await;
    let store = world.store();
    let names: Vec<_> = store
        .integrations()
        .await
        .unwrap()
        .iter()
        .map(|row| row.integration.name.to_string())
        .collect();
    assert_eq!(names, ["git-main"]);
    let sources = store.client_sources().await.unwrap();
    let sources: Vec<_> = sources
        .iter()
        .map(|row| (row.name.as_str(), row.partition, row.items))
        .collect();
    assert_eq!(sources, [("ci:deploy", ci.id, 1), ("people", people.id, 0)]);
    assert!(store.client_partition("git-main", world.now).await.is_err());
}

pub(crate) async fn what_a_page_was_made_from_must_still_be_so(world: &mut World) {
    let people = client(world, "people").await;
    let first = world.page(&people, None, one("service/x", 1, json!({"a": 1}))).await;
    let version = first.upserted[0].version;
    let expecting = |expect: Vec<Expect>, hash| PageWrite {
        upserts: one("service/x", hash, json!({"a": hash})),
        expect,
        ..world.write(&people, None)
    };
    let at = |version| Expect::Entity {
        blueprint: service(),
        identifier: id("x"),
        version,
    };
    let said = |hash: Option<u8>| Expect::Item {
        key: "service/x".into(),
        hash: hash.map(|byte| [byte; 16]),
    };
    for wrong in [at(Some(version + 1)), at(None), said(Some(2)), said(None)] {
        let refused = world.store().apply_page(expecting(vec![wrong.clone()], 9)).await;
        assert!(matches!(refused, Err(StoreError::Changed(_))), "{wrong:?}: {refused:?}");
    }
    assert_eq!(world.value("x", "a").await, 1);
    world
        .store()
        .apply_page(expecting(vec![at(Some(version)), said(Some(1))], 2))
        .await
        .unwrap();
    assert_eq!(world.value("x", "a").await, 2);
    let other = Expect::Entity {
        blueprint: service(),
        identifier: id("nobody"),
        version: None,
    };
    world.store().apply_page(expecting(vec![other], 3)).await.unwrap();
}

pub(crate) async fn computed_values_lie_over_what_sources_say(world: &mut World) {
    let git = world.partition("git-main").await;
    let row = world
        .pass(&git, one("k", 1, json!({"lang": "go"})))
        .await
        .upserted
        .remove(0);
    let derived = Derived {
        properties: json!({"open": 3, "tier": "gold"}).as_object().unwrap().clone(),
        team: vec!["core".into()],
        ..Derived::default()
    };
    let write = |derived: &Derived| {
        vec![DeriveWrite {
            entity: row.id,
            derived: derived.clone(),
        }]
    };
    let result = world
        .store()
        .derive(write(&derived), "derived", &world.duty().await, world.now + 5)
        .await
        .unwrap();
    let after = world.find("x").await.unwrap();
    assert_eq!(result.upserted, std::slice::from_ref(&after));
    assert_eq!(
        after.entity.properties,
        *json!({"lang": "go", "open": 3, "tier": "gold"}).as_object().unwrap()
    );
    assert_eq!(
        (after.entity.team.as_slice(), after.version),
        (["core".to_owned()].as_slice(), result.position)
    );
    let again = world
        .store()
        .derive(write(&derived), "derived", &world.duty().await, world.now + 6)
        .await
        .unwrap();
    assert_eq!((again.upserted.len(), again.position), (0, result.position));
    let change = world.store().changes(row.version, 9).await.unwrap().remove(0);
    assert_eq!((change.kind, change.cause.as_str()), (ChangeKind::Updated, "derived"));
    assert_eq!(
        Value::from(change.diff),
        json!({"properties.open": [null, 3], "properties.tier": [null, "gold"], "team": [[], ["core"]]})
    );
    // A page leaves them, and does not take them for a source's words.
    let page = world.pass(&git, one("k", 2, json!({"lang": "c"}))).await;
    assert_eq!(
        page.upserted[0].entity.properties,
        *json!({"lang": "c", "open": 3, "tier": "gold"}).as_object().unwrap()
    );
    let change = world.store().changes(result.position, 9).await.unwrap().remove(0);
    assert_eq!(Value::from(change.diff), json!({"properties.lang": ["go", "c"]}));
    assert_eq!(
        world.store().contributions(row.id).await.unwrap()[0].says,
        entity("x", json!({"lang": "c"}))
    );
    let none = world
        .store()
        .derive(write(&Derived::default()), "derived", &world.duty().await, world.now)
        .await
        .unwrap();
    assert_eq!(none.upserted[0].entity, entity("x", json!({"lang": "c"})));
    let gone = DeriveWrite { entity: 4711, derived };
    assert_eq!(
        world
            .store()
            .derive(vec![gone], "derived", &world.duty().await, 1)
            .await
            .unwrap()
            .upserted,
        []
    );
}

pub(crate) async fn defaults_lie_under_what_sources_say(world: &mut World) {
    let blueprint = json!({"identifier": "service", "schema": {"properties": {
        "tier": {"type": "string", "default": "bronze"}, "bad": {"type": "number", "default": "x"}, "lang": {"type": "string"}}}});
    let blueprint: Blueprint = serde_json::from_value(blueprint).unwrap();
    world.store().put_blueprint(&blueprint, "test", 1, None).await.unwrap();
    let git = world.partition("git-main").await;
    let made = world.pass(&git, one("k", 1, json!({"lang": "go"}))).await;
    let row = world.find("x").await.unwrap();
    assert_eq!(made.upserted, std::slice::from_ref(&row));
    assert_eq!(row.entity, entity("x", json!({"lang": "go", "tier": "bronze"})));
    assert_eq!(
        (row.defaulted.as_slice(), row.said()),
        (["tier".to_owned()].as_slice(), entity("x", json!({"lang": "go"})))
    );
    assert_eq!(
        (row.created_by.as_deref(), row.updated_by.as_deref()),
        (Some("git-main"), Some("git-main"))
    );

    // What is said stands before it; the log has what was seen.
    let people = client(world, "people").await;
    let say = async |world: &World, hash: u8, properties: Value, cause: &str| {
        let page = PageWrite {
            upserts: one("service/x", hash, properties),
            cause: cause.to_owned(),
            now: 5,
            ..world.write(&people, None)
        };
        world.store().apply_page(page).await.unwrap()
    };
    let gold = say(world, 1, json!({"tier": "gold"}), "write:people:ann").await;
    let row = world.find("x").await.unwrap();
    assert_eq!(gold.upserted, std::slice::from_ref(&row));
    assert_eq!(
        (row.entity.properties["tier"].as_str(), row.defaulted.len()),
        (Some("gold"), 0)
    );
    assert_eq!(
        (row.created_by.as_deref(), row.updated_by.as_deref(), row.updated_at),
        (Some("git-main"), Some("ann"), 5)
    );
    let change = world.store().changes(gold.position - 1, 9).await.unwrap().remove(0);
    assert_eq!(Value::from(change.diff), json!({"properties.tier": ["bronze", "gold"]}));

    // The same as the default: a word of its own, which nobody sees.
    say(world, 2, json!({}), "write:people").await;
    let before = world.find("x").await.unwrap();
    assert_eq!(
        (before.entity.properties["tier"].as_str(), before.updated_by.as_deref()),
        (Some("bronze"), Some("people"))
    );
    let same = say(world, 3, json!({"tier": "bronze"}), "write:people:bob").await;
    let row = world.find("x").await.unwrap();
    assert_eq!(
        (row.version, row.updated_by.as_deref()),
        (before.version, Some("people"))
    );
    assert_eq!((same.position, row.defaulted.len()), (before.version, 0));

    // Another default is computed like other values, and moves no time.
    let other = json!({"tier": "iron", "lang": "c"}).as_object().unwrap().clone();
    let write = vec![DeriveWrite {
        entity: row.id,
        derived: Derived::defaults(other),
    }];
    world
        .store()
        .derive(write, "derived", &world.duty().await, 9)
        .await
        .unwrap();
    let row = world.find("x").await.unwrap();
    assert_eq!(row.entity, entity("x", json!({"tier": "bronze", "lang": "go"})));
    assert_eq!(
        (row.updated_at, row.updated_by.as_deref()),
        (before.updated_at, Some("people"))
    );
    say(world, 4, json!({}), "write:people").await;
    assert_eq!(world.value("x", "tier").await, "iron");
    world.reopen().await;
    assert_eq!(world.value("x", "tier").await, "iron");
}

pub(crate) async fn a_removed_entity_leaves_all_that_it_had(world: &mut World) {
    let git = world.partition("git-main").await;
    world.pass(&git, one("k", 1, json!({"lang": "go"}))).await;
    world.pass(&git, vec![]).await;
    let history = world.store().history(&service(), &id("x"), None, 9).await.unwrap();
    assert_eq!(history[0].kind, ChangeKind::Deleted);
    assert_eq!(history[0].diff["properties.lang"], json!(["go", null]));
}

pub(crate) async fn items_are_read_back_as_they_came(world: &mut World) {
    let git = world.partition("git-main").await;
    world
        .pass(&git, vec![simple("b", 1), simple("a", 2), simple("c", 3)])
        .await;
    let store = world.store();
    let page = store.items(git.id, "", 2).await.unwrap();
    assert_eq!(
        page.iter().map(|item| item.key.as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(page[0].hash, [2; 16]);
    let rest = store.items(git.id, &page[1].key, 2).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(
        store.items_named(git.id, &["c", "nobody", "a"]).await.unwrap(),
        [Some(rest[0].clone()), None, Some(page[0].clone())]
    );
    assert_eq!(store.items_named(git.id, &[]).await.unwrap(), []);
    assert!(serde_json::from_slice::<Value>(&rest[0].value).is_ok());
}
