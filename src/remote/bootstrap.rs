//! First contact: the only texts that a shell on the login node ever reads.
//!
//! Each is one line for whatever login shell there is (sh, bash, zsh, csh, fish), which hands one argument in single
//! quotes to `/bin/sh`. What varies in it is a path of a checked set of characters, digits, and a digest.

use super::frame;
use super::login;
use crate::digest::Digest;
use crate::error::Result;
use crate::id::AttemptId;
use crate::layout;

/// How the first text says that the program is not there yet; the system and the machine follow.
const ABSENT: &str = "molsieve-is-absent";

/// How the first text says that what is in the place of the program is another user's; its path follows.
const FOREIGN: &str = "molsieve-is-foreign";

/// How the first text says that others may write what is in the place of the program; its path follows.
const OPEN: &str = "molsieve-is-open";

/// How the second text says that it is.
const STORED: &str = "molsieve-is-stored";

/// What the first text came to, where no frame came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The program is not there; the words of `uname -sm`.
    Absent(String),
    /// Something in its place belongs to another user; its path.
    Foreign(String),
    /// Others may write something in its place; its path.
    Open(String),
    /// Something else was said.
    Nothing,
}

/// Runs the program there if it is there, and says so if it is not. What another user put there, or may put there, is not run, and
/// nothing is sent to where it could be exchanged: program and directories must be one's own, and only in a sticky directory may
/// others write. `-O` is not in POSIX, but in the `sh` of every system there is: dash, bash, ksh, busybox.
///
/// # Errors
/// `root` is no path that a shell can be shown (exit 2).
pub fn serve(root: &str, program: &Digest) -> Result<String> {
    let root = login::root_path(root)?;
    let dir = layout::remote_bin(root, program);
    let path = format!("{dir}/molsieve");
    Ok(format!(
        "/bin/sh -c 'for p in {root} {root}/bin {dir} {path}; do \
         if [ -e $p ]; then [ -O $p ] || {{ echo; echo {FOREIGN} $p; exit 1; }}; \
         case `ls -Lld $p` in ?????????[tT]*) ;; ?????w*|????????w*) echo; echo {OPEN} $p; exit 1 ;; esac; fi; done; \
         if [ -x {path} ]; then exec {path} serve-remote --root {root}; else echo; echo {ABSENT} `uname -sm`; fi'"
    ))
}

/// Stores the program, which comes on standard input: whole, or not at all. A line that drops in between leaves a file of
/// another length.
///
/// # Errors
/// As [`serve`].
pub fn store(root: &str, program: &Digest, bytes: u64) -> Result<String> {
    let root = login::root_path(root)?;
    let dir = layout::remote_bin(root, program);
    let temporary = format!("{dir}/.molsieve.{}.tmp", AttemptId::random()?);
    let is_it = format!(
        "if command -v sha256sum >/dev/null; then echo {program} \" {temporary}\" | sha256sum -c >/dev/null; fi"
    );
    Ok(format!(
        "/bin/sh -c 'umask 077; trap \"\" XFSZ; mkdir -p {dir} && cat > {temporary} && \
         [ `wc -c < {temporary}` -eq {bytes} ] && {{ {is_it}; }} && chmod 700 {temporary} && \
         mv -f {temporary} {dir}/molsieve && echo && echo {STORED} || {{ rm -f {temporary}; exit 1; }}'"
    ))
}

/// What the first text said, by the end of what came.
pub fn found(said: &[u8]) -> Found {
    let said = String::from_utf8_lossy(said);
    let after = |word: &str| said.lines().rev().find_map(|line| line.strip_prefix(word)).map(|t| t.trim().to_owned());
    let refused = after(FOREIGN).map(Found::Foreign).or_else(|| after(OPEN).map(Found::Open));
    refused.or_else(|| after(ABSENT).map(Found::Absent)).unwrap_or(Found::Nothing)
}

/// Whether the second text said that the program is stored.
pub fn is_stored(said: &[u8]) -> bool {
    String::from_utf8_lossy(said).lines().any(|line| line == STORED)
}

/// The system and the machine of this program, as `uname -sm` says them.
pub fn machine() -> String {
    let uname = rustix::system::uname();
    format!("{} {}", uname.sysname().to_string_lossy(), uname.machine().to_string_lossy())
}

/// More of what is no frame than this is not read.
pub const SAID_BYTES_MAX: u64 = frame::NOISE_BYTES_MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// The shells of this machine that may be somebody's login shell.
    fn shells() -> Vec<&'static str> {
        let all = ["/bin/sh", "/bin/bash", "/bin/dash", "/bin/csh", "/bin/tcsh", "/bin/zsh", "/usr/bin/fish"];
        all.into_iter().filter(|shell| std::path::Path::new(shell).exists()).collect()
    }

    fn run(shell: &str, home: &std::path::Path, text: &str, input: &[u8]) -> std::process::Output {
        let mut command = Command::new(shell);
        command
            .arg("-c")
            .arg(text)
            .current_dir(home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
        child.wait_with_output().unwrap()
    }

    #[test]
    fn every_shell_reads_the_same_in_them() {
        let program = b"#!/bin/sh\necho \"$0 $*\"\n";
        let digest = crate::digest::sha256(program);
        for shell in shells() {
            let home = tempfile::tempdir().unwrap();
            let first = serve("~/a/b", &digest).unwrap();
            let absent = run(shell, home.path(), &first, b"");
            assert_eq!(found(&absent.stdout), Found::Absent(machine()), "{shell}: {absent:?}");
            let stored = run(shell, home.path(), &store("~/a/b", &digest, program.len() as u64).unwrap(), program);
            assert!(is_stored(&stored.stdout), "{shell}: {stored:?}");
            let served = run(shell, home.path(), &first, b"");
            let said = format!("a/b/bin/{digest}/molsieve serve-remote --root a/b\n");
            assert_eq!(String::from_utf8_lossy(&served.stdout), said, "{shell}: {served:?}");
            assert_eq!(found(&served.stdout), Found::Nothing);
        }
    }

    #[test]
    fn what_another_user_put_there_is_not_run() {
        // Only who may give files away can make one of another user.
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: this user cannot make files of another one");
            return;
        }
        let program = b"#!/bin/sh\necho it was run\n";
        let digest = crate::digest::sha256(program);
        for (shell, foreign) in
            shells().into_iter().flat_map(|shell| ["r", "r/bin/D", "r/bin/D/molsieve"].map(|path| (shell, path)))
        {
            let home = tempfile::tempdir().unwrap();
            run(shell, home.path(), &store("r", &digest, program.len() as u64).unwrap(), program);
            let foreign = foreign.replace('D', &digest.to_string());
            std::os::unix::fs::chown(home.path().join(&foreign), Some(65534), None).unwrap();
            let said = run(shell, home.path(), &serve("r", &digest).unwrap(), b"");
            assert_eq!(found(&said.stdout), Found::Foreign(foreign), "{shell}: {said:?}");
        }
    }

    #[test]
    fn nothing_is_sent_to_nor_run_from_where_others_may_write() {
        use std::os::unix::fs::PermissionsExt;
        let program = b"#!/bin/sh\necho it was run\n";
        let digest = crate::digest::sha256(program);
        let mode =
            |path: &std::path::Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        for shell in shells() {
            let home = tempfile::tempdir().unwrap();
            let root = home.path().join("r");
            std::fs::create_dir(&root).unwrap();
            let said = || found(&run(shell, home.path(), &serve("r", &digest).unwrap(), b"").stdout);
            for (bits, expected) in [
                (0o775, Found::Open("r".into())),
                (0o757, Found::Open("r".into())),
                (0o1777, Found::Absent(machine())),
                (0o755, Found::Absent(machine())),
            ] {
                mode(&root, bits);
                assert_eq!(said(), expected, "{shell}: {bits:o}");
            }
            // By another name, too, which itself everybody may write.
            std::os::unix::fs::symlink("r", home.path().join("l")).unwrap();
            let by_link = run(shell, home.path(), &serve("l", &digest).unwrap(), b"");
            assert_eq!(found(&by_link.stdout), Found::Absent(machine()), "{shell}");
            run(shell, home.path(), &store("r", &digest, program.len() as u64).unwrap(), program);
            assert_eq!(said(), Found::Nothing, "{shell}: it is run");
            for (part, closed) in
                [("bin", 0o700), (&format!("bin/{digest}"), 0o700), (&format!("bin/{digest}/molsieve"), 0o700)]
            {
                mode(&root.join(part), 0o722);
                assert_eq!(said(), Found::Open(format!("r/{part}")), "{shell}");
                mode(&root.join(part), closed);
            }
        }
    }

    #[test]
    fn half_a_program_and_another_one_get_no_name() {
        let (program, other) = (b"#!/bin/sh\n# one\n".as_slice(), b"#!/bin/sh\n# two\n".as_slice());
        let digest = crate::digest::sha256(program);
        for arrived in [&program[..5], b"", other] {
            let home = tempfile::tempdir().unwrap();
            let text = store("r", &digest, program.len() as u64).unwrap();
            let output = run("/bin/sh", home.path(), &text, arrived);
            assert!(!is_stored(&output.stdout) && output.status.code() == Some(1), "{output:?}");
            let left: Vec<_> = std::fs::read_dir(home.path().join(format!("r/bin/{digest}"))).unwrap().collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }

    #[test]
    fn a_root_that_a_shell_would_read_is_refused() {
        let digest = Digest::default();
        for bad in ["a'b", "$(id)", "a b", "a;b", "`id`"] {
            assert!(serve(bad, &digest).is_err() && store(bad, &digest, 1).is_err(), "{bad}");
        }
    }
}
