//! What a pilot found, and what follows from it: the expected cost of a library, how sure that is,
//! and the cost classes of task groups. Pure.
//!
//! The sample is stratified by the length of the structure, in two phases: a large first sample tells
//! how many records of the library are how long, a small second one of it what they cost (Cochran,
//! Sampling Techniques, 3rd edition, chapter 12). Records are timed a few at a time, so the spread is
//! that between such batches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plan::{CLASSES_MAX, Classes, Plan};

/// Numbers of ours stay below this, so that every JSON reader keeps them.
const LIMIT: u64 = 1 << 53;

/// What a pilot measured, on the machine where the campaign was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pilot {
    /// Node name.
    pub host: String,
    /// Processor model.
    pub cpu: String,
    /// Records that were asked for; fewer if the library has no more.
    pub asked: u64,
    /// Records that were finished in the time that there was.
    pub records: u64,
    /// Those of them that ended as ERROR.
    pub errors: u64,
    /// How many of them have which reason.
    pub reasons: BTreeMap<String, u64>,
    /// How long the scoring took, in milliseconds.
    pub wall_ms: u64,
    /// From the start of the scorer to its first record, in milliseconds.
    pub startup_ms: u64,
    /// Cores that the pool had.
    pub cpus: u32,
    /// Records that the pool scores at a time: its children, or its threads.
    pub lanes: u32,
    /// Expected cost of a record, the mean over the library, in nanoseconds of one core.
    pub core_ns: u64,
    /// The ends of the 95 % interval of `core_ns`.
    pub core_ns_low: u64,
    /// See `core_ns_low`.
    pub core_ns_high: u64,
    /// Expected size of a row, in bytes, rounded up.
    pub row_bytes: u64,
    /// What was found for short structures and for long ones, the shortest first.
    pub strata: Vec<Stratum>,
}

/// Records of about one length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stratum {
    /// The longest structure in it, in bytes.
    pub length_max: u64,
    /// The mean length of its structures, in thousandths of a byte.
    pub length_milli: u64,
    /// How many of a million records of the library are in it.
    pub share_ppm: u64,
    /// Records that were timed.
    pub records: u64,
    /// Mean cost of a record, in nanoseconds of one core; 0 if none was timed.
    pub core_ns: u64,
}

impl Pilot {
    /// Whether this is one that the pilot could have made: it may come from a file that somebody edited.
    pub fn is_sound(&self) -> bool {
        let numbers = [self.asked, self.records, self.errors, self.wall_ms, self.startup_ms, self.row_bytes];
        let of = |s: &Stratum| [s.length_max, s.length_milli, s.share_ppm, s.records, s.core_ns];
        let strata = self.strata.iter().flat_map(of);
        (1..LIMIT).contains(&self.core_ns)
            && self.core_ns_low <= self.core_ns
            && (self.core_ns..LIMIT).contains(&self.core_ns_high)
            && self.lanes > 0
            && self.cpus > 0
            && numbers.into_iter().chain(strata).all(|n| n < LIMIT)
    }

    /// Records that one core scores in a second.
    pub fn per_core_s(&self) -> f64 {
        1e9 / self.core_ns.max(1) as f64
    }

    /// Records that one worker scores in a second.
    pub fn per_worker_s(&self) -> f64 {
        self.per_core_s() * f64::from(self.cpus)
    }

    /// Records that keep one worker busy for `target`; at least one.
    pub fn records_in(&self, target: std::time::Duration) -> u64 {
        ((target.as_secs_f64() * self.per_worker_s()) as u64).max(1)
    }

    /// Core hours for `records` records in `tasks` tasks, the start of each included: expected, low, high.
    pub fn core_hours(&self, records: u64, tasks: u64) -> [f64; 3] {
        let start = self.startup_ms as f64 / 1e3 * f64::from(self.cpus) * tasks as f64;
        [self.core_ns, self.core_ns_low, self.core_ns_high]
            .map(|cost| (cost as f64 / 1e9 * records as f64 + start) / 3600.0)
    }

    /// The cost of a record as a line over the length of its structure: nanoseconds at length 0, and for each byte.
    /// Least squares over the strata, each with its share; cost never falls with length, and is never below 0.
    pub fn line(&self) -> (f64, f64) {
        let timed = || self.strata.iter().filter(|s| s.records > 0);
        let share = |s: &Stratum| s.share_ppm as f64;
        let total = timed().map(share).sum::<f64>().max(1.0);
        let mean = |of: &dyn Fn(&Stratum) -> f64| timed().map(|s| share(s) * of(s)).sum::<f64>() / total;
        let (length, cost) = (|s: &Stratum| s.length_milli as f64 / 1e3, |s: &Stratum| s.core_ns as f64);
        let (x, y) = (mean(&length), mean(&cost));
        let spread = mean(&|s| (length(s) - x).powi(2));
        let slope = if spread > 0.0 { mean(&|s| (length(s) - x) * (cost(s) - y)) / spread } else { 0.0 };
        let slope = if x > 0.0 { slope.clamp(0.0, y / x) } else { 0.0 };
        (y - slope * x, slope)
    }
}

/// The cost classes of the groups of `plan`, of whose structures the mean lengths in bytes are `lengths`.
///
/// Class 0 holds what costs more than half of the costliest group, class 1 more than a quarter, and so on.
pub fn classes(plan: &Plan, pilot: &Pilot, lengths: &[f64]) -> Classes {
    let (base, slope) = pilot.line();
    let weigh = |(group, length): (_, &f64)| {
        let range = plan.group(group);
        (range.end - range.start) as f64 * (base + slope * length.max(0.0)).max(1.0)
    };
    let costs: Vec<f64> = plan.all_groups().zip(lengths).map(weigh).collect();
    // What the library costs as a whole is known better from the strata than from the line.
    let scale = plan.records as f64 * pilot.core_ns as f64 / costs.iter().sum::<f64>().max(1.0);
    let most = costs.iter().copied().fold(0.0, f64::max);
    let class = |cost: &f64| (1..CLASSES_MAX).take_while(|n| cost * 2f64.powi(*n as i32) <= most).count();
    let of: Vec<usize> = costs.iter().map(class).collect();
    // Classes without a group are left out.
    let mut used = of.clone();
    used.sort_unstable();
    used.dedup();
    let mean = |class: &usize| {
        let (sum, n) =
            costs.iter().zip(&of).filter(|(_, c)| *c == class).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + 1.0));
        ((sum * scale / n / 1e6).round() as u64).clamp(1, LIMIT - 1)
    };
    let place = |class: &usize| used.iter().position(|c| c == class).unwrap_or(0) as u8;
    Classes { core_ms: used.iter().map(mean).collect(), of_group: of.iter().map(place).collect() }
}

/// Records that were timed together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    /// How many.
    pub records: u64,
    /// What they took, in nanoseconds of one core.
    pub core_ns: f64,
}

/// What is known of one stratum.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The longest structure in it, in bytes.
    pub length_max: u64,
    /// The mean length, in bytes.
    pub length: f64,
    /// Its share of the library.
    pub share: f64,
    /// The mean size of a row, in bytes; 0 if there is none.
    pub row_bytes: f64,
    /// What was timed of it.
    pub timed: Vec<Timed>,
}

impl Found {
    /// What is frozen of it.
    pub fn summary(&self) -> Stratum {
        Stratum {
            length_max: self.length_max,
            length_milli: (self.length * 1e3).round() as u64,
            share_ppm: (self.share * 1e6).round() as u64,
            records: self.records(),
            core_ns: self.mean().unwrap_or(0.0).round() as u64,
        }
    }

    fn records(&self) -> u64 {
        self.timed.iter().map(|t| t.records).sum()
    }

    /// Mean cost of a record; none if nothing was timed.
    fn mean(&self) -> Option<f64> {
        let records = self.records();
        (records > 0).then(|| self.timed.iter().map(|t| t.core_ns).sum::<f64>() / records as f64)
    }

    /// The variance of [`Found::mean`], relative to its square; none for fewer than two batches.
    fn relative_variance(&self) -> Option<f64> {
        let (mean, n, k) = (self.mean()?, self.records() as f64, self.timed.len() as f64);
        if k < 2.0 || mean <= 0.0 {
            return None;
        }
        let squares = self.timed.iter().map(|t| (t.core_ns - mean * t.records as f64).powi(2)).sum::<f64>();
        Some(k / (k - 1.0) * squares / (n * mean).powi(2))
    }
}

/// The cost of a record, as a mean over the library: expected, and its 95 % interval, in nanoseconds of one core.
///
/// `places` is in how many places of the library the first sample was taken; none if it was all of it.
/// `None` if nothing was timed.
pub fn cost(strata: &[Found], places: Option<u64>) -> Option<[u64; 3]> {
    // A stratum of which nothing was timed is taken to cost what the next shorter one does, or the first one.
    let mut before = strata.iter().find_map(Found::mean)?;
    let means: Vec<f64> = strata
        .iter()
        .map(|s| {
            before = s.mean().unwrap_or(before);
            before
        })
        .collect();
    let shares: f64 = strata.iter().map(|s| s.share).sum::<f64>().max(f64::MIN_POSITIVE);
    let weighted = |of: &dyn Fn(usize) -> f64| (0..strata.len()).map(of).sum::<f64>();
    let mean = weighted(&|i| strata[i].share / shares * means[i]);
    let spreads: Vec<f64> = strata.iter().filter_map(Found::relative_variance).collect();
    // Where a stratum has one batch, it is taken to spread as the others do; without any, by as much as it is.
    let usual = if spreads.is_empty() { 1.0 } else { spreads.iter().sum::<f64>() / spreads.len() as f64 };
    let within =
        weighted(&|i| (strata[i].share / shares * means[i]).powi(2) * strata[i].relative_variance().unwrap_or(usual));
    let between = weighted(&|i| strata[i].share / shares * (means[i] - mean).powi(2));
    let variance = within + places.map_or(0.0, |n| between / n.max(1) as f64);
    let freedom: usize = strata.iter().map(|s| s.timed.len().saturating_sub(1)).sum();
    let half = student_95(freedom) * variance.sqrt();
    let whole = |ns: f64| (ns.round().max(0.0) as u64).min(LIMIT - 1);
    let expected = whole(mean).max(1);
    Some([expected, whole(mean - half).min(expected), whole(mean + half).max(expected)])
}

/// The 97.5th percentile of Student's t: the tabulated values, then the first terms of its expansion
/// (Abramowitz and Stegun, 26.7.5).
fn student_95(freedom: usize) -> f64 {
    const TABLE: [f64; 11] = [12.706, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    let (z, n) = (1.959_964_f64, freedom as f64);
    TABLE.get(freedom).copied().unwrap_or_else(|| z + (z.powi(3) + z) / (4.0 * n) + 2.8224 / n.powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn found(share: f64, length: f64, timed: &[(u64, f64)]) -> Found {
        let timed = timed.iter().map(|(records, core_ns)| Timed { records: *records, core_ns: *core_ns }).collect();
        Found { length_max: length as u64, length, share, row_bytes: 20.0, timed }
    }

    fn pilot(strata: &[Found]) -> Pilot {
        let [core_ns, core_ns_low, core_ns_high] = cost(strata, None).unwrap();
        Pilot {
            host: "node-1".to_owned(),
            cpu: "a processor".to_owned(),
            asked: 100,
            records: 100,
            errors: 0,
            reasons: BTreeMap::new(),
            wall_ms: 1,
            startup_ms: 9000,
            cpus: 2,
            lanes: 2,
            core_ns,
            core_ns_low,
            core_ns_high,
            row_bytes: 20,
            strata: strata.iter().map(Found::summary).collect(),
        }
    }

    #[test]
    fn each_length_counts_by_its_share_of_the_library_and_not_of_the_sample() {
        let strata = [found(0.9, 10.0, &[(10, 1000.0), (10, 1000.0)]), found(0.1, 90.0, &[(10, 9000.0), (10, 9000.0)])];
        assert_eq!(cost(&strata, None), Some([180, 180, 180]), "no spread, no interval");
        let [mean, low, high] = cost(&strata, Some(100)).unwrap();
        assert!(mean == 180 && low < 180 && high > 180, "which share is long was seen in 100 places only");
    }

    #[test]
    fn the_interval_is_that_of_students_t() {
        // Two batches of one record: mean 100, variance of the mean 100, one degree of freedom.
        assert_eq!(cost(&[found(1.0, 10.0, &[(1, 90.0), (1, 110.0)])], None), Some([100, 0, 227]));
        for (freedom, t) in [(1, 12.706), (7, 2.365), (30, 2.042), (100_000, 1.960)] {
            assert!((student_95(freedom) - t).abs() < 0.005, "{freedom}");
        }
    }

    #[test]
    fn a_stratum_that_was_not_reached_costs_what_the_shorter_one_does() {
        let strata = [found(0.5, 10.0, &[]), found(0.25, 20.0, &[(1, 100.0)]), found(0.25, 30.0, &[])];
        let [mean, low, high] = cost(&strata, None).unwrap();
        assert_eq!(mean, 100);
        assert!(low == 0 && high > 200, "of one record nobody can say how it spreads: {low} to {high}");
        assert_eq!(cost(&[found(1.0, 10.0, &[])], None), None);
    }

    #[test]
    fn the_line_goes_through_what_was_measured_and_never_falls() {
        let rising = pilot(&[found(0.5, 10.0, &[(1, 120.0)]), found(0.5, 30.0, &[(1, 160.0)])]);
        let (base, slope) = rising.line();
        assert!((base - 100.0).abs() < 1e-6 && (slope - 2.0).abs() < 1e-6, "{base} and {slope}");
        let falling = pilot(&[found(0.5, 10.0, &[(1, 160.0)]), found(0.5, 30.0, &[(1, 120.0)])]);
        assert_eq!(falling.line(), (140.0, 0.0));
        let steep = pilot(&[found(0.5, 10.0, &[(1, 1.0)]), found(0.5, 30.0, &[(1, 999.0)])]);
        assert!(steep.line().0.abs() < 1e-6, "a record of no length costs nothing, not less");
    }

    #[test]
    fn groups_of_long_structures_are_in_a_costlier_class_and_costs_add_up() {
        let strata = [found(0.5, 10.0, &[(1, 100e6)]), found(0.5, 90.0, &[(1, 900e6)])];
        let plan = Plan::new(Digest::default(), 400, 100).unwrap();
        let classes = classes(&plan, &pilot(&strata), &[10.0, 90.0, 10.0, 90.0]);
        assert_eq!(classes.of_group, [1, 0, 1, 0], "a class in between that has no group is left out");
        assert_eq!(classes.core_ms, [90_000, 10_000]);
        let even = super::classes(&plan, &pilot(&strata), &[50.0; 4]);
        assert_eq!((even.core_ms.len(), even.of_group), (1, vec![0; 4]));
    }

    #[test]
    fn core_hours_hold_the_start_of_every_task() {
        let pilot = pilot(&[found(1.0, 10.0, &[(1, 1e9), (1, 1e9)])]);
        let [hours, low, high] = pilot.core_hours(3600, 20);
        assert!((hours - 1.1).abs() < 1e-9 && (low - hours).abs() < 1e-9 && (high - hours).abs() < 1e-9, "{hours}");
        assert_eq!(pilot.records_in(std::time::Duration::from_secs(60)), 120, "two cores");
        assert_eq!(pilot.records_in(std::time::Duration::from_millis(1)), 1);
    }
}
