//! The words that SLURM has for why a job waits, what each means, and what can be done about it.
//!
//! Source: the page "Job Reason Codes" of SLURM's documentation and the section of that name in squeue(1), from 18.08 to
//! 25.05. The first line that fits counts; a star stands for anything.

use crate::job::Explained;

/// Why a job waits.
#[derive(Debug)]
struct Reason {
    /// SLURM's word.
    code: &'static str,
    /// Whether it will not start until somebody does something.
    holds: bool,
    explained: Explained,
}

const fn held(code: &'static str, what: &'static str, hint: &'static str) -> Reason {
    Reason { code, holds: true, explained: Explained { what, hint } }
}

const fn waits(code: &'static str, what: &'static str, hint: &'static str) -> Reason {
    Reason { code, holds: false, explained: Explained { what, hint } }
}

const ASK_FOR_LESS: &str = "`molsieve cancel`, then `molsieve resume` with less";
const OTHER_WORD: &str =
    "`molsieve cancel`, mend `[scheduler]` in the campaign file, then `molsieve resume --config` it";
const RELEASE: &str = "`scontrol release {task}` lets it go";
const PEOPLE: &str = "ask the people of the cluster";
const BY_ITSELF: &str = "it starts by itself";
const WHEN_OTHERS_END: &str = "it starts when others of yours have ended";
const BUDGET: &str = "`sshare` or `sreport` says how much is left; another `scheduler.account` may have more";

/// Every reason for which a job waits, those that wait for somebody first.
const REASONS: &[Reason] = &[
    // Somebody has to do something.
    held("JobHeldUser", "you, or somebody with your name, held it", RELEASE),
    held(
        "JobHeldAdmin",
        "an administrator held it",
        "ask the people of the cluster why; they release it with `scontrol release {task}`",
    ),
    held(
        "JobHoldMaxRequeue",
        "it was put back into the queue too often",
        "look at `molsieve logs`, then `scontrol release {task}`",
    ),
    held("job_requeued_in_held_state", "it was put back into the queue, and held", RELEASE),
    held(
        "launch_failed_requeued_held",
        "a node could not start it",
        "look at that node, then `scontrol release {task}`",
    ),
    held("JobLaunchFailure", "a node could not start it", "look at that node, then `scontrol release {task}`"),
    held("user_env_retrieval_failed_requeued_held", "your environment could not be read on the node", RELEASE),
    held(
        "DependencyNeverSatisfied",
        "what it waits for will never end as it should",
        "`scancel {job}`; `molsieve tick` goes on",
    ),
    held("BadConstraints", "no node has what `scheduler.constraint` asks for", OTHER_WORD),
    held("ReservationDeleted", "its reservation is gone", OTHER_WORD),
    held("InvalidAccount", "the account does not exist, or is not yours", OTHER_WORD),
    held("AccountNotAllowed", "the partition does not take this account", OTHER_WORD),
    held("InvalidQOS", "the QOS does not exist, or is not yours", OTHER_WORD),
    held("QOSNotAllowed", "the partition does not take this QOS", OTHER_WORD),
    held(
        "PartitionTimeLimit",
        "it asks for more time than the partition gives",
        "`molsieve cancel`, then `molsieve resume --walltime` with less",
    ),
    held(
        "PartitionNodeLimit",
        "it asks for more or fewer nodes than the partition gives, or they are down",
        OTHER_WORD,
    ),
    held("PartitionConfig", "it asks for what the partition does not give", OTHER_WORD),
    held("PartitionDown", "the partition starts nothing", "`sinfo` shows others; or wait until it is up again"),
    held(
        "PartitionInactive",
        "the partition takes and starts nothing",
        "`sinfo` shows others; or wait until it is up again",
    ),
    held(
        "MaxMemPerLimit",
        "it asks for more memory than a core or a node may have",
        "`molsieve cancel`, then `molsieve resume --memory` with less",
    ),
    held(
        "*MaxWallDurationPerJobLimit",
        "it asks for more time than a job of yours may have",
        "`molsieve cancel`, then `molsieve resume --walltime` with less",
    ),
    held(
        "*MaxMem*PerJob",
        "it asks for more memory than a job of yours may have",
        "`molsieve cancel`, then `molsieve resume --memory` with less",
    ),
    held(
        "*MaxCpuPerJobLimit",
        "it asks for more cores than a job of yours may have",
        "`molsieve cancel`, then `molsieve resume --cpus` with less",
    ),
    held("AssocMax*PerJob*", "it asks for more than a job of your account may have", ASK_FOR_LESS),
    held("AssocMax*PerNode", "it asks for more of a node than your account may have", ASK_FOR_LESS),
    held("QOSMax*PerJob*", "it asks for more than a job of this QOS may have", ASK_FOR_LESS),
    held("QOSMax*PerNode", "it asks for more of a node than this QOS may have", ASK_FOR_LESS),
    held("QOSMin*", "it asks for less than a job of this QOS must have", OTHER_WORD),
    held("BurstBufferOperation", "its burst buffer could not be set up", PEOPLE),
    // It goes by itself, sooner or later.
    waits("Priority", "others come first", BY_ITSELF),
    waits("Resources", "it is next, when enough is free", BY_ITSELF),
    waits("None", "it was not looked at yet", BY_ITSELF),
    waits("WaitingForScheduling", "it was not looked at yet", BY_ITSELF),
    waits("JobArrayTaskLimit", "as many of its array run as `scheduler.running` allows", WHEN_OTHERS_END),
    waits("Dependency", "it follows another job", "it starts when that one has ended"),
    waits(
        "BeginTime",
        "it was put back into the queue a moment ago, or asked to begin later",
        "it starts by itself, after two minutes mostly",
    ),
    waits("Cleaning", "the node still cleans up after its last run", BY_ITSELF),
    waits("Prolog", "the node is being made ready", BY_ITSELF),
    waits(
        "Licenses",
        "no licence is free",
        "it starts when somebody gives one back; `scontrol show licenses` says who has them",
    ),
    waits("Reservation", "its reservation has not begun", BY_ITSELF),
    waits(
        "ReqNodeNotAvail",
        "nodes that it needs are down, drained or reserved, for a maintenance perhaps",
        "`sinfo -R` and `scontrol show reservation` say why; less `walltime` may fit in before",
    ),
    waits("NodeDown", "a node that it needs is down", "`sinfo -R` says why"),
    waits("FrontEndDown", "the cluster's front end is down", PEOPLE),
    waits("AssocGrp*Minutes*", "the core time of the account is used up", BUDGET),
    waits("QOSGrp*Minutes*", "the core time of this QOS is used up", BUDGET),
    waits("QOSUsageThreshold", "the account has used more than this QOS allows", BUDGET),
    waits("AssociationTimeLimit", "the core time of the account is used up", BUDGET),
    waits("QOSTimeLimit", "the core time of this QOS is used up", BUDGET),
    waits(
        "AssocGrp*",
        "all of your account together run as much as they may",
        "it starts when others of the account have ended",
    ),
    waits("QOSGrp*", "all of this QOS together run as much as they may", "it starts when others of the QOS have ended"),
    waits("QOSMaxJobsPerUserLimit", "as many jobs of yours run as this QOS allows a user", WHEN_OTHERS_END),
    waits("QOSMax*PerUser*", "you run as much as this QOS allows a user", WHEN_OTHERS_END),
    waits("QOSMaxSubmit*", "you have as many jobs in the queue as this QOS allows", WHEN_OTHERS_END),
    waits("AssocMaxJobsLimit", "as many jobs of yours run as your account allows", WHEN_OTHERS_END),
    waits("AssocMaxSubmit*", "you have as many jobs in the queue as your account allows", WHEN_OTHERS_END),
    waits("Max*PerAccount", "your account runs as much as it may", "it starts when others of the account have ended"),
    waits("AssociationJobLimit", "as many jobs of yours run as your account allows", WHEN_OTHERS_END),
    waits(
        "AssociationResourceLimit",
        "your account runs as much as it may",
        "it starts when others of the account have ended",
    ),
    waits("QOSJobLimit", "as many jobs run as this QOS allows", WHEN_OTHERS_END),
    waits("QOSResourceLimit", "this QOS runs as much as it may", "it starts when others of the QOS have ended"),
    waits("AccountingPolicy", "a limit of your account or QOS", BUDGET),
    waits("BurstBuffer*", "its burst buffer is not ready", BY_ITSELF),
    waits("Power*", "the cluster saves power", BY_ITSELF),
    waits("FedJobLock", "the clusters of the federation settle who takes it", BY_ITSELF),
    waits("InactiveLimit", "the cluster took it for idle", PEOPLE),
    waits("SystemFailure", "SLURM, a file system or the network failed", PEOPLE),
];

/// Whether a job that waits for `reason` waits for somebody.
pub fn holds(reason: &str) -> bool {
    find(reason).is_some_and(|reason| reason.holds)
}

/// What waiting for `reason` means, and what to do about it.
pub fn explain(reason: &str) -> Option<Explained> {
    find(reason).map(|reason| reason.explained)
}

/// The words by which SLURM says that it held a job itself, after a launch that failed. `JobHeldUser`, `JobHeldAdmin` and
/// `job_requeued_in_held_state` are not among them: the last is what `scontrol requeuehold` leaves, and an exit code that the
/// people of the cluster want held.
const OWN_HOLDS: &[&str] = &[
    "launch_failed_requeued_held",
    "JobLaunchFailure",
    "user_env_retrieval_failed_requeued_held",
    "JobHoldMaxRequeue",
];

/// Whether SLURM holds what waits for `reason` by itself, and by nobody's wish.
pub fn is_own_hold(reason: &str) -> bool {
    find(reason).is_some_and(|reason| OWN_HOLDS.contains(&reason.code))
}

fn find(text: &str) -> Option<&'static Reason> {
    // "(launch failed requeued held)", "ReqNodeNotAvail, UnavailableNodes:n7", "ReqNodeNotAvail(Unavailable:n7)"
    let text = text.trim_matches(['(', ')']);
    let word = text.split([',', '(', ':']).next().unwrap_or("").trim().replace(' ', "_");
    REASONS.iter().find(|reason| fits(reason.code, &word))
}

/// Whether `word` is `pattern`, in which stars stand for anything.
fn fits(pattern: &str, word: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == word };
    let Some(rest) = word.strip_prefix(before) else { return false };
    (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| fits(after, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of SLURM 22.05 and later that a job in the queue can have.
    const DOCUMENTED: &str = "AccountNotAllowed AccountingPolicy AssocGrpBB AssocGrpBBMinutes AssocGrpBillingRunMinutes \
        AssocGrpCPUMinutesLimit AssocGrpCPURunMinutesLimit AssocGrpCpuLimit AssocGrpGRES AssocGrpJobsLimit AssocGrpMemLimit \
        AssocGrpNodeLimit AssocGrpSubmitJobsLimit AssocGrpWallLimit AssocMaxBBPerNode AssocMaxCpuMinutesPerJobLimit \
        AssocMaxCpuPerJobLimit AssocMaxCpuPerNode AssocMaxJobsLimit AssocMaxMemPerJob AssocMaxNodePerJobLimit \
        AssocMaxSubmitJobLimit AssocMaxWallDurationPerJobLimit AssociationJobLimit AssociationResourceLimit \
        AssociationTimeLimit BadConstraints BeginTime BurstBufferOperation BurstBufferResources BurstBufferStageIn Cleaning \
        Dependency DependencyNeverSatisfied FedJobLock FrontEndDown InactiveLimit InvalidAccount InvalidQOS \
        JobArrayTaskLimit JobHeldAdmin JobHeldUser JobHoldMaxRequeue JobLaunchFailure Licenses MaxCpuPerAccount \
        MaxJobsPerAccount MaxMemPerLimit NodeDown None PartitionConfig PartitionDown PartitionInactive PartitionNodeLimit \
        PartitionTimeLimit PowerNotAvail PowerReserved Priority Prolog QOSGrpCPUMinutesLimit QOSGrpCpuLimit QOSGrpJobsLimit \
        QOSGrpNodeLimit QOSJobLimit QOSMaxCpuPerJobLimit QOSMaxCpuPerNode QOSMaxCpuPerUserLimit QOSMaxGRESPerUser \
        QOSMaxJobsPerUserLimit QOSMaxMemoryPerJob QOSMaxMemoryPerUser QOSMaxSubmitJobPerUserLimit \
        QOSMaxWallDurationPerJobLimit QOSMinCpuNotSatisfied QOSMinMemory QOSNotAllowed QOSResourceLimit QOSTimeLimit \
        QOSUsageThreshold ReqNodeNotAvail Reservation ReservationDeleted Resources SystemFailure";

    #[test]
    fn every_word_that_slurm_documents_is_explained() {
        for word in DOCUMENTED.split_whitespace() {
            assert!(find(word).is_some(), "{word}");
        }
    }

    #[test]
    fn no_line_is_hidden_by_one_before_it() {
        for (at, reason) in REASONS.iter().enumerate() {
            let example = reason.code.replace('*', "X");
            let first = REASONS.iter().position(|other| fits(other.code, &example));
            assert_eq!(first, Some(at), "{}", reason.code);
        }
    }

    #[test]
    fn what_waits_for_somebody_says_what_they_can_do() {
        for reason in REASONS {
            assert!(!reason.explained.what.is_empty() && !reason.explained.hint.is_empty(), "{}", reason.code);
            assert!(!reason.holds || reason.explained.hint != BY_ITSELF, "{}", reason.code);
        }
        assert!(holds("JobHeldUser") && holds("launch failed requeued held") && holds("QOSMaxMemoryPerJob"));
        assert!(!holds("AssocGrpCPUMinutesLimit") && !holds("QOSMaxCpuPerUserLimit") && !holds("NeverHeardOf"));
    }

    #[test]
    fn only_what_slurm_held_by_itself_may_be_released() {
        for own in ["(launch failed requeued held)", "launch failed requeued held", "JobHoldMaxRequeue"] {
            assert!(is_own_hold(own), "{own}");
        }
        assert!(is_own_hold("user env retrieval failed requeued held"));
        for wish in ["JobHeldUser", "JobHeldAdmin", "job requeued in held state", "BadConstraints", "Priority", ""] {
            assert!(!is_own_hold(wish), "{wish}");
        }
        assert!(OWN_HOLDS.iter().all(|own| holds(own)), "what is released is held");
    }

    #[test]
    fn a_reason_with_names_of_nodes_is_found_by_its_word() {
        for text in ["ReqNodeNotAvail, UnavailableNodes:n7", "(ReqNodeNotAvail(Unavailable:n7))", "ReqNodeNotAvail"] {
            assert!(explain(text).unwrap().what.contains("maintenance"), "{text}");
        }
        assert_eq!(explain(""), None);
        assert_eq!(explain("Frobnicated"), None);
    }
}
