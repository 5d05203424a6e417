//! How a reply is read: straight into payload rows, and strictly.
//!
//! `{"seq":1,"results":[[ordinal,"OK",{"score":0.5}],[ordinal,"SKIP","reason"],…]}`, and perhaps
//! `"files":[[ordinal,"name","path"],…]` beside it. Nothing is
//! taken from a reply that is wrong anywhere: rows are handed over once all of it is read. There is
//! no tree of JSON values in between; the visitors below know what they expect.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::id::Ordinal;
use crate::library::record::RecordBlock;
use crate::scorer::files::{self, Offered};
use crate::scorer::row::RowBlock;
use crate::scorer::{ColumnType, Description, Outcome, Value, Verdict};

/// Integers of the payload are below this in magnitude, so that every JSON reader keeps them.
const INT_MAX: i64 = (1 << 53) - 1;

/// What a reply must answer.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The number of the request.
    pub seq: u64,
    /// Its records.
    pub block: &'a RecordBlock,
    /// What the scorer said about itself.
    pub description: &'a Description,
}

/// What a sound reply says.
#[derive(Debug, Default, PartialEq)]
pub struct Reply {
    /// The rows of records that are finished.
    pub rows: RowBlock,
    /// The records that are to be asked again later, by their index in the request.
    pub retry: Vec<usize>,
    /// The records that are to be asked again alone, by their index in the request.
    pub alone: Vec<usize>,
    /// Why, as the last of those to be asked later said.
    pub why: String,
    /// The files that it hands over for records that are finished.
    pub files: Vec<Offered>,
}

/// Reads the reply to `asked`.
///
/// # Errors
/// What is wrong with it, in words: it is not strict JSON, answers another request, leaves out or
/// repeats a record, or says of one what the scorer did not declare.
pub fn read(line: &[u8], asked: &Asked<'_>) -> Result<Reply, String> {
    let mut reader = Reader::new(asked);
    let mut json = serde_json::Deserializer::from_slice(line);
    let parsed = json.deserialize_map(Top(&mut reader)).and_then(|()| json.end());
    // The message may repeat what the scorer wrote: it is cut.
    parsed.map_err(|e| e.to_string().chars().take(300).collect::<String>())?;
    Ok(reader.reply)
}

/// The state while one reply is read.
struct Reader<'a> {
    asked: &'a Asked<'a>,
    reply: Reply,
    /// Which records of the request are answered.
    answered: Vec<bool>,
    /// How many of them.
    count: usize,
    /// The index that the next result probably has.
    next: usize,
    /// The ordinals of the request, sorted, with their indices; made when a result comes out of order.
    sorted: Vec<(Ordinal, usize)>,
    /// Used for one record after another, so that its memory is.
    verdict: Verdict,
    /// Which columns of the record have a value.
    filled: Vec<bool>,
}

impl<'a> Reader<'a> {
    fn new(asked: &'a Asked<'a>) -> Self {
        let (records, columns) = (asked.block.len(), asked.description.columns.len());
        Self {
            asked,
            reply: Reply { rows: RowBlock::with_capacity(records), ..Reply::default() },
            answered: vec![false; records],
            count: 0,
            next: 0,
            sorted: Vec::new(),
            verdict: Verdict::ok(vec![Value::Null; columns]),
            filled: vec![false; columns],
        }
    }

    /// The index of `ordinal` in the request, which must not be answered yet.
    fn claim<E: de::Error>(&mut self, ordinal: Ordinal) -> Result<usize, E> {
        let index = self.find(ordinal).ok_or_else(|| E::custom(format!("record {ordinal} was not asked")))?;
        if std::mem::replace(&mut self.answered[index], true) {
            return Err(E::custom(format!("record {ordinal} is answered twice")));
        }
        self.count += 1;
        self.next = index + 1;
        Ok(index)
    }

    fn find(&mut self, ordinal: Ordinal) -> Option<usize> {
        let block = self.asked.block;
        if self.next < block.len() && block.get(self.next).ordinal == ordinal {
            return Some(self.next);
        }
        if self.sorted.is_empty() {
            self.sorted = block.iter().enumerate().map(|(index, record)| (record.ordinal, index)).collect();
            self.sorted.sort_unstable();
        }
        let at = self.sorted.binary_search_by_key(&ordinal, |(ordinal, _)| *ordinal).ok()?;
        Some(self.sorted[at].1)
    }

    /// Takes note of the files, once all results are read.
    fn offer(&mut self, files: Vec<(Ordinal, String, PathBuf)>) -> Result<(), String> {
        if files.is_empty() {
            return Ok(());
        }
        let retry: BTreeSet<usize> = self.reply.retry.iter().copied().collect();
        let mut names = BTreeSet::new();
        let mut of_record = BTreeMap::new();
        for (ordinal, name, path) in files {
            let index = self.find(ordinal).ok_or_else(|| format!("a file is given for record {ordinal}, not asked"))?;
            if retry.contains(&index) {
                return Err(format!("a file is given for record {ordinal}, which is to be asked again"));
            }
            if !files::is_name(&name) {
                return Err(format!("`{}` is no name for a file of record {ordinal}", short(&name)));
            }
            let count: &mut usize = of_record.entry(ordinal).or_default();
            *count += 1;
            if *count > files::FILES_MAX {
                return Err(format!("record {ordinal} has more than {} files", files::FILES_MAX));
            }
            if !names.insert((ordinal, name.clone())) {
                return Err(format!("the file `{name}` of record {ordinal} is given twice"));
            }
            self.reply.files.push(Offered { ordinal, name, path });
        }
        Ok(())
    }

    fn push_row(&mut self, index: usize) {
        let columns = self.asked.description.columns.len();
        self.reply.rows.push(&self.asked.block.get(index), &self.verdict, columns);
    }
}

/// The outermost object.
struct Top<'r, 'a>(&'r mut Reader<'a>);

/// A key of the outermost object.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Field {
    Seq,
    Results,
    Violation,
    Files,
}

impl<'de> Visitor<'de> for Top<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `seq`, `results` and perhaps `files`")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let (mut seq, mut results, mut files) = (None, false, None);
        while let Some(field) = map.next_key::<Field>()? {
            match field {
                Field::Seq if seq.is_some() => return Err(de::Error::duplicate_field("seq")),
                Field::Seq => seq = Some(map.next_value::<u64>()?),
                // A translator says so of the program that it speaks for.
                Field::Violation => return Err(de::Error::custom(map.next_value::<String>()?)),
                Field::Results if results => return Err(de::Error::duplicate_field("results")),
                Field::Results => {
                    map.next_value_seed(Results(self.0))?;
                    results = true;
                }
                Field::Files if files.is_some() => return Err(de::Error::duplicate_field("files")),
                Field::Files => files = Some(map.next_value::<Vec<(Ordinal, String, PathBuf)>>()?),
            }
        }
        let (seq, expected) = (seq.ok_or_else(|| de::Error::missing_field("seq"))?, self.0.asked.seq);
        if seq != expected {
            return Err(de::Error::custom(format!("`seq` is {seq} where {expected} was asked")));
        }
        if !results {
            return Err(de::Error::missing_field("results"));
        }
        if let Some(index) = self.0.answered.iter().position(|answered| !answered) {
            let ordinal = self.0.asked.block.get(index).ordinal;
            return Err(de::Error::custom(format!("record {ordinal} is not answered")));
        }
        self.0.offer(files.unwrap_or_default()).map_err(de::Error::custom)
    }
}

/// The array of results.
struct Results<'r, 'a>(&'r mut Reader<'a>);

impl<'de> DeserializeSeed<'de> for Results<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Results<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of results")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        while seq.next_element_seed(Entry(&mut *self.0))?.is_some() {}
        Ok(())
    }
}

/// One result: `[ordinal,"OK",{…}]`, or `[ordinal,"SKIP","reason"]` and its like.
struct Entry<'r, 'a>(&'r mut Reader<'a>);

/// The second element of a result.
#[derive(Clone, Copy, Deserialize)]
#[serde(variant_identifier, rename_all = "UPPERCASE")]
enum Word {
    Ok,
    Skip,
    Error,
    Retry,
    Alone,
}

impl<'de> DeserializeSeed<'de> for Entry<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a result of three elements")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        let reader = self.0;
        let ordinal: Ordinal = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &"three elements"))?;
        let index = reader.claim(ordinal)?;
        let word: Word = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(1, &"three elements"))?;
        let third = match word {
            Word::Ok => seq.next_element_seed(Cells(&mut *reader))?,
            Word::Skip | Word::Error => seq.next_element_seed(Reason(&mut *reader, word))?,
            Word::Retry => seq.next_element::<String>()?.map(|why| {
                reader.reply.why = why;
                reader.reply.retry.push(index);
            }),
            Word::Alone if reader.asked.block.len() == 1 => {
                return Err(de::Error::custom(format!("record {ordinal} is alone in the request already")));
            }
            Word::Alone => seq.next_element::<String>()?.map(|_| reader.reply.alone.push(index)),
        };
        third.ok_or_else(|| <S::Error as de::Error>::invalid_length(2, &"three elements"))?;
        if !matches!(word, Word::Retry | Word::Alone) {
            reader.push_row(index);
        }
        Ok(())
    }
}

/// A declared reason.
struct Reason<'r, 'a>(&'r mut Reader<'a>, Word);

impl<'de> DeserializeSeed<'de> for Reason<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Reason<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reason")
    }

    fn visit_str<E: de::Error>(self, reason: &str) -> Result<(), E> {
        if !self.0.asked.description.reasons.iter().any(|declared| declared == reason) {
            return Err(E::custom(format!("the reason `{}` is not declared in the hello", short(reason))));
        }
        let verdict = &mut self.0.verdict;
        verdict.outcome = if matches!(self.1, Word::Skip) { Outcome::Skip } else { Outcome::Error };
        verdict.reason = reason.to_owned().into();
        verdict.values.fill(Value::Null);
        Ok(())
    }
}

/// The object of a record's values.
struct Cells<'r, 'a>(&'r mut Reader<'a>);

impl<'de> DeserializeSeed<'de> for Cells<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Cells<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with one value a column")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let reader = self.0;
        let columns = &reader.asked.description.columns;
        reader.filled.fill(false);
        let mut next = 0;
        while let Some(column) = map.next_key_seed(ColumnKey { description: reader.asked.description, next })? {
            if std::mem::replace(&mut reader.filled[column], true) {
                return Err(de::Error::custom(format!("column `{}` is given twice", columns[column].name)));
            }
            map.next_value_seed(Cell { kind: columns[column].kind, into: &mut reader.verdict.values[column] })?;
            next = column + 1;
        }
        if let Some(missing) = reader.filled.iter().position(|filled| !filled) {
            return Err(de::Error::custom(format!("column `{}` is missing", columns[missing].name)));
        }
        reader.verdict.outcome = Outcome::Ok;
        reader.verdict.reason = "".into();
        Ok(())
    }
}

/// The name of a column; `next` is tried first, as scorers keep to their order.
struct ColumnKey<'a> {
    description: &'a Description,
    next: usize,
}

impl<'de> DeserializeSeed<'de> for ColumnKey<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<usize, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for ColumnKey<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        let columns = &self.description.columns;
        if columns.get(self.next).is_some_and(|column| column.name == name) {
            return Ok(self.next);
        }
        columns
            .iter()
            .position(|column| column.name == name)
            .ok_or_else(|| E::custom(format!("the column `{}` is not declared in the hello", short(name))))
    }
}

/// One value, of the type that its column has.
struct Cell<'v> {
    kind: ColumnType,
    into: &'v mut Value,
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl Cell<'_> {
    fn set(self, value: Value) {
        *self.into = value;
    }
}

impl Visitor<'_> for Cell<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ColumnType::Float => "a finite number or null",
            ColumnType::Int => "an integer below 2^53 in magnitude or null",
            ColumnType::String => "a string or null",
        })
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.set(Value::Null);
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        if self.kind == ColumnType::Float && value.is_finite() {
            self.set(Value::Float(value));
            return Ok(());
        }
        Err(E::invalid_type(de::Unexpected::Float(value), &self))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        match self.kind {
            ColumnType::Float => self.set(Value::Float(value as f64)),
            ColumnType::Int if value.unsigned_abs() <= INT_MAX.unsigned_abs() => self.set(Value::Int(value)),
            _ => return Err(E::invalid_type(de::Unexpected::Signed(value), &self)),
        }
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        match self.kind {
            ColumnType::Float => self.set(Value::Float(value as f64)),
            ColumnType::Int if value <= INT_MAX.unsigned_abs() => self.set(Value::Int(value as i64)),
            _ => return Err(E::invalid_type(de::Unexpected::Unsigned(value), &self)),
        }
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        if self.kind != ColumnType::String {
            return Err(E::invalid_type(de::Unexpected::Other("a string"), &self));
        }
        if let Value::Text(bytes) = self.into {
            bytes.clear();
            bytes.extend_from_slice(text.as_bytes());
        } else {
            self.set(Value::Text(text.as_bytes().to_vec()));
        }
        Ok(())
    }
}

/// As much of a text as an error message should repeat.
fn short(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
