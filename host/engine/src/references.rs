//! Which component a person means: `shelf`, `shelf@1.2.0`, `shelf@4be1c0ffee12`, a digest, or the first digits of one.

use crate::{Engine, EngineError, PluginStatus, PluginView, Result};
use seawall_domain::{Digest, installed};

/// Digits of a digest that stand for it: as many as git asks for.
const DIGITS: usize = 7;

impl Engine {
    /// One installed component: by digest or the first digits of one, by `name@version`, or the newest of a name.
    ///
    /// # Errors
    /// Where nothing is so named, or several are.
    pub async fn plugin(&self, reference: &str) -> Result<PluginView> {
        let all = self.plugins().await?;
        if let Some(view) = find(&all, reference)? {
            return Ok(view.clone());
        }
        if let Some(removed) = find(&self.removed_plugins().await?, reference)? {
            let digest = &removed.row.digest;
            let hint = format!(
                "it was removed; `seawall audit {}` tells what it did, and installing it brings it back",
                digest.short()
            );
            return Err(EngineError::not_found_but("installed plugin", reference, hint));
        }
        let names = all.iter().map(|p| p.row.bundle.manifest.name.as_str());
        Err(match seawall_domain::text::nearest(reference, names) {
            Some(near) => EngineError::not_found_but("plugin", reference, format!("did you mean `{near}`?")),
            None if is_short(reference) => EngineError::not_found_but(
                "plugin",
                reference,
                format!("the first digits of a digest are {DIGITS} at least"),
            ),
            None if !installed::can_name(reference) => EngineError::not_found_but(
                "plugin",
                reference,
                format!("a plugin is named by {}", installed::FORMS),
            ),
            None => EngineError::not_found_but(
                "plugin",
                reference,
                "install it with `seawall plugin install FILE.wasm`; `seawall plugin list` shows those that are installed",
            ),
        })
    }

    /// As [`Engine::plugin`]; where no installed component is so named, one that was removed.
    ///
    /// # Errors
    /// As [`Engine::plugin`].
    pub async fn known_plugin(&self, reference: &str) -> Result<PluginView> {
        if let Some(view) = find(&self.plugins().await?, reference)? {
            return Ok(view.clone());
        }
        match find(&self.removed_plugins().await?, reference)? {
            Some(view) => Ok(view.clone()),
            None => self.plugin(reference).await,
        }
    }

    /// As [`Engine::known_plugin`], but a name alone is that of the version in force, which a newer one that waits beside it is not.
    ///
    /// # Errors
    /// As [`Engine::plugin`].
    pub(crate) async fn acting_plugin(&self, reference: &str) -> Result<PluginView> {
        if let Ok(name) = reference.parse()
            && let Some(view) = self.in_force(&name).await?
        {
            return Ok(view);
        }
        self.known_plugin(reference).await
    }

    /// The component that a decision is taken back of: as [`Engine::plugin`], but a name alone is that of the one version that is
    /// granted or waits to be, which the newest one need not be.
    ///
    /// # Errors
    /// As [`Engine::plugin`]; also where a name alone is that of several such versions.
    pub(crate) async fn undecided_or_granted(&self, reference: &str) -> Result<PluginView> {
        let all = self.plugins().await?;
        let open: Vec<&PluginView> = all
            .iter()
            .filter(|view| view.row.bundle.manifest.name.as_str() == reference)
            .filter(|view| matches!(view.status, PluginStatus::Granted | PluginStatus::AwaitingGrant))
            .collect();
        match open[..] {
            [] => self.plugin(reference).await,
            [one] => Ok(one.clone()),
            _ => {
                let each: Vec<_> = open.iter().map(|view| with_standing(view)).collect();
                Err(EngineError::Conflict(format!(
                    "`{reference}` names {} versions: {}; name one of them",
                    open.len(),
                    each.join(", "),
                )))
            }
        }
    }

    /// The digests of the components that a reference is about, of those that were removed too: of a name alone, all versions.
    ///
    /// # Errors
    /// As [`Engine::plugin`].
    pub async fn recorded_plugins(&self, reference: &str) -> Result<Vec<Digest>> {
        let mut all = self.plugins().await?;
        all.extend(self.removed_plugins().await?);
        let named = all
            .iter()
            .filter(|view| view.row.bundle.manifest.name.as_str() == reference);
        let named: Vec<Digest> = named.map(|view| view.row.digest.clone()).collect();
        if named.is_empty() {
            return Ok(vec![self.recorded_plugin(reference).await?]);
        }
        Ok(named)
    }

    async fn recorded_plugin(&self, reference: &str) -> Result<Digest> {
        // What was removed before its manifest was kept is known by its decisions: without one it sent nothing.
        if let Ok(digest) = Digest::new(reference)
            && !self.inner.store.decisions(Some(&digest)).await?.is_empty()
        {
            return Ok(digest);
        }
        Ok(self.known_plugin(reference).await?.row.digest)
    }
}

/// A reference to this version and no other, for who has to choose: `shelf@4be1c0ffee12`.
fn exact(view: &PluginView) -> String {
    format!("{}@{}", view.row.bundle.manifest.name, view.row.digest.short())
}

/// A version with how it stands, for who has to choose.
fn with_standing(view: &PluginView) -> String {
    let standing = match view.status {
        PluginStatus::AwaitingGrant => "waits for a grant",
        PluginStatus::Granted => "is granted",
        PluginStatus::Revoked => "was taken back",
        PluginStatus::Expired => "has ended",
        PluginStatus::Removed => "was removed",
    };
    format!(
        "`{}` ({}), which {standing}",
        exact(view),
        view.row.bundle.manifest.version
    )
}

/// The component that a reference names among `all`, which are in the order in which a name alone chooses.
fn find<'a>(all: &'a [PluginView], reference: &str) -> Result<Option<&'a PluginView>> {
    let name = |one: &&PluginView| one.row.bundle.manifest.name.as_str().to_owned();
    if let Some(newest) = all.iter().find(|one| name(one) == reference) {
        return Ok(Some(newest));
    }
    let (of, rest) = match reference.split_once('@') {
        Some((of, rest)) => (Some(of), rest),
        None => (None, reference),
    };
    let mine = all.iter().filter(|one| of.is_none_or(|of| name(one) == of));
    let is_version = |one: &&PluginView| of.is_some() && one.row.bundle.manifest.version.to_string() == rest;
    let mut found: Vec<&PluginView> = mine.clone().filter(is_version).collect();
    if found.is_empty() {
        found = mine.filter(|one| begins(&one.row.digest, rest)).collect();
    }
    match found[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => {
            let each: Vec<_> = found.iter().map(|one| format!("`{}`", exact(one))).collect();
            Err(EngineError::Conflict(format!(
                "`{reference}` names {} components: {}; name one of them",
                found.len(),
                each.join(", ")
            )))
        }
    }
}

/// Whether it looks like the first digits of a digest, and is too few of them.
fn is_short(reference: &str) -> bool {
    let digits = reference.rsplit_once('@').map_or(reference, |(_, digits)| digits);
    let digits = digits.strip_prefix("sha256:").unwrap_or(digits);
    (4..DIGITS).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn begins(digest: &Digest, digits: &str) -> bool {
    let digits = digits.strip_prefix("sha256:").unwrap_or(digits);
    digits.len() >= DIGITS && digest.as_str()["sha256:".len()..].starts_with(&digits.to_ascii_lowercase())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::Standing;
    use seawall_store::PluginRow;
    use serde_json::json;

    fn view(name: &str, version: &str, digest: &str) -> PluginView {
        let manifest = json!({"name": name, "version": version, "roles": ["ingestor"]});
        let row = PluginRow {
            digest: Digest::new(format!("sha256:{digest:0<64}")).unwrap(),
            bundle: serde_json::from_value(json!({"manifest": manifest})).unwrap(),
            size: 1,
            installed_at: 0,
            imports: Vec::new(),
            exports: Vec::new(),
            installed_by: None,
            removed_at: None,
        };
        PluginView {
            row,
            status: PluginStatus::Granted,
            decision: None,
            standing: Standing::default(),
        }
    }

    #[test]
    fn a_reference_names_one_component_or_says_which_ones() {
        let all = [
            view("shelf", "1.1.0", "abcdef1234"),
            view("shelf", "1.0.0", "abcdef1299"),
            view("shelf", "1.0.0", "0123456789"),
            view("deadbeef", "1.0.0", "77"),
        ];
        let found = |reference: &str| {
            let found = find(&all, reference).map_err(|e| e.to_string());
            found.map(|one| one.and_then(|one| all.iter().position(|other| other.row == one.row)))
        };
        for (reference, index) in [
            ("shelf", Some(0)),
            ("shelf@1.1.0", Some(0)),
            ("abcdef1299", Some(1)),
            ("ABCDEF1299", Some(1)),
            ("sha256:0123456", Some(2)),
            ("shelf@0123456", Some(2)),
            (all[2].row.digest.as_str(), Some(2)),
            ("deadbeef", Some(3)),
            // Too few digits, another's digest, nothing of the kind.
            ("012345", None),
            ("deadbeef@0123456", None),
            ("shelf@2.0.0", None),
            ("", None),
            ("@", None),
            ("sha256:", None),
        ] {
            assert_eq!(found(reference), Ok(index), "{reference}");
        }
        for ambiguous in ["abcdef12", "shelf@1.0.0"] {
            let why = found(ambiguous).unwrap_err();
            assert!(why.contains("2 components: `shelf@abcdef1"), "{why}");
        }
    }
}
