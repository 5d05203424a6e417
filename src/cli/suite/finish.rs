//! The end of a suite: its documents, signed, and what they say.

use super::Begun;
use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::error::{Kind, Result};
use crate::fs;
use crate::pack::hetero2::reason::INVALID_SMILES;
use crate::pack::verify::{Accept, Trust};
use crate::suite::SuiteDir;
use crate::suite::build::{self, Built, Request};
use crate::suite::document::{Document, Verdict};
use crate::suite::statement;

/// Makes the documents of `begun`, writes and signs them, and says what they say. A gate that does not hold is exit 4.
pub fn finish(begun: &Begun, request: &Request, output: Output) -> Result<Exit> {
    let trust = Trust { keys: vec![begun.key.public()?], threshold: 1, accept: Accept::Trusted };
    let built = build::build(&begun.dir, request, &trust)?;
    begun.unsign()?;
    let files = built.files()?;
    for name in Built::FILES.into_iter().filter(|name| files.iter().all(|(own, _)| own != name)) {
        fs::remove(&begun.dir.file(name))?;
    }
    for (name, bytes) in files {
        fs::replace(&begun.dir.file(name), &bytes)?;
    }
    let statement = statement::statement(&begun.dir, &built.document)?;
    fs::replace(&begun.dir.file(SuiteDir::STATEMENT), &statement::signed(&statement, &begun.key)?)?;
    tell(&built.document, output)?;
    output.say(format!("  written to `{}`, signed by {}", begun.dir.root().display(), begun.key.public()?.keyid()));
    Ok(exit(&built.document))
}

/// What a suite ends with.
pub fn exit(document: &Document) -> Exit {
    match document.verdict {
        Verdict::Go => Exit::Done,
        Verdict::Stop => Exit::Of(Kind::Verification),
    }
}

/// What the document says, the verdict first.
pub fn tell(document: &Document, output: Output) -> Result<()> {
    if output.document(document)? {
        return Ok(());
    }
    let word = document.asked.suite.word();
    let failed = document.gates.iter().filter(|gate| !gate.holds).count();
    output.say(match (document.verdict, failed) {
        (Verdict::Go, _) => format!("GO: `{word}` holds all its {} gates", document.gates.len()),
        (Verdict::Stop, 1) => format!("STOP: 1 of {} gates of `{word}` does not hold", document.gates.len()),
        (Verdict::Stop, n) => format!("STOP: {n} of {} gates of `{word}` do not hold", document.gates.len()),
    });
    for gate in &document.gates {
        let (mark, found) = (if gate.holds { "holds" } else { "FAILS" }, &gate.found);
        output.say(format!("  {mark}  {:<10}  {}: {}; found: {found}", gate.milestone, gate.gate, gate.requires));
    }
    if document.variants.iter().any(|variant| variant.skip_reasons.contains_key(INVALID_SMILES)) {
        output.say("  (a record that cannot be read is a SKIP here and no ERROR, as HETERO-2 counts)");
    }
    for variant in &document.variants {
        if let Some(signal) = &variant.signal {
            let of = if document.variants.len() > 1 { format!(" of {}", variant.name) } else { String::new() };
            output.say(format!("  the score{of}: {} ({})", signal.verdict.as_str(), signal.reason));
        }
    }
    if let Some(utility) = &document.utility {
        output.say(format!("  what it is worth: {}", utility.answer));
    }
    Ok(())
}
