//! Signatures of messages: HMAC-SHA256 over id, time and body, in base64 behind `v1,`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Random bytes of a secret; the specification asks for 24 to 64.
pub const SECRET_BYTES: usize = 32;

const PREFIX: &str = "whsec_";

/// A secret as people hand it to the receiver.
pub fn secret(random: [u8; SECRET_BYTES]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(random))
}

/// The header `webhook-signature`: one signature for each secret, `id` and `seconds` as in the other two headers. A secret that is
/// none of [`secret`]'s signs nothing and is passed over.
pub fn signature(secrets: &[&str], id: &str, seconds: i64, body: &[u8]) -> String {
    let all = secrets.iter().filter_map(|secret| one(secret, id, seconds, body));
    all.collect::<Vec<_>>().join(" ")
}

fn one(secret: &str, id: &str, seconds: i64, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference libraries' own tests (standard-webhooks, `libraries/*/…test*`, "sign function works").
    #[test]
    fn agrees_with_the_reference_libraries() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let got = signature(
            &[secret],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(got, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_give_two_signatures() {
        let (a, b) = (secret([1; SECRET_BYTES]), secret([2; SECRET_BYTES]));
        let both = signature(&[&a, &b], "id", 1, b"{}");
        let (first, second) = (signature(&[&a], "id", 1, b"{}"), signature(&[&b], "id", 1, b"{}"));
        assert_eq!(both, format!("{first} {second}"));
        assert_ne!(first, second);
        assert_eq!(signature(&["nonsense"], "id", 1, b"{}"), "");
    }
}
