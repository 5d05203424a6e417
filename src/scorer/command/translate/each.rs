//! The protocol `each`: one process a record, its score found in what it prints. Its document is `docs/formats/each.md`.

use std::path::{Path, PathBuf};

use regex::{Regex, RegexBuilder};

use super::arguments::{Arguments, Call};
use super::dirs::Dirs;
use super::echo::Given;
use super::program::{Run, Starter};
use super::serve::{Answer, Answers, Asked, Request, Translator, Trouble};
use super::spec::{self, Source, Spec, reason};
use super::table;
use super::values;
use crate::fs::scratch;
use crate::scorer::Column;
use crate::scorer::command::trace;

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
    arguments: Arguments,
    pattern: Regex,
    starter: Starter,
    dirs: Dirs,
}

impl EachTranslator {
    /// A translator whose files lie in `tmp`.
    ///
    /// # Errors
    /// A template or the pattern is wrong, in words.
    pub fn new(spec: Spec, how: spec::Each, starter: Starter, gpu: String, tmp: PathBuf) -> Result<Self, String> {
        let arguments = Arguments::of(&spec, &FIELDS, gpu)?;
        let pattern = pattern(&how.pattern, &spec.translation.description.columns)?;
        Ok(Self { spec, how, arguments, pattern, starter, dirs: Dirs::new(tmp) })
    }

    /// Why the record cannot be handed over as `argv`, if it cannot.
    fn danger(&self, asked: &Asked, argv: &[String]) -> Option<String> {
        if let Some(argument) = self.arguments.option_in(argv) {
            return Some(format!("the argument `{}` would be an option", trace::excerpt(argument.as_bytes())));
        }
        if asked.2.contains('\0') {
            return Some("no argument can hold a NUL".to_owned());
        }
        let unfit = self.arguments.holds("in") && !table::fits(self.how.input, asked);
        unfit.then(|| "it cannot be written as `input` has it".to_owned())
    }

    /// The answer that is in what the program printed or wrote.
    fn find(&self, text: &[u8], given: &Given) -> Answer {
        let text = String::from_utf8_lossy(text);
        let Some(found) = self.pattern.captures(&text) else {
            return Answer::Failed(reason::NO_RESULT, "the pattern matches nothing".into());
        };
        if let Some(matched) = given.repeated(&text, &found) {
            let seen = format!("`{}` is matched in what it repeats of the record", trace::excerpt(matched.as_bytes()));
            return Answer::Failed(reason::UNSAFE, seen.into());
        }
        let columns = self.spec.translation.description.columns.iter();
        let texts = columns.map(|column| found.name(&column.name).map_or("", |group| group.as_str()));
        values::answer(&self.spec.translation, texts)
    }

    /// The answer that is in what a program printed or wrote to `output`, which ended well.
    fn read(&self, run: &Run, output: &Path, given: &Given) -> Result<Answer, Trouble> {
        if self.how.source == Source::Stdout {
            let printed = run.printed.as_deref();
            let printed = printed.ok_or_else(|| Trouble::Violation("it prints more than 16 MiB".to_owned()))?;
            return Ok(self.find(printed, given));
        }
        match std::fs::metadata(output) {
            Err(_) => Ok(Answer::Failed(reason::NO_RESULT, "it wrote no output".into())),
            Ok(facts) if !facts.is_file() || facts.len() > OUTPUT_BYTES_MAX => {
                Err(Trouble::Violation("its output is no file of at most 16 MiB".to_owned()))
            }
            Ok(_) => std::fs::read(output)
                .map(|text| self.find(&text, given))
                .map_err(|e| Trouble::Violation(format!("its output cannot be read: {e}"))),
        }
    }

    fn score(&mut self, seq: u64, request: &Request, asked: &Asked) -> Result<Answer, Trouble> {
        let later = |what: &str, e: std::io::Error| Ok(Answer::Retry(format!("{what}: {e}")));
        let dir = match self.dirs.make(seq) {
            Ok(dir) => dir,
            Err(e) => return later("no directory for the input", e),
        };
        let (input, output) = (dir.join(self.how.input.file_name()), dir.join("out"));
        let call = Call { input: &input, output: &output, dir: &dir, seed: asked.3, record: Some(asked) };
        let argv = self.arguments.fill(&call);
        if let Some(danger) = self.danger(asked, &argv) {
            return Ok(Answer::Failed(reason::UNSAFE, danger.into()));
        }
        let mut record = Vec::new();
        if self.arguments.holds("in") {
            record = table::records(self.how.input, request, |other| other.0 == asked.0);
            if let Err(e) = scratch::write(&input, &record) {
                return later("cannot write the input", e);
            }
        }
        let run = match self.starter.capture(&argv) {
            Err(e) => return later("cannot start a process", e),
            Ok(run) => run,
        };
        let command = || self.arguments.fill(&call.shown());
        if let Err(death) = run.end {
            return Err(Trouble::Died(death, run.seen(None, &command())));
        }
        let given = Given::of(&[&table::printable(&asked.1), &asked.2, &String::from_utf8_lossy(&record)]);
        Ok(match self.read(&run, &output, &given)? {
            Answer::Failed(reason, seen) => Answer::Failed(reason, run.seen(Some(&seen.what), &command())),
            answer => answer,
        })
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
