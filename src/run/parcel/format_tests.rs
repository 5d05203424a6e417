//! Parcels that are whole, and parcels that are not.

use super::*;

fn contents() -> Contents {
    Contents {
        schema: SCHEMA.to_owned(),
        plan: Digest::default(),
        wave: 1,
        task: Some(0),
        groups: vec![GroupIndex(3)],
        moved: Vec::new(),
        parts: Vec::new(),
    }
}

/// A parcel with parts of one large file, and one whole one.
fn parcel(dir: &Path) -> PathBuf {
    let (path, source) = (dir.join("a.parcel"), dir.join("source"));
    std::fs::write(&source, (0..=255).collect::<Vec<u8>>()).unwrap();
    let mut writer = Writer::create(&path, contents()).unwrap();
    writer.ranges(Path::new("library/carried/0.source"), &source, &[3..10, 200..256]).unwrap();
    writer.text(Path::new("plan.json"), b"{}\n").unwrap();
    writer.finish().unwrap();
    path
}

/// A parcel whose contents say what `change` makes of them, with the digest that they then have.
fn forged(path: &Path, change: impl FnOnce(&mut serde_json::Value)) -> Error {
    let bytes = std::fs::read(path).unwrap();
    let (rest, trailer) = bytes.split_at(bytes.len() - TRAILER as usize);
    let size = u64::from_le_bytes(trailer[..8].try_into().unwrap()) as usize;
    let (parts, said) = rest.split_at(rest.len() - size);
    let mut said: serde_json::Value = serde_json::from_slice(said).unwrap();
    change(&mut said);
    let said = json::to_line(&said).unwrap();
    let length = (said.len() as u64).to_le_bytes();
    let other = path.with_extension("forged");
    std::fs::write(&other, [parts, &said, &length[..], &digest::blake3(&said).0].concat()).unwrap();
    let place = path.with_extension("there");
    let opened = Parcel::open(&other);
    opened.and_then(|mut parcel| parcel.unpack(&CampaignDir::new(place), |_| false)).unwrap_err()
}

#[test]
fn parts_come_to_their_places_and_what_is_there_may_stay() {
    let temp = tempfile::tempdir().unwrap();
    let (path, place) = (parcel(temp.path()), temp.path().join("there"));
    let dir = CampaignDir::new(&place);
    Parcel::open(&path).unwrap().unpack(&dir, |_| false).unwrap();
    let there = std::fs::read(place.join("library/carried/0.source")).unwrap();
    let expected: Vec<u8> = (0..=255).map(|b| if (3..10).contains(&b) || b >= 200 { b } else { 0 }).collect();
    assert_eq!(there, expected);
    std::fs::write(place.join("plan.json"), "kept").unwrap();
    Parcel::open(&path).unwrap().unpack(&dir, |path| path == Path::new("plan.json")).unwrap();
    assert_eq!(std::fs::read(place.join("plan.json")).unwrap(), b"kept");
    Parcel::open(&path).unwrap().unpack(&dir, |_| false).unwrap();
    assert_eq!(std::fs::read(place.join("plan.json")).unwrap(), b"{}\n");
}

#[test]
fn a_parcel_in_which_any_byte_is_another_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = parcel(temp.path());
    let whole = std::fs::read(&path).unwrap();
    let dir = CampaignDir::new(temp.path().join("there"));
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let unpacked = Parcel::open(&path).and_then(|mut parcel| parcel.unpack(&dir, |_| false));
        assert!(unpacked.is_err(), "byte {at}");
    }
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(Parcel::open(&path).is_err(), "{length} bytes of it");
    }
}

#[test]
fn a_parcel_whose_paths_lead_elsewhere_or_whose_sizes_are_none_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = parcel(temp.path());
    for place in [
        "../plan.json",
        "/etc/passwd",
        "groups/../../x",
        "logs/x",
        "journal/000001.jsonl",
        "library",
        "",
        ".",
        "molsieve",
    ] {
        let error = forged(&path, |said| said["parts"][0]["path"] = place.into());
        assert!(error.what().contains("no place"), "{place}: {error}");
        let moved = serde_json::json!([{"from": "/a", "to": place, "program": true}]);
        assert!(forged(&path, |said| said["moved"] = moved).what().contains("no place"), "{place}");
    }
    let numbers = [("length", 1u64 << 54), ("length", 5), ("offset", 1 << 52), ("bytes", 8), ("bytes", 6)];
    for (name, number) in numbers {
        forged(&path, |said| said["parts"][0][name] = number.into());
    }
    forged(&path, |said| said["schema"] = "molsieve.parcel.v2".into());
    forged(&path, |said| said["more"] = 1.into());
    assert!(!temp.path().join("x").exists());
}

#[test]
fn nothing_is_written_through_a_link_or_into_what_has_another_name() {
    let temp = tempfile::tempdir().unwrap();
    let (path, place, mine) = (parcel(temp.path()), temp.path().join("there"), temp.path().join("mine"));
    let unpacked = || Parcel::open(&path).unwrap().unpack(&CampaignDir::new(&place), |_| false);
    std::fs::create_dir(&place).unwrap();
    std::fs::write(&mine, "mine").unwrap();
    let plants: [&dyn Fn(); 2] = [&|| std::os::unix::fs::symlink(&mine, place.join("plan.json")).unwrap(), &|| {
        std::fs::hard_link(&mine, place.join("plan.json")).unwrap();
    }];
    for plant in plants {
        plant();
        unpacked().unwrap();
        assert_eq!(std::fs::read(&mine).unwrap(), b"mine");
        assert_eq!(std::fs::read(place.join("plan.json")).unwrap(), b"{}\n");
        std::fs::remove_file(place.join("plan.json")).unwrap();
    }
    let outside = temp.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    for (real, link) in [("library", "library"), ("library/carried", "library/carried")] {
        std::fs::remove_dir_all(place.join(real)).unwrap();
        std::os::unix::fs::symlink(&outside, place.join(link)).unwrap();
        assert_eq!(unpacked().unwrap_err().kind(), crate::error::Kind::Environment, "{link}");
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0, "{link}");
        std::fs::remove_file(place.join(link)).unwrap();
        unpacked().unwrap();
    }
}

#[test]
fn a_file_that_no_file_system_holds_is_told_in_words_and_one_in_two_places_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = parcel(temp.path());
    let error = forged(&path, |said| {
        for part in [0, 1] {
            said["parts"][part]["length"] = (1_u64 << 53).into();
        }
    });
    // (A file system that holds so long a file goes on, and finds that the rest does not fit: also in words, also exit 6.)
    assert_eq!(error.kind(), crate::error::Kind::Environment, "{error}");
    let error = forged(&path, |said| {
        let parts = said["parts"].as_array_mut().unwrap();
        parts.swap(1, 2);
    });
    assert!(error.what().contains("are not together"), "{error}");
}
