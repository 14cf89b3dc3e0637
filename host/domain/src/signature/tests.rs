//! Against signatures that cosign 3.1.3 made: cosign.json has what it wrote for a component of eight bytes, once as a bundle and
//! once as versions before it did; cosign.pub is the key, whose private half is gone.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::{
    PluginName,
    provenance::{Provenance, Tampered},
    trust::Trust,
};

const PUBLIC: &str = include_str!("cosign.pub");
/// A key of somebody else, made by openssl.
const OTHER: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEs8m+jIL2Foi2qz9m5nMF8nH7BKhM
9wyehaBULDXTnwxPQd2/o09R+zBLiUxb5k6p7PD68/g4Lun90kD1L9bHaw==
-----END PUBLIC KEY-----
";

fn cosigned() -> Provenance {
    serde_json::from_str(include_str!("cosign.json")).unwrap()
}

fn component() -> Digest {
    Digest::of(b"\0asm\x0d\0\x01\0")
}

#[test]
fn what_cosign_signed_is_accepted_in_both_formats() {
    let (key, other) = (
        PublicKey::from_pem(PUBLIC).unwrap(),
        PublicKey::from_pem(OTHER).unwrap(),
    );
    let cosigned = cosigned();
    assert_eq!(cosigned.check(&component()), Ok(()));
    let formats: Vec<_> = cosigned.signatures.iter().map(|signature| signature.format).collect();
    assert_eq!(formats, [Format::SimpleSigning, Format::InToto]);
    for signature in &cosigned.signatures {
        assert!(signature.is_by(&key) && !signature.is_by(&other), "{signature:?}");
        assert_eq!(signature.subjects(), [cosigned.manifest_digest().unwrap()]);
    }
}

#[test]
fn one_changed_bit_is_enough() {
    let key = PublicKey::from_pem(PUBLIC).unwrap();
    for signature in cosigned().signatures {
        for i in 0..signature.payload.len() {
            let mut changed = signature.clone();
            changed.payload[i] ^= 1;
            assert!(!changed.is_by(&key), "byte {i} of the payload");
        }
        for i in 0..signature.signature.len() {
            let mut changed = signature.clone();
            changed.signature[i] ^= 1;
            assert!(!changed.is_by(&key), "byte {i} of the signature");
        }
        // The same bytes as the other format are not what was signed.
        let format = match signature.format {
            Format::SimpleSigning => Format::InToto,
            Format::InToto => Format::SimpleSigning,
        };
        let other = Signature { format, ..signature };
        assert!(!other.is_by(&key) && other.subjects().is_empty());
    }
}

#[test]
fn an_attestation_is_no_signature() {
    let mut cosigned = cosigned();
    for (from, to) in [
        ("cosign/sign/v1", "cosign/attest/v1"),
        ("cosign container image", "atomic container"),
    ] {
        for signature in &mut cosigned.signatures {
            let text = String::from_utf8(signature.payload.clone()).unwrap();
            signature.payload = text.replace(from, to).into_bytes();
        }
    }
    assert!(
        cosigned
            .signatures
            .iter()
            .all(|signature| signature.subjects().is_empty())
    );
    assert!(matches!(cosigned.check(&component()), Err(Tampered::Signature { .. })));
}

#[test]
fn a_policy_knows_cosigns_key_by_its_name() {
    let trust = |pem: &str| Trust {
        keys: [("acme".to_owned(), pem.to_owned())].into(),
        require_signature: true,
        ..Trust::default()
    };
    let (cosigned, name) = (cosigned(), PluginName::new("probe").unwrap());
    let judge = |trust: &Trust| {
        let signers = trust.signers(&cosigned);
        trust.objection(&name, &cosigned, &signers, &[])
    };
    assert_eq!(judge(&trust(PUBLIC)), None);
    let why = judge(&trust(OTHER)).unwrap();
    assert!(
        why.ends_with("its 2 signatures are by none of the keys that the policy names"),
        "{why}"
    );
    let before = trust(PUBLIC).signers(&cosigned);
    let why = trust(OTHER).objection(&name, &cosigned, &[], &before).unwrap();
    assert!(why.contains("it was signed by acme when it was installed"), "{why}");
}

#[test]
fn keys_of_other_kinds_are_said_to_be_so() {
    let ed25519 = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    for (pem, part) in [
        (ed25519, "a key of another type"),
        ("hello", "something else"),
        ("-----BEGIN PRIVATE KEY-----", "found a private one"),
    ] {
        let why = PublicKey::from_pem(pem).unwrap_err();
        assert!(why.contains(part), "{why}");
    }
}
