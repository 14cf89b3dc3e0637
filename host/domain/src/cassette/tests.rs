#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::{
    egress::{Target, normalise},
    manifest,
};
use proptest::prelude::*;
use serde_json::json;

const GOOD: &str = r#"format: 1
plugin: shelf
version: 0.1.0
recorded: 2026-01-31T12:00:00Z
config:
  base_url: http://base-url.test
run:
  pull:
    kinds:
    - item
exchanges:
- request:
    method: GET
    url: "{base_url}/items?page=1&size=2"
  response:
    status: 200
    headers:
      content-type: application/json
    json: |-
      {"items": [1, 2]}
- request:
    method: POST
    url: "{base_url}/items"
    json: '{"name": "a", "tags": ["x"]}'
  times: 2
  response:
    status: 201
- request:
    method: GET
    url: "{base_url}/items?page=1&size=2"
  response:
    status: 503
    text: later
"#;

fn target(url: &str) -> Target {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    normalise(scheme, authority, path).unwrap()
}

fn ask(player: &mut Player, method: &str, url: &str, body: &str) -> Result<u16, String> {
    let target = target(url);
    let asked = Asked {
        method,
        target: &target,
        headers: &[],
        body: body.as_bytes(),
    };
    player
        .answer(asked)
        .map(|response| response.status)
        .map_err(|miss| miss.to_string())
}

#[test]
fn answers_come_in_their_order_and_the_last_one_stands() {
    let mut player = Player::new(&parse("a.yaml", GOOD).unwrap()).unwrap();
    let get = |player: &mut Player| ask(player, "GET", "http://base-url.test/items?size=2&page=1", "");
    assert_eq!(get(&mut player), Ok(200), "parameters in any order");
    assert_eq!([get(&mut player), get(&mut player)], [Ok(503), Ok(503)]);
    let post = |player: &mut Player| {
        ask(
            player,
            "POST",
            "http://base-url.test/items",
            "{\"tags\": [\"x\"],\n\"name\":\"a\"}",
        )
    };
    assert_eq!(post(&mut player), Ok(201), "names in any order");
    assert_eq!(
        player.left_over(),
        [LeftOver {
            request: "POST {base_url}/items".into(),
            asked: 1,
            recorded: 2
        }]
    );
    assert_eq!(post(&mut player), Ok(201));
    assert_eq!(
        post(&mut player).unwrap_err(),
        "the cassette has no answer to POST {base_url}/items; the nearest that it has is POST {base_url}/items (it was recorded \
         twice and is asked once more)"
    );
    assert_eq!(player.left_over(), []);
}

#[test]
fn what_a_cassette_lacks_is_told_with_the_nearest_and_the_difference() {
    let mut player = Player::new(&parse("a.yaml", GOOD).unwrap()).unwrap();
    for (method, url, body, words) in [
        (
            "GET",
            "http://base-url.test/items?page=2&size=2",
            "",
            "`page=1` is recorded, `page=2` is asked",
        ),
        (
            "GET",
            "http://base-url.test/items?page=1",
            "",
            "`size=2` is recorded and is not asked",
        ),
        ("PUT", "http://base-url.test/items", "", "another method"),
        (
            "POST",
            "http://base-url.test/items",
            "{\"name\":\"b\",\"tags\":[\"x\"]}",
            "another body: name: expected `a`, found `b`",
        ),
        ("GET", "http://base-url.test/other", "", "no request like it"),
        (
            "GET",
            "http://elsewhere.test/items",
            "",
            "another host: `base-url.test` is recorded",
        ),
    ] {
        let said = ask(&mut player, method, url, body).unwrap_err();
        assert!(said.contains(words), "{method} {url}: {said}");
    }
}

#[test]
fn headers_tell_requests_apart_that_differ_in_nothing_else() {
    let exchange = |namespace: &str, status: u16| {
        json!({"request": {"method": "GET", "url": "{base_url}/a", "headers": {"x-vault-namespace": namespace}},
            "response": {"status": status}})
    };
    let mut value: Value = Document::parse("", GOOD).unwrap().value().clone();
    value["exchanges"] = json!([exchange("one", 201), exchange("two", 202)]);
    let mut player = Player::new(&parse("a.yaml", &value.to_string()).unwrap()).unwrap();
    let target = target("http://base-url.test/a");
    let mut get = |namespace: &str| {
        let headers = [("X-Vault-Namespace".to_owned(), namespace.to_owned())];
        let asked = Asked {
            method: "GET",
            target: &target,
            headers: &headers,
            body: b"",
        };
        player.answer(asked).unwrap().status
    };
    assert_eq!(
        [get("two"), get("one"), get("three")],
        [202, 201, 202],
        "one that is unknown is no miss"
    );
}

#[test]
fn what_is_wrong_is_told_with_line_field_and_example() {
    for (from, to, words) in [
        (
            "format: 1",
            "format: 2",
            "f.yaml:1:9: format: expected one of [1], found `2`",
        ),
        ("plugin: shelf", "plugin: Shelf", "f.yaml:2:9: plugin: expected"),
        (
            "    status: 503",
            "    status: yes",
            "f.yaml:32:13: exchanges[2].response.status: expected a whole number",
        ),
        ("kinds:", "kind:", "f.yaml:9:5: run.pull.kind: expected"),
        (
            "method: POST",
            "method: post",
            "f.yaml:22:13: exchanges[1].request.method",
        ),
        (
            "{base_url}/items\"",
            "{bas_url}/items\"",
            "expected a text of the config: `base_url`, found `{bas_url}`",
        ),
        (
            "{\"items\": [1, 2]}",
            "{\"items\": [1, 2}",
            "exchanges[0].response.json: expected JSON",
        ),
        (
            "content-type: application/json",
            "set-cookie: a=b",
            "f.yaml:18:7: exchanges[0].response.headers.set-cookie",
        ),
        (
            "    text: later",
            "    text: later\n    base64: AAEC",
            "expected one body",
        ),
        ("    text: later", "    base64: A", "expected base64"),
        (
            "version: 0.1.0",
            "version: one",
            "f.yaml:3:10: version: expected a version by SemVer 2.0",
        ),
        ("config:", "config: &a", "f.yaml"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        match parse("f.yaml", &GOOD.replacen(from, to, 1)) {
            // An anchor that nobody uses is no mistake.
            Ok(_) => assert_eq!(to, "config: &a"),
            Err(problems) => {
                let said = problems.to_string();
                assert!(said.contains(words), "{words}:\n{said}");
                assert!(said.contains("expected") && said.contains("found"), "{said}");
            }
        }
    }
    let many = GOOD.split("- request").next().unwrap().to_owned()
        + &"- request: {method: GET, url: \"{base_url}/a\"}\n  response: {status: 200}\n".repeat(MAX_EXCHANGES + 1);
    assert!(
        parse("f.yaml", &many)
            .unwrap_err()
            .to_string()
            .contains("at most 1000 exchanges")
    );
}

fn heard(url: &str, status: u16, body: &str) -> Heard {
    Heard {
        method: "GET".into(),
        target: target(url),
        asked_headers: vec![("accept".into(), "*/*".into())],
        asked_body: Vec::new(),
        status,
        headers: vec![
            ("Content-Type".into(), "application/json".into()),
            ("Date".into(), "now".into()),
        ],
        body: body.into(),
    }
}

fn plugin() -> manifest::Manifest {
    manifest::parse(
        "plugin.yaml",
        "name: shelf\nversion: 0.1.0\nroles: [ingestor]\nkinds: {item: {}}\n",
    )
    .unwrap()
}

fn composed(all: &[Heard]) -> Result<Cassette, Beyond> {
    let config = json!({"base_url": "http://127.0.0.1:4242"});
    let run = Script::Pull(Pull {
        kinds: vec![KindName::new("item").unwrap()],
        pages: PAGES,
    });
    let mut replacements = Replacements::default();
    replacements.of_config(&config);
    let with = Writing {
        replacements: &replacements,
        verbatim: false,
    };
    compose(&plugin(), &config, run, 1_769_860_800_123, all, with)
}

#[test]
fn a_conversation_is_written_once_without_a_machines_address() {
    let base = "http://127.0.0.1:4242";
    let (a, b) = (format!("{base}/a"), format!("{base}/b"));
    let next = format!("{{\"next\":\"{base}/a?page=2\"}}");
    let all = [
        heard(&a, 200, &next),
        heard(&b, 200, "[]"),
        heard(&a, 200, &next),
        heard(&a, 500, ""),
        heard(&b, 200, "[]"),
    ];
    let cassette = composed(&all).unwrap();
    let text = cassette.render().unwrap();
    assert!(!text.contains("4242") && !text.contains("now"), "{text}");
    assert_eq!(cassette.recorded, "2026-01-31T12:00:00Z");
    let lines: Vec<_> = cassette
        .exchanges
        .iter()
        .map(|e| (e.request.line(), e.times, e.response.status))
        .collect();
    assert_eq!(
        lines,
        [
            ("GET {base_url}/a".to_owned(), 2, 200),
            ("GET {base_url}/b".to_owned(), 1, 200),
            ("GET {base_url}/a".to_owned(), 1, 500)
        ]
    );
    assert_eq!(
        cassette.exchanges[0].response.body.bytes(),
        br#"{"next":"http://base-url.test/a?page=2"}"#
    );
    assert_eq!(parse("a.yaml", &text).unwrap(), cassette);
    assert_eq!(
        composed(&all).unwrap().render().unwrap(),
        text,
        "the same again is the same text"
    );
}

#[test]
fn what_a_cassette_does_not_hold_is_said_with_what_to_do() {
    let a = heard("http://127.0.0.1:4242/a", 200, "");
    let many = vec![a.clone(); MAX_EXCHANGES + 1];
    assert!(composed(&many).unwrap_err().to_string().contains("--kind"));
    let large = Heard {
        body: vec![b'x'; MAX_BODY + 1],
        ..a.clone()
    };
    assert!(
        composed(&[large])
            .unwrap_err()
            .to_string()
            .contains("`GET {base_url}/a`")
    );
    let some: Vec<Heard> = (0..5)
        .map(|n| Heard {
            body: vec![b'a' + n; MAX_BODY],
            ..a.clone()
        })
        .collect();
    assert!(matches!(composed(&some), Err(Beyond::Bytes { .. })));
}

#[test]
fn an_outcome_is_read_as_it_was_written() {
    let mut outcome = Outcome::default();
    let part = Part {
        pages: 1,
        end: "snapshot-complete".into(),
        items: [(
            "1".to_owned(),
            json!({"n": 1.0, "text": "yes", "lines": "a\nb\n", "at": "2026-01-01", "empty": ""}),
        )]
        .into(),
        removed: vec!["2".into()],
    };
    let listing = Listing {
        partitions: [("all".to_owned(), part)].into(),
        ..Listing::default()
    };
    outcome.pull.insert("item".into(), listing);
    outcome.operation = Some(Done {
        state: "succeeded".into(),
        ..Done::default()
    });
    let text = outcome.render().unwrap();
    assert_eq!(compare(&outcome.value(), &Outcome::read("e.yaml", &text).unwrap()), []);
    assert!(
        Outcome::read("e.yaml", "pull: 5\n")
            .unwrap_err()
            .to_string()
            .starts_with("e.yaml:1:1: expected")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever a tool answers is answered again.
    #[test]
    fn any_body_survives_the_file(
        text in prop_oneof!["(\\PC|[\n\t\r \"'#:{}\\[\\]|>-]){0,60}", "[ \n\t]{0,3}[a-z0-9.~-]{0,8}[ \n\t]{0,3}", "\\PC{100,140}"],
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let a = heard("http://127.0.0.1:4242/a", 200, "");
        for body in [text.into_bytes(), bytes] {
            let one = Heard { body: body.clone(), ..a.clone() };
            let cassette = composed(&[one]).unwrap();
            let text = cassette.render().unwrap();
            let read = parse("a.yaml", &text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            prop_assert_eq!(&read, &cassette, "{}", text);
            if Body::of(&body).value().is_none() {
                prop_assert_eq!(read.exchanges[0].response.body.bytes(), body);
            }
        }
    }
}

#[test]
fn the_published_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas/cassette.schema.json");
    let now = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let published = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        published == now,
        "docs/schemas/cassette.schema.json is not current; run UPDATE=1 cargo test -p seawall-domain"
    );
}
