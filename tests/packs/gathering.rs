//! Gather counts every record once (P1), believes receipts alone (P3), and names what is wrong.

use molsieve::canonical::json;
use molsieve::digest::{Digest, sha256};
use molsieve::error::Kind;
use molsieve::fs;
use molsieve::gather::Missing;
use molsieve::gather::survey::{self, Expected, GroupState};
use molsieve::id::GroupIndex;
use molsieve::pack::manifest::Manifest;
use molsieve::pack::seal::SealedPack;
use molsieve::pack::verify::{self, Code};
use molsieve::shard::receipt::Receipt;

use super::{anyone, codes, seal_pack};
use crate::support::sealed_groups::{ATTEMPT, Campaign, identity, other_row, row};

const OTHER: &str = "fedcba9876543210";

fn member(pack: &SealedPack, name: &str) -> Vec<u8> {
    std::fs::read(pack.path.join(name)).unwrap()
}

/// The payload digest by the recursive definition of RFC 6962.
fn reference_digest(summary: &[u8]) -> String {
    fn root(rows: &[&[u8]]) -> Digest {
        if let [row] = rows {
            return sha256(&[&[0], *row].concat());
        }
        let (left, right) = rows.split_at(rows.len().next_power_of_two() / 2);
        sha256(&[&[1][..], &root(left).0, &root(right).0].concat())
    }
    let rows: Vec<&[u8]> = summary.strip_suffix(b"\n").unwrap().split(|b| *b == b'\n').collect();
    root(&rows).sha256_uri()
}

#[test]
fn the_payload_is_the_same_whatever_the_shards_were() {
    let mut seen: Option<(String, Vec<Vec<u8>>)> = None;
    for shard_records in [1, 7, 64, 1000] {
        let root = tempfile::tempdir().unwrap();
        let campaign = Campaign::sealed(root.path(), 500, shard_records);
        let pack = seal_pack(&campaign, Missing::Refuse).unwrap();
        let files = ["summary.csv", "hits.csv", "metrics.json"].map(|name| member(&pack, name)).to_vec();
        assert_eq!(pack.manifest.payload.digest, reference_digest(&files[0]));
        let this = (pack.manifest.payload.digest, files);
        assert_eq!(*seen.get_or_insert_with(|| this.clone()), this, "{shard_records} a shard");
    }
}

#[test]
fn more_than_a_thousand_shards_are_packed_by_group() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::sealed(root.path(), 2500, 1);
    assert_eq!(campaign.plan.group_shards, 3);
    let pack = seal_pack(&campaign, Missing::Refuse).unwrap();
    assert_eq!(pack.manifest.records.total, 2500);
    assert_eq!(pack.manifest.payload.digest, reference_digest(&member(&pack, "summary.csv")));
}

#[test]
fn counts_hits_and_metrics_are_those_of_the_rows() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::sealed(root.path(), 100, 30);
    let pack = seal_pack(&campaign, Missing::Refuse).unwrap();
    let records = &pack.manifest.records;
    assert_eq!((records.total, records.ok, records.skip, records.error), (100, 90, 5, 5));
    assert_eq!((records.reasons["too_big"], records.reasons["unparsable"]), (5, 5));
    let summary = String::from_utf8(member(&pack, "summary.csv")).unwrap();
    let mut scored: Vec<(f64, u64, &str)> = summary
        .lines()
        .filter(|l| l.contains(",OK,") && !l.contains(",OK,,,"))
        .map(|l| {
            let score = l.split(",OK,,").nth(1).unwrap().split(',').next().unwrap();
            (score.parse().unwrap(), l.split(',').next().unwrap().parse().unwrap(), l)
        })
        .collect();
    let mean = scored.iter().map(|s| s.0).sum::<f64>() / scored.len() as f64;
    scored.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let hits = String::from_utf8(member(&pack, "hits.csv")).unwrap();
    let best: Vec<&str> = scored.iter().take(10).map(|s| s.2).collect();
    assert_eq!(hits.lines().skip(1).collect::<Vec<_>>(), best);
    assert_eq!(hits.lines().next(), summary.lines().next());
    let metrics: serde_json::Value = serde_json::from_slice(&member(&pack, "metrics.json")).unwrap();
    let score = &metrics["columns"][0];
    assert_eq!(score["n"], scored.len());
    assert_eq!(score["min"].as_f64(), Some(scored[0].0));
    assert!((score["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert_eq!(metrics["columns"].as_array().unwrap().len(), 2, "text columns have no metrics");
}

#[test]
fn missing_groups_are_counted_and_refused() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::new(root.path(), 95, 10);
    for group in [0, 1, 3, 4, 5, 6, 7, 8] {
        campaign.seal(GroupIndex(group));
    }
    let error = seal_pack(&campaign, Missing::Refuse).unwrap_err();
    assert_eq!(error.kind(), Kind::Incomplete);
    assert_eq!(error.what(), "15 of 95 records are missing: 2 of 10 task groups are not sealed (`000002`, `000009`)");
    assert!(error.hints()[0].contains("molsieve resume"), "{:?}", error.hints());
    assert!(!campaign.dir.pack().exists());
}

#[test]
fn an_incomplete_pack_says_so_everywhere() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::new(root.path(), 95, 10);
    for group in [1, 3, 4] {
        campaign.seal(GroupIndex(group));
    }
    let pack = seal_pack(&campaign, Missing::Allow).unwrap();
    assert!(!pack.manifest.complete);
    assert_eq!(pack.manifest.missing, [0..10, 20..30, 50..95]);
    assert_eq!(pack.manifest.records.total, 30);
    assert_eq!(pack.manifest.payload.digest, reference_digest(&member(&pack, "summary.csv")));
    let index = String::from_utf8(member(&pack, "index.md")).unwrap();
    assert!(index.contains("(INCOMPLETE)") && index.contains("- records 20 to 29"), "{index}");
    for path in [pack.path.clone(), pack.path.join("evidence_pack.zip")] {
        let report = verify::verify(&path, &anyone()).unwrap();
        assert_eq!(codes(&report), [Code::Incomplete]);
        assert!(report.is_sound() && !report.verified);
        assert_eq!(report.failure(), Some(Kind::Incomplete));
        assert!(!report.verified);
    }
}

#[test]
fn an_incomplete_pack_without_gaps_joins_the_trees() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::new(root.path(), 95, 10);
    campaign.seal(GroupIndex(0));
    campaign.seal(GroupIndex(1));
    let pack = seal_pack(&campaign, Missing::Allow).unwrap();
    assert_eq!(pack.manifest.missing, std::slice::from_ref(&(20..95)));
    assert_eq!(pack.manifest.payload.digest, reference_digest(&member(&pack, "summary.csv")));
}

#[test]
fn nothing_at_all_is_no_pack() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::new(root.path(), 95, 10);
    assert_eq!(seal_pack(&campaign, Missing::Allow).unwrap_err().kind(), Kind::Incomplete);
}

/// A receipt that is wrong in one way, and what gather says of it.
type Forgery = (&'static str, fn(&mut Receipt), Kind, &'static str);

const FORGERIES: [Forgery; 11] = [
    ("plan", |r| r.plan = Digest([1; 32]), Kind::Verification, "belongs to another plan"),
    ("scorer", |r| r.scorer = Digest([1; 32]), Kind::Verification, "belongs to another scorer"),
    ("schema", |r| r.schema = "molsieve.receipt.v9".to_owned(), Kind::Verification, "unknown schema"),
    ("group", |r| r.group = GroupIndex(2), Kind::Verification, "is a copy of `000002/0123456789abcdef`"),
    ("attempt", |r| r.attempt = OTHER.parse().unwrap(), Kind::Verification, "is a copy of"),
    (
        "overlap",
        |r| r.ordinals = 10..21,
        Kind::Verification,
        "covers records 10..21 where the plan says 10..20: they overlap",
    ),
    ("gap", |r| r.ordinals = 10..19, Kind::Verification, "they leave a gap"),
    ("counts", |r| r.counts.ok += 1, Kind::Verification, "do not add up"),
    ("reasons", |r| r.counts.reasons.clear(), Kind::Verification, "do not add up"),
    ("length", |r| r.rows.bytes += 1, Kind::Verification, "bytes of rows and the file has"),
    ("digest", |r| r.rows.blake3 = Digest([1; 32]), Kind::Verification, "have changed since they were sealed"),
];

#[test]
fn a_wrong_receipt_is_refused_by_name() {
    for (name, forge, kind, message) in FORGERIES {
        let root = tempfile::tempdir().unwrap();
        let campaign = Campaign::new(root.path(), 30, 10);
        campaign.seal(GroupIndex(0));
        campaign.seal_as(GroupIndex(1), ATTEMPT, row, forge);
        campaign.seal(GroupIndex(2));
        for missing in [Missing::Refuse, Missing::Allow] {
            let error = seal_pack(&campaign, missing).unwrap_err();
            assert_eq!(error.kind(), kind, "{name}");
            assert!(error.what().contains(message), "{name}: {}", error.what());
            assert!(error.what().contains("000001"), "{name}: {}", error.what());
            assert!(!error.hints().is_empty(), "{name}");
        }
        assert!(!campaign.dir.pack().exists(), "{name}");
    }
}

#[test]
fn a_receipt_that_is_not_canonical_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::sealed(root.path(), 20, 10);
    let path = campaign.dir.group(GroupIndex(1)).receipt(&ATTEMPT.parse().unwrap());
    let text = std::fs::read_to_string(&path).unwrap();
    for loose in [text.replace(":1,", ": 1,"), text.replace('{', "{\"x\":1,"), text[..40].to_owned(), String::new()] {
        fs::replace(&path, loose.as_bytes()).unwrap();
        let error = seal_pack(&campaign, Missing::Refuse).unwrap_err();
        assert_eq!(error.kind(), Kind::Verification, "{loose}");
        assert!(error.what().contains("000001/0123456789abcdef"), "{}", error.what());
    }
}

#[test]
fn rows_that_are_gone_are_computed_again() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::sealed(root.path(), 20, 10);
    fs::remove(&campaign.dir.group(GroupIndex(1)).rows(&ATTEMPT.parse().unwrap())).unwrap();
    let error = seal_pack(&campaign, Missing::Refuse).unwrap_err();
    assert_eq!(error.kind(), Kind::Environment);
    assert!(error.what().contains("rows file of receipt `000001/0123456789abcdef` is gone"), "{}", error.what());
    let expected = Expected::new(&campaign.identity, &campaign.plan).unwrap();
    let state = survey::group(&campaign.dir, &expected, GroupIndex(1)).unwrap();
    assert!(matches!(state, GroupState::RowsGone(..)), "the driver can see which group needs an attempt");
    campaign.seal_as(GroupIndex(1), OTHER, row, |_| {});
    let pack = seal_pack(&campaign, Missing::Refuse).unwrap();
    let provenance = String::from_utf8(member(&pack, "provenance.json")).unwrap();
    assert!(provenance.contains("not used: the rows file of receipt `000001/0123456789abcdef` is gone"));
}

/// What is done to the rows of a task group, and what gather says of it.
type Damage = (&'static str, fn(&mut Vec<Vec<u8>>), &'static str);

#[test]
fn changed_double_and_swapped_rows_are_named() {
    let damage: [Damage; 5] = [
        ("double", |rows| rows[4] = rows[3].clone(), "the row of record 13 stands where that of 14 should"),
        ("swapped", |rows| rows.swap(4, 5), "the row of record 15 stands where that of 14 should"),
        ("outcome", |rows| rows[0] = b"10,M0000010,FINE,,1,1,\n".to_vec(), "the outcome in the row of record 10"),
        ("reason", |rows| rows[0] = b"10,M0000010,ERROR,odd,,,\n".to_vec(), "the reason in the row of record 10"),
        ("number", |rows| rows[0] = b"10,M0000010,OK,,NaN,1,\n".to_vec(), "a numeric cell in the row of record 10"),
    ];
    for (name, damage, message) in damage {
        let root = tempfile::tempdir().unwrap();
        let campaign = Campaign::new(root.path(), 20, 10);
        campaign.seal(GroupIndex(0));
        campaign.seal(GroupIndex(1));
        let group = campaign.dir.group(GroupIndex(1));
        let attempt = ATTEMPT.parse().unwrap();
        let old = std::fs::read(group.rows(&attempt)).unwrap();
        let mut rows: Vec<Vec<u8>> = old.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        damage(&mut rows);
        let new = rows.concat();
        fs::replace(&group.rows(&attempt), &new).unwrap();
        let receipt = std::fs::read_to_string(group.receipt(&attempt)).unwrap();
        let receipt = receipt.replace(&format!("\"bytes\":{}", old.len()), &format!("\"bytes\":{}", new.len()));
        let receipt =
            receipt.replace(&molsieve::digest::blake3(&old).to_string(), &molsieve::digest::blake3(&new).to_string());
        let receipt: Receipt = serde_json::from_str(&receipt).unwrap();
        let receipt = json::to_line(&receipt.sealed().unwrap()).unwrap();
        fs::replace(&group.receipt(&attempt), &receipt).unwrap();
        let error = seal_pack(&campaign, Missing::Refuse).unwrap_err();
        assert_eq!(error.kind(), Kind::Verification, "{name}");
        assert!(error.what().contains(message), "{name}: {}", error.what());
    }
}

#[test]
fn rows_with_other_outcomes_than_the_receipt_counts_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::new(root.path(), 20, 20);
    campaign.seal_as(GroupIndex(0), ATTEMPT, row, |r| {
        r.counts.ok -= 1;
        r.counts.skip += 1;
        *r.counts.reasons.get_mut("too_big").unwrap() += 1;
    });
    let error = seal_pack(&campaign, Missing::Refuse).unwrap_err();
    assert_eq!(error.kind(), Kind::Verification);
    assert!(error.what().contains("hold other outcomes than its receipt counts"), "{}", error.what());
}

#[test]
fn the_lowest_of_equal_twins_is_taken() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::sealed(root.path(), 20, 10);
    campaign.seal_as(GroupIndex(0), OTHER, row, |_| {});
    let pack = seal_pack(&campaign, Missing::Refuse).unwrap();
    let provenance: serde_json::Value = serde_json::from_slice(&member(&pack, "provenance.json")).unwrap();
    assert_eq!(provenance["twins"], 1);
    assert_eq!(provenance["groups"][0]["attempt"], ATTEMPT);
    assert_eq!(provenance["discrepancies"], serde_json::json!([]));
    assert_eq!(provenance["campaign"]["events"], 3);
}

#[test]
fn a_twin_that_differs_is_an_error_of_a_deterministic_scorer() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::sealed(root.path(), 20, 10);
    campaign.seal_as(GroupIndex(0), OTHER, other_row, |_| {});
    let error = seal_pack(&campaign, Missing::Refuse).unwrap_err();
    assert_eq!(error.kind(), Kind::Verification);
    assert!(error.what().contains(ATTEMPT) && error.what().contains(OTHER), "{}", error.what());
}

#[test]
fn a_twin_that_differs_is_a_discrepancy_of_any_other() {
    let root = tempfile::tempdir().unwrap();
    let mut identity = identity(20);
    identity.scorer.description.deterministic = false;
    let campaign = Campaign::of(root.path(), identity, 10);
    campaign.plan.all_groups().for_each(|g| campaign.seal(g));
    campaign.seal_as(GroupIndex(0), OTHER, other_row, |_| {});
    let pack = seal_pack(&campaign, Missing::Refuse).unwrap();
    let provenance = String::from_utf8(member(&pack, "provenance.json")).unwrap();
    assert!(provenance.contains(&format!("attempt `000000/{OTHER}` came to other rows than `{ATTEMPT}`")));
}

#[test]
fn a_group_that_the_plan_does_not_have_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::sealed(root.path(), 20, 10);
    std::fs::create_dir(campaign.dir.groups().join("000007")).unwrap();
    seal_pack(&campaign, Missing::Refuse).expect("an empty directory is no group");
    std::fs::write(campaign.dir.groups().join("000007").join(format!("{ATTEMPT}.receipt.json")), "{}").unwrap();
    let error = seal_pack(&campaign, Missing::Refuse).unwrap_err();
    assert_eq!(error.kind(), Kind::Verification);
    assert!(error.what().contains("`groups/000007`"), "{}", error.what());
}

#[test]
fn checkpoints_and_foreign_files_in_a_group_do_not_matter() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::sealed(root.path(), 20, 10);
    for name in [".nfs0001", "notes.txt", "0123456789abcdef.checkpoint", "x.receipt.json", &format!("{OTHER}.rows")] {
        std::fs::write(campaign.dir.group(GroupIndex(0)).root().join(name), "x").unwrap();
    }
    seal_pack(&campaign, Missing::Refuse).unwrap();
}

#[test]
fn a_plan_of_another_campaign_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let mut campaign = Campaign::sealed(root.path(), 20, 10);
    campaign.identity.seed += 1;
    let error = seal_pack(&campaign, Missing::Refuse).unwrap_err();
    assert_eq!(error.kind(), Kind::Verification);
}

#[test]
fn circumstantial_outcomes_are_counted_in_the_manifest() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::new(root.path(), 20, 20);
    campaign.seal_as(
        GroupIndex(0),
        ATTEMPT,
        |block, ordinal| {
            use molsieve::library::record::Record;
            use molsieve::scorer::Verdict;
            let record = Record { ordinal, id: b"", structure: b"C" };
            let verdict = if ordinal < 3 { Verdict::error("timeout") } else { Verdict::ok(Vec::new()) };
            block.push(&record, &verdict, 3);
        },
        |_| {},
    );
    let pack = seal_pack(&campaign, Missing::Refuse).unwrap();
    assert_eq!(pack.manifest.circumstantial, 3);
    let read = Manifest::read(&member(&pack, "manifest.json")).unwrap();
    assert_eq!(read, pack.manifest);
    assert!(String::from_utf8(member(&pack, "index.md")).unwrap().contains("3 records ended in a way"));
}
