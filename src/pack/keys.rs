//! Ed25519 keys in the files that everybody reads: PKCS#8 and SPKI, PEM.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::digest;
use crate::error::{Error, Result};
use crate::fs;
use crate::layout::public_key_beside;

/// No key file is longer.
const PEM_BYTES_MAX: u64 = 64 << 10;

/// What the PEM label of a public key ends with.
const PUBLIC_LABEL: &str = "PUBLIC KEY-----";

/// What the PEM label of a private key ends with, encrypted or not.
const PRIVATE_LABEL: &str = "PRIVATE KEY-----";

/// Signs.
#[derive(Debug)]
pub struct PrivateKey(SigningKey);

/// Verifies; it has a name, the *keyid*: lowercase hex SHA-256 of the DER SPKI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    keyid: String,
}

/// Makes a new key pair: `out` (PKCS#8, mode 0600) and, for `K.pem`, `K.pub.pem` (SPKI).
///
/// # Errors
/// One of the files exists already (exit 2), or the system refuses (exit 6).
pub fn generate(out: &Path) -> Result<(PathBuf, PublicKey)> {
    let public_path = public_key_beside(out);
    if public_path.symlink_metadata().is_ok() {
        return Err(Error::usage(format!("`{}` exists already", public_path.display()))
            .hint("choose another name, or remove it if you are sure that nothing was signed with it"));
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| Error::environment(format!("the system gives no random numbers: {e}")))?;
    let key = SigningKey::from_bytes(&seed);
    // Without the public half inside: that is the version of PKCS#8 that every OpenSSL reads.
    let document = KeypairBytes { secret_key: seed, public_key: None };
    let pem = document.to_pkcs8_pem(LineEnding::LF).map_err(|e| Error::bug(format!("a key has no PEM form: {e}")))?;
    let public = PublicKey::new(key.verifying_key())?;
    let public_pem = public.to_pem()?;
    fs::write_secret(out, pem.as_bytes())?;
    fs::write_new(&public_path, public_pem.as_bytes())?;
    Ok((public_path, public))
}

impl PrivateKey {
    /// Reads a private key that its owner alone can read.
    ///
    /// # Errors
    /// There is no such file, others may read it, or it is no Ed25519 key in PKCS#8 PEM (exit 2).
    pub fn load(path: &Path) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let file = File::open(path).map_err(|e| Error::input(path, &e))?;
        let mode = file.metadata().map_err(|e| Error::input(path, &e))?.permissions().mode();
        let text = read_pem(file, path)?;
        if text.contains(PUBLIC_LABEL) {
            return Err(Error::usage(format!("`{}` is a public key, and only the private one signs", path.display()))
                .hint("give the `K.pem` that `molsieve keygen` wrote beside this `K.pub.pem`"));
        }
        if mode & 0o077 != 0 {
            return Err(Error::usage(format!(
                "others may read the private key `{}` (mode {:04o})",
                path.display(),
                mode & 0o7777
            ))
            .hint(format!("run `chmod 600 {}`; if others could read it, make a new key instead", path.display())));
        }
        let key = SigningKey::from_pkcs8_pem(&text).map_err(|_| {
            Error::usage(format!("`{}` is not an Ed25519 private key in PKCS#8 PEM", path.display()))
                .hint("make one with `molsieve keygen --out K.pem` or `openssl genpkey -algorithm ed25519`")
        })?;
        Ok(Self(key))
    }

    /// The public half.
    ///
    /// # Errors
    /// None in practice: every key has a DER form.
    pub fn public(&self) -> Result<PublicKey> {
        PublicKey::new(self.0.verifying_key())
    }

    /// The signature of `message`, 64 bytes; the same every time (RFC 8032).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl PublicKey {
    fn new(key: VerifyingKey) -> Result<Self> {
        let der = key.to_public_key_der().map_err(|e| Error::bug(format!("a key has no DER form: {e}")))?;
        Ok(Self { key, keyid: digest::sha256(der.as_bytes()).to_string() })
    }

    /// Reads a public key.
    ///
    /// # Errors
    /// There is no such file, or it is no Ed25519 key in SPKI PEM (exit 2).
    pub fn load(path: &Path) -> Result<Self> {
        let text = read_pem(File::open(path).map_err(|e| Error::input(path, &e))?, path)?;
        if text.contains(PRIVATE_LABEL) {
            let public = public_key_beside(path);
            return Err(Error::usage(format!("`{}` is a private key, and the public one verifies", path.display()))
                .hint(format!(
                    "give its public half, `{}`; the private key is for `molsieve sign` alone",
                    public.display()
                )));
        }
        let key = VerifyingKey::from_public_key_pem(&text).map_err(|_| {
            Error::usage(format!("`{}` is not an Ed25519 public key in SPKI PEM", path.display()))
                .hint("give the `K.pub.pem` that `molsieve keygen` wrote beside the private key")
        })?;
        Self::new(key)
    }

    /// The key in SPKI PEM.
    ///
    /// # Errors
    /// None in practice: every key has a PEM form.
    pub fn to_pem(&self) -> Result<String> {
        self.key.to_public_key_pem(LineEnding::LF).map_err(|e| Error::bug(format!("a key has no PEM form: {e}")))
    }

    /// Its name in envelopes.
    pub fn keyid(&self) -> &str {
        &self.keyid
    }

    /// Whether `signature` is this key's over `message`, by the strict rules of RFC 8032
    /// (no malleable signature, no key or nonce of small order).
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|s| self.key.verify_strict(message, &s).is_ok())
    }
}

fn read_pem(file: File, path: &Path) -> Result<String> {
    let mut text = String::new();
    match file.take(PEM_BYTES_MAX).read_to_string(&mut text) {
        Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
            Err(Error::usage(format!("`{}` is not a PEM file", path.display())))
        }
        Err(e) => Err(Error::input(path, &e)),
        Ok(_) => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_key_is_for_its_owner_alone_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("K.pem");
        let (public_path, public) = generate(&out).unwrap();
        assert_eq!(public_path, dir.path().join("K.pub.pem"));
        assert_eq!(out.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let private = PrivateKey::load(&out).unwrap();
        assert_eq!(private.public().unwrap(), public);
        assert_eq!(PublicKey::load(&public_path).unwrap(), public);
        assert!(public.verifies(b"m", &private.sign(b"m")));
        assert!(!public.verifies(b"n", &private.sign(b"m")));
        assert_eq!(generate(&out).unwrap_err().kind(), Kind::Usage);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("K.pem");
        generate(&out).unwrap();
        for mode in [0o640, 0o604, 0o660] {
            std::fs::set_permissions(&out, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = PrivateKey::load(&out).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.hints()[0].contains("chmod 600"));
        }
    }

    #[test]
    fn the_keyid_is_that_of_the_der_spki() {
        // RFC 8032, section 7.1, test 1.
        let seed = [
            0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
            0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
        ];
        let key = SigningKey::from_bytes(&seed);
        let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        der.extend_from_slice(key.verifying_key().as_bytes());
        assert_eq!(PublicKey::new(key.verifying_key()).unwrap().keyid(), digest::sha256(&der).to_string());
    }
}
