//! From a plugin's folder to one file that is the whole plugin.

use crate::{
    Lang, Progress, Toolchain,
    cache::say,
    detect,
    error::{At as _, BuildError},
    lang::{js, python, rust},
    project, world,
};
use seawall_domain::{
    Digest,
    bundle::{self, Bundle, Wasi},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// How to build.
#[derive(Clone)]
pub struct Options<'a> {
    /// Small and fast code, which takes longer to build. Only Rust makes a difference.
    pub release: bool,
    /// The file to write. Absent: `dist/NAME.wasm` in the plugin's folder.
    pub out: Option<PathBuf>,
    /// Told what goes on.
    pub progress: Progress<'a>,
}

impl<'a> Options<'a> {
    /// A release build to the usual place.
    pub fn new(progress: Progress<'a>) -> Self {
        Self {
            release: true,
            out: None,
            progress,
        }
    }
}

/// A plugin that was built.
#[derive(Debug, Clone)]
pub struct Built {
    /// The component.
    pub path: PathBuf,
    /// Of its bytes.
    pub digest: Digest,
    /// What it carries.
    pub bundle: Bundle,
    /// Bytes.
    pub size: u64,
}

impl Toolchain {
    /// Builds the plugin in a folder. Manifest, blueprints and mapping are checked first, so that mistakes in them show
    /// at once; they are put into the component last, so that nothing removes them again.
    ///
    /// # Errors
    /// [`BuildError::Invalid`] with every mistake in those files, [`BuildError::Component`] where code and manifest do
    /// not fit each other, and the errors of the language's tools.
    pub fn build(&self, folder: &Path, options: &Options<'_>) -> Result<Built, BuildError> {
        let lang = detect(folder)?;
        let project = project::read(folder)?;
        let name = project.manifest.name.clone();
        let out = match &options.out {
            Some(out) => std::path::absolute(out).at("find", out)?,
            None => project.folder.join("dist").join(format!("{name}.wasm")),
        };
        say(options.progress, format!("building {name} ({lang})"));
        for note in project.notes {
            say(options.progress, note);
        }

        let work = tempfile::tempdir().at("make a folder in", std::env::temp_dir())?;
        let component = match lang {
            Lang::Rust => rust::build(self, &project.folder, options.release, options.progress)?,
            Lang::Js | Lang::Python => {
                let (world, made) = (work.path().join("world"), work.path().join("component.wasm"));
                fs::create_dir(&world).at("make", &world)?;
                world::write(self, &project.manifest, &world)?;
                let build = if lang == Lang::Js { js::build } else { python::build };
                build(self, &project.folder, &world, &made, options.progress)?;
                fs::read(&made).at("read", made)?
            }
        };

        let bundle = Bundle::new(project.manifest, project.blueprints, project.mapping);
        let unfit = |reason: String| BuildError::Component {
            file: project.folder.join(seawall_domain::manifest::FILE),
            reason,
        };
        let found = bundle::world(&component).map_err(|e| unfit(e.to_string()))?;
        bundle.check_roles(&found.exports).map_err(|e| match lang {
            Lang::Rust => unfit(format!(
                "{e}\nThe line `seawall_sdk::plugin!(MyPlugin: ingestor);` names what is exported"
            )),
            Lang::Js | Lang::Python => unfit(e.to_string()),
        })?;
        bundle::check_imports(&found.imports, true).map_err(|bad| {
            let lines: Vec<String> = bad.iter().map(ToString::to_string).collect();
            unfit(format!(
                "the host does not have all that the component imports:\n{}",
                lines.join("\n")
            ))
        })?;
        if Wasi::of(&found.imports).contains(&Wasi::V0_3) {
            let note = "note: it needs WASI 0.3, which a host has where it was started with `--wasi-0-3`";
            say(options.progress, note);
        }
        let bytes = bundle.embed(&component).map_err(|e| unfit(e.to_string()))?;
        write_whole(&out, &bytes)?;
        Ok(Built {
            digest: Digest::of(&bytes),
            size: bytes.len() as u64,
            path: out,
            bundle,
        })
    }
}

/// Beside the target first, so that nobody who watches it ever reads half a component.
fn write_whole(out: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let folder = out.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).at("make", folder)?;
    let part = out.with_extension("wasm.part");
    fs::write(&part, bytes).at("write", &part)?;
    fs::rename(&part, out).at("write", out)
}
