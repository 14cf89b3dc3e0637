//! Waits for a list to change.
//!
//! Neither server tells when an alert fires, so `pull` asks again and again for some seconds, and the host calls it anew
//! at once. The cursor holds what the catalog has: the key of every item with a hash of it. So a page names just what
//! changed, and what is gone, and ends with `caught-up`. A snapshot would do the same while it is small, but a host
//! holds back a snapshot that removes much of what it had, and when an outage ends many alerts resolve at once.

use crate::fingerprint;
use seawall_sdk::prelude::*;
use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

/// How long to wait before asking again: an alert is in the catalog within two seconds.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long one call waits for a change.
const PATIENCE: Duration = Duration::from_secs(4);
/// Up to so many items the cursor names each (some 50 KB); above, it holds one hash, and every change is a snapshot.
const NAMED: usize = 2_000;

/// An item, with the hash that tells whether it changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub key: String,
    pub item: Value,
    pub hash: u32,
}

impl Found {
    pub fn new(key: String, item: Value) -> Result<Self> {
        let hash = fingerprint::of_bytes(&serde_json::to_vec(&item)?);
        // Half of it: a change that is missed once in four thousand million is seen with the next one.
        Ok(Self {
            key,
            item,
            hash: (hash >> 32) as u32,
        })
    }
}

/// What the catalog has, as the cursor says.
#[derive(Debug, PartialEq)]
enum Known {
    Each(BTreeMap<String, u32>),
    Whole(u64),
}

impl Known {
    fn of(found: &[Found]) -> Self {
        let each: BTreeMap<String, u32> = found.iter().map(|f| (f.key.clone(), f.hash)).collect();
        if each.len() <= NAMED {
            return Self::Each(each);
        }
        let text: String = each.iter().fold(String::new(), |mut text, (key, hash)| {
            let _ = write!(text, "{key}={hash:x},");
            text
        });
        Self::Whole(fingerprint::of_bytes(text.as_bytes()))
    }

    fn to_cursor(&self) -> String {
        match self {
            Self::Whole(hash) => format!("whole:{hash:x}"),
            Self::Each(each) => {
                let entries: Vec<String> = each.iter().map(|(key, hash)| format!("{key}={hash:x}")).collect();
                format!("each:{}", entries.join(","))
            }
        }
    }

    /// A cursor that an older version of this plugin wrote is one that is no longer known.
    fn from_cursor(cursor: &str) -> Result<Self> {
        let read = || {
            if let Some(hash) = cursor.strip_prefix("whole:") {
                return u64::from_str_radix(hash, 16).ok().map(Self::Whole);
            }
            let entries = cursor
                .strip_prefix("each:")?
                .split(',')
                .filter(|entry| !entry.is_empty());
            let each = entries.map(|entry| {
                let (key, hash) = entry.split_once('=')?;
                Some((key.to_owned(), u32::from_str_radix(hash, 16).ok()?))
            });
            each.collect::<Option<_>>().map(Self::Each)
        };
        read().ok_or(Failure::CursorExpired)
    }
}

/// Waits as long as one call may, some time at once.
pub fn patience() -> impl FnMut() -> bool {
    let begun = clock::monotonic();
    move || {
        let more = clock::monotonic().saturating_sub(begun) < PATIENCE;
        if more {
            clock::sleep(INTERVAL);
        }
        more
    }
}

/// One page: all items without a cursor, else what changed since it, as soon as something does. `finish` completes the
/// items that go into the page; `wait` lets some time pass, and answers false when it was enough.
pub fn page(
    kind: &str,
    cursor: Option<&str>,
    list: impl Fn() -> Result<Vec<Found>>,
    finish: impl Fn(&mut Vec<Found>) -> Result<()>,
    mut wait: impl FnMut() -> bool,
) -> Result<Page> {
    let known = cursor.map(Known::from_cursor).transpose()?;
    let mut found = list()?;
    let mut now = Known::of(&found);
    while known.as_ref() == Some(&now) && wait() {
        found = list()?;
        now = Known::of(&found);
    }

    let (mut page, gone) = match (&known, &now) {
        (Some(known), now) if known == now => return Ok(Page::caught_up(now.to_cursor())),
        (Some(Known::Each(known)), Known::Each(now_each)) => {
            found.retain(|f| known.get(&f.key) != Some(&f.hash));
            let gone: Vec<&String> = known.keys().filter(|key| !now_each.contains_key(*key)).collect();
            (Page::caught_up(now.to_cursor()), gone)
        }
        _ => (Page::complete_at(now.to_cursor()), Vec::new()),
    };
    if !found.is_empty() {
        finish(&mut found)?;
    }
    for Found { key, item, .. } in &found {
        page.upsert(kind, key, item)?;
    }
    for key in gone {
        page.delete(kind, key);
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seawall_sdk::ingestor::Change;
    use std::cell::Cell;

    /// How often the tests' patience asks.
    const ASKS: usize = 5;

    fn items(items: &[(&str, &str)]) -> Vec<Found> {
        items
            .iter()
            .map(|(key, state)| Found::new((*key).to_owned(), json!(state)).unwrap())
            .collect()
    }

    fn pull(cursor: Option<&str>, lists: &[Vec<Found>]) -> (Page, usize) {
        let asked = Cell::new(0);
        let list = || {
            asked.set(asked.get() + 1);
            Ok(lists[(asked.get() - 1).min(lists.len() - 1)].clone())
        };
        let page = page("alert", cursor, list, |_| Ok(()), || asked.get() < ASKS).unwrap();
        (page, asked.get())
    }

    fn cursor(page: &Page) -> &str {
        match &page.next {
            Next::CaughtUp(cursor) | Next::SnapshotComplete(Some(cursor)) => cursor,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_pass_lists_everything_at_once() {
        let (page, asked) = pull(None, &[items(&[("a", "firing")])]);
        assert!(matches!(page.next, Next::SnapshotComplete(Some(_))));
        assert_eq!((page.changes.len(), asked), (1, 1));
        // Also when there is nothing, so that what an earlier version listed is removed.
        assert!(matches!(
            pull(None, &[Vec::new()]).0.next,
            Next::SnapshotComplete(Some(_))
        ));
    }

    #[test]
    fn it_waits_for_a_change_and_names_just_that() {
        let before = items(&[("a", "pending"), ("b", "firing"), ("c", "firing")]);
        let after = items(&[("a", "firing"), ("b", "firing"), ("d", "pending")]);
        let (first, _) = pull(None, std::slice::from_ref(&before));
        let (page, asked) = pull(Some(cursor(&first)), &[before.clone(), before, after.clone()]);
        assert_eq!(asked, 3);
        let expected = [
            Change::upsert("alert", "a", "firing").unwrap(),
            Change::upsert("alert", "d", "pending").unwrap(),
            Change::delete("alert", "c"),
        ];
        assert_eq!(page.changes, expected);
        assert!(matches!(page.next, Next::CaughtUp(_)));
        assert_eq!(cursor(&page), Known::of(&after).to_cursor());
    }

    #[test]
    fn without_a_change_it_answers_in_time() {
        let same = items(&[("a", "firing")]);
        let (first, _) = pull(None, std::slice::from_ref(&same));
        let (page, asked) = pull(Some(cursor(&first)), &[same]);
        assert_eq!(asked, ASKS);
        assert!(page.changes.is_empty());
        assert_eq!(page.next, Next::CaughtUp(cursor(&first).to_owned()));
    }

    #[test]
    fn many_items_are_listed_whole() {
        let keys: Vec<String> = (0..=NAMED).map(|n| format!("{n:016x}")).collect();
        let many = items(&keys.iter().map(|key| (key.as_str(), "firing")).collect::<Vec<_>>());
        let (first, _) = pull(None, std::slice::from_ref(&many));
        assert!(cursor(&first).len() < 40);
        let (page, _) = pull(Some(cursor(&first)), &[many[1..].to_vec()]);
        assert!(matches!(page.next, Next::SnapshotComplete(Some(_))));
        assert_eq!(page.changes.len(), NAMED);
    }

    #[test]
    fn an_unknown_cursor_has_expired() {
        let result = page("alert", Some("{}"), || Ok(Vec::new()), |_| Ok(()), || false);
        assert_eq!(result, Err(Failure::CursorExpired));
    }
}
