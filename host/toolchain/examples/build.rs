//! Builds a plugin from the command line: `cargo run -p seawall-toolchain --example build -- DIR [OUT.wasm]`.
//! `--dev DIR` builds for the author's loop, with less care for size; `--new LANG NAME DIR` makes a plugin.
#![expect(clippy::print_stdout, reason = "an example prints")]

use seawall_toolchain::{BuildError, Lang, Options, Toolchain};
use std::{path::Path, process::ExitCode, time::Instant};

fn main() -> ExitCode {
    match work(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work(args: &[String]) -> Result<(), BuildError> {
    let tools = Toolchain::from_env()?;
    match args {
        [flag, lang, name, folder] if flag == "--new" => {
            let lang: Lang = lang.parse().map_err(BuildError::Invalid)?;
            for file in tools.new_plugin(lang, name, Path::new(folder))? {
                println!("{}", file.display());
            }
        }
        [flag, folder] if flag == "--dev" => build(&tools, folder, None, false)?,
        [folder, out @ ..] => build(&tools, folder, out.first(), true)?,
        [] => eprintln!("usage: build DIR [OUT.wasm] | build --dev DIR | build --new LANG NAME DIR"),
    }
    Ok(())
}

fn build(tools: &Toolchain, folder: &str, out: Option<&String>, release: bool) -> Result<(), BuildError> {
    let begun = Instant::now();
    let options = Options {
        release,
        out: out.map(Into::into),
        progress: &|line| eprintln!("  {line}"),
    };
    let built = tools.build(Path::new(folder), &options)?;
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{} {} bytes {} in {seconds:.1} s",
        built.path.display(),
        built.size,
        built.digest
    );
    Ok(())
}
