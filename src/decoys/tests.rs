use super::*;
use crate::digest;
use crate::layout;
use crate::library::request::LibraryRequest;
use crate::library::take;
use crate::scorer::Order;
use crate::scorer::builtin::precomputed::settings::{ScoreFile, Settings};
use crate::scorer::builtin::precomputed::{self, Loaded};

/// A place with a library of the first `records` shipped structures, the first of them twice.
struct Place {
    dir: tempfile::TempDir,
    library: Snapshot,
}

impl Place {
    fn with(records: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shipped = include_str!("../../data/nci_first_5k.smi").lines();
        let twice = shipped.clone().take(1).chain(shipped.take(records));
        let text: String = twice.chain(["not a molecule\tbad", "\tnone"]).map(|line| format!("{line}\n")).collect();
        std::fs::write(dir.path().join("library.smi"), text).unwrap();
        let request = LibraryRequest { base: dir.path().to_path_buf(), ..LibraryRequest::of(["library.smi"]) };
        let library = take::take(&request, &layout::inside(dir.path(), "snapshot"), 1, &|_, _| {}).unwrap();
        Self { dir, library }
    }

    /// The scores of a table.
    fn scores(&self, text: &str) -> Loaded {
        let path = self.dir.path().join("scores.csv");
        std::fs::write(&path, text).unwrap();
        let sha256 = digest::sha256(text.as_bytes());
        let file = ScoreFile { path, format: None, id_column: None, score_column: None, sha256 };
        precomputed::load(&Settings { scores: vec![file], rdkit_hashes: None, order: Order::Desc }).unwrap()
    }

    /// The lines of the file, and the facts.
    fn list(&self, scores: Option<&Scores>, missing: bool, threads: usize, bytes: usize) -> (Vec<String>, Facts) {
        let settings = decoys::Settings::of(3);
        let wanted = Wanted { library: &self.library, seed: 7, decoys: &settings, scores, missing, threads };
        let mut lines = Vec::new();
        let facts = list_within(&wanted, bytes, &Stop::new(), |line| {
            lines.push(String::from_utf8(line.to_vec()).unwrap());
            Ok(())
        });
        (lines, facts.unwrap())
    }
}

/// The cells of each line behind the header.
fn cells(lines: &[String]) -> Vec<(String, String, u64)> {
    let of = |line: &String| {
        let cells: Vec<&str> = line.split(',').collect();
        (cells[0].to_owned(), cells[1].to_owned(), cells[2].parse().unwrap())
    };
    lines[1..].iter().map(of).collect()
}

#[test]
fn the_file_is_the_same_whatever_the_threads_and_the_memory() {
    let place = Place::with(120);
    let (lines, facts) = place.list(None, false, 1, sort::BYTES_MAX);
    assert_eq!(place.list(None, false, 2, sort::BYTES_MAX), (lines.clone(), facts.clone()));
    assert_eq!(place.list(None, false, 3, 400), (lines.clone(), facts.clone()));
    assert_eq!(lines[0], HEADER);
    let cells = cells(&lines);
    assert!(cells.is_sorted_by(|a, b| (b.2, &a.0) < (a.2, &b.0)), "most records first, then by hash");
    for (hash, smiles, _) in &cells {
        assert_eq!(*hash, digest::sha256(smiles.as_bytes()).to_string());
    }
    assert!(cells.iter().any(|(.., records)| *records > 1), "a record is there twice");
    assert_eq!((facts.written, facts.decoys), (cells.len() as u64, cells.iter().map(|cell| cell.2).sum()));
    assert_eq!(facts.records, 123);
    assert_eq!(facts.records_with_decoys + facts.without.values().sum::<u64>(), 123);
    assert_eq!((facts.without["parse"], facts.without["empty_structure"]), (1, 1));
    assert_eq!(facts.coverage, None);
}

#[test]
fn what_is_missing_is_what_has_no_score_of_records_that_have_one() {
    let place = Place::with(60);
    let (all, _) = place.list(None, false, 1, sort::BYTES_MAX);
    let all = cells(&all);
    let library = include_str!("../../data/nci_first_5k.smi").lines();
    let ids: Vec<&str> = library.take(60).map(|line| line.split('\t').nth(1).unwrap()).collect();
    let of_records: String = ids.iter().map(|id| format!("{id},1\n")).collect();
    let of_half: String = all.iter().step_by(2).map(|(hash, ..)| format!("{hash},2\n")).collect();
    let loaded = place.scores(&format!("id,score\n{of_records}{of_half}stranger,3\n"));
    let (missing, facts) = place.list(Some(&loaded.scores), true, 2, 2000);
    let expected: Vec<_> = all.iter().skip(1).step_by(2).cloned().collect();
    assert_eq!(cells(&missing), expected);
    let coverage = facts.coverage.unwrap();
    let count = |some: &mut dyn Iterator<Item = &(String, String, u64)>| some.map(|cell| cell.2).sum::<u64>();
    assert_eq!(coverage.records_scored, 61);
    assert_eq!(coverage.decoys_missing, count(&mut expected.iter()));
    assert_eq!(coverage.decoys_scored, count(&mut all.iter().step_by(2)));
    assert_eq!((coverage.decoys, coverage.scores_unused), (facts.decoys, 1));
    assert!((1..=61).contains(&coverage.records_with_missing_decoys));
    // Of a record without a score nothing is missing.
    let loaded = place.scores(&format!("id,score\n{},1\n", ids[5]));
    let (missing, facts) = place.list(Some(&loaded.scores), true, 1, sort::BYTES_MAX);
    let coverage = facts.coverage.unwrap();
    assert_eq!((coverage.records_scored, coverage.decoys_missing), (1, cells(&missing).len() as u64));
    assert!(cells(&missing).len() <= 3);
    // But without `missing` all are there.
    assert_eq!(cells(&place.list(Some(&loaded.scores), false, 1, sort::BYTES_MAX).0), all);
}

#[test]
fn a_stop_ends_it_and_leaves_no_half_a_file() {
    let place = Place::with(3);
    let (settings, stop) = (decoys::Settings::of(1), Stop::new());
    stop.raise();
    let wanted =
        Wanted { library: &place.library, seed: 7, decoys: &settings, scores: None, missing: false, threads: 1 };
    let error = list(&wanted, &stop, |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), crate::error::Kind::Stopped);
}
