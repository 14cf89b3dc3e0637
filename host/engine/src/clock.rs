//! The time, passed in.

use seawall_domain::Millis;

/// Gives the time.
pub type Clock = fn() -> Millis;

/// The system's clock.
pub fn system_clock() -> Millis {
    jiff::Timestamp::now().as_millisecond()
}
