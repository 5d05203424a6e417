use super::*;
use crate::digest;
use crate::error::Kind;
use crate::library::format::Notation;
use crate::library::record::Record;
use crate::scorer::builtin::Builtin;
use crate::scorer::builtin::chem::Mol;
use crate::scorer::builtin::decoys::{self, Decoy};
use crate::scorer::builtin::precomputed::{MISSING_SCORE, Precomputed};
use crate::scorer::{Order, Outcome, Value};

/// A place with files, and what is asked of them.
struct Place {
    dir: tempfile::TempDir,
    settings: Settings,
}

impl Place {
    /// Files of scores, by name and content.
    fn with(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scores = files.iter().map(|(name, text)| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            let sha256 = digest::sha256(text.as_bytes());
            ScoreFile { path, format: None, id_column: None, score_column: None, sha256 }
        });
        let settings = Settings { scores: scores.collect(), rdkit_hashes: None, order: Order::Desc };
        Self { dir, settings }
    }

    /// The same with a file of pairs of hashes.
    fn matching(mut self, text: &str) -> Self {
        let path = self.dir.path().join("pairs.csv");
        std::fs::write(&path, text).unwrap();
        self.settings.rdkit_hashes = Some(HashFile { path, sha256: digest::sha256(text.as_bytes()) });
        self
    }

    fn load(&self) -> Result<Loaded> {
        load(&self.settings)
    }

    /// The error, which is exit 2 and says each of `words`.
    fn refused(&self, words: &[&str]) {
        let error = self.load().unwrap_err();
        assert_eq!(error.kind(), Kind::Usage, "{error}");
        assert!(!error.hints().is_empty());
        words.iter().for_each(|word| assert!(error.what().contains(word), "`{word}` is not in: {error}"));
    }
}

fn record<'a>(id: &'a str, structure: &'a str) -> Record<'a> {
    Record { ordinal: 0, id: id.as_bytes(), structure: structure.as_bytes() }
}

fn some_decoy() -> Decoy {
    let mol = Mol::from_smiles(b"CC(=O)Oc1ccccc1C(=O)O").unwrap();
    let mut found = decoys::of(&mol, &decoys::Seed::new(0), &decoys::Settings::of(1)).unwrap();
    found.decoys.remove(0)
}

#[test]
fn a_record_has_the_score_of_its_id_and_a_look_alike_that_of_its_hash() {
    let decoy = some_decoy();
    let hash = digest::sha256(decoy.smiles.as_bytes());
    let place =
        Place::with(&[("a.csv", "id,score\nx,1.5\ny,-0\n"), ("b.csv", &format!("decoy_hash,score\n{hash},7\n"))]);
    let loaded = place.load().unwrap();
    assert_eq!((loaded.scores.table.len(), loaded.counts), (3, Counts::default()));
    let scorer = Precomputed::new(loaded.scores, Order::Asc, Notation::Smiles);
    let verdict = scorer.score(&record("x", "CCO"));
    assert_eq!((verdict.outcome, verdict.values), (Outcome::Ok, vec![Value::Float(1.5)]));
    assert_eq!(scorer.score_of_decoy(&record("x", "CCO"), &decoy), Some(7.0));
    let none = scorer.score(&record("z", "CCO"));
    assert_eq!((none.outcome, none.reason.as_ref()), (Outcome::Skip, MISSING_SCORE));
    assert_eq!(scorer.score(&record("", "CCO")).reason, MISSING_SCORE, "a record without an id");
    assert_eq!(scorer.score(&record("x", "")).reason, "empty_structure");
    assert_eq!(scorer.describe().reasons, [MISSING_SCORE]);
    assert_eq!(scorer.describe().columns[0].order, Order::Asc);
}

#[test]
fn one_score_of_all_records_counts_where_no_file_has_scores_of_ids() {
    let json = r#"{"schema_version":"hetero_scores.v1","original":{"score":3,"weight":1},"decoys":{}}"#;
    let alone = Place::with(&[("a.json", json)]).load().unwrap().scores;
    assert_eq!(alone.of_record(&record("anything", "C")), Some(3.0));
    assert_eq!(alone.of_record(&record("", "C")), Some(3.0));
    let hash = digest::sha256(b"CCO");
    let of_decoys =
        Place::with(&[("a.json", json), ("b.csv", &format!("id,score\n{hash},1\n"))]).load().unwrap().scores;
    assert_eq!(of_decoys.of_record(&record("anything", "C")), Some(3.0));
    let both = Place::with(&[("a.json", json), ("b.csv", "id,score\nx,1\n")]).load().unwrap().scores;
    assert_eq!((both.of_record(&record("x", "C")), both.of_record(&record("y", "C"))), (Some(1.0), None));
    let other = json.replace(":3,", ":4,");
    Place::with(&[("a.json", json), ("b.json", &other)]).refused(&["b.json", "`original` is 4, and 3"]);
    Place::with(&[("a.json", json), ("b.json", json)]).load().unwrap();
}

#[test]
fn rdkits_hashes_are_matched_by_the_file_that_knows_them_and_never_guessed() {
    let (theirs, other, ours) = (digest::sha256(b"theirs"), digest::sha256(b"other"), digest::sha256(b"ours"));
    let json = format!(
        r#"{{"schema_version":"hetero_scores.v1","original":{{"score":3,"weight":1}},"decoys":{{
            "{theirs}":{{"score":1,"weight":1}},"{other}":{{"score":2,"weight":1}},"{ours}":{{"score":9,"weight":1}}}}}}"#
    );
    let alone = Place::with(&[("a.json", &json)]).load().unwrap();
    assert_eq!((alone.scores.table.len(), alone.counts.unmatched), (0, 3), "not even one that is ours by accident");
    let pairs = format!("decoy_hash,decoy_smiles,rdkit_hash\n{ours},C,{theirs}\n");
    let matched = Place::with(&[("a.json", &json)]).matching(&pairs).load().unwrap();
    assert_eq!((matched.scores.table.get(Key::of_hash(&ours)), matched.counts.unmatched), (Some(1.0), 2));
    assert_eq!(matched.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["rdkit_hashes", "scores"]);
    assert_eq!(matched.settings["held"]["unmatched"], 2);
    let csv = format!("rdkit_hash,score\n{theirs},1\n");
    let both = Place::with(&[("a.json", &json), ("b.csv", &csv)]).matching(&pairs).load().unwrap();
    assert_eq!((both.scores.table.len(), both.counts.repeated), (1, 1));
    Place::with(&[("a.json", &json), ("b.csv", &csv.replace(",1\n", ",5\n"))]).matching(&pairs).refused(&[
        "b.csv",
        "line 2",
        "the score 5, and 1",
        "a.json",
        "entry 1",
    ]);
}

#[test]
fn an_id_with_two_scores_is_told_with_both_places() {
    Place::with(&[("a.csv", "id,score\nx,1\ny,2\nx,3\n")]).refused(&[
        "a.csv",
        "line 4",
        "`x`",
        "score 3, and 1 in line 2",
    ]);
    Place::with(&[("a.csv", "id,score\nx,1\n"), ("b.csv", "id,score\ny,1\nx,2\n")]).refused(&[
        "b.csv",
        "line 3",
        "score 2, and 1 in `",
        "a.csv`, line 2",
    ]);
    let same = Place::with(&[("a.csv", "id,score\nx,1\nx,1.0\n"), ("b.csv", "id,score\nx,1\n")]).load().unwrap();
    assert_eq!((same.scores.table.len(), same.counts.repeated), (1, 2));
}

#[test]
fn a_file_without_a_score_is_refused() {
    for text in ["id,score\n", "id,score\na,\nb,\n"] {
        Place::with(&[("a.csv", text)]).refused(&["a.csv", "holds no score"]);
    }
}

#[test]
fn more_scores_than_are_held_are_refused() {
    let place = Place::with(&[("a.csv", "id,score\nx,1\ny,2\n")]);
    let error = load_at_most(&place.settings, 1).unwrap_err();
    assert!(error.what().contains("more than 1 scores"), "{error}");
    assert_eq!(error.kind(), Kind::Usage);
}

#[test]
fn a_file_that_is_another_than_was_frozen_is_refused_before_it_is_read() {
    let place = Place::with(&[("a.csv", "id,score\nx,1\n")]);
    std::fs::write(&place.settings.scores[0].path, "rubbish").unwrap();
    place.refused(&["the scorer changed since the plan", "a.csv", "has another content"]);
}

#[test]
fn the_identity_says_how_each_file_was_read_and_not_where_it_lies() {
    let (a, b) = ("id,score\nx,1\n", "Name,score,affinity\ny,1,2\nz,1,\n");
    let mut place = Place::with(&[("a.csv", a), ("b.csv", b)]);
    (place.settings.scores[1].id_column, place.settings.scores[1].score_column) =
        (Some("name".to_owned()), Some("3".to_owned()));
    let loaded = place.load().unwrap();
    let text = serde_json::to_string(&loaded.settings).unwrap();
    assert!(!text.contains(place.dir.path().to_str().unwrap()), "{text}");
    let mut files = [
        format!(
            r#"{{"format":"csv","id_column":"id","score_column":"score","sha256":"{}"}}"#,
            digest::sha256(a.as_bytes())
        ),
        format!(
            r#"{{"format":"csv","id_column":"Name","score_column":"affinity","sha256":"{}"}}"#,
            digest::sha256(b.as_bytes())
        ),
    ];
    files.sort_by_key(|file| file[file.len() - 67..].to_owned());
    let held = r#"{"repeated":0,"scores":2,"unmatched":0,"without_score":1}"#;
    assert_eq!(text, format!(r#"{{"files":[{}],"held":{held},"order":"desc"}}"#, files.join(",")));
    place.settings.scores.reverse();
    assert_eq!(place.load().unwrap().settings, loaded.settings, "the order of the files changes nothing");
    assert_eq!(place.load().unwrap().files, loaded.files);
}
