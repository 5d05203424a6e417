//! A library that changed after its snapshot is refused, and never scored.

use super::*;
use molsieve::layout::SnapshotDir;

/// A snapshot of a three-block plain file.
fn taken() -> (Place, Snapshot) {
    let place = Place::with("x.smi", &three_blocks());
    let snapshot = place.snapshot("x.smi");
    (place, snapshot)
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// The one file in the snapshot directory whose name ends so.
fn part(place: &Place, ending: &str) -> PathBuf {
    let entries = std::fs::read_dir(place.path("snapshot")).unwrap().map(|e| e.unwrap().path());
    let found: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == ending)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

#[test]
fn one_changed_byte_is_refused_where_it_is_and_only_there() {
    let (place, snapshot) = taken();
    let at = three_blocks().iter().enumerate().filter(|(_, b)| **b == b'\n').nth(5000).unwrap().0 - 1;
    edit(&place.path("x.smi"), |bytes| bytes[at] = b'!');
    let (code, what) = refusal(read(&snapshot, 5000..5001));
    assert_eq!(code, 2);
    assert!(what.contains("the library changed since the plan") && what.contains("x.smi"), "{what}");
    assert!(what.contains("records 4096 to 8192"), "{what}");
    assert_eq!(read(&snapshot, 0..4096).unwrap().len(), 4096);
    assert_eq!(read(&snapshot, 8192..10_000).unwrap().len(), 1808);
}

#[test]
fn records_that_moved_by_a_line_are_refused() {
    let (place, snapshot) = taken();
    edit(&place.path("x.smi"), |bytes| {
        let line = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
        bytes.rotate_left(line);
    });
    for start in [0, 4096, 8192] {
        assert_eq!(refusal(read(&snapshot, start..start + 10)).0, 2);
    }
}

#[test]
fn a_record_turned_into_a_comment_is_refused() {
    let (place, snapshot) = taken();
    edit(&place.path("x.smi"), |bytes| bytes[0] = b'#');
    assert_eq!(refusal(read(&snapshot, 0..1)).0, 2);
}

#[test]
fn another_size_is_refused_at_once() {
    for (name, change) in [
        ("longer", (|bytes: &mut Vec<u8>| bytes.push(b'\n')) as fn(&mut Vec<u8>)),
        ("shorter", |bytes| bytes.truncate(1000)),
        ("empty", Vec::clear),
    ] {
        let (place, snapshot) = taken();
        edit(&place.path("x.smi"), change);
        let (code, what) = refusal(read(&snapshot, 9000..9001));
        assert!(code == 2 && what.contains("changed"), "{name}: {what}");
        assert_eq!(refusal(snapshot.check_files()).0, 2, "{name}");
    }
}

#[test]
fn a_library_file_that_is_gone_is_a_matter_of_mounts() {
    let (place, snapshot) = taken();
    let mut slice = Slice::open(&snapshot, 0..10_000).unwrap();
    slice.next_block().unwrap().unwrap();
    std::fs::rename(place.path("x.smi"), place.path("away")).unwrap();
    assert_eq!(refusal(read(&snapshot, 0..1)).0, 6);
    assert_eq!(refusal(snapshot.check_files()).0, 6);
    std::fs::rename(place.path("away"), place.path("x.smi")).unwrap();
    assert_eq!(all(&snapshot).len(), 10_000);
}

#[test]
fn what_was_repacked_no_longer_needs_the_compressed_file() {
    let place = Place::with("x.smi.gz", &gzip(&three_blocks()));
    let snapshot = place.snapshot("x.smi.gz");
    std::fs::remove_file(place.path("x.smi.gz")).unwrap();
    snapshot.check_files().unwrap();
    assert_eq!(all(&snapshot).len(), 10_000);
}

#[test]
fn damaged_repacked_records_are_refused() {
    let place = Place::with("x.smi.gz", &gzip(&three_blocks()));
    let snapshot = place.snapshot("x.smi.gz");
    let frames = part(&place, "frames");
    let whole = std::fs::read(&frames).unwrap();
    for at in [16, 20, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        std::fs::write(&frames, bytes).unwrap();
        assert_eq!(refusal(read(&snapshot, 0..10_000)).0, 2, "byte {at}");
    }
    std::fs::write(&frames, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(refusal(read(&snapshot, 9999..10_000)).0, 2);
    std::fs::write(&frames, whole).unwrap();
    assert_eq!(all(&snapshot).len(), 10_000);
}

#[test]
fn a_damaged_index_never_gives_other_records() {
    for (name, bytes) in [("x.smi", three_blocks()), ("x.smi.gz", gzip(&three_blocks()))] {
        let place = Place::with(name, &bytes);
        let snapshot = place.snapshot(name);
        let (index, expected) = (part(&place, "index"), all(&snapshot));
        let whole = std::fs::read(&index).unwrap();
        assert_eq!(whole.len(), 16 + 3 * 48);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x81;
            std::fs::write(&index, bytes).unwrap();
            match read(&snapshot, 0..10_000) {
                Ok(found) => assert_eq!(found, expected, "byte {at}"),
                Err(e) => assert!([2, 6].contains(&e.kind().exit_code()), "byte {at}: {e}"),
            }
        }
        std::fs::write(&index, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(refusal(read(&snapshot, 0..10_000)).0, 2);
    }
}

#[test]
fn an_index_is_tied_to_the_root() {
    let (place, snapshot) = taken();
    snapshot.check_index().unwrap();
    // Two whole blocks in the other order: each has its digest, and only the root knows.
    edit(&part(&place, "index"), |bytes| {
        let (first, second) = bytes[16..].split_at_mut(48);
        first[..8].swap_with_slice(&mut second[..8]);
        first[16..].swap_with_slice(&mut second[16..48]);
    });
    assert_eq!(refusal(snapshot.check_index()).0, 2);
}

#[test]
fn a_snapshot_that_contradicts_itself_is_refused() {
    let (place, snapshot) = taken();
    let path = SnapshotDir::new(place.path("snapshot")).snapshot();
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, to) in [
        ("\"records\":10000", "\"records\":10001"),
        ("molsieve.snapshot.v1", "molsieve.snapshot.v2"),
        ("\"part\":\"part-", "\"part\":\"../part-"),
        ("\"files\"", "\"extra\":1,\"files\""),
        (&snapshot.root().to_string(), &"0".repeat(64)),
        ("}", ""),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        assert_eq!(refusal(Snapshot::open(&place.path("snapshot"))).0, 2, "{from}");
    }
    std::fs::write(&path, text).unwrap();
    assert_eq!(all(&Snapshot::open(&place.path("snapshot")).unwrap()).len(), 10_000);
}

#[test]
fn taking_a_snapshot_again_replaces_the_first_and_what_a_killed_one_left() {
    let (place, first) = taken();
    place.write("snapshot/.part-0123456789abcdef-0.index.00112233.tmp", b"left by a killed process");
    place.write("snapshot/part-0123456789abcdef-1.frames", b"committed before the kill");
    place.write("snapshot/notes.txt", b"not ours");
    place.write("x.smi", b"CC\ta\n");
    let second = place.snapshot("x.smi");
    assert_ne!(second.root(), first.root());
    let mut names: Vec<String> = std::fs::read_dir(place.path("snapshot"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .map(|name| name.split('-').next().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["notes.txt", "part", "part", "snapshot.json"], "a part is an index and a log");
}
