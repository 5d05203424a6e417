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
fn nothing_is_written_through_a_link() {
    let temp = tempfile::tempdir().unwrap();
    let (path, place) = (parcel(temp.path()), temp.path().join("there"));
    std::fs::create_dir(&place).unwrap();
    std::fs::write(temp.path().join("mine"), "mine").unwrap();
    std::os::unix::fs::symlink(temp.path().join("mine"), place.join("plan.json")).unwrap();
    Parcel::open(&path).unwrap().unpack(&CampaignDir::new(&place), |_| false).unwrap_err();
    assert_eq!(std::fs::read(temp.path().join("mine")).unwrap(), b"mine");
}
