//! Why a line is of no use, in words that say what to do.

use std::time::Duration;

use super::super::bootstrap;
use super::super::frame::Broken;
use super::super::login::{Means, Way};
use super::super::message::Fault;
use super::super::transport::{self, Ended};
use crate::canonical::escape;
use crate::error::{Error, Kind};

/// What is done after a line that dropped.
const AGAIN: &str = "the jobs there go on; the same command re-attaches";

/// No more of what the far end says is shown, in characters.
const SHOWN_CHARS: usize = 600;

/// What a fault there says, as something that was said there: for people, and without steering a terminal.
pub fn shown(way: &Way, fault: &Fault) -> Error {
    let text = |text: &str| escape::visible(&cut(text));
    let hints = fault.hints.iter().take(8).map(|hint| text(hint)).collect();
    Fault { what: text(&fault.what), hints, exit: fault.exit }.into_error().within(format!("on `{}`", way.login))
}

/// The program there is for another kind of machine.
pub fn other_machine(way: &Way, theirs: &str) -> Error {
    let (theirs, ours) = (escape::visible(&cut(theirs)), bootstrap::machine());
    transport::unreachable(way, &format!("it is `{theirs}`, and this program is for `{ours}`"))
        .hint(format!("build molsieve there and run it there by hand, or use a login node of the kind `{ours}`"))
}

/// Another user owns what would be run there.
pub fn foreign(way: &Way, path: &str) -> Error {
    let path = escape::visible(&cut(path));
    transport::unreachable(way, &format!("`{path}` there belongs to another user: nothing was run, and nothing sent"))
        .hint("say a directory that is yours alone with `--remote-root`")
}

/// Others may write what would be run there.
pub fn open(way: &Way, path: &str) -> Error {
    let path = escape::visible(&cut(path));
    transport::unreachable(
        way,
        &format!(
            "others than you may write in `{path}` there, and exchange what is run: nothing was run, and nothing sent"
        ),
    )
    .hint(format!("`chmod go-w {path}` there, if it is yours"))
    .hint("else say a directory that is yours alone with `--remote-root`")
}

/// Nothing but signs of life came.
pub fn stalled(way: &Way, waited: Duration) -> Error {
    transport::unreachable(way, &format!("the far end is alive, and gave no answer within {} s", waited.as_secs()))
        .hint("a file system there may hang; `molsieve doctor` on the login node says more")
        .hint(AGAIN)
}

/// It was stored, and is not there.
pub fn vanished(way: &Way) -> Error {
    transport::unreachable(way, "the program there vanished").hint("run the same command again")
}

/// The login shell says nothing.
pub fn slow(way: &Way, waited: Duration) -> Error {
    transport::unreachable(way, &format!("nothing was heard for {} s after the login", waited.as_secs()))
        .hint(format!("see what the shell there waits for: `ssh {} true` should return at once", way.login))
}

/// Nothing was heard for too long.
pub fn silent(way: &Way, waited: Duration) -> Error {
    transport::unreachable(way, &format!("the line is dead: nothing was heard for {} s", waited.as_secs())).hint(AGAIN)
}

/// No more frames come.
pub fn dropped(way: &Way, broken: Option<&Broken>, ended: &Ended, noise: &[u8]) -> Error {
    let said = escape_all(&ended.said);
    let told = |error: Error| if said.is_empty() { error } else { error.hint(format!("it said: {said}")) };
    for (word, what, hint) in KNOWN {
        if ended.said.contains(word) {
            let error = Error::new(kind_of(word), format!("`{}`: {what}", way.login));
            return told(error.hint(hint.replace("LOGIN", &way.login.to_string())));
        }
    }
    if let Some(signal) = &ended.signal {
        let what = format!("the program there was ended by the signal {}", escape_all(signal));
        return told(
            transport::unreachable(way, &what)
                .hint("login nodes end what uses too much memory or time; somebody may have ended it")
                .hint(AGAIN),
        );
    }
    let what = match (broken, ended.exit) {
        (Some(broken), _) => format!("the line broke: {broken}"),
        (None, Some(255)) if way.means == Means::Ssh => "the line dropped, or ssh gave up".to_owned(),
        (None, Some(code)) => format!("the far end ended with the exit code {code}"),
        (None, None) => "the line dropped".to_owned(),
    };
    let error = told(transport::unreachable(way, &what)).hint(AGAIN);
    let noise = escape_all(&String::from_utf8_lossy(noise));
    if noise.is_empty() {
        error
    } else {
        error.hint(format!("before molsieve's first word, the shell there printed: {noise}"))
    }
}

/// What ssh, a shell or a loader says, what that means, and what to do.
const KNOWN: [(&str, &str, &str); 11] = [
    (
        "GLIBC",
        "its C library is too old for this build of molsieve",
        "`tools/portable` builds one for old systems: put it beside this program as `molsieve-portable`, and it is used",
    ),
    (
        "No space left on device",
        "its disk is full",
        "free some space there, or say another directory with `--remote-root`; then run the same command again",
    ),
    (
        "Disk quota exceeded",
        "your quota there is used up",
        "free some space there, or say another directory with `--remote-root`; then run the same command again",
    ),
    (
        "File too large",
        "there is a limit on the size of files there",
        "raise the limit (`ulimit -f`), or say another directory with `--remote-root`",
    ),
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "the host key is not the known one: this may be another machine",
        "ask the people of the site; if the new key is theirs, `ssh-keygen -R` the old one and log in by hand once",
    ),
    (
        "Host key verification failed",
        "the host key is not known",
        "`ssh LOGIN` once, by hand: it shows the fingerprint, which the people of the site publish",
    ),
    (
        "Permission denied",
        "the login is refused, or a directory there may not be written",
        "`ssh LOGIN` by hand says what is asked for; `--identity FILE` names a key",
    ),
    ("Could not resolve hostname", "there is no such host", "check the name; `ssh LOGIN` by hand should work"),
    ("Connection refused", "nobody listens there", "check host and port; `ssh LOGIN` by hand should work"),
    ("Connection timed out", "it cannot be reached", "check host, port and network; `ssh LOGIN` by hand should work"),
    (
        "Exec format error",
        "this program is for another kind of machine",
        "build molsieve there, and run it there by hand",
    ),
];

/// Whose fault it is: a full disk is a full disk, wherever it is.
fn kind_of(word: &str) -> Kind {
    match word {
        "No space left on device" | "Disk quota exceeded" | "File too large" => Kind::Full,
        _ => Kind::Scheduler,
    }
}

fn escape_all(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| escape::visible(line.trim_end())).collect();
    cut(lines.join(" | ").trim())
}

/// The end of `text`, where it is too long.
fn cut(text: &str) -> String {
    let length = text.chars().count();
    if length <= SHOWN_CHARS {
        return text.to_owned();
    }
    std::iter::once('…').chain(text.chars().skip(length - SHOWN_CHARS)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(means: Means) -> Way {
        Way {
            login: "me@login".parse().unwrap(),
            means,
            root: "molsieve".to_owned(),
            identity: None,
            host_key: None,
            ssh_config: None,
        }
    }

    fn said(text: &str) -> Ended {
        Ended { exit: Some(1), signal: None, said: text.to_owned() }
    }

    #[test]
    fn what_is_known_is_told_with_what_to_do() {
        let told = |text: &str| dropped(&way(Means::Ssh), None, &said(text), b"");
        let old = told("./molsieve: /lib64/libc.so.6: version `GLIBC_2.34' not found");
        assert!(old.hints()[0].contains("tools/portable"), "{old:?}");
        assert_eq!(told("cat: write error: No space left on device").kind(), Kind::Full);
        assert!(told("Host key verification failed.").hints()[0].contains("`ssh me@login` once"));
    }

    #[test]
    fn a_status_of_0_beside_a_signal_is_a_kill() {
        let ended = Ended { exit: Some(0), signal: Some("KILL".to_owned()), said: String::new() };
        let error = dropped(&way(Means::Ssh2), None, &ended, b"");
        assert!(error.what().contains("ended by the signal KILL"), "{error}");
        assert_eq!(error.kind(), Kind::Scheduler);
    }

    #[test]
    fn a_dropped_line_says_that_the_jobs_go_on() {
        let error = dropped(&way(Means::Ssh), None, &Ended { exit: Some(255), ..Ended::default() }, b"hello\x1b[2J");
        assert!(error.hints().iter().any(|hint| hint == AGAIN), "{error:?}");
        assert!(error.hints().iter().all(|hint| !hint.contains('\x1b')), "{error:?}");
    }

    #[test]
    fn a_far_end_drives_no_terminal() {
        let fault = Fault { exit: 6, what: "\x1b[2Jx".to_owned(), hints: vec!["\u{202e}".to_owned()] };
        let error = shown(&way(Means::Ssh2), &fault);
        assert_eq!((error.what(), error.kind()), ("on `me@login`: \\x1b[2Jx", Kind::Environment));
        assert_eq!(error.hints(), ["\\xe2\\x80\\xae"]);
    }
}
