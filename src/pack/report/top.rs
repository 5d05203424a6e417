//! The best hits, drawn.

use std::fmt::Write;

use super::html::{count, cut, rounded, text};
use super::{Facts, draw};
use crate::canonical::escape;
use crate::library::format::Notation;
use crate::pack::hits::{self, Hit, HitsFile};
use crate::pack::structures::Entry;
use crate::scorer::{ColumnType, Order};

/// Hits that are drawn; the others are in `hits.csv`.
const DRAWN_MAX: usize = 32;

/// Columns on a card beside the rank column.
const COLUMNS_MAX: usize = 8;

/// Characters of a cell on a card, and of an id.
const CELL_MAX: usize = 36;

/// Columns with longer names have a line of their own on a card.
const NARROW_MAX: usize = 7;

/// Characters of a SMILES where there is no drawing.
const SMILES_MAX: usize = 160;

/// The cards of the best hits.
pub fn section(facts: &Facts<'_>) -> String {
    let campaign = &facts.manifest.campaign;
    let Some(rank) = &campaign.pack.rank else {
        return "<section id=\"hits\">\n<h2>Hits</h2>\n<p class=\"none\">The scorer has no numeric column, so nothing is ranked: there are no hits.</p>\n</section>\n".to_owned();
    };
    let all = facts.found.hits_csv.iter().filter(|b| **b == b'\n').count().saturating_sub(1);
    let end = if rank.order == Order::Asc { "lowest" } else { "highest" };
    let name = text(&rank.column.name);
    if all == 0 {
        let why = if campaign.pack.top == 0 { "None were asked for." } else { "No record ended <b>OK</b>." };
        return format!(
            "<section id=\"hits\">\n<h2>Hits</h2>\n<p class=\"none\">There are no hits. {why}</p>\n</section>\n"
        );
    }
    let shown: Vec<Hit> = hits::rows(&facts.found.hits_csv).take(DRAWN_MAX).collect();
    let mut any_flat = false;
    let cards: String = shown.iter().enumerate().map(|(i, hit)| card(facts, i + 1, hit, &mut any_flat)).collect();
    let many = match all {
        1 => "The only hit.".to_owned(),
        _ if all == shown.len() => {
            format!("All {all} hits, <b>{end} {name}</b> first; equal values stand in the order of the library.")
        }
        _ => format!(
            "The best {} of {} hits, <b>{end} {name}</b> first; equal values stand in the order of the library.",
            shown.len(),
            count(all as u64)
        ),
    };
    let flat = if any_flat {
        " Where a card says <i>flat</i>, the structure has stereochemistry, or a form in space, that is not drawn."
    } else {
        ""
    };
    format!(
        "<section id=\"hits\">\n<h2>Hits</h2>\n<p class=\"lead\">{many} Numbers are rounded here and exact in <code>hits.csv</code>.{flat} {}{}</p>\n<ol class=\"cards\">\n{cards}</ol>\n</section>\n",
        about_file(facts, all as u64),
        about_kept(facts)
    )
}

/// How to get the files that were kept of the best records, if any were.
fn about_kept(facts: &Facts<'_>) -> String {
    match facts.provenance.kept_files {
        0 => String::new(),
        files => format!(
            " {} that the scorer handed over for the best records are kept in the campaign directory, D: \
             <code>molsieve extract D --top 10 --out files</code>.",
            if files == 1 { "The file".to_owned() } else { format!("{} files", count(files)) }
        ),
    }
}

/// What is in the file of the hits with their structures, or why there is none.
fn about_file(facts: &Facts<'_>, all: u64) -> String {
    let HitsFile { name, written, left_out, .. } = facts.hits_file;
    let (written, left_out) = (*written, *left_out);
    let (unfit, fitting) = match facts.structures.notation {
        Notation::Smiles => ("that are no SMILES", "is a SMILES that fits a line"),
        Notation::Molblock => ("that are no whole molblock", "is a whole molblock"),
    };
    if let Some(problem) = &facts.structures.problem {
        return format!(
            "<b>There are no structures and no <code>{name}</code></b>: when the result was gathered, the library could \
             not be read ({}). The rows are complete without it.",
            cut(problem, 300)
        );
    }
    match left_out {
        0 => format!("<code>{name}</code> has the structures of all {}.", count(all)),
        _ if written == 0 => format!("There is no <code>{name}</code>: no structure among them {fitting}."),
        _ => format!(
            "<code>{name}</code> has the structures of {}; {} {unfit} are left out.",
            count(written),
            count(left_out)
        ),
    }
}

/// One hit.
fn card(facts: &Facts<'_>, place: usize, hit: &Hit, any_flat: &mut bool) -> String {
    let campaign = &facts.manifest.campaign;
    let columns = &campaign.scorer.description.columns;
    let rank = hits::rank_column(campaign);
    let value = rank.and_then(|at| hit.cells.get(at)).map(|cell| rounded(cell)).unwrap_or_default();
    let value = if value.is_empty() { "no value".to_owned() } else { text(&value) };
    let mut rows = String::new();
    let others = columns.iter().enumerate().filter(|(i, _)| Some(*i) != rank);
    for (i, column) in others.take(COLUMNS_MAX) {
        let cell = hit.cells.get(i).map_or_else(String::new, |cell| cut(&rounded(cell), CELL_MAX));
        let cell = if cell.is_empty() { "·".to_owned() } else { cell };
        let wide = match column.kind {
            ColumnType::String => " class=\"w t\"",
            _ if column.name.len() > NARROW_MAX => " class=\"w\"",
            _ => "",
        };
        let _ = write!(rows, "<div{wide}><dt>{}</dt><dd>{cell}</dd></div>", cut(&column.name, 26));
    }
    let id = if hit.id.is_empty() { "<i>no id</i>".to_owned() } else { cut(&hit.id, CELL_MAX) };
    let (picture, is_flat) = picture(facts, hit.ordinal, &format!("structure of hit {place}"));
    *any_flat |= is_flat;
    let flat = if is_flat { " <i class=\"flat\">flat</i>" } else { "" };
    format!(
        "<li class=\"card\"><p class=\"place\"><b>{place}</b><span class=\"id\">{id}</span>{flat}</p>{picture}\
         <p class=\"value\"><span>{}</span><b>{value}</b></p><dl>{rows}</dl><p class=\"ordinal\">record {}</p></li>\n",
        text(&campaign.pack.rank.as_ref().map_or("", |r| r.column.name.as_str()).chars().take(24).collect::<String>()),
        count(hit.ordinal)
    )
}

/// The drawing of a record, or what stands for it; and whether stereochemistry is missing in it.
pub fn picture(facts: &Facts<'_>, ordinal: u64, label: &str) -> (String, bool) {
    let Some(entry) = facts.structures.get(ordinal) else {
        return ("<div class=\"pic none\">structure not read</div>".to_owned(), false);
    };
    let notation = facts.structures.notation;
    if let Some(drawing) = draw::draw(&entry.structure, notation, label) {
        return (format!("<div class=\"pic\">{}</div>", drawing.svg), drawing.is_flat);
    }
    let text = structure_text(entry, notation, SMILES_MAX);
    (format!("<div class=\"pic raw\"><code>{text}</code></div>"), false)
}

/// A structure as text, cut; of a molblock the title, and how long it is.
pub fn structure_text(entry: &Entry, notation: Notation, max: usize) -> String {
    if entry.structure.is_empty() && entry.structure_bytes > 0 {
        return format!("<i>{} bytes</i>", count(entry.structure_bytes as u64));
    }
    if entry.structure.is_empty() {
        return "<i>empty</i>".to_owned();
    }
    if notation == Notation::Molblock {
        let mut lines = entry.structure.trim_ascii_end().split(|b| *b == b'\n');
        let title = cut(&escape::to_string(lines.next().unwrap_or_default().trim_ascii()), max);
        return format!("{title} <i>molblock of {} lines</i>", count(lines.count() as u64 + 1));
    }
    // Backslashes are bonds: what is plain text is shown as it is, and nothing else.
    match std::str::from_utf8(&entry.structure) {
        Ok(plain) => cut(plain, max),
        Err(_) => cut(&escape::to_string(&entry.structure), max),
    }
}
