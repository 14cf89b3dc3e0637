//! Arguments that several commands share.

use crate::cli::error::{CliError, Result};
use seawall_store::DatabaseUrl;
use serde_json::{Map, Value};
use std::{net::SocketAddr, path::Path, str::FromStr};

/// Which level of WASI there is.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Wasi {
    /// Take plugins of WASI 0.3 too. wasmtime, the engine under Seawall, says that its 0.3 is not ready for production yet
    #[arg(long = "wasi-0-3", env = "SEAWALL_WASI_0_3", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) wasi_0_3: bool,
}

/// Which database, for commands that open it themselves.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Database {
    /// The database: sqlite:FILE, or postgres://USER:PASSWORD@HOST:5432/DATABASE [default: seawall.db in the data folder]
    // A text, since what cannot be parsed is shown, and it may hold a password.
    #[arg(long, env = "SEAWALL_DATABASE", hide_env_values = true, value_name = "URL")]
    database: Option<String>,
}

impl Database {
    /// The one that was given.
    pub(crate) fn given(&self) -> Result<Option<DatabaseUrl>> {
        self.database
            .as_deref()
            .filter(|url| !url.is_empty())
            .map(database)
            .transpose()
    }
}

/// A database's URL, which is never shown.
pub(crate) fn database(url: &str) -> Result<DatabaseUrl> {
    url.parse()
        .map_err(|e: seawall_store::StoreError| CliError::Usage(e.to_string()))
}

/// The number of something that a list shows.
pub(crate) fn number(text: &str) -> std::result::Result<i64, String> {
    let expected = || format!("expected a number, such as `12`, as the list shows it, found `{text}`");
    text.parse().ok().filter(|number| *number >= 0).ok_or_else(expected)
}

/// `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Pair {
    type Err = String;
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err(format!("`{text}` is no NAME=VALUE")),
        }
    }
}

/// The pairs as an object. A value is JSON where it parses as such, a text otherwise; where `schema` (a JSON Schema of the
/// object) says that a property is a text, it stays one, so that `--config team=42` is what it looks like; a text in quotes is what is
/// between them.
pub(crate) fn object(pairs: &[Pair], schema: Option<&Value>) -> Value {
    let mut object = Map::new();
    for Pair { name, value } in pairs {
        let text = schema.is_some_and(|schema| schema["properties"][name]["type"] == "string");
        let parsed = serde_json::from_str(value).ok();
        let parsed = parsed.filter(|parsed: &Value| !text || parsed.is_string());
        object.insert(name.clone(), parsed.unwrap_or_else(|| Value::String(value.clone())));
    }
    Value::Object(object)
}

/// A config from a file and pairs; a pair wins over the file.
pub(crate) fn config(file: Option<&Path>, pairs: &[Pair], schema: &Value) -> Result<Value> {
    let mut config = match file {
        Some(path) => document(path)?.value().clone(),
        None => Value::Object(Map::new()),
    };
    let Value::Object(into) = &mut config else {
        return Err(CliError::Usage(
            "the config file must hold an object, such as `base_url: https://tool.example.com`".into(),
        ));
    };
    if let Value::Object(from) = object(pairs, Some(schema)) {
        into.extend(from);
    }
    Ok(config)
}

/// A range of addresses, for arguments.
pub(crate) fn range(text: &str) -> std::result::Result<ipnet::IpNet, String> {
    let address = text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from);
    let wrong = || format!("expected a range, such as `10.2.0.0/16`, or an address, found `{text}`");
    text.parse().or(address).map_err(|_| wrong())
}

/// A DNS server, for arguments: port 53 where none is given.
pub(crate) fn dns_server(text: &str) -> std::result::Result<SocketAddr, String> {
    let bare = text.parse().map(|ip: std::net::IpAddr| SocketAddr::new(ip, 53));
    let wrong = || format!("expected an address, such as `10.0.0.2` or `10.0.0.2:5353`, found `{text}`");
    bare.or_else(|_| text.parse()).map_err(|_| wrong())
}

/// The last day that ends before the last moment, in every zone.
const LAST_DAY: jiff::civil::Date = jiff::civil::date(9999, 12, 30);

/// Whether a time that cannot be read has its zone, and lies behind all that can.
fn is_past_the_last(text: &str) -> bool {
    let Some((day, time)) = text.split_at_checked(10) else {
        return false;
    };
    day.parse::<jiff::civil::Date>().is_ok_and(|day| day >= LAST_DAY) && time.contains(['Z', 'z', '+', '-'])
}

/// A point in time, for arguments.
pub(crate) fn moment(text: &str) -> std::result::Result<jiff::Timestamp, String> {
    text.parse().map_err(|_| match is_past_the_last(text) {
        true => format!("expected a time before {LAST_DAY}, the last that there is, found `{text}`; where it is for no end, leave it out"),
        false => format!("expected a time with its zone, such as `2027-01-31T12:00:00Z`, found `{text}`"),
    })
}

/// Who is at the keyboard, for those who look later; until people can sign in this is what they say.
pub(crate) fn user() -> Option<String> {
    std::env::var("USER").ok().filter(|user| !user.is_empty())
}

/// Reads a file, or stdin for `-`.
pub(crate) fn read(path: &Path) -> Result<String> {
    let read = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|e| CliError::Usage(format!("{}: {e}", path.display())))
}

/// Reads one YAML or JSON document.
pub(crate) fn document(path: &Path) -> Result<seawall_domain::document::Document> {
    Ok(seawall_domain::document::Document::parse(
        &path.display().to_string(),
        &read(path)?,
    )?)
}

/// Reads one YAML or JSON document of data, which may be much larger than what people write.
pub(crate) fn data(path: &Path) -> Result<seawall_domain::document::Document> {
    Ok(seawall_domain::document::Document::parse_data(
        &path.display().to_string(),
        &read(path)?,
    )?)
}

/// `BLUEPRINT/IDENTIFIER`; the identifier may hold slashes.
pub(crate) fn reference(text: &str) -> Result<(&str, &str)> {
    match text.split_once('/') {
        Some((blueprint, identifier)) if !blueprint.is_empty() && !identifier.is_empty() => Ok((blueprint, identifier)),
        _ => Err(CliError::Usage(format!(
            "`{text}` is no BLUEPRINT/IDENTIFIER, such as `service/payments-api`"
        ))),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    fn pairs(all: &[&str]) -> Vec<Pair> {
        all.iter().map(|pair| pair.parse().unwrap()).collect()
    }

    #[test]
    fn a_time_behind_the_last_is_told_from_one_without_a_zone() {
        let why = |text: &str| moment(text).unwrap_err();
        for late in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59+01:00"] {
            assert!(why(late).contains("before 9999-12-30"), "{}", why(late));
        }
        for unread in ["9999-12-31T23:59:59", "2027-01-31", "soon", ""] {
            assert!(why(unread).contains("with its zone"), "{}", why(unread));
        }
        assert!(moment("9999-12-29T23:59:59Z").is_ok());
    }

    #[test]
    fn values_are_json_where_the_schema_does_not_say_text() {
        let schema = json!({"properties": {"team": {"type": "string"}, "size": {"type": "integer"}}});
        let got = object(
            &pairs(&["team=42", "size=42", "url=http://x/?a=b", "on=true"]),
            Some(&schema),
        );
        assert_eq!(
            got,
            json!({"team": "42", "size": 42, "url": "http://x/?a=b", "on": true})
        );
        for (written, text) in [
            (r#"team="""#, ""),
            (r#"team="a b""#, "a b"),
            (r#"team=a "b""#, r#"a "b""#),
            ("team=", ""),
        ] {
            assert_eq!(
                object(&pairs(&[written]), Some(&schema)),
                json!({"team": text}),
                "{written}"
            );
        }
    }

    #[test]
    fn a_pair_needs_a_name() {
        "=x".parse::<Pair>().unwrap_err();
        "x".parse::<Pair>().unwrap_err();
        assert_eq!(pairs(&["x="])[0].value, "");
    }

    #[test]
    fn an_identifier_may_hold_slashes() {
        assert_eq!(reference("repo/shop/cart").unwrap(), ("repo", "shop/cart"));
        reference("repo").unwrap_err();
    }
}
