//! The far end: what is asked in frames is done here, on the login node.
//!
//! It stores files under their digests, lays them out for a campaign file, runs this very program with an argument
//! vector (no shell is involved), and sends packs. It keeps nothing in memory and holds no lock: when the line ends it
//! goes, and takes with it what only watched. Everything else goes on: a `submit` that was begun comes to its end.

use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use super::frame::{self, DATA_BYTES_MAX, Frame, Frames, Kind};
use super::login;
use super::message::{self, Ask, Ended, Fault, FileId, HELLO_SCHEMA, Hello, Laid, Missing, Packed};
use crate::clock::Stopwatch;
use crate::digest;
use crate::error::{Error, Result};
use crate::fs::{self, put};
use crate::layout::{PackDir, RemoteRoot};
use crate::pack::{ARCHIVE, MANIFEST};

mod store;

pub(super) use store::is_plain;

/// How often either end shows that it is alive.
pub const BEAT_EVERY: Duration = Duration::from_secs(10);

/// An end that shows nothing for so long is gone, whatever the system says of the line.
pub const SILENCE_MAX: Duration = Duration::from_secs(90);

/// The environment variable by which a command knows that it was sent here, and is not to be sent on.
pub const FAR: &str = "MOLSIEVE_FAR_END";

/// What a program at the far end says before it shows files as they lie there. From then on no path of its is called by a name
/// of the near end.
pub const AS_IT_LIES_THERE: &str = "what follows is as it would lie there: its paths are none of this machine's";

/// Frames that wait at most: with the one that is being read, and the one that is being looked at, three of the longest are held.
const FRAMES_WAITING: usize = 1;

/// The size of a manifest that is worth hashing.
const MANIFEST_BYTES_MAX: u64 = crate::pack::manifest::BYTES_MAX;

/// What happens at the far end.
enum Event {
    /// A frame came.
    Frame(Frame),
    /// No more will come.
    LineEnded,
    /// One of the two outputs of the command ended.
    OutputEnded,
}

/// The line back, which several threads write to.
type Back<W> = Arc<Mutex<W>>;

/// The far end.
struct Far<W> {
    root: RemoteRoot,
    program: PathBuf,
    events: mpsc::Receiver<Event>,
    sender: mpsc::SyncSender<Event>,
    back: Back<W>,
}

/// Answers what comes on `input` until it ends. Everything lies below `root`; `program` is the program that is run.
///
/// # Errors
/// The directory cannot be made (exit 6), or what comes makes no sense (exit 5).
pub fn serve<R, W>(root: &Path, program: &Path, input: R, output: W) -> Result<()>
where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
{
    let (sender, events) = mpsc::sync_channel(FRAMES_WAITING);
    let back = Arc::new(Mutex::new(output));
    let made = ours_alone(root)
        .and_then(|()| std::path::absolute(root).map_err(|e| Error::io("cannot find", root, &e)))
        .and_then(|root| match root.to_str() {
            Some(text) => Ok((text.to_owned(), root.clone())),
            None => Err(Error::usage(format!("the directory `{}` has a name that is not text", root.display()))),
        });
    let (text, root) = match made {
        Ok(made) => made,
        Err(error) => {
            let _ = say(&back, Kind::Fault, &Fault::from(&error));
            return Err(error);
        }
    };
    let heard = Arc::new(AtomicU64::new(0));
    listen(input, sender.clone(), &heard);
    beat(&back, heard);
    let hello = Hello {
        schema: HELLO_SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        root: text,
        host: crate::host::name(),
    };
    say(&back, Kind::Hello, &hello)?;
    let far = Far { root: RemoteRoot::new(root), program: program.to_path_buf(), events, sender, back };
    far.answer_all()
}

/// Where others may write they could exchange what is run and what is computed: that is looked at before anything is put there. A
/// root that is not there yet is made, for its owner alone.
fn ours_alone(root: &Path) -> Result<()> {
    if !root.exists() {
        put::private_dir(root)?;
    }
    if put::is_ours_alone(root)? {
        return Ok(());
    }
    let shown = root.display();
    Err(Error::environment(format!("others than you may write in `{shown}`, and exchange what is run there"))
        .hint(format!("`chmod go-w {shown}` on the login node, if the directory is yours"))
        .hint("else say a directory that is yours alone with `--remote-root`"))
}

/// Hands on what comes, frame by frame; a full queue makes the other end wait.
fn listen(input: impl Read + Send + 'static, sender: mpsc::SyncSender<Event>, heard: &Arc<AtomicU64>) {
    let heard = heard.clone();
    thread::spawn(move || {
        let mut frames = Frames::new(BufReader::with_capacity(1 << 17, input));
        while let Ok(Some(frame)) = frames.read() {
            heard.fetch_add(1, Ordering::Relaxed);
            if frame.kind != Kind::Beat && sender.send(Event::Frame(frame)).is_err() {
                return;
            }
        }
        let _ = sender.send(Event::LineEnded);
    });
}

/// Shows now and then that this end is alive, and ends the process when the other has not been heard of for too long: a
/// machine that sleeps, or a line that nobody cut, ends no input.
fn beat<W: Write + Send + 'static>(back: &Back<W>, heard: Arc<AtomicU64>) {
    let back = back.clone();
    thread::spawn(move || {
        let (mut last, mut silent) = (0, Stopwatch::start());
        loop {
            thread::sleep(BEAT_EVERY);
            let now = heard.load(Ordering::Relaxed);
            if now != last {
                (last, silent) = (now, Stopwatch::start());
            }
            let gone = silent.elapsed() > SILENCE_MAX;
            // Who holds the lock is writing, which is a sign of life too.
            let failed = back.try_lock().is_ok_and(|mut back| frame::write(&mut *back, Kind::Beat, &[]).is_err());
            if gone || failed {
                std::process::exit(crate::error::Kind::Scheduler.exit_code().into());
            }
        }
    });
}

/// Sends a message.
fn say<W: Write>(back: &Back<W>, kind: Kind, message: &impl serde::Serialize) -> Result<()> {
    send(back, kind, &message::to_bytes(message)?)
}

fn send<W: Write>(back: &Back<W>, kind: Kind, payload: &[u8]) -> Result<()> {
    let mut back = back.lock().map_err(|_| Error::bug("a thread that wrote to the line panicked"))?;
    frame::write(&mut *back, kind, payload).map_err(|e| Error::environment(format!("the line cannot be written: {e}")))
}

impl<W: Write + Send + 'static> Far<W> {
    fn answer_all(&self) -> Result<()> {
        while let Some(frame) = self.frame() {
            if frame.kind != Kind::Ask {
                return Err(Error::usage(format!(
                    "a frame of the kind {:?} came where something is asked",
                    frame.kind
                )));
            }
            let done = message::from_bytes::<Ask>(&frame.payload).and_then(|ask| self.answer(ask));
            if let Err(error) = done {
                say(&self.back, Kind::Fault, &Fault::from(&error))?;
            }
        }
        Ok(())
    }

    /// The next frame; none when the line has ended.
    fn frame(&self) -> Option<Frame> {
        loop {
            match self.events.recv() {
                Ok(Event::Frame(frame)) => return Some(frame),
                Ok(Event::OutputEnded) => {}
                Ok(Event::LineEnded) | Err(_) => return None,
            }
        }
    }

    fn answer(&self, ask: Ask) -> Result<()> {
        match ask {
            Ask::Missing { files } => {
                let is_missing = |file: &FileId| store::is_missing(&self.root, file);
                let missing = files.iter().enumerate().filter(|(_, file)| is_missing(file)).map(|(at, _)| at).collect();
                say(&self.back, Kind::Answer, &Missing { missing })
            }
            Ask::Put { file } => self.put(&file),
            Ask::Lay { request } => {
                let campaign = store::lay(&self.root, &request)?;
                say(&self.back, Kind::Answer, &Laid { campaign })
            }
            Ask::Run { argv, watches } => self.run(&argv, watches),
            Ask::Pack { campaign, unless } => self.pack(&campaign, unless.as_deref()),
        }
    }

    /// Takes a file. Where it cannot be stored, whoever sends it is told at once, and what still comes is passed over.
    fn put(&self, file: &FileId) -> Result<()> {
        let mut put = self.or_told(store::Put::begin(&self.root, file))?;
        let mut left = file.bytes;
        while left > 0 {
            let frame = self.frame().ok_or_else(|| Error::environment("the line ended within a file"))?;
            let length = frame.payload.len() as u64;
            if frame.kind != Kind::Data || length > left || length == 0 {
                return Err(Error::usage(format!("the file `{}` came with what is no part of it", file.name)));
            }
            left -= length;
            if let Some(begun) = &mut put
                && self.or_told(begun.write(&frame.payload))?.is_none()
            {
                put = None;
            }
        }
        let Some(put) = put else { return Ok(()) };
        put.finish()?;
        say(&self.back, Kind::Answer, &message::done())
    }

    /// What was made, or none, and the other end was told why.
    fn or_told<T>(&self, made: Result<T>) -> Result<Option<T>> {
        match made {
            Ok(made) => Ok(Some(made)),
            Err(error) => say(&self.back, Kind::Fault, &Fault::from(&error)).map(|()| None),
        }
    }

    /// Runs this program with `argv`, sends what it prints, and says how it ended.
    fn run(&self, argv: &[String], watches: bool) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args(argv).current_dir(self.root.root()).env(FAR, "1");
        // Its lifeline: however this end goes, what only watches goes with it.
        command.stdin(if watches { Stdio::piped() } else { Stdio::null() });
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|e| Error::io("cannot start", &self.program, &e))?;
        let _lifeline = child.stdin.take();
        self.pump(Kind::Out, child.stdout.take());
        self.pump(Kind::Err, child.stderr.take());
        let mut outputs = 2;
        while outputs > 0 {
            match self.events.recv() {
                Ok(Event::OutputEnded) => outputs -= 1,
                Ok(Event::Frame(_)) => return Err(Error::usage("something was asked while a command ran")),
                Ok(Event::LineEnded) | Err(_) => {
                    if watches {
                        end(&mut child);
                    }
                    return Err(Error::environment("the line ended while a command ran"));
                }
            }
        }
        let status = child.wait().map_err(|e| Error::io("cannot wait for", &self.program, &e))?;
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        let code = || status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        say(&self.back, Kind::Ended, &signal.map_or_else(|| Ended::Exit(code()), Ended::Signal))
    }

    /// Sends what `from` gives. When the line is gone it is read to its end all the same, so that the command is not held up.
    fn pump(&self, kind: Kind, from: Option<impl Read + Send + 'static>) {
        let (back, sender) = (self.back.clone(), self.sender.clone());
        thread::spawn(move || {
            let mut buffer = vec![0; DATA_BYTES_MAX];
            let mut from = from;
            while let Some(Ok(length @ 1..)) = from.as_mut().map(|from| from.read(&mut buffer)) {
                let _ = send(&back, kind, &buffer[..length]);
            }
            let _ = sender.send(Event::OutputEnded);
        });
    }

    /// Sends the archive of the pack of the campaign called `name`, unless the manifest is the one at home.
    fn pack(&self, name: &str, unless: Option<&str>) -> Result<()> {
        if !login::is_name(name) {
            return Err(Error::usage(format!("`{}` is no name of a campaign directory", name.escape_debug())));
        }
        let pack = PackDir::new(self.root.campaign(name).pack());
        let (manifest, archive) = (pack.member(MANIFEST), pack.member(ARCHIVE));
        let none = Packed { pack_digest: None, bytes: None };
        if !manifest.is_file() || !archive.is_file() {
            return say(&self.back, Kind::Answer, &none);
        }
        let bytes =
            fs::read_input(&manifest, MANIFEST_BYTES_MAX).map_err(|e| Error::io("cannot read", &manifest, &e))?;
        let pack_digest = digest::sha256(&bytes).sha256_uri();
        if unless == Some(pack_digest.as_str()) {
            return say(&self.back, Kind::Answer, &Packed { pack_digest: Some(pack_digest), ..none });
        }
        let refused = |e| Error::io("cannot read", &archive, &e);
        let file = fs::open_plain(&archive).map_err(refused)?;
        let bytes = file.metadata().map_err(refused)?.len();
        say(&self.back, Kind::Answer, &Packed { pack_digest: Some(pack_digest), bytes: Some(bytes) })?;
        let (mut file, mut buffer) = (file.take(bytes), vec![0; DATA_BYTES_MAX]);
        loop {
            match file.read(&mut buffer).map_err(refused)? {
                0 => return Ok(()),
                length => send(&self.back, Kind::Data, &buffer[..length])?,
            }
        }
    }
}

/// Ends a command that only watched: first as a person would, then for good.
fn end(child: &mut Child) {
    if let Some(pid) = rustix::process::Pid::from_raw(child.id().cast_signed()) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
    }
    for _ in 0..50 {
        if child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let _ = child.kill();
    let _ = child.wait();
}
