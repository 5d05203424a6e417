//! What goes over the line: frames with a mark, a kind and a length.
//!
//! A login shell may print a banner, and a start file what it likes, before the far end says its first word. So the
//! mark holds bytes that no text has; what comes before the first one is noise, skipped and counted up to a limit.
//! From then on every frame must follow the one before it. Nothing is believed of a length that its kind may not have:
//! the far end is not trusted with the memory of this one. See `docs/formats/remote.md`.

use std::io::{self, Read, Write};

/// What every frame begins with: a NUL, two bytes that are never in UTF-8, and a line feed among letters.
pub const MARK: [u8; 8] = [0x00, 0xf5, b'm', b's', 0xfe, b'\n', b'v', b'1'];

/// The mark, the kind, and the length in four bytes, the lowest first.
pub const HEADER_BYTES: usize = MARK.len() + 1 + 4;

/// No frame of data is longer.
pub const DATA_BYTES_MAX: usize = 64 << 10;

/// No frame of words is longer: a campaign may name many files.
pub const WORDS_BYTES_MAX: usize = 16 << 20;

/// No frame of a few words is longer.
const FEW_BYTES_MAX: usize = 64 << 10;

/// No fault is told in more.
const FAULT_BYTES_MAX: usize = 1 << 20;

/// More noise than this is no banner.
pub const NOISE_BYTES_MAX: u64 = 1 << 20;

/// So much of the noise, its end, is kept to be shown.
const NOISE_KEPT: usize = 4 << 10;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The far end is there, and says what it is.
    Hello,
    /// Something is asked of the far end.
    Ask,
    /// What was asked is done.
    Answer,
    /// A part of a file, either way.
    Data,
    /// A part of what a command printed on its standard output.
    Out,
    /// The same of standard error.
    Err,
    /// How a command ended.
    Ended,
    /// What was asked is not done, and why.
    Fault,
    /// Nothing but a sign of life, either way.
    Beat,
}

/// The kinds, in the order of their numbers, from 1.
const KINDS: [Kind; 9] =
    [Kind::Hello, Kind::Ask, Kind::Answer, Kind::Data, Kind::Out, Kind::Err, Kind::Ended, Kind::Fault, Kind::Beat];

impl Kind {
    /// Its number on the line.
    pub fn number(self) -> u8 {
        KINDS.iter().position(|kind| *kind == self).map_or(0, |at| at as u8 + 1)
    }

    /// The kind with this number.
    pub fn of(number: u8) -> Option<Self> {
        KINDS.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// How long a frame of this kind may be.
    pub const fn bytes_max(self) -> usize {
        match self {
            Self::Data | Self::Out | Self::Err => DATA_BYTES_MAX,
            Self::Beat => 0,
            Self::Hello | Self::Ended => FEW_BYTES_MAX,
            Self::Fault => FAULT_BYTES_MAX,
            Self::Ask | Self::Answer => WORDS_BYTES_MAX,
        }
    }
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: Kind,
    /// What it holds.
    pub payload: Vec<u8>,
}

/// Why the next frame cannot be read. None of them can be mended: the line is of no use afterwards.
#[derive(Debug)]
pub enum Broken {
    /// More than [`NOISE_BYTES_MAX`] came, and no frame.
    Noise,
    /// Something else came where a frame was due.
    NoFrame,
    /// A frame is of a kind that nobody knows.
    Kind(u8),
    /// A frame says that it is longer than its kind may be.
    TooLong(Kind, u32),
    /// The line ended within a frame.
    Cut,
    /// The system refused.
    System(io::Error),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Noise => write!(f, "more than {NOISE_BYTES_MAX} bytes came, and none of them from molsieve"),
            Self::NoFrame => f.write_str("something else than molsieve wrote to the line"),
            Self::Kind(number) => write!(f, "a frame of the unknown kind {number} came"),
            Self::TooLong(kind, bytes) => write!(f, "a frame of the kind {kind:?} says that it has {bytes} bytes"),
            Self::Cut => f.write_str("the line ended within a frame"),
            Self::System(error) => write!(f, "the line cannot be read: {error}"),
        }
    }
}

/// Writes a frame, whole, and flushes.
///
/// # Errors
/// The payload is longer than its kind may be, or the system refuses.
pub fn write(to: &mut impl Write, kind: Kind, payload: &[u8]) -> io::Result<()> {
    if payload.len() > kind.bytes_max() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a frame is too long"));
    }
    let mut header = [0; HEADER_BYTES];
    header[..MARK.len()].copy_from_slice(&MARK);
    header[MARK.len()] = kind.number();
    header[MARK.len() + 1..].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    // In one piece where it is short: on most lines a write is a packet.
    if payload.len() <= 4096 {
        to.write_all(&[&header[..], payload].concat())?;
    } else {
        to.write_all(&header)?;
        to.write_all(payload)?;
    }
    to.flush()
}

/// Reads frames.
#[derive(Debug)]
pub struct Frames<R> {
    from: R,
    begun: bool,
    noise_bytes: u64,
    noise: Vec<u8>,
}

impl<R: Read> Frames<R> {
    /// Reads from `from`, which should have a buffer of its own.
    pub const fn new(from: R) -> Self {
        Self { from, begun: false, noise_bytes: 0, noise: Vec::new() }
    }

    /// How many bytes came before the first frame.
    pub const fn noise_bytes(&self) -> u64 {
        self.noise_bytes
    }

    /// The end of what came before the first frame.
    pub fn noise(&self) -> &[u8] {
        &self.noise
    }

    /// The next frame; none where the line ended in order.
    ///
    /// # Errors
    /// See [`Broken`].
    pub fn read(&mut self) -> Result<Option<Frame>, Broken> {
        let found = if self.begun { self.mark()? } else { self.first_mark()? };
        if !found {
            return Ok(None);
        }
        let mut rest = [0; HEADER_BYTES - MARK.len()];
        self.fill(&mut rest)?;
        let [number, length @ ..] = rest;
        let (kind, length) = (Kind::of(number).ok_or(Broken::Kind(number))?, u32::from_le_bytes(length));
        if length as usize > kind.bytes_max() {
            return Err(Broken::TooLong(kind, length));
        }
        self.begun = true;
        // The room grows with what comes, and not with what is announced.
        let mut payload = Vec::new();
        (&mut self.from).take(u64::from(length)).read_to_end(&mut payload).map_err(Broken::System)?;
        if payload.len() < length as usize {
            return Err(Broken::Cut);
        }
        Ok(Some(Frame { kind, payload }))
    }

    /// Reads the mark of a frame; none where the line ended.
    fn mark(&mut self) -> Result<bool, Broken> {
        let Some(first) = self.byte()? else { return Ok(false) };
        let mut mark = [first; MARK.len()];
        if first != MARK[0] {
            return Err(Broken::NoFrame);
        }
        self.fill(&mut mark[1..])?;
        if mark == MARK { Ok(true) } else { Err(Broken::NoFrame) }
    }

    /// Reads up to the first mark. Its first byte is in it once, so that a search never has to go back.
    fn first_mark(&mut self) -> Result<bool, Broken> {
        let mut matched = 0;
        while matched < MARK.len() {
            let Some(byte) = self.byte()? else {
                self.heard(&MARK[..matched]);
                return Ok(false);
            };
            if byte == MARK[matched] {
                matched += 1;
                continue;
            }
            self.heard(&MARK[..matched]);
            matched = usize::from(byte == MARK[0]);
            if matched == 0 {
                self.heard(&[byte]);
            }
            if self.noise_bytes > NOISE_BYTES_MAX {
                return Err(Broken::Noise);
            }
        }
        Ok(true)
    }

    fn heard(&mut self, noise: &[u8]) {
        self.noise_bytes += noise.len() as u64;
        self.noise.extend_from_slice(noise);
        if self.noise.len() > 2 * NOISE_KEPT {
            self.noise.drain(..self.noise.len() - NOISE_KEPT);
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, Broken> {
        let mut byte = [0];
        loop {
            match self.from.read(&mut byte) {
                Ok(0) => return Ok(None),
                Ok(_) => return Ok(Some(byte[0])),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Broken::System(e)),
            }
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Broken> {
        self.from.read_exact(bytes).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => Broken::Cut,
            _ => Broken::System(e),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(frames: &[(Kind, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        frames.iter().for_each(|(kind, payload)| write(&mut bytes, *kind, payload).unwrap());
        bytes
    }

    fn read(bytes: &[u8]) -> (Vec<Frame>, Option<Broken>) {
        let (mut reader, mut frames) = (Frames::new(bytes), Vec::new());
        loop {
            match reader.read() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => return (frames, None),
                Err(broken) => return (frames, Some(broken)),
            }
        }
    }

    #[test]
    fn the_mark_is_in_no_text_and_its_first_byte_is_in_it_once() {
        assert!(String::from_utf8(MARK.to_vec()).is_err());
        assert_eq!(MARK.iter().filter(|byte| **byte == MARK[0]).count(), 1);
    }

    #[test]
    fn a_banner_before_the_first_frame_is_skipped_and_counted() {
        let banner = b"Welcome to the cluster\n\0\xf5msd\n";
        let bytes = [banner.as_slice(), &written(&[(Kind::Hello, b"{}"), (Kind::Beat, b"")])].concat();
        let mut frames = Frames::new(bytes.as_slice());
        assert_eq!(frames.read().unwrap().unwrap(), Frame { kind: Kind::Hello, payload: b"{}".to_vec() });
        assert_eq!((frames.noise_bytes(), frames.noise()), (banner.len() as u64, banner.as_slice()));
        assert_eq!(frames.read().unwrap().unwrap().kind, Kind::Beat);
        assert!(frames.read().unwrap().is_none());
    }

    #[test]
    fn noise_without_end_is_given_up_and_little_of_it_is_kept() {
        let mut frames = Frames::new(io::BufReader::new(io::repeat(b'x')));
        assert!(matches!(frames.read(), Err(Broken::Noise)));
        assert!(frames.noise().len() <= 2 * NOISE_KEPT);
    }

    #[test]
    fn noise_between_two_frames_is_no_frame() {
        let bytes = [written(&[(Kind::Hello, b"")]), b"hm".to_vec(), written(&[(Kind::Beat, b"")])].concat();
        assert!(matches!(read(&bytes), (frames, Some(Broken::NoFrame)) if frames.len() == 1));
    }

    #[test]
    fn a_length_that_its_kind_may_not_have_is_refused_before_any_room_is_made_for_it() {
        for (kind, length) in [(Kind::Data, u32::MAX), (Kind::Hello, u32::MAX), (Kind::Beat, 1)] {
            let header = [&MARK[..], &[kind.number()], &length.to_le_bytes()].concat();
            assert!(matches!(read(&header), (_, Some(Broken::TooLong(..)))), "{kind:?}");
        }
        let unknown = [&MARK[..], &[77, 0, 0, 0, 0]].concat();
        assert!(matches!(read(&unknown), (_, Some(Broken::Kind(77)))));
        assert!(write(&mut Vec::new(), Kind::Beat, b"x").is_err());
    }

    #[test]
    fn a_line_that_is_cut_is_told_from_one_that_ended() {
        let whole = written(&[(Kind::Ask, b"abc")]);
        for length in 0..=whole.len() {
            match read(&whole[..length]) {
                (frames, None) if length < MARK.len() => assert!(frames.is_empty(), "{length}"),
                (frames, None) => assert_eq!((frames.len(), length), (1, whole.len())),
                (_, Some(broken)) => assert!(matches!(broken, Broken::Cut), "{length}: {broken}"),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            noise in proptest::collection::vec(any::<u8>(), 0..200),
            parts in proptest::collection::vec((1..=8u8, proptest::collection::vec(any::<u8>(), 0..300)), 1..20),
        ) {
            // A whole mark is the one thing that noise must not hold.
            prop_assume!(!noise.windows(MARK.len()).any(|window| window == MARK));
            let frames: Vec<(Kind, &[u8])> =
                parts.iter().map(|(kind, payload)| (Kind::of(*kind).unwrap(), payload.as_slice())).collect();
            let (read, broken) = read(&[noise, written(&frames)].concat());
            prop_assert!(broken.is_none());
            let read: Vec<(Kind, &[u8])> = read.iter().map(|frame| (frame.kind, frame.payload.as_slice())).collect();
            prop_assert_eq!(read, frames);
        }

        #[test]
        fn any_bytes_are_frames_or_a_reason(bytes: Vec<u8>) {
            let _ = read(&bytes);
            let _ = read(&[written(&[(Kind::Hello, b"")]), bytes].concat());
        }
    }
}
