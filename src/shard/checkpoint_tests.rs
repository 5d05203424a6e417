use proptest::prelude::*;

use super::*;
use crate::library::record::Record;
use crate::scorer::{Value, Verdict};
use crate::shard::tally::Tally;

/// So many records has the task group.
const MOST: u64 = 1000;

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
    Reader::open(path, MOST).unwrap().map(Iterator::collect).unwrap_or_default()
}

#[test]
fn what_was_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = sample(dir.path());
    assert_eq!(Reader::open(&path, MOST).unwrap().unwrap().header(), &header());
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
        let _ = parse_rows(&bytes, MOST);
        let _ = parse_started(&bytes, MOST);
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
    tally.read_on(&path, MOST).unwrap();
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

/// A frame with the right digest.
fn sealed(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_le_bytes()[..], &digest::blake3(payload).0, payload].concat()
}

/// A frame of one row, of which this is said.
fn one_row(ordinal: Ordinal, line: &[u8], reason: (u64, u8), outcome: u8, errors: u64) -> Vec<u8> {
    let mut payload = vec![ROWS, 1];
    push_varint(&mut payload, errors);
    push_varint(&mut payload, zigzag(ordinal as i64));
    push_varint(&mut payload, line.len() as u64);
    push_varint(&mut payload, reason.0);
    payload.extend_from_slice(&[reason.1, outcome]);
    payload.extend_from_slice(line);
    sealed(&payload)
}

#[test]
fn a_row_that_is_not_what_is_said_of_it_ends_the_valid_prefix_and_is_known_for_forged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.checkpoint");
    let head = sealed(&[&[HEADER][..], &json::to_vec(&header()).unwrap()].concat());
    let read = |frame: &[u8]| {
        std::fs::write(&path, [&head[..], frame].concat()).unwrap();
        let mut reader = Reader::open(&path, MOST).unwrap().unwrap();
        (reader.by_ref().count(), reader.is_forged())
    };
    assert_eq!(read(&one_row(7, b"7,a,OK,,5\n", (7, 0), 0, 0)), (1, false));
    assert_eq!(read(&one_row(7, b"7,a,ERROR,crash,\n", (10, 5), 2, 1)), (1, false));
    for forged in [
        one_row(8, b"7,a,OK,,5\n", (7, 0), 0, 0),
        one_row(7, b"7,a,OK,,5\n", (7, 0), 1, 0),
        one_row(7, b"7,a,OK,,5\n", (6, 0), 0, 0),
        one_row(7, b"7,a,ERROR,crash,\n", (10, 4), 2, 1),
        one_row(7, b"7,a,OK,,5\n7,a,OK,,6\n", (7, 0), 0, 0),
        one_row(7, b"x,y,OK,,\xff\xfe\n", (7, 0), 0, 0),
        one_row(7, b"7,a,OK,,5\n", (7, 0), 0, 1),
    ] {
        assert_eq!(read(&forged), (0, true), "{}", forged.escape_ascii());
    }
    let whole = one_row(7, b"7,a,OK,,5\n", (7, 0), 0, 0);
    assert_eq!(read(&whole[..whole.len() - 1]), (0, false), "what was torn is nobody's lie");
}

#[test]
fn no_frame_speaks_of_more_records_than_its_task_group_has() {
    let mut payload = Vec::new();
    push_varint(&mut payload, 5);
    push_varint(&mut payload, MOST);
    assert_eq!(parse_started(&payload, MOST).unwrap().as_slice(), std::slice::from_ref(&(5..5 + MOST)));
    assert_eq!(parse_started(&payload, MOST - 1), None);
    assert_eq!(parse_started(&payload.repeat(2), MOST), None, "each run would cover the group");
    assert_eq!(parse_started(&[5, 0].repeat(MOST as usize + 1), MOST), None, "runs of nothing take room too");
    let mut many = Vec::new();
    push_varint(&mut many, MOST + 1);
    many.push(0);
    many.extend_from_slice(&[0; 5].repeat(MOST as usize + 1));
    assert_eq!(parse_rows(&many, MOST), None);
}
