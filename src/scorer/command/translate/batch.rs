//! The protocol `batch`: one process for many records, over files. Its document is `docs/formats/batch.md`.

use std::path::{Path, PathBuf};

use super::arguments::{Arguments, Call};
use super::dirs::Dirs;
use super::program::Starter;
use super::serve::{self, Answer, Answers, Asked, Kept, Request, Translator, Trouble};
use super::spec::{self, Spec, reason};
use super::table;
use super::template::Template;
use crate::fs::scratch;

/// What an argument of a `batch` program may hold.
pub const FIELDS: [&str; 7] = ["in", "out", "tmp", "seed", "seed31", "threads", "gpu"];
/// What the pattern of a kept file may hold.
pub const KEEP_FIELDS: [&str; 2] = ["tmp", "ordinal"];

/// Speaks to a `batch` program.
#[derive(Debug)]
pub struct BatchTranslator {
    spec: Spec,
    how: spec::Batch,
    arguments: Arguments,
    keep: Vec<Template>,
    starter: Starter,
    dirs: Dirs,
}

impl BatchTranslator {
    /// A translator whose files lie in `tmp`.
    ///
    /// # Errors
    /// A template is wrong, in words.
    pub fn new(spec: Spec, how: spec::Batch, starter: Starter, gpu: String, tmp: PathBuf) -> Result<Self, String> {
        let arguments = Arguments::of(&spec, &FIELDS, gpu)?;
        let keep = how.keep.iter().map(|text| Template::parse(text, &KEEP_FIELDS)).collect::<Result<_, _>>()?;
        Ok(Self { spec, how, arguments, keep, starter, dirs: Dirs::new(tmp) })
    }

    /// The files that the program left for the records that it scored.
    fn kept(&self, request: &Request, answers: &[Answer], dir: &Path) -> Vec<Kept> {
        let mut kept = Vec::new();
        let scored = request.records.iter().zip(answers).filter(|(_, answer)| matches!(answer, Answer::Ok(_)));
        for (asked, _) in scored {
            let ordinal = asked.0;
            for template in &self.keep {
                let (number, within) = (ordinal.to_string(), dir.to_string_lossy());
                let path = PathBuf::from(template.fill(|field| if field == "tmp" { &*within } else { &number }));
                match super::kept_file(dir, &path) {
                    Ok(found) => kept.extend(found.map(|(name, path)| (ordinal, name, path))),
                    Err(why) => serve::tell(std::slice::from_ref(asked), &why.into()),
                }
            }
        }
        kept
    }
}

impl Translator for BatchTranslator {
    fn answer(&mut self, request: &Request) -> Result<Answers, Trouble> {
        let fits = |asked: &Asked| table::fits(self.how.input, asked);
        let records = table::records(self.how.input, request, fits);
        let given = request.records.iter().filter(|asked| fits(asked)).count();
        let unfit = || Answer::Failed(reason::UNSAFE, "it cannot be written as `input` has it".into());
        if given == 0 {
            return Ok(Answers { answers: vec![unfit(); request.records.len()], files: Vec::new() });
        }
        // That this machine has no room or no process left is not the fault of a record: it is asked again later.
        let dir = match self.dirs.make(request.seq) {
            Ok(dir) => dir,
            Err(e) => return Ok(super::postponed(request, &format!("no directory for the input: {e}"))),
        };
        let (input, output) = (dir.join(self.how.input.file_name()), dir.join(self.how.output.file_name()));
        if let Err(e) = scratch::write(&input, &records) {
            return Ok(super::postponed(request, &format!("cannot write the input: {e}")));
        }
        let call = Call { input: &input, output: &output, dir: &dir, seed: self.spec.seed, record: None };
        let run = match self.starter.run(&self.arguments.fill(&call)) {
            Err(e) => return Ok(super::postponed(request, &format!("cannot start a process: {e}"))),
            Ok(run) => run,
        };
        let seen = |what: Option<&str>| {
            let mut seen = run.seen(what, &self.arguments.fill(&call.shown()));
            // Of which of several records that ended well the program spoke, nobody knows.
            if given > 1 && run.end.is_ok() {
                seen.said.clear();
            }
            seen
        };
        if let Err(death) = run.end {
            return Err(Trouble::Died(death, seen(None)));
        }
        let found = table::read(&output, &self.how.output, &self.spec.translation, request);
        let found = found.map_err(Trouble::Violation)?;
        // That the program says nothing of one record may be the fault of another: only of a record that it was
        // given alone is its silence an answer.
        let answer = |(asked, found): (&Asked, Option<Answer>)| match found {
            Some(Answer::Failed(reason, found)) => Answer::Failed(reason, seen(Some(&found.what))),
            Some(answer) => answer,
            None if !fits(asked) => unfit(),
            None if given > 1 => Answer::Alone,
            None => Answer::Failed(reason::NO_RESULT, seen(Some("its output has no row of it"))),
        };
        let answers: Vec<Answer> = request.records.iter().zip(found).map(answer).collect();
        let files = self.kept(request, &answers, &dir);
        Ok(Answers { answers, files })
    }
}
