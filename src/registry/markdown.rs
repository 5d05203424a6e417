//! The registry as a table that people read and paste into a report.

use std::fmt::Write;

use super::Listed;
use crate::canonical::escape;

/// The table of `entries`.
pub fn render(entries: &[Listed]) -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = write_page(&mut page, entries);
    page
}

fn write_page(page: &mut String, entries: &[Listed]) -> std::fmt::Result {
    writeln!(page, "# Signed packs\n")?;
    writeln!(
        page,
        "| signed | campaign | records | OK | SKIP | ERROR | complete | scorer | payload | pack | library | keys |"
    )?;
    writeln!(page, "|---|---|---:|---:|---:|---:|---|---|---|---|---|---|")?;
    for Listed { entry, .. } in entries {
        let records = &entry.records;
        writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} | {} {} | `{}` | `{}` | `{}` | {} |",
            entry.signed,
            plain(&entry.campaign),
            records.total,
            records.ok,
            records.skip,
            records.error,
            if entry.complete { "yes" } else { "no" },
            plain(&entry.scorer.name),
            plain(&entry.scorer.version),
            plain(&entry.payload_digest),
            plain(&entry.pack_digest),
            entry.library.root,
            entry.keyids.iter().map(|key| format!("`{}`", plain(key))).collect::<Vec<_>>().join(" "),
        )?;
    }
    Ok(())
}

/// Text of others that cannot become markup, and stays in its cell.
fn plain(text: &str) -> String {
    // A backslash of theirs would be markup; those of our escapes stand before an `x`.
    escape::visible(&text.replace('\\', "·")).chars().map(|c| if "`|*_<>[]#&".contains(c) { '·' } else { c }).collect()
}
