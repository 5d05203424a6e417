//! What a cluster allows, read from `scontrol show config`.

use super::answers;
use crate::adapter::AdapterError;
use crate::command::Said;

/// The limits and habits of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The version of SLURM, as it says.
    pub version: Option<String>,
    /// The cluster's name.
    pub cluster: Option<String>,
    /// `MaxArraySize`: the highest index is one less.
    pub array_size: u64,
    /// `max_array_tasks` of `SchedulerParameters`: tasks of one array, where that is less.
    pub array_tasks: Option<u64>,
    /// `MaxJobCount`: jobs that the controller keeps, an array element each, all users'.
    pub job_count: Option<u64>,
    /// `KillWait`, in seconds: from TERM to KILL.
    pub kill_wait_s: Option<u64>,
    /// `MinJobAge`, in seconds: how long an ended job stays in the queue.
    pub min_job_age_s: Option<u64>,
    /// Whether books are kept, so that `sacct` answers.
    pub accounting: bool,
    /// Whether a preempted job is put back into the queue.
    pub preempt_requeues: bool,
    /// Whether jobs may be put back at all, unless they ask not to be.
    pub requeue: bool,
}

impl Default for Limits {
    /// Of a cluster that was not asked: SLURM's own defaults.
    fn default() -> Self {
        Self {
            version: None,
            cluster: None,
            array_size: 1001,
            array_tasks: None,
            job_count: None,
            kill_wait_s: None,
            min_job_age_s: None,
            accounting: false,
            preempt_requeues: false,
            requeue: true,
        }
    }
}

impl Limits {
    /// The most tasks that one job may have; none allowed is 0.
    pub fn tasks_max(&self) -> u64 {
        // Our indices begin at 0, so an array of n tasks needs n <= MaxArraySize.
        self.array_tasks.map_or(self.array_size, |tasks| tasks.min(self.array_size))
    }

    /// Reads the answer of `scontrol show config`.
    ///
    /// # Errors
    /// The controller does not answer, or not with its configuration.
    pub fn parse(said: &Said) -> Result<Self, AdapterError> {
        if !said.is_ok() {
            return Err(answers::refusal(said));
        }
        let value = |key: &str| {
            let mut lines = said.stdout.lines().filter_map(|line| line.split_once('='));
            lines.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
        };
        let leading = |key: &str| value(key).and_then(|text| text.split_whitespace().next()?.parse().ok());
        let array_size = leading("MaxArraySize")
            .ok_or_else(|| AdapterError::Unparsed(format!("no MaxArraySize in the configuration: {}", said.gist())))?;
        let parameters = value("SchedulerParameters").unwrap_or_default();
        let array_tasks = parameters.split(',').find_map(|p| p.trim().strip_prefix("max_array_tasks=")?.parse().ok());
        let kind = value("AccountingStorageType").unwrap_or_default();
        Ok(Self {
            version: value("SLURM_VERSION"),
            cluster: value("ClusterName"),
            array_size,
            array_tasks,
            job_count: leading("MaxJobCount"),
            kill_wait_s: leading("KillWait"),
            min_job_age_s: leading("MinJobAge"),
            accounting: !["", "(null)", "accounting_storage/none"].contains(&kind.as_str()),
            preempt_requeues: value("PreemptMode").is_some_and(|mode| mode.contains("REQUEUE")),
            requeue: leading("JobRequeue") != Some(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "Configuration data as of 2026-11-21T00:56:10\n\
        AccountingStorageType   = accounting_storage/none\n\
        ClusterName             = testcluster\n\
        JobRequeue              = 1\n\
        KillWait                = 2 sec\n\
        MaxArraySize            = 1001\n\
        MaxJobCount             = 20000\n\
        MinJobAge               = 300 sec\n\
        PreemptMode             = REQUEUE\n\
        SchedulerParameters     = bf_interval=1,max_array_tasks=400\n\
        SLURM_VERSION           = 22.05.8\n";

    fn of(text: &str) -> Result<Limits, AdapterError> {
        Limits::parse(&Said { code: Some(0), stdout: text.to_owned(), stderr: String::new() })
    }

    #[test]
    fn a_clusters_configuration_is_read() {
        let limits = of(CONFIG).unwrap();
        assert_eq!(limits.version.as_deref(), Some("22.05.8"));
        assert_eq!((limits.tasks_max(), limits.kill_wait_s, limits.min_job_age_s), (400, Some(2), Some(300)));
        assert!(!limits.accounting && limits.preempt_requeues && limits.requeue);
    }

    #[test]
    fn books_that_are_kept_are_seen() {
        assert!(of(&CONFIG.replace("storage/none", "storage/slurmdbd")).unwrap().accounting);
    }

    #[test]
    fn an_answer_without_the_limit_is_no_answer() {
        assert!(matches!(of("Welcome\n"), Err(AdapterError::Unparsed(_))));
    }
}
