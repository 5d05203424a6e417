//! The order of hits: which of two records is the better one.

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
