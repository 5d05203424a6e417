//! What the TOML reader says, in words for somebody who writes a campaign file.

use super::known_keys;
use crate::error::Error;

/// Every key as it is written.
const ALL_KEYS: &str = include_str!("../../configs/defaults.toml");

/// Names of Rust types and of the parts of TOML, and what a person calls them.
const WORDS: [(&str, &str); 20] = [
    ("string values must be quoted, expected literal string", "a text must be in quotation marks"),
    ("expected u64", "expected a whole number from 0"),
    ("expected u32", "expected a whole number from 0"),
    ("expected i32", "expected a whole number"),
    ("expected usize", "expected a whole number from 0"),
    ("expected f64", "expected a number"),
    ("expected a boolean", "expected true or false"),
    ("expected a string", "expected a text in quotation marks"),
    ("expected a sequence", "expected a list, such as [\"a\", \"b\"]"),
    ("expected a map", "expected a section or { key = value }"),
    ("expected path string", "expected a path in quotation marks"),
    ("duplicate key", "this key is there already"),
    ("invalid type: ", "found "),
    ("invalid value: ", "found "),
    ("found string ", "found the text "),
    ("found integer ", "found the number "),
    ("found floating point ", "found the number "),
    ("found sequence", "found a list"),
    ("found map", "found a table"),
    ("found boolean ", "found "),
];

/// The error for `text`, which is not a campaign file (exit 2).
pub fn explain(text: &str, error: &toml::de::Error) -> Error {
    let hint = "`molsieve init --all-keys` shows every key as it is written";
    let said = error.message().trim();
    if let Some(name) = said.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return Error::usage(format!("`{name}` is missing")).hint(hint);
    }
    let choice = one_of(said);
    let words = |said: &str| WORDS.iter().fold(said.to_owned(), |said, (theirs, ours)| said.replace(theirs, ours));
    let said = choice.as_ref().map_or_else(|| words(said), |(given, _)| format!("`{given}` is not known here"));
    let Some(at) = error.span().map(|span| span.start) else { return Error::usage(said).hint(hint) };
    let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let whole = text.lines().nth(line).unwrap_or_default().trim();
    let shown: String = whole.chars().take(100).collect();
    let error = Error::usage(format!("line {}, `{shown}`: {said}", line + 1));
    let error = match choice {
        Some((given, known)) => error.hint(known_keys::meant(&given, known.iter().map(String::as_str))),
        None => error,
    };
    match example(text, line) {
        Some(example) => error.hint(format!("an example: `{example}`; `molsieve init --all-keys` shows every key")),
        None => error.hint(hint),
    }
}

/// The word that the reader does not know, and those that it knows.
pub(super) fn one_of(said: &str) -> Option<(String, Vec<String>)> {
    let rest = said.strip_prefix("unknown variant `").or_else(|| said.strip_prefix("unknown field `"))?;
    let (given, known) = rest.split_once("`, expected ")?;
    // Every second part is between backticks.
    Some((given.to_owned(), known.split('`').skip(1).step_by(2).map(str::to_owned).collect()))
}

/// How the key of line `line` is written, if it is a key of a campaign file: by its section, and by its name.
fn example(text: &str, line: usize) -> Option<String> {
    let before: Vec<&str> = text.lines().take(line + 1).collect();
    let section = |line: &str| line.starts_with('[') && line.ends_with(']') && !line.contains('=');
    let header = before.iter().rev().map(|line| line.trim()).find(|line| section(line))?;
    let key = before.last()?.split_once('=')?.0.trim();
    let mut lines =
        ALL_KEYS.lines().skip_while(|line| *line != header).skip(1).take_while(|line| !line.starts_with('['));
    let is_key = |line: &&str| line.split_once(" = ").is_some_and(|(name, _)| name == key);
    lines.by_ref().map(|line| line.trim_start_matches("# ")).find(is_key).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> Error {
        explain(text, &toml::from_str::<crate::campaign::config::Config>(text).unwrap_err())
    }

    fn said(text: &str) -> String {
        error(text).what().to_owned()
    }

    const GOOD: &str = "[campaign]\nname = \"a\"\n[library]\npath = [\"a\"]\n[scorer]\nkind = \"null\"\n";

    #[test]
    fn the_line_is_shown_and_types_have_names_that_people_use() {
        let wrong = format!("{GOOD}[shards]\nrecords = \"é many\"\n");
        let what = "line 8, `records = \"é many\"`: found the text \"é many\", expected a whole number from 0";
        assert_eq!(said(&wrong), what);
        assert_eq!(said("[campaign]\nname = \"a\"\n"), "`library` is missing");
        assert!(said("é = ").starts_with("line 1, `é =`: "));
    }

    #[test]
    fn a_line_that_is_wrong_is_followed_by_one_that_is_right() {
        for (line, example) in [
            ("columns = [\"score\"]", "columns = [{ name = \"score\", type = \"float\", order = \"asc\" }]"),
            ("argv = \"a b\"", "argv = [\"python3\", \"score.py\"]"),
            ("ok_exit = 0", "ok_exit = [0]"),
            ("[pack]\noutputs = \"csv\"", "outputs = [\"csv\"]"),
            ("[resources]\nmemory = 8", "memory = \"8G\""),
            ("[limits]\nmax_error_rate = \"20%\"", "max_error_rate = 0.2"),
        ] {
            let error = error(&format!("{GOOD}{line}\n"));
            assert!(error.hints()[0].contains(&format!("an example: `{example}`")), "{line}: {:?}", error.hints());
        }
    }

    #[test]
    fn no_message_holds_the_name_of_a_type() {
        for line in
            ["columns = [\"score\"]", "container = 1", "init = 3", "env = []", "batch_size = 1.5", "ok_exit = [\"a\"]"]
        {
            let what = said(&format!("{GOOD}{line}\n"));
            for foreign in ["struct", "enum", "Section", "Table", "u32", "i32", "u64", "variant", "literal", "sequence"]
            {
                assert!(!what.contains(foreign), "{line}: {what}");
            }
        }
    }

    #[test]
    fn a_value_that_is_not_known_comes_with_the_nearest_one() {
        let order = error(&format!("{GOOD}[pack]\norder = \"descending\"\n"));
        assert_eq!(order.what(), "line 8, `order = \"descending\"`: `descending` is not known here");
        assert_eq!(order.hints()[0], "did you mean `desc`?");
        let kind = error(&format!("{GOOD}columns = [{{ name = \"a\", type = \"number\" }}]\n"));
        assert_eq!(kind.hints()[0], "known are: float, int, string");
    }
}
