//! `report.html`: what a chemist opens in the morning, and prints for the meeting.
//!
//! One file: no script, nothing from the network, and nothing in it that the other files of the pack do not
//! say. Whatever comes from data is escaped in `html`. Its size is bounded, because everything that is
//! listed is: hits, columns, reasons, slow requests, missing ranges, and the length of each text.

mod beside;
mod charts;
pub mod curves;
pub mod draw;
mod facts;
mod head;
pub mod html;
mod intervals;
mod outcomes;
mod pace;
mod scale;
mod scores;
mod signal;
mod top;

use super::hits::HitsFile;
use super::manifest::Manifest;
use super::provenance::Provenance;
use super::structures::Structures;
use crate::payload::Found;

/// The style of the page.
const STYLE: &str = include_str!("style.css");

/// What the page may load: nothing. Styles are in it, and drawings are elements of it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// What a report is made of.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What the pack claims; its list of files may not be whole yet.
    pub manifest: &'a Manifest,
    /// Who computed, when and where.
    pub provenance: &'a Provenance,
    /// What the rows hold.
    pub found: &'a Found,
    /// The structures of hits, examples and slow requests.
    pub structures: &'a Structures,
    /// What became of the file of the hits with their structures.
    pub hits_file: &'a HitsFile,
}

/// The page.
pub fn render(facts: &Facts<'_>) -> String {
    let name = html::cut(&facts.manifest.campaign.name, html::SHOWN_MAX);
    let title = html::text(&facts.manifest.campaign.name.chars().take(html::SHOWN_MAX).collect::<String>());
    let verdict = if facts.manifest.complete { "" } else { "INCOMPLETE: " };
    let body = [
        head::section(facts, &name),
        signal::section(facts),
        top::section(facts),
        scores::section(facts),
        outcomes::section(facts),
        pace::section(facts),
        facts::section(facts),
        facts::verify(facts),
        facts::words(),
    ]
    .concat();
    let (title, version) = (format!("{verdict}{title} · molsieve report"), html::text(&facts.manifest.molsieve));
    framed(&title, &version, "", &body)
}

/// A page like this one that is no part of a pack: called `title`, with `body` in it and a style beside.
pub fn page(title: &str, body: &str, style: &str) -> String {
    framed(&format!("{} · molsieve", html::text(title)), env!("CARGO_PKG_VERSION"), style, body)
}

fn framed(title: &str, version: &str, style: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"generator\" content=\"molsieve {version}\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}
