use serde_json::json;

use super::*;
use crate::scorer::command::translate::spec::{Batch, Protocol};
use crate::scorer::{Column, ColumnType, Description, Order};

fn request() -> Request {
    let asked = |ordinal, id: &str, structure: &str| Asked(ordinal, id.to_owned(), structure.to_owned(), 9);
    Request { seq: 1, records: vec![asked(7, "a,\"b\"\n", "CCO"), asked(12, "", "C C"), asked(8, "x", "c1ccccc1")] }
}

fn translation() -> Translation {
    let column = |name: &str, kind| Column::new(name, kind, Order::Asc);
    Translation {
        description: Description {
            name: "it".to_owned(),
            version: "1".to_owned(),
            columns: vec![column("score", ColumnType::Float), column("site", ColumnType::String)],
            deterministic: true,
            reasons: vec!["no_fit".to_owned()],
        },
        optional: vec!["site".to_owned()],
        templates: Vec::new(),
        ok_exit: vec![0],
        protocol: Protocol::Batch(Batch { input: Input::Smi, output: output(Format::Tsv, true), keep: Vec::new() }),
    }
}

fn output(format: Format, header: bool) -> Output {
    Output { format, header, key: "ordinal".to_owned() }
}

fn read_text(text: impl AsRef<[u8]>, output: &Output) -> Result<Found, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    std::fs::write(&path, text).unwrap();
    read(&path, output, &translation(), &request())
}

fn ok(score: f64, site: serde_json::Value) -> Answer {
    Answer::Ok(vec![json!(score), site])
}

#[test]
fn records_are_written_so_that_a_line_is_a_record() {
    let smi = records(Input::Smi, &request(), |asked| fits(Input::Smi, asked));
    assert_eq!(String::from_utf8(smi).unwrap(), "CCO\t7\nc1ccccc1\t8\n");
    let csv = records(Input::Csv, &request(), |asked| fits(Input::Csv, asked));
    let lines = "ordinal,id,structure,seed\n7,\"a,\"\"b\"\"\\x0a\",CCO,9\n12,,C C,9\n8,x,c1ccccc1,9\n";
    assert_eq!(String::from_utf8(csv).unwrap(), lines);
}

#[test]
fn rows_come_in_any_order_and_columns_by_name() {
    let text = "\u{feff}site\tmore\tordinal\tscore\r\nA\tx\t8\t-7.5\r\n\r\n\ty\t7\t 1e1\r\n";
    let found = read_text(text, &output(Format::Tsv, true)).unwrap();
    assert_eq!(found, [Some(ok(10.0, json!(null))), None, Some(ok(-7.5, json!("A")))]);
    let quoted = "ordinal,score,site\n7,1,\"a,\"\"b\"\"\"\n12,2,c\n";
    let found = read_text(quoted, &output(Format::Csv, true)).unwrap();
    assert_eq!(found, [Some(ok(1.0, json!("a,\"b\""))), Some(ok(2.0, json!("c"))), None]);
    let bare = read_text("12\t3\tA\tmore\n", &output(Format::Tsv, false)).unwrap();
    assert_eq!(bare, [None, Some(ok(3.0, json!("A"))), None]);
}

#[test]
fn what_is_not_a_value_is_an_error_of_its_record_alone() {
    for bad in ["", "nan", "inf", "high", "7,2"] {
        let text = format!("ordinal\tscore\tsite\n7\t{bad}\tA\n8\t1\tA\n");
        let found = read_text(text, &output(Format::Tsv, true)).unwrap();
        let failed = Answer::Failed("bad_value", format!("score = \"{bad}\"").into());
        assert_eq!(found, [Some(failed), None, Some(ok(1.0, json!("A")))], "{bad}");
    }
    let short = read_text("ordinal\tscore\tsite\n7\n", &output(Format::Tsv, true)).unwrap();
    assert_eq!(short[0], Some(Answer::Failed("bad_value", "score = \"\"".into())));
}

#[test]
fn outcomes_and_reasons_are_taken_where_there_are_such_columns() {
    let text = "ordinal\toutcome\treason\tscore\tsite\n7\tSKIP\tno_fit\t\t\n8\tRETRY\tlicence\t\t\n12\t\t\t1\t\n";
    let found = read_text(text, &output(Format::Tsv, true)).unwrap();
    let answers = [
        Answer::Skip("no_fit".to_owned()),
        Answer::Ok(vec![json!(1.0), json!(null)]),
        Answer::Retry("licence".to_owned()),
    ];
    assert_eq!(found, answers.map(Some));
}

#[test]
fn a_table_that_cannot_be_trusted_is_refused_as_a_whole() {
    for (text, says) in [
        ("ordinal\tscore\tsite\n7\t1\t\n7\t1\t\n", "record 7 is answered twice"),
        ("ordinal\tscore\tsite\n9\t1\t\n", "record 9 was not asked"),
        ("ordinal\tscore\tsite\nCCO\t1\t\n", "`CCO` is no ordinal"),
        ("ordinal\tscore\tsite\n-7\t1\t\n", "is no ordinal"),
        ("name\tscore\tsite\n7\t1\t\n", "has no column `ordinal`"),
        ("ordinal\tsite\n7\t\n", "has no column `score`"),
        ("ordinal\tscore\tscore\tsite\n", "names `score` twice"),
        ("ordinal\tscore\tsite\n7\t1\tA\tB\n", "4 cells"),
        ("ordinal\tscore\tsite\toutcome\n7\t1\t\tFINE\n", "`FINE`"),
        ("ordinal\tscore\tsite\toutcome\treason\n7\t1\t\tSKIP\tbecause\n", "`because` is not declared"),
    ] {
        let what = read_text(text, &output(Format::Tsv, true)).unwrap_err();
        assert!(what.contains(says), "{what}");
    }
    assert!(read_text("ordinal,score,site\n7,1,\"A\n", &output(Format::Csv, true)).unwrap_err().contains("open quote"));
    assert!(read_text(b"ordinal\t\xff\n", &output(Format::Tsv, true)).unwrap_err().contains("no text"));
    let long = format!("ordinal\tscore\tsite\n7\t1\t{}\n", "x".repeat(1 << 20));
    assert!(read_text(long, &output(Format::Tsv, true)).unwrap_err().contains("longer than"));
}

#[test]
fn a_table_that_is_not_there_says_nothing_and_a_directory_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &Path| read(path, &output(Format::Tsv, true), &translation(), &request());
    assert_eq!(at(&dir.path().join("none")).unwrap(), [None, None, None]);
    assert!(at(dir.path()).unwrap_err().contains("not a file"));
}
