//! Ranges of time by name, as Port has them.

use super::moment::{Moment, millis};
use crate::Millis;

/// A range of time by name. Days, weeks and so on are of 24 hours and their multiples and count from now; `today`, `tomorrow` and
/// `yesterday` are days in UTC. A year is 365 days, a month 30, three months 90, six 180, as in Port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Preset(usize);

/// Names with the days from now to the start and to the end.
const PRESETS: [(&str, Days); 19] = [
    ("today", Days::Calendar(0)),
    ("tomorrow", Days::Calendar(1)),
    ("yesterday", Days::Calendar(-1)),
    ("lastDay", Days::Around(-1, 0)),
    ("lastWeek", Days::Around(-7, 0)),
    ("last2Weeks", Days::Around(-14, 0)),
    ("lastMonth", Days::Around(-30, 0)),
    ("last3Months", Days::Around(-90, 0)),
    ("last6Months", Days::Around(-180, 0)),
    ("last12Months", Days::Around(-365, 0)),
    ("last2Years", Days::Around(-730, 0)),
    ("last3Years", Days::Around(-1095, 0)),
    ("nextDay", Days::Around(0, 1)),
    ("nextWeek", Days::Around(0, 7)),
    ("next2Weeks", Days::Around(0, 14)),
    ("nextMonth", Days::Around(0, 30)),
    ("next3Months", Days::Around(0, 90)),
    ("next6Months", Days::Around(0, 180)),
    ("next12Months", Days::Around(0, 365)),
];

#[derive(Debug, Clone, Copy)]
enum Days {
    /// The day that is so many days from today.
    Calendar(i64),
    /// From so many days from now to so many.
    Around(i64, i64),
}

const DAY: Millis = 24 * 3_600_000;

impl Preset {
    /// The preset of a name.
    pub fn named(name: &str) -> Option<Self> {
        PRESETS.iter().position(|(known, _)| *known == name).map(Self)
    }

    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        PRESETS[self.0].0
    }

    /// Its first and last moment.
    pub fn range(self, now: Millis) -> (Moment, Moment) {
        match PRESETS[self.0].1 {
            Days::Calendar(days) => {
                let start = (now.div_euclid(DAY) + days) * DAY;
                (millis(start), millis(start + DAY) - 1)
            }
            Days::Around(from, to) => (millis(now + from * DAY), millis(now + to * DAY)),
        }
    }

    /// Now, in milliseconds, when the range first reaches this moment, and when it has left it.
    pub fn passes_by(self, at: Moment) -> (Millis, Millis) {
        let whole = |moment: Moment| Millis::try_from(moment).unwrap_or(Millis::MAX);
        // Of a fraction of a millisecond: the last whole one before it, and the first behind it.
        let (before, behind) = (whole(at.div_euclid(millis(1))), whole(-(-at).div_euclid(millis(1))));
        match PRESETS[self.0].1 {
            Days::Calendar(days) => {
                let start = (before.div_euclid(DAY) - days) * DAY;
                (start, start + DAY)
            }
            Days::Around(from, to) => (behind - to * DAY, before - from * DAY + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_lie_around_now() {
        let now = 1_706_702_400_123;
        let today = Preset::named("today").map(|preset| preset.range(now));
        assert_eq!(today, Some((millis(1_706_659_200_000), millis(1_706_745_600_000) - 1)));
        let week = Preset::named("lastWeek").map(|preset| preset.range(now));
        assert_eq!(week, Some((millis(now - 7 * DAY), millis(now))));
        assert_eq!(Preset::named("lastFortnight"), None);
        assert!(Preset::names().all(|name| Preset::named(name).is_some_and(|preset| preset.name() == name)));
    }
}
