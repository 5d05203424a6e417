use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::digest;
use crate::error::Kind;

/// A file called `name` that holds `bytes`, in a directory that is kept.
fn file(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> ScoreFile {
    let path: PathBuf = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    ScoreFile { path, format: None, id_column: None, score_column: None, sha256: digest::sha256(bytes) }
}

/// What is read of a file called `name` that holds `bytes`: each score as `key=score at place`.
fn found(name: &str, bytes: impl AsRef<[u8]>) -> Result<(Vec<String>, Outline)> {
    let dir = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    let outline = read(&file(&dir, name, bytes.as_ref()), &mut |found| {
        all.push(format!("{}={} at {}", String::from_utf8_lossy(found.key), found.score, found.at));
        Ok(())
    })?;
    Ok((all, outline))
}

/// Checks that reading is refused with exit 2, names the file, and says each of `words`, in the error or its hints.
fn refused(name: &str, bytes: impl AsRef<[u8]>, words: &[&str]) {
    let error = found(name, bytes).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage, "{error}");
    assert!(error.what().contains(name), "{error}");
    assert!(!error.hints().is_empty(), "{error}");
    let all = format!("{error}\n{}", error.hints().join("\n"));
    words.iter().for_each(|word| assert!(all.contains(word), "`{word}` is not in: {all}"));
}

fn hash(text: &str) -> String {
    digest::sha256(text.as_bytes()).to_string()
}

#[test]
fn a_table_is_read_whatever_its_delimiter_its_line_ends_and_its_other_columns() {
    let expected = ["a=1.5 at line 2", "b=-2 at line 3"];
    for (name, text) in [
        ("s.csv", "id,score\na,1.5\nb,-2\n"),
        ("s.csv", "\u{feff}id,score\r\na,1.5\r\nb,-2\r\n"),
        ("s.csv", "smiles;score;id\nC,C;1.5;a\nN;-2e0;b"),
        ("s.csv", "id\tscore\na\t1.5\nb\t-2\n"),
        ("s.tsv", "id\tscore\na\t 1.5\n b \t-2\n"),
        ("s.csv", "id , \"score\"\n\"a\",\"1.5\"\nb,-2\n"),
    ] {
        assert_eq!(found(name, text).unwrap().0, expected, "{text:?}");
    }
    let late = found("s.csv", "\n \nid,score\n\na,1\n").unwrap().0;
    assert_eq!(late, ["a=1 at line 5"]);
}

#[test]
fn an_empty_cell_is_no_score_and_is_counted() {
    let (all, outline) = found("s.csv", "id,score\na,\nb,2\n,\n").unwrap();
    assert_eq!((all, outline.without_score), (vec!["b=2 at line 3".to_owned()], 2));
}

#[test]
fn quotation_marks_keep_delimiters_and_marks_and_an_open_one_is_told() {
    let (all, _) = found("s.csv", "id,name,score\n\"a,\"\"b\"\"\",\"x,y\",1\n").unwrap();
    assert_eq!(all, ["a,\"b\"=1 at line 2"]);
    refused("s.csv", "id,name,score\na,\"x\ny\",1\n", &["line 2", "quotation mark is left open", "line break"]);
    refused("s.csv", "id,\"score\na,1\n", &["line 1", "left open"]);
}

#[test]
fn ids_of_a_payload_are_as_they_were_in_the_library() {
    let header = "ordinal,id,outcome,reason,score\n";
    let (all, _) = found("summary.csv", format!("{header}0,a\\\\b,OK,,1\n1,c\\xff,OK,,2\n2,d,SKIP,x,\n")).unwrap();
    assert_eq!(all, ["a\\b=1 at line 2", "c\u{fffd}=2 at line 3"]);
    // Elsewhere a backslash is one.
    assert_eq!(found("s.csv", "id,score\na\\\\b,1\n").unwrap().0, ["a\\\\b=1 at line 2"]);
    refused("summary.csv", format!("{header}0,a\\q,OK,,1\n"), &["line 2", "not escaped"]);
}

#[test]
fn what_is_no_score_is_told_with_its_line_and_what_to_do() {
    for (cell, word) in [
        ("nan", "is no value"),
        ("NaN", "is no value"),
        ("inf", "is no value"),
        ("-Infinity", "is no value"),
        ("1e999", "is no value"),
        ("abc", "is not a number"),
        ("1.5 kcal", "is not a number"),
        ("0x10", "is not a number"),
        ("--1", "is not a number"),
    ] {
        refused("s.csv", format!("id,score\na,1\nb,{cell}\n"), &["line 3", word, "leave the cell empty"]);
    }
    refused("s.csv", "id,score\n,1\n", &["line 2", "without an id"]);
    refused("s.csv", "id,score\na,1,2\n", &["line 2", "3 cells, and the header 2"]);
    refused("s.csv", "id,score\na\n", &["line 2", "1 cells"]);
    refused("s.csv", "id,score\na,b,1\n", &["line 2", "quotation marks"]);
}

#[test]
fn what_is_no_table_is_told() {
    refused("s.csv", "", &["it is empty", "id,score"]);
    refused("s.csv", "\n\n", &["it is empty"]);
    refused("s.csv", "a,1\nb,2\n", &["no column `id`", "id_column", "`a`, `1`"]);
    refused("s.csv", b"id,score\n\xff,1\n", &["line 2", "not UTF-8"]);
    refused("s.csv", b"\xff\xfei\0d\0,\0", &["line 1", "not UTF-8", "UTF-16"]);
    refused("s.csv", b"id,score\na\0,1\n", &["line 2", "not UTF-8"]);
    refused("s.csv", "x".repeat(LINE_BYTES), &["line 1", "more than"]);
    refused("s.csv.gz", b"\x1f\x8b\x08", &["truncated or damaged"]);
    refused("s.txt", "id,score\na,1\n", &["does not tell", "format ="]);
}

/// One byte more than a line may have.
const LINE_BYTES: usize = crate::library::lines::LINE_MAX + 1;

#[test]
fn a_compressed_table_is_the_same() {
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"id,score\na,1\n").unwrap();
    assert_eq!(found("s.csv.gz", gzip.finish().unwrap()).unwrap().0, ["a=1 at line 2"]);
}

#[test]
fn hashes_are_checked_where_the_column_says_that_it_holds_them() {
    let one = hash("CCO");
    let (all, outline) = found("s.csv", format!("decoy_hash,decoy_smiles,score\n{one},CCO,1\n")).unwrap();
    assert_eq!((all.len(), outline.id_column.as_deref()), (1, Some("decoy_hash")));
    for bad in ["CCO".to_owned(), one.to_uppercase(), one[1..].to_owned(), format!("{one}0")] {
        refused("s.csv", format!("decoy_hash,score\n{bad},1\n"), &["line 2", "not the hash of a look-alike", "64"]);
        refused("s.csv", format!("rdkit_hash,score\n{bad},1\n"), &["line 2", "not the hash"]);
    }
}

#[test]
fn a_weight_other_than_one_is_refused_and_not_passed_over() {
    assert_eq!(found("s.csv", "id,score,weight\na,1,1.0\nb,2,\n").unwrap().0.len(), 2);
    refused("s.csv", "id,score,weight\na,1,0.5\n", &["line 2", "weight 0.5 is not 1", "another name"]);
    refused("s.csv", "id,score,weight\na,1,-1\n", &["weight -1 is negative"]);
    refused("s.csv", "id,score,weight\na,1,x\n", &["column `weight` is not a number"]);
    // It may be the score itself.
    let dir = tempfile::tempdir().unwrap();
    let mut weights = file(&dir, "s.csv", b"id,weight\na,17\n");
    weights.score_column = Some("weight".to_owned());
    let mut scores = Vec::new();
    let mut keep = |found: Found<'_>| {
        scores.push(found.score.to_string());
        Ok(())
    };
    read(&weights, &mut keep).unwrap();
    assert_eq!(scores, ["17"]);
}

/// A file of `hetero_scores.v1` with these decoys.
fn hetero(decoys: &str) -> String {
    format!(r#"{{"schema_version":"hetero_scores.v1","original":{{"score":1.0,"weight":1.0}},"decoys":{decoys}}}"#)
}

#[test]
fn hetero_scores_are_read_with_the_one_score_of_all_records() {
    let one = hash("CCO");
    let scored = |score: &str| hetero(&format!(r#"{{"{one}":{{"score":{score},"weight":1}}}}"#));
    let (all, outline) = found("s.json", scored("0.25")).unwrap();
    assert_eq!(all, [format!("{one}=0.25 at entry 1 of `decoys`")]);
    assert_eq!((outline.original, outline.score_key), (Some(1.0), None));
    // In any order, with keys of others; and without a look-alike.
    let text = format!(
        r#"{{ "note": [1, {{"a": null}}], "decoys": {{ "{one}": {{"weight": 1.0, "score": -3, "more": "x"}} }},
            "score_key": "vina", "original": {{"score": 2, "weight": 1}}, "schema_version": "hetero_scores.v1" }}"#
    );
    let (all, outline) = found("s.json", text).unwrap();
    assert_eq!((all.len(), outline.original, outline.score_key.as_deref()), (1, Some(2.0), Some("vina")));
    assert!(found("s.json", hetero("{}")).unwrap().0.is_empty());
}

#[test]
fn hetero_scores_that_break_their_contract_are_told_with_the_place() {
    let (one, contract) = (hash("CCO"), "`schema_version`, `original` and `decoys`");
    let with = |scored: &str| hetero(&format!(r#"{{"{one}":{scored}}}"#));
    for (text, word) in [
        (String::new(), "it ends in the middle"),
        (hetero("{}").replace(".v1", ".v2"), "is `hetero_scores.v2`, not"),
        (hetero("{}").replace("schema_version", "schema"), "`schema_version` is missing"),
        (hetero("{}").replace("original", "orig"), "`original` is missing"),
        (hetero("{}").replace("decoys", "decoy"), "`decoys` is missing"),
        (hetero("[]"), "an object from hashes to scores"),
        ("[]".to_owned(), "an object of `hetero_scores.v1`"),
        (with(r#"{"score":1}"#), "missing field `weight`"),
        (with(r#"{"weight":1}"#), "missing field `score`"),
        (with(r#"{"score":NaN,"weight":1}"#), "NaN and Infinity are no JSON"),
        (with(r#"{"score":1e999,"weight":1}"#), "it is not JSON"),
        (with(r#"{"score":null,"weight":1}"#), "invalid type: null"),
        (with(r#"{"score":"1","weight":1}"#), "invalid type: string"),
        (with(r#"{"score":1,"weight":-1}"#), "is negative"),
        (with(r#"{"score":1,"weight":0.5}"#), "nothing is weighed"),
        (hetero(r#"{"CCO":{"score":1,"weight":1}}"#), "`CCO` is not a hash"),
        (hetero("{}").trim_end_matches('}').to_owned(), "it ends in the middle"),
        (hetero("{}") + "x", "it is not JSON"),
        (hetero(r#"{},"decoys":{}"#), "`decoys` is there twice"),
        (hetero("{}").replace(r#""score":1.0,"#, r#""score":1.0,"score":2.0,"#), "duplicate field `score`"),
        ("{\"a\":".repeat(200), "it ends in the middle"),
    ] {
        refused("s.json", &text, &["line 1, column", word, contract]);
    }
    let mut said = {
        let dir = tempfile::tempdir().unwrap();
        let file = file(&dir, "s.json", hetero("{}").as_bytes());
        read(&ScoreFile { id_column: Some("id".to_owned()), ..file }, &mut |_| Ok(())).unwrap_err()
    };
    said = said.hint("");
    assert!(said.what().contains("has no columns"), "{said}");
}

#[test]
fn a_json_that_is_one_endless_text_does_not_fill_the_memory() {
    let text = format!("{{\"schema_version\":\"{}", "a".repeat(17 << 20));
    refused("s.json", text, &["hold no quotation mark"]);
}

#[test]
fn pairs_of_hashes_are_read_and_those_that_rdkit_does_not_read_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (hash("ours"), hash("theirs"));
    let path = dir.path().join("pairs.csv");
    let read = |text: String| {
        std::fs::write(&path, text).unwrap();
        let mut all = Vec::new();
        let mut keep = |theirs: &[u8], ours: &[u8], _: At| {
            all.push((theirs.to_vec(), ours.to_vec()));
            Ok(())
        };
        pairs(&path, &mut keep).map(|()| all)
    };
    let all = read(format!("decoy_hash,decoy_smiles,rdkit_hash\n{ours},C,{theirs}\n{ours},[Og],\n")).unwrap();
    assert_eq!(all, [(theirs.clone().into_bytes(), ours.clone().into_bytes())]);
    for (text, word) in [
        (format!("decoy_hash,rdkit\n{ours},{theirs}\n"), "no column `rdkit_hash`"),
        (format!("decoy_hash,rdkit_hash\n{ours},CCO\n"), "line 2"),
        (format!("decoy_hash,rdkit_hash\nCCO,{theirs}\n"), "line 2"),
    ] {
        assert!(read(text).unwrap_err().what().contains(word));
    }
}

/// A cell as RFC 4180 has it.
fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

proptest! {
    #[test]
    fn what_a_writer_of_csv_writes_is_read_back(
        rows in prop::collection::vec(("[!-~é,\" ]{1,12}", any::<f64>()), 0..30),
        semicolon: bool,
    ) {
        let between = if semicolon { ";" } else { "," };
        let mut text = format!("name{between}id{between}score\n");
        let mut expected = Vec::new();
        for (id, score) in &rows {
            let id = format!("x{id}x");
            let score = if score.is_finite() { *score } else { 0.0 };
            text.push_str(&format!("{}{between}{}{between}{score:?}\n", quoted("a;b,c"), quoted(&id)));
            expected.push((id, score));
        }
        let dir = tempfile::tempdir().unwrap();
        let mut all = Vec::new();
        read(&file(&dir, "s.csv", text.as_bytes()), &mut |found| {
            all.push((String::from_utf8(found.key.to_vec()).unwrap(), found.score));
            Ok(())
        }).unwrap();
        prop_assert_eq!(all, expected);
    }

    #[test]
    fn any_bytes_are_scores_or_refused_with_a_hint(bytes: Vec<u8>, choice in 0usize..4, head: bool) {
        let (name, start) = [("s.csv", "id,score\n"), ("s.tsv", "id\tscore\n"), ("s.json", "{"), ("s.parquet", "PAR1")][choice];
        let bytes = if head { [start.as_bytes(), &bytes].concat() } else { bytes };
        match found(name, bytes) {
            Ok((all, _)) => prop_assert!(all.len() < 1000),
            Err(error) => prop_assert!(error.kind() == Kind::Usage && !error.hints().is_empty(), "{}", error),
        }
    }
}
