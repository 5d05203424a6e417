//! A library is read as `docs/formats/snapshot.md` says, whatever its files look like.

mod changes;
mod cut;
mod faults;
mod hostile;
mod interrupted;
#[cfg(feature = "parquet")]
mod parquet;
mod properties;
mod sdf;
mod vectors;

use std::io::Write;
use std::path::{Path, PathBuf};

use molsieve::error::Result;
use molsieve::library::decode::Compression;
use molsieve::library::format::FormatRequest;
use molsieve::library::inspect::{Extent, inspect};
use molsieve::library::request::LibraryRequest;
use molsieve::library::slice::Slice;
use molsieve::library::snapshot::Snapshot;
use molsieve::library::take::take;
use tempfile::TempDir;

/// Structure and id.
type Pair = (Vec<u8>, Vec<u8>);

/// A directory with library files, and room for snapshots.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        crate::support::env::watchdog::start();
        Self(tempfile::tempdir().unwrap())
    }

    /// With one file.
    fn with(name: &str, bytes: &[u8]) -> Self {
        let place = Self::new();
        place.write(name, bytes);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn request(&self, paths: &[&str]) -> LibraryRequest {
        LibraryRequest { base: self.0.path().to_path_buf(), ..LibraryRequest::of(paths.iter().copied()) }
    }

    fn said(&self, path: &str, format: FormatRequest) -> LibraryRequest {
        LibraryRequest { format, ..self.request(&[path]) }
    }

    fn take(&self, request: &LibraryRequest) -> Result<Snapshot> {
        take(request, &self.path("snapshot"), 2, &|_, _| ())
    }

    /// The snapshot of one file or glob.
    fn snapshot(&self, path: &str) -> Snapshot {
        self.take(&self.request(&[path])).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// The error of one file or glob, its exit code first.
    fn refusal(&self, path: &str) -> (u8, String) {
        refusal(self.take(&self.request(&[path])))
    }
}

fn refusal<T>(result: Result<T>) -> (u8, String) {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => {
            let code = error.kind().exit_code();
            assert!(code != 2 || !error.hints().is_empty(), "`{error}` does not say what to do");
            (code, error.to_string())
        }
    }
}

/// The records of a range, with their ordinals checked.
fn read(snapshot: &Snapshot, range: std::ops::Range<u64>) -> Result<Vec<Pair>> {
    let mut slice = Slice::open(snapshot, range.clone())?;
    let mut records = Vec::new();
    while let Some(block) = slice.next_block()? {
        for record in block.iter() {
            assert_eq!(record.ordinal, range.start + records.len() as u64);
            records.push((record.structure.to_vec(), record.id.to_vec()));
        }
    }
    assert_eq!(records.len() as u64, range.end - range.start);
    Ok(records)
}

fn all(snapshot: &Snapshot) -> Vec<Pair> {
    read(snapshot, 0..snapshot.records()).unwrap()
}

fn pairs(records: &[(&str, &str)]) -> Vec<Pair> {
    records.iter().map(|(s, i)| (s.as_bytes().to_vec(), i.as_bytes().to_vec())).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).unwrap()
}

/// Three files of one content each, as `cat` makes of compressed pieces.
fn in_pieces(compress: fn(&[u8]) -> Vec<u8>, bytes: &[u8], pieces: usize) -> Vec<u8> {
    bytes.chunks(bytes.len().div_ceil(pieces).max(1)).flat_map(compress).collect()
}

/// Records enough for three blocks, the last of them short.
fn three_blocks() -> Vec<u8> {
    (0..10_000)
        .flat_map(|i| {
            let (structure, id) = record(i);
            [&structure[..], b"\t", &id[..], b"\n"].concat()
        })
        .collect()
}

#[test]
fn one_root_for_plain_and_every_compression_in_any_number_of_pieces() {
    let bytes = three_blocks();
    let plain = Place::with("x.smi", &bytes).snapshot("x.smi");
    assert_eq!((plain.records(), plain.files()[0].blocks), (10_000, 3));
    for (ending, compress) in [
        ("gz", gzip as fn(&[u8]) -> Vec<u8>),
        ("bz2", bzip2 as fn(&[u8]) -> Vec<u8>),
        ("zst", zstd as fn(&[u8]) -> Vec<u8>),
    ] {
        for pieces in [1, 2, 7] {
            let place = Place::with(&format!("x.smi.{ending}"), &in_pieces(compress, &bytes, pieces));
            let snapshot = place.snapshot(&format!("x.smi.{ending}"));
            assert_eq!(snapshot.root(), plain.root(), "{ending} in {pieces} pieces");
            assert_eq!(read(&snapshot, 4000..9000).unwrap(), (4000..9000).map(record).collect::<Vec<_>>());
        }
    }
}

fn record(i: u64) -> Pair {
    (format!("{}O", "C".repeat(i as usize % 30 + 1)).into_bytes(), format!("id{i}").into_bytes())
}

#[test]
fn compression_is_told_by_content_and_not_by_name() {
    let place = Place::with("x.smi", &gzip(b"CC\ta\n"));
    assert_eq!(all(&place.snapshot("x.smi")), pairs(&[("CC", "a")]));
    let place = Place::with("x.smi.gz", b"CC\ta\nCN\tb\n");
    let snapshot = place.snapshot("x.smi.gz");
    assert_eq!(snapshot.files()[0].source.compression, Compression::None);
    assert_eq!(all(&snapshot), pairs(&[("CC", "a"), ("CN", "b")]));
}

#[test]
fn quoting_line_ends_and_headers_are_not_in_the_root() {
    let root = |name: &str, bytes: &[u8]| Place::with(name, bytes).snapshot(name).root();
    let plain = root("x.smi", b"CC\ta\nCN\tb\n");
    assert_eq!(plain, root("x.smi", b"\xef\xbb\xbfCC\ta\r\n\r\n# note\r\nCN\tb"));
    assert_eq!(plain, root("x.csv", b"id,smiles\na,CC\n\"b\",\"CN |c:1,2|\"\n"));
    assert_ne!(plain, root("x.smi", b"CC\ta\nCN\tc\n"));
    assert_ne!(plain, root("x.smi", b"CC\ta\nCO\tb\n"));
    assert_ne!(plain, root("x.smi", b"CN\tb\nCC\ta\n"));
    assert_ne!(plain, root("x.smi", b"CC\ta\n"));
}

#[test]
fn several_files_are_one_library_in_the_order_of_their_names() {
    let place = Place::new();
    place.write("d/b.smi.gz", &gzip(b"smiles zinc_id\nCN b\n"));
    place.write("d/a.smi", b"smiles zinc_id\nCC a\n");
    place.write("d/empty.smi", b"");
    place.write("d/c.csv", b"id,smiles\nc,CO\n");
    place.write("d/ignored.txt", b"CF x\n");
    let snapshot = place.take(&place.request(&["d/c.csv", "d/*.smi*"])).unwrap();
    assert_eq!(all(&snapshot), pairs(&[("CC", "a"), ("CN", "b"), ("CO", "c")]));
    assert_eq!(snapshot.files().len(), 4);
    assert_eq!((snapshot.counts().header, snapshot.counts().lines), (3, 6));
    let again = take(&place.request(&["d/*.smi*", "d/c.csv"]), &place.path("other"), 1, &|_, _| ()).unwrap();
    assert_eq!(again.root(), snapshot.root());
}

#[test]
fn many_files_leave_a_handful_of_files() {
    let place = Place::new();
    for i in 0..300 {
        place.write(&format!("in/{i:03}.smi.gz"), &gzip(format!("C{}\tid{i}\n", "C".repeat(i)).as_bytes()));
    }
    let snapshot = place.snapshot("in/*.gz");
    assert_eq!(snapshot.records(), 300);
    assert_eq!(read(&snapshot, 298..300).unwrap()[1].1, b"id299");
    assert!(std::fs::read_dir(place.path("snapshot")).unwrap().count() <= 7);
}

#[test]
fn a_range_of_any_size_anywhere_is_that_range() {
    for (name, bytes) in [("x.smi", three_blocks()), ("x.smi.zst", zstd(&three_blocks()))] {
        let place = Place::with(name, &bytes);
        let snapshot = place.snapshot(name);
        for (start, end) in [(0, 0), (0, 1), (4095, 4097), (4096, 8192), (8191, 8192), (9999, 10_000), (10_000, 10_000)]
        {
            let expected: Vec<Pair> = (start..end).map(record).collect();
            assert_eq!(read(&snapshot, start..end).unwrap(), expected, "{name} {start}..{end}");
        }
        assert!(Slice::open(&snapshot, 9999..10_001).is_err());
    }
}

#[test]
fn one_slice_reads_range_after_range_in_any_order() {
    for (name, bytes) in [("x.smi", three_blocks()), ("x.smi.gz", gzip(&three_blocks()))] {
        let place = Place::with(name, &bytes);
        let snapshot = place.snapshot(name);
        let mut slice = Slice::open(&snapshot, 0..0).unwrap();
        for start in (0..10_000).step_by(7).chain([5000, 3, 9999, 4096]) {
            let end = (start + 7).min(10_000);
            slice.move_to(start..end).unwrap();
            let mut found = Vec::new();
            while let Some(block) = slice.next_block().unwrap() {
                found.extend(block.iter().map(|r| (r.ordinal, r.structure.to_vec(), r.id.to_vec())));
            }
            let expected = (start..end).map(|i| (i, record(i).0, record(i).1));
            assert!(found.into_iter().eq(expected), "{name} {start}..{end}");
        }
    }
}

#[test]
fn records_are_picked_by_their_ordinals() {
    let place = Place::with("x.smi", &three_blocks());
    let snapshot = place.snapshot("x.smi");
    let mut slice = Slice::open(&snapshot, 0..0).unwrap();
    let ordinals = [0, 1, 4095, 4096, 9000, 9001, 9999];
    let picked = slice.pick(ordinals).unwrap();
    let found = picked.iter().map(|r| (r.ordinal, (r.structure.to_vec(), r.id.to_vec())));
    assert!(found.eq(ordinals.map(|ordinal| (ordinal, record(ordinal)))));
    assert!(slice.pick([]).unwrap().is_empty());
    let mut seen = Vec::new();
    slice
        .each_of([9999, 3, 3], |record| {
            seen.push(record.ordinal);
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, [9999, 3, 3]);
    for beyond in [10_000, u64::MAX] {
        assert!(slice.pick([5, beyond]).is_err(), "{beyond}");
    }
    assert!(slice.each_of([7], |_| Err(molsieve::error::Error::usage("enough"))).is_err());
}

#[test]
fn huge_records_are_found_by_ordinal_too() {
    let length = |i: usize| if i.is_multiple_of(3) { 2_000_000 } else { 5 };
    let line = |i: usize| format!("{}\t{i}\n", "C".repeat(length(i))).into_bytes();
    let lines: Vec<u8> = (0..40).flat_map(line).collect();
    for (name, bytes) in [("x.smi", lines.clone()), ("x.smi.zst", zstd(&lines))] {
        let place = Place::with(name, &bytes);
        let snapshot = place.snapshot(name);
        assert!(snapshot.files()[0].blocks > 3);
        for i in 0..40 {
            let found = read(&snapshot, i..i + 1).unwrap();
            assert_eq!(found[0].1, i.to_string().into_bytes());
            assert_eq!(found[0].0.len(), length(i as usize));
        }
    }
}

#[test]
fn a_snapshot_directory_is_a_library_and_is_not_copied() {
    let place = Place::with("x.smi", b"CC\ta\nCN\tb\n");
    let first = place.snapshot("x.smi");
    let second = take(&place.request(&["snapshot"]), &place.path("elsewhere"), 1, &|_, _| ()).unwrap();
    assert_eq!((second.root(), second.dir()), (first.root(), place.path("snapshot").as_path()));
    assert!(!place.path("elsewhere").exists());
    assert_eq!(all(&second), all(&first));
    let said = FormatRequest { header: Some(true), ..FormatRequest::default() };
    assert_eq!(refusal(place.take(&place.said("snapshot", said))).0, 2);
}

#[test]
fn progress_ends_with_all_bytes_and_all_records() {
    let place = Place::with("x.smi", &three_blocks());
    let last = std::sync::Mutex::new((0, 0));
    let progress = |bytes, records| *last.lock().unwrap() = (bytes, records);
    take(&place.request(&["x.smi"]), &place.path("snapshot"), 1, &progress).unwrap();
    assert_eq!(*last.lock().unwrap(), (three_blocks().len() as u64, 10_000));
}

#[test]
fn inspect_shows_the_format_the_counts_and_the_first_records() {
    let place = Place::with("x.csv", b"id,smiles\na,CC\na,CN |c:1|\nb,\n\nc,C\x00\n");
    let found = inspect(&place.request(&["x.csv"]), Extent::Whole).unwrap();
    assert!(found.complete);
    let file = &found.files[0];
    assert_eq!((file.counts.records, file.counts.nul, file.counts.empty_structure, file.repeated_ids), (4, 1, 1, 2));
    let text = found.to_string();
    for part in
        ["comma between columns, a header, structure in column 2, id in column 1", "cxsmiles_dropped 1", "CN  id a"]
    {
        assert!(text.contains(part), "{text}");
    }
    let sample = inspect(&place.request(&["x.csv"]), Extent::First(2)).unwrap();
    assert_eq!((sample.complete, sample.counts.records), (false, 2));
    place.snapshot("x.csv");
    let of_snapshot = inspect(&place.request(&["snapshot"]), Extent::First(1)).unwrap();
    assert_eq!(of_snapshot.files, found.files);
}

/// The warnings of a file, put together.
fn warnings(name: &str, bytes: &[u8], said: FormatRequest) -> String {
    let place = Place::with(name, bytes);
    let found = inspect(&place.said(name, said), Extent::Whole).unwrap();
    let text = found.to_string();
    assert!(found.files[0].warnings.iter().all(|warning| text.contains(&format!("WARNING  {warning}"))), "{text}");
    found.files[0].warnings.join("; ")
}

#[test]
fn inspect_warns_of_what_a_person_should_look_at_and_of_nothing_else() {
    let sniffed = FormatRequest::default;
    assert_eq!(warnings("x.smi", b"CC\ta\nCN\tb\n", sniffed()), "");
    assert_eq!(warnings("x.csv", b"id,smiles\na,CC\nb,CN\n", sniffed()), "");
    for (name, bytes, says) in [
        ("x.tsv", &b"molecule\tlabel\nCC\ta\nCN\tb\n"[..], "the first line, with `molecule`, is read as a record"),
        ("x.smi", b"CC\ta\rCN\tb\rCO\tc\r", "CR alone"),
        ("x.smi", b"C\0\ta\nN\xff\tb\n", "2 of 2 records are not text"),
        ("x.smi", b"CC\nCN\n", "no record has an id"),
        ("x.smi", b"CC\ta\nCN\ta\nCO\tb\n", "2 records share their id"),
        ("x.smi", b"CC\t1\nC(\t2\n(N\t3\n", "2 of 3 structures do not have the form of SMILES"),
        ("x.sdf", b"a\n\n\n  0 V2000\nM  END\n$$$$\nb\n\n\n  0 V2000\n", "the last record has no `$$$$`"),
        ("x.sdf", b"a\n\n\n  0 V2000\n$$$$\n", "1 molfiles have no `M  END`"),
    ] {
        let told = warnings(name, bytes, sniffed());
        assert!(told.contains(says), "{name}: {told}");
    }
    let said = FormatRequest { header: Some(true), ..FormatRequest::default() };
    assert!(warnings("x.smi", b"CC\ta\nCN\tb\n", said).contains("the header has the structure `CC`"));
}

#[test]
fn inspect_names_columns_and_data_fields() {
    let columns = |name: &str, bytes: &[u8]| {
        let found = inspect(&Place::with(name, bytes).request(&[name]), Extent::First(1));
        found.unwrap().files[0].columns.join("|")
    };
    assert_eq!(columns("x.csv", b"id,smiles,\"a,b\"\n1,CC,x\n"), "id|smiles|a,b");
    assert_eq!(columns("x.smi", b"CC\ta\n"), "");
    assert_eq!(columns("x.sdf", include_bytes!("../fixtures/libraries/rdkit.sdf")), "CatalogID|note");
    if cfg!(feature = "parquet") {
        let bytes = include_bytes!("../fixtures/libraries/binary-and-integers.parquet");
        let expected = "weight (double)|cid (int64)|structure (byte_array)|unsigned_id (int32)|when (int64)";
        assert_eq!(columns("x.parquet", bytes), expected);
    }
}

#[cfg(not(feature = "parquet"))]
#[test]
fn without_the_feature_a_parquet_library_is_refused_and_the_feature_named() {
    let (code, what) = Place::with("x.parquet", b"PAR1").refusal("x.parquet");
    assert!(code == 2 && what.contains("does not read"), "{what}");
    let found = inspect(&Place::with("x.parquet", b"PAR1").request(&["x.parquet"]), Extent::Whole).unwrap_err();
    assert!(found.hints().join(" ").contains("cargo feature `parquet`"));
}

#[test]
fn a_generated_library_is_read_back_whatever_its_compression() {
    let place = Place::new();
    let mut roots = Vec::new();
    for name in ["g.smi", "g.smi.gz", "g.smi.bz2", "g.smi.zst"] {
        molsieve::library::generate::generate(5000, 3, &place.path(name)).unwrap();
        let snapshot = place.snapshot(name);
        assert_eq!((snapshot.records(), snapshot.counts().lines), (5000, 5000));
        roots.push(snapshot.root());
    }
    assert!(roots.iter().all(|root| *root == roots[0]));
    assert_ne!(std::fs::read(place.path("g.smi.zst")).unwrap()[..4], std::fs::read(place.path("g.smi")).unwrap()[..4]);
    assert_eq!(refusal(molsieve::library::generate::generate(0, 3, Path::new("none"))).0, 2);
}
