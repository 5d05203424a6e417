//! A part of a library, read where the rest of it is not.

use std::os::unix::fs::FileExt;

use super::*;
use molsieve::id::Ordinals;
use molsieve::layout::SnapshotDir;
use molsieve::library::cut;

/// What `ranges` of `snapshot` need, in a directory of its own, and how many bytes that is.
fn carried(place: &Place, snapshot: &Snapshot, ranges: &[Ordinals]) -> (Snapshot, u64) {
    let into = SnapshotDir::new(place.path("carried"));
    drop(std::fs::remove_dir_all(into.root()));
    std::fs::create_dir(into.root()).unwrap();
    let mut bytes = 0;
    for part in cut::parts(snapshot, &into, ranges).unwrap() {
        let (from, to) = (std::fs::File::open(&part.source).unwrap(), std::fs::File::create(&part.inside).unwrap());
        to.set_len(from.metadata().unwrap().len()).unwrap();
        for range in part.ranges {
            let mut block = vec![0; (range.end - range.start) as usize];
            from.read_exact_at(&mut block, range.start).unwrap();
            to.write_all_at(&block, range.start).unwrap();
            bytes += block.len() as u64;
        }
    }
    let document = serde_json::to_vec(&cut::document(snapshot, &into).unwrap()).unwrap();
    std::fs::write(into.snapshot(), document).unwrap();
    (Snapshot::open(into.root()).unwrap(), bytes)
}

fn records(snapshot: &Snapshot, range: Ordinals) -> Result<Vec<Pair>> {
    let (mut slice, mut found) = (Slice::open(snapshot, range)?, Vec::new());
    while let Some(block) = slice.next_block()? {
        found.extend(block.iter().map(|record| (record.structure.to_vec(), record.id.to_vec())));
    }
    Ok(found)
}

/// Records of which some are so large that blocks end early, so that an index must be searched.
fn table(records: usize) -> Vec<u8> {
    let line = |n: usize| format!("{}\tm{n}\n", "C".repeat(if n % 5000 == 7 { 300_000 } else { n % 40 + 1 }));
    (0..records).flat_map(|n| line(n).into_bytes()).collect()
}

#[test]
fn the_part_of_a_library_that_records_need_gives_these_records_and_no_others() {
    let place = Place::new();
    place.write("a.smi", &table(30_000));
    place.write("b.smi.zst", &zstd::bulk::compress(&table(20_000), 1).unwrap());
    place.write("c.smi", &table(5000));
    let library = take(&place.request(&["a.smi", "b.smi.zst", "c.smi"]), &place.path("s"), 2, &|_, _| {}).unwrap();
    let whole: u64 = ["a.smi", "c.smi"].iter().map(|name| place.path(name).metadata().unwrap().len()).sum();
    for range in [0..1, 4095..4097, 12_345..12_400, 29_990..30_010, 31_000..40_000, 49_999..50_001, 54_999..55_000] {
        let (part, bytes) = carried(&place, &library, std::slice::from_ref(&range));
        assert_eq!(part.root(), library.root());
        assert_eq!(records(&part, range.clone()).unwrap(), records(&library, range.clone()).unwrap(), "{range:?}");
        assert!(bytes < whole / 2, "{range:?} needs {bytes} of {whole} bytes");
        let elsewhere = if range.start < 20_000 { 51_000..51_001 } else { 100..101 };
        assert!(records(&part, elsewhere).is_err(), "{range:?}: what is not there cannot be read");
    }
    let two = [0..100, 54_000..54_100];
    let (part, _) = carried(&place, &library, &two);
    for range in two {
        assert_eq!(records(&part, range.clone()).unwrap(), records(&library, range).unwrap());
    }
}
