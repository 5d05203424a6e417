//! Records beside their decoys, drawn: the best ones, and those that rank high though their look-alikes score as well.

use std::fmt::Write;

use super::html::{count, cut, number, rounded, text};
use super::{Facts, draw, top};
use crate::library::format::Notation;
use crate::library::record::Record;
use crate::pack::hits::{self, Hit};
use crate::scorer::builtin::Builtin;
use crate::scorer::builtin::compared::{self, Settings, columns};
use crate::scorer::builtin::decoys::{Decoy, Seed};
use crate::scorer::builtin::spectral::{Spectral2d, settings::Settings as SpectralSettings};

/// Records of each kind that are shown.
const RECORDS_MAX: usize = 3;

/// Decoys that are drawn of each.
const DECOYS_MAX: usize = 4;

/// Both kinds; empty where no structure could be read.
pub fn section(facts: &Facts<'_>) -> String {
    let identity = &facts.manifest.campaign.scorer;
    let Some(settings) = Settings::of_identity(identity) else { return String::new() };
    let scorer = SpectralSettings::of_identity(identity).and_then(|of| Spectral2d::new(of, facts.structures.notation));
    let beside = Beside { facts, settings, scorer };
    let all: Vec<Hit> = hits::rows(&facts.found.hits_csv).collect();
    let columns = &facts.manifest.campaign.scorer.description.columns;
    let Some(at) = columns.iter().rposition(|column| column.name == columns::AUC) else { return String::new() };
    let auc = |hit: &Hit| hit.cells.get(at).and_then(|cell| cell.parse::<f64>().ok());
    let mut doubtful: Vec<(f64, &Hit)> = all.iter().filter_map(|hit| Some((auc(hit)?, hit))).collect();
    // The sort is stable: of those that won as little, the one that ranks highest comes first.
    doubtful.sort_by(|a, b| a.0.total_cmp(&b.0));
    let doubtful = doubtful.into_iter().filter(|(auc, _)| *auc <= 0.5).map(|(_, hit)| hit);
    let rows = |hits: &mut dyn Iterator<Item = &Hit>| -> String {
        hits.take(RECORDS_MAX).map(|hit| beside.row(hit, auc(hit))).collect()
    };
    let mut out = String::new();
    for (title, rows) in [
        ("The best records beside their decoys", rows(&mut all.iter())),
        ("The most suspicious hits: their decoys score as well or better", rows(&mut doubtful.into_iter())),
    ] {
        if !rows.is_empty() {
            let _ = write!(out, "<h3>{title}</h3>\n{rows}");
        }
    }
    out
}

/// What rows are drawn with.
struct Beside<'a> {
    facts: &'a Facts<'a>,
    settings: Settings,
    /// A scorer that needs nothing but its settings, and so can say again what it gave to decoys.
    scorer: Option<Spectral2d>,
}

impl Beside<'_> {
    /// A record and some of its decoys, side by side.
    fn row(&self, hit: &Hit, auc: Option<f64>) -> String {
        let found = self.decoys_of(hit.ordinal).unwrap_or_default();
        if found.is_empty() {
            return String::new();
        }
        let rank = hits::rank_column(&self.facts.manifest.campaign).and_then(|at| hit.cells.get(at));
        let score = rank.map_or_else(String::new, |cell| text(&rounded(cell)));
        let won = auc.map_or_else(|| "the record".to_owned(), |auc| format!("wins {}", number(auc)));
        let id = if hit.id.is_empty() { format!("record {}", count(hit.ordinal)) } else { cut(&hit.id, 36) };
        let (picture, _) = top::picture(self.facts, hit.ordinal, &format!("structure of {id}"));
        let mut out = format!(
            "<ol class=\"cards beside\">\n<li class=\"card\"><p class=\"place\"><b>{id}</b></p>{picture}<p class=\"value\"><span>{won}</span><b>{score}</b></p></li>\n"
        );
        for decoy in found.iter().take(DECOYS_MAX) {
            let drawing = draw::draw(decoy.smiles.as_bytes(), Notation::Smiles, "structure of a decoy");
            let picture = drawing.map_or_else(
                || format!("<div class=\"pic raw\"><code>{}</code></div>", cut(&decoy.smiles, 160)),
                |drawing| format!("<div class=\"pic\">{}</div>", drawing.svg),
            );
            let (label, value) = self.told(decoy);
            let _ = writeln!(
                out,
                "<li class=\"card\"><p class=\"place\"><span class=\"id\">decoy</span></p>{picture}<p class=\"value\"><span>{label}</span><b>{value}</b></p></li>",
            );
        }
        out.push_str("</ol>\n");
        out
    }

    /// What stands below a decoy: its score, where that can be said again, else how like it is.
    fn told(&self, decoy: &Decoy) -> (String, String) {
        let (band, like) = (decoy.band().name(), decoy.tanimoto);
        let nobody = Record { ordinal: 0, id: b"", structure: b"" };
        match self.scorer.as_ref().and_then(|scorer| scorer.score_of_decoy(&nobody, decoy)) {
            Some(score) => (format!("{band}, {like:.2}"), number(score)),
            None => (format!("{band}, Tanimoto {like:.2}"), String::new()),
        }
    }

    /// The decoys that the record was compared with: they follow from its structure, the seed and the settings.
    fn decoys_of(&self, ordinal: u64) -> Option<Vec<Decoy>> {
        let structures = self.facts.structures;
        let record = Record { ordinal, id: b"", structure: &structures.get(ordinal)?.structure };
        let seed = Seed::new(self.facts.manifest.campaign.seed);
        compared::decoys_or_reason(&record, structures.notation, &seed, &self.settings.to_decoys()).ok()
    }
}
