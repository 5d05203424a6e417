//! What the TOML reader says, in words for somebody who writes a campaign file.

use crate::error::Error;

/// Names of Rust types, and what a person calls them.
const WORDS: [(&str, &str); 9] = [
    ("expected u64", "expected a whole number"),
    ("expected u32", "expected a whole number"),
    ("expected usize", "expected a whole number"),
    ("expected f64", "expected a number"),
    ("expected a boolean", "expected true or false"),
    ("expected a sequence", "expected a list, such as [\"a\", \"b\"]"),
    ("expected a map", "expected a section or { key = value }"),
    ("expected path string", "expected a path in quotes"),
    ("invalid type: ", "found "),
];

/// The error for `text`, which is not a campaign file (exit 2).
pub fn explain(text: &str, error: &toml::de::Error) -> Error {
    let hint = "`molsieve init --all-keys` shows every key as it is written";
    let said = error.message().trim();
    if let Some(name) = said.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return Error::usage(format!("`{name}` is missing")).hint(hint);
    }
    let said = WORDS.iter().fold(said.to_owned(), |said, (theirs, ours)| said.replace(theirs, ours));
    let Some(at) = error.span().map(|span| span.start) else { return Error::usage(said).hint(hint) };
    let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let shown: String = text.lines().nth(line).unwrap_or_default().trim().chars().take(100).collect();
    Error::usage(format!("line {}, `{shown}`: {said}", line + 1)).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let error = toml::from_str::<crate::campaign::config::Config>(text).unwrap_err();
        explain(text, &error).what().to_owned()
    }

    #[test]
    fn the_line_is_shown_and_types_have_names_that_people_use() {
        let good = "[campaign]\nname = \"a\"\n[library]\npath = [\"a\"]\n[scorer]\nkind = \"null\"\n";
        let wrong = format!("{good}[shards]\nrecords = \"é many\"\n");
        assert_eq!(said(&wrong), "line 8, `records = \"é many\"`: found string \"é many\", expected a whole number");
        assert_eq!(said("[campaign]\nname = \"a\"\n"), "`library` is missing");
        assert!(said("é = ").starts_with("line 1, `é =`: "));
    }
}
