//! Private keys: PEM files of PKCS #8 with an ECDSA P-256 key, which `openssl`, `cosign import-key-pair` and others read and
//! write. They are not encrypted: their files are their owner's alone.

use crate::{RegistryError, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use seawall_domain::{
    Digest,
    signature::{Format, PublicKey, Signature, simple_signing},
};
use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// A key to sign with.
pub struct SigningKey {
    pair: EcdsaKeyPair,
}

impl SigningKey {
    /// Reads one from a PEM text; `name` is only named in errors.
    ///
    /// # Errors
    /// What was found instead, with what to do.
    pub fn from_pem(name: &str, pem: &str) -> Result<Self> {
        let wrong = |why: &str| RegistryError::Usage(format!("{name}: {why}"));
        if pem.contains("ENCRYPTED ") {
            return Err(wrong(
                "the key is encrypted, which is not read here; sign with the tool that it belongs to (`cosign sign`), or make a key \
                 with `seawall plugin keygen`",
            ));
        }
        if pem.contains("PUBLIC KEY") {
            return Err(wrong(
                "expected a private key to sign with, found a public one, which only checks",
            ));
        }
        if pem.contains("EC PRIVATE KEY") {
            return Err(wrong(
                "expected a private key in PKCS #8, found one in SEC 1; `openssl pkcs8 -topk8 -nocrypt -in KEY` converts it",
            ));
        }
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes());
        let der = der.map_err(|_| wrong("expected a private key as `-----BEGIN PRIVATE KEY-----` and what follows"))?;
        Self::from_der(der.secret_pkcs8_der()).map_err(|why| wrong(&why))
    }

    /// Reads a file, which nobody else may be able to read.
    ///
    /// # Errors
    /// Where it cannot be read, others can read it too, or it holds something else.
    pub fn read(path: &Path) -> Result<Self> {
        let file = |source| RegistryError::File {
            path: path.display().to_string(),
            source,
        };
        let mut opened = File::open(path).map_err(file)?;
        let mut pem = Zeroizing::new(String::new());
        opened
            .read_to_string(&mut pem)
            .map_err(|e| unread(path, "PRIVATE", "key", e))?;
        if pem.contains("-----BEGIN PUBLIC KEY-----") {
            return Err(RegistryError::Usage(format!(
                "{}: this is a public key, which checks signatures; to sign, give the private one that belongs to it, as `seawall \
                 plugin keygen` writes beside it (NAME.key)",
                path.display()
            )));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = opened.metadata().map_err(file)?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(RegistryError::Usage(format!(
                    "{}: others than you can read this key (mode {:03o}); `chmod 600` it, and think of it as known to them",
                    path.display(),
                    mode & 0o777
                )));
            }
        }
        Self::from_pem(&path.display().to_string(), &pem)
    }

    fn from_der(der: &[u8]) -> std::result::Result<Self, String> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der, &SystemRandom::new());
        let pair = pair.map_err(|e| format!("expected a key of the type ECDSA P-256, found something else ({e})"))?;
        Ok(Self { pair })
    }

    /// Makes a new pair and writes `PREFIX.key`, its owner's alone, and `PREFIX.pub`. Neither may be there already.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn generate(prefix: &str) -> Result<(PathBuf, PathBuf, PublicKey)> {
        let unlucky = |_| RegistryError::Usage("the system gives no random numbers".to_owned());
        let der =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).map_err(unlucky)?;
        let key = Self::from_der(der.as_ref()).map_err(RegistryError::Usage)?;
        let spki = PublicKey::to_spki(key.pair.public_key().as_ref());
        let public = pem("PUBLIC KEY", &spki);
        let (private_path, public_path) = (
            PathBuf::from(format!("{prefix}.key")),
            PathBuf::from(format!("{prefix}.pub")),
        );
        for path in [&private_path, &public_path] {
            if path.exists() {
                return Err(RegistryError::Usage(format!(
                    "{} is there already; what it signed could not be checked any more. Give another PREFIX",
                    path.display()
                )));
            }
        }
        create(&private_path, 0o600, &pem("PRIVATE KEY", der.as_ref()))?;
        create(&public_path, 0o644, &public)?;
        let public = PublicKey::from_pem(&public).map_err(RegistryError::Usage)?;
        Ok((private_path, public_path, public))
    }

    /// The key that checks what this one signs.
    ///
    /// # Errors
    /// None that were seen: ring gives a point of the curve.
    pub fn public(&self) -> Result<PublicKey> {
        let spki = PublicKey::to_spki(self.pair.public_key().as_ref());
        PublicKey::from_pem(&pem("PUBLIC KEY", &spki)).map_err(RegistryError::Usage)
    }

    /// Signs a manifest as cosign does; `repository` is what the signature says of where it is.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn sign(&self, repository: &str, manifest: &Digest) -> Result<Signature> {
        let payload = simple_signing(repository, manifest);
        let signature = self
            .pair
            .sign(&SystemRandom::new(), &payload)
            .map_err(|_| RegistryError::Usage("the system gives no random numbers".to_owned()))?;
        Ok(Signature {
            format: Format::SimpleSigning,
            payload,
            signature: signature.as_ref().to_vec(),
        })
    }
}

/// Reads a public key from a file.
///
/// # Errors
/// Where it cannot be read or is none.
pub fn read_public(path: &Path) -> Result<PublicKey> {
    let text = std::fs::read_to_string(path).map_err(|e| unread(path, "PUBLIC", "pub", e))?;
    PublicKey::from_pem(&text).map_err(|why| RegistryError::Usage(format!("{}: {why}", path.display())))
}

/// Why a file of a key was not read: what is no text is something else, a component say.
fn unread(path: &Path, kind: &str, ending: &str, source: std::io::Error) -> RegistryError {
    let path = path.display().to_string();
    match source.kind() {
        ErrorKind::InvalidData => RegistryError::Usage(format!(
            "{path}: this is no text, and so no key; expected a PEM file that begins with `-----BEGIN {kind} KEY-----`, as `seawall \
             plugin keygen` writes it (NAME.{ending})"
        )),
        _ => RegistryError::File { path, source },
    }
}

fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let encoded = Zeroizing::new(STANDARD.encode(der));
    let mut out = Zeroizing::new(format!("-----BEGIN {label}-----\n"));
    // base64 is ASCII: every byte is a character.
    for line in encoded.as_bytes().chunks(64) {
        out.push_str(std::str::from_utf8(line).unwrap_or_default());
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

fn create(path: &Path, mode: u32, text: &str) -> Result<()> {
    let file = |source| RegistryError::File {
        path: path.display().to_string(),
        source,
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut out = options.open(path).map_err(file)?;
    out.write_all(text.as_bytes())
        .and_then(|()| out.sync_all())
        .map_err(file)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn pair(folder: &Path, name: &str) -> (SigningKey, PublicKey) {
        let (private, public, _) = SigningKey::generate(folder.join(name).to_str().unwrap()).unwrap();
        (SigningKey::read(&private).unwrap(), read_public(&public).unwrap())
    }

    #[test]
    fn what_one_key_signs_its_public_half_accepts_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let ((a, a_public), (_, b_public)) = (pair(folder.path(), "a"), pair(folder.path(), "b"));
        let manifest = Digest::of(b"manifest");
        let mut signature = a.sign("ghcr.io/acme/x", &manifest).unwrap();
        assert_eq!(signature.subjects(), [manifest]);
        assert!(signature.is_by(&a_public) && !signature.is_by(&b_public));
        assert_eq!(a.public().unwrap(), a_public);
        signature.payload[40] ^= 1;
        assert!(!signature.is_by(&a_public));
    }

    #[test]
    fn a_pair_is_not_overwritten_and_the_key_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        pair(folder.path(), "a");
        let (prefix, key) = (folder.path().join("a"), folder.path().join("a.key"));
        let again = SigningKey::generate(prefix.to_str().unwrap())
            .err()
            .unwrap()
            .to_string();
        assert!(again.contains("is there already"), "{again}");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&key), mode(&prefix.with_extension("pub"))), (0o600, 0o644));
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
        let said = SigningKey::read(&key).err().unwrap().to_string();
        assert!(said.contains("mode 640"), "{said}");
    }

    #[test]
    fn a_key_of_another_kind_is_said_to_be_one() {
        for (pem, part) in [
            ("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----", "is encrypted"),
            ("-----BEGIN PUBLIC KEY-----", "a public one"),
            ("-----BEGIN EC PRIVATE KEY-----", "SEC 1"),
            ("hello", "expected a private key"),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "ECDSA P-256",
            ),
        ] {
            let said = SigningKey::from_pem("k", pem).err().unwrap().to_string();
            assert!(said.contains(part), "{pem}: {said}");
        }
    }
}
