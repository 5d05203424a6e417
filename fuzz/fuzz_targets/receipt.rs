//! Any bytes are a receipt that is written back the same, or refused; it counts for the worker if it does for gather.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::canonical::json;
use molsieve::digest::merkle::CompactRange;
use molsieve::gather::survey::{self, Expected, GroupState};
use molsieve::id::{AttemptId, GroupIndex};
use molsieve::shard::judge::{self, Judged, Proven};
use molsieve::shard::receipt::Receipt;

/// The attempt that the seeds are of.
const ATTEMPT: &str = "0123456789abcdef";
const GROUP: GroupIndex = GroupIndex(0);

fuzz_target!(|data: &[u8]| {
    let attempt: AttemptId = ATTEMPT.parse().unwrap();
    let dir = molsieve_fuzz::group_dir();
    let identity = molsieve_fuzz::identity(20);
    let mut plan = molsieve_fuzz::plan(20);
    plan.campaign = identity.digest().unwrap();
    let expected = Expected::new(&identity, &plan).unwrap();
    let (plan_digest, scorer) = (plan.digest().unwrap(), identity.scorer.digest().unwrap());
    let proven = Proven { plan: &plan, plan_digest, scorer };

    std::fs::write(dir.receipt(&attempt), data).unwrap();
    std::fs::write(dir.rows(&attempt), b"").unwrap();
    let _ = judge::judge(&proven, &dir, GROUP, &attempt).unwrap();
    if let Ok(read) = json::from_slice::<Receipt>("the receipt", data) {
        assert!(json::to_line(&read).unwrap() == data || json::to_vec(&read).unwrap() == data);
    }

    // As one of this campaign, with a seal that holds: so that the checks behind those are reached.
    let Ok(read) = serde_json::from_slice::<Receipt>(data) else { return };
    let Ok(ours) = (Receipt { plan: plan_digest, scorer, ..read }).sealed() else { return };
    std::fs::write(dir.receipt(&attempt), json::to_line(&ours).unwrap()).unwrap();
    let found = judge::find(&proven, &dir, GROUP).unwrap();
    let judged = judge::judge(&proven, &dir, GROUP, &attempt).unwrap();
    let gathered = survey::group(&molsieve_fuzz::campaign_dir(), &expected, GROUP).unwrap();
    assert_eq!(found.is_some(), matches!(judged, Judged::Counts(_)));
    assert_eq!(found.is_some(), matches!(gathered, GroupState::Sealed(_)), "worker and gather disagree");
    let _ = ours.counts.circumstantial();
    let mut tree = CompactRange::starting_at(plan.group(GROUP).start + 1);
    let joined = tree.join(&ours.tree);
    assert!(found.is_none() || joined.is_ok(), "what counts cannot be joined");
});
