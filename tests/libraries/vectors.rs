//! The test vector of `docs/formats/snapshot.md`, and a snapshot that was written once and is read for ever.

use super::*;
use molsieve::digest::{self, hex};

/// Where the fixture lies; `@LIBRARY@` stands in it for the directory of the plain file.
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/snapshot-v1");

/// The files of the fixture: a plain one with a header, and a compressed one whose id comes first.
const PLAIN: &[u8] = b"smiles\tid\nCCO |&1:1|\ta\n\nCN\t\n# end\n";
const COMPRESSED: &[u8] = b"id,smiles\n1,\"C[C@H](N)O\"\n2,\n3,c1ccccc1\xff\n";

#[test]
fn the_vector_of_the_format_page_holds() {
    let payload = b"CCaCNb\x02\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\x02\0\0\0";
    let block = digest::blake3(payload);
    let records = 2u64.to_le_bytes();
    let file = digest::blake3(&[&b"molsieve.snapshot.file.v1\0"[..], &block.0, &records].concat());
    let root = digest::blake3(&[&b"molsieve.snapshot.library.v1\0"[..], &file.0, &records].concat());
    let snapshot = Place::with("x.smi", b"CC\ta\nCN\tb\n").snapshot("x.smi");
    assert_eq!((snapshot.files()[0].root, snapshot.root()), (file, root));
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/formats/snapshot.md")).unwrap();
    for value in [hex(payload), block.to_string(), file.to_string(), root.to_string()] {
        assert!(page.contains(&value), "the page does not have {value}");
    }
}

#[test]
fn a_snapshot_of_version_1_is_read_for_ever() {
    let place = Place::new();
    for entry in std::fs::read_dir(FIXTURE).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        place.write(&format!("snapshot/{name}"), &std::fs::read(path).unwrap());
    }
    place.write("x.tsv", PLAIN);
    let document = std::fs::read_to_string(place.path("snapshot/snapshot.json")).unwrap();
    let here = place.path("").to_str().unwrap().trim_end_matches('/').to_owned();
    place.write("snapshot/snapshot.json", document.replace("@LIBRARY@", &here).as_bytes());

    let snapshot = Snapshot::open(&place.path("snapshot")).unwrap();
    snapshot.check_index().unwrap();
    snapshot.check_files().unwrap();
    assert_eq!(snapshot.root().to_string(), "9416b2525ca775d394137a77b7db32bdecbf8f817065a96526bf50a3abb73201");
    let expected: Vec<Pair> =
        [(&b"CCO"[..], &b"a"[..]), (b"CN", b""), (b"C[C@H](N)O", b"1"), (b"", b"2"), (b"c1ccccc1\xff", b"3")]
            .map(|(s, i)| (s.to_vec(), i.to_vec()))
            .to_vec();
    assert_eq!(all(&snapshot), expected);

    // And what is written today says the same.
    place.write("y.csv.gz", &gzip(COMPRESSED));
    let today = take(&place.request(&["x.tsv", "y.csv.gz"]), &place.path("today"), 1, &|_, _| ()).unwrap();
    assert_eq!(today.root(), snapshot.root());
    assert_eq!(today.counts(), snapshot.counts());
}
