//! `molsieve doctor --site [DIR]`: a cluster, and the directory that its nodes share.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::machine;
use crate::campaign::kind::SchedulerKind;
use crate::campaign::scheduler::Cluster;
use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::cli::waiting::Teller;
use crate::cli::{asked, place};
use crate::doctor::cluster::ClusterFacts;
use crate::doctor::{self, Finding, Verdict, disk};
use crate::error::{Error, Kind, Result};
use crate::host;
use crate::patience::Patience;
use crate::run::cluster::examine;
use crate::run::cluster::probe::{self, Probe};
use crate::scheduler::{self, Examined};
use crate::units;

/// A command of a scheduler may take so long.
const ANSWERS: Duration = Duration::from_secs(120);

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Look at the cluster that this machine belongs to, as the site NAME asks for its jobs, if one is given.
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    site: Option<String>,
    #[command(flatten)]
    which: WhichArgs,
    #[command(flatten)]
    job: TryArgs,
}

/// Which cluster is meant, where no site says so.
#[derive(Debug, clap::Args)]
pub struct WhichArgs {
    /// Which scheduler the cluster has [default: the first of them whose commands are here].
    #[arg(long, value_name = "KIND", value_parser = asked::schedulers(SchedulerKind::all().filter(|kind| kind.is_cluster())))]
    pub scheduler: Option<SchedulerKind>,
}

/// Whether a job is submitted to find out more.
#[derive(Debug, clap::Args)]
pub struct TryArgs {
    /// Submit a job of one core and a minute, and see what it sees; it is gone afterwards.
    #[arg(long = "try")]
    pub submit: bool,
    /// How long that job may wait for its turn.
    #[arg(long, value_name = "TIME", default_value = "5min", requires = "submit")]
    pub wait: String,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct Facts {
    schema: &'static str,
    /// The directory.
    dir: String,
    /// This machine.
    pub host: String,
    molsieve: &'static str,
    site: Option<String>,
    /// The cluster.
    pub cluster: ClusterFacts,
    /// What a job saw, where one was submitted.
    pub job: Option<Probe>,
    /// What is to be said of all that.
    pub findings: Vec<Finding>,
    /// Which scheduler it has, and what people call that.
    #[serde(skip)]
    pub kind: SchedulerKind,
    /// See `kind`.
    #[serde(skip)]
    pub product: &'static str,
    /// What a profile says that is this scheduler's alone.
    #[serde(skip)]
    pub profile: Vec<String>,
}

impl Args {
    /// Whether a cluster is to be looked at.
    pub fn is_asked(&self) -> bool {
        self.site.is_some() || self.job.submit || self.which.scheduler.is_some()
    }
}

/// Looks at the cluster as `site` asks for its jobs, or at that of this machine, `which` it is; and at `dir`.
///
/// # Errors
/// The cluster does not answer (exit 5), or `dir` cannot be written (exit 6).
pub fn look(site: Option<&str>, which: &WhichArgs, dir: &Path, job: &TryArgs, output: Output) -> Result<Facts> {
    let wait = units::duration(&job.wait).map_err(|e| e.within("`--wait`"))?;
    let (kind, cluster) = examine::cluster(site, which.scheduler)?;
    let binding = scheduler::of(kind)?;
    let patience = Patience::default();
    let teller = Teller::of(&patience, output);
    let waiting = patience.waits("the cluster is asked what it has and allows: its answers are waited for", ANSWERS);
    let examined = binding.examine(&cluster);
    drop((waiting, teller));
    let is_a_guess = site.is_none() && which.scheduler.is_none();
    let Examined { facts, mut findings, profile } =
        examined.map_err(|error| if is_a_guess { error.hint(say_which(kind)) } else { error })?;
    // (What no node would start is not waited for.)
    let may_start = findings.iter().all(|finding| finding.verdict < Verdict::Problem);
    let in_vain = job.submit && !may_start;
    findings.extend(disk::check(dir)?);
    findings.extend(examine::quota(dir));
    let job = (job.submit && may_start).then(|| try_job(kind, &cluster, dir, wait, output)).transpose()?;
    match &job {
        None if in_vain => findings.push(tried_in_vain()),
        Some(Probe { node: Some(node), .. }) if cluster.is_carried() => {
            findings.push(doctor::cluster::judge_carried(node, binding.when_not_carried()));
        }
        Some(Probe { node: Some(node), exchange, .. }) => {
            findings.extend(doctor::cluster::judge_node(node, exchange.as_ref()));
        }
        Some(Probe { job, why, .. }) => findings.push(
            Finding::new("node", Verdict::Problem, format!("job {job}: {}", why.as_deref().unwrap_or("no report")))
                .hint("is this directory there on the nodes? Where the queue is long, `--wait 1h` waits longer"),
        ),
        None => findings.push(not_tried()),
    }
    Ok(Facts {
        schema: "molsieve.doctor-site.v1",
        dir: dir.display().to_string(),
        host: host::name(),
        molsieve: env!("CARGO_PKG_VERSION"),
        site: cluster.site,
        cluster: facts,
        job,
        findings,
        kind,
        product: binding.product(),
        profile,
    })
}

/// What somebody can say whose cluster is another than one of `taken`, for which its machine was taken.
fn say_which(taken: SchedulerKind) -> String {
    let others = scheduler::all().filter(|(kind, _)| *kind != taken);
    let others: Vec<String> =
        others.map(|(kind, binding)| format!("`--scheduler {kind}` where it is {}", binding.product())).collect();
    format!("this machine was taken for one of a `{taken}` cluster: say {}", others.join(", "))
}

fn not_tried() -> Finding {
    Finding::new("node", Verdict::Info, "no job was submitted: what a node sees is not known")
        .hint("`--try` submits one of a minute: whether jobs may submit jobs, and how late files are seen")
}

fn tried_in_vain() -> Finding {
    Finding::new(
        "node",
        Verdict::Info,
        "no job was submitted: as the cluster is found above, it would wait for nothing",
    )
    .hint("mend what FAIL stands before, then say `--try` again; where a profile says it, with `--site=NAME`")
}

fn try_job(kind: SchedulerKind, cluster: &Cluster, dir: &Path, wait: Duration, output: Output) -> Result<Probe> {
    output.note(format!("a job of one core and a minute is submitted; it may wait {} s for its turn", wait.as_secs()));
    probe::run(kind, cluster, dir, place::this_program()?, wait)
}

/// Runs it: exit 6 if a campaign would fail there.
pub fn run(machine: &machine::Args, args: &Args, output: Output) -> Result<Exit> {
    let site = args.site.as_deref().filter(|name| !name.is_empty());
    if site.is_some() && args.which.scheduler.is_some() {
        return Err(Error::usage("`--site=NAME` and `--scheduler` both say which cluster is meant")
            .hint("the profile says `kind`: leave `--scheduler` away"));
    }
    if args.site.is_none() {
        let (what, say) = if args.job.submit {
            ("`--try` submits a job to a cluster", "say so: `molsieve doctor --site --try DIR`")
        } else {
            ("`--scheduler` says which cluster is looked at", "say so: `molsieve doctor --site --scheduler KIND`")
        };
        return Err(Error::usage(what).hint(say));
    }
    let facts = look(site, &args.which, machine.place()?, &args.job, output)?;
    let worst = facts.findings.iter().map(|f| f.verdict).max();
    if !output.document(&facts)? {
        facts.findings.iter().for_each(|finding| machine::tell(finding, output));
        output.say(match worst {
            Some(Verdict::Problem) => "There are problems: mend them before you start a campaign there.",
            Some(Verdict::Warning) => "Campaigns can run there; look at the warnings.",
            _ => "Campaigns can run there.",
        });
    }
    Ok(if worst == Some(Verdict::Problem) { Exit::Of(Kind::Environment) } else { Exit::Done })
}
