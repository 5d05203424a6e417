//! SSH by the `ssh2` library, within this program. It reads no ssh configuration: what needs one takes the system's ssh.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ssh2::Session;

use super::super::login::Way;
use super::known::{self, Judged};
use super::pump::Pump;
use super::{CONNECT_S, Channel, End, Ended, Tail, Transport, unreachable};
use crate::error::{Error, Result};

mod key;
mod login;

/// The kinds of host keys, each tried alone: a list of known hosts may know a host by one kind only.
const HOST_KEYS: [&str; 3] =
    ["ssh-ed25519", "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521", "rsa-sha2-512,rsa-sha2-256,ssh-rsa"];

/// What to do where a plain connection is not what is needed.
const OTHERWISE: &str =
    "`ssh2` reads no ssh configuration: for an alias, a ProxyJump or a ControlMaster say `--transport ssh`";

/// A session that is logged in.
pub struct Ssh2 {
    way: Way,
    session: Session,
    socket: TcpStream,
    /// The pump of the channel before.
    running: Option<(JoinHandle<()>, Arc<AtomicBool>)>,
}

impl Ssh2 {
    /// Connects, checks the host key, and logs in.
    ///
    /// # Errors
    /// The host cannot be reached, is not the known one, or refuses the login (exit 5).
    pub fn connect(way: &Way) -> Result<Self> {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let (session, socket) = known_session(way, &known::lists(home.as_deref()))?;
        login::login(&session, way, home.as_deref())?;
        Ok(Self { way: way.clone(), session, socket, running: None })
    }

    fn failed(&self, what: &str, error: &ssh2::Error) -> Error {
        unreachable(&self.way, &format!("{what}: {error}"))
    }
}

/// A session with a host that has proved to be the one that it should be.
fn known_session(way: &Way, lists: &[PathBuf]) -> Result<(Session, TcpStream)> {
    let (mut changed, mut accepted, mut refused) = (None, None, None);
    let mut strange: Vec<Vec<u8>> = Vec::new();
    for kind in HOST_KEYS {
        let (session, socket) = match handshake(way, kind)? {
            Ok(made) => made,
            Err(error) => {
                refused.get_or_insert(error);
                continue;
            }
        };
        let Some((key, _)) = session.host_key() else { continue };
        let judged = known::judge(&session, &way.login, key, lists);
        match judged.map_err(|e| unreachable(way, &format!("the host key cannot be looked at: {e}")))? {
            Judged::Known => return Ok((session, socket)),
            Judged::Revoked => return Err(known::revoked(way, key)),
            // Known by another kind of key, perhaps; a changed key is worse than an unknown one, and is not accepted.
            Judged::Changed => drop(changed.get_or_insert_with(|| key.to_vec())),
            Judged::Unknown => {
                let key = key.to_vec();
                if way.host_key.as_ref().is_some_and(|given| *given == known::fingerprint(&key)) {
                    accepted = Some((session, socket));
                }
                strange.push(key);
            }
        }
    }
    match (changed, accepted) {
        (Some(key), _) => Err(known::changed(way, &key)),
        (None, Some(made)) => Ok(made),
        (None, None) if !strange.is_empty() => Err(known::unknown(way, &strange)),
        (None, None) => {
            let why = refused.map_or_else(|| "it shows no host key".to_owned(), |error| error.to_string());
            Err(unreachable(way, &format!("no session can be made: {why}")).hint(OTHERWISE))
        }
    }
}

/// A session whose host has a key of this kind; what the library says, where it has none.
fn handshake(way: &Way, kind: &str) -> Result<std::result::Result<(Session, TcpStream), ssh2::Error>> {
    let socket = tcp(way).map_err(|e| unreachable(way, &format!("it cannot be reached: {e}")).hint(OTHERWISE))?;
    let copy = socket.try_clone().map_err(|e| Error::environment(format!("a connection cannot be shared: {e}")))?;
    let made = || {
        let mut session = Session::new()?;
        session.set_timeout((CONNECT_S * 1000) as u32);
        session.method_pref(ssh2::MethodType::HostKey, kind)?;
        session.set_tcp_stream(copy);
        session.handshake()?;
        session.set_keepalive(true, CONNECT_S as u32);
        Ok(session)
    };
    Ok(made().map(|session| (session, socket)))
}

fn tcp(way: &Way) -> io::Result<TcpStream> {
    let place = (way.login.host.as_str(), way.login.port.unwrap_or(known::PORT));
    let mut last = io::Error::new(io::ErrorKind::NotFound, "there is no such host");
    for address in place.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, Duration::from_secs(CONNECT_S)) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Err(e) => last = e,
        }
    }
    Err(last)
}

impl Transport for Ssh2 {
    fn open(&mut self, command: &str) -> Result<Channel> {
        if let Some((before, cut)) = self.running.take() {
            cut.store(true, Ordering::Relaxed);
            let _ = before.join();
        }
        self.session.set_blocking(true);
        let opened = self.session.channel_session().and_then(|mut channel| channel.exec(command).map(|()| channel));
        let channel = opened.map_err(|e| self.failed("no command can be run there", &e))?;
        self.session.set_blocking(false);
        let local = |e: io::Error| Error::environment(format!("no streams can be made: {e}"));
        let (input, input_there) = UnixStream::pair().map_err(local)?;
        let (output, output_there) = UnixStream::pair().map_err(local)?;
        input_there.set_nonblocking(true).and_then(|()| output_there.set_nonblocking(true)).map_err(local)?;
        let (cut, (sender, ended)) = (Arc::new(AtomicBool::new(false)), mpsc::channel());
        let pump = Pump {
            session: self.session.clone(),
            channel,
            socket: self.socket.try_clone().map_err(local)?,
            input: input_there,
            output: Some(output_there),
            tail: Tail::default(),
            cut: cut.clone(),
            there: Vec::new(),
            here: Vec::new(),
            input_ended: false,
            is_told: false,
        };
        let thread = thread::spawn(move || drop(sender.send(pump.run())));
        self.running = Some((thread, cut.clone()));
        Ok(Channel { input: Box::new(input), output: Box::new(output), end: Box::new(Running { ended, cut }) })
    }
}

impl Drop for Ssh2 {
    fn drop(&mut self) {
        if let Some((thread, cut)) = self.running.take() {
            cut.store(true, Ordering::Relaxed);
            let _ = thread.join();
        }
        let _ = self.session.disconnect(None, "done", None);
    }
}

/// A command that runs there.
struct Running {
    ended: mpsc::Receiver<Ended>,
    cut: Arc<AtomicBool>,
}

impl End for Running {
    fn wait(&mut self, most: Duration) -> Ended {
        self.ended.recv_timeout(most).unwrap_or_default()
    }

    fn cut(&mut self) {
        self.cut.store(true, Ordering::Relaxed);
    }
}
