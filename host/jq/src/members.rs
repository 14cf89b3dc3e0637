//! Which members of one field an expression may read: `tier` of `.properties.tier`.

use super::program::{parse, plain};
use jaq_core::{
    load::{
        lex::StrPart,
        parse::{BinaryOp, Pattern, Term},
    },
    path::{Part, Path},
};
use std::collections::BTreeSet;

/// The members of a field that an expression may read. Told from the expression alone, so it may name some that are
/// never read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Members {
    /// Those that stand behind the field's name: `.properties.tier`, `.properties["tier"]`.
    named: BTreeSet<String>,
    /// All other names and texts, which may be members where the field is used as a whole: `.properties | .tier`.
    others: BTreeSet<String>,
    whole: bool,
}

impl Members {
    /// Those of `field` in an expression that compiles; none of any other.
    pub fn of(field: &str, code: &str) -> Self {
        let mut walk = Walk {
            field,
            found: Self::default(),
        };
        if let Ok(term) = parse(code) {
            walk.term(&term);
        }
        walk.found
    }

    /// Whether the expression names this member itself.
    pub fn names(&self, member: &str) -> bool {
        self.named.contains(member)
    }

    /// Whether it may read this member.
    pub fn may_read(&self, member: &str) -> bool {
        self.names(member) || self.whole && self.others.contains(member)
    }
}

struct Walk<'f> {
    field: &'f str,
    found: Members,
}

impl Walk<'_> {
    fn term(&mut self, term: &Term<&str>) {
        match term {
            Term::Id | Term::Num(_) | Term::Break(_) | Term::Var(_) => {}
            Term::Recurse => self.found.whole = true,
            Term::Str(_, parts) => {
                if let Some(text) = plain(term) {
                    self.other(text);
                }
                for part in parts {
                    if let StrPart::Term(term) = part {
                        self.term(term);
                    }
                }
            }
            Term::Arr(inner) => inner.iter().for_each(|term| self.term(term)),
            Term::Obj(entries) => {
                for (key, value) in entries {
                    match (plain(key), value) {
                        // `{tier}` is `{tier: .tier}`.
                        (Some(key), None) => self.other(key),
                        (Some(_), Some(value)) => self.term(value),
                        (None, value) => {
                            self.term(key);
                            value.iter().for_each(|value| self.term(value));
                        }
                    }
                }
            }
            Term::Neg(term) | Term::Label(_, term) => self.term(term),
            Term::BinOp(left, op, right) => {
                self.term(left);
                if let BinaryOp::Pipe(Some(pattern)) = op {
                    self.pattern(pattern);
                }
                self.term(right);
            }
            Term::Fold(_, over, pattern, args) => {
                self.term(over);
                self.pattern(pattern);
                args.iter().for_each(|term| self.term(term));
            }
            Term::TryCatch(term, catch) => {
                self.term(term);
                catch.iter().for_each(|term| self.term(term));
            }
            Term::IfThenElse(branches, last) => {
                for (condition, then) in branches {
                    self.term(condition);
                    self.term(then);
                }
                last.iter().for_each(|term| self.term(term));
            }
            Term::Def(defs, term) => {
                defs.iter().for_each(|def| self.term(&def.body));
                self.term(term);
            }
            Term::Call(_, args) => args.iter().for_each(|term| self.term(term)),
            Term::Path(from, Path(parts)) => {
                self.term(from);
                self.path(parts);
            }
        }
    }

    fn path<Opt>(&mut self, parts: &[(Part<Term<&str>>, Opt)]) {
        let mut behind_field = false;
        for (part, _) in parts {
            let key = match part {
                Part::Index(term) => plain(term),
                Part::Range(..) => None,
            };
            match (key, part) {
                (Some(key), _) if behind_field => {
                    self.found.named.insert(key);
                    behind_field = false;
                }
                (Some(key), _) if key == self.field => behind_field = true,
                (Some(key), _) => self.other(key),
                (None, part) => {
                    self.found.whole |= behind_field;
                    behind_field = false;
                    self.within(part);
                }
            }
        }
        self.found.whole |= behind_field;
    }

    fn within(&mut self, part: &Part<Term<&str>>) {
        match part {
            Part::Index(term) => self.term(term),
            Part::Range(from, to) => from.iter().chain(to).for_each(|term| self.term(term)),
        }
    }

    fn pattern(&mut self, pattern: &Pattern<&str>) {
        match pattern {
            Pattern::Var(_) => {}
            Pattern::Arr(all) => all.iter().for_each(|one| self.pattern(one)),
            Pattern::Obj(all) => {
                for (key, value) in all {
                    self.term(key);
                    self.pattern(value);
                }
            }
        }
    }

    fn other(&mut self, name: String) {
        self.found.whole |= name == self.field;
        self.found.others.insert(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_read_behind_the_field_or_where_the_field_is_used_whole() {
        for (code, reads) in [
            (".properties.now", true),
            (".properties[\"now\"] // 1", true),
            ("\"\\(.properties.now)\"", true),
            (". as $e | $e.properties.now", true),
            (".properties | .now", true),
            (".properties as $p | $p.now", true),
            (".properties | {now}", true),
            (". as {properties: {now: $n}} | $n", true),
            ("getpath([\"properties\", \"now\"])", true),
            (".. | .now? // empty", true),
            ("[.properties.a, .properties.now] | add", true),
            ("if .properties.now then 1 else 2 end", true),
            ("now", false),
            (".now", false),
            (".properties.a + (.properties.b | now)", false),
            ("\"https://x/now/\" + .identifier", false),
            (".properties.nowhere", false),
            (".properties.a.now", false),
            ("{now: .properties.a}", false),
        ] {
            assert_eq!(Members::of("properties", code).may_read("now"), reads, "{code}");
        }
    }
}
