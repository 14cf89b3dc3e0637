#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use serde_json::json;

const EXAMPLE: &str = r#"name: tool
version: 1.2.3-rc.1+build.5
title: Tool
description: Lists things.
homepage: https://example.com/tool
license: Apache-2.0
roles: [ingestor, webhook, action, rule]
config:
  type: object
  required: [base_url]
  properties:
    base_url: {type: string, format: uri, examples: ["https://tool.example.com"]}
    org: {type: string}
    directory: {type: string}
credentials:
  token: {description: A read-only token., required: true, attach: bearer}
  key: {attach: {header: {name: X-Api-Key, prefix: "Token "}}}
  param: {attach: {query: {name: api_key}}}
  login: {attach: basic}
capabilities:
  network:
    - to: "{base_url}/api"
      methods: [GET, POST]
      paths: [/v1/**, "/v2/*/things"]
      credential: token
      reason: Reads things.
    - to: https://*.example.com:8443
    - to: https://{org}.example.com
  files:
    - {at: /checkout, from: "{directory}", reason: Reads files.}
    - {at: /etc/tool, from: /etc/tool}
  git:
    - {at: /repository, from: "{directory}/a.git", ref: "{org}", credential: login, reason: Reads code.}
    - {at: /fixed, from: https://git.example.com/fixed.git, ref: refs/heads/main}
  catalog: true
kinds:
  thing: {description: Things, strict: true, live: true}
  other-thing: {}
operations:
  switch:
    title: Switch
    inputs: {type: object, properties: {on: {type: boolean}}}
    target: thing
rules:
  has-owner: {blueprint: thing, params: {type: object}, related: [owner]}
limits: {timeout_ms: 1000}
"#;

/// What is wrong with the example after `from` was replaced by `to`.
#[track_caller]
fn wrong(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    parse(FILE, &EXAMPLE.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn reads_a_whole_manifest() {
    let manifest = parse(FILE, EXAMPLE).unwrap();
    assert_eq!(manifest.version.to_string(), "1.2.3-rc.1+build.5");
    assert_eq!(manifest.roles, Role::ALL);
    assert_eq!(manifest.capabilities.network[1].methods, ["GET"]);
    assert_eq!(manifest.capabilities.network[1].paths, ["/**"]);
    assert_eq!(manifest.limits.unwrap().timeout_ms, 1000);
    assert!(manifest.kinds[&KindName::new("thing").unwrap()].strict);
    let value = serde_json::to_value(&manifest).unwrap();
    assert_eq!(
        from_value(FILE, &value).unwrap(),
        manifest,
        "what it is written as is read again"
    );
}

#[test]
fn the_least_manifest_asks_for_nothing() {
    let manifest = parse(FILE, "name: a\nversion: 0.1.0\nroles: [rule]\nrules: {r: {}}\n").unwrap();
    assert_eq!(manifest.capabilities, Capabilities::default());
    assert_eq!(
        manifest.config,
        json!({"type": "object", "additionalProperties": false})
    );
}

#[test]
fn each_mistake_is_shown_where_it_is_with_what_to_write() {
    for (from, to, says) in [
        (
            "name: tool",
            "name: My Tool",
            "plugin.yaml:1:7: name: expected the plugin's name: lower-case letters, digits and dashes",
        ),
        ("name: tool\n", "", "expected `name` (the plugin's name"),
        (
            "1.2.3-rc.1+build.5",
            "1.2",
            "plugin.yaml:2:10: version: expected text (its version, by SemVer 2.0), found `1.2`; for example `0.1.0`",
        ),
        (
            "1.2.3-rc.1+build.5",
            "v1.2.3",
            "version: expected its version, by SemVer 2.0, found `v1.2.3`",
        ),
        ("title:", "tilte:", "plugin.yaml:3:1: tilte: expected"),
        ("title:", "tilte:", "did you mean `title`?"),
        (
            "[ingestor,",
            "[ingester,",
            "plugin.yaml:7:9: roles[0]: expected `ingestor`, `webhook`, `action` or `rule`, found `ingester`; did you mean `ingestor`?",
        ),
        (
            "[ingestor,",
            "[rule, ingestor,",
            "roles: expected a list without repeats",
        ),
        (
            "[ingestor, webhook, action, rule]",
            "[]",
            "roles: expected a list of at least 1",
        ),
        (
            "action, rule]",
            "action]",
            "rules: expected `rule` among the roles, found `rules` without it; for example `roles: [rule]`",
        ),
        (
            "webhook, action,",
            "webhook,",
            "operations: expected `action` among the roles",
        ),
        (
            "[ingestor, webhook, ",
            "[",
            "kinds: expected `ingestor` or `webhook` among the roles",
        ),
        (
            "[ingestor, webhook, ",
            "[webhook, ",
            "plugin.yaml:7:9: roles[0]: expected the role `ingestor` beside `webhook`",
        ),
        (
            "  type: object\n  required",
            "  type: array\n  required",
            "plugin.yaml:9:9: config.type: expected `object`",
        ),
        (
            "  type: object\n  required",
            "  required",
            "config.type: expected `object`, since it describes named values, found nothing",
        ),
        (
            "org: {type: string}",
            "org: {type: strin}",
            "plugin.yaml:13:17: config.properties.org.type: expected",
        ),
        (
            "params: {type: object}",
            "params: {type: object, $ref: 'https://example.com/x'}",
            "rules.has-owner.params",
        ),
        (
            "\"{base_url}/api\"",
            "\"{bas_url}/api\"",
            "plugin.yaml:22:11: capabilities.network[0].to: expected a property of the config's schema: `base_url`, `directory` or `org`, found `{bas_url}`; did you mean `base_url`?",
        ),
        (
            "from: \"{directory}\"",
            "from: \"{dir}\"",
            "capabilities.files[0].from: expected a property",
        ),
        (
            "credential: token",
            "credential: tokn",
            "capabilities.network[0].credential: expected one of `credentials`: `key`, `login`, `param` or `token`, found `tokn`; did you mean `token`?",
        ),
        (
            "[GET, POST]",
            "[get]",
            "plugin.yaml:23:17: capabilities.network[0].methods[0]: expected `GET`",
        ),
        ("[GET, POST]", "[get]", "found `get`; did you mean `GET`?"),
        ("[GET, POST]", "[CONNECT]", "found `CONNECT`"),
        ("[GET, POST]", "[TRACE]", "found `TRACE`"),
        (
            "[GET, POST]",
            "GET",
            "capabilities.network[0].methods: expected a list (methods in capitals. Absent: GET), found `GET`; for example `[\"GET\"]`",
        ),
        (
            "[/v1/**,",
            "[v1/**,",
            "plugin.yaml:24:15: capabilities.network[0].paths[0]: expected a path pattern that starts with `/`, found `v1/**`; for example",
        ),
        ("[/v1/**,", "[/v1/../x,", "without `.` and `..`"),
        (
            "https://*.example.com:8443",
            "\"*\"",
            "capabilities.network[1].to: expected a scheme, a host that is named, and an optional port and base path, or a config value, found `*`, which has no scheme; every host over TLS is `https://*`; for example `https://api.example.com` or `{base_url}`",
        ),
        ("https://*.example.com:8443", "https://**", "first labels"),
        (
            "https://*.example.com:8443",
            "https://u:p@example.com",
            "declare a credential",
        ),
        (
            "at: /checkout",
            "at: checkout",
            "capabilities.files[0].at: expected an absolute path",
        ),
        (
            "at: /checkout",
            "at: /a/../b",
            "capabilities.files[0].at: expected an absolute path",
        ),
        ("at: /checkout", "at: /etc/tool", "another place for each directory"),
        (
            "at: /repository",
            "at: /checkout",
            "capabilities.git[0].at: expected another place for each directory",
        ),
        ("{directory}/a.git", "{directry}/a.git", "did you mean `directory`?"),
        (
            "https://git.example.com/fixed.git",
            "git@git.example.com:fixed.git",
            "capabilities.git[1].from: expected a repository's address over https or http",
        ),
        (
            "https://git.example.com/fixed.git",
            "https://git.example.com",
            "has no path",
        ),
        (
            "ref: refs/heads/main",
            "ref: main..x",
            "capabilities.git[1].ref: expected a branch, a tag",
        ),
        ("ref: \"{org}\"", "ref: \"{branch}\"", "`{branch}`"),
        (
            "credential: login",
            "credential: lgin",
            "capabilities.git[0].credential: expected one of `credentials`",
        ),
        (
            "from: /etc/tool",
            "from: ../etc",
            "capabilities.files[1].from: expected an absolute path",
        ),
        (
            "X-Api-Key",
            "Host",
            "plugin.yaml:17:33: credentials.key.attach.header.name: expected a header for a credential, found `Host`, which the host writes itself; for example `X-Api-Key`",
        ),
        ("X-Api-Key", "Cookie", "not kept for credentials"),
        ("X-Api-Key", "Transfer-Encoding", "which the host writes itself"),
        ("X-Api-Key", "Proxy-X", "which the host writes itself"),
        (
            "\"Token \"",
            "\"Token\\r\\n\"",
            "credentials.key.attach.header.prefix: expected visible ASCII",
        ),
        (
            "{name: api_key}",
            "{name: \"a&b\"}",
            "credentials.param.attach.query.name: expected letters",
        ),
        (
            "attach: bearer",
            "attach: bearrer",
            "credentials.token.attach: expected",
        ),
        ("attach: bearer", "attach: bearrer", "did you mean `bearer`?"),
        (
            "attach: {header: {name:",
            "attach: {header: {nam:",
            "credentials.key.attach.header.nam: expected `name` or `prefix`",
        ),
        (
            "required: true",
            "required: yes please",
            "credentials.token.required: expected `true` or `false`",
        ),
        (
            "  key: {",
            "  My Key: {",
            "credentials[\"My Key\"]: expected a credential's name",
        ),
        (
            "timeout_ms: 1000",
            "timeout_ms: 0",
            "limits.timeout_ms: expected a number of at least 1",
        ),
        ("timeout_ms: 1000", "timeout: 1", "limits.timeout: expected"),
        (
            "live: true",
            "live: maybe",
            "kinds.thing.live: expected `true` or `false`",
        ),
    ] {
        let problems = wrong(from, to);
        assert!(
            problems.contains(says),
            "`{to}` for `{from}`:\n{problems}\ndoes not say\n{says}"
        );
    }
}

#[test]
fn all_mistakes_are_found_at_once_in_the_order_of_the_text() {
    let text = EXAMPLE
        .replace("name: tool\n", "name: Tool\n")
        .replace("[GET, POST]", "[FETCH]")
        .replace("credential: token", "credential: absent")
        .replace("at: /checkout", "at: checkout");
    let problems = parse(FILE, &text).unwrap_err();
    let paths: Vec<_> = problems.problems.iter().map(Problem::path).collect();
    let net = "capabilities.network[0]";
    let expect = [
        "name",
        &format!("{net}.methods[0]"),
        &format!("{net}.credential"),
        "capabilities.files[0].at",
    ];
    assert_eq!(paths, expect, "{problems}");
    assert_eq!(problems.to_string().lines().count(), 4);
}

#[test]
fn a_rule_alone_asks_for_nothing() {
    let start = "name: a\nversion: 0.1.0\nroles: [rule]\nrules: {r: {}}\n";
    for (more, says) in [
        (
            "capabilities: {network: [{to: https://a.example.com}]}\n",
            "5:16: capabilities.network: expected no capabilities",
        ),
        (
            "capabilities: {files: [{at: /a, from: /a}]}\n",
            "capabilities.files: expected no capabilities",
        ),
        (
            "capabilities: {git: [{at: /a, from: 'https://a.example.com/a.git'}]}\n",
            "capabilities.git: expected the role `ingestor`",
        ),
        (
            "capabilities: {catalog: true}\n",
            "capabilities.catalog: expected the role `action`",
        ),
        (
            "credentials: {t: {attach: bearer}}\n",
            "credentials: expected no credentials",
        ),
    ] {
        let problems = parse(FILE, &format!("{start}{more}")).unwrap_err().to_string();
        assert!(problems.contains(says), "{problems}");
    }
}

#[test]
fn texts_that_are_no_manifest_are_refused() {
    for text in [
        "",
        "hello",
        "[1, 2]",
        "null",
        "42",
        "name: [",
        "roles: 5\nkinds: 7\ncapabilities: [x]\ncredentials: q\n",
    ] {
        parse(FILE, text).unwrap_err();
    }
}

#[test]
fn the_schema_for_editors_accepts_and_refuses_by_itself() {
    let validator = jsonschema::draft202012::new(&json_schema()).unwrap();
    jsonschema::draft202012::meta::validate(&json_schema()).unwrap();
    let example = Document::parse(FILE, EXAMPLE).unwrap();
    assert!(validator.is_valid(example.value()));
    for (pointer, value) in [
        ("/name", json!("My Tool")),
        ("/version", json!("1.0")),
        ("/roles", json!([])),
        ("/roles/0", json!("reader")),
        ("/capabilities/network/0/methods/0", json!("get")),
        ("/capabilities/network/0/to", json!(5)),
        ("/credentials/token/attach", json!("digest")),
        ("/kinds", json!([])),
        ("/limits/timeout_ms", json!(0)),
    ] {
        let mut wrong = example.value().clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&wrong), "{pointer}");
    }
    let mut wrong = example.value().clone();
    wrong["colour"] = json!("red");
    assert!(!validator.is_valid(&wrong));
}

/// A field that the structs have and the schema lacks, or the other way round, would make `parse` and editors disagree.
#[test]
fn the_schema_names_the_fields_of_the_structs() {
    let schema = json_schema();
    let names = |pointer: &str| -> Vec<String> {
        schema.pointer(pointer).unwrap()["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    let whole = serde_json::to_value(parse(FILE, EXAMPLE).unwrap()).unwrap();
    for (of, at) in [
        ("", ""),
        ("/$defs/credential", "/credentials/token"),
        ("/$defs/network", "/capabilities/network/0"),
        ("/$defs/files", "/capabilities/files/0"),
        ("/$defs/kind", "/kinds/thing"),
        ("/properties/capabilities", "/capabilities"),
        ("/properties/limits", "/limits"),
    ] {
        let mut fields: Vec<_> = whole
            .pointer(at)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        let mut named = names(of);
        fields.sort();
        named.sort();
        assert_eq!(named, fields, "{of}");
    }
    let roles: Vec<Role> = serde_json::from_value(schema["properties"]["roles"]["items"]["enum"].clone()).unwrap();
    assert_eq!(roles, Role::ALL);
}

/// `UPDATE=1 cargo test -p seawall-domain` writes it anew.
#[test]
fn the_published_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas/plugin.schema.json");
    let now = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, &now).unwrap();
    }
    let published = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        published == now,
        "docs/schemas/plugin.schema.json is not current; run UPDATE=1 cargo test -p seawall-domain"
    );
}
