//! Where to log in, and how: words that people write, checked before any program or shell is told them.
//!
//! It is the one grammar of a login, for `--on` and for the profile of a site alike, and knows nothing of the rest of the room.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The directory below a home in which everything lies, unless somebody says otherwise.
pub const ROOT: &str = "molsieve";

/// `user@host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user, if it is said.
    pub user: Option<String>,
    /// The host: a name, an address, or an alias of the user's ssh configuration.
    pub host: String,
    /// The port, if it is said.
    pub port: Option<u16>,
}

impl FromStr for Login {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || {
            Error::usage(format!("`{}` is no login", text.escape_debug()))
                .hint("write `user@host` or `user@host:port`, without blanks")
        };
        let (user, place) = text.split_once('@').map_or((None, text), |(user, place)| (Some(user), place));
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or_else(bad)?;
                (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or_else(bad)?) })
            }
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let is_address = place.starts_with('[') && host.bytes().all(|b| b.is_ascii_hexdigit() || b":.".contains(&b));
        if user.is_some_and(|user| !is_word(user)) || !(is_word(host) || is_address && !host.is_empty()) {
            return Err(bad());
        }
        let port = port.map(|port| port.parse().ok().filter(|port| *port > 0).ok_or_else(bad)).transpose()?;
        Ok(Self { user: user.map(str::to_owned), host: host.to_owned(), port })
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Whether `text` can be a user or a host: nothing that a program could take for an option, or a shell for anything.
fn is_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=255).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with(['-', '.'])
}

/// Whether `name` can be that of a campaign directory there: the last component of the one here.
pub fn is_name(name: &str) -> bool {
    name.len() <= 64 && is_word(name)
}

/// The root as the shell there is told it: from the root, or from the home.
///
/// # Errors
/// It is no path that a shell can be shown as it is (exit 2).
pub fn root_path(root: &str) -> Result<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._/-".contains(&b);
    let path = root.strip_prefix("~/").unwrap_or(root).trim_end_matches('/');
    let steps_out = path.split('/').any(|part| part == "..");
    if path.is_empty() || path.len() > 512 || path.starts_with('-') || steps_out || !path.bytes().all(plain) {
        return Err(Error::usage(format!("`{}` cannot be the directory there", root.escape_debug())).hint(
            "give a path of letters, digits and . _ - from the root, or from the home: `/scratch/me/molsieve`, `~/molsieve`",
        ));
    }
    Ok(path)
}

/// Which program speaks SSH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Means {
    /// molsieve itself, with the `ssh2` library.
    #[default]
    Ssh2,
    /// The `ssh` of the system, with the user's configuration.
    Ssh,
}

impl Means {
    /// Both, the usual one first.
    pub const ALL: [Self; 2] = [Self::Ssh2, Self::Ssh];

    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ssh2 => "ssh2",
            Self::Ssh => "ssh",
        }
    }
}

impl FromStr for Means {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "ssh2" => Ok(Self::Ssh2),
            "ssh" => Ok(Self::Ssh),
            _ => Err("write `ssh2` or `ssh`".to_owned()),
        }
    }
}

/// How to get there.
#[derive(Clone, Debug)]
pub struct Way {
    /// Where to.
    pub login: Login,
    /// By which program.
    pub means: Means,
    /// The directory there, as a person writes it.
    pub root: String,
    /// A key file that is tried before the usual ones.
    pub identity: Option<PathBuf>,
    /// The fingerprint, `SHA256:…`, of a host key that is accepted although no list of known hosts has it.
    pub host_key: Option<String>,
    /// The configuration file that the system's `ssh` reads instead of the user's.
    pub ssh_config: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_a_user_a_host_and_a_port() {
        for text in ["me@login.example.org", "cluster", "me@10.0.0.1:2222", "me@[::1]:22", "a_b-c@h"] {
            assert_eq!(text.parse::<Login>().unwrap().to_string(), text);
        }
        let login: Login = "me@[fe80::1]".parse().unwrap();
        assert_eq!((login.host.as_str(), login.port), ("fe80::1", None));
    }

    #[test]
    fn what_a_program_would_take_for_an_option_is_no_login() {
        let bad = [
            "",
            "@h",
            "me@",
            "-oProxyCommand=x",
            "me@-oX",
            "-me@h",
            "a b@h",
            "me@h;id",
            "me@h:0",
            "me@h:70000",
            "me@h:x",
        ];
        for text in bad.into_iter().chain(["me@[::1", "me@[::1]x", "me@$(id)", "me@h\n", "..@h"]) {
            assert!(text.parse::<Login>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_root_is_a_path_that_a_shell_can_be_shown() {
        assert_eq!(root_path("molsieve").unwrap(), "molsieve");
        assert_eq!(root_path("~/a/b/").unwrap(), "a/b");
        assert_eq!(root_path("/scratch/me").unwrap(), "/scratch/me");
        for bad in ["", "/", "~", "~/", "~me/x", "a b", "$HOME/x", "a;b", "a'b", "../x", "a/../b", "-x", "a\nb"] {
            assert!(root_path(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_a_plain_one() {
        assert!(is_name("night-1") && is_name("a.b_c"));
        for bad in ["", ".", "..", ".x", "-x", "a/b", "a b", "é", "x".repeat(65).as_str()] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
