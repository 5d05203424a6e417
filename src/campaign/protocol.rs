//! From `[scorer]` to what a translator must know: the protocols in which a program says nothing of itself.

use super::config::{ColumnSection, ScorerSection};
use crate::error::{Error, Result};
use crate::scorer::command::hello;
use crate::scorer::command::translate::batch;
use crate::scorer::command::translate::spec::{Batch, Format, Input, Output, Protocol, Translation, reason};
use crate::scorer::command::translate::template::Template;
use crate::scorer::{Column, ColumnType, Description};

/// The protocols, as they are written.
pub const PROTOCOLS: [&str; 2] = ["jsonl", "batch"];

/// Records a request, where the campaign file does not say.
const BATCH_SIZE: u32 = 256;

/// What the campaign file says of a program that a translator speaks to.
#[derive(Debug)]
pub struct Spoken {
    /// How it is spoken to.
    pub translation: Translation,
    /// Records a request.
    pub batch_size: u32,
    /// The argument vector, to be resolved: elements with fields as they are written, all others without escapes.
    pub argv: Vec<String>,
}

/// Reads what `section` says of a program that speaks `protocol`; `None` if it says all of it itself, in `jsonl`.
///
/// # Errors
/// A key is missing, does not belong, or is wrong (exit 2).
pub fn resolve(section: &ScorerSection, protocol: &str, written: &[String]) -> Result<Option<Spoken>> {
    keys_belong(section, protocol)?;
    let (fields, protocol): (&[&str], _) = match protocol {
        "batch" => (&batch::FIELDS, Protocol::Batch(batch_of(section)?)),
        _ => return Ok(None),
    };
    let (argv, templates) = arguments(written, fields)?;
    if let Protocol::Batch(_) = &protocol {
        for field in ["in", "out"] {
            if !templates.iter().any(|(_, template)| template.has(field)) {
                return Err(Error::usage(format!("no element of `scorer.argv` holds `{{{field}}}`")).hint(
                    "a `batch` program is told where its input is by `{in}`, and where to write its results by `{out}`",
                ));
            }
        }
    }
    let translation = Translation {
        description: description(section)?,
        optional: optional_columns(section),
        templates: templates.into_iter().map(|(position, _)| position).collect(),
        ok_exit: section.ok_exit.clone().unwrap_or_else(|| vec![0]),
        protocol,
    };
    let batch_size = section.batch_size.unwrap_or(BATCH_SIZE);
    if !(1..=hello::BATCH_MAX as u32).contains(&batch_size) {
        return Err(Error::usage(format!("`scorer.batch_size` must be from 1 to {}", hello::BATCH_MAX)));
    }
    Ok(Some(Spoken { translation, batch_size, argv }))
}

/// The argument vector to be resolved, and those of its elements that hold fields.
fn arguments(written: &[String], fields: &[&str]) -> Result<(Vec<String>, Vec<(usize, Template)>)> {
    let (mut argv, mut templates) = (Vec::new(), Vec::new());
    for (position, text) in written.iter().enumerate() {
        let template = Template::parse(text, fields).map_err(|what| {
            Error::usage(format!("`scorer.argv`: {what}")).hint("no shell reads it: a brace is a field, or doubled")
        })?;
        match template.literal() {
            Some(literal) => argv.push(literal),
            None if position == 0 => {
                return Err(Error::usage("`scorer.argv`: the program itself cannot be a field"));
            }
            None => {
                argv.push(text.clone());
                templates.push((position, template));
            }
        }
    }
    Ok((argv, templates))
}

fn batch_of(section: &ScorerSection) -> Result<Batch> {
    let input = match section.input.as_deref().unwrap_or("smi") {
        "smi" => Input::Smi,
        "csv" => Input::Csv,
        other => return Err(unknown("input", other, "smi, csv")),
    };
    let format = match section.output.as_deref().unwrap_or("tsv") {
        "tsv" => Format::Tsv,
        "csv" => Format::Csv,
        other => return Err(unknown("output", other, "tsv, csv")),
    };
    let keep: Vec<String> = section.keep.iter().cloned().collect();
    for pattern in &keep {
        let wrong = |what: String| {
            Error::usage(format!("`scorer.keep`: {what}")).hint(
                "it is the path of the file that the program leaves for a record, such as `{tmp}/{ordinal}.pdbqt`",
            )
        };
        let template = Template::parse(pattern, &batch::KEEP_FIELDS).map_err(wrong)?;
        let steps_out = pattern.split('/').any(|part| part == "..");
        if template.first_field() != Some("tmp") || !pattern.starts_with("{tmp}/") || steps_out {
            return Err(wrong(format!("`{pattern}` must begin with `{{tmp}}/` and stay below it")));
        }
        if !template.has("ordinal") {
            return Err(wrong(format!("`{pattern}` must hold `{{ordinal}}`: each record has a file of its own")));
        }
    }
    let output = Output {
        format,
        header: section.output_header.unwrap_or(true),
        key: section.output_key.clone().unwrap_or_else(|| "ordinal".to_owned()),
    };
    Ok(Batch { input, output, keep })
}

fn description(section: &ScorerSection) -> Result<Description> {
    let say = |key: &str, value: &Option<String>, example: &str| {
        value.clone().ok_or_else(|| {
            Error::usage(format!("`scorer.{key}` is missing"))
                .hint(format!("a program that says nothing of itself needs `{key} = {example}` in `[scorer]`"))
        })
    };
    let columns = section.columns.as_ref().filter(|columns| !columns.is_empty()).ok_or_else(|| {
        Error::usage("`scorer.columns` is missing")
            .hint("write `columns = [{ name = \"score\", type = \"float\", order = \"asc\" }]`")
    })?;
    let mut reasons: Vec<String> = section.reasons.clone();
    reasons.extend(reason::ALL.map(str::to_owned));
    let description = Description {
        name: say("name", &section.name, "\"dock\"")?,
        version: say("version", &section.version, "\"1\"")?,
        columns: columns.iter().map(column).collect(),
        deterministic: section.deterministic.unwrap_or(false),
        reasons: {
            reasons.sort_unstable();
            reasons.dedup();
            reasons
        },
    };
    hello::check_description(&description).map_err(|what| Error::usage(format!("`[scorer]`: {what}")))?;
    Ok(description)
}

fn column(section: &ColumnSection) -> Column {
    Column { name: section.name.clone(), kind: section.kind.unwrap_or(ColumnType::Float), order: section.order }
}

fn optional_columns(section: &ScorerSection) -> Vec<String> {
    let columns = section.columns.iter().flatten();
    columns.filter(|column| column.optional).map(|column| column.name.clone()).collect()
}

/// A key that a protocol does not read is a mistake, not a decoration.
fn keys_belong(section: &ScorerSection, protocol: &str) -> Result<()> {
    let (batch, ours) = (protocol == "batch", protocol != "jsonl");
    let given = [
        ("name", section.name.is_some(), ours),
        ("version", section.version.is_some(), ours),
        ("columns", section.columns.is_some(), ours),
        ("reasons", !section.reasons.is_empty(), ours),
        ("deterministic", section.deterministic.is_some(), ours),
        ("ok_exit", section.ok_exit.is_some(), batch),
        ("batch_size", section.batch_size.is_some(), batch),
        ("input", section.input.is_some(), batch),
        ("output", section.output.is_some(), batch),
        ("output_header", section.output_header.is_some(), batch),
        ("output_key", section.output_key.is_some(), batch),
        ("keep", section.keep.is_some(), batch),
    ];
    match given.iter().find(|(_, given, belongs)| *given && !belongs) {
        None => Ok(()),
        Some((key, ..)) => Err(Error::usage(format!("`scorer.{key}` means nothing in the protocol `{protocol}`"))
            .hint("remove it, or change `protocol`")),
    }
}

fn unknown(key: &str, given: &str, known: &str) -> Error {
    Error::usage(format!("`scorer.{key}` is `{given}`")).hint(format!("known are: {known}"))
}
