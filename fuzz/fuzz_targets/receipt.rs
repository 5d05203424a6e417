//! Any bytes are a receipt that is written back the same, or refused; only a sound one proves something.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::canonical::json;
use molsieve::digest::Digest;
use molsieve::digest::merkle::CompactRange;
use molsieve::gather::survey::{self, Expected, GroupState};
use molsieve::id::{AttemptId, GroupIndex};
use molsieve::shard::receipt::{self, Proven, Receipt};
use serde_json::Value;

/// The attempt that the seeds are of.
const ATTEMPT: &str = "0123456789abcdef";

/// The receipt in `data` as one of this campaign, if it is JSON at all: so that the checks behind those are reached.
fn of_this_campaign(data: &[u8], expected: &[(&str, Digest)]) -> Option<Vec<u8>> {
    let Ok(Value::Object(mut receipt)) = serde_json::from_slice(data) else { return None };
    for (key, digest) in expected {
        receipt.insert((*key).to_owned(), serde_json::to_value(digest).ok()?);
    }
    json::to_line(&Value::Object(receipt)).ok()
}

fuzz_target!(|data: &[u8]| {
    let attempt: AttemptId = ATTEMPT.parse().unwrap();
    let dir = molsieve_fuzz::group_dir();
    std::fs::write(dir.receipt(&attempt), data).unwrap();
    let identity = molsieve_fuzz::identity(20);
    let mut plan = molsieve_fuzz::plan(20);
    plan.campaign = identity.digest().unwrap();
    let (plan_digest, scorer) = (plan.digest().unwrap(), identity.scorer.digest().unwrap());
    let expected = Expected::new(&identity, &plan).unwrap();
    if let Some(ours) = of_this_campaign(data, &[("plan", plan_digest), ("scorer", scorer)]) {
        std::fs::write(dir.receipt(&attempt), ours).unwrap();
        std::fs::write(dir.rows(&attempt), b"").unwrap();
        let judged = survey::group(&molsieve_fuzz::campaign_dir(), &expected, GroupIndex(0)).unwrap();
        let proven = Proven { plan: &plan, plan_digest, scorer };
        let found = receipt::find(&proven, &dir, GroupIndex(0)).unwrap();
        assert_eq!(found.is_some(), matches!(judged, GroupState::Sealed(_)), "worker and gather disagree");
        std::fs::write(dir.receipt(&attempt), data).unwrap();
    }
    let Ok(read) = Receipt::read(&dir, &attempt) else { return };
    assert_eq!(json::to_line(&read).unwrap(), data);
    let _ = read.counts.circumstantial();
    let mut tree = CompactRange::starting_at(0);
    let _ = tree.join(&read.tree);
    let _ = tree.root();
});
