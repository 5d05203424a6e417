//! What the books of a cluster allow one user, and what is left of it.
//!
//! Asked for where accounting is on. What cannot be learnt is not known, and no error: a submission that is too large is
//! refused ([`AdapterError::TooMany`](crate::AdapterError::TooMany)), and tried again with fewer tasks.

use std::fmt;

use super::Site;
use super::limits::Limits;
use crate::command::{Call, Runner, Said};

/// A limit, and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// How many.
    pub most: u64,
    /// Where that is written, as in `MaxSubmitJobs of the account chem`.
    pub of: String,
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.most, self.of)
    }
}

/// What a user may have of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// The user's name.
    pub user: Option<String>,
    /// The accounts that the user may let pay, the default one first.
    pub accounts: Vec<String>,
    /// The account that pays, said or by default.
    pub account: Option<String>,
    /// The qualities of service that the user may ask for with that account.
    pub qualities: Vec<String>,
    /// The quality of service, said or by default.
    pub qos: Option<String>,
    /// Jobs that may wait and run at a time, an array element each.
    pub submit: Option<Cap>,
    /// Jobs that may run at a time.
    pub running: Option<Cap>,
    /// Jobs that the user has in the queue, where that was asked.
    pub queued: Option<u64>,
}

/// The columns of a user's associations.
const USER: &str =
    "DefaultAccount,Cluster,Account,Partition,QOS,DefaultQOS,MaxJobs,MaxSubmitJobs,GrpJobs,GrpSubmitJobs";
/// The columns of a quality of service.
const QOS: &str = "Name,MaxJobsPU,MaxSubmitJobsPU,GrpJobs,GrpSubmitJobs";

impl Allowance {
    /// Asks what the user of this process may have, for jobs as `site` asks for them. What is in the queue is asked for where
    /// there is a limit on it, or `anyway`.
    pub fn ask(runner: &mut dyn Runner, site: &Site, limits: &Limits, anyway: bool) -> Self {
        let mut hear = |argv: &[&str]| {
            let said = runner.run(&Call::new(argv.iter().copied())).ok();
            said.filter(Said::is_ok).map(|said| said.stdout).unwrap_or_default()
        };
        let user = hear(&["id", "-un"]).trim().to_owned();
        if user.is_empty() {
            return Self::default();
        }
        let mut found = Self { user: Some(user.clone()), ..Self::default() };
        if limits.accounting {
            let books = Books {
                associations: hear(&[
                    "sacctmgr",
                    "-nP",
                    "show",
                    "user",
                    "where",
                    &format!("name={user}"),
                    "withassoc",
                    &format!("format={USER}"),
                ]),
                qualities: hear(&["sacctmgr", "-nP", "show", "qos", &format!("format={QOS}")]),
                partitions: hear(&["scontrol", "--oneliner", "show", "partition"]),
            };
            found.read(&books, site, limits);
        }
        if anyway || found.submit.is_some() {
            let queue = hear(&["squeue", "--noheader", "--array", &format!("--user={user}"), "--format=%T"]);
            let jobs = queue.lines().filter(|line| !matches!(line.trim(), "" | "COMPLETING"));
            found.queued = Some(jobs.count() as u64);
        }
        found
    }

    /// Jobs that may still be submitted.
    pub fn room(&self) -> Option<u64> {
        let most = self.submit.as_ref()?.most;
        Some(most.saturating_sub(self.queued.unwrap_or(0)))
    }

    fn read(&mut self, books: &Books, site: &Site, limits: &Limits) {
        let rows: Vec<Vec<&str>> = books.associations.lines().map(|line| line.split('|').collect()).collect();
        let here = |row: &&Vec<&str>| row.len() == 10 && limits.cluster.as_deref().is_none_or(|name| row[1] == name);
        let default = rows.iter().find(here).map(|row| row[0].to_owned());
        let mut accounts: Vec<String> = rows.iter().filter(here).map(|row| row[2].to_owned()).collect();
        accounts.sort_by_key(|name| (Some(name) != default.as_ref(), name.clone()));
        accounts.dedup();
        self.accounts = accounts;
        self.account = site.account.as_ref().map(|word| word.as_str().to_owned()).or(default);
        // That of the partition, if there is one of its own, else the one for all.
        let partition = site.partition.as_ref().and_then(|word| word.as_str().split(',').next());
        let ours = |row: &&Vec<&str>| Some(row[2]) == self.account.as_deref();
        let of = |wanted: &str| rows.iter().filter(here).filter(ours).find(|row| row[3] == wanted);
        let Some(row) = partition.and_then(of).or_else(|| of("")) else { return };
        self.qualities = row[4].split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        self.qos = site.qos.as_ref().map(|word| word.as_str().to_owned());
        self.qos = self.qos.take().or_else(|| Some(row[5].to_owned()).filter(|name| !name.is_empty()));
        let whose = format!("the account {}", row[2]);
        let of_partition = partition_quality(&books.partitions, partition);
        let named = [of_partition, self.qos.clone()];
        let qualities: Vec<Vec<&str>> = books.qualities.lines().map(|line| line.split('|').collect()).collect();
        let found: Vec<(&Vec<&str>, String)> = named
            .iter()
            .flatten()
            .filter_map(|name| qualities.iter().find(|row| row.len() == 5 && row[0] == name))
            .map(|row| (row, format!("the QOS {}", row[0])))
            .collect();
        // SLURM takes what is said first: by the partition's QOS, the job's, the account.
        let first = |of_qos: usize, qos_name: &str, of_account: usize, name: &str| {
            let caps = found.iter().map(|(row, whose)| cap(row[of_qos], qos_name, whose));
            caps.chain([cap(row[of_account], name, &whose)]).flatten().next()
        };
        let tightest = |own: Option<Cap>, group: Option<Cap>| own.into_iter().chain(group).min_by_key(|cap| cap.most);
        self.submit = tightest(
            first(2, "MaxSubmitJobsPerUser", 7, "MaxSubmitJobs"),
            first(4, "GrpSubmitJobs", 9, "GrpSubmitJobs"),
        );
        self.running = tightest(first(1, "MaxJobsPerUser", 6, "MaxJobs"), first(3, "GrpJobs", 8, "GrpJobs"));
    }
}

/// What the commands answered.
struct Books {
    associations: String,
    qualities: String,
    partitions: String,
}

fn cap(cell: &str, name: &str, whose: &str) -> Option<Cap> {
    Some(Cap { most: cell.trim().parse().ok()?, of: format!("{name} of {whose}") })
}

/// The quality of service that jobs in `partition`, or in the default one, have beside their own.
fn partition_quality(partitions: &str, partition: Option<&str>) -> Option<String> {
    let value = |line: &str, key: &str| {
        line.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('=').map(str::to_owned))
    };
    let is_it = |line: &&str| match partition {
        Some(name) => value(line, "PartitionName").as_deref() == Some(name),
        None => value(line, "Default").as_deref() == Some("YES"),
    };
    partitions.lines().find(is_it).and_then(|line| value(line, "QoS")).filter(|name| name != "N/A")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Value;

    const ASSOCIATIONS: &str = "chem|testcluster|bio||normal|||50||\nchem|testcluster|chem||long,normal|normal|20|12||\n\
        chem|testcluster|chem|gpu|normal|normal||4||\nchem|other|chem||normal|||1||\n";
    const QUALITIES: &str = "normal||||\nlong|3|5||9\npart||7||\n";
    const PARTITIONS: &str =
        "PartitionName=batch Default=YES QoS=N/A State=UP\nPartitionName=big Default=NO QoS=part State=UP\n";

    fn of(site: &Site) -> Allowance {
        let limits = Limits { cluster: Some("testcluster".into()), accounting: true, ..Limits::default() };
        let books =
            Books { associations: ASSOCIATIONS.into(), qualities: QUALITIES.into(), partitions: PARTITIONS.into() };
        let mut found = Allowance::default();
        found.read(&books, site, &limits);
        found
    }

    fn site(partition: &str, account: &str, qos: &str) -> Site {
        Site { partition: Value::new(partition), account: Value::new(account), qos: Value::new(qos), ..Site::default() }
    }

    fn submit(site: &Site) -> Option<(u64, String)> {
        of(site).submit.map(|cap| (cap.most, cap.of))
    }

    #[test]
    fn what_counts_is_what_slurm_takes_the_partitions_qos_the_jobs_the_accounts() {
        let said = |most, of: &str| Some((most, of.to_owned()));
        assert_eq!(submit(&site("", "", "")), said(12, "MaxSubmitJobs of the account chem"));
        assert_eq!(submit(&site("gpu", "", "")), said(4, "MaxSubmitJobs of the account chem"));
        assert_eq!(submit(&site("", "bio", "")), said(50, "MaxSubmitJobs of the account bio"));
        assert_eq!(submit(&site("", "", "long")), said(5, "MaxSubmitJobsPerUser of the QOS long"));
        assert_eq!(submit(&site("big", "", "long")), said(7, "MaxSubmitJobsPerUser of the QOS part"));
        assert_eq!(submit(&site("", "nobody", "")), None);
    }

    #[test]
    fn a_users_accounts_are_known_the_default_one_first() {
        let found = of(&site("", "", ""));
        assert_eq!(
            (found.accounts, found.qualities),
            (vec!["chem".into(), "bio".into()], vec!["long".into(), "normal".into()])
        );
        assert_eq!((found.account.as_deref(), found.qos.as_deref()), (Some("chem"), Some("normal")));
        assert_eq!(found.running.map(|cap| cap.most), Some(20));
    }

    #[test]
    fn what_is_in_the_queue_takes_room() {
        let submit = Some(Cap { most: 12, of: String::new() });
        let with = |queued| Allowance { submit: submit.clone(), queued, ..Allowance::default() }.room();
        assert_eq!((with(Some(3)), with(Some(20)), with(None)), (Some(9), Some(0), Some(12)));
        assert_eq!(Allowance::default().room(), None);
    }
}
