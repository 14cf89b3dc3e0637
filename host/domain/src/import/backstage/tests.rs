#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::{folder::Texts, import::Severity};
use serde_json::json;

fn files(all: &[(&str, &str)]) -> Texts {
    all.iter().copied().collect()
}

fn read(all: &[(&str, &str)]) -> Imported {
    import(&files(all), &Options::default())
}

fn entity<'a>(imported: &'a Imported, name: &str) -> &'a Value {
    let found = imported
        .definitions
        .iter()
        .find(|d| d.kind == Kind::Entity && d.name == name);
    let all: Vec<_> = imported.definitions.iter().map(|d| &d.name).collect();
    &found.unwrap_or_else(|| panic!("{name} is not among {all:?}")).value
}

fn document(kind: &str, name: &str, spec: &str) -> String {
    format!("apiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n")
}

fn notes(imported: &Imported, severity: Severity) -> Vec<String> {
    let of = imported.notes.iter().filter(|note| note.severity == severity);
    of.map(|note| {
        format!(
            "{}:{} {}: {}",
            note.file,
            note.line.unwrap_or_default(),
            note.what,
            note.why
        )
    })
    .collect()
}

#[test]
fn each_pair_of_relations_is_stored_on_one_side() {
    let text = [
        document("Component", "web", "{owner: team, system: shop, subcomponentOf: site, providesApis: [a], consumesApis: [other/b], dependsOn: [api-less, 'Resource:db', 'system:shop']}"),
        document("Component", "site", "{owner: 'User:ann', dependencyOf: ['component:web']}"),
        document("Resource", "db", "{type: postgres, system: shop, dependencyOf: [web]}"),
        document("API", "a", "{type: rest, system: shop}"),
        document("System", "shop", "{owner: team, domain: retail}"),
        document("Domain", "retail", "{subdomainOf: all}"),
        document("Group", "team", "{type: team, parent: unit, members: [bob], children: []}"),
        document("Group", "unit", "{type: unit, children: [team, small]}"),
        document("Group", "small", "{type: team}"),
        document("User", "ann", "{memberOf: [team]}"),
        document("User", "bob", "{}"),
    ]
    .concat();
    let imported = read(&[("catalog-info.yaml", &text)]);
    assert_eq!(imported.notes, [], "{:#?}", imported.notes);
    let relations = |name: &str| entity(&imported, name)["relations"].clone();
    assert_eq!(
        relations("component/web"),
        json!({
            "owner": "team", "system": "shop", "subcomponentOf": "site", "providesApis": ["a"], "consumesApis": ["other/b"],
            "dependsOnComponents": ["api-less", "site"], "dependsOnResources": ["db"], "dependsOnSystems": ["shop"],
        })
    );
    assert_eq!(relations("component/site"), json!({"ownedByUser": "ann"}));
    assert_eq!(relations("resource/db"), json!({"system": "shop"}));
    assert_eq!(relations("system/shop"), json!({"owner": "team", "domain": "retail"}));
    assert_eq!(relations("domain/retail"), json!({"subdomainOf": "all"}));
    assert_eq!(relations("group/team"), json!({"parent": "unit"}));
    assert_eq!(relations("group/small"), json!({"parent": "unit"}));
    assert_eq!(relations("user/ann"), json!({"memberOf": ["team"]}));
    assert_eq!(relations("user/bob"), json!({"memberOf": ["team"]}));
    assert_eq!(entity(&imported, "component/web")["team"], json!(["team"]));
    // What was carried is not said twice.
    assert_eq!(entity(&imported, "group/team")["properties"].get("spec"), None);
}

#[test]
fn the_blueprints_fit_their_entities_and_each_others_names() {
    let text = [
        document(
            "Component",
            "web",
            "{dependsOn: ['product:x'], lifecycle: production, type: service}",
        ),
        document("Product", "x", "{owner: team, price: 5}"),
    ]
    .concat();
    let options = Options {
        prefix: "backstage".into(),
        checkout: None,
    };
    let imported = import(&files(&[("catalog-info.yaml", &text)]), &options);
    let blueprints: Vec<_> = imported
        .definitions
        .iter()
        .filter(|d| d.kind == Kind::Blueprint)
        .collect();
    let names: Vec<_> = blueprints.iter().map(|d| d.name.as_str()).collect();
    for blueprint in &blueprints {
        crate::definition::canonical(Kind::Blueprint, &blueprint.value).unwrap();
        for (relation, of) in blueprint.value["relations"].as_object().unwrap() {
            let target = of["target"].as_str().unwrap();
            assert!(
                names.contains(&target),
                "{}: {relation} points to {target}",
                blueprint.name
            );
        }
    }
    assert!(names.contains(&"backstageProduct") && names.contains(&"backstageComponent"));
    let product = entity(&imported, "backstageProduct/x");
    assert_eq!(product["properties"]["spec"], json!({"price": 5}));
    let web = blueprints.iter().find(|d| d.name == "backstageComponent").unwrap();
    assert_eq!(
        web.value["relations"]["dependsOnProducts"]["target"],
        "backstageProduct"
    );
    assert_eq!(web.value["schema"]["properties"]["lifecycle"]["type"], "string");
}

#[test]
fn everything_that_metadata_and_spec_say_is_somewhere() {
    let text = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: Web\n  namespace: Shop\n  title: The web\n  \
                description: d\n  tags: [a]\n  labels: {tier: \"1\"}\n  annotations: {backstage.io/techdocs-ref: dir:.}\n  \
                links: [{url: 'https://x', title: X}]\n  uid: 7\nspec: {type: service, lifecycle: [x], custom: {em: ann}}\nstatus: {}\n";
    let imported = read(&[("a/catalog-info.yml", text)]);
    let web = entity(&imported, "component/shop/web");
    assert_eq!(web["title"], "The web");
    assert_eq!(
        web["properties"],
        json!({
            "name": "Web", "namespace": "Shop", "description": "d", "tags": ["a"], "labels": {"tier": "1"},
            "annotations": {"backstage.io/techdocs-ref": "dir:."}, "links": [{"url": "https://x", "title": "X"}],
            "metadata": {"uid": 7}, "apiVersion": "backstage.io/v1alpha1", "source": "a/catalog-info.yml",
            "type": "service", "spec": {"lifecycle": ["x"], "custom": {"em": "ann"}},
        })
    );
    let left = notes(&imported, Severity::NotCarried);
    assert!(
        left.len() == 1 && left[0].contains("catalog-info.yml:14") && left[0].contains("`status`"),
        "{left:?}"
    );
}

#[test]
fn files_are_pulled_in_from_the_folder_only() {
    let spec = |value: &str| document("API", "a", &format!("{{type: openapi, definition: {value}}}"));
    let openapi = "openapi: 3.0.0\ninfo: {title: T, version: '1'}\npaths: {/a: {get: {summary: s}}}\n";
    let with = |value: &str, options: &Options| {
        import(
            &files(&[
                ("x/catalog-info.yaml", &spec(value)),
                ("x/api.yaml", openapi),
                ("o.yaml", openapi),
            ]),
            options,
        )
    };
    for inside in [
        "{$text: ./api.yaml}",
        "{$text: ../o.yaml}",
        "{$yaml: api.yaml}",
        "{$openapi: api.yaml}",
    ] {
        let imported = with(inside, &Options::default());
        assert_eq!(imported.notes, [], "{inside}");
        let properties = &entity(&imported, "api/a")["properties"];
        assert_eq!(properties["definitionTitle"], "T", "{inside}");
        assert_eq!(properties["operations"][0]["name"], "GET /a");
        assert_eq!(properties["openapi"]["info"]["version"], "1");
    }
    for (outside, severity, words) in [
        ("{$text: ../../etc/passwd}", Severity::Wrong, "leads out of the folder"),
        ("{$text: /etc/passwd}", Severity::Wrong, "relative to this file"),
        ("{$text: ./none.yaml}", Severity::Wrong, "no such file"),
        (
            "{$text: 'https://example.com/a.yaml'}",
            Severity::NotCarried,
            "nothing is fetched",
        ),
    ] {
        let imported = with(outside, &Options::default());
        let said = notes(&imported, severity);
        assert!(
            said.len() == 1 && said[0].contains(words) && said[0].starts_with("x/catalog-info.yaml:4 "),
            "{said:?}"
        );
        // The entity itself is there.
        entity(&imported, "api/a");
    }
    let options = Options {
        checkout: Checkout::new("https://github.com/acme/shop.git", ""),
        ..Options::default()
    };
    let imported = with("{$text: 'https://github.com/acme/shop/blob/main/x/api.yaml'}", &options);
    assert_eq!(imported.notes, []);
    assert_eq!(entity(&imported, "api/a")["properties"]["definitionTitle"], "T");
}

#[test]
fn locations_lead_to_files_and_patterns() {
    let location = document(
        "Location",
        "all",
        "{targets: ['./more/*.yaml', './one.txt', 'https://example.com/x.yaml', './none-*.yaml', '../out.yaml']}",
    );
    let mut plain = document("Component", "a", "{}");
    plain = plain.replace("backstage.io/v1alpha1", "acme.example.com/v1");
    let b = document("Component", "b", "{}");
    let imported = read(&[
        ("all.yaml", &location),
        ("more/a.yaml", &plain),
        ("more/deeper/c.yaml", "score: 3\n"),
        ("one.txt", &b),
    ]);
    entity(&imported, "component/a");
    entity(&imported, "component/b");
    assert_eq!(
        entity(&imported, "location/all")["properties"]["targets"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    let wrong = notes(&imported, Severity::Wrong);
    assert!(
        wrong.len() == 2 && wrong[0].contains("`../out.yaml`") && wrong[1].contains("`./none-*.yaml`"),
        "{wrong:?}"
    );
    let left = notes(&imported, Severity::NotCarried);
    assert!(left.len() == 1 && left[0].contains("https://example.com"), "{left:?}");
    assert_eq!(imported.passed_over, ["more/deeper/c.yaml"]);
}

#[test]
fn what_is_wrong_has_its_line_and_takes_nothing_else_along() {
    let text = format!(
        "{}{}{}apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{name: 'a/b'}}\n---\na: [\n",
        document("Component", "a", "5"),
        document("Component", "A", "{}"),
        document("Component", "b", "{owner: 'x:y:z', providesApis: ['component:a']}"),
    );
    let imported = read(&[("catalog-info.yaml", &text)]);
    let wrong = notes(&imported, Severity::Wrong);
    assert_eq!(wrong.len(), 4, "{wrong:#?}");
    assert!(
        wrong[0].contains(":4 component:default/a: spec: expected an object, found `5`"),
        "{wrong:#?}"
    );
    assert!(
        wrong[1].contains(":6 component:default/a: it is defined before, in catalog-info.yaml:1"),
        "{wrong:#?}"
    );
    assert!(
        wrong[2].contains(":18 API: metadata.name: expected a name without"),
        "{wrong:#?}"
    );
    let left = notes(&imported, Severity::NotCarried);
    assert!(
        left.len() == 2 && left[0].contains("spec.owner") && left[1].contains("spec.providesApis.0"),
        "{left:#?}"
    );
    let b = entity(&imported, "component/b");
    assert_eq!(
        b["properties"]["spec"],
        json!({"owner": "x:y:z", "providesApis": ["component:a"]})
    );
}

#[test]
fn a_word_for_an_entity_that_is_not_there_stays_in_the_spec() {
    let text = document("Group", "team", "{members: [bob, ann]}") + &document("User", "ann", "{}");
    let imported = read(&[("catalog-info.yaml", &text)]);
    assert_eq!(
        entity(&imported, "group/team")["properties"]["spec"],
        json!({"members": ["bob", "ann"]})
    );
    assert_eq!(
        entity(&imported, "user/ann")["relations"],
        json!({"memberOf": ["team"]})
    );
    let left = notes(&imported, Severity::NotCarried);
    assert!(
        left.len() == 1 && left[0].contains("user:default/bob, which is not in the folder"),
        "{left:?}"
    );
}

#[test]
fn the_skeleton_of_a_template_is_no_mistake() {
    let skeleton =
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: ${{ values.name | dump }}\nspec: {}\n";
    let unreadable = "apiVersion: backstage.io/v1alpha1\n{%- if x %}\nkind: Component\n{%- endif %}\n";
    let imported = read(&[("s/catalog-info.yaml", skeleton), ("t/catalog-info.yaml", unreadable)]);
    assert!(!imported.is_wrong(), "{:#?}", imported.notes);
    assert_eq!(imported.notes.len(), 2);
    assert_eq!(imported.definitions, []);
}
