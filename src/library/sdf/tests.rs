//! Records of SD files, case by case.

use super::*;
use proptest::prelude::*;

fn format(id: SdfId) -> SdfFormat {
    SdfFormat { id }
}

/// Structure and id.
type Pair = (Vec<u8>, Vec<u8>);

fn records(bytes: &[u8], id: SdfId) -> (Vec<Pair>, Counts) {
    let (mut reader, mut lines, mut found) = (SdfReader::new(&format(id)), Lines::starting_at(bytes, 0), Vec::new());
    while reader.read(&mut lines).unwrap().is_some() {
        found.push((reader.structure().to_vec(), reader.id().to_vec()));
    }
    (found, reader.counts)
}

fn sniffed(text: &str, id_column: Option<&str>) -> String {
    let said = FormatRequest { id_column: id_column.map(str::to_owned), ..FormatRequest::default() };
    match sniff(Sample { bytes: text.as_bytes(), is_whole: true }, &said) {
        Ok(format) => format.to_string(),
        Err(e) => format!("{e} ({})", e.hints().join(" ")),
    }
}

const MOL: &str = "  prog\n\n  0  0  0  0  0  0            999 V2000\nM  END\n";

#[test]
fn a_record_is_its_molfile_and_an_id_and_the_fields_are_dropped() {
    let text = format!("one\n{MOL}> 25 <CatalogID> (1)\nZ1\nmore\n\n>  <note>\n$$$ and > <CatalogID>\nZ9\n\n$$$$\n");
    let (by_title, counts) = records(text.as_bytes(), SdfId::Title);
    assert_eq!(by_title, [(format!("one\n{MOL}").into_bytes(), b"one".to_vec())]);
    assert_eq!((counts.records, counts.fields_dropped, counts.continued), (1, 2, counts.lines - 1));
    let (by_field, counts) = records(text.as_bytes(), SdfId::Field(b"CatalogID".to_vec()));
    assert_eq!((by_field[0].1.as_slice(), counts.fields_dropped), (&b"Z1"[..], 1));
    assert_eq!(records(text.as_bytes(), SdfId::None).0[0].1, b"");
}

#[test]
fn a_delimiter_ends_a_record_wherever_it_stands() {
    let text = format!("one\n{MOL}> <note>\nline\n$$$$\ntwo\n{MOL}$$$$\n");
    let ids: Vec<_> = records(text.as_bytes(), SdfId::Title).0.into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, [b"one", b"two"]);
    for not_one in ["$$$$ ", " $$$$", "$$$$$", "$$$"] {
        let text = format!("one\n{MOL}> <note>\n{not_one}\n\n$$$$\n");
        assert_eq!(records(text.as_bytes(), SdfId::Title).0.len(), 1, "{not_one}");
    }
}

#[test]
fn an_empty_record_is_a_record_and_white_space_at_the_end_is_none() {
    let text = format!("$$$$\n\n  \n$$$$\n{MOL}$$$$\n\n \n");
    let (found, counts) = records(text.as_bytes(), SdfId::Title);
    assert_eq!(found.len(), 3);
    assert_eq!((found[0].0.len(), found[1].0.len()), (0, 0));
    assert_eq!((counts.empty_structure, counts.blank), (2, 2));
    assert!(counts.is_balanced());
}

#[test]
fn a_molfile_without_its_end_ends_at_the_data_fields_or_the_delimiter() {
    let (found, counts) = records(b"> t\n\n\n  1  0\n    atom\n> <id>\nx\n\n$$$$\n>\nb\n>\nd\n$$$$\n", SdfId::Title);
    assert_eq!(found[0], (b"> t\n\n\n  1  0\n    atom\n".to_vec(), b"> t".to_vec()));
    assert_eq!(found[1], (b">\nb\n>\nd\n".to_vec(), b">".to_vec()));
    assert_eq!((counts.no_m_end, counts.fields_dropped), (2, 1));
}

#[test]
fn a_file_cut_anywhere_has_its_last_record_counted_as_undelimited() {
    let text = format!("one\n{MOL}$$$$\ntwo\n{MOL}> <f>\nv\n\n$$$$\n");
    let second = text.find("two").unwrap();
    for keep in second + 1..text.len() - 1 {
        let (found, counts) = records(&text.as_bytes()[..keep], SdfId::Title);
        assert_eq!((found.len(), counts.undelimited), (2, u64::from(keep < text.len() - 1)), "{keep}");
        assert!(counts.is_balanced());
    }
    assert_eq!(records(&text.as_bytes()[..text.len() - 1], SdfId::Title).1.undelimited, 0);
}

#[test]
fn line_ends_and_a_byte_order_mark_are_not_in_the_structure() {
    let unix = format!("one\n{MOL}> <f>\nv\n\n$$$$\n");
    let dos = format!("\u{feff}{}", unix.replace('\n', "\r\n"));
    let (plain, (other, counts)) = (records(unix.as_bytes(), SdfId::Title).0, records(dos.as_bytes(), SdfId::Title));
    assert_eq!(plain, other);
    assert_eq!((counts.bom, counts.crlf), (1, counts.lines));
}

#[test]
fn a_record_of_any_size_is_one_and_only_its_start_is_kept() {
    let line = "M  V30 COMMENT\n".repeat(400_000);
    let text = format!("{}\n\n\n  0 V3000\n{line}M  END\n$$$$\ntwo\n{MOL}$$$$\n", "t".repeat(100_000));
    let (found, counts) = records(text.as_bytes(), SdfId::Title);
    assert_eq!((found[0].0.len(), found[0].1.len()), (STRUCTURE_MAX, ID_MAX));
    assert_eq!((found.len(), counts.overlong, counts.no_m_end), (2, 1, 0));
    assert_eq!(found[1].1, b"two");
}

#[test]
fn ids_are_titles_unless_these_say_nothing() {
    let record = |title: &str, id: &str| format!("{title}\n{MOL}> <note>\nx\n\n> <Catalog ID>\n{id}\n\n$$$$\n");
    let titled = record("a", "1") + &record("b", "2");
    assert_eq!(sniffed(&titled, None), "SD file, id in the title line");
    for untitled in [record("", "1") + &record("", "2"), record("Untitled", "1") + &record("Untitled", "2")] {
        assert_eq!(sniffed(&untitled, None), "SD file, id in data field `Catalog ID`");
    }
    assert_eq!(sniffed(&format!("\n{MOL}$$$$\n"), None), "SD file, id in the title line");
    assert_eq!(sniffed(&titled, Some("catalog id")), "SD file, id in data field `Catalog ID`");
    assert_eq!(sniffed(&titled, Some("0")), "SD file, no id");
    assert!(sniffed(&titled, Some("Lot")).contains("`note`, `Catalog ID`"));
    assert!(sniffed(&titled, Some("2")).contains("an SD file has none"));
}

#[test]
fn what_is_no_sd_file_is_refused() {
    assert!(sniffed("CCO\ta\nCN\tb\n", None).contains("not an SD file"));
    assert!(sniffed("\n \n", None).contains("SD file, id"));
    let said = FormatRequest { header: Some(true), ..FormatRequest::default() };
    assert!(sniff(Sample { bytes: MOL.as_bytes(), is_whole: true }, &said).is_err());
}

/// A second, plain reading of an SD file: slow, without shared code.
fn reference(bytes: &[u8], field: Option<&str>) -> Vec<Pair> {
    let text: String = bytes.iter().map(|b| char::from(*b)).collect();
    let mut lines: Vec<String> = text.split('\n').map(|line| line.trim_end_matches('\r').to_owned()).collect();
    if lines.last().is_some_and(String::is_empty) && text.ends_with('\n') {
        lines.pop();
    }
    let blank = |line: &str| line.trim_matches([' ', '\t']).is_empty();
    let mut pieces: Vec<Vec<String>> = vec![Vec::new()];
    for mut line in lines {
        if pieces.last().is_some_and(Vec::is_empty) {
            line = line.strip_prefix("\u{ef}\u{bb}\u{bf}").map(str::to_owned).unwrap_or(line);
        }
        if line == "$$$$" {
            pieces.push(Vec::new());
        } else if let Some(piece) = pieces.last_mut() {
            piece.push(line);
        }
    }
    if pieces.last().is_some_and(|piece| piece.iter().all(|line| blank(line))) {
        pieces.pop();
    }
    pieces.iter().map(|piece| reference_record(piece, field)).collect()
}

fn reference_record(piece: &[String], field: Option<&str>) -> Pair {
    let blank = |line: &str| line.trim_matches([' ', '\t']).is_empty();
    let at = |test: &dyn Fn(&str) -> bool| piece.iter().skip(3).position(|line| test(line)).map(|n| n + 3);
    let is_end = |line: &str| line.trim_end_matches(|c: char| c.is_ascii_whitespace()) == "M  END";
    let (end, field_at) = (at(&is_end), at(&|line| line.starts_with('>')));
    let length = match (end, field_at) {
        (Some(end), Some(field_at)) => field_at.min(end + 1),
        (Some(end), None) => end + 1,
        (None, field_at) => field_at.unwrap_or(piece.len()),
    };
    let mut structure: String = piece[..length].iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    if structure.chars().all(|c| c.is_ascii_whitespace()) {
        structure.clear();
    }
    let mut id = None;
    let mut at = length;
    while let (Some(field), Some(line)) = (field, piece.get(at)) {
        at += 1;
        if !line.starts_with('>') {
            continue;
        }
        let name = line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(name, _)| name);
        let is_it = name.is_some_and(|name| name.trim_matches([' ', '\t']) == field);
        let value = piece.get(at).filter(|value| !blank(value));
        if is_it && id.is_none() {
            id = Some(value.cloned().unwrap_or_default());
        }
        while piece.get(at).is_some_and(|line| !blank(line)) {
            at += 1;
        }
    }
    let id = if field.is_some() { id.unwrap_or_default() } else { piece.first().cloned().unwrap_or_default() };
    let bytes = |s: &str| s.chars().map(|c| c as u8).collect();
    (bytes(&structure), bytes(id.trim_matches([' ', '\t'])))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_reader_agrees_with_a_second_reading_on_any_bytes(
        pieces in proptest::collection::vec(prop_oneof![
            6 => Just(&b"\n"[..]), 3 => Just(&b"$$$$\n"[..]), 2 => Just(&b"M  END\n"[..]), 2 => Just(&b"> <id>\n"[..]),
            1 => Just(&b"\r\n"[..]), 1 => Just(&b"abc"[..]), 1 => Just(&b" "[..]), 1 => Just(&b">"[..]),
            1 => Just(&b"$$$$"[..]), 1 => Just(&b"\xef\xbb\xbf"[..]), 1 => Just(&b"\0\xff"[..]), 1 => Just(&b"<id"[..]),
        ], 0..40),
        by_field in any::<bool>(),
    ) {
        let bytes = pieces.concat();
        let id = if by_field { SdfId::Field(b"id".to_vec()) } else { SdfId::Title };
        let (found, counts) = records(&bytes, id);
        prop_assert_eq!(&found, &reference(&bytes, by_field.then_some("id")));
        prop_assert!(counts.is_balanced(), "{:?}", counts);
        prop_assert_eq!(counts.records, found.len() as u64);
        let _ = fields(&bytes);
    }
}
