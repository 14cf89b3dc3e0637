//! Entities that are written: each is checked, and what is right is stored in one transaction.

use super::{
    EntityWrite, Speaker, When, Written,
    body::{lacking, merge_patch, problem, read_entity, without_nulls},
    check_source,
};
use crate::{Engine, EngineError, Problem, Result, engine::Blueprints};
use seawall_domain::{BlueprintId, Entity, EntityId, RelationTarget, Report, blueprint::Check, document::escaped};
use seawall_store::{EntityRow, Expect, ItemRow, ItemWrite, StoreError};
use serde_json::{Map, Value, json};
use sha2::Digest as _;
use std::collections::{BTreeMap, HashSet};

/// So often a change is made anew where another process was faster.
const TRIES: usize = 8;

/// What is stored of one.
struct Stored {
    row: Option<EntityRow>,
    /// What the source says of it.
    item: Option<ItemRow>,
}

/// What is to be stored of one entity.
struct Ready {
    at: usize,
    when: When,
    key: String,
    entity: Entity,
    before: Option<[u8; 16]>,
    hash: [u8; 16],
    existed: bool,
}

/// What is wrong with one.
struct Refused {
    problems: Vec<Problem>,
    /// What of it is right, whose targets may be looked at.
    entity: Option<Entity>,
}

impl Refused {
    fn of(problems: Vec<Problem>) -> Self {
        Self { problems, entity: None }
    }
}

/// A target that does not exist: the pointer to it, its blueprint and its identifier.
type MissingTarget = (String, BlueprintId, EntityId);

fn no_target((pointer, blueprint, identifier): MissingTarget, blueprints: &Blueprints) -> Problem {
    let detail = match blueprints.contains_key(&blueprint) {
        true => format!(
            "there is no {blueprint} `{identifier}`; create it first, or ask for `createMissingRelatedEntities=true`"
        ),
        false => format!("there is no blueprint `{blueprint}`, to which this relation leads; put it first"),
    };
    Problem::at(pointer, detail)
}

impl Engine {
    /// Writes entities: each that is right is stored, all of them in one transaction. The answers are in the order of
    /// `writes`.
    ///
    /// # Errors
    /// The database's, and a source that is none. What is wrong with an entity is its answer.
    pub async fn write_entities(&self, speaker: &Speaker, writes: Vec<EntityWrite>) -> Result<Vec<Written>> {
        check_source(&speaker.source)?;
        self.newest_blueprints().await?;
        let _one_at_a_time = self.inner.clients.lock().await;
        let partition = self.inner.store.client_partition(&speaker.source, self.now()).await?;
        for _ in 0..TRIES {
            match self.try_write(speaker, partition, &writes).await {
                // Another process was faster with the same words: read them again.
                Err(EngineError::Store(StoreError::Changed(what))) => tracing::debug!("{what} has changed meanwhile"),
                done => return done,
            }
        }
        Err(EngineError::Conflict(
            "others write the same entities all the time; try again".into(),
        ))
    }

    async fn try_write(&self, speaker: &Speaker, partition: i64, writes: &[EntityWrite]) -> Result<Vec<Written>> {
        let blueprints = self.all_blueprints();
        let mut answers: BTreeMap<usize, Written> = BTreeMap::new();
        let mut ready: Vec<Ready> = Vec::new();
        let mut names: HashSet<(&BlueprintId, &EntityId)> = HashSet::new();
        let along: HashSet<(BlueprintId, EntityId)> = match speaker.create_missing {
            true => HashSet::new(),
            false => writes
                .iter()
                .map(|write| (write.blueprint.clone(), write.identifier.clone()))
                .collect(),
        };
        let stored = self.stored(partition, writes).await?;
        for (at, (write, stored)) in writes.iter().zip(stored).enumerate() {
            if !names.insert((&write.blueprint, &write.identifier)) {
                let twice = Problem::at("/identifier", "it is in this request already; name each entity once");
                answers.insert(at, Written::Rejected(vec![twice]));
                continue;
            }
            match self.words(speaker, write, at, stored, &blueprints).await? {
                Ok(one) => ready.push(one),
                Err(Refused { mut problems, entity }) => {
                    // Targets that come along are there: whether these are right is said of them.
                    let missing = entity.map(|entity| self.missing_targets(&entity, write, &blueprints, &along));
                    let missing = missing.into_iter().flatten();
                    problems.extend(missing.map(|missing| no_target(missing, &blueprints)));
                    answers.insert(at, Written::Rejected(problems));
                }
            }
        }
        let mut stubs = Vec::new();
        loop {
            // An entity that is refused takes those along that point to it.
            let known: HashSet<(BlueprintId, EntityId)> = ready
                .iter()
                .map(|r| (r.entity.blueprint.clone(), r.entity.identifier.clone()))
                .collect();
            let before = ready.len();
            stubs.clear();
            ready.retain(|one| {
                let missing = self.missing_targets(&one.entity, &writes[one.at], &blueprints, &known);
                let possible = missing
                    .iter()
                    .all(|(_, blueprint, _)| blueprints.contains_key(blueprint));
                if speaker.create_missing && possible || missing.is_empty() {
                    stubs.extend(
                        missing
                            .into_iter()
                            .map(|(_, blueprint, identifier)| (blueprint, identifier)),
                    );
                    return true;
                }
                let problems = missing.into_iter().map(|missing| no_target(missing, &blueprints));
                answers.insert(one.at, Written::Rejected(problems.collect()));
                false
            });
            if ready.len() == before {
                break;
            }
        }
        stubs.sort();
        stubs.dedup();
        self.store_all(speaker, partition, ready, stubs, &mut answers).await?;
        Ok(answers.into_values().collect())
    }

    /// Of each write, in order: the entity as it is stored, and what the source says of it.
    async fn stored(&self, partition: i64, writes: &[EntityWrite]) -> Result<Vec<Stored>> {
        let names: Vec<_> = writes
            .iter()
            .map(|write| (&write.blueprint, &write.identifier))
            .collect();
        let keys: Vec<String> = writes.iter().map(EntityWrite::key).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        // The words first: an entity that was read before them could be older than what was added to it meanwhile, and a condition
        // on its version be taken for met.
        let items = self.inner.store.items_named(partition, &keys).await?;
        let rows = self.inner.store.entities_named(&names).await?;
        let both = rows.into_iter().zip(items);
        Ok(both.map(|(row, item)| Stored { row, item }).collect())
    }

    /// Checks one, and makes what the source says of it from now on.
    async fn words(
        &self,
        speaker: &Speaker,
        write: &EntityWrite,
        at: usize,
        Stored { row, item }: Stored,
        blueprints: &Blueprints,
    ) -> Result<Result<Ready, Refused>> {
        let (blueprint, identifier) = (&write.blueprint, &write.identifier);
        let refuse = |pointer: &str, detail: String| Ok(Err(Refused::of(vec![Problem::at(pointer, detail)])));
        let Some(compiled) = blueprints.get(blueprint) else {
            let near = seawall_domain::text::nearest(blueprint.as_str(), blueprints.keys().map(BlueprintId::as_str));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return refuse("/blueprint", format!("there is no blueprint `{blueprint}`{hint}"));
        };
        match (write.when, &row) {
            (When::Absent, Some(_)) => {
                return refuse("/identifier", format!("`{blueprint}/{identifier}` exists already"));
            }
            (When::Version(version), row) if row.as_ref().map(|row| row.version) != Some(version) => {
                return Err(EngineError::Precondition(format!(
                    "`{blueprint}/{identifier}` has changed since you read it; read it again"
                )));
            }
            _ => {}
        }
        let key = write.key();
        let said = item.as_ref().map(|item| serde_json::from_slice::<Value>(&item.value));
        let said = said
            .transpose()
            .map_err(|e| EngineError::Internal(format!("{key}: {e}")))?;
        let wanted = match (write.merge, said) {
            (true, Some(mut said)) => {
                merge_patch(&mut said, &write.body);
                said
            }
            (true, None) => {
                let mut nothing = json!({});
                merge_patch(&mut nothing, &write.body);
                nothing
            }
            (false, _) => without_nulls(&write.body),
        };
        let mut entity = match read_entity(wanted, blueprint, identifier) {
            Ok(entity) => entity,
            Err(problems) => return Ok(Err(Refused::of(problems))),
        };
        let mut reports: Vec<Report> = Vec::new();
        let check = Check {
            kind: "entity",
            key: &key,
            strict: false,
            conversions: false,
            client: true,
        };
        compiled.check(&mut entity, check, &mut reports);
        let mut problems: Vec<Problem> = reports.iter().map(problem).collect();
        if !lacking(compiled, &entity, None).is_empty() {
            let others = match (&row, &item) {
                (Some(row), None) => Some(row.entity.clone()),
                (Some(row), Some(_)) => self.others(row.id, &speaker.source).await?,
                (None, _) => None,
            };
            for missing in lacking(compiled, &entity, others.as_ref()) {
                // One that does not fit is there, and was named already.
                if problems.iter().all(|named| named.pointer != missing.pointer) {
                    problems.push(missing);
                }
            }
        }
        if !problems.is_empty() {
            return Ok(Err(Refused {
                problems,
                entity: Some(entity),
            }));
        }
        let hash = hash(&entity);
        Ok(Ok(Ready {
            at,
            when: write.when,
            key,
            entity,
            before: item.map(|item| item.hash),
            hash,
            existed: row.is_some(),
        }))
    }

    /// Targets that neither exist nor come along, with the pointer to each; of relations that are written now. One that was said
    /// before may have lost its target since, which is no fault of who writes something else.
    fn missing_targets(
        &self,
        entity: &Entity,
        write: &EntityWrite,
        blueprints: &Blueprints,
        along: &HashSet<(BlueprintId, EntityId)>,
    ) -> Vec<MissingTarget> {
        let mut out = Vec::new();
        let Some(compiled) = blueprints.get(&entity.blueprint) else {
            return out;
        };
        let is_written = |relation: &str| !write.merge || write.body["relations"].get(relation).is_some();
        for (relation, target) in entity.relations.iter().filter(|(relation, _)| is_written(relation)) {
            let Some(definition) = compiled.blueprint().relations.get(relation) else {
                continue;
            };
            for (i, identifier) in target.targets().iter().enumerate() {
                let name = (definition.target.clone(), identifier.clone());
                if along.contains(&name) || self.inner.index.get(&name.0, &name.1).is_some() {
                    continue;
                }
                let mut pointer = format!("/relations/{}", escaped(relation));
                if matches!(target, RelationTarget::Many(_)) {
                    pointer.push_str(&format!("/{i}"));
                }
                out.push((pointer, name.0, name.1));
            }
        }
        out
    }

    async fn store_all(
        &self,
        speaker: &Speaker,
        partition: i64,
        ready: Vec<Ready>,
        stubs: Vec<(BlueprintId, EntityId)>,
        answers: &mut BTreeMap<usize, Written>,
    ) -> Result<()> {
        let (mut upserts, mut expect) = (Vec::new(), Vec::new());
        let changed = ready.iter().filter(|one| one.before != Some(one.hash));
        for one in changed {
            upserts.push(item(&one.key, one.hash, &one.entity)?);
            expect.push(Expect::Item {
                key: one.key.clone(),
                hash: one.before,
            });
            let version = match one.when {
                When::Always => continue,
                When::Absent => None,
                When::Version(version) => Some(version),
            };
            expect.push(Expect::Entity {
                blueprint: one.entity.blueprint.clone(),
                identifier: one.entity.identifier.clone(),
                version,
            });
        }
        for (blueprint, identifier) in stubs {
            let key = format!("{blueprint}/{identifier}");
            let stub = stub(blueprint, identifier);
            let hash = hash(&stub);
            upserts.push(item(&key, hash, &stub)?);
            expect.push(Expect::Item { key, hash: None });
        }
        if !upserts.is_empty() {
            self.put_words(speaker, partition, upserts, Vec::new(), expect).await?;
        }
        let names: Vec<_> = ready
            .iter()
            .map(|one| (&one.entity.blueprint, &one.entity.identifier))
            .collect();
        let found = self.inner.store.entities_named(&names).await?;
        for (one, found) in ready.into_iter().zip(found) {
            let row = found.ok_or_else(|| EngineError::Conflict(format!("`{}` was removed meanwhile", one.key)))?;
            let written = if !one.existed {
                Written::Created(row)
            } else if one.before == Some(one.hash) {
                Written::Unchanged(row)
            } else {
                let shadowed = shadowed(&one.entity, &row.entity);
                Written::Updated { row, shadowed }
            };
            answers.insert(one.at, written);
        }
        Ok(())
    }
}

fn stub(blueprint: BlueprintId, identifier: EntityId) -> Entity {
    Entity {
        blueprint,
        title: Some(identifier.to_string()),
        identifier,
        icon: None,
        team: Vec::new(),
        properties: Map::new(),
        relations: BTreeMap::new(),
    }
}

fn item(key: &str, hash: [u8; 16], entity: &Entity) -> Result<ItemWrite> {
    Ok(ItemWrite {
        key: key.to_owned(),
        hash,
        value: serde_json::to_vec(entity).map_err(|e| EngineError::Internal(e.to_string()))?,
        entities: vec![entity.clone()],
        reports: Vec::new(),
    })
}

fn hash(entity: &Entity) -> [u8; 16] {
    let mut text = String::new();
    let value = serde_json::to_value(entity).unwrap_or_default();
    seawall_domain::text::canonical(&value, &mut text);
    let mut out = [0; 16];
    out.copy_from_slice(&sha2::Sha256::digest(text)[..16]);
    out
}

/// Fields that were said, and in which the entity says something else.
fn shadowed(said: &Entity, row: &Entity) -> Vec<String> {
    let mut out = Vec::new();
    let mut compare = |field: String, same: bool| {
        if !same {
            out.push(field);
        }
    };
    compare("$title".into(), said.title.is_none() || said.title == row.title);
    compare("$icon".into(), said.icon.is_none() || said.icon == row.icon);
    compare("$team".into(), said.team.iter().all(|team| row.team.contains(team)));
    for (name, value) in &said.properties {
        compare(name.clone(), row.properties.get(name) == Some(value));
    }
    for (name, target) in &said.relations {
        let now = row.relations.get(name).map(RelationTarget::targets).unwrap_or_default();
        let seen = target.targets().iter().all(|target| now.contains(target));
        compare(format!("relations.{name}"), seen);
    }
    out
}
