//! Names an alert by its labels, as Prometheus and Alertmanager do.

use seawall_sdk::prelude::*;

/// FNV-1a, 64 bits, over the labels in the order of their names, each name and value followed by the byte 255
/// (`labelSetToFingerprint` in prometheus/common, `model/signature.go`).
pub fn of_labels(labels: &Value) -> String {
    let mut hash = Fnv::new();
    let labels = labels.as_object();
    // serde_json keeps the names of an object in order, byte by byte, as Prometheus does.
    for (name, value) in labels.into_iter().flatten() {
        hash.field(name);
        hash.field(value.as_str().unwrap_or_default());
    }
    format!("{:016x}", hash.0)
}

/// The FNV-1a hash of some bytes.
pub fn of_bytes(bytes: &[u8]) -> u64 {
    let mut hash = Fnv::new();
    hash.bytes(bytes);
    hash.0
}

struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn field(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.bytes(&[255]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_fingerprint_that_alertmanager_gives() {
        let alerts: Value = serde_json::from_str(include_str!("../recorded/alertmanager-alerts.json")).unwrap();
        for alert in alerts.as_array().unwrap() {
            assert_eq!(alert["fingerprint"], of_labels(&alert["labels"]));
        }
        assert!(!alerts.as_array().unwrap().is_empty());
    }
}
