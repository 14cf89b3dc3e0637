//! Times as people and programs write them (RFC 3339, UTC).

use super::problem::Problem;
use seawall_domain::Millis;

/// `2026-11-24T12:00:00.123Z`.
pub(crate) fn show(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map(|t| t.to_string())
        .unwrap_or_default()
}

/// Reads one.
pub(crate) fn read(pointer: &str, text: &str) -> Result<Millis, Problem> {
    text.parse::<jiff::Timestamp>()
        .map(jiff::Timestamp::as_millisecond)
        .map_err(|e| {
            Problem::invalid(
                pointer,
                format!("expected a time such as 2027-01-31T12:00:00Z, found `{text}`: {e}"),
            )
        })
}
