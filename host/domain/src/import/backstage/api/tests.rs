#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;

fn names(kind: &str, text: &str) -> (Map<String, Value>, Vec<String>) {
    let page = read(kind, text).unwrap();
    let operations = page
        .get("operations")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let names = operations
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    (page, names)
}

#[test]
fn openapi_and_swagger_say_their_operations() {
    let text = "openapi: 3.1.0\ninfo: {title: Shop, version: 1.0, description: '# Hi'}\nservers: [{url: /v1}]\npaths:\n  /b: {post: {operationId: x, deprecated: true}, get: {summary: s}, parameters: []}\n";
    let (page, operations) = names("openapi", text);
    assert_eq!(operations, ["GET /b", "POST /b"]);
    assert_eq!(page["operationCount"], 2);
    assert_eq!(page["definitionVersion"], "1.0");
    assert_eq!(page["servers"], json!(["/v1"]));
    assert_eq!(
        page["operations"][1],
        json!({"name": "POST /b", "method": "POST", "path": "/b", "id": "x", "deprecated": true})
    );
    assert_eq!(page["openapi"]["info"]["title"], "Shop");
    let (page, _) = names(
        "OpenAPI",
        r#"{"swagger": "2.0", "info": {}, "host": "x.example.com", "basePath": "/v2", "paths": {}}"#,
    );
    assert_eq!(page["servers"], json!(["https://x.example.com/v2"]));
    assert_eq!(page["operationCount"], 0);
}

#[test]
fn asyncapi_says_its_channels_in_both_versions() {
    let two = "asyncapi: 2.6.0\ninfo: {title: T, version: '1'}\nservers: {a: {url: 'kafka://x'}}\nchannels: {orders: {subscribe: {summary: s}}}\n";
    let (page, operations) = names("asyncapi", two);
    assert_eq!(
        (operations, page["servers"].clone()),
        (vec!["subscribe orders".to_owned()], json!(["kafka://x"]))
    );
    let three = "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\nservers: {a: {host: x, protocol: amqp}}\nchannels: {o: {address: shop/orders}}\noperations: {send: {action: send, channel: {$ref: '#/channels/o'}}}\n";
    let (page, operations) = names("asyncapi", three);
    assert_eq!(
        (operations, page["servers"].clone()),
        (vec!["send shop/orders".to_owned()], json!(["amqp://x"]))
    );
}

#[test]
fn graphql_says_the_fields_of_its_roots() {
    let text = "schema { query: Root }\n\"\"\" Finds \"\"\"\ntype Root { \"\"\" one \"\"\" user(id: ID!): User old: Int @deprecated }\ntype Query { no: Int }\ntype User { id: ID }\nextend type Mutation { add: Int }\n";
    let (page, operations) = names("graphql", text);
    assert_eq!(operations, ["query user", "query old", "mutation add"]);
    assert_eq!(page["operations"][0]["summary"], "one");
    assert_eq!(page["operations"][1]["deprecated"], true);
    let wrong = read("graphql", "type Query {\n  a: Int\n  b(\n").unwrap_err();
    assert!(
        wrong.starts_with("line ") && wrong.contains("no GraphQL schema"),
        "{wrong}"
    );
}

#[test]
fn services_of_protocol_buffers_say_their_methods() {
    let text = "syntax = \"proto3\";\npackage shop.v1;\nmessage A {}\nservice Cart {\n  rpc Add(A) returns (stream A);\n  rpc Old(A) returns (A) { option deprecated = true; }\n}\n";
    let (page, operations) = names("grpc", text);
    assert_eq!(operations, ["Cart/Add", "Cart/Old"]);
    assert_eq!(page["operations"][0]["summary"], "A → stream A");
    assert_eq!(page["operations"][0]["path"], "/shop.v1.Cart/Add");
    assert_eq!(page["operations"][1]["deprecated"], true);
    let wrong = read("grpc", "syntax = \"proto3\";\nservice {").unwrap_err();
    assert!(wrong.starts_with("line 2 of the definition"), "{wrong}");
    read("grpc", &"message a {".repeat(100_000)).unwrap_err();
}

#[test]
fn what_is_no_definition_is_said_and_other_kinds_are_left_alone() {
    assert!(
        read("openapi", "a: 1")
            .unwrap_err()
            .contains("neither `openapi`, `swagger` nor `asyncapi`")
    );
    assert!(read("openapi", "a: [").unwrap_err().contains("kept as text"));
    assert_eq!(read("trpc", "export type X").unwrap(), Map::new());
    assert_eq!(read("rest", "openapi: 3.0.0").unwrap()["operationCount"], 0);
    read("graphql", &format!("type Query {{ a: {}Int }}", "[".repeat(100_000))).unwrap_err();
}
