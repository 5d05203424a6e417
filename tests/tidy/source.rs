//! The files of the project, and just enough understanding of Rust to hold rules against them.

use std::fs;
use std::path::{Path, PathBuf};

/// The directories that are ours. What a build or a campaign leaves elsewhere is not looked at.
const DIRECTORIES: [&str; 10] =
    [".ci", "adapters", "bench", "configs", "data", "docs", "examples", "job-templates", "mpi", "src"];

/// A file of the project.
#[derive(Debug)]
pub struct Source {
    /// Its path from the top, with `/`.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// The content of the file `name`, a path from the top.
pub fn read(name: &str) -> String {
    fs::read_to_string(top().join(name)).unwrap_or_else(|e| panic!("cannot read {name}: {e}"))
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files: the three crates and the tests.
pub fn rust_sources() -> Vec<Source> {
    text_files().into_iter().filter(|s| has_extension(&s.name, "rs")).collect()
}

/// All files that are text, in order of name.
pub fn text_files() -> Vec<Source> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(top()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() && entry.file_name() != ".git" {
            paths.push(entry.path());
        }
    }
    for directory in DIRECTORIES.into_iter().chain(["tests"]) {
        collect(&top().join(directory), &mut paths);
    }
    paths.sort();
    paths.iter().filter_map(|path| Source::read(path)).collect()
}

/// Whether the file `name` ends in `.extension`.
pub fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == extension)
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() && entry.file_name() != "__pycache__" => collect(&entry.path(), paths),
            kind if kind.is_file() => paths.push(entry.path()),
            _ => {}
        }
    }
}

impl Source {
    /// The file at `path`, if it is text.
    fn read(path: &Path) -> Option<Self> {
        let name = path.strip_prefix(top()).unwrap().to_str()?.to_owned();
        let text = String::from_utf8(fs::read(path).ok()?).ok()?;
        Some(Self { name, text })
    }

    /// Its lines.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines()
    }

    /// The module that it is in the root crate: `["pack", "seal"]`; none if it is not in `src/`.
    pub fn module(&self) -> Option<Vec<&str>> {
        let path = self.name.strip_prefix("src/")?.strip_suffix(".rs")?;
        let mut parts: Vec<_> = path.split('/').collect();
        if matches!(parts.last(), Some(&"mod" | &"lib" | &"main")) {
            parts.pop();
        }
        Some(parts)
    }

    /// Whether it holds nothing but the unit tests of a module.
    pub fn is_unit_tests(&self) -> bool {
        self.name.ends_with("/tests.rs") || self.name.ends_with("_tests.rs") || self.name.contains("/tests/")
    }

    /// Its code without comments, string contents and unit tests; lines keep their numbers.
    pub fn code(&self) -> String {
        if self.is_unit_tests() {
            return String::new();
        }
        let code = without_comments_and_strings(&self.text);
        let end = code.find("#[cfg(test)]\nmod ").unwrap_or(code.len());
        code[..end].to_owned()
    }

    /// The strings in its code, each with the number of its first line; not those of unit tests.
    pub fn literals(&self) -> Vec<(usize, String)> {
        let end = self.text.find("#[cfg(test)]\nmod ").unwrap_or(self.text.len());
        if self.is_unit_tests() { Vec::new() } else { strings(&self.text[..end]) }
    }

    /// Its functions, each with the number of its first line and its length in lines. It relies on rustfmt: the
    /// closing brace stands alone, in the column where the signature began.
    pub fn functions(&self) -> impl Iterator<Item = (usize, usize)> {
        let code = without_comments_and_strings(&self.text);
        let lines: Vec<String> = code.lines().map(str::to_owned).collect();
        (0..lines.len()).filter_map(move |first| Some((first + 1, function_length(&lines[first..])?)))
    }

    /// The values of its constants that are called `SCHEMA` or `…_SCHEMA`.
    pub fn schemas(&self) -> Vec<String> {
        let values = self.text.lines().filter_map(|line| {
            let (name, value) = line.trim().split_once(": &str = \"")?;
            name.ends_with("SCHEMA").then(|| value.trim_end_matches("\";").to_owned())
        });
        values.collect()
    }
}

/// The length in lines of the function that starts on the first of `lines`, if one does and has a body.
fn function_length(lines: &[String]) -> Option<usize> {
    let first = lines.first()?;
    let mut words = first.split_whitespace().skip_while(|word| {
        word.starts_with("pub")
            || ["const", "async", "unsafe", "extern", "in", "crate)", "super)", "\"\""].contains(word)
    });
    if words.next() != Some("fn") {
        return None;
    }
    let indent = first.len() - first.trim_start().len();
    let closing = format!("{}}}", " ".repeat(indent));
    let opening = lines.iter().position(|line| line.contains('{') || line.ends_with(';'))?;
    if lines[opening].ends_with('}') || lines[opening].ends_with(';') {
        return lines[opening].ends_with('}').then_some(opening + 1);
    }
    lines.iter().skip(opening).position(|line| *line == closing).map(|length| opening + length + 1)
}

/// `text` with comments and the contents of strings and characters left out; line feeds stay.
fn without_comments_and_strings(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (length, instead) = hidden(&bytes[at..], ends_in_word(&out));
        if length == 0 {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        out.extend_from_slice(instead);
        out.extend(bytes[at..at + length].iter().filter(|b| **b == b'\n'));
        at += length;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The strings in `text`, as they are written, each with the number of its first line.
fn strings(text: &str) -> Vec<(usize, String)> {
    let (bytes, mut at, mut before, mut found) = (text.as_bytes(), 0, Vec::new(), Vec::new());
    let mut line = 1;
    while at < bytes.len() {
        let (length, instead) = hidden(&bytes[at..], ends_in_word(&before));
        let part = &bytes[at..at + length.max(1)];
        if instead == b"\"\"" {
            found.push((line, String::from_utf8_lossy(part).into_owned()));
        }
        before = if length == 0 { part.to_vec() } else { Vec::new() };
        line += part.iter().filter(|b| **b == b'\n').count();
        at += part.len();
    }
    found
}

#[test]
fn strings_are_found_where_they_are() {
    let found = strings("let a = \"b\"; // \"c\"\nlet d = r#\"e\nf\"#;\n\"g\"");
    let found: Vec<(usize, &str)> = found.iter().map(|(line, text)| (*line, text.as_str())).collect();
    assert_eq!(found, [(1, "\"b\""), (2, "r#\"e\nf\"#"), (4, "\"g\"")]);
}

/// The length of the comment, string or character at the start of `rest`, and what is shown instead; 0 for code.
fn hidden(rest: &[u8], inside_word: bool) -> (usize, &'static [u8]) {
    match rest {
        [b'/', b'/', ..] => (rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()), b""),
        [b'/', b'*', ..] => (find(rest, b"*/").map_or(rest.len(), |n| n + 2), b""),
        [b'"', ..] => (1 + end_of_string(&rest[1..]), b"\"\""),
        [b'r', b'"' | b'#', ..] if !inside_word => (raw_string(rest).unwrap_or(0), b"\"\""),
        [b'\'', b'\\', _, tail @ ..] => (find(tail, b"'").map_or(0, |n| n + 4), b"' '"),
        [b'\'', _, b'\'', ..] => (3, b"' '"),
        _ => (0, b""),
    }
}

fn ends_in_word(out: &[u8]) -> bool {
    out.last().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The length of a string from after its opening quote to after its closing one.
fn end_of_string(rest: &[u8]) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of the raw string at the start of `rest`, if there is one.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|b| **b == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let closing: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    find(&rest[2 + hashes..], &closing).map(|length| 2 + hashes + length + closing.len())
}

#[test]
fn comments_and_strings_are_no_code() {
    let code = |text: &str| without_comments_and_strings(text);
    assert_eq!(code("a // b\nc /* d\n */ e"), "a \nc \n e");
    assert_eq!(code(r#"let a = "b \" // c"; d"#), r#"let a = ""; d"#);
    assert_eq!(code("r#\"a \" b\n\"# c"), "\"\"\n c");
    assert_eq!(code(r"'\'' a '\\' b '{' c 'static"), "' ' a ' ' b ' ' c 'static");
    assert_eq!(code("b\"x\" b'\"' y"), "b\"\" b' ' y");
}

#[test]
fn the_length_of_a_function_includes_its_signature() {
    let lengths = |text: &str| {
        let source = Source { name: "src/x.rs".to_owned(), text: text.to_owned() };
        source.functions().collect::<Vec<_>>()
    };
    assert_eq!(lengths("fn a() {}\n"), [(1, 1)]);
    assert_eq!(lengths("x\n    pub const fn a(\n        b: u8,\n    ) {\n        {\n        }\n    }\n"), [(2, 6)]);
    assert_eq!(lengths("trait T {\n    fn a(&self);\n    fn b() {\n    }\n}\n"), [(3, 2)]);
    assert_eq!(lengths("let f = a.fn_b(|| {\n});\n"), []);
}
