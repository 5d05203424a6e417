//! A worker takes task groups from whatever earlier attempts left to their receipts, in any order of rows.

mod earlier;
mod ends;
mod kept;
mod order;
mod properties;
mod room;
mod twins;

use molsieve::id::Ordinal;
use molsieve::library::record::Record;
use molsieve::scorer::row::RowBlock;
use molsieve::scorer::{Value, Verdict};

/// A row of 8 KiB: two thousand of them are more than may wait.
fn long_row(rows: &mut RowBlock, ordinal: Ordinal) {
    let text = vec![b'x'; 8 << 10];
    let record = Record { ordinal, id: b"long", structure: b"C" };
    rows.push(&record, &Verdict::ok(vec![Value::Float(0.5), Value::Int(1), Value::Text(text)]), 3);
}
