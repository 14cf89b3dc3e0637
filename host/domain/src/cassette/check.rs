//! What a cassette has to be: its JSON Schema first, then what no schema says.

use super::{MAX_BODY, MAX_EXCHANGES, address::lengthen, body, headers, json_schema};
use crate::{
    document::{Problem, check_schema, explain, join},
    ids::{EntityId, KindName},
};
use serde_json::Value;

/// All problems of a cassette.
pub(super) fn check(cassette: &Value) -> Vec<Problem> {
    let schema = json_schema();
    let mut out = match check_schema(&schema) {
        Ok(validator) => explain(&validator, &schema, cassette),
        Err(problem) => vec![*problem],
    };
    version(cassette, &mut out);
    script(&cassette["run"], &mut out);
    let all = cassette["exchanges"].as_array().map_or(&[][..], Vec::as_slice);
    if all.len() > MAX_EXCHANGES {
        let expected = format!("at most {MAX_EXCHANGES} exchanges");
        out.push(Problem::new("/exchanges", expected, format!("{}", all.len())));
    }
    for (index, exchange) in all.iter().enumerate() {
        let at = format!("/exchanges/{index}");
        if let Some(url) = exchange["request"]["url"].as_str()
            && let Err((expected, found)) = lengthen(&cassette["config"], url)
        {
            let problem = Problem::new(format!("{at}/request/url"), expected, found);
            out.push(problem.example("{base_url}/api/items"));
        }
        for part in ["request", "response"] {
            message(&exchange[part], &format!("{at}/{part}"), &mut out);
        }
    }
    out
}

fn version(cassette: &Value, out: &mut Vec<Problem>) {
    if let Some(text) = cassette["version"].as_str()
        && semver::Version::parse(text).is_err()
    {
        out.push(Problem::new("/version", "a version by SemVer 2.0", format!("`{text}`")).example("0.1.0"));
    }
}

fn script(run: &Value, out: &mut Vec<Problem>) {
    for (index, kind) in run["pull"]["kinds"].as_array().into_iter().flatten().enumerate() {
        if let Some(Err(bad)) = kind.as_str().map(KindName::new) {
            out.push(Problem::new(
                format!("/run/pull/kinds/{index}"),
                bad.expected,
                format!("`{}`", bad.value),
            ));
        }
    }
    let target = &run["operation"]["target"];
    if let Some(Err(bad)) = target["identifier"].as_str().map(EntityId::new) {
        out.push(Problem::new(
            "/run/operation/target/identifier",
            bad.expected,
            format!("`{}`", bad.value),
        ));
    }
    if run["delivery"].is_object() {
        message(&run["delivery"], "/run/delivery", out);
    }
}

/// Headers and body of a request, a response or a delivery.
fn message(message: &Value, at: &str, out: &mut Vec<Problem>) {
    for (name, _) in message["headers"].as_object().into_iter().flatten() {
        if headers::is_secretive(&name.to_ascii_lowercase()) {
            let problem = Problem::new(
                join(&format!("{at}/headers"), name),
                "no header that may carry a secret or a session",
                format!("`{name}`"),
            );
            out.push(problem.on_name());
        }
    }
    let forms: Vec<&str> = ["json", "text", "base64"]
        .into_iter()
        .filter(|form| message.get(form).is_some())
        .collect();
    if let [_, second, ..] = forms.as_slice() {
        let expected = "one body, as `json`, `text` or `base64`";
        out.push(Problem::new(format!("{at}/{second}"), expected, "a second one").on_name());
    }
    for form in forms {
        let Some(text) = message[form].as_str() else { continue };
        let at = format!("{at}/{form}");
        if text.len() > MAX_BODY * 2 {
            out.push(Problem::new(
                &at,
                format!("a body of at most {MAX_BODY} bytes"),
                format!("{} bytes", text.len()),
            ));
        }
        match form {
            "json" => {
                if let Err(error) = serde_json::from_str::<&serde_json::value::RawValue>(text) {
                    let problem = Problem::new(
                        &at,
                        "JSON (`text` takes any other text)",
                        format!("text that is none ({error})"),
                    );
                    out.push(problem.example("{\"items\": []}"));
                }
            }
            "base64" if body::decode(text).is_none() => {
                out.push(Problem::new(&at, "base64, with padding", "text that is none").example("AAEC/w=="));
            }
            _ => {}
        }
    }
}
