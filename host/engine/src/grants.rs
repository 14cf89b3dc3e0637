//! Decisions about what a plugin may do.

use crate::{Engine, EngineError, PluginView, Result};
use ipnet::IpNet;
use seawall_domain::{
    Millis,
    definition::DefinitionChange,
    grant::{Decision, Grant, Verdict},
    manifest::NetworkRule,
};

/// One of the manifest's network rules, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePart {
    /// Its number.
    pub rule: usize,
    /// Only these of its methods; none: all.
    pub methods: Option<Vec<String>>,
    /// Only these of its path patterns; none: all.
    pub paths: Option<Vec<String>>,
}

/// What a person grants.
#[derive(Debug, Clone, Default)]
pub struct GrantRequest {
    /// A plugin: name, `name@version` or digest.
    pub plugin: String,
    /// Private ranges that it may reach.
    pub private_ranges: Vec<IpNet>,
    /// Whether a credential may go without TLS to loopback.
    pub plaintext_to_loopback: bool,
    /// Whether a rule whose host is `*` may lead to every host.
    pub any_host: bool,
    /// When the grant ends.
    pub expires_at: Option<Millis>,
    /// Only these of the manifest's network rules, or parts of them; none: all.
    pub rules: Option<Vec<RulePart>>,
    /// Only these of the manifest's checkouts, by number; none: all.
    pub git: Option<Vec<usize>>,
    /// Only these of the manifest's directories, by number; none: all.
    pub files: Option<Vec<usize>>,
    /// Whether it may read the catalog, where the manifest asks for that; none: yes.
    pub catalog: Option<bool>,
    /// Who decides.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

/// What is granted of the manifest's rules by one entry of a request.
fn rule(i: usize, part: &RulePart, asked: &[NetworkRule]) -> Result<NetworkRule> {
    let Some(whole) = asked.get(part.rule) else {
        let numbers = match asked.len() {
            0 => "none".to_owned(),
            n => format!("{n} (0 to {})", n - 1),
        };
        let detail = format!("there is no rule {}; the manifest asks for {numbers}", part.rule);
        return Err(EngineError::invalid(format!("/rules/{i}"), detail));
    };
    let some = |field: &str, wanted: &Option<Vec<String>>, all: &[String]| match wanted {
        None => Ok(all.to_vec()),
        Some(wanted) => match wanted.iter().find(|one| !all.contains(one)) {
            None if !wanted.is_empty() => Ok(wanted.clone()),
            wrong => {
                let found = wrong.map_or_else(|| "none".to_owned(), |wrong| format!("`{wrong}`"));
                let detail = format!("expected some of what the rule asks, {}, found {found}", all.join(", "));
                Err(EngineError::invalid(format!("/rules/{i}/{field}"), detail))
            }
        },
    };
    Ok(NetworkRule {
        methods: some("methods", &part.methods, &whole.methods)?,
        paths: some("paths", &part.paths, &whole.paths)?,
        ..whole.clone()
    })
}

/// Those of a list of the manifest that a request names by number.
fn chosen<T: Clone>(list: &str, what: &str, numbers: &[usize], asked: &[T]) -> Result<Vec<T>> {
    let one = |(i, number): (usize, &usize)| {
        asked.get(*number).cloned().ok_or_else(|| {
            let numbers = match asked.len() {
                0 => "none".to_owned(),
                n => format!("{n} (0 to {})", n - 1),
            };
            let detail = format!("there is no {what} {number}; the manifest asks for {numbers}");
            EngineError::invalid(format!("/{list}/{i}"), detail)
        })
    };
    numbers.iter().enumerate().map(one).collect()
}

impl Engine {
    /// Grants a plugin what its manifest asks, or a part of it.
    ///
    /// # Errors
    /// Where the plugin does not exist, a rule's number is none of the manifest's, the end has passed, or the policy is against it.
    pub async fn approve(&self, request: GrantRequest) -> Result<Decision> {
        let plugin = self.plugin(&request.plugin).await?;
        let manifest = &plugin.row.bundle.manifest;
        let mut grant = Grant::as_asked(plugin.row.digest.clone(), manifest);
        if let Some(parts) = &request.rules {
            let asked = &manifest.capabilities.network;
            let rules = parts.iter().enumerate().map(|(i, part)| rule(i, part, asked));
            grant.capabilities.network = rules.collect::<Result<_>>()?;
        }
        if let Some(numbers) = &request.git {
            grant.capabilities.git = chosen("git", "checkout", numbers, &manifest.capabilities.git)?;
        }
        if let Some(numbers) = &request.files {
            grant.capabilities.files = chosen("files", "directory", numbers, &manifest.capabilities.files)?;
        }
        if request.catalog == Some(true) && !manifest.capabilities.catalog {
            let detail = "the manifest does not ask to read the catalog; leave this out";
            return Err(EngineError::invalid("/catalog", detail));
        }
        grant.capabilities.catalog &= request.catalog != Some(false);
        let any = grant.capabilities.network.iter().find(|rule| rule.is_any_host());
        match (any, request.any_host) {
            (Some(rule), false) => {
                let detail = format!(
                    "`{}` leads to every host that is not private; grant the other rules alone, as in `--rule 0`, or allow this on \
                     purpose with `--any-host`, which is kept with the decision",
                    rule.to
                );
                return Err(EngineError::invalid("/any_host", detail));
            }
            (None, true) => {
                let detail = "no rule that is granted has `*` as its host; leave this out";
                return Err(EngineError::invalid("/any_host", detail));
            }
            _ => {}
        }
        grant.any_host = request.any_host;
        if request.expires_at.is_some_and(|end| end <= self.now()) {
            return Err(EngineError::invalid(
                "/expires_at",
                "this time has passed; give one that is still to come",
            ));
        }
        grant.private_ranges = request.private_ranges;
        grant.plaintext_to_loopback = request.plaintext_to_loopback;
        grant.expires_at = request.expires_at;
        self.permit(&plugin, &grant, &request.by).await?;
        let before = self.in_force(&manifest.name).await?;
        let decision = Decision {
            digest: plugin.row.digest.clone(),
            verdict: Verdict::Approved,
            grant: Some(grant),
            by: request.by,
            reason: request.reason,
            at: self.now(),
            rests_on: None,
        };
        let decision = self.decide(&plugin, before.as_ref(), decision).await?;
        self.put_in_force(&plugin.row).await?;
        Ok(decision)
    }

    /// Takes a grant back. Requests in flight end at once.
    ///
    /// # Errors
    /// Where the plugin does not exist, or a name alone does not say which of its versions.
    pub async fn revoke(&self, plugin: &str, by: &str, reason: Option<String>) -> Result<Decision> {
        let plugin = self.undecided_or_granted(plugin).await?;
        let decision = Decision {
            digest: plugin.row.digest.clone(),
            verdict: Verdict::Revoked,
            grant: None,
            by: by.to_owned(),
            reason,
            at: self.now(),
            rests_on: None,
        };
        self.decide(&plugin, None, decision).await
    }

    /// Keeps a decision about a version, and does what follows from it. `replaces` is the version in whose place this one is in force
    /// from then on.
    pub(crate) async fn decide(
        &self,
        plugin: &PluginView,
        replaces: Option<&PluginView>,
        decision: Decision,
    ) -> Result<Decision> {
        let note = self.grant_change(plugin, replaces, &decision, decision.word());
        self.decide_with(note, decision).await
    }

    /// As [`Engine::decide`], with this note.
    pub(crate) async fn decide_with(&self, note: DefinitionChange, decision: Decision) -> Result<Decision> {
        let before = self.inner.store.decisions(Some(&decision.digest)).await?;
        // The same terms once more are a decision too, and end nothing.
        let as_before = before
            .last()
            .is_some_and(|last| last.verdict == decision.verdict && last.grant == decision.grant);
        self.inner.store.put_decision(&decision, &note).await?;
        if !as_before {
            self.inner.sites.end(|site| *site.plugin.digest() == decision.digest);
        }
        tracing::info!(
            digest = decision.digest.short(),
            verdict = decision.word(),
            by = decision.by,
            "grant decided"
        );
        self.wake_deliveries();
        for row in self.inner.store.integrations().await? {
            // A refused credential or a missing grant may be what it waited for.
            self.inner.supervisors.wake(&row.integration.name);
        }
        Ok(decision)
    }
}
