#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::{folder::Texts, import::backstage::Options, manifest::Capabilities};
use plan::May;
use serde_json::json;
use std::{collections::BTreeMap, path::Path};

fn loaded(all: &[(&str, &str)]) -> Loaded {
    load(&all.iter().copied().collect::<Texts>(), &Options::default())
}

fn names(loaded: &Loaded) -> Vec<String> {
    loaded
        .definitions
        .iter()
        .map(|d| format!("{} {}", d.kind, d.name))
        .collect()
}

const FOLDER: [(&str, &str); 4] = [
    (
        "all.yaml",
        "kind: Integration\nname: one\nplugin: p\n---\nkind: Credential\nname: token\nsource: {env: T}\n---\nkind: Grant\nplugin: p\nrules: [0]\n",
    ),
    (
        "b.json",
        r#"[{"identifier": "service", "schema": {"properties": {}}, "relations": {"team": {"target": "team"}}}]"#,
    ),
    ("k8s.yaml", "apiVersion: apps/v1\nkind: Deployment\n"),
    (
        "more/t.yml",
        "kind: Blueprint\nidentifier: team\n---\nkind: Entity\nblueprint: team\nidentifier: a\n---\nkind: Policy\nmax_days: 5\n",
    ),
];

/// What stands beside the catalog.
const BESIDE: (&str, &str) = (
    "beside.yaml",
    "kind: Subscription\nname: bot\nurl: https://bot.example.com/hook\nheaders: [X-B, Authorization]\n---\nkind: View\nname: gold\nblueprints: [service]\nsort: -$updatedAt\n\
     ---\nkind: Settings\nretention: {days: 30}\n",
);

#[test]
fn documents_are_known_by_their_kind_or_shape_and_stand_in_order() {
    let all = loaded(&FOLDER);
    assert_eq!(all.problems, [""; 0]);
    assert_eq!(all.passed_over, ["k8s.yaml"]);
    let ordered: Vec<_> = in_order(all.definitions)
        .iter()
        .map(|d| format!("{} {}", d.kind, d.name))
        .collect();
    assert_eq!(
        ordered,
        [
            "Policy policy",
            "Blueprint team",
            "Blueprint service",
            "Credential token",
            "Grant p",
            "Integration one",
            "Entity team/a"
        ]
    );
}

#[test]
fn what_stands_beside_the_catalog_has_a_canonical_form_with_defaults() {
    let all = loaded(&[FOLDER[3], BESIDE]);
    assert_eq!(all.problems, [""; 0]);
    let ordered = in_order(all.definitions);
    let names: Vec<_> = ordered.iter().map(|d| format!("{} {}", d.kind, d.name)).collect();
    assert_eq!(
        names,
        [
            "Policy policy",
            "Settings settings",
            "Blueprint team",
            "View gold",
            "Entity team/a",
            "Subscription bot"
        ]
    );
    let retention = json!({"days": 30, "rows": 100_000, "pendingDays": 120});
    assert_eq!(
        ordered[1].value,
        json!({"definitions": {"locked": true}, "retention": retention})
    );
    let subscription = &ordered[5].value;
    assert_eq!(subscription["headers"], json!(["Authorization", "X-B"]));
    assert_eq!(
        (&subscription["paused"], &subscription["retry"]["tries"]),
        (&json!(false), &json!(12))
    );
    for definition in &ordered {
        let (text, _) = text(definition.kind, &definition.value).unwrap();
        let again = loaded(&[("again.yaml", &text)]);
        assert_eq!(again.problems, [""; 0]);
        assert_eq!(again.definitions[0].value, definition.value);
    }
    let wrong = loaded(&[(
        "a.yaml",
        "kind: Subscription\nname: bot\nurl: http://bot.example.com/\n---\nkind: Settings\nretention: {days: 200}\n---\nkind: View\nname: a/b\n---\nkind: Subscription\nname: bot\nurl: https://x.example.com\nheaders: {Authorization: hush}\n",
    )]);
    let said = wrong.problems.join("\n");
    for words in [
        "a.yaml:3:6: url: ",
        "retention.pendingDays",
        "a.yaml:9:7: name: ",
        "headers",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert!(!said.contains("hush"), "{said}");
}

#[test]
fn the_faults_of_a_blueprint_are_kept_where_it_says_so_and_noted() {
    let faulty =
        "identifier: service\nrelations: {team: {target: team}}\nmirrorProperties: {a: {path: team.$nothing}}\n";
    let refused = loaded(&[("a.yaml", &format!("kind: Blueprint\n{faulty}"))]);
    assert!(
        refused.problems[0].contains("mirrorProperties.a"),
        "{:?}",
        refused.problems
    );
    // As the server gives it, an export writes it, and a folder is read.
    let of_server: Value = serde_saphyr::from_str(faulty).unwrap();
    let value = blueprint::read(&of_server).value.unwrap();
    let (text, _) = text(Kind::Blueprint, &value).unwrap();
    let kept = loaded(&[("a.yaml", &text)]);
    assert_eq!(kept.problems, [""; 0]);
    assert_eq!(kept.definitions[0].value, value);
    assert!(kept.notes[0].what.contains("/mirrorProperties/a"), "{:?}", kept.notes);
    // Of one that is right, nothing is to be kept.
    let right = loaded(&[("a.yaml", "kind: Blueprint\nidentifier: team\nkeepFaults: true\n")]);
    assert_eq!(right.definitions[0].value.get("keepFaults"), None);
    // Nor is one refused that no entity could be checked against, where the server holds it already.
    let unusable = json!({"identifier": "x", "schema": {"properties": {}, "required": ["gone"]}, "keepFaults": true});
    assert_eq!(loaded(&[("a.json", &unusable.to_string())]).problems, [""; 0]);
}

#[test]
fn a_document_that_is_nested_too_deep_is_refused_with_its_place() {
    let nested = |levels: usize| {
        // The document and its `properties` are two.
        let value = "[".repeat(levels - 2) + &"]".repeat(levels - 2);
        format!(
            "{{\"kind\": \"Entity\", \"blueprint\": \"a\", \"identifier\": \"b\", \"properties\": {{\"x\": {value}}}}}"
        )
    };
    let most = crate::document::MAX_DEPTH;
    let fits = loaded(&[("a.json", &nested(most))]);
    assert_eq!(fits.problems, [""; 0]);
    let value = &fits.definitions[0].value;
    let (text, extension) = text(Kind::Entity, value).unwrap();
    assert_eq!(
        &loaded(&[(&format!("a.{extension}"), &text)]).definitions[0].value,
        value
    );
    let refused = loaded(&[("a.json", &nested(most + 1))]).problems.join("\n");
    assert!(refused.contains("nested deeper than 100 levels"), "{refused}");
}

#[test]
fn an_entity_that_does_not_fit_is_told_with_all_that_is_wrong() {
    let mut wanted = loaded(&[(
        "a.yaml",
        "kind: Blueprint\nidentifier: service\nschema: {properties: {tier: {type: string, enum: [gold]}, size: {type: number}}, required: [tier]}\n\
         relations: {to: {target: nowhere}}\n---\nkind: Entity\nblueprint: service\nidentifier: a\nproperties: {tier: iron, sise: 1}\n---\nkind: Entity\nblueprint: servce\nidentifier: b\n\
         ---\nkind: Entity\nblueprint: service\nidentifier: c\nproperties: {size: '7'}\n---\nkind: Entity\nblueprint: service\nidentifier: d\nproperties: {tier: gold}\nrelations: {to: x}\n",
    )])
    .definitions;
    let fit = fit(&mut wanted, &Default::default());
    let wrong = |name: &str| &fit.misfits[&(Kind::Entity, name.to_owned())];
    assert!(wrong("service/a").contains("properties.tier") && wrong("service/a").contains("properties.sise"));
    assert!(wrong("servce/b").contains("did you mean `service`?"));
    assert!(wrong("service/d").contains("relations.to: neither the folder nor the server has the blueprint `nowhere`"));
    let lacking = BTreeMap::from([(
        (Kind::Entity, "service/c".to_owned()),
        vec!["properties.tier".to_owned()],
    )]);
    assert_eq!(fit.lacking, lacking);
    let c = wanted.iter().find(|one| one.name == "service/c").unwrap();
    assert_eq!(c.value["properties"]["size"], 7);
}

#[test]
fn all_problems_of_a_folder_are_said_at_once_with_their_places() {
    let all = loaded(&[
        (
            "a.yaml",
            "kind: Integration\nname: One\nplugin: p\n---\nkind: Integraton\n---\nkid: Blueprint\n",
        ),
        (
            "b.yaml",
            "kind: Blueprint\nidentifier: x\nrelation: {}\n---\nkind: Scorecard\nidentifier: s\nrules: []\n",
        ),
        ("c.yaml", "kind: Blueprint\nidentifier: x\n"),
        (
            "d.json",
            "{\"kind\": \"Grant\", \"plugin\": \"p\",\n \"expires_at\": \"soon\"}",
        ),
        ("e.yaml", "a: [\n"),
        ("f.yaml", "kind: Policy\nnever: {methods: [delete]}\n"),
        ("g.yaml", "kind: Policy\nnever: {hosts: [\"a:443\"]}\n"),
        ("h.yaml", "kind: Policy\nmax_days: 4294967296\n"),
    ]);
    let said = all.problems.join("\n");
    for words in [
        "a.yaml:2:7: name: ",
        "a.yaml:5:7: kind: expected one of Policy, Settings",
        "did you mean `Integration`?",
        "a.yaml:7:1: kid: expected `kind`",
        "b.yaml:3:1: relation: expected one of identifier",
        "b.yaml:5:1: expected `blueprint`",
        "d.json:2:",
        "e.yaml:",
        "f.yaml:2:",
        "g.yaml:2:17: never.hosts[0]: expected a host, such as",
        "h.yaml:2:11: max_days: expected a number of at most 4294967295",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
}

#[test]
fn two_definitions_of_one_name_are_a_mistake() {
    let one = "kind: Credential\nname: a\nsource: sealed\n";
    let all = loaded(&[("a.yaml", one), ("b.yaml", one)]);
    assert_eq!(
        all.problems,
        ["b.yaml:1: credential `a` is defined a second time; it is in a.yaml:1 already, so take one of the two out"]
    );
}

#[test]
fn entities_of_backstage_bring_their_blueprints() {
    let component = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: web}\nspec: {owner: team}\n";
    let own = "identifier: component\ntitle: Ours\nschema: {properties: {}}\n";
    let all = loaded(&[
        ("catalog-info.yaml", component),
        ("component.yaml", own),
        ("mkdocs.yml", "site_name: x\n"),
    ]);
    assert_eq!(all.problems, [""; 0]);
    assert_eq!(all.passed_over, ["mkdocs.yml"]);
    assert!(names(&all).contains(&"Entity component/web".to_owned()));
    let component = all.definitions.iter().find(|d| d.name == "component").unwrap();
    assert_eq!(component.value["title"], "Ours");
}

fn state(all: &[Definition], source: &str) -> State {
    let mut state = State {
        locked: true,
        ..State::default()
    };
    for definition in all {
        state.now.insert(definition.key(), definition.value.clone());
        if definition.kind != Kind::Entity {
            let owner = Owner {
                kind: definition.kind,
                name: definition.name.clone(),
                source: source.to_owned(),
                file: Some("f.yaml".into()),
                digest: Some(digest(&definition.value)),
            };
            state.owners.insert(definition.key(), owner);
        }
    }
    state
}

fn changes(steps: &[Step]) -> Vec<String> {
    let word = |step: &Step| match &step.change {
        Change::Create => "create".to_owned(),
        Change::Change { fields } => format!(
            "change {}",
            fields.iter().map(|f| f.field.as_str()).collect::<Vec<_>>().join(" ")
        ),
        Change::Delete => "delete".to_owned(),
        Change::Stays => "stays".to_owned(),
        Change::Unchanged { claim } => format!("unchanged{}", if *claim { " claim" } else { "" }),
        Change::Hindered { .. } => "hindered".to_owned(),
    };
    let drift = |step: &Step| if step.drift { " drift" } else { "" };
    steps
        .iter()
        .map(|step| format!("{} {} {}{}", step.kind, step.name, word(step), drift(step)))
        .collect()
}

const ALL: May = May {
    prune: true,
    prune_entities: true,
    prune_placeholders: true,
    take_over: true,
};

#[test]
fn a_plan_of_what_is_there_already_changes_nothing() {
    let all = loaded(&FOLDER).definitions;
    let mine = state(&all, "git:a");
    assert!(
        plan(all.clone(), &mine, "git:a", ALL)
            .iter()
            .all(|step| step.change == Change::Unchanged { claim: false })
    );
    let new = plan(all, &State::default(), "git:a", ALL);
    assert!(new.iter().all(|step| step.change == Change::Create) && new.len() == 7);
}

#[test]
fn a_plan_says_fields_and_drift_and_what_goes() {
    let all = loaded(&FOLDER).definitions;
    let mut now = state(&all, "git:a");
    let key = |kind, name: &str| (kind, name.to_owned());
    now.now.get_mut(&key(Kind::Blueprint, "team")).unwrap()["title"] = json!("Changed by hand");
    now.now.remove(&key(Kind::Credential, "token"));
    let less: Vec<_> = all
        .into_iter()
        .filter(|d| !["one", "team/a"].contains(&d.name.as_str()))
        .collect();
    let steps = changes(&plan(less.clone(), &now, "git:a", ALL));
    assert_eq!(
        steps,
        [
            "Policy policy unchanged",
            "Blueprint team change title drift",
            "Blueprint service unchanged",
            "Credential token create drift",
            "Grant p unchanged",
            "Entity team/a delete",
            "Integration one delete",
        ]
    );
    let kept = |may| changes(&plan(less.clone(), &now, "git:a", may))[5..].to_vec();
    let none = May { prune: false, ..ALL };
    assert_eq!(kept(none), ["Entity team/a stays", "Integration one stays"]);
    let definitions = May {
        prune_entities: false,
        ..ALL
    };
    assert_eq!(kept(definitions), ["Entity team/a stays", "Integration one delete"]);
}

#[test]
fn a_blueprint_whose_entities_stay_does_not_go() {
    let all = loaded(&[(
        "model.yaml",
        "kind: Blueprint\nidentifier: team\n---\nkind: Blueprint\nidentifier: bare\n---\nkind: Entity\nblueprint: team\nidentifier: a\n",
    )]);
    let now = state(&all.definitions, "git:a");
    let without = |may| {
        let steps = plan(Vec::new(), &now, "git:a", may).into_iter();
        steps.map(|step| (step.name, step.change)).collect::<Vec<_>>()
    };
    let left = without(May {
        prune_entities: false,
        ..ALL
    });
    assert_eq!(left[0], ("team/a".to_owned(), Change::Stays));
    assert!(
        matches!(&left[1], (name, Change::Hindered { why }) if name == "team" && why.contains("--prune-entities=true")),
        "{left:?}"
    );
    assert_eq!(left[2], ("bare".to_owned(), Change::Delete));
    assert!(without(ALL).iter().all(|(_, change)| *change == Change::Delete));
}

#[test]
fn what_another_folder_owns_is_left_alone() {
    let all: Vec<_> = loaded(&FOLDER)
        .definitions
        .into_iter()
        .filter(|d| d.name == "team")
        .collect();
    let mut now = state(&all, "git:b");
    assert_eq!(
        changes(&plan(all.clone(), &now, "git:a", ALL)),
        ["Blueprint team hindered"]
    );
    now.locked = false;
    assert_eq!(
        changes(&plan(all.clone(), &now, "git:a", ALL)),
        ["Blueprint team unchanged claim"]
    );
    // What nobody owns is taken over by those who may.
    now.owners.clear();
    now.now.get_mut(&(Kind::Blueprint, "team".to_owned())).unwrap()["title"] = json!("x");
    assert_eq!(
        changes(&plan(all.clone(), &now, "import:port", May::default())),
        ["Blueprint team hindered"]
    );
    assert_eq!(
        changes(&plan(all, &now, "import:port", ALL)),
        ["Blueprint team change title"]
    );
}

#[test]
fn an_entity_that_others_point_to_stays_until_nobody_does() {
    let all = loaded(&[(
        "a.yaml",
        "kind: Blueprint\nidentifier: a\nrelations: {to: {target: b, many: true}}\n---\nkind: Entity\nblueprint: a\nidentifier: x\nrelations: {to: [y]}\n",
    )])
    .definitions;
    let mut now = state(&all, "git:a");
    let placeholder = json!({"blueprint": "b", "identifier": "y", "title": "y", "properties": {}, "relations": {}});
    now.now.insert((Kind::Entity, "b/y".to_owned()), placeholder);
    let change = |step: &Step| step.changes();
    assert!(!plan(all.clone(), &now, "git:a", ALL).iter().any(change));
    let without: Vec<_> = all.into_iter().filter(|d| d.kind != Kind::Entity).collect();
    let steps = changes(&plan(without, &now, "git:a", ALL));
    assert_eq!(
        steps,
        ["Blueprint a unchanged", "Entity b/y delete", "Entity a/x delete"]
    );
}

#[test]
fn an_entity_that_no_document_can_describe_is_left_where_it_is() {
    let all = loaded(&[(
        "a.yaml",
        "kind: Blueprint\nidentifier: b\nschema: {properties: {mail: {type: string}, size: {type: number, default: 1}}, required: [mail, size]}\n\
         ---\nkind: Entity\nblueprint: b\nidentifier: x\nproperties: {mail: m}\n",
    )])
    .definitions;
    let mut now = state(&all, "git:a");
    let mut say = |name: &str, properties: serde_json::Value| {
        let said =
            json!({"blueprint": "b", "identifier": name, "title": name, "properties": properties, "relations": {}});
        now.now.insert((Kind::Entity, format!("b/{name}")), said);
    };
    say("silent", json!({}));
    say("spoken", json!({"mail": "s"}));
    // A default is as good as a word.
    let of = |name: &str, value| ((Kind::Blueprint, name.to_owned()), value);
    let schema = json!({"properties": {"size": {"type": "number", "default": 1}}, "required": ["size"]});
    now.now.extend([of("c", json!({"identifier": "c", "schema": schema}))]);
    let said = json!({"blueprint": "c", "identifier": "x", "title": "x", "properties": {}, "relations": {}});
    now.now.insert((Kind::Entity, "c/x".to_owned()), said);
    let left = May {
        prune_placeholders: false,
        ..ALL
    };
    let unchanged = ["Blueprint b unchanged", "Entity b/x unchanged"];
    let with = |more: &[&'static str]| [&unchanged, more].concat();
    assert_eq!(
        changes(&plan(all.clone(), &now, "git:a", left)),
        with(&["Entity c/x delete", "Entity b/spoken delete"])
    );
    assert_eq!(
        changes(&plan(all, &now, "git:a", ALL)),
        with(&["Entity c/x delete", "Entity b/spoken delete", "Entity b/silent delete"])
    );
    // Its blueprint stays with it.
    let steps = plan(Vec::new(), &now, "git:a", left);
    let of = |step: &&Step| step.kind == Kind::Blueprint && step.name == "b";
    assert!(
        matches!(&steps.iter().find(of).unwrap().change, Change::Hindered { why } if why.contains("stay (1)")),
        "{steps:#?}"
    );
}

#[test]
fn a_circle_of_blueprints_has_an_order() {
    let of = |name: &str, target: &str| Definition {
        kind: Kind::Blueprint,
        name: name.to_owned(),
        value: json!({"identifier": name, "relations": {"r": {"target": target}}}),
        origin: Origin::default(),
    };
    let ordered = in_order(vec![of("a", "b"), of("b", "c"), of("c", "b"), of("d", "missing")]);
    let at = |name: &str| ordered.iter().position(|d| d.name == name).unwrap();
    assert!(ordered.len() == 4 && at("a") > at("b"), "{ordered:?}");
}

#[test]
fn what_is_exported_reads_as_it_was() {
    let odd = json!({"identifier": "x", "a": "yes", "b": "1.0", "c": "- x\n  y: z\n", "d": " ", "e": "#", "f": "null", "g": [], "h": {}, "i": "a: b", "j": "\u{7f}é\t", "k": 1e300, "l": "%", "m": "012", "n": "2026-01-01", "o": "~", "p": "\n\nx"});
    let mut all = loaded(&FOLDER).definitions;
    all.push(Definition {
        kind: Kind::Action,
        name: "x/..".into(),
        value: odd,
        origin: Origin::default(),
    });
    for definition in all {
        let (text, extension) = text(definition.kind, &definition.value).unwrap();
        let file = file_name(definition.kind, &definition.name, extension);
        assert!(file.split('/').all(|name| !["", ".", ".."].contains(&name)), "{file}");
        let document = crate::document::Document::parse(&file, &text).unwrap();
        let (_, value) = read::canonical(definition.kind, document.value()).unwrap();
        assert_eq!(value, definition.value, "{text}");
    }
}

#[test]
fn a_grant_is_compared_by_what_it_allows() {
    let asked: Capabilities = serde_json::from_value(json!({
        "network": [
            {"to": "{base_url}", "methods": ["GET", "POST"], "paths": ["/a", "/b"]},
            {"to": "{base_url}", "methods": ["GET"], "paths": ["/c"]},
        ],
        "git": [{"at": "/r", "from": "{repository}"}],
        "files": [{"at": "/a", "from": "/srv/a"}, {"at": "/b", "from": "/srv/b"}],
        "catalog": true,
    }))
    .unwrap();
    let document =
        |rules: Value| -> GrantDefinition { serde_json::from_value(json!({"plugin": "p", "rules": rules})).unwrap() };
    let whole: GrantDefinition = serde_json::from_value(json!({"plugin": "p"})).unwrap();
    assert_eq!(granted(&whole, &asked), granted(&document(json!([1, 0])), &asked));
    let part = document(json!([{"rule": 0, "methods": ["GET"]}]));
    assert_ne!(granted(&whole, &asked), granted(&part, &asked));
    for less in [
        json!({"plugin": "p", "git": []}),
        json!({"plugin": "p", "files": [1]}),
        json!({"plugin": "p", "catalog": false}),
        json!({"plugin": "p", "any_host": true}),
    ] {
        let less: GrantDefinition = serde_json::from_value(less).unwrap();
        assert_ne!(granted(&whole, &asked), granted(&less, &asked), "{less:?}");
    }
    // The document made of a grant grants the same.
    let mut grant = crate::grant::Grant {
        digest: Digest::of(b""),
        capabilities: Default::default(),
        credentials: Vec::new(),
        private_ranges: vec!["10.0.0.0/8".parse().unwrap()],
        plaintext_to_loopback: true,
        any_host: false,
        expires_at: Some(1_900_000_000_000),
    };
    let part = Capabilities {
        network: vec![crate::manifest::NetworkRule {
            methods: vec!["GET".into()],
            ..asked.network[0].clone()
        }],
        files: vec![asked.files[1].clone()],
        catalog: true,
        ..Capabilities::default()
    };
    for (capabilities, any_host) in [(asked.clone(), true), (part, false), (Capabilities::default(), false)] {
        grant.capabilities = capabilities;
        grant.any_host = any_host;
        let made = GrantDefinition::of("p", &grant, &asked);
        assert_eq!(granted(&made, &asked), of_grant("p", &grant), "{made:?}");
    }
}

#[test]
fn the_published_schemas_are_current() {
    for (name, schema) in schemas() {
        crate::document::check_schema(&schema).unwrap();
        let path = format!("{}/../../docs/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let now = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(Path::new(&path), &now).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == now,
            "docs/schemas/{name}.schema.json is not current; run UPDATE=1 cargo test -p seawall-domain"
        );
    }
}
