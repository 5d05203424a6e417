//! Packs: what is gathered, sealed and signed is what was computed, and anything else is noticed.

mod encodings;
mod fixtures;
mod from_outside;
mod gathering;
mod hostile;
mod interrupted;
mod sealing;
mod signers;

use std::path::{Path, PathBuf};

use molsieve::error::Result;
use molsieve::gather::{Missing, gather};
use molsieve::pack::keys::{self, PrivateKey, PublicKey};
use molsieve::pack::seal::{self, SealedPack};
use molsieve::pack::sign;
use molsieve::pack::verify::{self, Code, Report, Trust};
use tempfile::TempDir;

use crate::support::sealed_groups::Campaign;

/// A sealed campaign, its pack and a key.
struct Packed {
    root: TempDir,
    campaign: Campaign,
    key: PathBuf,
}

impl Packed {
    /// A signed pack of `records` records.
    fn signed(records: u64, shard_records: u64) -> Self {
        let packed = Self::unsigned(records, shard_records);
        packed.sign();
        packed
    }

    /// The same, before it is signed.
    fn unsigned(records: u64, shard_records: u64) -> Self {
        let root = tempfile::tempdir().unwrap();
        let campaign = Campaign::sealed(&root.path().join("D"), records, shard_records);
        seal_pack(&campaign, Missing::Refuse).unwrap();
        let key = root.path().join("K.pem");
        keys::generate(&key).unwrap();
        Self { root, campaign, key }
    }

    fn pack(&self) -> PathBuf {
        self.campaign.dir.pack()
    }

    fn zip(&self) -> PathBuf {
        self.pack().join("evidence_pack.zip")
    }

    fn sign(&self) {
        sign::sign(&self.pack(), &[self.private()]).unwrap();
    }

    fn private(&self) -> PrivateKey {
        PrivateKey::load(&self.key).unwrap()
    }

    fn public(&self) -> PublicKey {
        self.private().public().unwrap()
    }

    fn trust(&self) -> Trust {
        Trust { keys: vec![self.public()], ..Trust::default() }
    }

    fn verify(&self, path: &Path) -> Report {
        verify::verify(path, &self.trust()).unwrap()
    }
}

/// Gathers and seals, as the command does.
fn seal_pack(campaign: &Campaign, missing: Missing) -> Result<SealedPack> {
    let gathered = gather(&campaign.dir, &campaign.identity, &campaign.plan, missing)?;
    let facts = serde_json::json!({"events": 3});
    // There is no library here: a pack is sealed without one.
    let library = campaign.dir.root().join("no-library");
    let Campaign { dir, identity, plan } = campaign;
    let request = seal::Request { dir, identity, plan, library: &library, exports: &[], facts };
    seal::seal(gathered, &request)
}

/// The codes of all problems, sorted.
fn codes(report: &Report) -> Vec<Code> {
    let mut codes: Vec<Code> = report.problems.iter().map(|p| p.code).collect();
    codes.sort();
    codes.dedup();
    codes
}

/// Trust that does not mind that nobody signed.
fn anyone() -> Trust {
    Trust::integrity()
}
