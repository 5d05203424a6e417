//! What `plan` and `pilot` say alike: what was measured, and what the campaign will take.

use serde::Serialize;

use super::drive;
use super::output::Output;
use super::progress::span;
use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::id::GroupIndex;
use crate::shard::estimate::Pilot;
use crate::shard::plan::Plan;
use crate::view::forecast::{Expected, Forecast};

/// What a pilot measured.
#[derive(Debug, Serialize)]
pub struct PilotFacts {
    #[serde(flatten)]
    pilot: Pilot,
    records_per_s_core: f64,
    records_per_s_worker: f64,
    classes: Vec<ClassFacts>,
}

/// Task groups of about one cost.
#[derive(Debug, Serialize)]
struct ClassFacts {
    /// The mean cost of one of them.
    core_s: f64,
    task_groups: u64,
}

/// What the plan of a campaign says about its cost; none without a pilot.
pub fn pilot(plan: &Plan) -> Option<PilotFacts> {
    let pilot = plan.pilot.clone()?;
    let groups =
        |class: usize| plan.all_groups().filter(move |group: &GroupIndex| usize::from(plan.class(*group)) == class);
    let classes = plan.classes.iter().flat_map(|c| c.core_ms.iter().enumerate());
    let classes = classes
        .map(|(class, ms)| ClassFacts { core_s: *ms as f64 / 1e3, task_groups: groups(class).count() as u64 })
        .collect();
    let (records_per_s_core, records_per_s_worker) = (pilot.per_core_s(), pilot.per_worker_s());
    Some(PilotFacts { pilot, records_per_s_core, records_per_s_worker, classes })
}

/// What `campaign` will take with so many workers at a time, or with as many as fit here.
pub fn forecast(campaign: &Campaign, workers: Option<u64>) -> Result<Forecast> {
    Forecast::of(campaign, workers.unwrap_or_else(|| drive::default_slots(campaign)))
}

/// Tells a person what was measured.
pub fn say_pilot(facts: &PilotFacts, output: Output) {
    let PilotFacts { pilot, classes, .. } = facts;
    output.say(format!(
        "pilot        {} of {} records in {}, {} ERROR; start {:.1} s; on {}",
        pilot.records,
        pilot.asked,
        span(pilot.wall_ms as f64 / 1e3),
        pilot.errors,
        pilot.startup_ms as f64 / 1e3,
        pilot.host,
    ));
    output.say(format!(
        "rate         {} records/s a core, {} a worker of {} cores",
        number(facts.records_per_s_core),
        number(facts.records_per_s_worker),
        pilot.cpus
    ));
    if classes.len() > 1 {
        let each: Vec<String> =
            classes.iter().map(|c| format!("{} of {:.0} s", c.task_groups, c.core_s.max(1.0))).collect();
        output.say(format!("cost classes {} (task groups and their core time, the costliest first)", each.join(", ")));
    }
}

/// Tells a person what the campaign will take.
pub fn say_forecast(forecast: &Forecast, output: Output) {
    let range = |e: &Expected| format!("{} (95 %: {} to {})", number(e.expected), number(e.low), number(e.high));
    match (&forecast.core_hours, &forecast.wall_s) {
        (Some(hours), Some(wall)) => {
            output.say(format!("core hours   {}", range(hours)));
            output.say(format!(
                "time         {} (95 %: {} to {}) with {} workers at a time",
                span(wall.expected),
                span(wall.low),
                span(wall.high),
                forecast.workers
            ));
        }
        _ => output.say("time         not known, no pilot: `molsieve pilot` measures it"),
    }
    let mib = |bytes: u64| number((bytes as f64 / f64::from(1 << 20)).max(0.1));
    let bytes = &forecast.bytes;
    output.say(format!("tasks        {} in the first wave", forecast.tasks));
    output.say(format!("files        {} files and directories", forecast.files));
    output.say(format!(
        "disk         {} MiB: rows {}, checkpoints up to {}, pack {}",
        mib(bytes.total),
        mib(bytes.rows),
        mib(bytes.checkpoints),
        mib(bytes.pack)
    ));
    for warning in &forecast.warnings {
        output.note(format!("warning: {warning}"));
    }
}

/// A number to three digits.
fn number(n: f64) -> String {
    let digits = if n >= 100.0 || n <= 0.0 { 0 } else { (2.0 - n.log10().floor()).clamp(0.0, 6.0) as usize };
    format!("{n:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_number_is_told_to_three_digits() {
        assert_eq!([0.0, 0.01234, 1.234, 99.96, 12345.6].map(number), ["0", "0.0123", "1.23", "100.0", "12346"]);
    }
}
