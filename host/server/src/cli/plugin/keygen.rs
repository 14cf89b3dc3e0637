//! `seawall plugin keygen`.

use crate::cli::{
    Global,
    error::Result,
    output::{at, fields},
};
use seawall_registry::SigningKey;
use serde_json::json;

/// Makes a pair of keys to sign plugins with (ECDSA P-256): PREFIX.key, which stays yours alone, and PREFIX.pub, which those
/// who install your plugins put into their policy. `cosign verify` takes the public one; the private one is PKCS #8 without a
/// password
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall plugin keygen\n  seawall plugin keygen keys/acme")]
pub(crate) struct Keygen {
    /// The files' names without their endings
    #[arg(default_value = "seawall")]
    prefix: String,
}

impl Keygen {
    pub(super) fn run(self, global: &Global) -> Result {
        let (private, public, key) = SigningKey::generate(&self.prefix)?;
        let answer = json!({"private": private, "public": public, "fingerprint": key.fingerprint()});
        global.output().one(&answer, |answer| {
            fields(&[
                ("private", format!("{}   keep it to yourself", at(answer, "/private"))),
                (
                    "public",
                    format!("{}   for the policy of those who install", at(answer, "/public")),
                ),
                ("fingerprint", at(answer, "/fingerprint")),
            ])
        })
    }
}
