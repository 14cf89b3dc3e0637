//! Dates with times, as RFC 3339 writes them, and other ways of ISO 8601 to write the same moment.

/// `text` as RFC 3339, if it says a moment with its offset: `2024-01-31T10:00:00+0200` and `2024-01-31 10:00Z` do.
/// `None` when it does not, as for a date alone or a time without offset: adding one would be a guess.
pub(super) fn rfc3339(text: &str) -> Option<String> {
    let b = text.as_bytes();
    if !text.is_ascii() || b.len() < 17 || !matches!(b[10], b'T' | b't' | b' ') {
        return None;
    }
    let (date, rest) = (&text[..10], &text[11..]);
    let cut = rest.find(['Z', 'z', '+', '-'])?;
    let (time, offset) = rest.split_at(cut);
    let (clock, fraction) = match time.split_once('.') {
        Some((clock, digits)) => (clock, Some(digits)),
        None => (time, None),
    };
    let seconds = if clock.len() == 5 { ":00" } else { "" };
    if fraction.is_some_and(|f| f.is_empty() || !f.bytes().all(|c| c.is_ascii_digit()) || !seconds.is_empty()) {
        return None;
    }
    let offset = match offset.as_bytes() {
        [b'Z' | b'z'] => "Z".to_owned(),
        [_, h @ .., b':', m1, m2] if h.len() == 2 => format!(
            "{}{}{}:{}{}",
            &offset[..1],
            h[0] as char,
            h[1] as char,
            *m1 as char,
            *m2 as char
        ),
        [_, _, _, _, _] => format!("{}:{}", &offset[..3], &offset[3..]),
        [_, _, _] => format!("{offset}:00"),
        _ => return None,
    };
    let out = format!(
        "{date}T{clock}{seconds}{dot}{fraction}{offset}",
        dot = if fraction.is_some() { "." } else { "" },
        fraction = fraction.unwrap_or_default(),
    );
    is_valid(&out, &offset).then_some(out)
}

fn is_valid(text: &str, offset: &str) -> bool {
    let b = text.as_bytes();
    let number = |at: usize| -> Option<i8> {
        let pair = b.get(at..at + 2)?;
        pair.iter()
            .all(u8::is_ascii_digit)
            .then(|| ((pair[0] - b'0') * 10 + (pair[1] - b'0')) as i8)
    };
    let parts = || {
        let century = number(0)?;
        let year = i16::from(century) * 100 + i16::from(number(2)?);
        let (month, day) = (number(5)?, number(8)?);
        let marks = b[4] == b'-' && b[7] == b'-' && b[13] == b':' && b[16] == b':';
        // A leap second is a second that a minute may have.
        let clock = number(11)? < 24 && number(14)? < 60 && number(17)? <= 60;
        let offset = offset == "Z" || {
            let at = text.len() - 5;
            number(at)? < 24 && number(at + 3)? < 60
        };
        let separated = matches!(b[19], b'.' | b'Z' | b'+' | b'-');
        Some(marks && clock && offset && separated && jiff::civil::Date::new(year, month, day).is_ok())
    };
    text.len() >= 20 && parts().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn keeps_rfc3339() {
        for same in [
            "2024-02-29T23:59:60Z",
            "2024-01-31T10:00:00.123456+02:00",
            "1999-12-31T00:00:00-00:30",
        ] {
            assert_eq!(rfc3339(same).as_deref(), Some(same));
        }
    }

    #[test]
    fn writes_the_same_moment_as_rfc3339() {
        for (given, wanted) in [
            ("2023-11-28T09:15:22.412+0200", "2023-11-28T09:15:22.412+02:00"),
            ("2023-11-28 09:15:22Z", "2023-11-28T09:15:22Z"),
            ("2023-11-28t09:15z", "2023-11-28T09:15:00Z"),
            ("2023-11-28T09:15:22-08", "2023-11-28T09:15:22-08:00"),
        ] {
            assert_eq!(rfc3339(given).as_deref(), Some(wanted), "{given}");
        }
    }

    #[test]
    fn refuses_what_is_no_moment() {
        for bad in [
            "2023-11-28",
            "2023-11-28T09:15:22",
            "2023-02-30T09:15:22Z",
            "2023-11-28T25:15:22Z",
            "now",
            "",
            "2023-11-28T09:15:22.Z",
            "2023-11-28T09:15:22+2",
            "2023-11-28T09:15:22+02:0x",
            "2023/11/28T09:15:22Z",
            "２023-11-28T09:15:22Z",
            "2023-11-28T09:15:2Z+00",
            "2023-11-28T9:15:22Z",
            "2023-11-28T09:15:22+",
        ] {
            assert_eq!(rfc3339(bad), None, "{bad}");
        }
    }
}
