//! The one door of the contract tests: a store with two integrations, and short ways to write pages.

use async_trait::async_trait;
use seawall_domain::{BlueprintId, Entity, EntityId, Report, Severity, integration::Integration};
use seawall_store::{Duty, EntityRow, ItemWrite, PageResult, PageWrite, PassRow, Store};
use serde_json::{Value, json};

/// A database that can be opened again.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    async fn open(&self) -> Box<dyn Store>;
}

pub(crate) struct World {
    backend: Box<dyn Backend>,
    store: Option<Box<dyn Store>>,
    pub(crate) now: i64,
}

impl World {
    pub(crate) async fn open(backend: Box<dyn Backend>) -> Self {
        let store = Some(backend.open().await);
        Self {
            backend,
            store,
            now: 1_000,
        }
    }

    /// Drops the store as a crash would and opens it anew.
    pub(crate) async fn reopen(&mut self) {
        self.store = None;
        self.store = Some(self.backend.open().await);
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_deref().unwrap()
    }

    /// Work that this process has.
    pub(crate) async fn duty(&self) -> Duty {
        self.store().take_duty("work", "me", 60_000).await.unwrap().unwrap()
    }

    /// An integration's id.
    pub(crate) async fn integration(&self, name: &str) -> i64 {
        self.store()
            .put_integration(&integration(name), self.now)
            .await
            .unwrap()
            .id
    }

    /// A leased partition of its own integration.
    pub(crate) async fn partition(&self, integration: &str) -> Part {
        let id = self.integration(integration).await;
        let listed = self
            .store()
            .put_partitions(id, "repo", &["all".to_owned()], self.now)
            .await
            .unwrap();
        let fence = self
            .store()
            .lease(listed[0].id, "me", self.now, 60_000)
            .await
            .unwrap()
            .unwrap();
        Part {
            integration: id,
            id: listed[0].id,
            fence,
        }
    }

    pub(crate) async fn begin(&self, part: &Part) -> PassRow {
        self.store().begin_pass(part.id, part.fence, self.now).await.unwrap()
    }

    pub(crate) async fn end(&self, pass: i64) {
        self.store()
            .end_pass(pass, None, seawall_domain::pass::PassState::Succeeded, None, self.now)
            .await
            .unwrap();
    }

    /// One pass of one page that lists just these, with its sweep.
    pub(crate) async fn pass(&self, part: &Part, items: Vec<ItemWrite>) -> PageResult {
        let pass = self.begin(part).await;
        let result = self.page(part, Some(pass.id), items).await;
        while self
            .store()
            .sweep(pass.id, part.fence, 2, self.now)
            .await
            .unwrap()
            .removed_items
            > 0
        {}
        self.end(pass.id).await;
        result
    }

    pub(crate) async fn page(&self, part: &Part, pass: Option<i64>, items: Vec<ItemWrite>) -> PageResult {
        self.store()
            .apply_page(PageWrite {
                upserts: items,
                ..self.write(part, pass)
            })
            .await
            .unwrap()
    }

    /// An empty page.
    pub(crate) fn write(&self, part: &Part, pass: Option<i64>) -> PageWrite {
        PageWrite {
            partition: part.id,
            pass,
            fence: part.fence,
            upserts: vec![],
            deletes: vec![],
            unchanged: vec![],
            cursor: None,
            items: 0,
            converted: 0,
            cause: if pass.is_some() {
                "pass".into()
            } else {
                "delivery".into()
            },
            expect: vec![],
            renewal: false,
            duty: None,
            delivery: None,
            now: self.now,
        }
    }

    pub(crate) async fn find(&self, identifier: &str) -> Option<EntityRow> {
        self.store().entity(&service(), &id(identifier)).await.unwrap()
    }

    /// A property of a service; null where it has none.
    pub(crate) async fn value(&self, identifier: &str, property: &str) -> Value {
        let row = self.find(identifier).await.unwrap();
        row.entity.properties.get(property).cloned().unwrap_or_default()
    }

    /// Row id and hash byte of an item.
    pub(crate) async fn item(&self, part: &Part, key: &str) -> Option<(i64, u8)> {
        self.store().item_states(part.id, &[key]).await.unwrap()[0].map(|s| (s.id, s.hash[0]))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub(crate) integration: i64,
    pub(crate) id: i64,
    pub(crate) fence: i64,
}

pub(crate) fn integration(name: &str) -> Integration {
    serde_json::from_value(json!({"name": name, "plugin": "git"})).unwrap()
}

pub(crate) fn service() -> BlueprintId {
    BlueprintId::new("service").unwrap()
}

pub(crate) fn id(identifier: &str) -> EntityId {
    EntityId::new(identifier).unwrap()
}

/// A service with properties.
pub(crate) fn entity(identifier: &str, properties: Value) -> Entity {
    serde_json::from_value(json!({"blueprint": "service", "identifier": identifier, "properties": properties})).unwrap()
}

/// An item that gives these entities; `hash` marks its version.
pub(crate) fn item(key: &str, hash: u8, entities: Vec<Entity>) -> ItemWrite {
    ItemWrite {
        key: key.into(),
        hash: [hash; 16],
        value: format!(r#"{{"key":"{key}","version":{hash}}}"#).into_bytes(),
        entities,
        reports: vec![],
    }
}

/// An item `key` that gives service `key` with property `n`.
pub(crate) fn simple(key: &str, n: u8) -> ItemWrite {
    item(key, n, vec![entity(key, json!({"n": n}))])
}

pub(crate) fn report(key: &str, severity: Severity) -> Report {
    Report {
        severity,
        kind: "repo".into(),
        key: key.into(),
        entity: None,
        field: Some("properties.n".into()),
        expression: None,
        value: Some(json!([1])),
        rule: "type: number".into(),
        message: "n is a list".into(),
    }
}
