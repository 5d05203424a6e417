//! The protocol `batch`: one process for many records, over files. Its document is `docs/formats/batch.md`.

use std::path::{Path, PathBuf};

use super::dirs::Dirs;
use super::program::Starter;
use super::serve::{Answer, Answers, Asked, Kept, Request, Translator, Trouble};
use super::spec::{self, Format, Input, Spec, reason};
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
    argv: Vec<Template>,
    keep: Vec<Template>,
    starter: Starter,
    gpu: String,
    dirs: Dirs,
}

impl BatchTranslator {
    /// A translator whose files lie in `tmp`.
    ///
    /// # Errors
    /// A template is wrong, in words.
    pub fn new(spec: Spec, how: spec::Batch, starter: Starter, gpu: String, tmp: PathBuf) -> Result<Self, String> {
        let argv = super::templates(&spec, &FIELDS)?;
        let keep = how.keep.iter().map(|text| Template::parse(text, &KEEP_FIELDS)).collect::<Result<_, _>>()?;
        Ok(Self { spec, how, argv, keep, starter, gpu, dirs: Dirs::new(tmp) })
    }

    fn argv(&self, input: &Path, output: &Path, dir: &Path) -> Vec<String> {
        let (input, output, dir) = (input.to_string_lossy(), output.to_string_lossy(), dir.to_string_lossy());
        let (seed, threads) = (self.spec.seed.to_string(), self.spec.threads.to_string());
        let seed31 = super::seed31(self.spec.seed).to_string();
        let value = |field: &str| match field {
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

    /// The files that the program left for the records that it scored.
    fn kept(&self, request: &Request, answers: &[Answer], dir: &Path) -> Vec<Kept> {
        let mut kept = Vec::new();
        let scored = request.records.iter().zip(answers).filter(|(_, answer)| matches!(answer, Answer::Ok(_)));
        for (Asked(ordinal, ..), _) in scored {
            for template in &self.keep {
                let (number, within) = (ordinal.to_string(), dir.to_string_lossy());
                let path = PathBuf::from(template.fill(|field| if field == "tmp" { &*within } else { &number }));
                kept.extend(super::kept_file(dir, &path).map(|(name, path)| (*ordinal, name, path)));
            }
        }
        kept
    }
}

impl Translator for BatchTranslator {
    fn answer(&mut self, request: &Request) -> Result<Answers, Trouble> {
        let (input_name, output_name) = (
            if self.how.input == Input::Smi { "in.smi" } else { "in.csv" },
            if self.how.output.format == Format::Tsv { "out.tsv" } else { "out.csv" },
        );
        let fits = |asked: &Asked| table::fits(self.how.input, asked);
        let records = table::records(self.how.input, request, fits);
        let unfit: Vec<bool> = request.records.iter().map(|asked| !fits(asked)).collect();
        if unfit.iter().all(|unfit| *unfit) {
            let answers = unfit.iter().map(|_| Answer::Error(reason::UNSAFE.to_owned())).collect();
            return Ok(Answers { answers, files: Vec::new() });
        }
        // That this machine has no room or no process left is not the fault of a record: it is asked again later.
        let dir = match self.dirs.make(request.seq) {
            Ok(dir) => dir,
            Err(e) => return Ok(super::postponed(request, &format!("no directory for the input: {e}"))),
        };
        let (input, output) = (dir.join(input_name), dir.join(output_name));
        if let Err(e) = scratch::write(&input, &records) {
            return Ok(super::postponed(request, &format!("cannot write the input: {e}")));
        }
        match self.starter.run(&self.argv(&input, &output, &dir)) {
            Err(e) => return Ok(super::postponed(request, &format!("cannot start a process: {e}"))),
            Ok(Err(death)) => return Err(Trouble::Died(death)),
            Ok(Ok(())) => {}
        }
        let found = table::read(&output, &self.how.output, &self.spec.translation, request);
        let found = found.map_err(Trouble::Violation)?;
        // That the program says nothing of one record may be the fault of another: only of a record that it was
        // given alone is its silence an answer.
        let alone = unfit.iter().filter(|unfit| !**unfit).count() == 1;
        let missing = |unfit: bool| match (unfit, alone) {
            (true, _) => Answer::Error(reason::UNSAFE.to_owned()),
            (false, true) => Answer::Error(reason::NO_RESULT.to_owned()),
            (false, false) => Answer::Alone,
        };
        let answers: Vec<Answer> =
            found.into_iter().zip(unfit).map(|(answer, unfit)| answer.unwrap_or_else(|| missing(unfit))).collect();
        let files = self.kept(request, &answers, &dir);
        Ok(Answers { answers, files })
    }
}
