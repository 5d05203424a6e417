//! Campaign directories as workers leave them: task groups with real rows and real receipts, made up in no time.

use std::borrow::Cow;
use std::path::Path;

use molsieve::campaign::identity::{self, Identity, LibraryIdentity, PackRequest, Rank};
use molsieve::canonical::json;
use molsieve::digest::merkle::{self, CompactRange};
use molsieve::digest::{self, Digest};
use molsieve::fs;
use molsieve::id::{AttemptId, GroupIndex, Ordinal};
use molsieve::layout::CampaignDir;
use molsieve::library::record::Record;
use molsieve::scorer::identity::ScorerIdentity;
use molsieve::scorer::row::RowBlock;
use molsieve::scorer::{Column, ColumnType, Description, Order, PoolFacts, Value, Verdict};
use molsieve::shard::plan::Plan;
use molsieve::shard::receipt::{self, Counts, Execution, Receipt, RowsFile};

/// A campaign directory with a plan, and task groups as they are asked for.
pub struct Campaign {
    pub dir: CampaignDir,
    pub identity: Identity,
    pub plan: Plan,
}

/// The first attempt in every task group, unless another is asked for.
pub const ATTEMPT: &str = "0123456789abcdef";

impl Campaign {
    /// An empty campaign of `records` records in shards of `shard_records`.
    pub fn new(root: &Path, records: u64, shard_records: u64) -> Self {
        Self::of(root, identity(records), shard_records)
    }

    /// An empty campaign of `identity`.
    pub fn of(root: &Path, identity: Identity, shard_records: u64) -> Self {
        let plan = Plan::new(identity.digest().unwrap(), identity.library.records, shard_records).unwrap();
        Self { dir: CampaignDir::new(root), identity, plan }
    }

    /// The same, with every task group sealed.
    pub fn sealed(root: &Path, records: u64, shard_records: u64) -> Self {
        let campaign = Self::new(root, records, shard_records);
        campaign.plan.all_groups().for_each(|group| campaign.seal(group));
        campaign
    }

    /// Seals one task group.
    pub fn seal(&self, group: GroupIndex) {
        self.seal_as(group, ATTEMPT, row, |_| {});
    }

    /// Seals one task group as `attempt`, with rows by `row`, and a receipt that `forge` may change.
    pub fn seal_as(
        &self,
        group: GroupIndex,
        attempt: &str,
        row: impl Fn(&mut RowBlock, Ordinal),
        forge: impl FnOnce(&mut Receipt),
    ) {
        let ordinals = self.plan.group(group);
        let mut tree = CompactRange::starting_at(ordinals.start + 1);
        let (mut counts, mut rows) = (Counts::default(), Vec::new());
        for ordinal in ordinals.clone() {
            let mut block = RowBlock::default();
            row(&mut block, ordinal);
            let line = block.line(0);
            tree.push(merkle::leaf(&line[..line.len() - 1]));
            counts.add(block.metas()[0].outcome, block.reason(0));
            rows.extend_from_slice(line);
        }
        let mut receipt = Receipt {
            schema: receipt::SCHEMA.to_owned(),
            plan: self.plan.digest().unwrap(),
            scorer: self.identity.scorer.digest().unwrap(),
            group,
            ordinals,
            attempt: attempt.parse().unwrap(),
            rows: RowsFile { bytes: rows.len() as u64, blake3: digest::blake3(&rows) },
            tree,
            counts,
            files: None,
            execution: execution(),
            seal: Digest::default(),
        };
        forge(&mut receipt);
        let receipt = receipt.sealed().unwrap();
        self.put(group, attempt, &rows, &json::to_line(&receipt).unwrap());
    }

    /// Writes the files of an attempt.
    pub fn put(&self, group: GroupIndex, attempt: &str, rows: &[u8], receipt: &[u8]) {
        let group_dir = self.dir.group(group);
        let attempt: AttemptId = attempt.parse().unwrap();
        fs::create_dir(group_dir.root()).unwrap();
        assert!(fs::write_new(&group_dir.rows(&attempt), rows).unwrap());
        assert!(fs::write_new(&group_dir.receipt(&attempt), receipt).unwrap());
    }
}

/// A campaign over `records` records with a float, an int and a text column, ranked by the float.
pub fn identity(records: u64) -> Identity {
    let column = |name: &str, kind, order| Column::new(name, kind, order);
    let score = column("score", ColumnType::Float, Order::Asc);
    Identity {
        schema: identity::SCHEMA.to_owned(),
        name: "made-up".to_owned(),
        seed: 7,
        library: LibraryIdentity { root: Digest([7; 32]), records },
        scorer: ScorerIdentity {
            kind: "command".to_owned(),
            description: Description {
                name: "made-up".to_owned(),
                version: "1".to_owned(),
                columns: vec![
                    score.clone(),
                    column("count", ColumnType::Int, Order::Desc),
                    column("nearest", ColumnType::String, Order::Desc),
                ],
                deterministic: true,
                reasons: vec!["too_big".to_owned(), "unparsable".to_owned()],
            },
            seed_domain: "made-up".to_owned(),
            argv: vec!["scorer".to_owned()],
            files: Vec::new(),
            settings: serde_json::Map::new(),
        },
        pack: PackRequest {
            outputs: vec!["csv".to_owned()],
            rank: Some(Rank { column: score, order: Order::Asc }),
            top: 10,
        },
        parent: None,
    }
}

/// The row of one record: mostly scored, with ties, empty cells, quotes, and every outcome.
pub fn row(block: &mut RowBlock, ordinal: Ordinal) {
    let id = format!("M{ordinal:07}");
    let id: &[u8] = match ordinal % 50 {
        11 => b"a,\"quoted\" \xff id",
        12 => b"",
        _ => id.as_bytes(),
    };
    let record = Record { ordinal, id, structure: b"C" };
    let score = (ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44) as f64 / 65536.0 - 8.0;
    let verdict = match ordinal % 20 {
        7 => Verdict::skip(Cow::Borrowed("too_big")),
        13 => Verdict::error(Cow::Borrowed("unparsable")),
        17 => Verdict::ok(vec![Value::Null, Value::Int(1), Value::Null]),
        _ => Verdict::ok(vec![Value::Float(score), Value::Int(ordinal as i64 % 5 - 2), Value::Text(b"a, b".to_vec())]),
    };
    block.push(&record, &verdict, 3);
}

/// As [`row`], but record 3 has another score.
pub fn other_row(block: &mut RowBlock, ordinal: Ordinal) {
    if ordinal != 3 {
        return row(block, ordinal);
    }
    let record = Record { ordinal, id: b"M0000003", structure: b"C" };
    block.push(&record, &Verdict::ok(vec![Value::Float(0.125)]), 3);
}

/// Who is said to have done it.
pub fn execution() -> Execution {
    Execution {
        host: "node-1".to_owned(),
        cpu: "a processor".to_owned(),
        molsieve: "0.1.0".to_owned(),
        scheduler: "local:1".to_owned(),
        started_ms: 1_795_199_583_007,
        finished_ms: 1_795_199_584_007,
        scored: 1,
        pool: PoolFacts::default(),
    }
}
