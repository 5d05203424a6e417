//! The near end: connects, brings this program and the inputs there once, has commands run there, brings packs home.
//!
//! The far end is not trusted. What it sends is bounded, what it says is shown without steering a terminal, and what it
//! does not say for too long is a dropped line: exit 5, with the word that the jobs there go on.

use std::collections::BTreeSet;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use super::bootstrap::{self, Found};
use super::frame::{self, Broken, DATA_BYTES_MAX, Frame, Frames, Kind as FrameKind};
use super::inputs::Source;
use super::login::Way;
use super::message::{self, Ask, Ended, Fault, Hello, Laid, Missing, Request};
use super::serve::{BEAT_EVERY, SILENCE_MAX};
use super::transport::{self, Channel, End, Transport};
use crate::clock::Stopwatch;
use crate::digest::Digest;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::layout;
use crate::stop::Stop;

#[cfg(test)]
mod tests;
mod why;

/// A login shell may take so long until the program's first word.
const FIRST_WORD: Duration = Duration::from_secs(180);

/// After so long somebody who waits is told.
const SLOW: Duration = Duration::from_secs(10);

/// How long the end of a channel is waited for.
const END: Duration = Duration::from_secs(5);

/// An answer may take so long, and a little more for what has to be read for it, however often the far end says that it is alive.
const ANSWER: Duration = Duration::from_secs(600);

/// So much is read in a second by a slow file system there, and goes over a slow line.
const READ_A_SECOND: u64 = 4 << 20;
const SENT_A_SECOND: u64 = 16 << 10;

/// Frames that wait at most. With the one that is being read, and the one that is being looked at, that is what a far end can
/// make this one hold: three of the longest.
const FRAMES_WAITING: usize = 1;

/// Files that are asked about at once.
const ASKED_AT_ONCE: usize = 1000;

/// How often it is told how far an upload is.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Tells a person what is going on.
pub type Tell<'a> = &'a dyn Fn(&str);

/// What came from the far end.
enum Heard {
    Frame(Frame),
    /// Nothing more comes; why, and what was heard before the first frame.
    Over(Option<Broken>, Vec<u8>),
}

/// The way to the far end, which two threads write to; none once it is closed.
type There = Arc<Mutex<Option<Box<dyn Write + Send>>>>;

/// The near end of a line.
pub struct Client {
    way: Way,
    hello: Hello,
    line: Line,
    /// Raised when somebody asks to stop: then the line is left, whatever is waited for.
    stop: Stop,
    /// What ends the session when this goes: after the line.
    _transport: Box<dyn Transport>,
}

/// A channel whose far end speaks in frames.
struct Line {
    there: There,
    heard: mpsc::Receiver<Heard>,
    end: Box<dyn End>,
    silent: Stopwatch,
}

impl Client {
    /// Connects, brings this program there if it is not there yet, and starts it.
    ///
    /// # Errors
    /// The machine cannot be reached, is not the right one, or refuses (exit 5); this program cannot be stored or started
    /// there (exit 5 or 6).
    pub fn connect(way: &Way, program: &Path, tell: Tell<'_>) -> Result<Self> {
        let portable = layout::portable_beside(program);
        let program: PathBuf = if portable.is_file() { portable } else { program.to_path_buf() };
        let (digest, bytes) = fs::sha256_input(&program)?;
        let first = bootstrap::serve(&way.root, &digest)?;
        let mut transport = transport::connect(way)?;
        let mut line = Line::open(transport.as_mut(), &first)?;
        let hello = match line.first_word(way, tell)? {
            Ok(hello) => hello,
            Err(machine) => {
                if machine != bootstrap::machine() {
                    return Err(why::other_machine(way, &machine));
                }
                drop(line);
                tell(&format!("uploading this program to `{}`, once: {} MiB", way.login, bytes.div_ceil(1 << 20)));
                store(way, transport.as_mut(), &program, &digest, bytes)?;
                line = Line::open(transport.as_mut(), &first)?;
                line.first_word(way, tell)?.map_err(|_| why::vanished(way))?
            }
        };
        line.beat();
        let (ours, theirs) = (env!("CARGO_PKG_VERSION"), hello.version.as_str());
        if ours != theirs || hello.schema != message::HELLO_SCHEMA {
            return Err(transport::unreachable(
                way,
                &format!("the program there is version {theirs}, and this is {ours}"),
            ));
        }
        Ok(Self { way: way.clone(), hello, line, stop: Stop::new(), _transport: transport })
    }

    /// From now on the line is left when `stop` is raised, whatever is waited for (exit 75).
    pub fn heed(&mut self, stop: &Stop) {
        self.stop = stop.clone();
    }

    /// What the far end is.
    pub const fn hello(&self) -> &Hello {
        &self.hello
    }

    /// The way there.
    pub const fn way(&self) -> &Way {
        &self.way
    }

    /// Sends those of `sources` that are not there, and has them laid out; the path of the campaign file there.
    ///
    /// # Errors
    /// A file cannot be read here, or stored there (exit 6), or the line drops (exit 5).
    pub fn upload(&mut self, request: &Request, sources: &[Source], tell: Tell<'_>) -> Result<String> {
        let mut missing = Vec::new();
        for some in sources.chunks(ASKED_AT_ONCE) {
            let files = some.iter().map(|source| source.file.clone()).collect();
            let answer: Missing = self.asked(&Ask::Missing { files })?;
            // Each once, however often it is said.
            let positions: BTreeSet<usize> = answer.missing.into_iter().collect();
            missing.extend(positions.into_iter().filter_map(|at| some.get(at)));
        }
        let total: u64 = missing.iter().map(|source| source.file.bytes).sum();
        if !missing.is_empty() {
            let (files, mib) = (missing.len(), total.div_ceil(1 << 20));
            tell(&format!("uploading {files} file{}, {mib} MiB, once", if files == 1 { "" } else { "s" }));
        }
        let (mut sent, mut told) = (0, Stopwatch::start());
        for source in missing {
            self.put(source, &mut |bytes| {
                sent += bytes;
                if told.elapsed() > TELL_EVERY {
                    told = Stopwatch::start();
                    tell(&format!("  {} of {} MiB", sent >> 20, total.div_ceil(1 << 20)));
                }
            })?;
        }
        let laid: Laid = self.asked(&Ask::Lay { request: request.clone() })?;
        Ok(laid.campaign)
    }

    fn put(&mut self, source: &Source, sent: &mut dyn FnMut(u64)) -> Result<()> {
        let Source { file, path } = source;
        let mut from = fs::open_input(path).map_err(|e| Error::input(path, &e))?;
        self.say(&Ask::Put { file: file.clone() })?;
        let (mut left, mut buffer) = (file.bytes, vec![0; DATA_BYTES_MAX]);
        while left > 0 {
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let length = match from.read(&mut buffer[..most]) {
                Ok(0) => return Err(Error::usage(format!("`{}` became shorter while it was sent", path.display()))),
                Ok(length) => length,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Error::io("cannot read", path, &e)),
            };
            self.send(FrameKind::Data, &buffer[..length])?;
            left -= length as u64;
            sent(length as u64);
            self.no_fault_so_far()?;
        }
        let most = most(file.bytes, READ_A_SECOND);
        self.answer::<serde_json::Value>(most).map(drop).map_err(|e| e.within(format!("`{}` there", file.name)))
    }

    /// Runs the program there with `argv`, and hands on what it prints: whether it is an error stream, and the bytes.
    /// If `stop` is raised the line is left, and with it what only `watches`.
    ///
    /// # Errors
    /// The line drops (exit 5), or `stop` was raised (exit 75).
    pub fn run(
        &mut self,
        argv: &[String],
        watches: bool,
        stop: &Stop,
        show: &mut dyn FnMut(bool, &[u8]),
    ) -> Result<Ended> {
        self.say(&Ask::Run { argv: argv.to_vec(), watches })?;
        loop {
            let frame = self.line.next(&self.way, SILENCE_MAX, None, stop)?;
            match frame.kind {
                FrameKind::Out => show(false, &frame.payload),
                FrameKind::Err => show(true, &frame.payload),
                FrameKind::Ended => return message::from_bytes(&frame.payload),
                kind => return Err(self.unexpected(kind, &frame.payload)),
            }
        }
    }

    /// Asks for something that is answered by a message.
    ///
    /// # Errors
    /// It cannot be done there, or the line drops (exit 5).
    pub fn asked<T: serde::de::DeserializeOwned>(&mut self, ask: &Ask) -> Result<T> {
        self.say(ask)?;
        let bytes = match ask {
            Ask::Missing { files } => files.iter().map(|file| file.bytes).sum(),
            Ask::Lay { request } => request.places.iter().map(|place| place.file.bytes).sum(),
            Ask::Put { .. } | Ask::Run { .. } | Ask::Pack { .. } => 0,
        };
        self.answer(most(bytes, READ_A_SECOND))
    }

    /// The data that follow an answer: `bytes` of them, in parts.
    ///
    /// # Errors
    /// Something else comes, or the line drops (exit 5), or what `each` answers.
    pub fn data(&mut self, bytes: u64, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let (mut left, most, waiting) = (bytes, most(bytes, SENT_A_SECOND), Stopwatch::start());
        while left > 0 {
            let most = most.saturating_sub(waiting.elapsed());
            let frame = self.line.next(&self.way, SILENCE_MAX, Some(most), &self.stop)?;
            let length = frame.payload.len() as u64;
            if frame.kind != FrameKind::Data || length == 0 || length > left {
                return Err(self.unexpected(frame.kind, &frame.payload));
            }
            each(&frame.payload)?;
            left -= length;
        }
        Ok(())
    }

    /// An answer that takes no longer than `most`.
    fn answer<T: serde::de::DeserializeOwned>(&mut self, most: Duration) -> Result<T> {
        let frame = self.line.next(&self.way, SILENCE_MAX, Some(most), &self.stop)?;
        if frame.kind == FrameKind::Answer {
            return message::from_bytes(&frame.payload);
        }
        Err(self.unexpected(frame.kind, &frame.payload))
    }

    /// An upload that the far end has refused is not gone on with.
    fn no_fault_so_far(&mut self) -> Result<()> {
        match self.line.heard.try_recv() {
            Ok(Heard::Frame(frame)) if frame.kind == FrameKind::Beat => Ok(()),
            Ok(Heard::Frame(frame)) => Err(self.unexpected(frame.kind, &frame.payload)),
            Ok(Heard::Over(broken, noise)) => Err(self.line.dropped(&self.way, broken.as_ref(), &noise)),
            Err(_) => Ok(()),
        }
    }

    /// What a frame of another kind than the one that is due means.
    fn unexpected(&self, kind: FrameKind, payload: &[u8]) -> Error {
        if kind == FrameKind::Fault {
            return message::from_bytes::<Fault>(payload).map_or_else(|e| e, |fault| why::shown(&self.way, &fault));
        }
        transport::unreachable(&self.way, &format!("a frame of the kind {kind:?} came where none was due"))
    }

    fn say(&mut self, ask: &Ask) -> Result<()> {
        let payload = message::to_bytes(ask)?;
        if payload.len() > FrameKind::Ask.bytes_max() {
            return Err(Error::usage("the campaign names too many files to be sent from here")
                .hint("bring them to the login node yourself, and name them as `login:/path`"));
        }
        self.send(FrameKind::Ask, &payload)
    }

    fn send(&mut self, kind: FrameKind, payload: &[u8]) -> Result<()> {
        if self.line.send(kind, payload) {
            return Ok(());
        }
        // Why it cannot be written is what the other direction says.
        let waiting = Stopwatch::start();
        loop {
            let left = END.saturating_sub(waiting.elapsed());
            let frame = self.line.next(&self.way, END, Some(left), &self.stop)?;
            if frame.kind == FrameKind::Fault {
                return Err(self.unexpected(frame.kind, &frame.payload));
            }
        }
    }
}

impl Line {
    fn open(transport: &mut dyn Transport, command: &str) -> Result<Self> {
        let Channel { input, output, end } = transport.open(command)?;
        let heard = hear(output);
        Ok(Self { there: Arc::new(Mutex::new(Some(input))), heard, end, silent: Stopwatch::start() })
    }

    /// The hello of the far end; or the machine that it would be, where the program is not there.
    fn first_word(&mut self, way: &Way, tell: Tell<'_>) -> Result<std::result::Result<Hello, String>> {
        let mut is_told = false;
        loop {
            match self.heard.recv_timeout(Duration::from_millis(200)) {
                Ok(Heard::Frame(frame)) => match frame.kind {
                    FrameKind::Hello => return message::from_bytes(&frame.payload).map(Ok),
                    FrameKind::Fault => return Err(why::shown(way, &message::from_bytes(&frame.payload)?)),
                    kind => {
                        return Err(transport::unreachable(way, &format!("its first word is of the kind {kind:?}")));
                    }
                },
                Ok(Heard::Over(broken, noise)) => match bootstrap::found(&noise) {
                    Found::Foreign(path) => return Err(why::foreign(way, &path)),
                    Found::Open(path) => return Err(why::open(way, &path)),
                    Found::Absent(machine) if broken.is_none() => return Ok(Err(machine)),
                    _ => return Err(self.dropped(way, broken.as_ref(), &noise)),
                },
                Err(mpsc::RecvTimeoutError::Timeout) if self.silent.elapsed() > FIRST_WORD => {
                    self.end.cut();
                    return Err(why::slow(way, FIRST_WORD));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    if !is_told && self.silent.elapsed() > SLOW {
                        is_told = true;
                        tell("the login shell there takes its time …");
                    }
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(why::vanished(way)),
            }
        }
    }

    /// The next frame that is more than a sign of life. It may take `most`; without it, as long as the far end is alive.
    fn next(&mut self, way: &Way, silence_max: Duration, most: Option<Duration>, stop: &Stop) -> Result<Frame> {
        let waiting = Stopwatch::start();
        self.silent = Stopwatch::start();
        loop {
            if let Some(most) = most.filter(|most| waiting.elapsed() > *most) {
                self.end.cut();
                return Err(why::stalled(way, most));
            }
            if stop.is_raised() {
                self.close();
                return Err(Error::new(Kind::Stopped, "watching; what was begun there goes on without anybody"));
            }
            match self.heard.recv_timeout(Duration::from_millis(100)) {
                Ok(Heard::Frame(frame)) if frame.kind == FrameKind::Beat => self.silent = Stopwatch::start(),
                Ok(Heard::Frame(frame)) => return Ok(frame),
                Ok(Heard::Over(broken, noise)) => return Err(self.dropped(way, broken.as_ref(), &noise)),
                Err(mpsc::RecvTimeoutError::Timeout) if self.silent.elapsed() > silence_max => {
                    self.end.cut();
                    return Err(why::silent(way, silence_max));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(why::vanished(way)),
            }
        }
    }

    /// Why no more frames come.
    fn dropped(&mut self, way: &Way, broken: Option<&Broken>, noise: &[u8]) -> Error {
        self.close();
        if broken.is_some_and(|broken| !matches!(broken, Broken::Cut | Broken::System(_))) {
            self.end.cut();
        }
        why::dropped(way, broken, &self.end.wait(END), noise)
    }

    /// Sends a frame; whether the line took it.
    fn send(&self, kind: FrameKind, payload: &[u8]) -> bool {
        let Ok(mut there) = self.there.lock() else { return false };
        there.as_mut().is_some_and(|there| frame::write(there, kind, payload).is_ok())
    }

    /// Shows now and then that this end is alive, for as long as the line is open.
    fn beat(&self) {
        let there = Arc::downgrade(&self.there);
        thread::spawn(move || {
            loop {
                thread::sleep(BEAT_EVERY);
                let Some(there) = there.upgrade() else { return };
                let Ok(mut there) = there.lock() else { return };
                if there.as_mut().is_none_or(|there| frame::write(there, FrameKind::Beat, &[]).is_err()) {
                    return;
                }
            }
        });
    }

    /// Ends what goes there; the far end then ends too.
    fn close(&self) {
        if let Ok(mut there) = self.there.lock() {
            *there = None;
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.close();
        let _ = self.end.wait(END);
        self.end.cut();
    }
}

/// How long may be waited for what takes a second for each `a_second` of `bytes`.
const fn most(bytes: u64, a_second: u64) -> Duration {
    Duration::from_secs(ANSWER.as_secs() + bytes / a_second)
}

/// Reads frames in a thread, and no more of them than somebody takes.
fn hear(output: impl Read + Send + 'static) -> mpsc::Receiver<Heard> {
    let (sender, heard) = mpsc::sync_channel(FRAMES_WAITING);
    thread::spawn(move || {
        let mut frames = Frames::new(BufReader::with_capacity(1 << 17, output));
        let broken = loop {
            match frames.read() {
                Ok(Some(frame)) => {
                    if sender.send(Heard::Frame(frame)).is_err() {
                        return;
                    }
                }
                Ok(None) => break None,
                Err(broken) => break Some(broken),
            }
        };
        let _ = sender.send(Heard::Over(broken, frames.noise().to_vec()));
    });
    heard
}

/// Brings the program there.
fn store(way: &Way, transport: &mut dyn Transport, program: &Path, digest: &Digest, bytes: u64) -> Result<()> {
    let Channel { mut input, output, mut end } = transport.open(&bootstrap::store(&way.root, digest, bytes)?)?;
    let reader = thread::spawn(move || {
        let mut said = Vec::new();
        let _ = output.take(bootstrap::SAID_BYTES_MAX).read_to_end(&mut said);
        said
    });
    let file = fs::open_input(program).map_err(|e| Error::input(program, &e))?;
    // Where it cannot be written, the far end says why.
    let _ = fs::each_block(file, program, |block| {
        input.write_all(block).map_err(|e| Error::environment(format!("the line cannot be written: {e}")))
    });
    drop(input);
    let said = reader.join().unwrap_or_default();
    let ended = end.wait(END);
    if bootstrap::is_stored(&said) {
        return Ok(());
    }
    Err(why::dropped(way, None, &ended, &said).within("this program cannot be stored there"))
}
