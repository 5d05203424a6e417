//! Any bytes of a far end are frames, or a reason: what is read is what its header said, and no more room is made for it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::remote::frame::{self, Frames, Kind};
use molsieve::remote::message::{self, Ask, Ended, Fault, Hello, Laid, Missing, Packed};

fuzz_target!(|data: &[u8]| {
    all(data);
    // And as what follows a hello, where there is no noise any more.
    let mut begun = Vec::new();
    frame::write(&mut begun, Kind::Hello, b"{}").expect("a frame is written");
    begun.extend_from_slice(data);
    all(&begun);
});

fn all(bytes: &[u8]) {
    let (mut frames, mut read) = (Frames::new(bytes), 0);
    while let Ok(Some(frame)) = frames.read() {
        assert!(frame.payload.len() <= frame.kind.bytes_max());
        read += frame::HEADER_BYTES + frame.payload.len();
        let mut written = Vec::new();
        frame::write(&mut written, frame.kind, &frame.payload).expect("what was read can be written");
        assert!(bytes.windows(written.len()).any(|window| window == written));
        words(frame.kind, &frame.payload);
    }
    assert!(read as u64 + frames.noise_bytes() <= bytes.len() as u64);
}

/// What a frame says is understood, or refused.
fn words(kind: Kind, payload: &[u8]) {
    match kind {
        Kind::Hello => drop(message::from_bytes::<Hello>(payload)),
        Kind::Ask => drop(message::from_bytes::<Ask>(payload)),
        Kind::Answer => {
            drop(message::from_bytes::<Missing>(payload));
            drop(message::from_bytes::<Laid>(payload));
            drop(message::from_bytes::<Packed>(payload));
        }
        Kind::Ended => drop(message::from_bytes::<Ended>(payload)),
        Kind::Fault => drop(message::from_bytes::<Fault>(payload).map(Fault::into_error)),
        Kind::Data | Kind::Out | Kind::Err | Kind::Beat => {}
    }
}
