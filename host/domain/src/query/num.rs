//! Numbers in one canonical form, so that 1 and 1.0 are one value, and in one exact order.

use serde_json::{Number, Value};
use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
};

const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_POW_64: f64 = 18_446_744_073_709_551_616.0;

/// A JSON number. Whole numbers are never kept as `Float` when they fit an integer, and `Uint` is above `i64::MAX`, so
/// equal numbers have equal forms.
#[derive(Debug, Clone, Copy)]
pub enum Num {
    /// Any whole number that fits.
    Int(i64),
    /// A whole number above those.
    Uint(u64),
    /// One with a fraction, or outside the whole numbers' range.
    Float(f64),
}

impl Num {
    /// The canonical form.
    pub fn new(number: &Number) -> Self {
        if let Some(int) = number.as_i64() {
            Self::Int(int)
        } else if let Some(uint) = number.as_u64() {
            Self::Uint(uint)
        } else {
            Self::from_f64(number.as_f64().unwrap_or_default())
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the ranges are checked just before"
    )]
    fn from_f64(float: f64) -> Self {
        if float.fract() != 0.0 {
            Self::Float(float)
        } else if (-TWO_POW_63..TWO_POW_63).contains(&float) {
            Self::Int(float as i64)
        } else if (0.0..TWO_POW_64).contains(&float) {
            Self::Uint(float as u64)
        } else {
            Self::Float(float)
        }
    }

    /// As JSON.
    pub fn to_value(self) -> Value {
        match self {
            Self::Int(int) => int.into(),
            Self::Uint(uint) => uint.into(),
            Self::Float(float) => Number::from_f64(float).map_or(Value::Null, Value::Number),
        }
    }

    /// The nearest float; keeps the order, though neighbours may become equal.
    #[expect(
        clippy::cast_precision_loss,
        reason = "used as the leading part of a comparison only"
    )]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Uint(uint) => uint as f64,
            Self::Float(float) => float,
        }
    }

    fn whole(self) -> Result<i128, f64> {
        match self {
            Self::Int(int) => Ok(int.into()),
            Self::Uint(uint) => Ok(uint.into()),
            Self::Float(float) => Err(float),
        }
    }
}

/// A float here is never equal to an integer: it has a fraction, or lies outside the integers' range (where the cast
/// saturates at `i128`'s ends, which is on the right side).
#[expect(clippy::cast_possible_truncation, reason = "saturates, see above")]
fn whole_against_float(whole: i128, float: f64) -> Ordering {
    if whole <= float.floor() as i128 {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

impl Ord for Num {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.whole(), other.whole()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Err(a), Err(b)) => a.total_cmp(&b),
            (Ok(a), Err(b)) => whole_against_float(a, b),
            (Err(a), Ok(b)) => whole_against_float(b, a).reverse(),
        }
    }
}

impl PartialOrd for Num {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Num {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Num {}

impl Hash for Num {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Int(int) => int.hash(state),
            Self::Uint(uint) => uint.hash(state),
            Self::Float(float) => float.to_bits().hash(state),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn num(json: &str) -> Num {
        Num::new(serde_json::from_str::<Value>(json).unwrap().as_number().unwrap())
    }

    #[test]
    fn whole_floats_equal_integers() {
        assert_eq!(num("1"), num("1.0"));
        assert_eq!(num("0"), num("-0.0"));
        assert_eq!(num("18446744073709549568"), num("18446744073709549568.0"));
        assert_ne!(num("9007199254740993"), num("9007199254740992.0"));
    }

    #[test]
    fn order_is_exact_across_forms() {
        let rising = [
            "-1e300",
            "-9223372036854775808",
            "-1.5",
            "-1",
            "0",
            "0.5",
            "1",
            "9007199254740992",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "1e20",
            "1e300",
        ];
        for (i, a) in rising.iter().enumerate() {
            for (j, b) in rising.iter().enumerate() {
                assert_eq!(num(a).cmp(&num(b)), i.cmp(&j), "{a} and {b}");
            }
        }
    }
}
