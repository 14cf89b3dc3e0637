//! When an answer changes by itself, since time passes: what is not expired yet will be, and what is of the last week
//! will be older.

use super::{
    eval::{Seen, Subject, World, along_relations},
    moment::{Moment, millis, moment},
    node::{Node, Range, Test},
};
use crate::Millis;
use serde_json::Value;

impl Test {
    /// Whether it may pass at one time and not at another, of a value that stays the same.
    pub fn depends_on_time(&self) -> bool {
        matches!(self, Self::Expired | Self::Between(Range::Preset(_)))
    }

    /// The first time after `now` at which it answers differently of this moment.
    fn changes_after(&self, at: Moment, now: Millis) -> Option<Millis> {
        match self {
            Self::Expired => {
                let last = Millis::try_from(at.div_euclid(millis(1))).ok()?;
                last.checked_add(1).filter(|expired| *expired > now)
            }
            Self::Between(Range::Preset(preset)) => {
                let (comes, goes) = preset.passes_by(at);
                [comes, goes].into_iter().filter(|change| *change > now).min()
            }
            _ => None,
        }
    }
}

impl Node {
    /// Whether it may hold at one time and not at another, of entities that stay the same.
    pub fn depends_on_time(&self) -> bool {
        self.leaves().into_iter().any(|leaf| match leaf {
            Self::Rule(rule) => rule.test.depends_on_time(),
            Self::Schema(_, test) => test.depends_on_time(),
            _ => false,
        })
    }

    /// The first time after the world's now at which one of its rules answers differently of this entity, while nothing but the
    /// time changes. Until then the answer stays what it is; none: for ever.
    pub fn changes_after(&self, subject: Subject<'_>, world: &dyn World) -> Option<Millis> {
        let now = world.now();
        let changes = self.leaves().into_iter().filter_map(|leaf| match leaf {
            Self::Rule(rule) if rule.test.depends_on_time() => {
                let mut first = None;
                along_relations(&rule.operand.via, subject, world, &mut |end| {
                    let seen = end.seen(&rule.operand.field, &rule.operand.path);
                    let next = seen.moments().filter_map(|at| rule.test.changes_after(at, now)).min();
                    first = first.into_iter().chain(next).min();
                    false
                });
                first
            }
            Self::Schema(schema, test) if test.depends_on_time() => {
                let names = schema.properties(world.shape(), &subject.entity.blueprint);
                let values = names.filter_map(|name| subject.entity.properties.get(name));
                values
                    .flat_map(moments)
                    .filter_map(|at| test.changes_after(at, now))
                    .min()
            }
            _ => None,
        });
        changes.min()
    }
}

impl Seen<'_> {
    /// The moments in it.
    fn moments(&self) -> impl Iterator<Item = Moment> {
        let (one, several) = match self {
            Self::Absent => (None, None),
            Self::Text(text) => (moment(text), None),
            Self::Time(at) => (Some(millis(*at)), None),
            Self::Value(value) => (None, Some(moments(value))),
        };
        one.into_iter().chain(several.into_iter().flatten())
    }
}

/// The moments that a text is, or a list has as its entries.
fn moments(value: &Value) -> impl Iterator<Item = Moment> {
    let entries = match value {
        Value::Array(entries) => entries.as_slice(),
        one => std::slice::from_ref(one),
    };
    entries.iter().filter_map(|entry| moment(entry.as_str()?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::{
        Entity,
        query::{Alone, Field, Operand, Preset},
    };
    use serde_json::json;

    const NOW: Millis = 1_706_702_400_123;
    const DAY: Millis = 86_400_000;

    fn alone(now: Millis) -> Alone {
        Alone {
            now,
            ..Alone::default()
        }
    }

    fn subject(entity: &Entity) -> Subject<'_> {
        Subject {
            entity,
            created_at: NOW - DAY,
            updated_at: NOW,
            created_by: None,
            updated_by: None,
        }
    }

    fn due(at: &Value) -> Entity {
        serde_json::from_value(json!({"blueprint": "task", "identifier": "t", "properties": {"due": at}})).unwrap()
    }

    #[test]
    fn an_answer_stays_until_the_moment_that_is_told_and_changes_then() {
        let presets = Preset::names().map(|name| Test::Between(Range::Preset(Preset::named(name).unwrap())));
        let tests: Vec<Test> = presets.chain([Test::Expired]).collect();
        let mut changes = 0;
        for (field, value) in [
            (Field::Property("due".into()), json!("2024-01-31T13:00:00Z")),
            (Field::Property("due".into()), json!("2024-01-31T12:00:00.1234567Z")),
            (Field::Property("due".into()), json!("2024-02-29")),
            (Field::Property("due".into()), json!("1960-05-05T05:05:05.5555Z")),
            (
                Field::Property("due".into()),
                json!("2024-03-31T23:59:59.999999999+02:00"),
            ),
            (Field::CreatedAt, Value::Null),
        ] {
            let entity = due(&value);
            for test in &tests {
                let node = Node::rule(Operand::of(field.clone()), test.clone());
                assert!(node.depends_on_time());
                let holds = |now| node.matches(subject(&entity), &alone(now));
                let mut now = NOW - 3 * 365 * DAY;
                // Each range comes and goes once, and a moment expires once.
                for _ in 0..3 {
                    let before = holds(now);
                    let Some(next) = node.changes_after(subject(&entity), &alone(now)) else {
                        assert_eq!(holds(now + 20_000 * DAY), before, "{test:?} of {value}");
                        break;
                    };
                    assert!(next > now);
                    assert_eq!(holds(next - 1), before, "{test:?} of {value} before {next}");
                    assert_eq!(holds(next), !before, "{test:?} of {value} at {next}");
                    (now, changes) = (next, changes + 1);
                }
            }
        }
        assert!(changes > 150, "{changes}");
    }

    #[test]
    fn the_first_of_several_moments_counts_and_others_none() {
        let expired = |field: &str| Node::rule(Operand::of(Field::Property(field.into())), Test::Expired);
        let entity = due(&json!(["2024-03-01", "never", 3, "2024-02-01", "2024-01-01"]));
        let day = Some(1_706_745_600_001);
        let tree = Node::All(vec![
            expired("due").negated(),
            expired("other"),
            Node::rule(Operand::of(Field::Identifier), Test::Equal(json!("t"))),
        ]);
        assert_eq!(tree.changes_after(subject(&entity), &alone(NOW)), day);
        let timeless = Node::rule(Operand::of(Field::CreatedAt), Test::Equal(json!("2024-03-01")));
        assert!(!timeless.depends_on_time());
        assert_eq!(timeless.changes_after(subject(&entity), &alone(NOW)), None);
    }
}
