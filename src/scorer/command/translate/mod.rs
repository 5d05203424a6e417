//! Programs that do not speak `jsonl`: a translator stands between them and the pool.
//!
//! ```text
//! pool  ──jsonl──→  molsieve __translate  ──files, arguments──→  the user's program
//! ```
//!
//! A translator is a child like any other: it says hello, takes requests, and ends. So blame,
//! isolation, time-outs, `RETRY`, stops and checkpoints are the pool's alone. When the program
//! dies, the translator dies in the same way; the pool then sees a death with the right request in
//! flight. It is plain blocking code: it has one program at a time.
//!
//! ```text
//! serve     the side that the pool sees
//! program   the user's program: started, waited for
//! template, arguments   one argument with fields, and all of them
//! table     records written to a file, results read from one
//! values    what a text stands for
//! dirs      a directory a request
//! batch, each, easydock   one protocol each
//! ```

pub mod batch;
pub mod each;
pub mod easydock;
pub mod spec;
mod strict;
pub mod template;

mod arguments;
mod dirs;
mod echo;
mod program;
pub mod serve;
pub mod table;
mod values;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use self::batch::BatchTranslator;
use self::each::EachTranslator;
use self::easydock::EasydockTranslator;
use self::program::Starter;
use self::serve::{Answer, Answers, Request};
use self::spec::{Protocol, Spec};
use crate::error::{Error, Result};
use crate::scorer::command::launch::{GPUS_VARIABLE, TMP_VARIABLE};
use crate::scorer::command::trace;
use crate::scorer::files;

/// The hidden subcommand whose one argument, a [`Spec`] as JSON, is for [`run`].
pub const SUBCOMMAND: &str = "__translate";

/// Translates until the pool has no more requests. `arguments` are those after [`SUBCOMMAND`].
///
/// # Errors
/// It was not started by a pool (exit 2), or the program died (exit 6, or the signal that killed it).
pub fn run(arguments: &[OsString]) -> Result<()> {
    let spec = match arguments {
        [spec] => spec.to_str().and_then(|text| serde_json::from_str::<Spec>(text).ok()),
        _ => None,
    };
    let (Some(spec), Some(tmp)) = (spec, std::env::var_os(TMP_VARIABLE)) else {
        return Err(Error::usage(format!("`{SUBCOMMAND}` is for molsieve itself"))
            .hint("to score records, use `molsieve run` with a campaign file"));
    };
    let tmp = PathBuf::from(tmp);
    if spec.contained.is_none() && !spec.argv.first().is_some_and(|program| Path::new(program).is_file()) {
        let program = spec.argv.first().map(String::as_str).unwrap_or_default();
        return Err(Error::environment(format!("there is no program `{program}`")));
    }
    let shim = std::env::current_exe()
        .map_err(|e| Error::environment(format!("the path of this program is not known: {e}")))?;
    let starter = Starter::new(shim, &spec, &tmp);
    let gpu = std::env::var(GPUS_VARIABLE).unwrap_or_default();
    match spec.translation.protocol.clone() {
        Protocol::Batch(how) => {
            let mut batch = BatchTranslator::new(spec.clone(), how, starter, gpu, tmp.clone()).map_err(Error::bug)?;
            serve::serve(&spec, &mut batch, &tmp)
        }
        Protocol::Each(how) => {
            let mut each = EachTranslator::new(spec.clone(), how, starter, gpu, tmp.clone()).map_err(Error::bug)?;
            serve::serve(&spec, &mut each, &tmp)
        }
        Protocol::Easydock(how) => {
            let mut server = EasydockTranslator::start(spec, &how, starter)?;
            let spec = server.spec().clone();
            serve::serve(&spec, &mut server, &tmp)
        }
    }
}

/// Every record is to be asked again later.
fn postponed(request: &Request, why: &str) -> Answers {
    Answers { answers: vec![Answer::Retry(why.to_owned()); request.records.len()], files: Vec::new() }
}

/// The name and the true path of the file at `path`, if there is one: it must be a plain file with a plain name, in `dir`,
/// and not too large.
///
/// # Errors
/// Why what is there is not kept, in words.
fn kept_file(dir: &Path, path: &Path) -> std::result::Result<Option<(String, PathBuf)>, String> {
    let shown = path.file_name().map(|name| trace::excerpt(name.as_encoded_bytes())).unwrap_or_default();
    let wrong = |why: &str| Err(format!("`{shown}` is not kept: {why}"));
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let (Ok(true_path), Ok(true_dir)) = (path.canonicalize(), dir.canonicalize()) else {
        return wrong("it leads nowhere");
    };
    if !true_path.starts_with(true_dir) {
        return wrong("it leads out of `{tmp}`");
    }
    let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| files::is_name(name)) else {
        return wrong("it is no name for a kept file");
    };
    match true_path.metadata() {
        Ok(facts) if !facts.is_file() => wrong("it is no file"),
        Ok(facts) if facts.len() > files::BYTES_MAX => {
            wrong(&format!("it has {} bytes, and the most is {}", facts.len(), files::BYTES_MAX))
        }
        Ok(_) => Ok(Some((name.to_owned(), true_path))),
        Err(e) => wrong(&e.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::kept_file;

    #[test]
    fn of_what_is_left_and_not_kept_it_is_said_why() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("fine.txt"), "pose").unwrap();
        assert_eq!(kept_file(dir.path(), &at("none.txt")).unwrap(), None);
        assert_eq!(kept_file(dir.path(), &at("fine.txt")).unwrap().unwrap().0, "fine.txt");
        std::fs::write(at(".hidden"), "pose").unwrap();
        std::fs::write(at("two words"), "pose").unwrap();
        std::fs::create_dir(at("dir")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", at("out")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("lost")).unwrap();
        for (name, why) in [
            (".hidden", "no name"),
            ("two words", "no name"),
            ("dir", "no file"),
            ("out", "leads out of `{tmp}`"),
            ("lost", "leads nowhere"),
        ] {
            let said = kept_file(dir.path(), &at(name)).unwrap_err();
            assert!(said.contains(why) && said.contains(name), "{name}: {said}");
        }
    }
}
