//! Tables: records written for a program, and the results that it wrote.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::serve::{Answer, Asked, Request};
use super::spec::{Format, Input, Output, Translation};
use super::values;
use crate::csv::quoted;

/// Longer lines no program may write.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Larger tables no program may write.
const TABLE_BYTES_MAX: u64 = 256 << 20;

/// The records of `request` for which `is_given` says so, as a program reads them.
pub fn records(input: Input, request: &Request, is_given: impl Fn(&Asked) -> bool) -> Vec<u8> {
    let mut out = String::new();
    if input == Input::Csv {
        out.push_str("ordinal,id,structure,seed\n");
    }
    for asked in request.records.iter().filter(|asked| is_given(asked)) {
        let Asked(ordinal, id, structure, seed) = asked;
        match input {
            Input::Smi => out.push_str(&format!("{structure}\t{ordinal}\n")),
            Input::Csv => {
                let id = printable(id);
                let (id, structure) = (quoted(&id), quoted(structure));
                out.push_str(&format!("{ordinal},{id},{structure},{seed}\n"));
            }
        }
    }
    out.into_bytes()
}

/// Whether `asked` can be written as `input` has it: in a table without quoting, a structure is one word.
pub fn fits(input: Input, asked: &Asked) -> bool {
    match input {
        Input::Smi => !asked.2.contains(|c: char| c.is_whitespace() || c.is_control()) && !asked.2.starts_with('#'),
        Input::Csv => true,
    }
}

/// An id on one line: control characters as `\xNN`.
pub fn printable(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    for c in id.chars() {
        if c.is_ascii_control() { out.push_str(&format!("\\x{:02x}", u32::from(c))) } else { out.push(c) }
    }
    out
}

/// What a table says of each record of a request; `None` where it says nothing.
pub type Found = Vec<Option<Answer>>;

/// Reads what the program wrote to `path` in answer to `request`. No file is an empty table.
///
/// # Errors
/// What is wrong with it, in words: it is too large, is not text, or names a record twice or one
/// that was not asked.
pub fn read(path: &Path, output: &Output, translation: &Translation, request: &Request) -> Result<Found, String> {
    let mut found = vec![None; request.records.len()];
    match std::fs::metadata(path) {
        Err(_) => return Ok(found),
        Ok(facts) if !facts.is_file() => return Err("its output is not a file".to_owned()),
        Ok(facts) if facts.len() > TABLE_BYTES_MAX => {
            return Err(format!("its output has {} bytes, and may have {TABLE_BYTES_MAX}", facts.len()));
        }
        Ok(_) => {}
    }
    let file = File::open(path).map_err(|e| format!("its output cannot be read: {e}"))?;
    let mut lines = Lines { input: BufReader::new(file), number: 0, left: TABLE_BYTES_MAX };
    let places: BTreeMap<u64, usize> = request.records.iter().zip(0..).map(|(asked, index)| (asked.0, index)).collect();
    let mut layout = if output.header { None } else { Some(Layout::without_header(translation)) };
    while let Some(line) = lines.next_line()? {
        let at = lines.number;
        let cells = cells(&line, output.format).ok_or_else(|| format!("line {at} of its output has an open quote"))?;
        let Some(layout) = &layout else {
            layout = Some(Layout::of_header(&cells, output, translation)?);
            continue;
        };
        let (ordinal, answer) = layout.answer(&cells, translation).map_err(|what| format!("line {at}: {what}"))?;
        let index = places.get(&ordinal).ok_or_else(|| format!("line {at}: record {ordinal} was not asked"))?;
        if found[*index].replace(answer).is_some() {
            return Err(format!("line {at}: record {ordinal} is answered twice"));
        }
    }
    Ok(found)
}

/// The lines of a table, each of bounded length. Blank ones are passed over.
struct Lines {
    input: BufReader<File>,
    number: u64,
    left: u64,
}

impl Lines {
    fn next_line(&mut self) -> Result<Option<String>, String> {
        loop {
            let mut line = Vec::new();
            let limit = (LINE_BYTES_MAX + 1).min(self.left);
            let count = (&mut self.input).take(limit).read_until(b'\n', &mut line);
            let count = count.map_err(|e| format!("its output cannot be read: {e}"))?;
            if count == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.left -= count as u64;
            if line.len() as u64 > LINE_BYTES_MAX {
                return Err(format!("line {} of its output is longer than {LINE_BYTES_MAX} bytes", self.number));
            }
            let text = String::from_utf8(line).map_err(|_| format!("line {} of its output is no text", self.number))?;
            let text = text.trim_end_matches(['\n', '\r']);
            let text = if self.number == 1 { text.trim_start_matches('\u{feff}') } else { text };
            if !text.trim().is_empty() {
                return Ok(Some(text.to_owned()));
            }
        }
    }
}

/// Which cell holds what.
struct Layout {
    key: usize,
    columns: Vec<usize>,
    outcome: Option<usize>,
    reason: Option<usize>,
    /// How many cells a row may have; any number if not said.
    width: Option<usize>,
}

impl Layout {
    fn without_header(translation: &Translation) -> Self {
        let columns = (1..=translation.description.columns.len()).collect();
        Self { key: 0, columns, outcome: None, reason: None, width: None }
    }

    fn of_header(cells: &[String], output: &Output, translation: &Translation) -> Result<Self, String> {
        let find = |name: &str| {
            let mut at = cells.iter().enumerate().filter(|(_, cell)| cell.trim() == name).map(|(index, _)| index);
            match (at.next(), at.next()) {
                (Some(_), Some(_)) => Err(format!("the header of its output names `{name}` twice")),
                (first, _) => Ok(first),
            }
        };
        let demand = |name: &str| {
            let seen: String = cells.join(" ").chars().filter(|c| !c.is_control()).take(120).collect();
            find(name)?.ok_or_else(|| format!("the header of its output has no column `{name}` (it is `{seen}`)"))
        };
        let names = translation.description.columns.iter().map(|column| column.name.as_str());
        Ok(Self {
            key: demand(&output.key)?,
            columns: names.map(demand).collect::<Result<_, _>>()?,
            outcome: find("outcome")?,
            reason: find("reason")?,
            width: Some(cells.len()),
        })
    }

    /// The record that a row is about, and what it says.
    fn answer(&self, cells: &[String], translation: &Translation) -> Result<(u64, Answer), String> {
        if let Some(width) = self.width.filter(|width| cells.len() > *width) {
            return Err(format!("it has {} cells where the header has {width}", cells.len()));
        }
        let cell = |at: usize| cells.get(at).map_or("", String::as_str);
        let key = cell(self.key).trim();
        let ordinal = key.parse::<u64>().map_err(|_| format!("`{}` is no ordinal", shown(key)))?;
        let optional = |at: Option<usize>| at.map_or("", |at| cell(at).trim());
        let because = || {
            let given = optional(self.reason);
            if translation.description.reasons.iter().any(|declared| declared == given) {
                return Ok(given.to_owned());
            }
            Err(format!("the reason `{}` is not declared in `[scorer] reasons`", shown(given)))
        };
        let answer = match optional(self.outcome) {
            "" | "OK" => values::answer(translation, self.columns.iter().map(|at| cell(*at))),
            "SKIP" => Answer::Skip(because()?),
            "ERROR" => Answer::Error(because()?),
            "RETRY" => Answer::Retry(optional(self.reason).to_owned()),
            other => return Err(format!("the outcome `{}` is none of OK, SKIP, ERROR, RETRY", shown(other))),
        };
        Ok((ordinal, answer))
    }
}

/// The cells of a line; `None` if a quotation mark is left open.
fn cells(line: &str, format: Format) -> Option<Vec<String>> {
    if format == Format::Tsv {
        return Some(line.split('\t').map(str::to_owned).collect());
    }
    let (mut cells, mut rest) = (Vec::new(), line);
    loop {
        let Some(mut inside) = rest.trim_start_matches(' ').strip_prefix('"') else {
            let Some((cell, after)) = rest.split_once(',') else {
                cells.push(rest.to_owned());
                return Some(cells);
            };
            cells.push(cell.to_owned());
            rest = after;
            continue;
        };
        let mut cell = String::new();
        loop {
            let (part, after) = inside.split_once('"')?;
            cell.push_str(part);
            let Some(more) = after.strip_prefix('"') else {
                inside = after;
                break;
            };
            cell.push('"');
            inside = more;
        }
        cells.push(cell);
        match inside.trim_start_matches(' ').strip_prefix(',') {
            Some(after) => rest = after,
            None => return inside.trim().is_empty().then_some(cells),
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests;
