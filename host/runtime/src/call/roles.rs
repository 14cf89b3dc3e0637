//! The functions of each role.

use super::{Delivery, Invocation, Progress, Refused, Sandbox, Scope, Subject};
use crate::{
    CallError, Plugin, asked,
    bindings::{
        exports::seawall::plugin::{action, ingestor, rule, webhook},
        seawall::plugin::types,
    },
    convert,
};
use seawall_domain::{
    Failure,
    item::{LocatedChange, Page},
    run::RuleVerdict,
};

impl Plugin {
    /// The slices of a kind.
    ///
    /// # Errors
    /// [`CallError`], the plugin's own failures included.
    pub async fn partitions(&self, sandbox: &Sandbox, scope: Scope) -> Result<Vec<String>, CallError> {
        let role = self.inner.roles.ingestor.clone().ok_or(CallError::NoRole("ingestor"))?;
        let scope = ingestor::Scope {
            config: scope.config,
            kind: scope.kind,
            selector: scope.selector,
        };
        let (answer, refused) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move { role.load(&mut *store, instance)?.call_partitions(store, &scope).await })
            })
            .await?;
        answer.map_err(|f| failed(f, refused))
    }

    /// One page of a partition.
    ///
    /// # Errors
    /// [`CallError`], the plugin's own failures included.
    pub async fn pull(
        &self,
        sandbox: &Sandbox,
        scope: Scope,
        partition: &str,
        cursor: Option<&str>,
    ) -> Result<Page, CallError> {
        let role = self.inner.roles.ingestor.clone().ok_or(CallError::NoRole("ingestor"))?;
        let scope = ingestor::Scope {
            config: scope.config,
            kind: scope.kind,
            selector: scope.selector,
        };
        let (partition, cursor) = (partition.to_owned(), cursor.map(str::to_owned));
        let (answer, refused) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move {
                    role.load(&mut *store, instance)?
                        .call_pull(store, &scope, &partition, cursor.as_deref())
                        .await
                })
            })
            .await?;
        Ok(convert::page(answer.map_err(|f| failed(f, refused))?))
    }

    /// Turns a verified delivery into changes.
    ///
    /// # Errors
    /// [`CallError`], the plugin's own failures included.
    pub async fn receive(
        &self,
        sandbox: &Sandbox,
        config: Vec<u8>,
        delivery: Delivery,
    ) -> Result<Vec<LocatedChange>, CallError> {
        let role = self.inner.roles.webhook.clone().ok_or(CallError::NoRole("webhook"))?;
        let delivery = webhook::Delivery {
            headers: delivery.headers,
            body: delivery.body,
        };
        let (answer, refused) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move {
                    role.load(&mut *store, instance)?
                        .call_receive(store, &config, &delivery)
                        .await
                })
            })
            .await?;
        Ok(convert::located(answer.map_err(|f| failed(f, refused))?))
    }

    /// Starts an operation.
    ///
    /// # Errors
    /// [`CallError`], the plugin's own failures included.
    pub async fn start(&self, sandbox: &Sandbox, invocation: Invocation) -> Result<Progress, CallError> {
        let role = self.inner.roles.action.clone().ok_or(CallError::NoRole("action"))?;
        let invocation = invoke(invocation);
        let (answer, refused) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move { role.load(&mut *store, instance)?.call_start(store, &invocation).await })
            })
            .await?;
        Ok(progress(answer.map_err(|f| failed(f, refused))?))
    }

    /// Asks how an operation stands.
    ///
    /// # Errors
    /// [`CallError`], the plugin's own failures included.
    pub async fn poll(&self, sandbox: &Sandbox, invocation: Invocation, state: Vec<u8>) -> Result<Progress, CallError> {
        let role = self.inner.roles.action.clone().ok_or(CallError::NoRole("action"))?;
        let invocation = invoke(invocation);
        let (answer, refused) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move {
                    role.load(&mut *store, instance)?
                        .call_poll(store, &invocation, &state)
                        .await
                })
            })
            .await?;
        Ok(progress(answer.map_err(|f| failed(f, refused))?))
    }

    /// Asks the tool to stop an operation.
    ///
    /// # Errors
    /// [`CallError`], the plugin's own failures included.
    pub async fn cancel(&self, sandbox: &Sandbox, invocation: Invocation, state: Vec<u8>) -> Result<(), CallError> {
        let role = self.inner.roles.action.clone().ok_or(CallError::NoRole("action"))?;
        let invocation = invoke(invocation);
        let (answer, refused) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move {
                    role.load(&mut *store, instance)?
                        .call_cancel(store, &invocation, &state)
                        .await
                })
            })
            .await?;
        answer.map_err(|f| failed(f, refused))
    }

    /// Judges entities: one verdict for each subject, in order. `now` is in milliseconds since 1970, and `target_of`
    /// gives the blueprint that a relation points to.
    ///
    /// # Errors
    /// [`CallError`]; also where the number of verdicts is not that of the subjects.
    pub async fn evaluate(
        &self,
        sandbox: &Sandbox,
        name: &str,
        params: Vec<u8>,
        subjects: &[Subject],
        now: u64,
        target_of: &(dyn Fn(&str, &str) -> Option<String> + Sync),
    ) -> Result<Vec<RuleVerdict>, CallError> {
        let role = self.inner.roles.rule.clone().ok_or(CallError::NoRole("rule"))?;
        let given: Vec<rule::Subject> = subjects
            .iter()
            .map(|s| rule::Subject {
                entity: convert::entity(&s.entity, target_of),
                related: s.related.iter().map(|e| convert::entity(e, target_of)).collect(),
                now,
            })
            .collect();
        let name = name.to_owned();
        let (answer, refused) = self
            .run(sandbox, move |store, instance| {
                Box::pin(async move {
                    role.load(&mut *store, instance)?
                        .call_evaluate(store, &name, &params, &given)
                        .await
                })
            })
            .await?;
        let verdicts = answer.map_err(|said| {
            let why = match refused.request {
                Some(_) => format!("{} ({said})", asked::explain("the network", true)),
                None => said,
            };
            CallError::Failure(Failure::Failed(why))
        })?;
        if verdicts.len() == subjects.len() {
            Ok(verdicts.into_iter().map(convert::verdict).collect())
        } else {
            Err(CallError::BadAnswer(format!(
                "{} verdicts for {} subjects",
                verdicts.len(),
                subjects.len()
            )))
        }
    }
}

fn invoke(invocation: Invocation) -> action::Invocation {
    let relations = invocation.relations;
    let target_of = |_: &str, relation: &str| relations.get(relation).cloned();
    action::Invocation {
        operation: invocation.operation,
        run: invocation.run,
        config: invocation.config,
        inputs: invocation.inputs,
        target: invocation.target.as_ref().map(|e| convert::entity(e, target_of)),
    }
}

fn progress(progress: action::Progress) -> Progress {
    match progress {
        action::Progress::Running(r) => Progress::Running {
            state: r.state,
            poll_after_ms: r.poll_after_ms,
            label: r.label,
        },
        action::Progress::Succeeded(o) => Progress::Succeeded {
            outputs: o.outputs,
            link: o.link,
            changes: convert::located(o.changes),
        },
        action::Progress::Failed(why) => Progress::Failed(why),
    }
}

/// What the host refused is said before the plugin's own words: a guest's language may tell no more than that something went wrong,
/// and a guest does not know whether manifest, grant or policy was against it. A guest in JavaScript cannot tell a refusal by the door
/// from a tool that is down; trying again would not help.
fn failed(failure: types::Failure, refused: Refused) -> CallError {
    let Refused { request, limit } = refused;
    CallError::Failure(match (convert::failure(failure), request, limit) {
        (Failure::Failed(said), _, Some(limit)) => Failure::Failed(format!("{limit} ({said})")),
        (Failure::Unavailable(said) | Failure::Failed(said), Some(why), _) => {
            Failure::Failed(format!("the host refused a request: {why}; the plugin said: {said}"))
        }
        (failure, ..) => failure,
    })
}
