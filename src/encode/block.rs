//! Rows as columns: what every encoding is fed with, and what it must give back.

use crate::canonical::row::{self, Halt, Lines, Malformed, Row};
use crate::id::Ordinal;
use crate::scorer::{Column, ColumnType};

/// A block holds no more rows, where the payload has few enough of them.
pub const BLOCK_ROWS: usize = 1 << 17;

/// A block holds no more text, but for the row that exceeds it.
const BLOCK_TEXT_BYTES: usize = 64 << 20;

/// No more blocks than this are wanted: a Parquet footer grows with each, and readers stop at 2^15 of them.
const BLOCKS_WANTED: u64 = 1 << 14;

/// How many rows a block has in a payload of `rows`; a function of that number alone.
pub fn block_rows(rows: u64) -> usize {
    let mut size = BLOCK_ROWS;
    while rows / size as u64 > BLOCKS_WANTED {
        size *= 2;
    }
    size
}

/// Texts one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// Adds one.
    pub fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    /// Adds a field of a row as it stands there: quoted, or not.
    fn push_field(&mut self, field: &[u8]) {
        row::push_unquoted(&mut self.bytes, field);
        self.ends.push(self.bytes.len());
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let text = &self.bytes[start..*end];
            start = *end;
            text
        })
    }

    /// How many.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// The cells of one column of the scorer; an empty cell has no value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Finite doubles.
    Float(Vec<Option<f64>>),
    /// Integers of magnitude below 2^53.
    Int(Vec<Option<i64>>),
    /// Text; an empty text *is* an empty cell, as in `summary.csv`.
    Text(Texts),
}

impl Cells {
    fn of(column: &Column) -> Self {
        match column.kind {
            ColumnType::Float => Self::Float(Vec::new()),
            ColumnType::Int => Self::Int(Vec::new()),
            ColumnType::String => Self::Text(Texts::default()),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Float(values) => values.clear(),
            Self::Int(values) => values.clear(),
            Self::Text(texts) => texts.clear(),
        }
    }
}

/// Consecutive rows, column by column.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The keys.
    pub ordinals: Vec<Ordinal>,
    /// Ids, escaped as in `summary.csv`.
    pub ids: Texts,
    /// `OK`, `SKIP` or `ERROR`.
    pub outcomes: Texts,
    /// The reason codes; empty for `OK`.
    pub reasons: Texts,
    /// The scorer's columns.
    pub cells: Vec<Cells>,
}

impl Block {
    /// No rows of a scorer with these `columns`.
    pub fn of(columns: &[Column]) -> Self {
        Self {
            ordinals: Vec::new(),
            ids: Texts::default(),
            outcomes: Texts::default(),
            reasons: Texts::default(),
            cells: columns.iter().map(Cells::of).collect(),
        }
    }

    /// How many rows.
    pub const fn len(&self) -> usize {
        self.ordinals.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.ordinals.is_empty()
    }

    fn text_bytes(&self) -> usize {
        let cells = self.cells.iter().map(|c| if let Cells::Text(texts) = c { texts.bytes.len() } else { 0 });
        self.ids.bytes.len() + cells.sum::<usize>()
    }

    fn clear(&mut self) {
        self.ordinals.clear();
        [&mut self.ids, &mut self.outcomes, &mut self.reasons].into_iter().for_each(Texts::clear);
        self.cells.iter_mut().for_each(Cells::clear);
    }

    /// Adds one line of `summary.csv`. What the pass over the payload has checked is not checked again.
    fn push(&mut self, line: &[u8]) -> Result<(), Malformed> {
        let row = Row::read(line)?;
        let short = || Malformed::part("the number of fields", row.ordinal);
        let odd = || Malformed::part("a numeric cell", row.ordinal);
        self.ordinals.push(row.ordinal);
        self.ids.push_field(row.id());
        self.outcomes.push(row.outcome.as_str().as_bytes());
        self.reasons.push(row.reason.as_bytes());
        let mut fields = row.cells();
        for cells in &mut self.cells {
            match cells {
                Cells::Float(values) => values.push(match fields.plain().ok_or_else(short)? {
                    b"" => None,
                    cell => Some(row::value(cell).ok_or_else(odd)?),
                }),
                Cells::Int(values) => values.push(match fields.plain().ok_or_else(short)? {
                    b"" => None,
                    cell => Some(integer(cell).ok_or_else(odd)?),
                }),
                Cells::Text(texts) => texts.push_field(fields.text().ok_or_else(short)?),
            }
        }
        Ok(())
    }
}

/// The integer that `cell` is the decimal form of, if its magnitude is below 2^53.
fn integer(cell: &[u8]) -> Option<i64> {
    let value: i64 = std::str::from_utf8(cell).ok()?.parse().ok()?;
    (value.unsigned_abs() < 1 << 53).then_some(value)
}

/// Cuts the bytes of `summary.csv` into blocks.
#[derive(Debug)]
pub struct Blocks {
    lines: Lines,
    header: bool,
    block: Block,
    rows_max: usize,
}

impl Blocks {
    /// For a payload of `rows` rows with the scorer's `columns`.
    pub fn new(columns: &[Column], rows: u64) -> Self {
        Self { lines: Lines::default(), header: true, block: Block::of(columns), rows_max: block_rows(rows) }
    }

    /// Takes the next bytes of the file; `each` gets every block that they complete.
    ///
    /// # Errors
    /// A row is malformed, or what `each` answers.
    pub fn feed<E>(&mut self, bytes: &[u8], each: &mut dyn FnMut(&Block) -> Result<(), E>) -> Result<(), Halt<E>> {
        let Self { lines, header, block, rows_max } = self;
        let fed = lines.feed(bytes, |line| {
            if std::mem::take(header) {
                return Ok(());
            }
            block.push(line).map_err(Halt::Fault)?;
            if block.len() >= *rows_max || block.text_bytes() >= BLOCK_TEXT_BYTES {
                each(block).map_err(Halt::Taker)?;
                block.clear();
            }
            Ok(())
        });
        fed.map_err(|halt| match halt {
            Halt::Fault(malformed) => Halt::Fault(malformed),
            Halt::Taker(halt) => halt,
        })
    }

    /// Hands on the rows that are left.
    ///
    /// # Errors
    /// What `each` answers.
    pub fn finish<E>(self, each: &mut dyn FnMut(&Block) -> Result<(), E>) -> Result<(), E> {
        if self.block.is_empty() { Ok(()) } else { each(&self.block) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::Order;

    fn columns() -> Vec<Column> {
        let column = |name: &str, kind| Column::new(name, kind, Order::Asc);
        vec![column("f", ColumnType::Float), column("i", ColumnType::Int), column("t", ColumnType::String)]
    }

    fn block_of(text: &str) -> Result<Block, Halt<()>> {
        let mut blocks = Blocks::new(&columns(), 9);
        let mut whole = Block::of(&columns());
        blocks.feed(b"header\n", &mut |_| Ok(()))?;
        blocks.feed(text.as_bytes(), &mut |_| Ok(()))?;
        blocks
            .finish(&mut |block| {
                whole = block.clone();
                Ok(())
            })
            .map_err(Halt::Taker)?;
        Ok(whole)
    }

    #[test]
    fn empty_cells_have_no_value_and_quotes_are_undone() {
        let block = block_of("0,\"a,\"\"b\"\"\",OK,,-1.5,-9007199254740991,\" x\"\n1,\\xff,ERROR,oom,,,\n").unwrap();
        assert_eq!(block.ids.iter().collect::<Vec<_>>(), [&b"a,\"b\""[..], b"\\xff"]);
        assert_eq!(block.cells[0], Cells::Float(vec![Some(-1.5), None]));
        assert_eq!(block.cells[1], Cells::Int(vec![Some(-9_007_199_254_740_991), None]));
        let Cells::Text(texts) = &block.cells[2] else { panic!() };
        assert_eq!(texts.iter().collect::<Vec<_>>(), [&b" x"[..], b""]);
    }

    #[test]
    fn an_integer_that_is_none_is_refused() {
        for cell in ["1.5", "9007199254740992", "1e3", "+1x"] {
            let row = format!("0,a,OK,,1,{cell},t\n");
            assert!(matches!(block_of(&row), Err(Halt::Fault(_))), "{cell}");
        }
    }

    #[test]
    fn blocks_grow_where_there_would_be_too_many() {
        assert_eq!(block_rows(10_000_000), BLOCK_ROWS);
        assert!(10_u64.pow(10) / block_rows(10_u64.pow(10)) as u64 <= BLOCKS_WANTED);
    }
}
