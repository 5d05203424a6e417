//! The best rows, kept while all of them pass by.

use std::collections::BinaryHeap;

use crate::id::Ordinal;
use crate::scorer::Order;
use crate::scorer::rank::Standing;

/// The kept rows are never larger: memory stays bounded whatever `top` a pack claims.
pub const BYTES_MAX: u64 = 256 << 20;

/// What a kept row takes beside its bytes.
const OVERHEAD: u64 = 64;

/// The top N `OK` rows by one column; ties by ordinal, rows without a value last.
#[derive(Debug)]
pub struct Hits {
    top: usize,
    order: Order,
    bytes: u64,
    /// The worst kept row is on top.
    kept: BinaryHeap<Hit>,
}

impl Hits {
    /// None yet; `top` of them will be kept.
    pub fn new(top: u64, order: Order) -> Self {
        Self { top: usize::try_from(top).unwrap_or(usize::MAX), order, bytes: 0, kept: BinaryHeap::new() }
    }

    /// Considers one `OK` row, whose rank cell holds `value`; whether there is still room ([`BYTES_MAX`]).
    #[must_use]
    pub fn consider(&mut self, ordinal: Ordinal, value: Option<f64>, row: &[u8]) -> bool {
        let key = Standing::new(ordinal, value, self.order);
        if self.kept.len() < self.top {
            self.kept.push(Hit { key, row: row.to_vec() });
            self.bytes += row.len() as u64 + OVERHEAD;
            return self.bytes <= BYTES_MAX;
        }
        let Some(mut worst) = self.kept.peek_mut() else { return true };
        if key < worst.key {
            self.bytes = self.bytes - worst.row.len() as u64 + row.len() as u64;
            worst.key = key;
            worst.row.clear();
            worst.row.extend_from_slice(row);
        }
        self.bytes <= BYTES_MAX
    }

    /// The rows, best first.
    pub fn into_rows(self) -> Vec<Vec<u8>> {
        self.kept.into_sorted_vec().into_iter().map(|hit| hit.row).collect()
    }

    /// `hits.csv`: the header, then the rows exactly as in `summary.csv`, best first.
    pub fn into_csv(self, header: &[u8]) -> Vec<u8> {
        let mut out = header.to_vec();
        out.push(b'\n');
        for hit in self.kept.into_sorted_vec() {
            out.extend_from_slice(&hit.row);
            out.push(b'\n');
        }
        out
    }
}

/// One kept row; compared by its key alone.
#[derive(Debug)]
struct Hit {
    key: Standing,
    row: Vec<u8>,
}

impl Ord for Hit {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for Hit {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Hit {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Hit {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranked(order: Order, top: u64, values: &[Option<f64>]) -> Vec<usize> {
        let mut hits = Hits::new(top, order);
        for (i, value) in values.iter().enumerate() {
            assert!(hits.consider(i as u64, *value, i.to_string().as_bytes()));
        }
        let csv = String::from_utf8(hits.into_csv(b"h")).unwrap();
        csv.lines().skip(1).map(|l| l.parse().unwrap()).collect()
    }

    #[test]
    fn ties_go_by_ordinal_and_empty_cells_are_last() {
        let values = [None, Some(1.0), Some(3.0), Some(1.0), None, Some(0.0)];
        assert_eq!(ranked(Order::Desc, 9, &values), [2, 1, 3, 5, 0, 4]);
        assert_eq!(ranked(Order::Asc, 9, &values), [5, 1, 3, 2, 0, 4]);
        assert_eq!(ranked(Order::Desc, 2, &values), [2, 1]);
        assert!(ranked(Order::Desc, 0, &values).is_empty());
    }

    #[test]
    fn memory_is_bounded_whatever_is_asked_for() {
        let mut hits = Hits::new(u64::MAX, Order::Desc);
        let row = vec![b'x'; 1 << 20];
        let fit = (0..1000).take_while(|i| hits.consider(*i, None, &row)).count();
        assert!((200..256).contains(&fit), "{fit} MiB");
    }

    proptest! {
        #[test]
        fn the_top_is_the_head_of_a_full_sort(
            values in proptest::collection::vec(proptest::option::of(-5i8..5), 0..60), top in 0u64..20) {
            let values: Vec<Option<f64>> = values.iter().map(|v| v.map(f64::from)).collect();
            let mut all: Vec<usize> = (0..values.len()).collect();
            all.sort_by(|a, b| match (values[*a], values[*b]) {
                (Some(x), Some(y)) => y.total_cmp(&x),
                (x, y) => y.is_some().cmp(&x.is_some()),
            });
            all.truncate(top as usize);
            prop_assert_eq!(ranked(Order::Desc, top, &values), all);
        }
    }
}
