//! A pack against truth: what is counted, ranked, drawn and said of it, and what a table of truth may not be.
//!
//! `reference.py` says the same from the documentation alone, slowly and by definition.

mod agreement;
mod answers;
mod guide;
mod proxy;
mod tables;

use std::path::PathBuf;

use molsieve::campaign::identity::{Identity, Rank};
use molsieve::gather::{Missing, gather};
use molsieve::id::Ordinal;
use molsieve::library::record::Record;
use molsieve::pack::seal;
use molsieve::scorer::row::RowBlock;
use molsieve::scorer::{Column, ColumnType, Order, Value, Verdict};
use serde_json::Value as Json;

use crate::support::env::{Run, TestEnv};
use crate::support::sealed_groups::{ATTEMPT, Campaign, identity};

/// The columns of a scorer whose records are compared with decoys.
const COMPARED: [(&str, ColumnType); 9] = [
    ("score", ColumnType::Float),
    ("parent_heavy_atoms", ColumnType::Int),
    ("parent_logp", ColumnType::Float),
    ("decoys", ColumnType::Int),
    ("decoys_scored", ColumnType::Int),
    ("auc", ColumnType::Float),
    ("gate", ColumnType::Float),
    ("slack", ColumnType::Float),
    ("verdict", ColumnType::String),
];

/// A record, made up.
#[derive(Clone, Debug)]
struct Made {
    id: String,
    verdict: Verdict,
}

/// One that is scored.
fn ok(id: impl Into<String>, values: Vec<Value>) -> Made {
    Made { id: id.into(), verdict: Verdict::ok(values) }
}

/// One whose score is all that there is of it.
fn scored(id: impl Into<String>, score: f64) -> Made {
    ok(id, vec![Value::Float(score)])
}

/// Its values under [`COMPARED`]: `won` and `tied` of its `decoys`, of which `scored` have a score.
fn compared(score: f64, atoms: i64, logp: f64, [decoys, scored, won, tied]: [i64; 4]) -> Vec<Value> {
    let judged = scored > 0;
    let float = |value: f64| if judged { Value::Float(value) } else { Value::Null };
    let auc = (won as f64 + tied as f64 / 2.0) / scored.max(1) as f64;
    let gate = 1.0;
    let word = match judged {
        false => "SKIP",
        true if auc - gate >= 0.0 => "PASS",
        true => "FAIL",
    };
    vec![
        Value::Float(score),
        Value::Int(atoms),
        Value::Float(logp),
        Value::Int(decoys),
        Value::Int(scored),
        float(auc),
        float(gate),
        float(auc - gate),
        Value::Text(word.into()),
    ]
}

/// A campaign with these columns, ranked by the first, and these records: sealed in `D` of `env`.
fn seal(env: &TestEnv, columns: &[(&str, ColumnType)], order: Order, records: &[Made]) {
    seal_some(env, columns, order, records, records.len());
}

/// The same, with the first `there` records alone; in task groups of seven.
fn seal_some(env: &TestEnv, columns: &[(&str, ColumnType)], order: Order, records: &[Made], there: usize) {
    let mut identity: Identity = identity(records.len() as u64);
    let column = |(name, kind): &(&str, ColumnType)| Column::new(name, *kind, Order::Desc);
    identity.scorer.description.columns = columns.iter().map(column).collect();
    identity.scorer.description.reasons.push("no_decoys_generated".to_owned());
    identity.scorer.description.reasons.sort();
    let first = identity.scorer.description.columns[0].clone();
    identity.pack.rank = (first.kind != ColumnType::String).then_some(Rank { column: first, order });
    let campaign = Campaign::of(&env.path("D"), identity, 7);
    let row = |block: &mut RowBlock, ordinal: Ordinal| {
        let made = &records[ordinal as usize];
        let record = Record { ordinal, id: made.id.as_bytes(), structure: b"C" };
        block.push(&record, &made.verdict, columns.len());
    };
    for group in campaign.plan.all_groups().filter(|group| campaign.plan.group(*group).end <= there as u64) {
        campaign.seal_as(group, ATTEMPT, row, |_| {});
    }
    let missing = if there == records.len() { Missing::Refuse } else { Missing::Allow };
    let gathered = gather(&campaign.dir, &campaign.identity, &campaign.plan, missing).unwrap();
    let library = campaign.dir.root().join("no-library");
    let Campaign { dir, identity, plan } = &campaign;
    let request = seal::Request { dir, identity, plan, library: &library, exports: &[], facts: serde_json::json!({}) };
    seal::seal(gathered, &request).unwrap();
}

/// A table of truth, `truth.csv`: ids and whether each is a hit.
fn truth<'a>(env: &TestEnv, labels: impl IntoIterator<Item = (&'a str, bool)>) -> PathBuf {
    let line = |(id, is_hit): (&str, bool)| {
        let label = if is_hit { "PASS" } else { "FAIL" };
        format!("{id},{label},assay,customer_truth.v1\n")
    };
    let lines: String = labels.into_iter().map(line).collect();
    env.write("truth.csv", format!("molecule_id,expensive_label,truth_source,truth_version\n{lines}"))
}

/// The command on `D/pack` and `truth.csv`.
fn cost_lift(env: &TestEnv, args: &[&str]) -> Run {
    let mut all = vec!["report", "cost-lift", "D/pack", "--truth", "truth.csv"];
    all.extend(args);
    env.molsieve(all)
}

/// Its report.
fn report(env: &TestEnv, args: &[&str]) -> Json {
    let mut all = vec!["--json"];
    all.extend(args);
    let run = cost_lift(env, &all);
    serde_json::from_slice(&run.0.stdout).unwrap_or_else(|e| panic!("no report ({e}): {run}"))
}

/// Numbers that look like chance and are the same every time: the next of them, below `end`.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// `count` records of every kind, some without an id, some not scored, with many ties; and what each is called.
fn mixed(count: u64, seed: u64) -> Vec<(Made, String)> {
    let mut chance = Chance(seed);
    let mut made = Vec::new();
    for ordinal in 0..count {
        let id = match chance.below(12) {
            0 => String::new(),
            1 => format!("a, \"quoted\" {ordinal}"),
            2 => format!("back\\slash-\u{e9}-{ordinal}"),
            _ => format!("M{:04}", (ordinal * 7919) % 10_000),
        };
        let name = if id.is_empty() { format!("mol_{ordinal}") } else { id.clone() };
        let [atoms, score, logp] = [5 + chance.below(20), chance.below(40), chance.below(60)];
        let decoys = chance.below(6) as i64;
        let scored = (decoys - chance.below(2) as i64).max(0);
        let won = chance.below(scored as u64 + 1) as i64;
        let tied = chance.below((scored - won) as u64 + 1) as i64;
        let values = compared(score as f64 / 4.0, atoms as i64, logp as f64 / 10.0 - 2.0, [decoys, scored, won, tied]);
        let verdict = match chance.below(15) {
            0 => Verdict { values, ..Verdict::skip("no_decoys_generated") },
            1 => Verdict::error("unparsable"),
            2 => Verdict::ok(vec![Value::Null; COMPARED.len()]),
            _ => Verdict::ok(values),
        };
        made.push((Made { id, verdict }, name));
    }
    made
}
