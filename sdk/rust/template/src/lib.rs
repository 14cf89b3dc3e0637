//! Lists the items of a tool.

use seawall_sdk::prelude::*;

struct Plugin;

/// The integration's config, as plugin.yaml describes it.
#[derive(Serialize, Deserialize)]
struct Config {
    base_url: String,
}

/// What this code uses of an item. The mapping sees all that the tool's API answers.
#[derive(Deserialize)]
struct Item {
    id: Value,
}

impl Ingestor for Plugin {
    /// One slice. A tool with organisations or projects answers one name for each: they are pulled side by side.
    fn partitions(_scope: &Scope) -> Result<Vec<String>> {
        Ok(vec!["all".into()])
    }

    /// All items. A tool that answers page by page: read the page that `cursor` names, and end with `Page::more`.
    fn pull(scope: &Scope, _partition: &str, _cursor: Option<&str>) -> Result<Page> {
        let config: Config = scope.config()?;
        let items: Vec<Json> = http::get(http::join(&config.base_url, "/items")).send()?.json()?;
        page(scope.kind(), items)
    }
}

fn page(kind: &str, items: Vec<Json>) -> Result<Page> {
    let mut page = Page::complete();
    for item in items {
        let Item { id } = item.parse()?;
        page.upsert_json(kind, key(&id), item);
    }
    Ok(page)
}

/// Numbers and strings make keys alike.
fn key(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

seawall_sdk::plugin!(Plugin: ingestor);

#[cfg(test)]
mod tests {
    use super::*;
    use seawall_sdk::serde_json;

    #[test]
    fn items_become_changes() {
        let items = serde_json::from_value(json!([{"id": 1, "name": "one"}, {"id": "b"}])).unwrap();
        let page = page("item", items).unwrap();
        let upsert = |key: &str, value| Change::upsert("item", key, &value).unwrap();
        let first = upsert("1", json!({"id": 1, "name": "one"}));
        assert_eq!(page.changes, [first, upsert("b", json!({"id": "b"}))]);
    }
}
