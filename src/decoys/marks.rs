//! Which of many things were seen: a bit each, set from any thread.

use std::sync::atomic::{AtomicU64, Ordering};

/// A bit for each of so many things.
#[derive(Debug)]
pub struct Marks {
    words: Vec<AtomicU64>,
    count: usize,
}

impl Marks {
    /// None of `count` is marked.
    pub fn of(count: usize) -> Self {
        Self { words: (0..count.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(), count }
    }

    /// Marks one.
    pub fn mark(&self, at: usize) {
        if let Some(word) = self.words.get(at / 64) {
            word.fetch_or(1 << (at % 64), Ordering::Relaxed);
        }
    }

    /// How many are not marked.
    pub fn unmarked(&self) -> u64 {
        let marked: u64 = self.words.iter().map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum();
        self.count as u64 - marked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_twice_is_counted_once() {
        let marks = Marks::of(130);
        for at in [0, 63, 64, 129, 129, 0] {
            marks.mark(at);
        }
        assert_eq!(marks.unmarked(), 126);
        assert_eq!(Marks::of(0).unmarked(), 0);
    }
}
