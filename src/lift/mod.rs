//! Whether a score is worth paying for: a pack against a table of what an expensive measurement said.
//!
//! ```text
//! truth.csv ─→ truth ─┐
//!                     ├→ rows ─→ contract (cost_lift.v1) ────────────────┐
//! pack, verified ─────┘      └→ ranking, resample (orders, intervals) ─→ report ─→ answer, tables, page
//! ```
//!
//! Nothing here depends on a clock, a host or the order of threads: the same pack, table and request give the same bytes.
//! What is kept in memory is bounded by the table of truth; rows of a pack pass by. See `docs/formats/cost-lift.md`.

pub mod answer;
pub mod contract;
mod csv;
mod ids;
pub mod library;
pub mod mersenne;
pub mod money;
pub mod page;
pub mod proxy;
pub mod ranking;
pub mod report;
pub mod resample;
pub mod rows;
pub mod tables;
pub mod truth;
mod words;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use crate::canonical::escape;
use crate::error::{Error, Result};
use crate::id::Ordinal;
use crate::pack::SUMMARY;
use crate::pack::manifest::Manifest;
use crate::pack::verify::{self, Report as Verified, Trust};
use crate::scorer::Order;
use answer::Known;
use contract::Asked;
use money::Cost;
use ranking::{MOLECULES_MAX, Ranking, TARGETS};
use report::{Head, Lift, Measures, Pack, Report, Selection, TruthTable};
use resample::{Of, Sample};
use rows::{Found, HEAVY_ATOMS, LOG_P, Molecule, RANK_COLUMNS, SCORE, SLACK};
use truth::{Demands, Label, Truth};
use words::Role;

/// Seeds are below this, as those of campaigns are.
pub const SEED_END: u64 = 1 << 53;
/// Draws of an interval at most.
pub const RESAMPLES_MAX: u32 = 10_000;
/// The share of the hits that the selection is made by where there are no more molecules than asked for, in [`TARGETS`].
const HALF: usize = 2;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// How many molecules are selected.
    pub k: u64,
    /// The seed of all draws, below [`SEED_END`].
    pub seed: u64,
    /// Draws of every interval, from 1 to [`RESAMPLES_MAX`].
    pub bootstrap_n: u32,
    /// What a molecule costs.
    pub cost: Option<Cost>,
    /// What is asked of the table.
    pub demands: Demands,
    /// Whether truth may speak of molecules that the pack does not have.
    pub allow_unknown: bool,
}

impl Request {
    /// Refuses what cannot be asked.
    ///
    /// # Errors
    /// A number is out of its range (exit 2).
    pub fn check(&self) -> Result<()> {
        let is_asked = self.k > 0 && self.seed < SEED_END && (1..=RESAMPLES_MAX).contains(&self.bootstrap_n);
        if is_asked {
            return Ok(());
        }
        Err(Error::usage("what is asked of the truth is out of range").hint(format!(
            "select at least one molecule, with a seed below 2^53 and from 1 to {RESAMPLES_MAX} draws of an interval"
        )))
    }
}

/// What the record with `id` is called: as HETERO-2 calls it, which numbers those that have none.
pub(crate) fn name_of(id: &[u8], ordinal: Ordinal) -> Cow<'_, [u8]> {
    if id.is_empty() { Cow::Owned(format!("mol_{ordinal}").into_bytes()) } else { Cow::Borrowed(id) }
}

/// Measures the pack at `pack` against the table at `truth`; both are named in the report as they are here.
///
/// # Errors
/// The table is not what it should be, or speaks of molecules that the pack does not have; nothing of the pack can be compared
/// (exit 2); the pack is not sound (exit 4); the system refuses (exit 6).
pub fn cost_lift(pack: &Path, truth: &Path, request: &Request) -> Result<Report> {
    request.check()?;
    let table = Truth::read(truth, &request.demands)?;
    let (verified, manifest) = verify::sound(pack, &Trust::integrity())?;
    let Some(rank) = manifest.campaign.pack.rank.as_ref() else {
        return Err(Error::usage("the pack has no column that ranks")
            .hint("its scorer has no numeric column: there is no score that truth could be compared with"));
    };
    let found = rows::read(pack, &manifest, &table)?;
    must_be_comparable(&found, &table, &manifest, truth, request)?;
    let summary = format!("{}/{SUMMARY}", pack.display().to_string().trim_end_matches('/'));
    let asked = Asked {
        summary_csv: &summary,
        truth_csv: &truth.display().to_string(),
        k: request.k,
        seed: request.seed,
        bootstrap_n: request.bootstrap_n,
    };
    let contract = contract::report(&asked, &found, &rows::places(&table, &found.molecules));
    let (heads, orders_missing) = heads(&found, &rank.column.name);
    let lift = Measuring { found: &found, table: &table, request, heads, orders_missing }
        .lift(&verified, &manifest, &contract);
    Ok(Report { contract, molsieve: lift })
}

/// Whether the table is about this pack.
fn must_be_comparable(found: &Found, table: &Truth, manifest: &Manifest, path: &Path, request: &Request) -> Result<()> {
    let shown = path.display();
    if found.unknown > 0 && !request.allow_unknown {
        let examples = found.unknown_examples.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
        let more = if found.unknown > found.unknown_examples.len() as u64 { ", …" } else { "" };
        let what = format!(
            "{} of the {} molecules of `{shown}` are not in the pack: {examples}{more}",
            found.unknown,
            table.len()
        );
        let error = Error::usage(what);
        let error = if manifest.complete {
            error
        } else {
            error.hint("the pack is INCOMPLETE: some may be among the records that are missing")
        };
        return Err(error.hint(
            "see whether this is the table of that library, and its `molecule_id` the `id` of `summary.csv`; `--allow-unknown` goes on without them",
        ));
    }
    if found.tally.ok == 0 {
        return Err(Error::usage("no record of the pack is OK: there is no score to compare with truth")
            .hint("`molsieve verify` counts its records; its report.html says why they were not scored"));
    }
    if found.molecules.is_empty() {
        return Err(Error::usage(format!("no record that has a score has a label in `{shown}`"))
            .hint("measure some of the records that have a score, and give their labels"));
    }
    if found.molecules.len() > MOLECULES_MAX {
        return Err(
            Error::usage(format!("more than {MOLECULES_MAX} molecules have truth")).hint("cut the table in parts")
        );
    }
    Ok(())
}

/// The orders that can be made, that of the score first, and why others cannot.
fn heads(found: &Found, score: &str) -> (Vec<(usize, Head)>, BTreeMap<&'static str, String>) {
    let mut heads = vec![(
        SCORE,
        Head { column: score.to_owned(), order: found.ranks[SCORE].unwrap_or_default(), role: Role::Score },
    )];
    let mut missing = BTreeMap::new();
    let wanted = [
        (SLACK, &[Order::Desc][..], Role::Alternative),
        (HEAVY_ATOMS, &[Order::Desc, Order::Asc][..], Role::Baseline),
        (LOG_P, &[Order::Desc, Order::Asc][..], Role::Baseline),
    ];
    for (at, orders, role) in wanted {
        let column = RANK_COLUMNS[at];
        let is_known = |molecule: &Molecule| molecule.value(at).is_some();
        if column == score {
            missing.insert(column, "it is the score itself".to_owned());
        } else if found.ranks[at].is_none() {
            missing.insert(column, format!("the pack has no column `{column}`: its campaign has no `[decoys]`"));
        } else if !found.molecules.iter().any(is_known) {
            missing.insert(column, format!("no molecule with truth has a `{column}`"));
        } else {
            let head = |order: &Order| (at, Head { column: column.to_owned(), order: *order, role });
            heads.extend(orders.iter().map(head));
        }
    }
    (heads, missing)
}

/// Everything that our part of the report is made of.
struct Measuring<'a> {
    found: &'a Found,
    table: &'a Truth,
    request: &'a Request,
    heads: Vec<(usize, Head)>,
    orders_missing: BTreeMap<&'static str, String>,
}

impl Measuring<'_> {
    fn lift(self, verified: &Verified, manifest: &Manifest, contract: &contract::Contract) -> Lift {
        let Self { found, table, request, heads, orders_missing } = self;
        let hits: Vec<bool> = found.molecules.iter().map(|molecule| molecule.is_hit).collect();
        let count = hits.iter().filter(|is_hit| **is_hit).count() as u64;
        let order = |(at, head): &(usize, Head)| {
            let values: Vec<Option<f64>> = found.molecules.iter().map(|molecule| molecule.value(*at)).collect();
            Ranking::new(&values, &hits, head.order)
        };
        let rankings = heads.iter().map(order).collect();
        let molecules = hits.len() as u64;
        let mut sample = Sample { rankings, hits, selected: request.k };
        let basis = select(&mut sample, molecules);
        let selected = sample.selected;
        let measured = sample.measure();
        let is_enough = Known::is_enough(molecules, count, request.bootstrap_n);
        let resamples: Vec<Of> =
            if is_enough { sample.resample(request.seed, request.bootstrap_n) } else { Vec::new() };
        let (score, heads) = (heads[0].1.column.clone(), heads.into_iter().map(|(_, head)| head).collect::<Vec<_>>());
        let measures = Measures { heads: &heads, sample: &measured, resamples: &resamples };
        let cost = request.cost.as_ref();
        let comparisons = measures.comparisons(selected, cost);
        let known = Known {
            score: &score,
            molecules,
            hits: count,
            selected,
            found: measured.sought.value(),
            resamples: request.bootstrap_n,
            proxy: table.proxy(),
            baselines_missing: orders_missing
                .keys()
                .any(|column| [RANK_COLUMNS[HEAVY_ATOMS], RANK_COLUMNS[LOG_P]].contains(column)),
            comparisons: &comparisons,
        };
        let scorer = &manifest.campaign.scorer.description;
        Lift {
            schema: report::SCHEMA,
            answer: known.sentence(),
            verdict: known.verdict(),
            pack: Pack {
                payload_digest: manifest.payload.digest.clone(),
                pack_digest: verified.pack_digest.clone().unwrap_or_default(),
                complete: manifest.complete,
                scorer: escape::visible(&scorer.name),
                scorer_version: escape::visible(&scorer.version),
            },
            truth: the_table(table, found),
            molecules,
            hits: count,
            bootstrap_n: request.bootstrap_n,
            selection: Selection { molecules: selected, basis, hits: measured.sought.value() },
            cost: request.cost.clone(),
            orders: measures.orders(),
            targets: measures.targets(cost),
            comparisons,
            orders_missing,
            methods_missing: methods_missing(contract, found),
            notes: notes(found, manifest, basis, request.k, is_enough),
        }
    }
}

/// How many molecules are selected: as many as asked for, or what the score takes for half of the hits; and which of the two.
fn select(sample: &mut Sample, molecules: u64) -> &'static str {
    if sample.selected < molecules {
        return "k";
    }
    sample.selected = molecules;
    let half = sample.measure().measured[0].targets[HALF];
    debug_assert_eq!(TARGETS[HALF], 50, "the share that is a half");
    sample.selected = half.max(1);
    "half_of_the_hits"
}

fn the_table(table: &Truth, found: &Found) -> TruthTable {
    TruthTable {
        sha256: table.sha256,
        labels: table.len() as u64,
        hits: table.count(Label::Pass),
        sources: table.sources.clone(),
        is_proxy: table.proxy().is_some(),
        unknown: found.unknown,
        unknown_examples: found.unknown_examples.clone(),
        not_ok: found.tally.labels_not_ok,
        hits_not_ok: found.tally.hits_not_ok,
    }
}

/// Why methods of `cost_lift.v1` are null.
fn methods_missing(contract: &contract::Contract, found: &Found) -> BTreeMap<&'static str, &'static str> {
    let why = if !found.has_verdicts {
        "the pack has no columns `verdict`, `gate` and `slack`: its campaign has no `[decoys]`"
    } else if found.molecules.iter().all(|molecule| molecule.judged.is_none()) {
        "no OK record with truth has a verdict that is PASS or FAIL"
    } else {
        "no OK record with truth has the verdict PASS"
    };
    contract.methods.iter().filter(|(_, method)| method.is_none()).map(|(name, _)| (*name, why)).collect()
}

/// What a reader has to know, a sentence each.
fn notes(found: &Found, manifest: &Manifest, basis: &str, k: u64, is_enough: bool) -> Vec<String> {
    let (tally, molecules) = (&found.tally, found.molecules.len() as u64);
    let mut notes = Vec::new();
    let mut note = |when: bool, text: String| {
        if when {
            notes.push(text);
        }
    };
    note(
        tally.unknown > 0,
        format!(
            "{} of {} OK records have no label: everything here is about the other {molecules}, and of use for all only if these were chosen without looking at the score",
            tally.unknown, tally.ok
        ),
    );
    note(
        tally.labels_not_ok > 0,
        format!(
            "{} labels are of records that have no score; no order here can find the {} hits among them",
            tally.labels_not_ok, tally.hits_not_ok
        ),
    );
    note(
        tally.lonely > 0,
        format!(
            "{} molecules are of records that were skipped since they have no look-alikes; they have a score, and count",
            tally.lonely
        ),
    );
    note(found.unknown > 0, format!("{} labels are of molecules that the pack does not have", found.unknown));
    note(!manifest.complete, "the pack is INCOMPLETE: records of its library are missing in it".to_owned());
    note(
        basis != "k",
        format!(
            "to select {k} of {molecules} molecules is to select all: compared is what half of the hits take instead; a smaller `--k` selects fewer"
        ),
    );
    note(
        !is_enough,
        format!(
            "there are no intervals: they take {} hits, as many molecules that are none, and {} resamples",
            words::FEW,
            words::RESAMPLES_MIN
        ),
    );
    notes
}
