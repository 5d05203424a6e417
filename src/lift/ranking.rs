//! An order of molecules, best first, and what is measured of it: hits found by so many of them, AUC, BEDROC, and how many
//! it takes for so many hits.
//!
//! Molecules with the same value are in no order: they are a tie, and everything here is what an even order of each tie would
//! give on average, exactly. So nothing depends on how a library or a table of truth is sorted.
//!
//! The same pass measures a sample and a resample of it, in which each molecule has a weight: how often it was drawn.

use crate::elementary::exp;
use crate::scorer::Order;

/// There are no more molecules: two bits of 32 are taken.
pub const MOLECULES_MAX: usize = 1 << 30;

/// Bit of an entry: the molecule is a hit.
const HIT: u32 = 1 << 30;
/// Bit of an entry: it is the last of its tie.
const LAST: u32 = 1 << 31;

/// How early BEDROC looks: the first eight hundredths make up four fifths of it (Truchon and Bayly, 2007).
pub const ALPHA: f64 = 20.0;

/// Shares of the molecules, in millionths, at which hits are counted.
pub const CURVE: [u64; 17] = [
    1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 150_000, 200_000, 300_000, 400_000, 500_000, 600_000,
    700_000, 800_000, 900_000, 1_000_000,
];
/// Those of [`CURVE`] for which an enrichment is told: 0.1, 1 and 5 %.
pub const ENRICHED: [usize; 3] = [0, 3, 5];
/// Shares of the hits, in hundredths, for which it is told how many molecules they take.
pub const TARGETS: [u64; 5] = [10, 25, 50, 80, 90];

/// An order of molecules, the best first.
pub struct Ranking {
    /// Number of the molecule, and whether it is a hit and the last of its tie.
    entries: Vec<u32>,
}

impl Ranking {
    /// The molecules by `values`, of which `order` says which end is best; those without a value are one tie, the last.
    pub fn new(values: &[Option<f64>], hits: &[bool], order: Order) -> Self {
        let mut sorted: Vec<u32> = (0..values.len() as u32).collect();
        let value = |at: u32| values[at as usize];
        sorted.sort_unstable_by(|a, b| match (value(*a), value(*b)) {
            (Some(x), Some(y)) if order == Order::Asc => x.total_cmp(&y),
            (Some(x), Some(y)) => y.total_cmp(&x),
            (x, y) => y.is_some().cmp(&x.is_some()),
        });
        let is_last = |place: usize| sorted.get(place + 1).is_none_or(|next| value(*next) != value(sorted[place]));
        let entry = |(place, at): (usize, &u32)| {
            at | if hits[*at as usize] { HIT } else { 0 } | if is_last(place) { LAST } else { 0 }
        };
        Self { entries: sorted.iter().enumerate().map(entry).collect() }
    }

    /// How many hits are among the first `selected` molecules; `weights` as in [`Ranking::measure`].
    pub fn found(&self, selected: u64, weights: Option<&[u8]>) -> Part {
        let (mut seen, mut found, mut molecules, mut hits) = (0, 0, 0, 0);
        for entry in &self.entries {
            let weight = weights.map_or(1, |weights| u64::from(weights[(entry & !(HIT | LAST)) as usize]));
            molecules += weight;
            hits += if entry & HIT == 0 { 0 } else { weight };
            if entry & LAST != 0 {
                if seen + molecules >= selected && molecules > 0 {
                    return Part { over: found * molecules + (selected - seen) * hits, under: molecules };
                }
                (seen, found, molecules, hits) = (seen + molecules, found + hits, 0, 0);
            }
        }
        Part::whole(found)
    }

    /// Measures it; `weights` are how often each molecule counts, once if there are none.
    pub fn measure(&self, frame: &Frame<'_>, weights: Option<&[u8]>) -> Measured {
        let mut gauge = Gauge::new(frame);
        let (mut molecules, mut hits) = (0, 0);
        for entry in &self.entries {
            let weight = weights.map_or(1, |weights| u64::from(weights[(entry & !(HIT | LAST)) as usize]));
            molecules += weight;
            if entry & HIT != 0 {
                hits += weight;
            }
            if entry & LAST != 0 {
                if molecules > 0 {
                    gauge.tie(molecules, hits);
                }
                (molecules, hits) = (0, 0);
            }
        }
        gauge.finish()
    }
}

/// A number of hits as a fraction: in a tie it need not be whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    over: u64,
    under: u64,
}

impl Part {
    /// A whole number.
    pub const fn whole(number: u64) -> Self {
        Self { over: number, under: 1 }
    }

    /// As a double.
    pub fn value(self) -> f64 {
        self.over as f64 / self.under as f64
    }

    /// How many molecules in an even order it takes on average, of `molecules` with so many `hits`; all where there are none.
    pub fn needed_at_random(self, molecules: u64, hits: u64) -> u64 {
        if hits == 0 {
            return if self.over == 0 { 0 } else { molecules };
        }
        let exact = (u128::from(self.over) * u128::from(molecules)).div_ceil(u128::from(self.under) * u128::from(hits));
        (exact as u64).min(molecules)
    }
}

/// What a sample is, for all orders of it alike.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// How many molecules.
    pub molecules: u64,
    /// How many of them are hits.
    pub hits: u64,
    /// How many are selected.
    pub selected: u64,
    /// How many hits are asked for: what the order found whose selection it is.
    pub sought: Part,
    /// What a hit at each place adds to BEDROC, summed up: `bedroc[n]` is of the first n places.
    pub bedroc: &'a [f64],
}

/// The sums of what a hit at each place adds to BEDROC: 0 for none, then one for each of the first `molecules` places.
pub fn bedroc_sums(molecules: u64) -> Vec<f64> {
    let mut sum = 0.0;
    let add = |place: u64| {
        if place > 0 {
            sum += exp(-ALPHA * place as f64 / molecules as f64);
        }
        sum
    };
    (0..=molecules).map(add).collect()
}

/// What was measured of one order.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// How many molecules there are, and hits among them.
    pub molecules: u64,
    /// See `molecules`.
    pub hits: u64,
    /// Hits among the selected.
    pub selected: f64,
    /// Molecules that it takes for the hits that are asked for.
    pub needed: u64,
    /// Hits among the first molecules, a number for each point of [`CURVE`].
    pub curve: [f64; CURVE.len()],
    /// Molecules that it takes for each share of [`TARGETS`].
    pub targets: [u64; TARGETS.len()],
    /// The AUC; none where there are only hits or none.
    pub auc: Option<f64>,
    /// BEDROC; likewise.
    pub bedroc: Option<f64>,
}

impl Measured {
    /// How many times as many hits are among the first molecules as in an even order, at a point of [`CURVE`].
    pub fn enrichment(&self, point: usize) -> Option<f64> {
        let first = first_molecules(CURVE[point], self.molecules);
        (self.hits > 0).then(|| self.curve[point] / first as f64 / (self.hits as f64 / self.molecules as f64))
    }
}

/// How many molecules the first `millionths` of `molecules` are: rounded up.
pub const fn first_molecules(millionths: u64, molecules: u64) -> u64 {
    (millionths * molecules).div_ceil(1_000_000)
}

/// How many hits `hundredths` of `hits` are: rounded up.
pub const fn target_hits(hundredths: u64, hits: u64) -> u64 {
    (hundredths * hits).div_ceil(100)
}

/// What is being measured, from the best tie to the last.
struct Gauge<'a> {
    frame: &'a Frame<'a>,
    /// Molecules and hits before the next tie.
    seen: u64,
    hits: u64,
    /// Twice the pairs of a hit and a molecule that is none in which the hit is first, a tie being half a pair.
    pairs: u64,
    sum: f64,
    point: usize,
    target: usize,
    measured: Measured,
}

impl<'a> Gauge<'a> {
    fn new(frame: &'a Frame<'a>) -> Self {
        let all = frame.molecules;
        let measured = Measured {
            molecules: all,
            hits: frame.hits,
            selected: 0.0,
            needed: if frame.sought.over == 0 { 0 } else { all },
            curve: [0.0; CURVE.len()],
            targets: TARGETS.map(|share| if target_hits(share, frame.hits) == 0 { 0 } else { all }),
            auc: None,
            bedroc: None,
        };
        let target = measured.targets.iter().take_while(|needed| **needed == 0).count();
        Self { frame, seen: 0, hits: 0, pairs: 0, sum: 0.0, point: 0, target, measured }
    }

    /// The next `molecules`, which have one value, and `hits` among them.
    #[inline]
    fn tie(&mut self, molecules: u64, hits: u64) {
        self.pairs += (molecules - hits) * (2 * self.hits + hits);
        let (begin, end) = (self.seen, self.seen + molecules);
        if hits > 0 {
            let sums = self.frame.bedroc;
            self.sum += (sums[end as usize] - sums[begin as usize]) * hits as f64 / molecules as f64;
            self.hits_of(molecules, hits);
        }
        let found = |count: u64| self.hits as f64 + (count - begin) as f64 * hits as f64 / molecules as f64;
        while let Some(share) = CURVE.get(self.point) {
            let first = first_molecules(*share, self.frame.molecules);
            if first > end {
                break;
            }
            self.measured.curve[self.point] = found(first);
            self.point += 1;
        }
        if (begin + 1..=end).contains(&self.frame.selected) {
            self.measured.selected = found(self.frame.selected);
        }
        self.seen = end;
        self.hits += hits;
    }

    /// Whether this tie has the hits that somebody waits for.
    fn hits_of(&mut self, molecules: u64, hits: u64) {
        let needed = |sought: Part| {
            let missing = u128::from(sought.over) - u128::from(self.hits) * u128::from(sought.under);
            let of_tie = (missing * u128::from(molecules)).div_ceil(u128::from(sought.under) * u128::from(hits));
            self.seen + of_tie as u64
        };
        let sought = self.frame.sought;
        let has = |found: u64| found * sought.under >= sought.over;
        if !has(self.hits) && has(self.hits + hits) {
            self.measured.needed = needed(sought);
        }
        while let Some(share) = TARGETS.get(self.target) {
            let sought = target_hits(*share, self.frame.hits);
            if self.hits + hits < sought {
                break;
            }
            self.measured.targets[self.target] = needed(Part::whole(sought));
            self.target += 1;
        }
    }

    fn finish(mut self) -> Measured {
        let (molecules, hits) = (self.frame.molecules, self.frame.hits);
        if hits > 0 && hits < molecules {
            self.measured.auc = Some(self.pairs as f64 / (2 * hits * (molecules - hits)) as f64);
            self.measured.bedroc = Some(bedroc(self.sum, hits, self.frame.bedroc));
        }
        self.measured
    }
}

/// BEDROC of `hits` whose places add `sum` (Truchon and Bayly, J. Chem. Inf. Model. 47 (2007) 488, equations 18 and 36):
/// RIE · Ra · sinh(α/2) / (cosh(α/2) − cosh(α/2 − α·Ra)) + 1 / (1 − e^(α·(1 − Ra))), where Ra is the share of the hits and RIE the
/// sum a hit by its mean over all places.
fn bedroc(sum: f64, hits: u64, sums: &[f64]) -> f64 {
    let molecules = (sums.len() - 1) as f64;
    let share = hits as f64 / molecules;
    let rie = sum / hits as f64 / (sums[sums.len() - 1] / molecules);
    let half = ALPHA / 2.0;
    let cosh = |x: f64| f64::midpoint(exp(x), exp(-x));
    let sinh = (exp(half) - exp(-half)) / 2.0;
    rie * share * sinh / (cosh(half) - cosh(half - ALPHA * share)) + 1.0 / (1.0 - exp(ALPHA * (1.0 - share)))
}
