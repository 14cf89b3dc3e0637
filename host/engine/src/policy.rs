//! The policy over all grants: set, kept, and held against each decision.

use crate::{Engine, EngineError, PluginView, Problem, Result, Standing};
use seawall_domain::{
    egress::Bans,
    grant::Grant,
    policy::{Policy, PolicyChange},
};

/// A grant in force that contains what the policy does not allow. Its requests that the policy is against are refused all the
/// same.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The component.
    pub plugin: PluginView,
    /// What is against the policy, with what to do.
    pub objections: Vec<String>,
}

impl Engine {
    /// All policies that were ever set, oldest first; the last one is in force.
    ///
    /// # Errors
    /// The database's.
    pub async fn policies(&self) -> Result<Vec<PolicyChange>> {
        Ok(self.inner.store.policies().await?)
    }

    /// The policy in force; the default where none was set.
    ///
    /// # Errors
    /// The database's.
    pub async fn policy(&self) -> Result<Policy> {
        Ok(self
            .policies()
            .await?
            .pop()
            .map(|change| change.policy)
            .unwrap_or_default())
    }

    /// Whether a policy can be put in force.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with each field that is wrong.
    pub fn check_policy(policy: &Policy) -> Result<()> {
        let field = |(pointer, detail): (String, String)| Problem::at(pointer, detail);
        let wrong = |wrong: Vec<_>| EngineError::Invalid(wrong.into_iter().map(field).collect());
        policy.check().map_err(wrong)
    }

    /// What a stored policy forbids. One that this host can no longer read forbids the call and not nothing.
    pub(crate) fn bans_of(policy: &Policy) -> Result<Bans> {
        let unreadable = |(pointer, why): &(String, String)| format!("{pointer}: {why}");
        policy.bans().map_err(|wrong| {
            let wrong: Vec<_> = wrong.iter().map(unreadable).collect();
            EngineError::Conflict(format!(
                "the policy in force cannot be read; set it again with `seawall policy set`: {}",
                wrong.join("; ")
            ))
        })
    }

    /// Puts a policy in force. Calls that begin from now on are under it; grants stay as they are, see [`Engine::violations`].
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with each field that is wrong; [`EngineError::Forbidden`] where the policy in force names
    /// approvers and this person is none of them.
    pub async fn set_policy(&self, policy: Policy, by: String, reason: Option<String>) -> Result<PolicyChange> {
        Self::check_policy(&policy)?;
        let before = self.policy().await?;
        if !before.approvers.is_empty() && !before.approvers.contains(&by) {
            let who = before.approvers.join(", ");
            return Err(EngineError::Forbidden(format!(
                "the policy is {who}'s to change, and `{by}` is none of them"
            )));
        }
        let change = PolicyChange {
            policy,
            by,
            reason,
            at: self.now(),
        };
        self.inner.store.put_policy(&change).await?;
        tracing::info!(by = change.by, "policy set");
        for row in self.inner.store.integrations().await? {
            self.forget_site(&row.integration.name);
            self.inner.supervisors.wake(&row.integration.name);
        }
        Ok(change)
    }

    /// Which grants in force contain what a policy does not allow, or are of a component that it does not trust.
    ///
    /// # Errors
    /// The database's.
    pub async fn violations(&self, policy: &Policy) -> Result<Vec<Violation>> {
        let mut all = Vec::new();
        for plugin in self.plugins().await? {
            if plugin.status != crate::PluginStatus::Granted {
                continue;
            }
            let grant = plugin.decision.as_ref().and_then(|decision| decision.grant.as_ref());
            let mut objections = grant
                .map(|grant| policy.objections(grant, &plugin.row.bundle.manifest, self.now()))
                .unwrap_or_default();
            let (row, installation) = (&plugin.row, plugin.standing.installation.as_ref());
            let standing = Standing::of(&policy.trust, &row.bundle.manifest.name, &row.digest, installation);
            objections.extend(standing.refused.map(|why| (String::new(), why)));
            if !objections.is_empty() {
                let objections = objections.into_iter().map(|(_, why)| why).collect();
                all.push(Violation { plugin, objections });
            }
        }
        Ok(all)
    }

    /// Whether the policy lets this person give this grant to a version.
    pub(crate) async fn permit(&self, plugin: &PluginView, grant: &Grant, by: &str) -> Result<()> {
        let policy = self.policy().await?;
        Self::bans_of(&policy)?;
        if let Some(why) = policy.objection_to(by, plugin.row.installed_by.as_deref()) {
            return Err(EngineError::Forbidden(why));
        }
        if let Some(why) = &plugin.standing.refused {
            return Err(EngineError::Forbidden(why.clone()));
        }
        let objections = policy.objections(grant, &plugin.row.bundle.manifest, self.now());
        if objections.is_empty() {
            return Ok(());
        }
        let objections = objections.into_iter().map(|(pointer, why)| Problem::at(pointer, why));
        Err(EngineError::Invalid(objections.collect()))
    }
}
