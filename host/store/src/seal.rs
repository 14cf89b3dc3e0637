//! Secrets at rest: envelope encryption with XChaCha20-Poly1305.
//!
//! Each secret has a random data key of its own; the data key is wrapped under the master key. Both seals are bound to
//! the credential's name, so a sealed value that was copied to another row does not open. Changing the master key wraps
//! the data keys anew and touches no secret.
//!
//! Layout: version (1 byte, 1), nonce (24) and wrapped data key (48), nonce (24) and sealed secret.

use crate::{Result, StoreError};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use std::{fmt, io::ErrorKind, path::Path};
use zeroize::{Zeroize, Zeroizing};

const VERSION: u8 = 1;
const NONCE: usize = 24;
const WRAPPED: usize = 32 + 16;
const HEAD: usize = 1 + NONCE + WRAPPED;

/// The key under which credentials are sealed: 32 bytes, written as 64 hexadecimal digits.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl MasterKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`StoreError::Seal`] where the system has no randomness.
    pub fn random() -> Result<Self> {
        Ok(Self(random()?))
    }

    /// Reads 64 hexadecimal digits; white space around them is cut.
    ///
    /// # Errors
    /// [`StoreError::Seal`] with what was expected. The text is not repeated.
    pub fn from_hex(text: &str) -> Result<Self> {
        let mut key = [0; 32];
        hex::decode_to_slice(text.trim(), &mut key).map_err(|_| {
            StoreError::Seal(format!(
                "a master key is 64 hexadecimal digits (32 random bytes), but this has {} characters; \
                 `openssl rand -hex 32` makes one",
                text.trim().chars().count()
            ))
        })?;
        Ok(Self(key))
    }

    /// Reads the key from the environment variable `name`; none where it is not set.
    ///
    /// # Errors
    /// [`StoreError::Seal`] that names the variable where its value is no key.
    pub fn from_env(name: &str) -> Result<Option<Self>> {
        match std::env::var(name) {
            Ok(text) => Self::from_hex(&text)
                .map(Some)
                .map_err(|e| StoreError::Seal(format!("{name}: {e}"))),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(StoreError::Seal(format!("{name} is not UTF-8"))),
        }
    }

    /// Reads the key from a file, or makes one there, readable by its owner alone.
    ///
    /// # Errors
    /// [`StoreError::Seal`] that names the file.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        let failed = |what: &str, e: std::io::Error| StoreError::Seal(format!("{what} {}: {e}", path.display()));
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let text = Zeroizing::new(text);
                return Self::from_hex(&text).map_err(|e| StoreError::Seal(format!("{}: {e}", path.display())));
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(failed("the master key cannot be read from", e)),
        }
        if let Some(folder) = path.parent() {
            crate::files::make_folder(folder).map_err(|e| failed("the folder cannot be made for", e))?;
        }
        let key = Self::random()?;
        match crate::files::write_private(path, key.text().as_bytes()) {
            Ok(()) => Ok(key),
            // Another process was faster: its key is the one.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Self::load_or_create(path),
            Err(e) => Err(failed("the master key cannot be written to", e)),
        }
    }

    /// Writes it to a new file, readable by its owner alone.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        crate::files::write_private(path, self.text().as_bytes())
            .map_err(|e| StoreError::Seal(format!("the master key cannot be written to {}: {e}", path.display())))
    }

    fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0) + "\n")
    }

    /// Seals `secret` for the credential `name`.
    pub(crate) fn seal(&self, name: &str, secret: &str) -> Result<Vec<u8>> {
        let data_key = Zeroizing::new(random::<32>()?);
        let mut out = vec![VERSION];
        out.extend(encrypt(&self.0, data_key.as_slice(), &aad("key", name))?);
        out.extend(encrypt(&data_key, secret.as_bytes(), &aad("secret", name))?);
        Ok(out)
    }

    /// Opens what [`Self::seal`] made.
    pub(crate) fn unseal(&self, name: &str, sealed: &[u8]) -> Result<String> {
        let data_key = self.data_key(name, sealed)?;
        let secret = decrypt(&data_key, sealed.get(HEAD..).unwrap_or_default(), &aad("secret", name))
            .ok_or_else(|| broken(name))?;
        String::from_utf8(secret).map_err(|_| broken(name))
    }

    /// Wraps the data key of `sealed` under `new` instead; the secret stays as it is.
    pub(crate) fn rewrap(&self, new: &Self, name: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let data_key = self.data_key(name, sealed)?;
        let mut out = vec![VERSION];
        out.extend(encrypt(&new.0, data_key.as_slice(), &aad("key", name))?);
        out.extend_from_slice(sealed.get(HEAD..).unwrap_or_default());
        Ok(out)
    }

    fn data_key(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
        if sealed.first() != Some(&VERSION) || sealed.len() < HEAD {
            return Err(StoreError::Damaged {
                what: "credential",
                detail: format!("`{name}` is not in the known form; set its secret again"),
            });
        }
        let wrapped =
            Zeroizing::new(decrypt(&self.0, &sealed[1..HEAD], &aad("key", name)).ok_or_else(|| broken(name))?);
        let mut key = Zeroizing::new([0; 32]);
        if wrapped.len() != key.len() {
            return Err(broken(name));
        }
        key.copy_from_slice(&wrapped);
        Ok(key)
    }
}

fn broken(name: &str) -> StoreError {
    StoreError::Seal(format!(
        "the secret of credential `{name}` does not open: the master key is another one, or the value was changed; \
         use the key it was sealed with, or set the secret again"
    ))
}

fn aad(part: &str, name: &str) -> Vec<u8> {
    format!("seawall:credential:{part}:{name}").into_bytes()
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut out = [0; N];
    getrandom::fill(&mut out).map_err(|e| StoreError::Seal(format!("the system has no randomness: {e}")))?;
    Ok(out)
}

/// Nonce and ciphertext.
fn encrypt(key: &[u8; 32], msg: &[u8], aad: &[u8]) -> Result<Vec<u8>> {
    let nonce = random::<NONCE>()?;
    let sealed = XChaCha20Poly1305::new(&(*key).into())
        .encrypt(&XNonce::from(nonce), Payload { msg, aad })
        .map_err(|_| StoreError::Seal("the secret is too long to be sealed".into()))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn decrypt(key: &[u8; 32], sealed: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    let (nonce, msg) = sealed.split_first_chunk::<NONCE>()?;
    XChaCha20Poly1305::new(&(*key).into())
        .decrypt(&XNonce::from(*nonce), Payload { msg, aad })
        .ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn opens_with_its_key_and_name_alone() {
        let key = MasterKey::random().unwrap();
        let sealed = key.seal("token", "s3cret").unwrap();
        assert_eq!(key.unseal("token", &sealed).unwrap(), "s3cret");
        assert!(key.unseal("other", &sealed).is_err());
        assert!(MasterKey::random().unwrap().unseal("token", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert!(key.unseal("token", &bent).is_err(), "byte {at}");
        }
        for len in 0..sealed.len() {
            assert!(key.unseal("token", &sealed[..len]).is_err(), "cut to {len}");
        }
    }

    #[test]
    fn a_new_master_key_leaves_the_secret_sealed() {
        let (old, new) = (MasterKey::random().unwrap(), MasterKey::random().unwrap());
        let sealed = old.seal("token", "s3cret").unwrap();
        let moved = old.rewrap(&new, "token", &sealed).unwrap();
        assert_eq!(sealed[HEAD..], moved[HEAD..]);
        assert_eq!(new.unseal("token", &moved).unwrap(), "s3cret");
        assert!(old.unseal("token", &moved).is_err());
    }

    #[test]
    fn a_key_file_is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/key");
        let key = MasterKey::load_or_create(&path).unwrap();
        assert_eq!(MasterKey::load_or_create(&path).unwrap().0, key.0);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, "nonsense").unwrap();
        let text = MasterKey::load_or_create(&path).unwrap_err().to_string();
        assert!(
            text.contains("64 hexadecimal digits") && !text.contains("nonsense"),
            "{text}"
        );
    }
}
