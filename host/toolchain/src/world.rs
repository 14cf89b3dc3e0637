//! The WIT world of one plugin: what its manifest's roles and capabilities come to.

use crate::{
    Toolchain,
    error::{At as _, BuildError},
};
use seawall_domain::manifest::{Manifest, Role};
use std::{fmt::Write as _, fs, path::Path};

/// The text of the world `plugin` of package `author:plugin`.
pub(crate) fn text(manifest: &Manifest) -> String {
    let mut text = String::from("package author:plugin;\n\nworld plugin {\n");
    let mut include = |package: &str, world: &str| {
        let _ = writeln!(text, "    include seawall:{package}/{world}@0.1.0;");
    };
    for role in &manifest.roles {
        include("plugin", &format!("{}-plugin", role.name()));
    }
    // A rule imports nothing, so that it cannot but give the same verdict on the same input.
    if manifest.roles.iter().any(|role| *role != Role::Rule) {
        for world in ["http", "clocks", "random"] {
            include("platform", world);
        }
        if !manifest.capabilities.files.is_empty() {
            include("platform", "files");
        }
    }
    text.push_str("}\n");
    text
}

/// Writes the world and all that it depends on into an empty folder: `world.wit` and `deps/`.
pub(crate) fn write(tools: &Toolchain, manifest: &Manifest, folder: &Path) -> Result<(), BuildError> {
    let file = folder.join("world.wit");
    fs::write(&file, text(manifest)).at("write", &file)?;
    let wit = tools.sdk().join("wit");
    let packages = fs::read_dir(wit.join("deps")).at("read", wit.join("deps"))?;
    for package in packages {
        let package = package.at("read", wit.join("deps"))?;
        copy(&package.path(), &folder.join("deps").join(package.file_name()))?;
    }
    copy(&wit.join("plugin"), &folder.join("deps/seawall-plugin"))?;
    copy(&wit.join("platform"), &folder.join("deps/seawall-platform"))
}

fn copy(from: &Path, to: &Path) -> Result<(), BuildError> {
    fs::create_dir_all(to).at("make", to)?;
    for file in fs::read_dir(from).at("read", from)? {
        let file = file.at("read", from)?;
        fs::copy(file.path(), to.join(file.file_name())).at("copy", file.path())?;
    }
    Ok(())
}

trait RoleName {
    fn name(&self) -> &'static str;
}

impl RoleName for Role {
    fn name(&self) -> &'static str {
        match self {
            Self::Ingestor => "ingestor",
            Self::Webhook => "webhook",
            Self::Action => "action",
            Self::Rule => "rule",
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn manifest(roles: &str, capabilities: &str) -> Manifest {
        let json = format!(r#"{{"name": "a", "version": "1.0.0", "roles": {roles}, "capabilities": {capabilities}}}"#);
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn a_rule_alone_imports_nothing() {
        let text = text(&manifest(r#"["rule"]"#, "{}"));
        let expected = "package author:plugin;\n\nworld plugin {\n    include seawall:plugin/rule-plugin@0.1.0;\n}\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn files_are_imported_where_the_manifest_asks() {
        let without = text(&manifest(r#"["ingestor", "action"]"#, "{}"));
        assert!(
            without.contains("ingestor-plugin") && without.contains("action-plugin"),
            "{without}"
        );
        assert!(
            without.contains("platform/http") && !without.contains("platform/files"),
            "{without}"
        );
        let with = text(&manifest(
            r#"["ingestor"]"#,
            r#"{"files": [{"at": "/d", "from": "{d}"}]}"#,
        ));
        assert!(with.contains("platform/files"), "{with}");
    }
}
