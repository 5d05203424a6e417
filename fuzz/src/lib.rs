//! What the targets have in common: a place for files, and a small campaign to judge by.

use std::path::Path;
use std::sync::LazyLock;

use molsieve::campaign::identity::{self, Identity, LibraryIdentity, PackRequest};
use molsieve::digest::Digest;
use molsieve::id::GroupIndex;
use molsieve::layout::{CampaignDir, GroupDir};
use molsieve::scorer::identity::ScorerIdentity;
use molsieve::scorer::{Column, ColumnType, Description, Order};
use molsieve::shard::plan::Plan;

static PLACE: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary directory"));

/// A directory of this process; set `TMPDIR` to one in memory.
pub fn place() -> &'static Path {
    PLACE.path()
}

/// A campaign directory in it.
pub fn campaign_dir() -> CampaignDir {
    CampaignDir::new(place())
}

/// The directory of the first task group, which is there.
pub fn group_dir() -> GroupDir {
    let dir = campaign_dir().group(GroupIndex(0));
    std::fs::create_dir_all(dir.root()).expect("a directory");
    dir
}

/// A plan of `records` records in one task group.
pub fn plan(records: u64) -> Plan {
    Plan::new(Digest::default(), records, records).expect("a plan")
}

/// What a scorer with a column of each type says about itself.
pub fn description() -> Description {
    let column = |name: &str, kind| Column::new(name, kind, Order::Desc);
    Description {
        name: "fuzz".to_owned(),
        version: "1".to_owned(),
        columns: vec![
            column("score", ColumnType::Float),
            column("count", ColumnType::Int),
            column("text", ColumnType::String),
        ],
        deterministic: true,
        reasons: vec!["no_fit".to_owned(), "too_big".to_owned()],
    }
}

/// A campaign of `records` records with that scorer.
pub fn identity(records: u64) -> Identity {
    Identity {
        schema: identity::SCHEMA.to_owned(),
        name: "fuzz".to_owned(),
        seed: 1,
        library: LibraryIdentity { root: Digest::default(), records },
        scorer: ScorerIdentity {
            kind: "command".to_owned(),
            description: description(),
            seed_domain: "fuzz".to_owned(),
            argv: vec!["scorer".to_owned()],
            files: Vec::new(),
            settings: serde_json::Map::new(),
        },
        pack: PackRequest { outputs: vec!["csv".to_owned()], rank: None, top: 0 },
        parent: None,
    }
}
