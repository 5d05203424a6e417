//! Asking a cluster what it is and allows, before a campaign depends on it.

use std::path::Path;
use std::time::Duration;

use molsieve_adapters::command::{Call, Runner, Said, System};

use crate::campaign::kind::SchedulerKind;
use crate::campaign::scheduler::{Cluster, SchedulerSection};
use crate::campaign::site::SiteProfile;
use crate::doctor::{Finding, Verdict};
use crate::error::{Error, Result};
use crate::scheduler;

/// No more lines of a foreign command are shown.
const LINES: usize = 6;

/// What a campaign would be asked for at the site `reference`, a name or a path from here; without one, at the cluster
/// of this machine, of which nothing is said: one of `kind`, where somebody knows that.
///
/// # Errors
/// There is no such site, or it is no cluster (exit 2).
pub fn cluster(reference: Option<&str>, kind: Option<SchedulerKind>) -> Result<(SchedulerKind, Cluster)> {
    let base = Path::new("");
    let section = match reference {
        None => SchedulerSection::of(kind.unwrap_or_else(scheduler::around_here)),
        Some(reference) => {
            let profile = SiteProfile::find(reference, base)?;
            SchedulerSection { site: Some(profile.name.clone()), ..profile.scheduler_section()? }
        }
    };
    let cluster = scheduler::cluster(&section, base)?.ok_or_else(|| {
        Error::usage(format!("the site `{}` has no cluster", reference.unwrap_or_default()))
            .hint("its `[scheduler]` says no `kind`, or `kind = \"local\"`")
    })?;
    Ok((section.kind()?, cluster))
}

/// What the file system of `dir` lets this user have, in the words of the command that knows it; none where no command
/// says anything.
pub fn quota(dir: &Path) -> Option<Finding> {
    let mut system = System { limit: Duration::from_secs(20) };
    let mut hear = |argv: &[&str]| system.run(&Call::new(argv.iter().copied())).ok().filter(Said::is_ok);
    let user = hear(&["id", "-un"])?.stdout.trim().to_owned();
    let dir = dir.to_str().filter(|dir| !dir.starts_with('-'))?;
    let said = hear(&["lfs", "quota", "-h", "-u", &user, dir]).or_else(|| hear(&["quota", "-w", "-s"]))?;
    let lines: Vec<&str> = said.stdout.lines().map(str::trim).filter(|line| !line.is_empty()).take(LINES).collect();
    let told = Finding::new("quota", Verdict::Info, lines.join(" / "));
    (!lines.is_empty()).then_some(told)
}
