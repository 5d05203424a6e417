//! What a program was given of a record, and whether a score that it prints is only that again.
//!
//! Many programs repeat what they are given: whole, cut to a width, line by line. Whoever wrote the library would then
//! choose the score.

use memchr::memmem;
use regex::Captures;

/// What a program was given of one record.
#[derive(Debug)]
pub struct Given {
    /// Each text as words with one space between: a program may lay it out anew.
    words: Vec<String>,
    /// The lines of the texts, and the texts: what may be repeated whole.
    lines: Vec<String>,
}

impl Given {
    /// The texts that the program was given: id, structure, the content of its input file.
    pub fn of(texts: &[&str]) -> Self {
        let lines = texts.iter().flat_map(|text| text.lines().chain([*text])).map(|line| line.trim().to_owned());
        Self { words: texts.iter().map(|text| words(text)).collect(), lines: lines.filter(|l| !l.is_empty()).collect() }
    }

    /// What of `text` the score in `found` rests on, if the program only repeats it from what it was given.
    ///
    /// That is what was matched, up to the last value. Where this is nothing but values, the rest of the line tells whose
    /// they are; a line that is a bare number may well be the score, too, and is taken for it.
    pub fn repeated<'t>(&self, text: &'t str, found: &Captures<'t>) -> Option<&'t str> {
        let matched = found.get_match();
        let last = found.iter().skip(1).flatten().map(|value| value.end()).max()?;
        if matched.is_empty() {
            return None;
        }
        let line_end = text[last..].find('\n').map_or(text.len(), |at| last + at);
        let to_last = (matched.start()..last, &text[matched.start()..last]);
        let to_end = (matched.start()..line_end, &text[matched.start()..line_end]);
        let says_more = |(range, _): &(std::ops::Range<usize>, &str)| !is_bare(text, range.clone(), found);
        let told = [to_last, to_end].into_iter().find(says_more).map(|(_, told)| told);
        let cut = told.filter(|told| {
            let told = words(told);
            self.words.iter().any(|given| memmem::find(given.as_bytes(), told.as_bytes()).is_some())
        });
        cut.or_else(|| self.lines.iter().any(|line| covers(line, text, found)).then(|| matched.as_str()))
    }
}

/// Whether `range` of `text` is white space but for the values of `found`.
fn is_bare(text: &str, range: std::ops::Range<usize>, found: &Captures<'_>) -> bool {
    let in_value = |at: usize| found.iter().skip(1).flatten().any(|value| value.range().contains(&at));
    let start = range.start;
    text[range].char_indices().all(|(at, c)| c.is_whitespace() || in_value(start + at))
}

/// Whether `line` stands in `text`, whole, where the match lies within it. One that is a value itself proves nothing.
fn covers(line: &str, text: &str, found: &Captures<'_>) -> bool {
    let matched = found.get_match();
    if line.len() < matched.len() || found.iter().skip(1).flatten().any(|value| value.as_str() == line) {
        return false;
    }
    // Whatever lies in this part of the text and is as long as the line covers the match.
    let from = matched.end().saturating_sub(line.len());
    let to = (matched.start() + line.len()).min(text.len());
    memmem::find(text.as_bytes().get(from..to).unwrap_or_default(), line.as_bytes()).is_some()
}

/// The words of `text`, with one space between.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    const ANCHORED: &str = r"(?m)^RESULT:\s+(?P<score>\S+)";
    const LOOSE: &str = r"(?P<score>-?[0-9.]+)";
    const FIRST_WORD: &str = r"(?m)^(?P<score>-?[0-9.]+)";

    fn repeats(pattern: &str, printed: &str, given: &[&str]) -> bool {
        let pattern = Regex::new(pattern).unwrap();
        Given::of(given).repeated(printed, &pattern.captures(printed).unwrap()).is_some()
    }

    #[test]
    fn what_the_record_says_is_no_score_however_it_is_cut_or_laid_out() {
        let block = "RESULT: -99\n  x\nRESULT:\t-98\n  1  0  0\nM  END";
        for (printed, given) in [
            ("RESULT: -99\nx\nRESULT: -1\n", ["a", block]),
            ("loaded\nRESULT: -98\nRESULT: -1\n", ["a", block]),
            ("name:\nRESULT: -99 AAA\nRESULT: -1\n", ["RESULT: -99 AAAAAAAA", "C"]),
            ("name:\nRESULT: -9\nRESULT: -1\n", ["x RESULT: -99 AAAAAAAA", "C"]),
            ("RESULT:\n-99 AA\n", ["RESULT: -99 AAAAAAAA", "C"]),
        ] {
            assert!(repeats(ANCHORED, printed, &given), "{printed:?}");
        }
        assert!(repeats(LOOSE, "record abc 99 def\nscore -1\n", &["abc 99 def", "C"]));
        assert!(repeats(LOOSE, "record abc 99 def\nscore -1\n", &["a", "abc 99 def\nC"]), "a line of several");
        assert!(repeats(FIRST_WORD, "-99 AAA\n-1\n", &["-99 AAAAAA", "C"]), "the rest of the line tells");
    }

    #[test]
    fn what_the_program_says_is_a_score_though_the_record_holds_the_same_number() {
        for (pattern, printed) in [
            (ANCHORED, "RESULT: 5\n"),
            (ANCHORED, "RESULT: -99 kcal\n"),
            (LOOSE, "5\n"),
            (FIRST_WORD, "7.5\n"),
            (FIRST_WORD, "-99 kcal/mol\n"),
            (FIRST_WORD, "-1 C5CCCC5\n"),
        ] {
            assert!(!repeats(pattern, printed, &["7.5", "C5CCCC5", "  5  4  0\n-99"]), "{pattern} {printed:?}");
        }
    }
}
