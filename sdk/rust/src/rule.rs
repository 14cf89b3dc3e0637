//! Judges entities. A rule imports nothing: same input, same verdict.

use crate::{bindings::rule::exports::seawall::plugin::rule as wit, entity::Entity, failure::Result, json::Json};
use std::{marker::PhantomData, time::Duration};

/// A rule with its parameters, made ready once and then asked of many entities.
pub trait Rule: Sized {
    /// Makes one of the manifest's rules ready. The host has checked the parameters against its schema. An error ends
    /// the call, and no entity is judged.
    fn prepare(name: &str, params: &Json) -> Result<Self>;

    /// Judges one entity.
    fn judge(&self, subject: &Subject) -> Result<Verdict>;
}

/// What is judged.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The entity.
    pub entity: Entity,
    /// The entities that the rule's manifest entry asks to see.
    pub related: Vec<Entity>,
    /// The time of evaluation since 1970-01-01T00:00:00Z, given so that a rule needs no clock.
    pub now: Duration,
}

/// What a rule says of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not, and why, in words that the owner can act on.
    Fail(String),
    /// It says nothing about this entity.
    NotApplicable,
}

impl Verdict {
    /// [`Verdict::Fail`] with these words.
    pub fn fail(why: impl Into<String>) -> Self {
        Self::Fail(why.into())
    }
}

/// Stands between the component's exports and the author's trait.
#[doc(hidden)]
pub struct RuleRole<T: Rule>(PhantomData<T>);

impl<T: Rule> wit::Guest for RuleRole<T> {
    fn evaluate(name: String, params: Vec<u8>, subjects: Vec<wit::Subject>) -> Result<Vec<wit::Verdict>, String> {
        let judge_all = || -> Result<Vec<wit::Verdict>> {
            let rule = T::prepare(&name, &Json::from_bytes(params))?;
            let verdicts = subjects.into_iter().map(|subject| {
                let subject = Subject {
                    entity: subject.entity.into(),
                    related: subject.related.into_iter().map(Entity::from).collect(),
                    now: Duration::from_millis(subject.now),
                };
                let id = &subject.entity.id;
                let verdict = rule.judge(&subject);
                Ok(
                    match verdict.map_err(|e| e.context(format!("{}/{}", id.blueprint, id.identifier)))? {
                        Verdict::Pass => wit::Verdict::Pass,
                        Verdict::Fail(why) => wit::Verdict::Fail(why),
                        Verdict::NotApplicable => wit::Verdict::NotApplicable,
                    },
                )
            });
            verdicts.collect()
        };
        judge_all().map_err(|e| e.to_string())
    }
}
