//! What a table of truth may not be: a clear error that names the file and the line, before anything is said.

use molsieve::lift::truth::{Demands, Label, Truth};
use molsieve::scorer::{ColumnType, Order};

use super::{Made, cost_lift, report, scored, seal, truth};
use crate::support::env::TestEnv;

const HEADER: &str = "molecule_id,expensive_label,truth_source,truth_version\n";

/// A pack of `M0` to `M9`.
fn ten() -> TestEnv {
    let env = TestEnv::new();
    let records: Vec<Made> = (0..10).map(|n| scored(format!("M{n}"), f64::from(n))).collect();
    seal(&env, &[("score", ColumnType::Float)], Order::Desc, &records);
    env
}

/// What is said of a table with this content; nothing if it is one.
fn refused(env: &TestEnv, content: impl AsRef<[u8]>) -> Option<String> {
    let path = env.write("t.csv", content);
    let error = Truth::read(&path, &Demands::default()).err()?;
    assert_eq!(error.kind().exit_code(), 2, "{}", error.what());
    assert!(!error.hints().is_empty(), "nobody learns what to do about: {}", error.what());
    assert!(error.what().contains("t.csv`"), "the file is not named: {}", error.what());
    Some(error.what().to_owned())
}

#[test]
fn what_is_no_table_of_truth_is_refused_by_file_and_line() {
    let env = TestEnv::new();
    let row = |id: &str| format!("{id},PASS,assay,customer_truth.v1\n");
    let after = |text: &str| format!("{HEADER}{}{text}", row("M0"));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "is empty"),
        (b"\n\r\n\n".to_vec(), "is empty"),
        (HEADER.into(), "has a header and no label"),
        (HEADER.replace("truth_source,", "").into(), "has no column `truth_source`"),
        (HEADER.replace("molecule_id", "Molecule_ID").into(), "has no column `molecule_id`"),
        (HEADER.replace(',', ";").into(), "has no column `molecule_id`"),
        (format!("molecule_id,{HEADER}").into(), "has two columns `molecule_id`"),
        (after("M1,PASS,assay,customer_truth.v2\n").into(), "line 3 of `"),
        (after("M1,PASS,assay,customer_truth.v2\n").into(), "has the `truth_version` `customer_truth.v2`"),
        (after("M1,PASS,assay,\n").into(), "has the `truth_version` ``"),
        (after("M1,MAYBE,assay,customer_truth.v1\n").into(), "has the `expensive_label` `MAYBE`"),
        (after("M1,1,assay,customer_truth.v1\n").into(), "has the `expensive_label` `1`"),
        (after("M1,,assay,customer_truth.v1\n").into(), "has the `expensive_label` ``"),
        (after("M1,PASS, ,customer_truth.v1\n").into(), "has an empty `truth_source`"),
        (after(",PASS,assay,customer_truth.v1\n").into(), "has an empty `molecule_id`"),
        (after(&format!("\n{}", row("M0"))).into(), "line 4 of `"),
        (after(&row("M0")).into(), "has the `molecule_id` `M0`, which line 2 has already"),
        (after(&row("\"M0\"")).into(), "which line 2 has already"),
        (after("M1,PASS,assay\n").into(), "has 3 fields, and the header has 4"),
        (after("a,b,PASS,assay,customer_truth.v1\n").into(), "has 5 fields, and the header has 4"),
        (after("M\"1,PASS,assay,customer_truth.v1\n").into(), "a quotation mark"),
        (after("\"M1\"x,PASS,assay,customer_truth.v1\n").into(), "has text between a closing quotation mark"),
        (after("\"M1,PASS,assay,customer_truth.v1\nM2\n").into(), "line 3 of `"),
        (after("\"M1,PASS,assay,customer_truth.v1\nM2\n").into(), "has a quotation mark that is never closed"),
        ([after("").as_bytes(), b"M\xff,PASS,assay,customer_truth.v1\n"].concat(), "line 3 of `"),
        ([after("").as_bytes(), b"M\xff,PASS,assay,customer_truth.v1\n"].concat(), "is not UTF-8"),
        (b"\xff\xfem\0o\0l\0e\0".to_vec(), "is not UTF-8"),
        (b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), "is not UTF-8"),
        (vec![b'x'; 3 << 20], "begins a record of more than 1 MiB"),
        (format!("\"{}", "\n".repeat(2 << 20)).into(), "begins a record of more than 1 MiB"),
        (after(&row(&"M".repeat(5000))).into(), "an id of 5000 bytes is longer than 4096"),
        (after(&format!("M1,PASS,{},customer_truth.v1\n", "s".repeat(300))).into(), "a `truth_source` that is no name"),
    ];
    for (content, says) in cases {
        let said = refused(&env, &content).unwrap_or_else(|| panic!("accepted, although it {says}"));
        assert!(said.contains(says), "`{says}` is not in: {said}");
    }
    let many: String = (0..=100).map(|n| format!("M{n},PASS,s{n},customer_truth.v1\n")).collect();
    assert!(refused(&env, format!("{HEADER}{many}")).unwrap().contains("has the `truth_source` number 101"));
}

#[test]
fn a_foreign_text_in_an_error_is_short_and_drives_no_terminal() {
    let env = TestEnv::new();
    let label = format!("\u{1b}[31m{}", "x".repeat(10_000));
    let said = refused(&env, format!("{HEADER}M1,{label},assay,customer_truth.v1\n")).unwrap();
    assert!(said.len() < 400 && !said.contains('\u{1b}') && said.contains("\\x1b[31m"), "{said}");
}

#[test]
fn a_table_may_be_written_as_programs_write_them() {
    let env = TestEnv::new();
    let content = "\u{feff}note,truth_version , expensive_label,molecule_id,truth_source\r\n\
                   \"two\nlines, \"\"quoted\"\"\",customer_truth.v1, pass ,\" M 1\",assay A\r\n\
                   \r\n\
                   ,customer_truth.v1,Fail,\"a,\"\"b\"\"\",assay B";
    let table = Truth::read(&env.write("t.csv", content), &Demands::default()).unwrap();
    assert_eq!((table.len(), table.count(Label::Pass), table.count(Label::Fail)), (2, 1, 1));
    assert_eq!(table.find(b"M 1").map(|(_, label)| label), Some(Label::Pass));
    assert_eq!(table.find(b"a,\"b\"").map(|(_, label)| label), Some(Label::Fail));
    assert_eq!(
        table.sources.iter().map(|(name, n)| (name.as_str(), *n)).collect::<Vec<_>>(),
        [("assay A", 1), ("assay B", 1)]
    );
    assert_eq!(table.sha256, molsieve::digest::sha256(content.as_bytes()));
}

#[test]
fn another_file_than_the_pinned_one_is_refused_whatever_is_in_it() {
    let env = ten();
    let path = truth(&env, [("M1", true), ("M2", false)]);
    let sha256 = molsieve::digest::sha256(&std::fs::read(&path).unwrap()).to_string();
    for form in [sha256.clone(), sha256.to_uppercase(), format!("sha256:{sha256}")] {
        cost_lift(&env, &["--truth-sha256", &form]).exits(0);
    }
    std::fs::write(&path, "no table at all").unwrap();
    let said = cost_lift(&env, &["--truth-sha256", &sha256]).exits(2).says("has the SHA-256").says(&sha256);
    assert!(said.stderr().contains("hint: "), "{said}");
    cost_lift(&env, &["--truth-sha256", "abc"]).exits(2).says("64 hex digits");
}

#[test]
fn one_source_can_be_insisted_on() {
    let env = ten();
    env.write("truth.csv", format!("{HEADER}M1,PASS,external,customer_truth.v1\nM2,FAIL,guess,customer_truth.v1\n"));
    cost_lift(&env, &[]).exits(0).says("external (1), guess (1)");
    cost_lift(&env, &["--truth-source", "external"])
        .exits(2)
        .says("line 3 of `truth.csv`")
        .says("`guess`, and not `external`");
}

#[test]
fn truth_for_molecules_that_the_pack_does_not_have_is_an_error_unless_it_is_allowed() {
    let env = ten();
    truth(&env, ["M1", "X1", "X2", "X3", "X4", "X5", "X6", "m1"].map(|id| (id, id == "M1")));
    cost_lift(&env, &[])
        .exits(2)
        .says("7 of the 8 molecules of `truth.csv` are not in the pack: `X1`, `X2`, `X3`, `X4`, `X5`, …")
        .says("--allow-unknown");
    let found = report(&env, &["--allow-unknown"]);
    assert_eq!((&found["molsieve"]["truth"]["unknown"], &found["N_with_truth"]), (&7.into(), &1.into()));
    assert_eq!(found["molsieve"]["truth"]["unknown_examples"].as_array().unwrap().len(), 5);
    cost_lift(&env, &["--allow-unknown"]).exits(0).says("7 labels are of molecules that the pack does not have");
}

#[test]
fn one_label_is_not_that_of_two_records() {
    let env = TestEnv::new();
    let records: Vec<Made> = ["A", "B", "C", "B", "", "mol_4"].map(|id| scored(id, 1.0)).to_vec();
    seal(&env, &[("score", ColumnType::Float)], Order::Desc, &records);
    truth(&env, [("A", true), ("C", false)]);
    cost_lift(&env, &[]).exits(0);
    truth(&env, [("A", true), ("B", false)]);
    let said =
        cost_lift(&env, &[]).exits(2).says("`B` of the table of truth is that of two records, at ordinals 1 and 3");
    assert!(said.stderr().contains("leave that molecule out"), "{said}");
    truth(&env, [("A", true), ("mol_4", false)]);
    cost_lift(&env, &[]).exits(2).says("at ordinals 4 and 5");
}

#[test]
fn what_is_asked_must_make_sense() {
    let env = ten();
    truth(&env, [("M1", true), ("M2", false)]);
    let cases: [(&[&str], &str); 11] = [
        (&["--k", "0"], "a whole number from 1"),
        (&["--k", "-1"], "a whole number from 1"),
        (&["--cost-per-molecule", "-3", "--currency", "EUR"], "is not what a molecule can cost"),
        (&["--bootstrap-n", "0"], "a whole number from 1"),
        (&["--bootstrap-n", "10001"], "a whole number from 1 to 10000"),
        (&["--seed", "9007199254740992"], "below 2^53"),
        (&["--seed=-1"], "below 2^53"),
        (&["--cost-per-molecule", "0.5"], "--currency"),
        (&["--currency", "EUR"], "--cost-per-molecule"),
        (&["--cost-per-molecule", "0,5", "--currency", "EUR"], "is not what a molecule can cost"),
        (&["--cost-per-molecule", "5", "--currency", "E R"], "is not a currency"),
    ];
    for (args, says) in cases {
        cost_lift(&env, args).exits(2).says(says);
    }
    env.molsieve(["report", "cost-lift", "D/pack", "--truth", "none.csv"]).exits(2).says("there is no `none.csv`");
    env.molsieve(["report", "cost-lift", "D/pack", "--truth", "D"]).exits(2).says("`D` is a directory, and not a file");
    env.molsieve(["report", "cost-lift", "D/pack"]).exits(2).says("--truth");
}
