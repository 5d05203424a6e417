//! From `[scorer]` to what a translator must know: the protocols in which a program says nothing of itself.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::config::{ColumnSection, ScorerSection};
use super::known_keys;
use crate::error::{Error, Result};
use crate::fs;
use crate::library::format::Notation;
use crate::scorer::command::hello;
use crate::scorer::command::translate::spec::{
    Batch, Each, Easydock, Format, Input, Output, Protocol, Source, Translation, reason,
};
use crate::scorer::command::translate::template::Template;
use crate::scorer::command::translate::{batch, each, easydock};
use crate::scorer::{Column, ColumnType, Description, Order, files};

/// The protocols, as they are written.
pub const PROTOCOLS: [&str; 4] = ["jsonl", "batch", "each", "easydock"];

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
    /// What a server is told at its start.
    pub told: Told,
}

/// What a server is told at its start.
#[derive(Debug, Default)]
pub struct Told {
    /// With absolute paths.
    init: Map<String, Json>,
    /// As the identity has it: a digest for each file, `<dir>` for each directory.
    pub identity: Map<String, Json>,
    /// The files that are named in it.
    pub files: Vec<PathBuf>,
}

/// Reads what `section` says of a program that speaks `protocol`; `None` if it says all of it itself, in `jsonl`.
/// Paths start at `base`.
///
/// # Errors
/// A key is missing, does not belong, or is wrong (exit 2).
pub fn resolve(section: &ScorerSection, protocol: &str, written: &[String], base: &Path) -> Result<Option<Spoken>> {
    keys_belong(section, protocol)?;
    if section.batch_size.is_some_and(|size| !(1..=hello::BATCH_MAX as u32).contains(&size)) {
        return Err(Error::usage(format!("`scorer.batch_size` must be from 1 to {}", hello::BATCH_MAX)));
    }
    let (batch_size, fields): (u32, &[&str]) = match protocol {
        "batch" => (section.batch_size.unwrap_or(BATCH_SIZE), &batch::FIELDS),
        "each" => (1, &each::FIELDS),
        // The server says how many it wants.
        "easydock" => (section.batch_size.unwrap_or(0), &[]),
        _ => return Ok(None),
    };
    let (argv, templates) = match protocol {
        "easydock" => (written.to_vec(), Vec::new()),
        _ => arguments(written, fields)?,
    };
    let (description, default_column) = description(section, protocol)?;
    let mut told = Told::default();
    let holds = |field: &str| templates.iter().any(|(_, template)| template.has(field));
    let protocol = match protocol {
        "batch" => Protocol::Batch(batch_of(section, &holds)?),
        "each" => Protocol::Each(each_of(section, &description, &holds)?),
        _ => {
            told = init_of(section, base)?;
            Protocol::Easydock(Easydock { init: std::mem::take(&mut told.init), default_column })
        }
    };
    let translation = Translation {
        description,
        optional: optional_columns(section),
        templates: templates.iter().map(|(position, _)| *position).collect(),
        ok_exit: section.ok_exit.clone().unwrap_or_else(|| vec![0]),
        protocol,
    };
    Ok(Some(Spoken { translation, batch_size, argv, told }))
}

/// That the program can be given structures that are written as `notation`.
///
/// # Errors
/// It is given SMILES, and the library holds molblocks (exit 2).
pub fn takes(spoken: &Spoken, notation: Notation) -> Result<()> {
    let reads_smi = |input: Input, is_read: bool| input == Input::Smi && is_read;
    let has_in = |element: &String| Template::parse(element, &each::FIELDS).is_ok_and(|template| template.has("in"));
    let names_in = || spoken.translation.templates.iter().any(|at| spoken.argv.get(*at).is_some_and(has_in));
    let (what, hint) = match &spoken.translation.protocol {
        _ if notation == Notation::Smiles => return Ok(()),
        Protocol::Batch(batch) if reads_smi(batch.input, true) => (
            "`input = \"smi\"`",
            "say `input = \"csv\"`: \
            its cells hold molblocks, quoted, over several lines",
        ),
        Protocol::Each(each) if reads_smi(each.input, names_in()) => (
            "`input = \"smi\"`",
            "say `input = \"csv\"`, \
            whose cells hold molblocks, quoted, over several lines, or hand the molblock over as `{structure}`",
        ),
        Protocol::Easydock(_) => ("the protocol `easydock`", "let the program speak `batch` with `input = \"csv\"`"),
        Protocol::Batch(_) | Protocol::Each(_) => return Ok(()),
    };
    Err(Error::usage(format!("{what} gives the scorer SMILES, and the library holds {}", notation.many()))
        .hint(hint)
        .hint(
            "a program that speaks `jsonl` is given molblocks as they are; or convert the library to SMILES (`.smi`)",
        ))
}

/// Elements of an argument vector that hold fields, with their positions.
type Placed = Vec<(usize, Template)>;

/// The argument vector to be resolved, and those of its elements that hold fields.
fn arguments(written: &[String], fields: &[&str]) -> Result<(Vec<String>, Placed)> {
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

fn input_of(section: &ScorerSection) -> Result<Input> {
    match section.input.as_deref().unwrap_or("smi") {
        "smi" => Ok(Input::Smi),
        "csv" => Ok(Input::Csv),
        other => Err(unknown("input", other, "smi, csv")),
    }
}

fn each_of(section: &ScorerSection, description: &Description, holds: &dyn Fn(&str) -> bool) -> Result<Each> {
    let source = match section.source.as_deref().unwrap_or("stdout") {
        "stdout" => Source::Stdout,
        "out" => Source::Out,
        other => return Err(unknown("source", other, "stdout, out")),
    };
    let pattern = section.pattern.clone().ok_or_else(|| {
        Error::usage("`scorer.pattern` is missing")
            .hint("it finds the score in what the program prints: `pattern = '(?m)^RESULT: (?P<score>\\S+)'`")
    })?;
    each::pattern(&pattern, &description.columns).map_err(|what| {
        Error::usage(format!("`scorer.pattern`: {what}"))
            .hint("each column has one named group, and each named group one column")
    })?;
    if !holds("structure") && !holds("in") {
        return Err(Error::usage("no element of `scorer.argv` holds `{structure}` or `{in}`")
            .hint("an `each` program is given its record in one of these ways"));
    }
    if source == Source::Out && !holds("out") {
        return Err(Error::usage("`scorer.source` is `out`, and no element of `scorer.argv` holds `{out}`")
            .hint("tell the program where to write by `{out}`, or use `source = \"stdout\"`"));
    }
    Ok(Each { input: input_of(section)?, source, pattern })
}

/// What the server is told: `init`, its paths made absolute, and its identity.
fn init_of(section: &ScorerSection, base: &Path) -> Result<Told> {
    let mut told = Told::default();
    let written = serde_json::to_value(section.init.clone().unwrap_or_default());
    let Ok(Json::Object(written)) = written else {
        return Err(Error::usage("`scorer.init` is no table of what JSON can say"));
    };
    for (key, value) in written {
        let (absolute, identity) = located(value, base, &mut told.files)?;
        told.init.insert(key.clone(), absolute);
        told.identity.insert(key, identity);
    }
    Ok(told)
}

/// `value` with absolute paths, and with digests in their place.
fn located(value: Json, base: &Path, files: &mut Vec<PathBuf>) -> Result<(Json, Json)> {
    match value {
        Json::String(text) => {
            let path = base.join(&text);
            if path.is_file() {
                let absolute = path.to_str().ok_or_else(|| Error::usage(format!("the path `{text}` is not text")))?;
                let identity = fs::sha256_input(&path)?.0.sha256_uri();
                let absolute = Json::from(absolute);
                files.push(path);
                return Ok((absolute, Json::from(identity)));
            }
            if text.contains('/') && path.is_dir() {
                return Ok((Json::from(path.to_string_lossy()), Json::from("<dir>")));
            }
            Ok((Json::from(text.clone()), Json::from(text)))
        }
        Json::Array(values) => {
            let both: Vec<(Json, Json)> =
                values.into_iter().map(|value| located(value, base, files)).collect::<Result<_>>()?;
            let (absolute, identity): (Vec<Json>, Vec<Json>) = both.into_iter().unzip();
            Ok((Json::Array(absolute), Json::Array(identity)))
        }
        Json::Object(values) => {
            let (mut absolute, mut identity) = (Map::new(), Map::new());
            for (key, value) in values {
                let (path, digest) = located(value, base, files)?;
                absolute.insert(key.clone(), path);
                identity.insert(key, digest);
            }
            Ok((Json::Object(absolute), Json::Object(identity)))
        }
        other => Ok((other.clone(), other)),
    }
}

fn batch_of(section: &ScorerSection, holds: &dyn Fn(&str) -> bool) -> Result<Batch> {
    for field in ["in", "out"] {
        if !holds(field) {
            return Err(Error::usage(format!("no element of `scorer.argv` holds `{{{field}}}`")).hint(
                "a `batch` program is told where its input is by `{in}`, and where to write its results by `{out}`",
            ));
        }
    }
    let input = input_of(section)?;
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
        // A name is looked at for the first record and for the last that there can be: it grows with the ordinals.
        for ordinal in [u64::MIN, u64::MAX].map(|ordinal| ordinal.to_string()) {
            let path = template.fill(|field| if field == "ordinal" { ordinal.as_str() } else { "" });
            let name = path.rsplit('/').next().unwrap_or_default();
            if !files::is_name(name) {
                return Err(wrong(format!(
                    "`{name}` is no name for a kept file: at most 64 of `A-Z a-z 0-9 . _ -`, and no dot at the start"
                )));
            }
        }
    }
    let output = Output {
        format,
        header: section.output_header.unwrap_or(true),
        key: section.output_key.clone().unwrap_or_else(|| "ordinal".to_owned()),
    };
    Ok(Batch { input, output, keep })
}

/// What the campaign file says of the scorer, and whether its only column is that of every EasyDock server.
fn description(section: &ScorerSection, protocol: &str) -> Result<(Description, bool)> {
    let say = |key: &str, value: &Option<String>, example: &str| {
        value.clone().ok_or_else(|| {
            Error::usage(format!("`scorer.{key}` is missing"))
                .hint(format!("a program that says nothing of itself needs `{key} = {example}` in `[scorer]`"))
        })
    };
    let declared: Vec<Column> = section.columns.iter().flatten().map(column).collect();
    let default_column = protocol == "easydock" && declared.is_empty();
    let columns = match (default_column, declared.is_empty()) {
        (true, _) => {
            vec![Column::new(easydock::SCORE, ColumnType::Float, Order::Asc)]
        }
        (false, true) => {
            return Err(Error::usage("`scorer.columns` is missing")
                .hint("write `columns = [{ name = \"score\", type = \"float\", order = \"asc\" }]`"));
        }
        (false, false) => declared,
    };
    let mut reasons: Vec<String> = section.reasons.clone();
    if let Some(taken) = reasons.iter().find(|declared| reason::ALL.contains(&declared.as_str())) {
        return Err(Error::usage(format!("`scorer.reasons` declares `{taken}`, which is a reason of molsieve's own"))
            .hint("call it otherwise: whoever reads the pack must see who gave a reason"));
    }
    reasons.extend(reason::ALL.map(str::to_owned));
    let description = Description {
        name: say("name", &section.name, "\"dock\"")?,
        version: say("version", &section.version, "\"1\"")?,
        columns,
        deterministic: section.deterministic.unwrap_or(false),
        reasons: {
            reasons.sort_unstable();
            reasons.dedup();
            reasons
        },
    };
    hello::check_description(&description).map_err(|what| Error::usage(format!("`[scorer]`: {what}")))?;
    Ok((description, default_column))
}

fn column(section: &ColumnSection) -> Column {
    Column {
        unit: section.unit.clone(),
        description: section.description.clone(),
        ..Column::new(&section.name, section.kind.unwrap_or(ColumnType::Float), section.order)
    }
}

fn optional_columns(section: &ScorerSection) -> Vec<String> {
    let columns = section.columns.iter().flatten();
    columns.filter(|column| column.optional).map(|column| column.name.clone()).collect()
}

/// A key that a protocol does not read is a mistake, not a decoration.
fn keys_belong(section: &ScorerSection, protocol: &str) -> Result<()> {
    let (batch, each, server) = (protocol == "batch", protocol == "each", protocol == "easydock");
    let ours = batch || each || server;
    let given = [
        ("name", section.name.is_some(), ours),
        ("version", section.version.is_some(), ours),
        ("columns", section.columns.is_some(), ours),
        ("reasons", !section.reasons.is_empty(), ours),
        ("deterministic", section.deterministic.is_some(), ours),
        ("ok_exit", section.ok_exit.is_some(), batch || each),
        ("batch_size", section.batch_size.is_some(), batch || server),
        ("input", section.input.is_some(), batch || each),
        ("pattern", section.pattern.is_some(), each),
        ("source", section.source.is_some(), each),
        ("init", section.init.is_some(), server),
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
    Error::usage(format!("`scorer.{key}` is `{given}`, which is not known here"))
        .hint(known_keys::meant(given, known.split(", ")))
}
