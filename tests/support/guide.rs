//! The guides as programs read them: their blocks of code.

use std::process::Command;

use super::env::{MOLSIEVE, TestEnv, project};

/// The blocks of code of a document, in order: language and text.
pub fn blocks(document: &str) -> Vec<(&str, &str)> {
    let parts = document.split("```").skip(1).step_by(2);
    parts.map(|part| part.split_once('\n').unwrap()).collect()
}

/// The blocks under the heading `title` of a guide.
pub fn section(guide: &str, title: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(project("docs/guide").join(guide)).unwrap();
    let (_, rest) = text.split_once(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("{guide} has no `{title}`"));
    let section = rest.split("\n## ").next().unwrap();
    let found: Vec<_> = blocks(section).iter().map(|(l, c)| ((*l).to_owned(), (*c).to_owned())).collect();
    assert!(!found.is_empty(), "`{title}` of {guide} has no code");
    found
}

/// Runs a block of commands as a person would, in the directory of `env`; what it printed.
pub fn shell(env: &TestEnv, code: &str) -> String {
    let here = std::path::Path::new(MOLSIEVE).parent().unwrap().display();
    let path = format!("{here}:{}", std::env::var("PATH").unwrap_or_default());
    let strict = format!("set -eo pipefail\n{code}");
    let mut bash = Command::new("bash");
    let run =
        bash.args(["-c", &strict]).current_dir(env.path("")).env("PATH", path).env("MOLSIEVE_HOME", env.path("home"));
    let done = run.output().unwrap();
    assert!(done.status.success(), "{code}\n{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}
