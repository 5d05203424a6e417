//! What is sniffed, case by case.

use super::*;

fn format(name: &str, text: &str) -> String {
    let sample = Sample { bytes: text.as_bytes(), is_whole: true };
    sniff(Path::new(name), sample, &FormatRequest::default()).unwrap().to_string()
}

#[test]
fn columns_are_found_by_name_in_any_order_and_spelling() {
    for header in ["ID,SMILES", "name,Canonical-Smiles", "zinc_id,rdkit_smiles", "Catalog ID,smiles (isomeric)"] {
        let text = format!("{header}\nx1,CCO\nx2,CCN\n");
        assert_eq!(
            format("x.csv", &text),
            "comma between columns, a header, structure in column 2, id in column 1",
            "{header}"
        );
    }
}

#[test]
fn without_a_name_for_it_a_third_column_is_no_id() {
    let found = format("x.csv", "smiles,logp,tpsa\nCC,1.0,2.0\n");
    assert_eq!(found, "comma between columns, a header, structure in column 1, no id");
    let found = format("x.csv", "smiles,label\nCC,one\n");
    assert_eq!(found, "comma between columns, a header, structure in column 1, id in column 2");
}

#[test]
fn a_tab_in_most_lines_is_a_delimiter_and_one_in_few_is_not() {
    assert!(format("x.smi", "CC\ta b\nCN\tc\n").starts_with("tab"));
    assert!(format("x.smi", "CC a\nCN b\nCO\tc\n").starts_with("whitespace"));
}

#[test]
fn a_line_that_the_sample_cuts_is_left_out() {
    let text = "CC\ta\nCN\tb\nCO";
    let sample = Sample { bytes: text.as_bytes(), is_whole: false };
    assert_eq!(sampled_lines(sample).len(), 2);
    let sample = Sample { bytes: b"CCCC", is_whole: false };
    assert_eq!(sampled_lines(sample).len(), 1);
}

#[test]
fn a_first_line_longer_than_the_sample_is_no_header() {
    let long = vec![b'C'; SAMPLE_BYTES];
    let sample = Sample { bytes: &long, is_whole: false };
    let found = sniff(Path::new("x.smi"), sample, &FormatRequest::default()).unwrap();
    assert!(matches!(found, Format::Table(TableFormat { header: None, .. })));
    let said = FormatRequest { header: Some(true), ..FormatRequest::default() };
    assert!(sniff(Path::new("x.smi"), sample, &said).is_err());
}
