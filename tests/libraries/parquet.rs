//! Parquet files as libraries: those that pyarrow writes, and hostile ones.

use super::*;
use proptest::prelude::*;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/libraries");

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{FIXTURES}/{name}")).unwrap()
}

/// The shipped molecules that are in most fixtures, as lines.
fn shipped(records: usize) -> Vec<Pair> {
    let text = include_str!("../../data/nci_first_5k.smi");
    let pair = |line: &str| {
        let mut cells = line.split('\t');
        (cells.next().unwrap().as_bytes().to_vec(), cells.next().unwrap().as_bytes().to_vec())
    };
    text.lines().take(records).map(pair).collect()
}

fn snapshot_of(name: &str) -> (Place, Snapshot) {
    let place = Place::with("x.parquet", &fixture(name));
    let snapshot = place.snapshot("x.parquet");
    // What was repacked does not need the file again.
    std::fs::remove_file(place.path("x.parquet")).unwrap();
    snapshot.check_files().unwrap();
    assert_eq!(all(&Snapshot::open(snapshot.dir()).unwrap()).len() as u64, snapshot.records(), "{name}");
    let records = all(&snapshot);
    assert_eq!(read(&snapshot, 1..3.min(snapshot.records())).unwrap(), records[1..3.min(records.len())], "{name}");
    (place, snapshot)
}

fn said(structure: Option<&str>, id: Option<&str>) -> FormatRequest {
    FormatRequest {
        structure_column: structure.map(str::to_owned),
        id_column: id.map(str::to_owned),
        ..FormatRequest::default()
    }
}

#[test]
fn what_pyarrow_writes_has_the_root_of_the_same_table_as_text() {
    let lines: Vec<u8> = shipped(250).iter().flat_map(|(s, i)| [s, &b"\t"[..], i, b"\n"].concat()).collect();
    let text = Place::with("x.smi", &lines).snapshot("x.smi");
    for name in [
        "none.parquet",
        "snappy.parquet",
        "zstd.parquet",
        "gzip.parquet",
        "pages-v2.parquet",
        "delta.parquet",
        "large-and-dictionary.parquet",
    ] {
        let (_place, snapshot) = snapshot_of(name);
        assert_eq!((snapshot.records(), snapshot.root()), (250, text.root()), "{name}");
        assert!(snapshot.counts().is_balanced());
    }
}

#[test]
fn without_names_structures_are_found_by_what_they_hold_and_ids_must_be_said() {
    let place = Place::with("x.parquet", &fixture("no-names.parquet"));
    let records = all(&place.snapshot("x.parquet"));
    assert!(records.iter().map(|(s, _)| s).eq(shipped(250).iter().map(|(s, _)| s)));
    assert!(records.iter().all(|(_, id)| id.is_empty()));
    assert_eq!(all(&place.take(&place.said("x.parquet", said(None, Some("X")))).unwrap()), shipped(250));
}

#[test]
fn integers_are_ids_as_decimal_text_and_bytes_are_structures() {
    let place = Place::with("x.parquet", &fixture("binary-and-integers.parquet"));
    let ids = |id: Option<&str>| -> Vec<Vec<u8>> {
        let snapshot = place.take(&place.said("x.parquet", said(None, id))).unwrap();
        let records = all(&snapshot);
        assert!(records.iter().map(|(s, _)| s).eq(shipped(250).iter().map(|(s, _)| s)));
        records.into_iter().map(|(_, id)| id).collect()
    };
    assert_eq!(ids(None)[..2], [b"-5".to_vec(), b"2".to_vec()]);
    assert_eq!(ids(Some("unsigned_id"))[..2], [b"4294967295".to_vec(), b"4294967294".to_vec()]);
    assert_eq!(ids(Some("2"))[0], b"-5");
    assert_eq!(ids(Some("0"))[0], b"");
    for (structure, id, says) in [
        (Some("weight"), None, "cannot hold structures"),
        (Some("cid"), None, "cannot hold structures"),
        (None, Some("weight"), "cannot hold ids"),
        (None, Some("when"), "cannot hold ids"),
        (Some("mol"), None, "there is no column `mol`"),
        (Some("6"), None, "there is no column `6`"),
        (Some("0"), None, "cannot hold structures"),
        (None, Some("structure"), "cannot both be"),
    ] {
        let (code, what) = refusal(place.take(&place.said("x.parquet", said(structure, id))));
        assert!(code == 2 && what.contains(says) && what.contains("x.parquet"), "{what}");
    }
}

#[test]
fn a_null_is_an_empty_cell_and_a_row_is_one_record() {
    let (_place, snapshot) = snapshot_of("nulls.parquet");
    assert_eq!(all(&snapshot), pairs(&[("CC", "a"), ("CN", ""), ("", "c"), ("CO", ""), ("CF", "e")]));
    let counts = snapshot.counts();
    assert_eq!((counts.empty_structure, counts.missing_id, counts.cxsmiles_dropped), (1, 2, 1));
}

#[test]
fn what_cannot_be_read_is_refused_before_any_record() {
    for (name, says) in [
        ("nested.parquet", "no column has the name of one of structures"),
        ("no-rows.parquet", "holds no record"),
        ("lz4.parquet", "lz4"),
    ] {
        let (code, what) = Place::with("x.parquet", &fixture(name)).refusal("x.parquet");
        assert!(code == 2 && what.contains(says) && what.contains("x.parquet"), "{name}: {what}");
    }
    let place = Place::with("x.parquet", &fixture("nested.parquet"));
    let (_, what) = refusal(place.take(&place.said("x.parquet", said(Some("smiles.list.element"), None))));
    assert!(what.contains("cannot hold structures"), "{what}");
    for (bytes, says) in [
        (&b"CC\ta\n"[..], "not a Parquet file"),
        (b"", "not a Parquet file"),
        (b"PAR1", "not a Parquet file"),
        (b"PAR1\0\0\0\0\0\0\0\0PAR", "its end is missing"),
        (b"PAR1\0\0\0\0\xff\xff\xff\xffPAR1", "truncated, damaged"),
        (b"PARE\0\0\0\0\0\0\0\0PARE", "encrypted"),
        (b"PAR1\0\0\0\0\0\0\0\0PARE", "encrypted"),
    ] {
        let (code, what) = Place::with("x.parquet", bytes).refusal("x.parquet");
        assert!(code == 2 && what.contains(says), "{what}");
    }
    let (code, what) = Place::with("x.parquet", &gzip(&fixture("none.parquet"))).refusal("x.parquet");
    assert!(code == 2 && what.contains("not a Parquet file"), "{what}");
    let (code, what) = Place::with("x.csv", &fixture("none.parquet")).refusal("x.csv");
    assert!(code == 2 && what.contains("a Parquet file"), "{what}");
}

#[test]
fn a_file_that_ends_early_is_refused_wherever_it_ends() {
    let whole = fixture("nulls.parquet");
    for keep in 0..whole.len() {
        let (code, what) = Place::with("x.parquet", &whole[..keep]).refusal("x.parquet");
        assert_eq!(code, 2, "{keep}: {what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_damaged_file_is_read_or_refused_with_exit_2(
        name in prop_oneof![
            Just("nulls.parquet"), Just("no-names.parquet"), Just("pages-v2.parquet"), Just("delta.parquet"),
            Just("binary-and-integers.parquet"), Just("gzip.parquet"), Just("snappy.parquet"),
        ],
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..4),
    ) {
        let mut bytes = fixture(name);
        let length = bytes.len();
        for (at, byte, is_in_footer) in changes {
            let start = if is_in_footer { length.saturating_sub(500) } else { 0 };
            let at = start + at.index(length - start);
            bytes[at] = byte;
        }
        let place = Place::with("x.parquet", &bytes);
        match place.take(&place.request(&["x.parquet"])) {
            Ok(snapshot) => prop_assert_eq!(all(&snapshot).len() as u64, snapshot.records()),
            Err(e) => prop_assert_eq!(e.kind().exit_code(), 2, "{}", e),
        }
    }
}
