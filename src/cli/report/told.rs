//! A report of cost and lift for a person: the answer first, then what it rests on.

use crate::lift::report::Report;
use crate::lift::tables::{self, Table};

/// The report, a line each.
pub fn sentences(report: &Report) -> Vec<String> {
    let lift = &report.molsieve;
    let mut lines = vec![lift.answer.clone()];
    lines.extend(tables::facts(lift).into_iter().map(|(name, value)| format!("  {name:<9}  {value}")));
    lines.push(String::new());
    lines.extend(aligned(&tables::orders(lift)));
    lines.extend(tables::missing(lift).map(|line| format!("  {line}")));
    lines.push(String::new());
    for comparison in &lift.comparisons {
        let [found, taken] = tables::sentences(comparison);
        lines.extend([format!("  {found}"), format!("    {taken}")]);
    }
    lines.push(String::new());
    lines.extend(aligned(&tables::targets(lift)));
    lines.push(String::new());
    lines.push("cost_lift.v1, as HETERO-2 selects:".to_owned());
    lines.extend(tables::methods(report).map(|(name, found)| format!("  {name}: {found}")));
    if !lift.notes.is_empty() {
        lines.push(String::new());
        lines.extend(lift.notes.iter().map(|note| format!("  note: {note}")));
    }
    lines
}

/// The lines of a table whose columns are as wide as they must be.
fn aligned(table: &Table) -> Vec<String> {
    let lines = || std::iter::once(&table.head).chain(&table.rows);
    let width = |column: usize| lines().map(|cells| cells[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..table.head.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("  {}", padded.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    lines().map(line).collect()
}
