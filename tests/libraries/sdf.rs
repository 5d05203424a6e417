//! SD files as libraries: those that RDKit writes, and those of accidents.

use super::*;
use molsieve::library::format::Notation;

const RDKIT: &[u8] = include_bytes!("../fixtures/libraries/rdkit.sdf");
const TWO_MEMBERS: &[u8] = include_bytes!("../fixtures/libraries/rdkit-two-members.sdf.gz");

const MOL: &str = "\n  prog\n\n  0  0  0  0  0  0            999 V2000\nM  END\n";

fn counted(snapshot: &Snapshot) -> Vec<(&'static str, u64)> {
    snapshot.counts().named().into_iter().filter(|(_, n)| *n > 0).collect()
}

#[test]
fn what_rdkit_writes_is_read_as_it_wrote_it() {
    let place = Place::with("x.sdf", RDKIT);
    let snapshot = place.snapshot("x.sdf");
    assert_eq!((snapshot.records(), snapshot.notation()), (20, Notation::Molblock));
    // Every other title is empty: that is half of them, so they are still the ids.
    assert_eq!(snapshot.files()[0].format.to_string(), "SD file, id in the title line");
    let records = all(&snapshot);
    let text = String::from_utf8(RDKIT.to_vec()).unwrap();
    for ((structure, id), written) in records.iter().zip(text.split("$$$$\n")) {
        let (molfile, _) = written.split_once("M  END\n").unwrap();
        assert_eq!(String::from_utf8_lossy(structure), format!("{molfile}M  END\n"));
        assert_eq!(String::from_utf8_lossy(id), written.lines().next().unwrap());
    }
    assert_eq!(records.iter().filter(|(s, _)| s.windows(5).any(|w| w == b"V3000")).count(), 4);
    assert_eq!(snapshot.counts().fields_dropped, 40);
}

#[test]
fn one_root_for_every_compression_line_end_and_last_line() {
    let plain_place = Place::with("x.sdf", RDKIT);
    let plain = plain_place.snapshot("x.sdf");
    let text = String::from_utf8(RDKIT.to_vec()).unwrap();
    let dos = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    for (name, bytes) in [
        ("x.sdf.gz", TWO_MEMBERS.to_vec()),
        ("x.sd.bz2", in_pieces(bzip2, RDKIT, 3)),
        ("x.sdf.zst", zstd(RDKIT)),
        ("dos.sdf", dos.into_bytes()),
        ("no-end.sdf", RDKIT.strip_suffix(b"$$$$\n").unwrap().to_vec()),
        ("more.sdf", [RDKIT, b"\n  \n"].concat()),
    ] {
        let place = Place::with(name, &bytes);
        let snapshot = place.snapshot(name);
        assert_eq!(snapshot.root(), plain.root(), "{name}");
        assert_eq!(read(&snapshot, 3..17).unwrap(), all(&plain)[3..17], "{name}");
        let opened = Snapshot::open(snapshot.dir()).unwrap();
        assert_eq!((opened.notation(), opened.counts()), (Notation::Molblock, snapshot.counts()));
    }
}

#[test]
fn ids_come_from_the_field_that_was_named() {
    let place = Place::with("x.sdf", RDKIT);
    let said = FormatRequest { id_column: Some("catalogid".to_owned()), ..FormatRequest::default() };
    let snapshot = place.take(&place.said("x.sdf", said)).unwrap();
    assert_eq!(snapshot.files()[0].format.to_string(), "SD file, id in data field `CatalogID`");
    let ids: Vec<String> = all(&snapshot).into_iter().map(|(_, id)| String::from_utf8(id).unwrap()).collect();
    assert_eq!((ids[0].as_str(), ids[19].as_str()), ("Z1", "Z20"));
    assert_eq!(snapshot.counts().fields_dropped, 20);
    let said = FormatRequest { id_column: Some("Lot".to_owned()), ..FormatRequest::default() };
    let (code, what) = refusal(place.take(&place.said("x.sdf", said)));
    assert!(code == 2 && what.contains("`Lot`"), "{what}");
}

#[test]
fn every_accident_is_a_record_and_counted() {
    let record = |title: &str| format!("{title}{MOL}");
    for (why, bytes, records, odd) in [
        ("an empty record", format!("{}$$$$\n$$$$\n{}$$$$\n", record("a"), record("b")), 3, ("empty_structure", 1)),
        ("no delimiter at the end", format!("{}$$$$\n{}", record("a"), record("b")), 2, ("undelimited", 1)),
        ("cut inside a molfile", format!("{}$$$$\nb\n  prog\n\n  1  0", record("a")), 2, ("no_m_end", 1)),
        ("a NUL", format!("{}$$$$\n", record("a\0b")), 1, ("nul", 1)),
        ("a delimiter in a value", format!("{}> <x>\n1\n$$$$\n2\n\n$$$$\n", record("a")), 2, ("no_m_end", 1)),
        ("two megabytes", format!("{}> <x>\n{}\n\n$$$$\n", record("a"), "x".repeat(2 << 20)), 1, ("fields_dropped", 1)),
        (
            "a huge molfile",
            format!("a\n\n\n  0 V3000\n{}M  END\n$$$$\n", "C\n".repeat(1 << 20)),
            1,
            ("continued", 1_048_581),
        ),
    ] {
        let place = Place::with("x.sdf", bytes.as_bytes());
        let snapshot = place.snapshot("x.sdf");
        assert_eq!(snapshot.records(), records, "{why}");
        assert!(counted(&snapshot).contains(&odd), "{why}: {:?}", counted(&snapshot));
        assert_eq!(all(&snapshot).len() as u64, records, "{why}");
    }
}

#[test]
fn any_range_of_a_large_file_is_that_range() {
    let record = |i: u64| format!("id{i}{}> <x>\n{i}\n\n$$$$\n", "\n".to_owned() + &MOL[1..]);
    let bytes: String = (0..9000).map(record).collect();
    for (name, bytes) in [("x.sdf", bytes.clone().into_bytes()), ("x.sdf.gz", gzip(bytes.as_bytes()))] {
        let place = Place::with(name, &bytes);
        let snapshot = place.snapshot(name);
        assert_eq!((snapshot.records(), snapshot.files()[0].blocks), (9000, 3));
        for start in [0, 4095, 4096, 8191, 8990] {
            let found = read(&snapshot, start..start + 10).unwrap();
            let expected: Vec<String> = (start..start + 10).map(|i| format!("id{i}")).collect();
            assert!(found.iter().map(|(_, id)| id).eq(expected.iter().map(String::as_bytes)), "{name} {start}");
            assert!(found.iter().all(|(structure, id)| structure.starts_with(id) && structure.ends_with(b"M  END\n")));
        }
    }
    // One byte of a molfile that changed is refused.
    let place = Place::with("x.sdf", bytes.as_bytes());
    let snapshot = place.snapshot("x.sdf");
    place.write("x.sdf", bytes.replacen("prog", "grop", 1).as_bytes());
    assert_eq!(refusal(read(&snapshot, 0..1)).0, 2);
    assert_eq!(read(&snapshot, 8999..9000).unwrap().len(), 1);
}

#[test]
fn notations_are_not_mixed_and_the_root_tells_them_apart() {
    let place = Place::with("a.smi", b"CC\ta\n");
    place.write("b.sdf", RDKIT);
    let (code, what) = refusal(place.take(&place.request(&["a.smi", "b.sdf"])));
    assert!(code == 2 && what.contains("mixes notations") && what.contains("b.sdf"), "{what}");
    assert!(!place.path("snapshot").exists());

    let snapshot = place.snapshot("b.sdf");
    let path = place.path("snapshot/snapshot.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"notation\":\"molblock\""), "{text}");
    std::fs::write(&path, text.replace("\"notation\":\"molblock\",", "")).unwrap();
    assert_eq!(refusal(Snapshot::open(snapshot.dir())).0, 2);
    // And it is not only the word: the same digests under the other notation are another root.
    let as_smiles = text.replace("\"notation\":\"molblock\",", "").replace(
        "\"format\":{\"sdf\":{\"id\":\"title\"}}",
        "\"format\":{\"delimiter\":\"tab\",\"header\":null,\"id_column\":2,\"structure_column\":1}",
    );
    std::fs::write(&path, as_smiles).unwrap();
    let (code, what) = refusal(Snapshot::open(snapshot.dir()));
    assert!(code == 2 && what.contains("its root"), "{what}");
}

#[test]
fn what_is_no_sd_file_or_is_one_under_another_name_is_refused_with_what_to_say() {
    let place = Place::with("x.sdf", b"CC\ta\nCN\tb\n");
    let (code, what) = place.refusal("x.sdf");
    assert!(code == 2 && what.contains("not an SD file"), "{what}");
    place.write("y.smi", RDKIT);
    let (code, what) = place.refusal("y.smi");
    assert!(code == 2 && what.contains("an SD file"), "{what}");
    let said = FormatRequest { format: Some("sdf".parse().unwrap()), ..FormatRequest::default() };
    assert_eq!(place.take(&place.said("y.smi", said)).unwrap().records(), 20);
    let said = FormatRequest { structure_column: Some("1".to_owned()), ..FormatRequest::default() };
    place.write("z.sdf", RDKIT);
    assert_eq!(refusal(place.take(&place.said("z.sdf", said))).0, 2);
}

/// A scorer that answers with how many lines and bytes its structure has.
const LINES: &str = r#"
import json, sys
print(json.dumps({"name": "lines", "version": "1", "batch_size": 7, "deterministic": True,
                  "columns": [{"name": "lines", "type": "int"}, {"name": "last", "type": "string"}]}), flush=True)
for request in sys.stdin:
    request = json.loads(request)
    results = [[ordinal, "OK", {"lines": structure.count("\n"), "last": structure.split("\n")[-2]}]
               for ordinal, name, structure, seed in request["records"]]
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
"#;

#[test]
fn a_command_is_given_the_molfile_with_its_line_feeds() {
    let huge = format!("huge\n\n\n  0 V3000\n{}M  END\n$$$$\n", "M  V30 COMMENT\n".repeat(10_000));
    let bytes = [RDKIT, b"$$$$\nnul\n\0\n\n\nM  END\n$$$$\n\tt\n\n\n\nM  END\n$$$$\n", huge.as_bytes()].concat();
    let place = Place::with("x.sdf", &bytes);
    place.write("lines.py", LINES.as_bytes());
    place.write(
        "c.toml",
        b"[campaign]\nname = \"c\"\n[library]\npath = [\"x.sdf\"]\n[scorer]\nkind = \"command\"\nargv = [\"python3\", \"lines.py\"]\n[shards]\nrecords = 5\n",
    );
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_molsieve"))
        .args(["run", "c.toml", "--dir", "d"])
        .current_dir(place.path(""))
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let summary = std::fs::read_to_string(place.path("d/pack/summary.csv")).unwrap();
    let rows: Vec<&str> = summary.lines().skip(1).collect();
    let text = String::from_utf8_lossy(RDKIT).into_owned();
    for (row, written) in rows.iter().zip(text.split("$$$$\n").take(20)) {
        let lines = written.lines().position(|line| line == "M  END").unwrap() + 1;
        assert!(row.ends_with(&format!(",OK,,{lines},M  END")), "{row}");
    }
    let ends: Vec<&str> = rows[20..].iter().map(|row| row.split_once(',').unwrap().1).collect();
    assert_eq!(ends[0], ",SKIP,empty_structure,,");
    assert_eq!(ends[1], "nul,ERROR,bad_encoding,,");
    assert_eq!(ends[2], "t,OK,,5,M  END");
    assert_eq!(ends[3], "huge,ERROR,too_long,,");
}
