use super::*;
use crate::scorer::{ColumnType, Order};
use proptest::prelude::*;

const GOOD: &str =
    r#"{"name":"it","version":"1","columns":[{"name":"score","type":"float"}],"batch_size":256,"deterministic":true}"#;

#[test]
fn a_hello_is_read() {
    let hello = read(GOOD.as_bytes()).unwrap();
    assert_eq!((hello.batch_size, hello.threads), (256, 1));
    let column = Column::new("score", ColumnType::Float, Order::Desc);
    assert_eq!(hello.description.columns, [column]);
    let full = GOOD
        .replace("\"deterministic\"", r#""protocol":1,"reasons":["no_fit","bad_input"],"threads":4,"deterministic""#);
    let hello = read(full.as_bytes()).unwrap();
    assert_eq!((hello.threads, hello.description.reasons), (4, vec!["bad_input".to_owned(), "no_fit".to_owned()]));
}

#[test]
fn a_hello_that_breaks_a_rule_is_refused_by_name() {
    for (from, to, message) in [
        ("\"it\"", "\"a b\"", "`name`"),
        ("\"it\"", "\"\"", "`name`"),
        ("\"1\"", "\"\"", "`version`"),
        ("\"1\"", "\"a\\nb\"", "`version`"),
        ("256", "0", "`batch_size`"),
        ("256", "65537", "`batch_size`"),
        ("256", "-1", "invalid value"),
        ("true", "\"yes\"", "boolean"),
        ("\"score\"", "\"ordinal\"", "every summary has"),
        ("\"score\"", "\"a,b\"", "must match"),
        ("\"float\"", "\"double\"", "unknown variant"),
        ("}]", "},{\"name\":\"score\",\"type\":\"int\"}]", "twice"),
        ("\"float\"", "\"float\",\"colour\":\"red\"", "unknown field"),
        ("\"float\"", "\"float\",\"unit\":\"\"", "the unit of the column `score`"),
        ("\"float\"", "\"float\",\"description\":\"a\\u202eb\"", "the description of the column `score`"),
        ("\"version\":\"1\",", "", "missing field `version`"),
        ("\"batch_size\":256,", "", "missing field `batch_size`"),
        ("\"name\":\"it\"", "\"name\":\"it\",\"name\":\"it\"", "duplicate field"),
        ("true}", "true,\"reason\":[]}", "unknown field `reason`"),
        ("true}", "true,\"reasons\":[\"crash\"]}", "molsieve itself"),
        ("true}", "true,\"reasons\":[\"No fit\"]}", "must match"),
        ("true}", "true,\"reasons\":[\"a\",\"a\"]}", "twice"),
        ("true}", "true,\"protocol\":2}", "`protocol`"),
        ("true}", "true,\"threads\":0}", "`threads`"),
        ("true}", "true}}", "trailing"),
    ] {
        let what = read(GOOD.replacen(from, to, 1).as_bytes()).expect_err(to);
        assert!(what.contains(message), "{to}: {what}");
    }
}

#[test]
fn what_changed_since_the_plan_is_said() {
    let frozen = read(GOOD.as_bytes()).unwrap().description;
    assert_eq!(difference(&frozen, &frozen), None);
    for (from, to, what) in [
        ("\"it\"", "\"that\"", "name"),
        ("\"1\"", "\"2\"", "version"),
        ("\"score\"", "\"other\"", "list of columns"),
        ("\"float\"", "\"int\"", "type"),
        ("true", "false", "deterministic"),
    ] {
        let now = read(GOOD.replacen(from, to, 1).as_bytes()).unwrap().description;
        assert!(difference(&frozen, &now).is_some_and(|text| text.contains(what)), "{what}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>, at in 0usize..GOOD.len()) {
        let _ = read(&bytes);
        let mut mutated = GOOD.as_bytes().to_vec();
        mutated.splice(at..at, bytes.into_iter().take(3));
        let _ = read(&mutated);
    }
}
