//! The argument vector of a command scorer: resolved for starting it, and stripped for its identity.
//!
//! In the identity a file stands for its content and a directory for nothing, and the program for
//! its base name: so the same scorer on another machine, in another directory, is the same scorer.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::fs;
use crate::scorer::identity::ScorerFile;

/// Where a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On this machine.
    Here,
    /// In a container, unless it is one of our files: nobody here knows what is in it.
    Container,
}

/// Resolves what the campaign file says of a program in `place`: the program by `PATH`, or relative to `base` if
/// it holds a slash; an argument that names a file relative to `base` becomes its absolute path, and so does one
/// with a slash in it that names a directory.
///
/// # Errors
/// There is no such program (exit 6: a missing tool), or a script that an argument names is not there (exit 2).
pub fn resolve(written: &[String], base: &Path, place: Place) -> Result<Vec<String>> {
    let mut argv = Vec::with_capacity(written.len());
    for (position, argument) in written.iter().enumerate() {
        let path =
            if position == 0 && place == Place::Container && !(argument.contains('/') && base.join(argument).is_file())
            {
                argv.push(argument.clone());
                continue;
            } else if position == 0 {
                program(argument, base)?
            } else {
                let path = base.join(argument);
                // A plain word that happens to be the name of a directory is still a word.
                if !(path.is_file() || argument.contains('/') && path.is_dir()) {
                    if place == Place::Here && names_a_script(argument) {
                        return Err(Error::usage(format!("there is no file `{}`", path.display()))
                            .hint("check `scorer.argv`: paths start at the campaign file's directory"));
                    }
                    argv.push(argument.clone());
                    continue;
                }
                path
            };
        let text = path.to_str().ok_or_else(|| Error::usage(format!("the path `{}` is not text", path.display())))?;
        argv.push(text.to_owned());
    }
    Ok(argv)
}

/// Whether an argument can hardly be anything but the name of a script: better told now than after the first crash.
fn names_a_script(argument: &str) -> bool {
    const ENDINGS: [&str; 6] = ["py", "sh", "pl", "jl", "R", "rb"];
    let ending = Path::new(argument).extension().and_then(|ending| ending.to_str());
    !argument.starts_with('-') && !argument.contains('{') && ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

/// The program called `name`: by `PATH`, or relative to `base` if there is a slash in it.
///
/// # Errors
/// There is none (exit 6), or what there is cannot be executed (exit 2).
pub fn program(name: &str, base: &Path) -> Result<PathBuf> {
    let not_there = || {
        let error = Error::environment(format!("there is no program `{name}`"));
        match in_words(name) {
            Some(words) => error.hint(format!("no shell takes `scorer.argv` apart: write a list of words, {words}")),
            None => error.hint(
                "check `scorer.argv`: a name is looked for in PATH, a path starts at the campaign file's directory",
            ),
        }
    };
    if name.contains('/') {
        let path = base.join(name);
        return if path.exists() { executable(path) } else { Err(not_there()) };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(name));
    let files: Vec<PathBuf> = found.filter(|candidate| candidate.is_file()).collect();
    // As a shell does it: what cannot be executed does not hide what can.
    let first = files.iter().find(|file| is_executable(file)).or_else(|| files.first());
    executable(first.ok_or_else(not_there)?.clone())
}

/// `path`, if it is a program: better told now than as a crash of every record.
///
/// # Errors
/// It is no file, or may not be executed (exit 2).
fn executable(path: PathBuf) -> Result<PathBuf> {
    let shown = path.display();
    if !path.is_file() {
        return Err(Error::usage(format!("`{shown}` is no file, and the scorer cannot be started"))
            .hint("name the program itself as the first word of `scorer.argv`"));
    }
    if !is_executable(&path) {
        return Err(Error::usage(format!("`{shown}` is not executable, and the scorer cannot be started"))
            .hint(format!("make it executable: `chmod +x {shown}`"))
            .hint("or name its interpreter first, as in `argv = [\"python3\", \"score.py\"]`"));
    }
    Ok(path)
}

fn is_executable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// A program's name that is a whole command, as the list of words that was meant.
fn in_words(name: &str) -> Option<String> {
    const WORDS_SHOWN: usize = 16;
    let words: Vec<toml::Value> = name.split_whitespace().take(WORDS_SHOWN).map(toml::Value::from).collect();
    (words.len() > 1).then(|| format!("as in `argv = {}`", toml::Value::Array(words)))
}

/// The argument vector as the identity holds it, and the files in it.
///
/// # Errors
/// A file cannot be read (exit 6).
pub fn identify(argv: &[String]) -> Result<(Vec<String>, Vec<ScorerFile>)> {
    let (mut stripped, mut files) = (Vec::with_capacity(argv.len()), Vec::new());
    for (position, argument) in argv.iter().enumerate() {
        let path = Path::new(argument);
        stripped.push(match (position, path.is_absolute()) {
            (0, _) => base_name(path),
            (_, true) if path.is_dir() => "<dir>".to_owned(),
            (_, true) if path.is_file() => {
                let (sha256, _) = fs::sha256_input(path)?;
                files.push(ScorerFile { name: base_name(path), sha256 });
                sha256.sha256_uri()
            }
            _ => argument.clone(),
        });
    }
    Ok((stripped, files))
}

/// The files that the campaign file declares.
///
/// # Errors
/// One is not there (exit 2) or cannot be read (exit 6).
pub fn declared(files: &[PathBuf]) -> Result<Vec<ScorerFile>> {
    files.iter().map(|path| Ok(ScorerFile { name: base_name(path), sha256: fs::sha256_input(path)?.0 })).collect()
}

/// Sorted and without repetition.
pub fn sorted(mut files: Vec<ScorerFile>) -> Vec<ScorerFile> {
    files.sort_by(|a, b| (&a.name, a.sha256).cmp(&(&b.name, b.sha256)));
    files.dedup();
    files
}

fn base_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_scorer_in_another_directory_is_the_same_scorer() {
        let identity_in = |dir: &Path| {
            std::fs::write(dir.join("score.py"), "print()").unwrap();
            std::fs::create_dir(dir.join("data")).unwrap();
            let argv = ["sh", "score.py", "--fast", "data/", "data"].map(str::to_owned);
            identify(&resolve(&argv, dir, Place::Here).unwrap()).unwrap()
        };
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (argv, files) = identity_in(one.path());
        assert_eq!((argv.clone(), files.clone()), identity_in(two.path()));
        assert_eq!((argv[0].as_str(), &argv[2..]), ("sh", &["--fast", "<dir>", "data"].map(str::to_owned)[..]));
        assert_eq!(argv[1], crate::digest::sha256(b"print()").sha256_uri());
        assert_eq!(files[0].name, "score.py");
    }

    #[test]
    fn a_missing_program_is_told_by_name() {
        let error = resolve(&["no-such-program-anywhere".to_owned()], Path::new("/"), Place::Here).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Environment);
        assert!(error.what().contains("no-such-program-anywhere"));
        assert!(error.hints()[0].contains("looked for in PATH"), "{:?}", error.hints());
    }

    #[test]
    fn a_command_in_one_text_is_told_as_the_list_of_its_words() {
        let written = ["python3 p.py {structure}".to_owned()];
        let error = resolve(&written, Path::new("/"), Place::Here).unwrap_err();
        let words = "as in `argv = [\"python3\", \"p.py\", \"{structure}\"]`";
        assert!(error.hints()[0].ends_with(words), "{:?}", error.hints());
    }

    #[test]
    fn what_cannot_be_executed_is_told_before_any_work() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("p.py");
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        let mode = |bits| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(bits)).unwrap();
        let resolve = |name: &str| resolve(&[name.to_owned()], dir.path(), Place::Here);
        mode(0o644);
        let error = resolve("./p.py").unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Usage);
        assert!(error.hints()[0].contains("chmod +x"), "{error:?}");
        mode(0o755);
        assert!(resolve("./p.py").unwrap()[0].ends_with("p.py"));
        std::fs::create_dir(dir.path().join("programs")).unwrap();
        let error = resolve("./programs").unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Usage);
        assert!(error.what().contains("is no file"), "{error:?}");
        assert_eq!(resolve("./nothing").unwrap_err().kind(), crate::error::Kind::Environment);
    }
}
