//! The protocol `each`: one process a record, its score found in what it prints. Its document is `docs/formats/each.md`.

use std::path::{Path, PathBuf};

use regex::{Regex, RegexBuilder};

use super::dirs::Dirs;
use super::program::Starter;
use super::serve::{Answer, Answers, Asked, Request, Translator, Trouble};
use super::spec::{self, Input, Source, Spec, reason};
use super::table;
use super::template::Template;
use super::values;
use crate::fs::scratch;
use crate::scorer::Column;

/// What an argument of an `each` program may hold.
pub const FIELDS: [&str; 10] = ["structure", "id", "ordinal", "in", "out", "tmp", "seed", "seed31", "threads", "gpu"];
/// A compiled pattern takes no more memory than this, nor does its cache.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// More than this of an output file is not searched.
const OUTPUT_BYTES_MAX: u64 = 16 << 20;

/// Compiles `pattern`, in which each of `columns` must be a named group, and no other name may be one.
///
/// # Errors
/// It is no pattern, is too large, or its groups are not the columns; in words.
pub fn pattern(pattern: &str, columns: &[Column]) -> Result<Regex, String> {
    let regex = RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|e| format!("it is no regular expression: {e}"))?;
    let groups: Vec<&str> = regex.capture_names().flatten().collect();
    for column in columns.iter().map(|column| column.name.as_str()) {
        if !groups.contains(&column) {
            return Err(format!("it has no group `(?P<{column}>…)` for the column `{column}`"));
        }
    }
    match groups.iter().find(|group| !columns.iter().any(|column| column.name == **group)) {
        Some(group) => Err(format!("its group `{group}` is not declared in `columns`")),
        None => Ok(regex),
    }
}

/// Speaks to an `each` program.
#[derive(Debug)]
pub struct EachTranslator {
    spec: Spec,
    how: spec::Each,
    argv: Vec<Template>,
    pattern: Regex,
    starter: Starter,
    gpu: String,
    dirs: Dirs,
}

impl EachTranslator {
    /// A translator whose files lie in `tmp`.
    ///
    /// # Errors
    /// A template or the pattern is wrong, in words.
    pub fn new(spec: Spec, how: spec::Each, starter: Starter, gpu: String, tmp: PathBuf) -> Result<Self, String> {
        let argv = super::templates(&spec, &FIELDS)?;
        let pattern = pattern(&how.pattern, &spec.translation.description.columns)?;
        Ok(Self { spec, how, argv, pattern, starter, gpu, dirs: Dirs::new(tmp) })
    }

    /// Whether the record can be handed over as `argv`: an argument whose beginning comes from a field must not
    /// look like an option (`-x`) or like a file of arguments (`@x`) to the program. Any field may be empty, so
    /// the whole argument is looked at, and not what its first field holds.
    fn is_safe(&self, asked: &Asked, argv: &[String]) -> bool {
        let begins_with_field = |template: &Template| template.first_field().is_some();
        let is_option = |argument: &String| argument.starts_with(['-', '@']);
        let options = self.argv.iter().zip(argv).any(|(t, argument)| begins_with_field(t) && is_option(argument));
        let holds = |field| self.argv.iter().any(|template| template.has(field));
        !options && !asked.2.contains('\0') && (!holds("in") || table::fits(self.how.input, asked))
    }

    fn argv(&self, asked: &Asked, input: &Path, output: &Path, dir: &Path) -> Vec<String> {
        let Asked(ordinal, id, structure, seed) = asked;
        let (input, output, dir) = (input.to_string_lossy(), output.to_string_lossy(), dir.to_string_lossy());
        let (id, ordinal, threads) = (table::printable(id), ordinal.to_string(), self.spec.threads.to_string());
        let (seed, seed31) = (seed.to_string(), super::seed31(*seed).to_string());
        let value = |field: &str| match field {
            "structure" => structure.as_str(),
            "id" => &id,
            "ordinal" => &ordinal,
            "in" => &*input,
            "out" => &*output,
            "tmp" => &*dir,
            "seed" => &seed,
            "seed31" => &seed31,
            "threads" => &threads,
            _ => &self.gpu,
        };
        self.argv.iter().map(|template| template.fill(value)).collect()
    }

    /// The answer that is in what the program printed or wrote.
    fn find(&self, text: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(text);
        let Some(found) = self.pattern.captures(&text) else {
            return Answer::Error(reason::NO_RESULT.to_owned());
        };
        let columns = self.spec.translation.description.columns.iter();
        let texts = columns.map(|column| found.name(&column.name).map_or("", |group| group.as_str()));
        values::answer(&self.spec.translation, texts)
    }

    fn score(&mut self, seq: u64, request: &Request, asked: &Asked) -> Result<Answer, Trouble> {
        let later = |what: &str, e: std::io::Error| Ok(Answer::Retry(format!("{what}: {e}")));
        let dir = match self.dirs.make(seq) {
            Ok(dir) => dir,
            Err(e) => return later("no directory for the input", e),
        };
        let name = if self.how.input == Input::Smi { "in.smi" } else { "in.csv" };
        let (input, output) = (dir.join(name), dir.join("out"));
        let argv = self.argv(asked, &input, &output, &dir);
        if !self.is_safe(asked, &argv) {
            return Ok(Answer::Error(reason::UNSAFE.to_owned()));
        }
        let record = table::records(self.how.input, request, |other| other.0 == asked.0);
        if let Err(e) = scratch::write(&input, &record) {
            return later("cannot write the input", e);
        }
        let printed = match self.starter.capture(&argv) {
            Err(e) => return later("cannot start a process", e),
            Ok(Err(death)) => return Err(Trouble::Died(death)),
            Ok(Ok(printed)) => printed,
        };
        if self.how.source == Source::Stdout {
            let printed = printed.ok_or_else(|| Trouble::Violation("it prints more than 16 MiB".to_owned()))?;
            return Ok(self.find(&printed));
        }
        match std::fs::metadata(&output) {
            Err(_) => Ok(Answer::Error(reason::NO_RESULT.to_owned())),
            Ok(facts) if !facts.is_file() || facts.len() > OUTPUT_BYTES_MAX => {
                Err(Trouble::Violation("its output is no file of at most 16 MiB".to_owned()))
            }
            Ok(_) => {
                let text = std::fs::read(&output);
                text.map(|text| self.find(&text))
                    .map_err(|e| Trouble::Violation(format!("its output cannot be read: {e}")))
            }
        }
    }
}

impl Translator for EachTranslator {
    fn answer(&mut self, request: &Request) -> Result<Answers, Trouble> {
        let answers: Result<Vec<Answer>, Trouble> =
            request.records.iter().map(|asked| self.score(request.seq, request, asked)).collect();
        Ok(Answers { answers: answers?, files: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::{ColumnType, Order};

    fn column(name: &str) -> Column {
        Column::new(name, ColumnType::Float, Order::Asc)
    }

    #[test]
    fn the_groups_of_a_pattern_are_the_columns() {
        let columns = [column("score"), column("time")];
        assert!(pattern(r"(?P<score>\S+) in (?<time>\S+)", &columns).is_ok());
        for (bad, says) in [
            (r"(?P<score>\S+)", "for the column `time`"),
            (r"(?P<score>\S+)(?P<time>.)(?P<more>.)", "`more` is not declared"),
            (r"(?P<score>", "no regular expression"),
            (r"(?P<score>(a{1000}){1000})(?P<time>.)", "no regular expression"),
        ] {
            assert!(pattern(bad, &columns).unwrap_err().contains(says), "{bad}");
        }
    }
}
