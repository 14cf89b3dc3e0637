//! Lists: pages with an opaque cursor.

use super::problem::Problem;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

/// Where a list goes on, and how much of it is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// From the answer before.
    pub(crate) cursor: Option<String>,
    /// 1 to 1,000; 50 where absent.
    pub(crate) limit: Option<usize>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T: ToSchema> {
    /// In order.
    pub(crate) items: Vec<T>,
    /// Hand it back as `cursor` for the next page; null at the end.
    pub(crate) next: Option<String>,
}

/// Pages for people are short; a script may ask for more.
pub(crate) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked {
        None => Ok(50),
        Some(n @ 1..=1000) => Ok(n),
        Some(n) => Err(Problem::invalid("limit", format!("expected 1 to 1000, found {n}"))),
    }
}

/// Makes a cursor. `of` binds it to its query: another query refuses it.
pub(crate) fn encode<T: Serialize>(of: &str, place: &T) -> Option<String> {
    serde_json::to_vec(&(of, place))
        .ok()
        .map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads a cursor.
pub(crate) fn decode<T: DeserializeOwned>(of: &str, cursor: &str) -> Result<T, Problem> {
    let wrong = |why: &str| {
        Problem::invalid(
            "cursor",
            format!("{why}; take `next` of the answer before as it is, or leave the cursor out"),
        )
    };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong("this is no cursor"))?;
    let (its, place): (String, serde_json::Value) =
        serde_json::from_slice(&bytes).map_err(|_| wrong("this is no cursor"))?;
    if its != of {
        return Err(wrong("this cursor belongs to another query"));
    }
    serde_json::from_value(place).map_err(|_| wrong("this is no cursor"))
}

impl PageQuery {
    /// The id to go on before, for lists from new to old.
    pub(crate) fn before(&self, of: &str) -> Result<Option<i64>, Problem> {
        self.cursor.as_deref().map(|c| decode(of, c)).transpose()
    }
}

/// A page of a list from new to old, cut to `limit` of at most `limit + 1` rows.
pub(crate) fn newest<R, T: ToSchema>(
    of: &str,
    limit: usize,
    mut rows: Vec<R>,
    id: impl Fn(&R) -> i64,
    show: impl Fn(R) -> T,
) -> Page<T> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).and_then(|r| encode(of, &id(r)));
    Page {
        items: rows.into_iter().map(show).collect(),
        next,
    }
}
