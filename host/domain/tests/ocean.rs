//! Port's own published blueprints, mappings and example items, where the sample data is beside the repository.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use seawall_domain::{Blueprint, Severity, blueprint::CompiledBlueprint, mapping::TrialInput};
use std::path::{Path, PathBuf};

fn folder() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/ocean");
    if data.is_dir() {
        return Some(data);
    }
    println!("skipped: the sample data is not beside the repository (../shared/data/ocean)");
    None
}

fn tools(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

#[test]
fn every_tool_loads_and_no_example_is_set_aside() {
    let Some(folder) = folder() else { return };
    let (mut items, mut entities) = (0, 0);
    for tool in tools(&folder) {
        let name = tool.file_name().unwrap().to_string_lossy().into_owned();
        let mut input = TrialInput::read(&tool).unwrap();
        input.now = Some(1_700_000_000_000);
        let trial = input.run();
        println!("{name}: {} blueprints, {:?}", trial.blueprints, trial.total);
        assert_eq!(trial.blueprint_errors, [""; 0], "{name}");
        assert_eq!(trial.mapping_errors, [""; 0], "{name}");
        for kind in &trial.kinds {
            for item in &kind.items {
                assert_eq!(item.error, None, "{name}");
                for report in &item.reports {
                    println!(
                        "  {:?} {}/{} {:?} [{}] {}",
                        report.severity, report.kind, report.key, report.entity, report.rule, report.message
                    );
                    assert_ne!(report.severity, Severity::SetAside, "{name}: {}", report.message);
                }
                if kind.mapped && item.selected {
                    entities += item.entities.len();
                }
            }
        }
        items += trial.total.items;
        assert!(trial.is_clean());
    }
    println!("{items} items, {entities} entities");
    assert!(items >= 140, "only {items} example items were found");
    assert!(entities >= 79, "only {entities} entities were made of {items} items");
}

#[test]
fn every_tools_computed_properties_are_understood() {
    let Some(folder) = folder() else { return };
    let mut computed = 0;
    for tool in tools(&folder) {
        let text = std::fs::read_to_string(tool.join("resources/blueprints.json")).unwrap();
        let blueprints: Vec<Blueprint> = serde_json::from_str(&text).unwrap();
        for blueprint in blueprints {
            let compiled = CompiledBlueprint::new(blueprint).unwrap();
            assert_eq!(
                compiled.faults(),
                [],
                "{}: {}",
                tool.display(),
                compiled.blueprint().identifier
            );
            computed += compiled.computed().names().count();
        }
    }
    assert!(computed > 10, "only {computed} computed properties were found");
}
