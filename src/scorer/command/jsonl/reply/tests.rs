use proptest::prelude::*;

use super::*;
use crate::library::format::Notation;
use crate::scorer::{Column, Order};

fn description() -> Description {
    let column = |name: &str, kind| Column::new(name, kind, Order::Desc);
    Description {
        name: "it".into(),
        version: "1".into(),
        columns: vec![column("f", ColumnType::Float), column("i", ColumnType::Int), column("s", ColumnType::String)],
        deterministic: true,
        reasons: vec!["no_fit".into()],
    }
}

fn block(ordinals: &[u64]) -> RecordBlock {
    let mut block = RecordBlock::new(Notation::Smiles);
    for ordinal in ordinals {
        block.push(*ordinal, b"C", b"id");
    }
    block
}

fn try_read(line: &[u8], ordinals: &[u64]) -> Result<Reply, String> {
    read(line, &Asked { seq: 7, block: &block(ordinals), description: &description() })
}

/// The rows of the reply with these results to request 7 for records 3, 4 and 5.
fn results(results: &str) -> Result<String, String> {
    let reply = try_read(format!("{{\"seq\":7,\"results\":[{results}]}}").as_bytes(), &[3, 4, 5])?;
    Ok(String::from_utf8(reply.rows.lines().to_vec()).unwrap())
}

/// The row of record 3 where its values are `cells`.
fn row(cells: &str) -> Result<String, String> {
    let rest = r#"[4,"SKIP","no_fit"],[5,"SKIP","no_fit"]"#;
    let rows = results(&format!(r#"[3,"OK",{cells}],{rest}"#))?;
    Ok(rows.lines().next().unwrap_or_default().to_owned())
}

#[test]
fn a_reply_becomes_rows_in_any_order() {
    let rows =
        results(r#"[5,"ERROR","no_fit"],[3,"OK",{"s":"a,b","f":0.5,"i":-7}],[4,"OK",{"f":null,"i":null,"s":null}]"#);
    assert_eq!(rows.unwrap(), "5,id,ERROR,no_fit,,,\n3,id,OK,,0.5,-7,\"a,b\"\n4,id,OK,,,,\n");
}

#[test]
fn records_to_retry_are_told_by_their_place_in_the_request() {
    let line = br#"{"results":[[5,"RETRY","busy"],[3,"SKIP","no_fit"],[4,"RETRY","no licence"]],"seq":7}"#;
    let reply = try_read(line, &[3, 4, 5]).unwrap();
    assert_eq!((reply.retry, reply.why.as_str(), reply.rows.len()), (vec![2, 1], "no licence", 1));
}

#[test]
fn values_are_what_json_says_they_are() {
    for (cells, expected) in [
        (r#"{"f":1,"i":0,"s":""}"#, "3,id,OK,,1,0,"),
        (r#"{"f":-0.0,"i":9007199254740991,"s":"\u00e9"}"#, "3,id,OK,,0,9007199254740991,\u{e9}"),
        (r#"{"f":1e-7,"i":-9007199254740991,"s":"a\nb"}"#, "3,id,OK,,1e-7,-9007199254740991,a\\x0ab"),
        (r#"{"f":0.1,"\u0069":1,"s":"\\"}"#, "3,id,OK,,0.1,1,\\\\"),
        (r#"{"f":18446744073709551615,"i":1,"s":"\ud83d\ude00"}"#, "3,id,OK,,18446744073709552000,1,\u{1f600}"),
    ] {
        assert_eq!(row(cells).unwrap(), expected, "{cells}");
    }
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    for cells in [
        r#"{"f":"1","i":1,"s":""}"#,
        r#"{"f":true,"i":1,"s":""}"#,
        r#"{"f":[1],"i":1,"s":""}"#,
        r#"{"f":1e999,"i":1,"s":""}"#,
        r#"{"f":NaN,"i":1,"s":""}"#,
        r#"{"f":1,"i":1.0,"s":""}"#,
        r#"{"f":1,"i":9007199254740992,"s":""}"#,
        r#"{"f":1,"i":-9007199254740992,"s":""}"#,
        r#"{"f":1,"i":-9223372036854775808,"s":""}"#,
        r#"{"f":1,"i":18446744073709551615,"s":""}"#,
        r#"{"f":1,"i":1,"s":1}"#,
        r#"{"f":1,"i":1,"s":"\ud800"}"#,
        r#"{"f":1,"i":1}"#,
        r#"{"f":1,"i":1,"s":"","s":""}"#,
        r#"{"f":1,"i":1,"s":"","t":1}"#,
        r#"{"f":1,"i":01,"s":""}"#,
        r#"{"f":.5,"i":1,"s":""}"#,
        r#"{"f":1,"i":1,"s":"",}"#,
        "[1,1,\"\"]",
        "null",
    ] {
        assert!(row(cells).is_err(), "{cells}");
    }
}

#[test]
fn results_that_do_not_fit_the_request_are_refused() {
    let skip = |ordinal: u64| format!(r#"[{ordinal},"SKIP","no_fit"]"#);
    for (text, says) in [
        (format!("{},{}", skip(3), skip(4)), "record 5 is not answered"),
        (format!("{},{},{},{}", skip(3), skip(4), skip(5), skip(4)), "record 4 is answered twice"),
        (format!("{},{},{},{}", skip(3), skip(4), skip(5), skip(6)), "record 6 was not asked"),
        (String::new(), "record 3 is not answered"),
        (r#"[3,"SKIP","other"]"#.into(), "`other` is not declared"),
        (r#"[3,"SKIP","crash"]"#.into(), "`crash` is not declared"),
        (r#"[3,"SKIP"]"#.into(), "three elements"),
        ("[3]".into(), "three elements"),
        ("[]".into(), "three elements"),
        (r#"[3,"SKIP","no_fit",1]"#.into(), "trailing"),
        (r#"[3,"ok",{}]"#.into(), "unknown variant"),
        (r#"[3,1,"no_fit"]"#.into(), "invalid type"),
        (r#"[3.0,"SKIP","no_fit"]"#.into(), "invalid type"),
        (r#"["3","SKIP","no_fit"]"#.into(), "invalid type"),
        (r#"[3,"RETRY",null]"#.into(), "invalid type"),
        (r#"{"3":"SKIP"}"#.into(), "invalid type"),
    ] {
        let what = results(&text).expect_err(&text);
        assert!(what.contains(says), "{text}: {what}");
    }
}

#[test]
fn only_one_strict_object_is_a_reply() {
    let good = r#"{"seq":7,"results":[[3,"SKIP","no_fit"]]}"#;
    assert!(try_read(good.as_bytes(), &[3]).is_ok());
    for bad in [
        r#"{"seq":8,"results":[[3,"SKIP","no_fit"]]}"#,
        r#"{"seq":"7","results":[[3,"SKIP","no_fit"]]}"#,
        r#"{"results":[[3,"SKIP","no_fit"]]}"#,
        r#"{"seq":7}"#,
        r#"{"seq":7,"results":null}"#,
        r#"{"seq":7,"seq":7,"results":[[3,"SKIP","no_fit"]]}"#,
        r#"{"seq":7,"results":[[3,"SKIP","no_fit"]],"results":[]}"#,
        r#"{"seq":7,"results":[[3,"SKIP","no_fit"]],"time":1}"#,
        r#"{"seq":7,"results":[[3,"SKIP","no_fit"]]} x"#,
        r#"{"seq":7,"results":[[3,"SKIP","no_fit"]]}}"#,
        r#"{"seq":7,"results":[[3,"SKIP","no_fit"]]"#,
        r"{'seq':7,'results':[[3,'SKIP','no_fit']]}",
        "{}",
        "{",
        "[7]",
        "",
    ] {
        assert!(try_read(bad.as_bytes(), &[3]).is_err(), "{bad}");
    }
    let mut broken = good.as_bytes().to_vec();
    broken[25] = 0xff;
    assert!(try_read(&broken, &[3]).is_err());
}

#[test]
fn an_error_repeats_only_the_beginning_of_what_was_said() {
    let line = format!("{{\"{}\":1}}", "x".repeat(1 << 20));
    assert!(try_read(line.as_bytes(), &[3]).unwrap_err().len() < 2000);
}

/// Whether `line` is a sound reply, judged in another way: by the tree of its values.
fn is_sound(line: &[u8], ordinals: &[u64]) -> bool {
    use serde_json::Value as Json;
    let Ok(Json::Object(top)) = serde_json::from_slice::<Json>(line) else { return false };
    let Some(results) = top.get("results").and_then(Json::as_array) else { return false };
    let sound = |result: &Json| {
        let Some([ordinal, word, third]) = result.as_array().map(Vec::as_slice) else { return false };
        ordinal.as_u64().is_some_and(|ordinal| ordinals.contains(&ordinal))
            && match word.as_str() {
                Some("OK") => third.as_object().is_some_and(|cells| {
                    let [f, i, s] = [&cells["f"], &cells["i"], &cells["s"]];
                    cells.len() == 3
                        && (f.is_null() || f.is_number())
                        && (i.is_null() || i.as_i64().is_some_and(|i| i.abs() < 1 << 53))
                        && (s.is_null() || s.is_string())
                }),
                Some("SKIP" | "ERROR") => third.as_str() == Some("no_fit"),
                Some("RETRY") => third.is_string(),
                _ => false,
            }
    };
    let mut answered: Vec<u64> = results.iter().filter_map(|result| result[0].as_u64()).collect();
    answered.sort_unstable();
    top.len() == 2
        && top.get("seq").and_then(Json::as_u64) == Some(7)
        && results.iter().all(sound)
        && answered == ordinals
}

const MANY: &str = r#"{"seq":7,"results":[[3,"OK",{"f":0.5,"i":1,"s":"x"}],[4,"SKIP","no_fit"],[5,"RETRY","busy"]]}"#;

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(line: Vec<u8>) {
        let _ = try_read(&line, &[3, 4, 5]);
    }

    #[test]
    fn no_ill_formed_reply_is_accepted(
        edits in proptest::collection::vec(
            (0..MANY.len(), 0usize..3, prop_oneof![
                proptest::sample::select(&b"[]{},:\"0123456789.-eE\\ntflus "[..]).prop_map(|b| vec![b]),
                proptest::collection::vec(any::<u8>(), 0..4),
            ]),
            0..3,
        ),
    ) {
        let mut line = MANY.as_bytes().to_vec();
        for (at, remove, insert) in edits {
            let at = at.min(line.len());
            let end = (at + remove).min(line.len());
            line.splice(at..end, insert);
        }
        let read = try_read(&line, &[3, 4, 5]);
        prop_assert!(read.is_err() || is_sound(&line, &[3, 4, 5]), "accepted: {}", String::from_utf8_lossy(&line));
        if let Ok(reply) = read {
            prop_assert_eq!(reply.rows.len() + reply.retry.len(), 3);
        }
    }

    #[test]
    fn results_are_found_in_whatever_order_they_come(
        ordinals in Just((0u64..40).map(|i| i * 3).collect::<Vec<_>>()).prop_shuffle(),
        order in Just((0u64..40).map(|i| i * 3).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let results: Vec<String> = order.iter().map(|o| format!(r#"[{o},"SKIP","no_fit"]"#)).collect();
        let line = format!(r#"{{"seq":7,"results":[{}]}}"#, results.join(","));
        let reply = try_read(line.as_bytes(), &ordinals).unwrap();
        let got: Vec<u64> = reply.rows.metas().iter().map(|meta| meta.ordinal).collect();
        prop_assert_eq!(got, order);
    }
}
