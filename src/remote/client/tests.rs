//! A far end that makes the near end wait, grow or work for nothing.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::login::Means;
use super::super::message::FileId;
use super::super::transport::Ended as Gone;
use super::*;

/// Between two signs of life.
const PAUSE: Duration = Duration::from_millis(10);

/// What comes from a far end: these frames, and then signs of life without end, with a pause between them.
struct Liar {
    frames: VecDeque<Vec<u8>>,
    pause: Duration,
    read: Arc<AtomicUsize>,
}

impl Read for Liar {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut front = self.frames.pop_front().unwrap_or_else(beat);
        let length = front.len().min(buffer.len());
        buffer[..length].copy_from_slice(&front[..length]);
        let rest = front.split_off(length);
        if rest.is_empty() {
            thread::sleep(self.pause);
        } else {
            self.frames.push_front(rest);
        }
        self.read.fetch_add(length, Ordering::SeqCst);
        Ok(length)
    }
}

struct Never;

impl End for Never {
    fn wait(&mut self, _: Duration) -> Gone {
        Gone::default()
    }

    fn cut(&mut self) {}
}

struct Nothing;

impl Transport for Nothing {
    fn open(&mut self, _: &str) -> Result<Channel> {
        Err(Error::bug("a line is opened twice"))
    }
}

/// Remembers what is sent to the far end.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<u8>>>);

impl Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sent {
    /// How many frames of `kind` went there.
    fn count(&self, kind: FrameKind) -> usize {
        let bytes = self.0.lock().unwrap().clone();
        let mut frames = Frames::new(bytes.as_slice());
        std::iter::from_fn(|| frames.read().unwrap()).filter(|frame| frame.kind == kind).count()
    }
}

fn framed(kind: FrameKind, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, kind, payload).unwrap();
    bytes
}

fn beat() -> Vec<u8> {
    framed(FrameKind::Beat, b"")
}

fn liar(frames: Vec<Vec<u8>>, pause: Duration) -> Liar {
    Liar { frames: frames.into(), pause, read: Arc::default() }
}

/// A client whose far end says `frames`, and then that it is alive for ever.
fn client(frames: Vec<Vec<u8>>, pause: Duration, sent: &Sent) -> Client {
    let way = Way {
        login: "me@login".parse().unwrap(),
        means: Means::Ssh,
        root: "molsieve".to_owned(),
        identity: None,
        host_key: None,
        ssh_config: None,
    };
    let (schema, version) = (message::HELLO_SCHEMA.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    let hello = Hello { schema, version, root: "/r".to_owned(), host: "h".to_owned() };
    let input: Box<dyn Write + Send> = Box::new(sent.clone());
    let line = Line {
        there: Arc::new(Mutex::new(Some(input))),
        heard: hear(liar(frames, pause)),
        end: Box::new(Never),
        silent: Stopwatch::start(),
    };
    Client { way, hello, line, stop: Stop::new(), _transport: Box::new(Nothing) }
}

#[test]
fn no_more_is_read_of_what_comes_than_somebody_takes() {
    const LONG: usize = 1 << 20;
    let long = framed(FrameKind::Answer, &vec![b'x'; LONG]);
    let far = liar(vec![long; 20], Duration::ZERO);
    let read = far.read.clone();
    let heard = hear(far);
    let mut before = usize::MAX;
    while before != read.load(Ordering::SeqCst) || before == 0 {
        before = read.load(Ordering::SeqCst);
        thread::sleep(Duration::from_millis(500));
    }
    assert!(before <= 3 * LONG, "{before} bytes were read for nobody");
    drop(heard);
}

#[test]
fn a_far_end_that_only_says_that_it_is_alive_is_not_waited_for_for_ever() {
    let mut client = client(vec![beat()], PAUSE, &Sent::default());
    let most = Some(Duration::from_millis(300));
    let error = client.line.next(&client.way, SILENCE_MAX, most, &Stop::new()).unwrap_err();
    assert!(error.kind() == Kind::Scheduler && error.what().contains("gave no answer within"), "{error}");
}

#[test]
fn what_is_waited_for_grows_with_what_has_to_be_read_and_has_an_end() {
    assert_eq!(most(0, READ_A_SECOND), ANSWER);
    assert!(most(1 << 40, READ_A_SECOND) > ANSWER && most(u64::MAX, SENT_A_SECOND) < Duration::MAX);
}

#[test]
fn whoever_asks_to_stop_leaves_while_an_answer_or_data_are_waited_for() {
    for frames in [vec![beat()], vec![framed(FrameKind::Data, b"abc"), beat()]] {
        let (mut client, stop) = (client(frames, PAUSE, &Sent::default()), Stop::new());
        client.heed(&stop);
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            stop.raise();
        });
        let asked = client.asked::<Laid>(&Ask::Pack { campaign: "c".to_owned(), unless: None });
        let waited = if asked.as_ref().is_err_and(|error| error.kind() == Kind::Stopped) {
            asked.map(drop)
        } else {
            client.data(100, &mut |_| Ok(()))
        };
        assert_eq!(waited.unwrap_err().kind(), Kind::Stopped);
    }
}

#[test]
fn a_file_that_is_missing_again_and_again_is_sent_once() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("a.smi");
    std::fs::write(&path, "").unwrap();
    let file = FileId { sha256: Digest::default(), name: "a.smi".to_owned(), bytes: 0, executable: false };
    let sources = vec![Source { file, path }];
    let missing = Missing { missing: [vec![0; 500], vec![1, 7, usize::MAX]].concat() };
    let mut answers = vec![framed(FrameKind::Answer, &message::to_bytes(&missing).unwrap())];
    answers.extend(vec![framed(FrameKind::Answer, b"{}"); 600]);
    let sent = Sent::default();
    let mut client = client(answers, Duration::ZERO, &sent);
    let request = Request { name: "c.toml".to_owned(), text: String::new(), places: Vec::new(), dirs: Vec::new() };
    // (Where the files are laid out it does not say.)
    assert!(client.upload(&request, &sources, &|_| {}).is_err());
    assert_eq!(sent.count(FrameKind::Ask), 3, "what is missing, one file, and its place");
}
