use proptest::prelude::*;

use super::*;
use crate::library::record::Record;
use crate::scorer::{Value, Verdict};

fn header() -> Header {
    Header {
        schema: SCHEMA.to_owned(),
        plan: digest::blake3(b"plan"),
        scorer: digest::blake3(b"scorer"),
        group: GroupIndex(3),
        attempt: "0123456789abcdef".parse().unwrap(),
    }
}

fn rows(ordinals: &[Ordinal]) -> RowBlock {
    let mut rows = RowBlock::default();
    for ordinal in ordinals {
        let record = Record { ordinal: *ordinal, id: b"id", structure: b"C" };
        let verdict = if ordinal % 3 == 0 { Verdict::skip("parse") } else { Verdict::ok(vec![Value::Int(7)]) };
        rows.push(&record, &verdict, 1);
    }
    rows
}

/// A checkpoint of two row frames and a mark; the file's bytes.
fn sample(dir: &Path) -> std::path::PathBuf {
    let path = dir.join("a.checkpoint");
    let mut writer = Writer::create(&path, &header()).unwrap();
    writer.started(&[5, 6, 7, 100]).unwrap();
    writer.rows(&rows(&[6, 5, 100])).unwrap();
    writer.rows(&rows(&[7])).unwrap();
    writer.clean_end().unwrap();
    path
}

fn frames(path: &Path) -> Vec<Frame> {
    Reader::open(path).unwrap().map(Iterator::collect).unwrap_or_default()
}

#[test]
fn what_was_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = sample(dir.path());
    assert_eq!(Reader::open(&path).unwrap().unwrap().header(), &header());
    assert_eq!(
        frames(&path),
        [
            Frame::Started(vec![5..8, 100..101]),
            Frame::Rows(rows(&[6, 5, 100])),
            Frame::Rows(rows(&[7])),
            Frame::CleanEnd
        ]
    );
}

#[test]
fn a_torn_file_gives_its_valid_prefix_wherever_it_was_torn() {
    let dir = tempfile::tempdir().unwrap();
    let whole = std::fs::read(sample(dir.path())).unwrap();
    let complete = frames(&dir.path().join("a.checkpoint"));
    let torn = dir.path().join("torn");
    for length in 0..whole.len() {
        std::fs::write(&torn, &whole[..length]).unwrap();
        let prefix = frames(&torn);
        assert!(prefix.len() < complete.len(), "cut at {length}");
        assert_eq!(prefix, complete[..prefix.len()], "cut at {length}");
    }
}

#[test]
fn a_flipped_bit_ends_the_valid_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let whole = std::fs::read(sample(dir.path())).unwrap();
    let complete = frames(&dir.path().join("a.checkpoint"));
    let bent = dir.path().join("bent");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&bent, &bytes).unwrap();
        let prefix = frames(&bent);
        assert!(prefix.len() < complete.len(), "bit flipped at {at}");
        assert_eq!(prefix, complete[..prefix.len()], "bit flipped at {at}");
    }
}

#[test]
fn nobody_writes_over_an_existing_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let path = sample(dir.path());
    assert!(Writer::create(&path, &header()).is_err());
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_never_a_panic(bytes: Vec<u8>) {
        let _ = parse_rows(&bytes);
        let _ = parse_started(&bytes);
        let _ = read_frame(&mut bytes.as_slice(), &mut Vec::new());
    }

    #[test]
    fn rows_survive_the_frame(ordinals in proptest::collection::vec(any::<u64>(), 0..20)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        let mut writer = Writer::create(&path, &header()).unwrap();
        writer.rows(&rows(&ordinals)).unwrap();
        prop_assert_eq!(frames(&path), [Frame::Rows(rows(&ordinals))]);
    }
}

fn file(ordinal: Ordinal, name: &str, content: &[u8]) -> KeptFile {
    KeptFile { ordinal, name: name.to_owned(), content: content.to_vec() }
}

#[test]
fn kept_files_are_read_back_whole_and_found_without_reading_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.checkpoint");
    let text = b"ATOM and ATOM and ATOM and ".repeat(1000);
    let noise: Vec<u8> = (0..4096u32).flat_map(|i| digest::blake3(&i.to_le_bytes()).0).collect();
    let files = [file(5, "pose", &text), file(u64::MAX, &"n".repeat(64), &noise), file(6, "none", b"")];
    let mut writer = Writer::create(&path, &header()).unwrap();
    writer.file(&files[0]).unwrap();
    writer.rows(&rows(&[5, 6])).unwrap();
    writer.file(&files[1]).unwrap();
    writer.file(&files[2]).unwrap();
    writer.rows(&rows(&[7])).unwrap();
    let length = std::fs::metadata(&path).unwrap().len();
    assert!(length < noise.len() as u64 + 2000, "text is packed: {length} bytes");
    let read: Vec<KeptFile> =
        frames(&path).into_iter().filter_map(|f| if let Frame::File(file) = f { Some(file) } else { None }).collect();
    assert_eq!(read, files);
    let log = writer.reread().unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut found = Vec::new();
    each_file(&path, &log, u64::MAX, |ordinal, name, offset| found.push((ordinal, name.to_owned(), offset))).unwrap();
    for ((ordinal, name, offset), file) in found.into_iter().zip(&files) {
        assert_eq!((ordinal, &name), (file.ordinal, &file.name));
        assert_eq!(Reader::frame_at(&path, &log, offset).unwrap(), Some(Frame::File(file.clone())));
    }
    let mut tally = Tally::default();
    tally.read_on(&path).unwrap();
    assert_eq!(tally.rows, 0, "the name is gone");
}

#[test]
fn a_frame_of_a_file_with_a_name_that_leads_elsewhere_is_no_frame() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.checkpoint");
    let mut writer = Writer::create(&path, &header()).unwrap();
    writer.file(&file(5, "../pose", b"x")).unwrap();
    writer.rows(&rows(&[5])).unwrap();
    assert_eq!(frames(&path), []);
}
