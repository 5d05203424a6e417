//! What `plan` says of a campaign on a cluster: the next submission, and what comes after it.

use super::exit_code::Exit;
use super::output::Output;
use super::progress::span;
use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::host;
use crate::remote::serve;
use crate::run::cluster::outlook::{Outlook, Rehearsal};
use crate::view::forecast::Forecast;

/// How many tasks of the wave run at a time, as far as that is known.
pub fn at_a_time(outlook: &Outlook) -> u64 {
    outlook.running.as_ref().map_or(outlook.tasks, |running| running.tasks.min(outlook.tasks)).max(1)
}

/// Tells a person what would be submitted.
pub fn say(outlook: &Outlook, campaign: &Campaign, forecast: &Forecast, output: Output) {
    let site = outlook.site.as_ref().map_or_else(String::new, |site| format!(", site {site}"));
    let name = outlook.cluster.clone().unwrap_or_else(|| "not asked".to_owned());
    output.say(format!("cluster      {name}{site}"));
    if let Some(why) = &outlook.limits_unknown {
        output.say(format!("limits       not known from here: {why}"));
        output.say("             they are asked for again when something is submitted");
    }
    if outlook.task_groups == 0 {
        output.say("wave         none: every task group is there");
        return;
    }
    let each = match outlook.task_groups_a_task {
        1 => "one task group each".to_owned(),
        most => format!("up to {most} task groups each"),
    };
    let running = match &outlook.running {
        Some(running) if running.tasks < outlook.tasks => format!("; {} at a time, by {}", running.tasks, running.by),
        _ => String::new(),
    };
    output.say(format!("wave {}       {} tasks, {each}{running}", outlook.wave, outlook.tasks));
    if let Some(bound) = outlook.bounds.first() {
        output.say(format!("             no more tasks because of: {}", bound.by));
    }
    output.say(format!("beside it    {}", beside(outlook)));
    output.say(format!("submissions  {}", after(outlook)));
    if let Some(rounds) = rounds(outlook, campaign, forecast) {
        output.say(format!("             {rounds}"));
    }
    match &outlook.rehearsal {
        Some(Rehearsal { refused: Some(why), .. }) => output.say(format!("start        never: {why}")),
        Some(Rehearsal { start: Some(start), .. }) => output.say(format!("start        {start}, says the scheduler")),
        Some(_) => output.say("start        the scheduler does not say when"),
        None => {}
    }
}

/// What a rehearsal comes to: a cluster that would refuse the wave is no success, although nothing was submitted.
///
/// # Errors
/// It would (exit 5).
pub fn judged(outlook: &Outlook, campaign: &Campaign) -> Result<Exit> {
    let Some(why) = outlook.rehearsal.as_ref().and_then(|rehearsal| rehearsal.refused.as_ref()) else {
        return Ok(Exit::Done);
    };
    Err(Error::new(Kind::Scheduler, format!("the cluster would never start it: {why}"))
        .hint("`molsieve doctor --site` lists what it has and allows")
        .hint(format!(
            "mend `[scheduler]` or `[resources]` in the campaign file; `molsieve resume {} --config FILE` takes it, and submits",
            campaign.dir.root().display()
        )))
}

/// The small jobs that people see in the queue beside the wave.
fn beside(outlook: &Outlook) -> String {
    let look = outlook.look_s.map(|every| format!("; a look at it every {} while it runs", span(every as f64)));
    let look = look.unwrap_or_default();
    if outlook.is_one_job {
        return format!("small jobs of one core: a tick when it has ended, which is part of it{look}");
    }
    format!("small jobs of one core: a tick when it has ended; a stand-in for that, should it fail, else never{look}")
}

/// What one submission holds, and who sees to the rest.
fn after(outlook: &Outlook) -> String {
    let all = "one holds everything; what a time limit or a failure leaves";
    match outlook.rounds {
        0 => format!("{all} needs `molsieve resume` here, since jobs may not submit jobs"),
        rounds => format!("{all}, a tick submits by itself, up to {rounds} times"),
    }
}

/// Where a pilot says that the time limit does not do for a task: how many rounds it takes.
fn rounds(outlook: &Outlook, campaign: &Campaign, forecast: &Forecast) -> Option<String> {
    let (execution, hours) = (&campaign.file.execution, forecast.core_hours.as_ref()?);
    let limit = execution.walltime_s? as f64;
    let task_s = hours.expected * 3600.0 / outlook.tasks.max(1) as f64 / execution.task_cpus().max(1) as f64;
    (task_s > limit).then(|| {
        let rounds = (task_s / limit).ceil();
        let who = if outlook.rounds == 0 { ", each with a `molsieve resume`" } else { "" };
        let (task, limit) = (span(task_s), span(limit));
        format!("a task takes about {task} and may take {limit}: about {rounds:.0} waves, from checkpoint to checkpoint{who}")
    })
}

/// Shows a person the scripts.
pub fn say_scripts(outlook: &Outlook, output: Output) {
    if outlook.task_groups > 0 && std::env::var_os(serve::FAR).is_some() {
        output.say(format!("\non `{}`; {}", host::name(), serve::AS_IT_LIES_THERE));
    }
    for script in outlook.scripts.iter().filter(|_| outlook.task_groups > 0) {
        let what = if outlook.is_one_job { "what is submitted for" } else { "the batch script of" };
        output.say(format!("\n{what} the {}, `{}`:\n", script.of, script.path));
        output.say(script.text.trim_end());
    }
}
