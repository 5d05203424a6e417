//! A corpus of libraries as sources give them and as accidents make them, each with what must come of it.

use super::*;
use molsieve::library::lines::LINE_MAX;

/// A library file and what must come of it.
struct Case {
    /// Why it is here.
    why: &'static str,
    file: &'static str,
    bytes: &'static [u8],
    records: &'static [(&'static [u8], &'static [u8])],
    /// Counts that are not zero, besides `lines` and `records`.
    counts: &'static [(&'static str, u64)],
}

#[rustfmt::skip]
const CORPUS: &[Case] = &[
    Case { why: "Enamine REAL: an extension after a space inside the tab column, ids in column 2, a header",
        file: "2024.07_Enamine_REAL_HAC_11_21.cxsmiles",
        bytes: b"smiles\tidnumber\treagent1\tMW\tInChiKey\nC[C@H](N)C(=O)O |&1:1|\ts_22____1\t9\t89.1\tAAA,BBB\nCCO\ts_2\t\t46\tC\n",
        records: &[(b"C[C@H](N)C(=O)O", b"s_22____1"), (b"CCO", b"s_2")],
        counts: &[("header", 1), ("cxsmiles_dropped", 1)] },
    Case { why: "Enamine after `split`: the header is gone",
        file: "xab.cxsmiles",
        bytes: b"CC |&1:1,o1:2|\tZ1\tx\nCCN\tZ2\ty\n",
        records: &[(b"CC", b"Z1"), (b"CCN", b"Z2")],
        counts: &[("cxsmiles_dropped", 1)] },
    Case { why: "CXSMILES between spaces: the extension is not the id",
        file: "x.smi",
        bytes: b"C[C@H](N)O |&1:1| Z1\nCC |$a b;c$,&1:0| Z2\nCCN Z3\n",
        records: &[(b"C[C@H](N)O", b"Z1"), (b"CC", b"Z2"), (b"CCN", b"Z3")],
        counts: &[("cxsmiles_dropped", 2)] },
    Case { why: "an extension that is not closed is what it is",
        file: "x.smi",
        bytes: b"CC |&1:1\nCCN |\n",
        records: &[(b"CC", b"|&1:1"), (b"CCN", b"|")],
        counts: &[] },
    Case { why: "ZINC22: tab, no header",
        file: "H04M000.smi",
        bytes: b"CCCO\tZINC000000895032\nCC(C)O\tZINC000000895033\n",
        records: &[(b"CCCO", b"ZINC000000895032"), (b"CC(C)O", b"ZINC000000895033")],
        counts: &[] },
    Case { why: "ZINC20: spaces and a header",
        file: "AAAA.smi",
        bytes: b"smiles zinc_id\nCCO ZINC1\nCCN ZINC2\n",
        records: &[(b"CCO", b"ZINC1"), (b"CCN", b"ZINC2")],
        counts: &[("header", 1)] },
    Case { why: "ZINC20 files put together with `cat`: every header is a header",
        file: "all.smi",
        bytes: b"smiles zinc_id\nCCO ZINC1\nsmiles zinc_id\nCCN ZINC2\n",
        records: &[(b"CCO", b"ZINC1"), (b"CCN", b"ZINC2")],
        counts: &[("header", 2)] },
    Case { why: "ChEMBL: the id first, four columns",
        file: "chembl_chemreps.txt",
        bytes: b"chembl_id\tcanonical_smiles\tstandard_inchi\tstandard_inchi_key\nCHEMBL153534\tCc1cc(C)n(C)n1.Cl\tInChI=1S/C6\tAAA-B-N\n",
        records: &[(b"Cc1cc(C)n(C)n1.Cl", b"CHEMBL153534")],
        counts: &[("header", 1)] },
    Case { why: "ChEMBL without its header: the id is still first",
        file: "part2.txt",
        bytes: b"CHEMBL1\tCCO\tInChI=1S/C2\tLFQSCWFLJHTTHZ-UHFFFAOYSA-N\nCHEMBL2\tCCN\tInChI=1S/C2\tQUSNBJAOOMFDIB-UHFFFAOYSA-N\n",
        records: &[(b"CCO", b"CHEMBL1"), (b"CCN", b"CHEMBL2")],
        counts: &[] },
    Case { why: "PubChem: the number first, no header",
        file: "CID-SMILES",
        bytes: b"1\tCC(=O)OC(CC(=O)[O-])C[N+](C)(C)C\n2\tCC(=O)O\n3\t[Na+].[Cl-]\n",
        records: &[(b"CC(=O)OC(CC(=O)[O-])C[N+](C)(C)C", b"1"), (b"CC(=O)O", b"2"), (b"[Na+].[Cl-]", b"3")],
        counts: &[] },
    Case { why: "mcule and unichem dumps: one space, in a .txt",
        file: "x.txt",
        bytes: b"CCO MCULE-1\nCCN MCULE-2\n",
        records: &[(b"CCO", b"MCULE-1"), (b"CCN", b"MCULE-2")],
        counts: &[] },
    Case { why: "a spreadsheet's CSV: quotes, commas inside, other columns, CRLF, a BOM",
        file: "x.csv",
        bytes: b"\xef\xbb\xbf\"Name\",\"Canonical SMILES\",\"Catalog ID\"\r\n\"acid, \"\"the\"\"\",\"CC(=O)O |c:1,2|\",A1\r\nx,CCN,\"A,2\"\r\n",
        records: &[(b"CC(=O)O", b"A1"), (b"CCN", b"A,2")],
        counts: &[("header", 1), ("crlf", 3), ("bom", 1), ("cxsmiles_dropped", 1)] },
    Case { why: "a CSV of a country where commas are decimal",
        file: "x.csv",
        bytes: b"SMILES;ID;MW\nCCO;e1;46,07\n",
        records: &[(b"CCO", b"e1")],
        counts: &[("header", 1)] },
    Case { why: "a CSV with no commas at all",
        file: "x.csv",
        bytes: b"smiles\nCCO\nCCN\n",
        records: &[(b"CCO", b""), (b"CCN", b"")],
        counts: &[("header", 1), ("missing_id", 2)] },
    Case { why: "a line feed inside quotes is not supported: two lines are two records, and it is counted",
        file: "x.csv",
        bytes: b"smiles,id\nCCO,\"two\nlines\"\n",
        records: &[(b"CCO", b"two"), (b"lines\"", b"")],
        counts: &[("header", 1), ("unclosed_quote", 1), ("missing_id", 1)] },
    Case { why: "commas in a .smi",
        file: "x.smi",
        bytes: b"CCO,a\nCCN,b\n",
        records: &[(b"CCO", b"a"), (b"CCN", b"b")],
        counts: &[] },
    Case { why: "a header whose names are not known is a record: none is dropped on a guess",
        file: "x.tsv",
        bytes: b"molecule\tlabel\nCCO\ta\n",
        records: &[(b"molecule", b"label"), (b"CCO", b"a")],
        counts: &[] },
    Case { why: "an id that says smiles does not make a header",
        file: "x.smi",
        bytes: b"CCO smiles_1\nCCN smiles_2\n",
        records: &[(b"CCO", b"smiles_1"), (b"CCN", b"smiles_2")],
        counts: &[] },
    Case { why: "a bad first record is a record",
        file: "x.smi",
        bytes: b"garbage\tx\nCCO\ta\nCCN\tb\n",
        records: &[(b"garbage", b"x"), (b"CCO", b"a"), (b"CCN", b"b")],
        counts: &[] },
    Case { why: "nothing but garbage is records",
        file: "x.smi",
        bytes: b"?!\n$$$\n<html>\n",
        records: &[(b"?!", b""), (b"$$$", b""), (b"<html>", b"")],
        counts: &[("missing_id", 3)] },
    Case { why: "CRLF, doubled CR, and a last line with CR alone",
        file: "x.smi",
        bytes: b"CC\ta\r\nCN\tb\r\r\nCO\tc\r",
        records: &[(b"CC", b"a"), (b"CN", b"b"), (b"CO", b"c")],
        counts: &[("crlf", 3), ("unterminated", 1)] },
    Case { why: "a CR inside a line is a byte of the record",
        file: "x.smi",
        bytes: b"C\rC\ta\nCN\tb\n",
        records: &[(b"C\rC", b"a"), (b"CN", b"b")],
        counts: &[] },
    Case { why: "a BOM in front, and one in the middle where files were put together",
        file: "x.smi",
        bytes: b"\xef\xbb\xbfCC\ta\n\xef\xbb\xbfCN\tb\nCO\tc\n",
        records: &[(b"CC", b"a"), (b"CN", b"b"), (b"CO", b"c")],
        counts: &[("bom", 2)] },
    Case { why: "a BOM alone is a blank line",
        file: "x.smi",
        bytes: b"\xef\xbb\xbf\nCC\ta\n",
        records: &[(b"CC", b"a")],
        counts: &[("bom", 1), ("blank", 1)] },
    Case { why: "blank lines of every kind",
        file: "x.smi",
        bytes: b"\n  \n\t\n\r\nCC\ta\n \t \n",
        records: &[(b"CC", b"a")],
        counts: &[("blank", 5), ("crlf", 1)] },
    Case { why: "a # is a comment only as the first byte of a line",
        file: "x.smi",
        bytes: b"# a comment\n#CC\tx\nC#N\tb\n #CC\tc\nCC\t#d\n",
        records: &[(b"C#N", b"b"), (b"#CC", b"c"), (b"CC", b"#d")],
        counts: &[("comment", 2)] },
    Case { why: "comments and blank lines before the header",
        file: "x.tsv",
        bytes: b"# made by hand\n\nid\tsmiles\nz\tCCO\n",
        records: &[(b"CCO", b"z")],
        counts: &[("comment", 1), ("blank", 1), ("header", 1)] },
    Case { why: "no line feed at the end",
        file: "x.smi",
        bytes: b"CC a\nCN b",
        records: &[(b"CC", b"a"), (b"CN", b"b")],
        counts: &[("unterminated", 1)] },
    Case { why: "no ids, and some ids",
        file: "x.smi",
        bytes: b"CC\nCN b\nCO \n",
        records: &[(b"CC", b""), (b"CN", b"b"), (b"CO", b"")],
        counts: &[("missing_id", 2)] },
    Case { why: "ids repeat",
        file: "x.smi",
        bytes: b"CC a\nCN a\nCC a\n",
        records: &[(b"CC", b"a"), (b"CN", b"a"), (b"CC", b"a")],
        counts: &[] },
    Case { why: "an empty structure with an id is a record",
        file: "x.tsv",
        bytes: b"smiles\tid\n\tx\nCC\ta\n",
        records: &[(b"", b"x"), (b"CC", b"a")],
        counts: &[("header", 1), ("empty_structure", 1)] },
    Case { why: "a line of delimiters alone is a record in a CSV",
        file: "x.csv",
        bytes: b"smiles,id\n,\n\"\",\"\"\n",
        records: &[(b"", b""), (b"", b"")],
        counts: &[("header", 1), ("empty_structure", 2), ("missing_id", 2)] },
    Case { why: "an extension without a structure",
        file: "x.cxsmiles",
        bytes: b"|&1:1|\tx\nCC\ta\n",
        records: &[(b"", b"x"), (b"CC", b"a")],
        counts: &[("empty_structure", 1), ("cxsmiles_dropped", 1)] },
    Case { why: "NUL and bytes that are not UTF-8 stay as they are",
        file: "x.smi",
        bytes: b"C\0C\ta\n\xff\xfeC\tb\0\nCC\t\xe9\nCC\tid\xc3\xa9\n",
        records: &[(b"C\0C", b"a"), (b"\xff\xfeC", b"b\0"), (b"CC", b"\xe9"), (b"CC", b"id\xc3\xa9")],
        counts: &[("nul", 2), ("not_utf8", 2)] },
    Case { why: "a NUL alone",
        file: "x.smi",
        bytes: b"\0\n",
        records: &[(b"\0", b"")],
        counts: &[("nul", 1), ("missing_id", 1)] },
    Case { why: "columns are missing in some lines and too many in others",
        file: "x.tsv",
        bytes: b"id\tmw\tsmiles\na\t1\tCC\nb\nc\t2\tCO\tx\ty\tz\n",
        records: &[(b"CC", b"a"), (b"", b"b"), (b"CO", b"c")],
        counts: &[("header", 1), ("empty_structure", 1)] },
    Case { why: "spaces around cells are not in them",
        file: "x.csv",
        bytes: b"smiles, id\n CC , a b \n",
        records: &[(b"CC", b"a b")],
        counts: &[("header", 1)] },
    Case { why: "the upper case of some vendors, and the better of two columns",
        file: "x.csv",
        bytes: b"CID,Canonical_SMILES,Isomeric_SMILES\n1,CC(N)O,C[C@H](N)O\n",
        records: &[(b"C[C@H](N)O", b"1")],
        counts: &[("header", 1)] },
];

fn check(case: &Case, file: &str, bytes: &[u8]) {
    let why = case.why;
    let place = Place::with(file, bytes);
    let snapshot = place.snapshot(file);
    let expected: Vec<Pair> = case.records.iter().map(|(s, i)| (s.to_vec(), i.to_vec())).collect();
    assert_eq!(all(&snapshot), expected, "{why} ({file}, {})", snapshot.files()[0].format);
    let mut counts: Vec<(&str, u64)> = snapshot.counts().named().into_iter().filter(|(_, n)| *n > 0).collect();
    assert!(snapshot.counts().is_balanced(), "{why}");
    counts.retain(|(name, _)| !matches!(*name, "lines" | "records"));
    let mut wanted = case.counts.to_vec();
    counts.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(counts, wanted, "{why} ({file})");
    let whole = inspect(&place.request(&[file]), Extent::Whole).unwrap();
    assert_eq!(whole.counts, snapshot.counts(), "{why}: inspect counts otherwise");
}

#[test]
fn every_case_of_the_corpus_gives_the_records_and_counts_that_it_must() {
    for case in CORPUS {
        check(case, case.file, case.bytes);
    }
}

#[test]
fn every_case_of_the_corpus_gives_the_same_compressed() {
    for case in CORPUS {
        check(case, &format!("{}.gz", case.file), &in_pieces(gzip, case.bytes, 3));
        check(case, &format!("{}.bz2", case.file), &in_pieces(bzip2, case.bytes, 2));
        check(case, &format!("{}.zst", case.file), &in_pieces(zstd, case.bytes, 4));
    }
}

#[test]
fn what_is_said_overrules_what_is_sniffed() {
    let said = |structure: &str, id: &str, delimiter: &str, header| FormatRequest {
        format: None,
        delimiter: Some(delimiter.parse().unwrap()),
        header: Some(header),
        structure_column: Some(structure.to_owned()),
        id_column: Some(id.to_owned()),
    };
    for (bytes, format, records) in [
        (&b"CC\tCN\tCO\n"[..], said("3", "1", "tab", false), [("CO", "CC")].as_slice()),
        (b"CC;a\tb\n", said("1", "2", "semicolon", false), &[("CC", "a\tb")]),
        (b"x y\nCC a\n", said("1", "2", "whitespace", true), &[("CC", "a")]),
        (b"x,y\nCC,a\n", said("y", "x", "comma", true), &[("a", "CC")]),
        (b"smiles\tid\nCC\ta\n", said("1", "2", "tab", false), &[("smiles", "id"), ("CC", "a")]),
    ] {
        let place = Place::with("x.smi", bytes);
        assert_eq!(all(&place.take(&place.said("x.smi", format)).unwrap()), pairs(records));
    }
}

#[test]
fn a_two_megabyte_line_is_a_record() {
    for length in [2 << 20, LINE_MAX - 10] {
        let mut bytes = vec![b'C'; length];
        bytes.extend_from_slice(b"\tlong\nCC\ta\n");
        let place = Place::with("x.smi", &bytes);
        let snapshot = place.snapshot("x.smi");
        let records = all(&snapshot);
        assert_eq!((records[0].0.len(), records[0].1.as_slice()), (length, &b"long"[..]));
        assert_eq!((records.len(), snapshot.counts().overlong), (2, 0));
    }
}

#[test]
fn a_line_over_the_limit_is_one_record_of_which_the_start_is_kept() {
    let mut bytes = b"CC\tfirst\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'C', 3 * LINE_MAX));
    bytes.extend_from_slice(b"\tlost\nCN\tlast");
    for (name, bytes) in [("x.tsv", bytes.clone()), ("x.tsv.gz", gzip(&bytes))] {
        let place = Place::with(name, &bytes);
        let snapshot = place.snapshot(name);
        let records = all(&snapshot);
        assert_eq!((records.len(), snapshot.counts().overlong, snapshot.counts().missing_id), (3, 1, 1));
        assert_eq!((records[1].0.len(), records[1].1.len()), (LINE_MAX, 0));
        assert_eq!(records[2], (b"CN".to_vec(), b"last".to_vec()));
    }
}

#[test]
fn a_header_may_come_after_more_comments_than_the_sample_holds() {
    let mut bytes = b"# note\n".repeat(200_000);
    bytes.extend_from_slice(b"CC\ta\n");
    let snapshot = Place::with("x.tsv", &bytes).snapshot("x.tsv");
    assert_eq!((snapshot.records(), snapshot.counts().comment), (1, 200_000));
}

#[test]
fn the_shipped_molecules_are_4999_records() {
    let place = Place::with("nci.smi", molsieve::library::generate::SHIPPED.as_bytes());
    let snapshot = place.snapshot("nci.smi");
    assert_eq!(snapshot.records(), 4999);
    assert_eq!(read(&snapshot, 0..1).unwrap(), pairs(&[("CC1=CC(=O)C=CC1=O", "1")]));
    assert_eq!((snapshot.counts().missing_id, snapshot.counts().empty_structure), (0, 0));
}
