//! Whether a key file is encrypted: what has to be known before anybody is asked for a pass phrase.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::fs;

/// No key file is longer, in bytes.
const BYTES_MAX: u64 = 1 << 20;

/// What an OpenSSH key begins with, inside its armour.
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// Whether the private key at `path` is encrypted.
///
/// # Errors
/// It cannot be read, or is none: why, in words.
pub fn is_encrypted(path: &Path) -> Result<bool, String> {
    let bytes = fs::read_input(path, BYTES_MAX).map_err(|e| format!("cannot be read: {e}"))?;
    let text = String::from_utf8(bytes).map_err(|_| "is no key file".to_owned())?;
    of_text(&text).ok_or_else(|| "is no private key".to_owned())
}

fn of_text(text: &str) -> Option<bool> {
    let mut lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("-----BEGIN "));
    let kind = lines.next()?.strip_prefix("-----BEGIN ")?.strip_suffix("-----")?;
    if !kind.ends_with("PRIVATE KEY") {
        return None;
    }
    if kind != "OPENSSH PRIVATE KEY" {
        return Some(kind.contains("ENCRYPTED") || text.contains("ENCRYPTED"));
    }
    let body: String = lines.take_while(|line| !line.starts_with("-----")).collect();
    let body = STANDARD.decode(body).ok()?;
    let rest = body.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    Some(rest.get(..u32::from_be_bytes(*length) as usize)? != b"none")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn openssh(cipher: &[u8]) -> String {
        let body = [MAGIC, &(cipher.len() as u32).to_be_bytes(), cipher, b"rest"].concat();
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n", STANDARD.encode(body))
    }

    #[test]
    fn an_encrypted_key_is_told_from_an_open_one() {
        assert_eq!(of_text(&openssh(b"none")), Some(false));
        assert_eq!(of_text(&openssh(b"aes256-ctr")), Some(true));
        let pem = |kind: &str, head: &str| format!("-----BEGIN {kind}-----\n{head}AAAA\n-----END {kind}-----\n");
        assert_eq!(of_text(&pem("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\n\n")), Some(true));
        assert_eq!(of_text(&pem("RSA PRIVATE KEY", "")), Some(false));
        assert_eq!(of_text(&pem("ENCRYPTED PRIVATE KEY", "")), Some(true));
        for none in ["", "ssh-ed25519 AAAA me", &pem("PUBLIC KEY", ""), &pem("OPENSSH PRIVATE KEY", "")] {
            assert_eq!(of_text(none), None, "{none}");
        }
    }
}
