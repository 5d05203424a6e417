//! A task of HTCondor's from within: what its own description says, and its way back into the queue, which is an exit code.

use std::fs;
use std::io::Read;

use super::describe::AGAIN;
use super::emit::FINAL;
use crate::adapter::AdapterError;
use crate::clock;
use crate::inside::Inside;
use crate::text::Value;

/// No description of a job is longer, in bytes.
const AD_MAX: u64 = 1 << 20;

/// This process as HTCondor's.
#[derive(Debug)]
pub struct Running {
    name: String,
    node: Option<String>,
    restarts: u64,
    ends_at_s: Option<u64>,
}

impl Running {
    /// What `variable` says of this process; none if it is not HTCondor's.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let job = Ad::read(&variable("_CONDOR_JOB_AD")?)?;
        let machine = variable("_CONDOR_MACHINE_AD").and_then(|path| Ad::read(&path));
        Self::with(&job, machine.as_ref(), began_s())
    }

    /// Of the description `job` of it and `machine` of its node; it began at `began_s`.
    fn with(job: &Ad, machine: Option<&Ad>, began_s: Option<u64>) -> Option<Self> {
        let (cluster, process) = (job.number("ClusterId")?, job.number("ProcId")?);
        let name = match job.number("DAGManJobId") {
            Some(dag) if job.text("DAGNodeName") == Some(FINAL) => format!("{dag}/{FINAL}"),
            None if job.number("JobUniverse") == Some(LOCAL) => cluster.to_string(),
            _ => format!("{cluster}.{process}"),
        };
        let node =
            machine.and_then(|ad| ad.text("Machine")).filter(|node| Value::new(node).is_some()).map(str::to_owned);
        // Its starts are counted before it is told of them, where it runs on a node.
        let starts = job.number("NumJobStarts").unwrap_or(0) + job.number("MolsieveTry").unwrap_or(0);
        let limit = job.number("AllowedExecuteDuration").or_else(|| job.number("AllowedJobDuration"));
        let ends_at_s = began_s.zip(limit).map(|(began, limit)| began.saturating_add(limit));
        Some(Self { name, node, restarts: starts, ends_at_s })
    }
}

/// The universe of what runs on the access point.
const LOCAL: u64 = 12;

impl Inside for Running {
    fn name(&self) -> &str {
        &self.name
    }

    fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    fn restarts(&self) -> u64 {
        self.restarts
    }

    fn ends_at_s(&self) -> Option<u64> {
        self.ends_at_s
    }

    fn ask_end_s(&mut self) -> Option<u64> {
        None
    }

    fn requeue(&mut self) -> Result<(), AdapterError> {
        Ok(())
    }

    fn requeue_exit(&self) -> Option<u8> {
        Some(AGAIN)
    }
}

/// A description: a line an attribute.
#[derive(Debug)]
struct Ad(String);

impl Ad {
    fn read(path: &str) -> Option<Self> {
        let mut text = String::new();
        fs::File::open(path).ok()?.take(AD_MAX).read_to_string(&mut text).ok()?;
        Some(Self(text))
    }

    fn value(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(own, _)| own.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.value(name)?.parse().ok()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.value(name)?.strip_prefix('"')?.strip_suffix('"')
    }
}

/// When this process began, in seconds since the Unix epoch: HTCondor counts its time from there, anew after each checkpoint.
fn began_s() -> Option<u64> {
    /// The unit of the times of processes.
    const TICKS_PER_S: u64 = 100;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let ticks: u64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let up_s: u64 = uptime.split('.').next()?.parse().ok()?;
    clock::since_epoch().as_secs().checked_sub(up_s.saturating_sub(ticks / TICKS_PER_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ad(text: &str) -> Ad {
        Ad(text.to_owned())
    }

    const TASK: &str = "ClusterId = 17\nProcId = 0\nJobUniverse = 5\nDAGManJobId = 12\nDAGNodeName = \"t3\"\n\
        NumJobStarts = 1\nMolsieveTry = 1\nAllowedExecuteDuration = 3600\nEnv = \"A=B\"\n";

    #[test]
    fn a_task_knows_itself_by_its_description() {
        let node = ad("Machine = \"n1.example.org\"\nCpus = 8\n");
        let mut own = Running::with(&ad(TASK), Some(&node), Some(1_800_000_000)).unwrap();
        assert_eq!((own.name(), own.node(), own.restarts()), ("17.0", Some("n1.example.org"), 2));
        assert_eq!((own.ends_at_s(), own.ask_end_s()), (Some(1_800_003_600), None));
        assert_eq!((own.requeue(), own.requeue_exit()), (Ok(()), Some(85)));
    }

    #[test]
    fn what_goes_on_with_a_campaign_is_called_as_it_is_asked_about() {
        let last = TASK.replace("\"t3\"", "\"final\"");
        assert_eq!(Running::with(&ad(&last), None, None).unwrap().name(), "12/final");
        let look = "ClusterId = 18\nProcId = 0\nJobUniverse = 12\n";
        assert_eq!(Running::with(&ad(look), None, None).unwrap().name(), "18");
    }

    #[test]
    fn what_is_no_description_of_a_job_is_none() {
        assert!(Running::with(&ad("ClusterId = x\nProcId = 0\n"), None, None).is_none());
        assert!(Running::of(|_| None).is_none());
        assert!(Running::of(|_| Some("/nonexistent".into())).is_none());
        let odd = ad("Machine = \"n 1\"\n");
        assert_eq!(Running::with(&ad(TASK), Some(&odd), None).unwrap().node(), None);
    }

    #[test]
    fn a_process_knows_about_when_it_began() {
        let now = clock::since_epoch().as_secs();
        assert!(began_s().is_some_and(|began| began <= now + 2 && began + 7 * 86_400 > now));
    }
}
