//! Where a Ray cluster's Jobs API is, and whether a token may be sent there.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The port that Ray takes where nobody says another.
const PORT: u16 = 8265;

/// The address of a Jobs API: a scheme, a host and a port.
///
/// Whoever may submit a job may run anything as the cluster's user, and `http` hides neither the token nor what is asked. So it
/// is for this machine (or a tunnel that begins here); beyond it, `https` is what is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    is_https: bool,
    host: String,
    port: u16,
}

/// What is done about an `http` address of another machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// It is refused.
    Refused,
    /// The user insists.
    Allowed,
}

impl Address {
    /// Reads `text`, such as `http://127.0.0.1:8265`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str, plain: Plain) -> Result<Self, String> {
        let bad = |why: &str| format!("`{}` {why}", text.escape_debug());
        let is_https = text.starts_with("https://");
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let rest = rest.ok_or_else(|| bad("is no address of a Jobs API, which begins with `http://` or `https://`"))?;
        let place = rest.strip_suffix('/').unwrap_or(rest);
        if place.contains('@') {
            return Err("an address holds no user name and no password; Ray wants a token, from a file".to_owned());
        }
        let (host, port) = split(place).ok_or_else(|| bad("is more or less than a host and a port"))?;
        let port = match port {
            None if is_https => 443,
            None => PORT,
            Some(port) => port.parse().ok().filter(|p| *p != 0).ok_or_else(|| bad("has no port that there is"))?,
        };
        if !is_https && plain == Plain::Refused && !is_loopback(host) {
            return Err(bad(
                "is another machine, and over `http` everybody in between reads the token and what is submitted: \
                 take `https`, or a tunnel (`ssh -L 8265:127.0.0.1:8265 HEAD`) and `http://127.0.0.1:8265`",
            ));
        }
        Ok(Self { is_https, host: host.to_owned(), port })
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is on this machine.
    pub fn is_here(&self) -> bool {
        is_loopback(&self.host)
    }

    /// Whether what goes there is encrypted.
    pub const fn is_https(&self) -> bool {
        self.is_https
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", if self.is_https { "https" } else { "http" }, self.host, self.port)
    }
}

/// The host and the port, if it says one; none if there is anything else.
fn split(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(bracketed) = place.strip_prefix('[') {
        let (host, port) = bracketed.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        let port = if port.is_empty() { None } else { Some(port.strip_prefix(':')?) };
        return Some((&place[..host.len() + 2], port));
    }
    let (host, port) = place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port)));
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    ((1..=253).contains(&host.len()) && host.chars().all(plain)).then_some((host, port))
}

fn is_loopback(host: &str) -> bool {
    let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).and_then(|host| host.parse().ok());
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|v4| v4.is_loopback())
        || v6.is_some_and(|v6: Ipv6Addr| v6.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, String> {
        Address::parse(text, Plain::Refused).map(|address| address.to_string())
    }

    #[test]
    fn this_machine_and_what_is_encrypted_are_taken() {
        for (text, address) in [
            ("http://127.0.0.1:8265", "http://127.0.0.1:8265"),
            ("http://localhost/", "http://localhost:8265"),
            ("http://[::1]:80", "http://[::1]:80"),
            ("https://ray.example.org", "https://ray.example.org:443"),
            ("https://10.0.0.7:8443/", "https://10.0.0.7:8443"),
        ] {
            assert_eq!(parsed(text).unwrap(), address);
        }
    }

    #[test]
    fn another_machine_over_http_is_refused_unless_the_user_insists() {
        for text in ["http://10.0.0.7:8265", "http://head", "http://127.0.0.1.example.org", "http://[2001:db8::1]:1"] {
            assert!(parsed(text).unwrap_err().contains("tunnel"), "{text}");
            assert!(Address::parse(text, Plain::Allowed).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "127.0.0.1:8265",
            "ray://127.0.0.1:10001",
            "http://",
            "http://:1",
            "http://127.0.0.1:0",
            "http://127.0.0.1:x",
            "http://127.0.0.1:99999",
            "http://127.0.0.1/api",
            "http://127.0.0.1:1/../",
            "http://a b",
            "http://[::1",
            "http://::1",
            "http://127.0.0.1:1:2",
            "http://127.0.0.1\r\nX: y",
            "http://me:word@127.0.0.1",
        ] {
            assert!(parsed(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated() {
        assert!(!parsed("https://me:hunter2@head").unwrap_err().contains("hunter2"));
    }
}
