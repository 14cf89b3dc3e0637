//! Rules that ask for what no rule is given: the call traps, and the host says what it was.

use seawall_sdk::prelude::*;
use std::time::SystemTime;

enum Nosy {
    Clock,
    Fetch,
}

impl Rule for Nosy {
    fn prepare(name: &str, _params: &Json) -> Result<Self> {
        match name {
            "clock" => Ok(Self::Clock),
            "fetch" => Ok(Self::Fetch),
            other => Err(Failure::failed(format!("there is no rule `{other}`"))),
        }
    }

    fn judge(&self, subject: &Subject) -> Result<Verdict> {
        match self {
            Self::Clock => {
                let now = SystemTime::now();
                let old = now.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|age| age < subject.now);
                Ok(if old { Verdict::fail("it is too old") } else { Verdict::Pass })
            }
            Self::Fetch => {
                let answer = http::get("http://127.0.0.1:1/").send()?;
                Ok(Verdict::fail(answer.status().to_string()))
            }
        }
    }
}

seawall_sdk::plugin!(Nosy: rule);
