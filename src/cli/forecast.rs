//! What `plan` and `pilot` say alike: what was measured, and what the campaign will take.

use serde::Serialize;

use super::output::Output;
use super::place;
use super::progress::span;
use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::id::GroupIndex;
use crate::run::here;
use crate::run::launch::launched;
use crate::scorer::Order;
use crate::shard::estimate::Pilot;
use crate::shard::plan::Plan;
use crate::units;
use crate::view::forecast::{self, Expected, Forecast};

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
    Forecast::of(campaign, workers.unwrap_or_else(|| here::default_slots(campaign)))
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

/// Tells a person how it runs here, when it stops by itself, and what is left at the end.
pub fn say_terms(campaign: &Campaign, forecast: &Forecast, output: Output) {
    let (identity, execution) = (&campaign.file.identity, &campaign.file.execution);
    let cores = if execution.cpus == 1 { "1 core".to_owned() } else { format!("{} cores", execution.cpus) };
    let gpus = if execution.gpus > 0 { format!(" and {} GPUs", execution.gpus) } else { String::new() };
    let (workers, tasks) = (forecast.workers, forecast.tasks);
    let place = if execution.cluster.is_some() { "in waves" } else { "on this machine" };
    let ranks = execution.launch.as_ref().map_or_else(String::new, |launch| {
        let a_node = launch.ranks_per_node.map_or_else(String::new, |ranks| format!(", {ranks} a node at most"));
        format!("each {} ranks by {}{a_node}, ", launch.ranks, launch.launcher.program())
    });
    output.say(format!("runs         {place}: {workers} at a time of {tasks} tasks, {ranks}{cores}{gpus} each"));
    if let Some(launch) = place::this_program().ok().and_then(|molsieve| launched::outlook(campaign, molsieve)) {
        output.say(format!("launch       {launch}"));
    }
    let errors = match execution.max_error_ppm {
        None => "where all records are ERROR".to_owned(),
        Some(1_000_000) => "never for errors".to_owned(),
        Some(ppm) => format!("where more than {} % of the records are ERROR", ppm as f64 / 1e4),
    };
    let hours = execution
        .core_ms_max
        .map_or_else(String::new, |ms| format!(", and after {} core-hours", units::core_hours(ms)));
    output.say(format!("pauses       {errors}{hours}"));
    let rank = identity.pack.rank.as_ref().map_or_else(String::new, |rank| {
        let best = if rank.order == Order::Asc { "lowest" } else { "highest" };
        format!("; hits: the {} with the {best} `{}`", identity.pack.top, rank.column.name)
    });
    output.say(format!("pack         {}{rank}", identity.pack.outputs.join(", ")));
    output.say(match &execution.key {
        Some(key) => format!("signed       with `{}`", key.display()),
        None => "signed       by nobody: this campaign has no key; `molsieve sign` signs it later".to_owned(),
    });
}

/// Warns of tasks that are larger than this machine.
pub fn warn_of_resources(campaign: &Campaign, output: Output) {
    for warning in [forecast::too_many_cores(campaign), forecast::too_little_time(campaign)].into_iter().flatten() {
        output.note(format!("warning: {warning}"));
    }
}

/// Tells a person what the campaign will take.
pub fn say_forecast(forecast: &Forecast, output: Output) {
    let range = |e: &Expected| format!("{} (95 %: {} to {})", number(e.expected), number(e.low), number(e.high));
    match (&forecast.core_hours, &forecast.wall_s) {
        (Some(hours), Some(wall)) => {
            output.say(format!("core hours   {}", range(hours)));
            output.say(format!(
                "time         {} (95 %: {} to {}) with {} worker{} at a time",
                span(wall.expected),
                span(wall.low),
                span(wall.high),
                forecast.workers,
                if forecast.workers == 1 { "" } else { "s" }
            ));
        }
        _ => output.say("time         not known: a pilot measures it in a minute, see below"),
    }
    let bytes = &forecast.bytes;
    let free = forecast.free_files.map_or_else(String::new, |files| format!(", room for {files}"));
    output.say(format!("files        {} files and directories{free}", forecast.files));
    let carried = match bytes.carried {
        0 => String::new(),
        bytes => format!(", parcels {} as long as a wave is", units::bytes(bytes)),
    };
    output.say(format!(
        "disk         {} of {} free: rows {}, checkpoints up to {}, pack {}{carried}",
        units::bytes(bytes.total),
        units::bytes(forecast.free_bytes),
        units::bytes(bytes.rows),
        units::bytes(bytes.checkpoints),
        units::bytes(bytes.pack)
    ));
    for warning in &forecast.warnings {
        output.note(format!("warning: {warning}"));
    }
}

/// A number to three digits.
pub fn number(n: f64) -> String {
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
