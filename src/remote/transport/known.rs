//! Whether a host is the one that it should be: its key must be in a list of known hosts, or be accepted by fingerprint.
//!
//! Nothing is ever accepted in silence, and nothing is written to the lists: that is what `ssh` by hand is for.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ssh2::{CheckResult, KnownHostFileKind, Session};

use super::super::login::{Login, Way};
use super::unreachable;
use crate::digest;
use crate::error::Error;
use crate::fs;
use crate::layout;

/// The port that lists of known hosts do not mention.
pub const PORT: u16 = 22;

/// No list is longer, in bytes.
const LIST_BYTES_MAX: u64 = 16 << 20;

/// What the lists say of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It is the host's.
    Known,
    /// The host has another one, by what they say.
    Changed,
    /// They do not know the host.
    Unknown,
    /// It was revoked.
    Revoked,
}

/// The lists of known hosts of this user and of this machine.
pub fn lists(home: Option<&Path>) -> Vec<PathBuf> {
    let own = home.map(|home| layout::ssh_dir(home, "known_hosts"));
    own.into_iter().chain([PathBuf::from("/etc/ssh/ssh_known_hosts")]).collect()
}

/// What a key is called by people.
pub fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(digest::sha256(key).0))
}

/// What `lists` say of `key`, with which the host of `login` has just proved itself.
///
/// # Errors
/// The library refuses (exit 5).
pub fn judge(
    session: &Session,
    login: &Login,
    key: &[u8],
    lists: &[PathBuf],
) -> std::result::Result<Judged, ssh2::Error> {
    let mut known = session.known_hosts()?;
    let encoded = STANDARD.encode(key);
    for list in lists {
        let text = fs::read_input(list, LIST_BYTES_MAX).unwrap_or_default();
        for line in String::from_utf8_lossy(&text).lines().map(str::trim) {
            if line.starts_with("@revoked") && line.split_whitespace().any(|word| word == encoded) {
                return Ok(Judged::Revoked);
            }
            // A line that the library cannot read says nothing; one that is marked otherwise is not for us.
            if !line.is_empty() && !line.starts_with(['#', '@']) {
                let _ = known.read_str(line, KnownHostFileKind::OpenSSH);
            }
        }
    }
    // With another port than the usual one, a host has a name of its own in the lists.
    let name = match login.port.filter(|port| *port != PORT) {
        Some(port) => format!("[{}]:{port}", login.host),
        None => login.host.clone(),
    };
    Ok(match known.check(&name, key) {
        CheckResult::Match => Judged::Known,
        CheckResult::Mismatch => Judged::Changed,
        CheckResult::NotFound | CheckResult::Failure => Judged::Unknown,
    })
}

/// The host is not the one that the lists know.
pub fn changed(way: &Way, key: &[u8]) -> Error {
    let found = fingerprint(key);
    unreachable(way, &format!("the host key is not the known one, but {found}: this may be another machine"))
        .hint("nothing was sent. Ask the people of the site whether they changed their key")
        .hint(format!(
            "if they did: `ssh-keygen -R '{}'` removes the old one, then log in by hand once",
            way.login.port.map_or_else(|| way.login.host.clone(), |port| format!("[{}]:{port}", way.login.host))
        ))
}

/// The host is not known. It showed a key of each of its kinds.
pub fn unknown(way: &Way, keys: &[Vec<u8>]) -> Error {
    let Login { user, host, port } = &way.login;
    let found = keys.first().map(|key| fingerprint(key)).unwrap_or_default();
    if let Some(given) = &way.host_key {
        let shown: Vec<String> = keys.iter().map(|key| fingerprint(key)).collect();
        let shown = shown.join(" and ");
        return unreachable(
            way,
            &format!("the host key is not the one that was given: it is {shown}, and not {given}"),
        )
        .hint("nothing was sent. Compare both with what the people of the site publish: this may be another machine")
        .hint(format!("if what it shows is theirs: `--accept-host-key {found}`"));
    }
    let port = port.map_or_else(String::new, |port| format!("-p {port} "));
    let user = user.as_ref().map_or_else(String::new, |user| format!("{user}@"));
    unreachable(way, &format!("the host key is not known: {found}"))
        .hint("compare it with what the people of the site publish; nothing was sent")
        .hint(format!("`ssh {port}{user}{host}` once, by hand, notes it; or say `--accept-host-key {found}`"))
}

/// The key was revoked.
pub fn revoked(way: &Way, key: &[u8]) -> Error {
    unreachable(way, &format!("the host key {} was revoked, by a list of known hosts", fingerprint(key)))
        .hint("ask the people of the site; nothing was sent")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key blob as it goes over the line: a name and 32 bytes, each with its length.
    fn key(filler: u8) -> Vec<u8> {
        let part = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
        [part(b"ssh-ed25519"), part(&[filler; 32])].concat()
    }

    fn judged(lines: &str, login: &str, of: u8) -> Judged {
        let temp = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(temp.path(), lines).unwrap();
        let session = Session::new().unwrap();
        judge(&session, &login.parse().unwrap(), &key(of), &[temp.path().to_path_buf()]).unwrap()
    }

    #[test]
    fn a_host_is_known_changed_unknown_or_revoked() {
        let of = |filler: u8| STANDARD.encode(key(filler));
        let list = format!(
            "# a comment\nnonsense\n@cert-authority * ssh-ed25519 {}\nh ssh-ed25519 {}\n[h]:2222 ssh-ed25519 {}\n@revoked * ssh-ed25519 {}\n",
            of(9),
            of(1),
            of(2),
            of(3)
        );
        for (login, filler, expected) in [
            ("me@h", 1, Judged::Known),
            ("me@h:22", 1, Judged::Known),
            ("me@h:2222", 2, Judged::Known),
            ("me@h", 2, Judged::Changed),
            ("me@h:2222", 1, Judged::Changed),
            ("me@h:2223", 1, Judged::Unknown),
            ("me@other", 1, Judged::Unknown),
            ("me@other", 9, Judged::Unknown),
            ("me@h", 3, Judged::Revoked),
        ] {
            assert_eq!(judged(&list, login, filler), expected, "{login} {filler}");
        }
    }

    #[test]
    fn a_key_that_is_not_the_given_one_is_told_with_both() {
        let mut way = Way {
            login: "me@h:2222".parse().unwrap(),
            means: super::super::super::login::Means::Ssh2,
            root: "molsieve".to_owned(),
            identity: None,
            host_key: None,
            ssh_config: None,
        };
        let keys = [key(1), key(2)];
        let [one, two] = [1, 2].map(|filler| fingerprint(&key(filler)));
        let strange = unknown(&way, &keys);
        assert!(strange.what().ends_with(&format!("the host key is not known: {one}")), "{strange}");
        assert!(strange.hints()[1].starts_with("`ssh -p 2222 me@h` once, by hand"), "{strange:?}");
        way.host_key = Some("SHA256:other".to_owned());
        let other = unknown(&way, &keys);
        let told = format!("is not the one that was given: it is {one} and {two}, and not SHA256:other");
        assert!(other.what().ends_with(&told), "{other}");
        assert!(!other.hints().iter().any(|hint| hint.contains("by hand")), "{other:?}");
    }

    #[test]
    fn a_fingerprint_is_the_one_that_ssh_shows() {
        assert_eq!(fingerprint(b""), "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
    }
}
