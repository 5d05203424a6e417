//! The order of hits: which of two records is the better one.

use crate::canonical::row;
use crate::id::Ordinal;
use crate::scorer::Order;

/// The rank of a record; the best one sorts first. Ties go by ordinal, records without a value are last.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Lower is better; none is worst.
    cost: Option<f64>,
    /// The record.
    pub ordinal: Ordinal,
}

impl Standing {
    /// The rank of a record whose cell in the rank column holds `value`.
    pub fn new(ordinal: Ordinal, value: Option<f64>, order: Order) -> Self {
        Self { cost: value.map(|v| if order == Order::Desc { -v } else { v }), ordinal }
    }
}

impl Ord for Standing {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let cost = match (self.cost, other.cost) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        cost.then(self.ordinal.cmp(&other.ordinal))
    }
}

impl PartialOrd for Standing {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Standing {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Standing {}

/// The number in column `column` of the scorer, from 0, of a payload row; `None` where the cell is empty.
pub fn value(row: &[u8], column: usize) -> Option<f64> {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    let cell = row::field(row, row::FIXED_COLUMNS.len() + column)?;
    std::str::from_utf8(cell).ok()?.parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cell_of_a_column_is_found_behind_quoted_ones() {
        let row = b"7,\"a,\"\"b\",OK,,\"x,y\",0.5,,-3\n";
        assert_eq!([0, 1, 2, 3, 4].map(|column| value(row, column)), [None, Some(0.5), None, Some(-3.0), None]);
    }
}
