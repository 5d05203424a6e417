//! Moves bytes between a channel of `ssh2` and two streams of this process.
//!
//! The library has one lock a session, and a blocking read holds it; so one thread does it all without blocking, and
//! waits for whichever end is ready. Each direction holds one block at most: whoever is slow makes the other wait.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, Channel, Session};

use super::{Ended, Tail};
use crate::clock::Stopwatch;

/// How much of each direction is held.
const BLOCK_BYTES: usize = 16 << 10;

/// How long is waited at most until all is looked at again.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// How often the server is told that this end is alive.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// How long the other end may take to close a channel.
const CLOSE: Duration = Duration::from_secs(5);

/// What is moved, and what is left to be moved.
pub struct Pump {
    /// The session, which does not block.
    pub session: Session,
    /// The channel, whose command runs.
    pub channel: Channel,
    /// The connection below it, to wait for.
    pub socket: TcpStream,
    /// What goes there.
    pub input: UnixStream,
    /// What comes from there.
    pub output: Option<UnixStream>,
    /// What comes on standard error.
    pub tail: Tail,
    /// Whether to give up.
    pub cut: Arc<AtomicBool>,
    /// Bytes on their way there.
    pub there: Vec<u8>,
    /// Bytes on their way here.
    pub here: Vec<u8>,
    /// Whether nothing more will go there, and whether the other end was told.
    pub input_ended: bool,
    /// The same.
    pub is_told: bool,
}

impl Pump {
    /// Moves until the command has ended; how it did.
    pub fn run(mut self) -> Ended {
        let mut alive = Stopwatch::start();
        let ended = loop {
            if self.cut.load(Ordering::Relaxed) {
                break Ok(false);
            }
            match self.step() {
                Ok(Some(over)) => break Ok(over),
                Ok(None) => {}
                Err(error) => break Err(error),
            }
            if alive.elapsed() > KEEPALIVE {
                alive = Stopwatch::start();
                if let Err(error) = self.session.keepalive_send().map_err(io::Error::from)
                    && error.kind() != ErrorKind::WouldBlock
                {
                    break Err(error);
                }
            }
        };
        // Whoever reads sees the end before the reason is asked for.
        self.output = None;
        match ended {
            Ok(true) => self.close(),
            Ok(false) => Ended { said: self.tail.text(), ..Ended::default() },
            Err(error) => {
                self.tail.push(format!("\n{error}").as_bytes());
                Ended { said: self.tail.text(), ..Ended::default() }
            }
        }
    }

    /// Moves what can be moved, and waits if nothing can. Whether it is over: by the end of the command, or because nobody
    /// reads any more.
    fn step(&mut self) -> io::Result<Option<bool>> {
        let mut moved = self.send()?;
        let mut block = [0; BLOCK_BYTES];
        while let Some(length) = ready(self.channel.stderr().read(&mut block))? {
            if length == 0 {
                break;
            }
            self.tail.push(&block[..length]);
            moved = true;
        }
        if self.here.is_empty() {
            match ready(self.channel.read(&mut block))? {
                Some(0) if self.channel.eof() => return Ok(Some(true)),
                Some(length @ 1..) => {
                    self.here.extend_from_slice(&block[..length]);
                    moved = true;
                }
                _ => {}
            }
        }
        if let Some(output) = self.output.as_mut().filter(|_| !self.here.is_empty()) {
            match ready(output.write(&self.here)) {
                Ok(Some(length)) => {
                    self.here.drain(..length);
                    moved = true;
                }
                Ok(None) => {}
                Err(_) => return Ok(Some(false)),
            }
        }
        if !moved {
            self.wait()?;
        }
        Ok(None)
    }

    /// Sends what is to go there; whether any of it went.
    fn send(&mut self) -> io::Result<bool> {
        let mut moved = false;
        if self.there.is_empty() && !self.input_ended {
            let mut block = [0; BLOCK_BYTES];
            match ready(self.input.read(&mut block)) {
                Ok(Some(length @ 1..)) => {
                    self.there.extend_from_slice(&block[..length]);
                    moved = true;
                }
                Ok(None) => {}
                Ok(Some(0)) | Err(_) => self.input_ended = true,
            }
        }
        if !self.there.is_empty()
            && let Some(length) = ready(self.channel.write(&self.there))?
        {
            self.there.drain(..length);
            moved |= length > 0;
        }
        if self.input_ended && self.there.is_empty() && !self.is_told {
            self.is_told = ready(self.channel.send_eof().map_err(io::Error::from))?.is_some();
            moved |= self.is_told;
        }
        Ok(moved)
    }

    /// Waits until one of the three can be read or written, or for a moment.
    fn wait(&self) -> io::Result<()> {
        let blocked = matches!(self.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both);
        let when = |condition: bool, flags: PollFlags| if condition { flags } else { PollFlags::empty() };
        let mut fds = vec![PollFd::new(&self.socket, PollFlags::IN | when(blocked, PollFlags::OUT))];
        if self.there.is_empty() && !self.input_ended {
            fds.push(PollFd::new(&self.input, PollFlags::IN));
        }
        if let Some(output) = self.output.as_ref().filter(|_| !self.here.is_empty()) {
            fds.push(PollFd::new(output, PollFlags::OUT));
        }
        match poll(&mut fds, Some(&LOOK_EVERY)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// Waits for the other end to say how the command ended. A status of 0 is what the library says, too, where a signal
    /// ended it: so the signal is asked for.
    fn close(&mut self) -> Ended {
        let waited = Stopwatch::start();
        let is_closed = loop {
            match ready(self.channel.close().and_then(|()| self.channel.wait_close()).map_err(io::Error::from)) {
                Ok(Some(())) => break true,
                Ok(None) if waited.elapsed() < CLOSE => {
                    let _ = self.wait();
                }
                Ok(None) | Err(_) => break false,
            }
        };
        let mut block = [0; BLOCK_BYTES];
        while let Ok(Some(length @ 1..)) = ready(self.channel.stderr().read(&mut block)) {
            self.tail.push(&block[..length]);
        }
        let signal = self.channel.exit_signal().ok().and_then(|signal| signal.exit_signal);
        let exit = self.channel.exit_status().ok().filter(|_| is_closed);
        Ended { exit, signal, said: self.tail.text() }
    }
}

/// What came of something that does not block: none where it would.
fn ready<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(e) => Err(e),
    }
}
