//! jaq's values from and to JSON.

use super::budget::MAX_SIZE;
use equivalent::Equivalent;
use jaq_json::{Map, Num, Val};
use serde_json::{Number, Value};
use std::hash::{Hash, Hasher};

/// JSON nested deeper than this, as serde_json reads it, is refused; what is given back is held to the same.
const MAX_DEPTH: usize = 128;

/// Reads strict JSON. jaq's own reader takes a superset and recurses without a bound.
pub fn parse(bytes: &[u8]) -> Result<Val, serde_json::Error> {
    serde_json::from_slice(bytes)
}

/// The value of a string key, without making a jaq value of the key.
pub(super) fn field<'a>(map: &'a Map, name: &str) -> Option<&'a Val> {
    map.get(&Key(name.as_bytes()))
}

/// Hashes as jaq-json hashes a string; a test holds it to that.
struct Key<'a>(&'a [u8]);

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(5);
        self.0.hash(state);
    }
}

impl Equivalent<Val> for Key<'_> {
    fn equivalent(&self, key: &Val) -> bool {
        matches!(key, Val::TStr(s) | Val::BStr(s) if s.as_ref() == self.0)
    }
}

/// As JSON: whole numbers as integers, NaN and infinities as null, invalid UTF-8 replaced.
pub fn to_json(v: &Val) -> Result<Value, &'static str> {
    let mut left = MAX_SIZE;
    json(v, &mut left, MAX_DEPTH)
}

fn json(v: &Val, left: &mut usize, depth: usize) -> Result<Value, &'static str> {
    let mut take = |n: usize| match left.checked_sub(n) {
        Some(rest) => {
            *left = rest;
            Ok(())
        }
        None => Err("its result is too large"),
    };
    if depth == 0 {
        return Err("its result is nested too deep");
    }
    Ok(match v {
        Val::Null => Value::Null,
        Val::Bool(b) => Value::Bool(*b),
        Val::Num(n) => number(n),
        Val::TStr(s) | Val::BStr(s) => {
            take(s.len())?;
            text(s).into()
        }
        Val::Arr(a) => {
            take(a.len())?;
            a.iter()
                .map(|v| json(v, left, depth - 1))
                .collect::<Result<Vec<_>, _>>()?
                .into()
        }
        Val::Obj(o) => {
            take(o.len())?;
            let mut out = serde_json::Map::new();
            for (k, v) in o.iter() {
                let key = match k {
                    Val::TStr(s) | Val::BStr(s) => text(s),
                    other => other.to_string(),
                };
                out.insert(key, json(v, left, depth - 1)?);
            }
            out.into()
        }
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn number(n: &Num) -> Value {
    match n {
        Num::Int(i) => (*i).into(),
        Num::Float(f) => float(*f),
        Num::BigInt(_) | Num::Dec(_) => {
            let text = n.to_string();
            text.parse::<u64>()
                .map_or_else(|_| float(text.parse().unwrap_or(f64::NAN)), Value::from)
        }
    }
}

fn float(f: f64) -> Value {
    // Up to 2^53 a float holds every integer exactly.
    if f.fract() == 0.0 && f.abs() <= 9_007_199_254_740_992.0 {
        (f as i64).into()
    } else {
        Number::from_f64(f).map_or(Value::Null, Value::Number)
    }
}

/// Nodes of `v` with shared parts counted each time they would be printed, up to `max`.
pub(super) fn weight(v: &Val, max: usize) -> usize {
    fn walk(v: &Val, left: &mut usize, depth: usize) {
        let own = match v {
            Val::TStr(s) | Val::BStr(s) => 1 + s.len(),
            _ => 1,
        };
        *left = if depth == 0 { 0 } else { left.saturating_sub(own) };
        if *left == 0 {
            return;
        }
        match v {
            Val::Arr(a) => a.iter().try_for_each(|v| {
                walk(v, left, depth - 1);
                (*left > 0).then_some(())
            }),
            Val::Obj(o) => o.iter().try_for_each(|(k, v)| {
                walk(k, left, depth - 1);
                walk(v, left, depth - 1);
                (*left > 0).then_some(())
            }),
            _ => None,
        };
    }
    let mut left = max;
    walk(v, &mut left, 1024);
    max - left
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_fields_by_name() {
        let Val::Obj(map) = parse(br#"{"a":1,"name with space":[2],"":3,"\u00e4":4}"#).unwrap() else {
            unreachable!()
        };
        for (name, wanted) in [("a", "1"), ("name with space", "[2]"), ("", "3"), ("ä", "4")] {
            assert_eq!(field(&map, name).unwrap().to_string(), wanted);
        }
        assert!(field(&map, "b").is_none());
    }

    #[test]
    fn gives_whole_numbers_back_as_integers() {
        let v = parse(br#"[1.0, 1.5, 18446744073709551615, -3, 1e300, 9007199254740993]"#).unwrap();
        assert_eq!(
            to_json(&v).unwrap(),
            json!([1, 1.5, 18446744073709551615u64, -3, 1e300, 9007199254740993u64])
        );
        assert_eq!(to_json(&Val::from(f64::NAN)).unwrap(), Value::Null);
    }

    #[test]
    fn refuses_deep_json() {
        assert!(
            parse("[".repeat(100_000).as_bytes())
                .unwrap_err()
                .to_string()
                .contains("recursion")
        );
    }

    #[test]
    fn refuses_values_that_share_themselves_into_the_sky() {
        let mut v = Val::from(1usize);
        for _ in 0..60 {
            v = [v.clone(), v].into_iter().collect();
        }
        assert_eq!(to_json(&v), Err("its result is too large"));
        assert_eq!(weight(&v, 1000), 1000);
    }
}
