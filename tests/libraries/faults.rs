//! Inputs that are no library, and systems that refuse: what is said, and with which exit code.

use super::*;

#[test]
fn no_path_no_match_and_no_record_are_exit_2_and_say_which() {
    let place = Place::with("x.smi", b"CC\ta\n");
    place.write("empty.smi", b"");
    place.write("header.smi", b"smiles\tid\n");
    place.write("notes.smi", b"# nothing yet\n\n   \n");
    place.write("empty.smi.gz", &gzip(b""));
    place.write("dir/y.smi", b"CC\ta\n");
    for (path, says) in [
        ("none.smi", "there is no"),
        ("x.smi/y.smi", "there is no"),
        ("none*.smi", "no file matches"),
        ("", "is empty"),
        ("dir", "not a regular file"),
        ("empty.smi", "holds no record"),
        ("header.smi", "holds no record"),
        ("notes.smi", "holds no record"),
        ("empty.smi.gz", "holds no record"),
    ] {
        let (code, what) = place.refusal(path);
        assert!(code == 2 && what.contains(says), "{path}: {code} {what}");
        assert!(path.contains('*') || what.contains(path.split('/').next().unwrap()), "{what}");
        assert!(!place.path("snapshot/snapshot.json").exists());
    }
    assert_eq!(refusal(place.take(&place.request(&[]))).0, 2);
}

#[test]
fn a_file_named_twice_is_refused_because_its_records_would_count_twice() {
    let place = Place::with("x.smi", b"CC\ta\n");
    let (code, what) = refusal(place.take(&place.request(&["*.smi", "x.smi"])));
    assert!(code == 2 && what.contains("named twice"), "{what}");
}

#[test]
fn a_truncated_compressed_library_is_exit_2_wherever_it_ends() {
    let bytes = three_blocks();
    for (name, whole) in [("x.smi.gz", gzip(&bytes)), ("x.smi.bz2", bzip2(&bytes)), ("x.smi.zst", zstd(&bytes))] {
        let place = Place::new();
        for keep in [0, 1, 2, 3, 9, 11, 20, whole.len() / 2, whole.len() - 5, whole.len() - 1] {
            place.write(name, &whole[..keep]);
            let (code, what) = place.refusal(name);
            assert!(code == 2 && what.contains("truncated or damaged"), "{name} cut to {keep}: {code} {what}");
            assert!(what.contains(name), "{what}");
        }
        // A second piece that is cut, after a whole one.
        for keep in [5, whole.len() / 2, whole.len() - 1] {
            place.write(name, &[whole.as_slice(), &whole[..keep]].concat());
            assert_eq!(place.refusal(name).0, 2, "{name}, second piece cut to {keep}");
        }
        place.write(name, &[whole.as_slice(), b"trailing bytes"].concat());
        assert_eq!(place.refusal(name).0, 2, "{name} with something after it");
    }
}

#[test]
fn damage_inside_a_compressed_library_is_exit_2() {
    let bytes = three_blocks();
    for (name, whole) in [("x.smi.gz", gzip(&bytes)), ("x.smi.bz2", bzip2(&bytes))] {
        let mut damaged = whole.clone();
        let at = whole.len() / 2;
        damaged[at] ^= 0xff;
        assert_eq!(Place::with(name, &damaged).refusal(name).0, 2, "{name}");
    }
}

#[test]
fn the_first_bad_file_is_named_and_when_it_is_mended_the_others_are_not_read_again() {
    let place = Place::with("a.smi", &three_blocks());
    place.write("b.smi.gz", &gzip(&three_blocks())[..500]);
    place.write("c.smi.gz", &gzip(&three_blocks())[..600]);
    for _ in 0..5 {
        let (code, what) = place.refusal("*.smi*");
        assert_eq!(code, 2);
        assert!(what.contains("b.smi.gz") || what.contains("c.smi.gz"), "{what}");
    }
    assert!(!place.path("snapshot/snapshot.json").exists());
    place.write("b.smi.gz", &gzip(&three_blocks()));
    place.write("c.smi.gz", &gzip(&three_blocks()));
    let begun = std::sync::Mutex::new(Vec::new());
    let progress = |_, records| begun.lock().unwrap().push(records);
    let snapshot = take(&place.request(&["*.smi*"]), &place.path("snapshot"), 2, &progress).unwrap();
    assert_eq!((snapshot.records(), begun.lock().unwrap()[0]), (30_000, 10_000));
    assert_eq!(all(&snapshot).len(), 30_000);
}

#[test]
fn foreign_formats_are_refused_by_name_and_by_content() {
    let sdf = b"name\n  prog\n\n  1  0\nM  END\n$$$$\n";
    for (name, bytes) in [
        ("x.mol2", &sdf[..]),
        ("x.parquet", b"PAR1rest"),
        ("x.smi", sdf),
        ("x.smi", b"PAR1rest"),
        ("x.csv", b"PK\x03\x04rest"),
        ("x.smi", b"\xfd7zXZ\0rest"),
        ("x.txt", b"\xff\xfeC\0C\0\n\0"),
        ("x.h5", b"\x89HDF"),
    ] {
        let (code, what) = Place::with(name, bytes).refusal(name);
        assert!(code == 2 && what.contains(name), "{name}: {what}");
    }
    // A name that is wrong can be overruled.
    let place = Place::with("x.sdf", b"CC\ta\n");
    let said = FormatRequest { format: Some("smi".parse().unwrap()), ..FormatRequest::default() };
    assert_eq!(all(&place.take(&place.said("x.sdf", said)).unwrap()), pairs(&[("CC", "a")]));
}

#[test]
fn what_was_said_about_columns_must_fit_the_file() {
    let place = Place::with("x.csv", b"id,smiles\na,CC\n");
    let with = |structure: Option<&str>, id: Option<&str>, header| FormatRequest {
        structure_column: structure.map(str::to_owned),
        id_column: id.map(str::to_owned),
        header,
        ..FormatRequest::default()
    };
    for (said, says) in [
        (with(Some("mol"), None, None), "there is no column `mol`"),
        (with(Some("3"), None, None), "there is no column `3`"),
        (with(Some("0"), None, None), "cannot hold structures"),
        (with(Some("smiles"), None, Some(false)), "has no header"),
        (with(Some("1"), Some("1"), None), "cannot both be"),
        (with(None, Some("99999999999999999999999"), None), "there is no column"),
    ] {
        let (code, what) = refusal(place.take(&place.said("x.csv", said)));
        assert!(code == 2 && what.contains(says), "{what}");
    }
    let said = with(Some("SMILES"), Some("0"), None);
    assert_eq!(all(&place.take(&place.said("x.csv", said)).unwrap()), pairs(&[("CC", "")]));
    let said = with(Some("1"), Some("2"), Some(false));
    assert_eq!(all(&place.take(&place.said("x.csv", said)).unwrap()), pairs(&[("id", "smiles"), ("a", "CC")]));
}

#[test]
fn a_path_that_the_system_refuses_is_exit_6() {
    let place = Place::new();
    std::os::unix::fs::symlink(place.path("loop.smi"), place.path("loop.smi")).unwrap();
    assert_eq!(place.refusal("loop.smi").0, 6);
    place.write("secret.smi", b"CC\ta\n");
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    std::fs::set_permissions(place.path("secret.smi"), permissions).unwrap();
    // The superuser may read it all the same.
    if std::fs::File::open(place.path("secret.smi")).is_err() {
        assert_eq!(place.refusal("secret.smi").0, 6);
    }
}

#[test]
fn a_snapshot_that_cannot_be_written_is_exit_6() {
    let place = Place::with("x.smi", b"CC\ta\n");
    place.write("snapshot", b"a file is in the way");
    assert_eq!(place.refusal("x.smi").0, 6);
}

#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let place = Place::new();
    let path = place.path("pipe.smi");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert_eq!(place.refusal("pipe.smi").0, 2);
}

#[test]
fn names_with_glob_characters_spaces_and_odd_bytes_are_names() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    place.write("a[1].smi", b"CC\ta\n");
    place.write("d [x]/b c.smi", b"CN\tb\n");
    assert_eq!(all(&place.snapshot("a[1].smi")), pairs(&[("CC", "a")]));
    let inside = LibraryRequest { base: place.path("d [x]"), ..LibraryRequest::of(["*.smi"]) };
    assert_eq!(all(&place.take(&inside).unwrap()), pairs(&[("CN", "b")]));
    place.write("e/.hidden.smi", b"CF\td\n");
    let odd = place.path("e").join(std::ffi::OsStr::from_bytes(b"odd\xff\\.smi"));
    place.write("e/plain.smi", b"CO\tc\n");
    std::fs::rename(place.path("e/plain.smi"), &odd).unwrap();
    let snapshot = place.snapshot("e/*");
    assert_eq!(all(&Snapshot::open(snapshot.dir()).unwrap()), pairs(&[("CO", "c")]));
    assert_eq!(snapshot.files()[0].source.path().unwrap(), odd);
}
