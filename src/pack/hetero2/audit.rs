//! `hetero_audit.v2` of one record: the document that HETERO-2 writes for each, made from its row on request.

use std::path::Path;

use serde_json::{Value, json};

use super::columns::{Layout, count};
use super::row::Told;
use crate::canonical::escape;
use crate::canonical::row::{self, Row};
use crate::error::{Error, Result};
use crate::id::Ordinal;
use crate::pack::manifest::Manifest;
use crate::pack::prove::Asked;
use crate::pack::verify;
use crate::scorer::Outcome;
use crate::scorer::builtin::compared::judge::{Judged, MARGIN, null_quantile};
use crate::scorer::builtin::compared::tally::ThreeWays;
use crate::scorer::builtin::decoys::Band;

/// The contract that the document follows.
pub const SCHEMA: &str = "hetero_audit.v2";

/// So many ordinals are listed of an id that is there more than once.
const REPEATS_SHOWN: usize = 20;

/// The document of the record that is asked for, of the sound pack at `path`.
///
/// # Errors
/// There is no such record, or more than one, or the campaign has no decoys (exit 2); the pack cannot be read (exit 4, 6).
pub fn of(path: &Path, manifest: &Manifest, asked: &Asked) -> Result<Value> {
    let layout = Layout::of(&manifest.campaign);
    if layout.decoys.is_none() {
        return Err(Error::usage("the records of this campaign have no decoys, so there is no audit of them")
            .hint("a campaign with the section `[decoys]` compares each record with look-alikes (docs/signal.md)"));
    }
    let line = find(path, asked)?;
    let row = Row::read(&line).map_err(|malformed| Error::verification(malformed.to_string()))?;
    Ok(document(manifest, &layout, &Told::of(row, &layout)))
}

/// The line of the record that is asked for.
fn find(path: &Path, asked: &Asked) -> Result<Vec<u8>> {
    let (mut found, mut ordinals, mut is_header) = (None, Vec::<Ordinal>::new(), true);
    let mut fields: Vec<Vec<u8>> = Vec::new();
    if let Asked::Id(id) = asked {
        // By its bytes, or as `summary.csv` shows it.
        for bytes in [Some(id.clone()), escape::undo(id)].into_iter().flatten() {
            let mut field = Vec::new();
            row::push_text(&mut field, &bytes);
            fields.push(field);
        }
    }
    verify::each_line(path, |line| {
        if std::mem::take(&mut is_header) {
            return Ok(());
        }
        let row = Row::read(line).map_err(|malformed| Error::verification(malformed.to_string()))?;
        let is_asked = match asked {
            Asked::Ordinal(ordinal) => *ordinal == row.ordinal,
            Asked::Id(_) => fields.iter().any(|field| field == row.id()),
        };
        if is_asked {
            found.get_or_insert_with(|| line.to_vec());
            ordinals.push(row.ordinal);
            ordinals.truncate(REPEATS_SHOWN);
        }
        Ok(())
    })?;
    let name = match asked {
        Asked::Ordinal(ordinal) => format!("ordinal {ordinal}"),
        Asked::Id(id) => format!("the id `{}`", escape::to_string(id)),
    };
    if ordinals.len() > 1 {
        let shown: Vec<String> = ordinals.iter().map(ToString::to_string).collect();
        return Err(Error::usage(format!("{name} is that of several records, at ordinals {}", shown.join(", ")))
            .hint("say which one with `--ordinal N`"));
    }
    found.ok_or_else(|| {
        Error::usage(format!("no row of the pack has {name}")).hint("`summary.csv` shows every id and ordinal")
    })
}

/// The document.
fn document(manifest: &Manifest, layout: &Layout, told: &Told<'_>) -> Value {
    let ways: ThreeWays = Band::ALL
        .into_iter()
        .map(|band| {
            let [won, tied, lost] = told.cells.ways(band, false).map(|count| count as u32);
            ThreeWays { won, tied, lost }
        })
        .sum();
    let judged = Judged::of(ways).filter(|_| told.status == Outcome::Ok);
    let pairs = judged.map_or(0, |_| ways.pairs());
    let null_q = judged.map(|_| null_quantile(ways.pairs()));
    let mut document = json!({
        "schema_version": SCHEMA,
        "version": format!("molsieve {}", manifest.molsieve),
        // A row holds no structure, so the canonical SMILES that stands there in HETERO-2's documents does not stand here.
        "dataset_id": format!("molsieve:{}:{}", manifest.payload.digest, told.row.ordinal),
        "n_pos": 1,
        "n_neg": pairs,
        "auc_tie_aware": judged.map(|judged| judged.auc),
        "neg_controls": {
            "null_q": null_q,
            // It depends on ties between decoys, which a row does not count.
            "perm_q": null,
            "rand_q": null_q,
            "neg_auc_max": null,
            "null_q_method": "m1_exact",
            "method": "exact",
            "reps_used": 0,
            "margin": MARGIN,
            "gate": judged.map(|judged| judged.gate),
            "slack": judged.map(|judged| judged.slack),
            "verdict": verdict(judged, told.status),
        },
        "warnings": warnings(layout, told),
        "run": {"seed": manifest.campaign.seed, "timestamp": null, "cmd": "molsieve report audit"},
    });
    match told.status {
        Outcome::Ok => {}
        Outcome::Skip => document["skip"] = json!({"reason": told.reason}),
        Outcome::Error => document["error"] = json!({"reason": told.reason}),
    }
    document
}

/// What is said of a record with that status; nothing of one that failed.
fn verdict(judged: Option<Judged>, status: Outcome) -> Option<&'static str> {
    match (judged, status) {
        (Some(judged), _) => Some(judged.verdict()),
        (None, Outcome::Error) => None,
        (None, _) => Some("SKIP"),
    }
}

/// In HETERO-2's words, sorted.
fn warnings(layout: &Layout, told: &Told<'_>) -> Vec<String> {
    let (found, scored) = (count(told.cells.decoys()).unwrap_or(0), count(told.cells.scored()).unwrap_or(0));
    let mut warnings = Vec::new();
    match told.status {
        Outcome::Ok => {}
        Outcome::Skip => return vec![format!("skip:{}", told.reason)],
        Outcome::Error => return warnings,
    }
    let wanted = layout.decoys.as_ref().map_or(0, |decoys| u64::from(decoys.count));
    let hard = if layout.decoys.as_ref().is_some_and(|decoys| decoys.window.is_some()) { "hard_" } else { "" };
    if found < wanted {
        warnings.push(format!("could_not_generate_k_{hard}decoys_under_constraints:{}", wanted - found));
    }
    if !told.cells.strategy().is_empty() {
        warnings.push(format!("decoy_strategy_used:{}", String::from_utf8_lossy(told.cells.strategy())));
    }
    match scored {
        0 => warnings.push("skip:missing_scores_for_all_decoys".to_owned()),
        scored if scored < found => warnings.push(format!("missing_scores_for_some_decoys:{}", found - scored)),
        _ => {}
    }
    warnings.sort();
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_record_that_failed_nothing_is_said_and_one_that_was_skipped_is_a_skip() {
        let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hetero2/v1/evidence_pack.zip");
        let (_, manifest) = verify::sound(&pack, &verify::Trust::integrity()).unwrap();
        let columns = Layout::of(&manifest.campaign);
        let told = |line: &'static [u8]| Told::of(Row::read(line).unwrap(), &columns);
        let (failed, skipped) = (told(b"0,a,ERROR,timeout,"), told(b"1,b,SKIP,no_decoys_generated,"));
        assert_eq!((verdict(None, failed.status), verdict(None, skipped.status)), (None, Some("SKIP")));
        assert_eq!(warnings(&columns, &failed), [""; 0], "as its row counts them");
        assert_eq!(warnings(&columns, &skipped), ["skip:no_decoys_generated"]);
        assert_eq!((failed.warnings, skipped.warnings), (0, 1));
    }
}
