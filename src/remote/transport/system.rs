//! The `ssh` of the system, as a child with an argument vector: the user's configuration, ProxyJump, ControlMaster and
//! whatever it asks for (a pass phrase, a second factor) are its own affair, on the terminal.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::super::login::Way;
use super::super::terminal::Terminal;
use super::{CONNECT_S, Channel, End, Ended, Tail, Transport, unreachable};
use crate::error::{Error, Result};
use crate::scorer::argv;

/// The system's `ssh`.
pub struct System {
    program: PathBuf,
    way: Way,
}

impl System {
    /// The one that `PATH` has.
    ///
    /// # Errors
    /// There is none (exit 6), or it cannot do what is asked (exit 2).
    pub fn new(way: &Way) -> Result<Self> {
        if way.host_key.is_some() {
            return Err(Error::usage("`--accept-host-key` is for the transport `ssh2`").hint(format!(
                "the system's ssh has its own list of known hosts: `ssh {}` once, by hand, shows the fingerprint",
                way.login
            )));
        }
        let program = argv::program("ssh", Path::new("/")).map_err(|_| {
            Error::environment("there is no program `ssh`")
                .hint("install an OpenSSH client, or leave `--transport ssh` out")
        })?;
        Ok(Self { program, way: way.clone() })
    }

    /// The arguments before the command.
    fn arguments(&self, is_asked: bool) -> Vec<String> {
        let Way { login, identity, ssh_config, .. } = &self.way;
        let mut arguments = vec!["-T".to_owned()];
        let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        if let Some(config) = ssh_config {
            option("-F", config.display().to_string());
        }
        if !is_asked {
            // Nobody is there to be asked, and ssh must not wait for them.
            option("-o", "BatchMode=yes".to_owned());
        }
        option("-o", format!("ConnectTimeout={CONNECT_S}"));
        option("-o", "ServerAliveInterval=15".to_owned());
        option("-o", "ServerAliveCountMax=4".to_owned());
        if let Some(port) = login.port {
            option("-p", port.to_string());
        }
        if let Some(identity) = identity {
            option("-i", identity.display().to_string());
        }
        let whole = login.user.as_ref().map_or_else(|| login.host.clone(), |user| format!("{user}@{}", login.host));
        arguments.extend(["--".to_owned(), whole]);
        arguments
    }
}

impl Transport for System {
    fn open(&mut self, command: &str) -> Result<Channel> {
        let mut ssh = Command::new(&self.program);
        ssh.args(self.arguments(Terminal::open().is_ok())).arg(command);
        ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = ssh.spawn().map_err(|e| Error::io("cannot start", &self.program, &e))?;
        let (Some(input), Some(output), Some(said)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(unreachable(&self.way, "ssh has no streams"));
        };
        let tail = Tail::default();
        let reader = thread::spawn({
            let tail = tail.clone();
            move || drain(said, &tail)
        });
        let end = Box::new(Running { child, reader: Some(reader), tail });
        Ok(Channel { input: Box::new(input), output: Box::new(output), end })
    }
}

/// Reads what ssh and the far end say on standard error.
fn drain(mut said: impl Read, tail: &Tail) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = said.read(&mut buffer) {
        tail.push(&buffer[..length]);
    }
}

/// An ssh that runs.
struct Running {
    child: Child,
    reader: Option<JoinHandle<()>>,
    tail: Tail,
}

impl End for Running {
    fn wait(&mut self, most: Duration) -> Ended {
        const STEP: Duration = Duration::from_millis(20);
        let mut waited = Duration::ZERO;
        let status = loop {
            match self.child.try_wait() {
                Ok(None) if waited < most => {
                    thread::sleep(STEP);
                    waited += STEP;
                }
                Ok(None) => {
                    self.cut();
                    break None;
                }
                Ok(status) => break status,
                Err(_) => break None,
            }
        };
        // A master that ssh left behind may hold the stream open: what was said is then what was said so far.
        let is_over = || self.reader.as_ref().is_none_or(JoinHandle::is_finished);
        let mut patience = Duration::from_secs(1);
        while status.is_some() && !is_over() && !patience.is_zero() {
            thread::sleep(STEP);
            patience = patience.saturating_sub(STEP);
        }
        // ssh tells of a signal there by 255, or by 128 and its number; its own death is a dropped line.
        let exit = status.and_then(|status| status.code());
        Ended { exit, signal: None, said: self.tail.text() }
    }

    fn cut(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            self.cut();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(way: Way) -> Vec<String> {
        System { program: PathBuf::from("ssh"), way }.arguments(false)
    }

    #[test]
    fn ssh_is_told_its_options_before_the_login_and_the_login_as_no_option() {
        let way = Way {
            login: "me@login:2222".parse().unwrap(),
            means: super::super::super::login::Means::Ssh,
            root: "molsieve".to_owned(),
            identity: Some("k".into()),
            host_key: None,
            ssh_config: Some("/c".into()),
        };
        let told = arguments(way).join(" ");
        assert!(told.starts_with("-T -F /c -o BatchMode=yes"), "{told}");
        assert!(told.ends_with("-p 2222 -i k -- me@login"), "{told}");
    }
}
