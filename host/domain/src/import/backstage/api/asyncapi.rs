//! AsyncAPI 2.x and 3.x (<https://www.asyncapi.com/docs/reference/specification/latest>).

use super::{Page, info, operation, text};
use serde_json::Value;

pub(super) fn read(value: &Value) -> Page {
    let mut page = info(value);
    let objects = |name: &str| value[name].as_object().into_iter().flatten();
    page.servers = objects("servers")
        .filter_map(|(_, server)| server_address(server))
        .collect();
    // Of 2.x an operation stands in its channel, of 3.x beside them.
    for (channel, item) in objects("channels") {
        for action in ["publish", "subscribe"] {
            if let Some(found) = item.get(action).filter(|found| found.is_object()) {
                page.operations.push(one(action, channel, found, &found["operationId"]));
            }
        }
    }
    for (name, found) in objects("operations") {
        let action = found["action"].as_str().unwrap_or("operation");
        let reference = found["channel"]["$ref"].as_str().unwrap_or_default();
        let channel = reference
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .replace("~1", "/")
            .replace("~0", "~");
        let address = value["channels"][&channel]["address"]
            .as_str()
            .unwrap_or(&channel)
            .to_owned();
        page.operations
            .push(one(action, &address, found, &name.as_str().into()));
    }
    page
}

fn server_address(server: &Value) -> Option<String> {
    if let Some(url) = text(&server["url"]) {
        return Some(url);
    }
    let host = server["host"].as_str()?;
    let path = server["pathname"].as_str().unwrap_or_default();
    Some(match server["protocol"].as_str() {
        Some(protocol) => format!("{protocol}://{host}{path}"),
        None => format!("{host}{path}"),
    })
}

fn one(action: &str, channel: &str, found: &Value, id: &Value) -> Value {
    operation(&[
        ("name", format!("{action} {channel}").into()),
        ("method", action.into()),
        ("path", channel.into()),
        ("summary", found["summary"].clone()),
        ("id", id.clone()),
    ])
}
