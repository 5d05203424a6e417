//! The argument vector of a program, with fields that stand for something else in each call.

use std::path::Path;

use super::serve::Asked;
use super::spec::Spec;
use super::table;
use super::template::Template;

/// An argument vector with fields.
#[derive(Debug)]
pub struct Arguments {
    templates: Vec<Template>,
    threads: u32,
    gpu: String,
}

/// What the fields of one call stand for, beside those that are the same in all.
#[derive(Debug)]
pub struct Call<'c> {
    /// `{in}`.
    pub input: &'c Path,
    /// `{out}`.
    pub output: &'c Path,
    /// `{tmp}`.
    pub dir: &'c Path,
    /// `{seed}` and `{seed31}`.
    pub seed: u64,
    /// `{ordinal}`, `{id}` and `{structure}`, where the program is given one record.
    pub record: Option<&'c Asked>,
}

impl Call<'_> {
    /// The call as it is told to people: its files are gone by then, so their fields stand for themselves.
    pub fn shown(&self) -> Self {
        Call { input: Path::new("{in}"), output: Path::new("{out}"), dir: Path::new("{tmp}"), ..*self }
    }
}

impl Arguments {
    /// The argument vector of `spec`, which may hold the fields that are `known`; `gpu` is the child's.
    ///
    /// # Errors
    /// A template is wrong, in words.
    pub fn of(spec: &Spec, known: &[&str], gpu: String) -> Result<Self, String> {
        let element = |(position, text): (usize, &String)| {
            if spec.translation.templates.contains(&position) {
                Template::parse(text, known)
            } else {
                Ok(Template::text(text))
            }
        };
        let templates = spec.argv.iter().enumerate().map(element).collect::<Result<_, _>>()?;
        Ok(Self { templates, threads: spec.threads, gpu })
    }

    /// Whether an argument holds `field`.
    pub fn holds(&self, field: &str) -> bool {
        self.templates.iter().any(|template| template.has(field))
    }

    /// The arguments of `call`.
    pub fn fill(&self, call: &Call<'_>) -> Vec<String> {
        let [input, output, dir] = [call.input, call.output, call.dir].map(|path| path.to_string_lossy());
        let [seed, seed31] = [call.seed, seed31(call.seed)].map(|seed| seed.to_string());
        let threads = self.threads.to_string();
        let (ordinal, id) = call
            .record
            .map_or_else(Default::default, |Asked(ordinal, id, ..)| (ordinal.to_string(), table::printable(id)));
        let structure = call.record.map_or("", |asked| asked.2.as_str());
        let value = |field: &str| match field {
            "in" => &*input,
            "out" => &*output,
            "tmp" => &*dir,
            "seed" => &seed,
            "seed31" => &seed31,
            "threads" => &threads,
            "ordinal" => &ordinal,
            "id" => &id,
            "structure" => structure,
            _ => &self.gpu,
        };
        self.templates.iter().map(|template| template.fill(value)).collect()
    }

    /// The first of `filled` that begins with a field and looks like an option (`-x`) or like a file of arguments
    /// (`@x`). Any field may be empty, so the whole argument is looked at, and not what its first field holds.
    pub fn option_in<'a>(&self, filled: &'a [String]) -> Option<&'a str> {
        let begins_with_field = |template: &Template| template.first_field().is_some();
        let mut both = self.templates.iter().zip(filled).filter(|(template, _)| begins_with_field(template));
        both.find(|(_, argument)| argument.starts_with(['-', '@'])).map(|(_, argument)| argument.as_str())
    }
}

/// `seed` for programs that want a positive 32-bit integer: its low 31 bits, and 1 for 0, which many take for "random".
fn seed31(seed: u64) -> u64 {
    (seed & 0x7fff_ffff).max(1)
}
