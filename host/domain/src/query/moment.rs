//! Texts that are moments.

use crate::Millis;

/// Nanoseconds since 1970-01-01T00:00:00Z.
pub type Moment = i128;

/// The moment that `text` names: an RFC 3339 time, or a date alone, which is its midnight in UTC. Nearly all texts are none, and
/// are told apart by a few bytes.
pub fn moment(text: &str) -> Option<Moment> {
    let b = text.as_bytes();
    if b.len() < 10 || b[4] != b'-' || b[7] != b'-' || !b[0].is_ascii_digit() || !b[9].is_ascii_digit() {
        return None;
    }
    if b.len() == 10 {
        let date: jiff::civil::Date = text.parse().ok()?;
        let midnight = date.at(0, 0, 0, 0);
        return Some(jiff::tz::Offset::UTC.to_timestamp(midnight).ok()?.as_nanosecond());
    }
    // A time zone's name in brackets is no RFC 3339.
    if b.len() < 17 || !matches!(b[10], b'T' | b't' | b' ') || b.contains(&b'[') {
        return None;
    }
    Some(text.parse::<jiff::Timestamp>().ok()?.as_nanosecond())
}

/// The moment of so many milliseconds since 1970.
pub fn millis(at: Millis) -> Moment {
    Moment::from(at) * 1_000_000
}

#[cfg(test)]
mod tests {
    use super::{millis, moment};

    #[test]
    fn the_same_moment_is_written_in_many_ways() {
        let noon = Some(millis(1_706_702_400_000));
        for same in [
            "2024-01-31T12:00:00Z",
            "2024-01-31T14:00:00+02:00",
            "2024-01-31t12:00:00.000z",
            "2024-01-31 12:00:00Z",
        ] {
            assert_eq!(moment(same), noon, "{same}");
        }
        assert_eq!(moment("2024-01-31"), noon.map(|noon| noon - millis(12 * 3_600_000)));
        for other in [
            "",
            "2024-01-3",
            "2024-13-31",
            "2024-01-31T12:00:00",
            "2024-01-31T12:00:00+01[Europe/Paris]",
            "äöü-aaaaaaa",
            "2024-01-31 ist ein Mittwoch",
        ] {
            assert_eq!(moment(other), None, "{other}");
        }
    }
}
