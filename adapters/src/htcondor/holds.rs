//! The codes that HTCondor has for why a job is held, what each means, and what can be done about it.
//!
//! Source: the page "Hold Reason Codes" of HTCondor's manual and `condor_holdcodes.h`, from 23.0 to 25.13. A subcode has a line of its
//! own where it means another thing; most are numbers of the operating system's errors.

use crate::job::{Explained, TaskState};

/// What a hold is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Somebody's wish, or a rule of theirs.
    Wish,
    /// A failure of HTCondor, a node, a file system: the same again may go well.
    Failure,
    /// An end: the job's own description takes it out of the queue.
    End(TaskState),
}

/// Why a job is held.
#[derive(Debug)]
struct Hold {
    code: u64,
    /// None is any that has no line of its own.
    subcode: Option<u64>,
    kind: Kind,
    explained: Explained,
}

const fn hold(code: u64, kind: Kind, what: &'static str, hint: &'static str) -> Hold {
    Hold { code, subcode: None, kind, explained: Explained { what, hint } }
}

const fn sub(code: u64, subcode: u64, kind: Kind, what: &'static str, hint: &'static str) -> Hold {
    Hold { code, subcode: Some(subcode), kind, explained: Explained { what, hint } }
}

const RELEASE: &str = "`condor_release {task}` lets it go";
const MEND: &str = "`molsieve cancel`, mend `[scheduler]` in the campaign file, then `molsieve resume --config` it";
/// A failure is let go by whoever looks.
const GOES: &str = "the next look lets it go by itself; `condor_release {task}` does so now";
const PEOPLE: &str = "ask the people of the pool; `condor_release {task}` tries it again";
const LOOK: &str = "look at that node and at the path in the reason; the next look lets it go by itself, `condor_release {task}` does so now";
const GONE: &str = "look at the path in the reason: where that file is gone, letting the task go only holds it again; `molsieve cancel`, then \
                    `molsieve resume`, writes anew what is carried";
const NOT_OURS: &str = "molsieve asks for no such thing: `condor_q -better-analyze {task}` may tell whose it is";
const CLOUD: &str = "a job of a cloud, which molsieve never submits: `condor_q -long {task}` may tell whose it is";
const MEMORY: &str = "it ends by itself, and the next wave asks for more memory";
const TIME: &str = "it ends by itself, and goes on from its checkpoint";

use Kind::{End, Failure, Wish};

/// Every code, the subcodes of each first.
const HOLDS: &[Hold] = &[
    hold(0, Failure, "HTCondor held it and does not say why", PEOPLE),
    hold(1, Wish, "you, or somebody who may, held it with `condor_hold`", RELEASE),
    hold(2, Failure, "a gateway to another grid failed", NOT_OURS),
    hold(3, Wish, "a rule in its own description held it (`periodic_hold`, `on_exit_hold`)", RELEASE),
    hold(4, Failure, "its credentials, such as a proxy, are invalid", "renew them, then `condor_release {task}`"),
    hold(5, Wish, "a rule in its own description has no value", MEND),
    hold(6, Failure, "a node could not start its program", LOOK),
    hold(7, Failure, "the file for its output could not be opened", LOOK),
    hold(8, Failure, "its input file could not be opened", LOOK),
    hold(9, Failure, "the stream for its output could not be opened", LOOK),
    hold(10, Failure, "the stream of its input could not be opened", LOOK),
    hold(11, Failure, "the transfer of its files broke off", GOES),
    sub(12, 62, Failure, "its results could not be brought back in time", GOES),
    hold(12, Failure, "its results or its checkpoint could not be brought back", LOOK),
    sub(13, 62, Failure, "its files could not be brought to the node in time", GOES),
    sub(13, 2, Failure, "a file that is brought to the node is not there", GONE),
    hold(13, Failure, "its files could not be brought to the node", LOOK),
    hold(
        14,
        Failure,
        "the node cannot see its directory",
        "is the file system mounted there? the next look lets it go by itself, `condor_release {task}` does so now",
    ),
    hold(15, Wish, "it was submitted held", RELEASE),
    hold(16, Wish, "its files are being taken in", "it goes by itself when they are there"),
    hold(17, Failure, "the access point is of another version", PEOPLE),
    hold(18, Failure, "the transfer of its files was not agreed on", GOES),
    hold(19, Failure, "a hook of the node that prepares jobs failed", PEOPLE),
    hold(20, Failure, "it could not begin at the time that it was put off to", GOES),
    sub(21, 102, End(TaskState::OutOfMemory), "it took more memory than it asked for", MEMORY),
    sub(21, 104, Failure, "it took more disk space than it asked for", GOES),
    hold(
        21,
        Wish,
        "a rule of the node held it, for too much memory perhaps",
        "the reason says which; then `condor_release {task}`",
    ),
    hold(22, Failure, "its log cannot be written", "is the disk full, or over quota? then `condor_release {task}`"),
    hold(23, Failure, "the account that it runs as is not there", PEOPLE),
    hold(24, Failure, "there is no program that could watch it", PEOPLE),
    hold(25, Wish, "its times are none", NOT_OURS),
    hold(
        26,
        Wish,
        "a rule of the access point held it",
        "the people of the pool made it: the reason says what it wants",
    ),
    hold(27, Wish, "a rule of the access point has no value", PEOPLE),
    hold(28, Failure, "its directory could not be given to it", PEOPLE),
    hold(29, Failure, "its directory could not be given to it", PEOPLE),
    hold(30, Failure, "its directory could not be taken back", PEOPLE),
    hold(31, Failure, "its directory could not be taken back", PEOPLE),
    hold(
        32,
        Wish,
        "its input is larger than the pool transfers",
        "make `shards.records` smaller, in a campaign of its own",
    ),
    hold(
        33,
        Wish,
        "its results are larger than the pool transfers",
        "make `shards.records` smaller, in a campaign of its own",
    ),
    sub(34, 102, End(TaskState::OutOfMemory), "it took more memory than it asked for", MEMORY),
    sub(34, 104, Failure, "it took more disk space than it asked for", GOES),
    hold(
        34,
        Failure,
        "it took more of something than it asked for",
        "the reason says of what; then `condor_release {task}`",
    ),
    hold(35, Wish, "its container image is none", MEND),
    hold(
        36,
        Failure,
        "it failed when it was told to make a checkpoint",
        "`molsieve logs`, then `condor_release {task}`",
    ),
    sub(37, 1, Wish, "a cloud wants a public key", CLOUD),
    sub(37, 2, Wish, "a cloud wants a private key", CLOUD),
    sub(37, 4, Wish, "a cloud has no address", CLOUD),
    sub(37, 9, Wish, "a cloud does not know you", CLOUD),
    sub(37, 10, Wish, "a cloud does not take your key", CLOUD),
    sub(37, 20, Wish, "the request to a cloud was cancelled", CLOUD),
    hold(37, Wish, "a cloud refused", CLOUD),
    sub(38, 3, Failure, "its kind of cloud is another", CLOUD),
    sub(38, 5, Failure, "its kind of cloud is not said", CLOUD),
    sub(38, 7, Failure, "its name in the cloud is another's", CLOUD),
    sub(38, 21, Failure, "a cloud gave a state that is none", CLOUD),
    hold(38, Failure, "the binding to a cloud failed", CLOUD),
    sub(39, 6, Failure, "the pool has no program for a cloud", CLOUD),
    hold(39, Failure, "the pool's settings of a cloud are wrong", CLOUD),
    sub(40, 11, Failure, "a cloud did not answer when a key was made", CLOUD),
    sub(40, 12, Failure, "a cloud did not answer when a machine was started", CLOUD),
    sub(40, 17, Failure, "a cloud did not answer when a spot machine was started", CLOUD),
    hold(40, Failure, "a cloud did not answer", CLOUD),
    sub(41, 13, Failure, "a machine of a cloud ended for an odd reason", CLOUD),
    sub(41, 14, Failure, "a machine of a cloud ended for a reason that is not known", CLOUD),
    sub(41, 22, Failure, "a machine of a cloud was down for too long", CLOUD),
    hold(41, Failure, "a cloud failed", CLOUD),
    sub(42, 15, Failure, "a cloud did not answer when a machine was ended", CLOUD),
    sub(42, 16, Failure, "a machine of a cloud could not be ended", CLOUD),
    sub(42, 17, Failure, "a cloud did not answer when a spot request was ended", CLOUD),
    sub(42, 18, Failure, "a spot request could not be ended", CLOUD),
    sub(42, 19, Failure, "a spot request was gone before it had a machine", CLOUD),
    hold(42, Failure, "a machine of a cloud may be lost", CLOUD),
    hold(43, Failure, "what runs before it failed", PEOPLE),
    hold(44, Failure, "what runs after it failed", PEOPLE),
    hold(45, Failure, "the node could not start a container", LOOK),
    hold(46, End(TaskState::TimedOut), "it took longer than it may, in all", TIME),
    hold(47, End(TaskState::TimedOut), "it took longer than it may", TIME),
    hold(48, Failure, "a hook of the access point that prepares jobs failed", PEOPLE),
];

/// What the own description of a task takes out of the queue: a hold that is an end, by HTCondor's expression. See [`end`].
pub const ENDS: &str = "JobStatus == 5 && (HoldReasonCode == 46 || HoldReasonCode == 47 || ((HoldReasonCode == 21 || HoldReasonCode == 34) && HoldReasonSubCode == 102))";

fn find(code: u64, subcode: u64) -> Option<&'static Hold> {
    let of_code = || HOLDS.iter().filter(move |hold| hold.code == code);
    of_code().find(|hold| hold.subcode == Some(subcode)).or_else(|| of_code().find(|hold| hold.subcode.is_none()))
}

/// The end that a hold is; none if it is none.
pub fn end(code: u64, subcode: u64) -> Option<TaskState> {
    match find(code, subcode)?.kind {
        End(state) => Some(state),
        Wish | Failure => None,
    }
}

/// What a report says of a hold: its numbers, then HTCondor's own words.
pub fn reason(code: u64, subcode: u64, words: &str) -> String {
    let words: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    format!("hold {code}.{subcode}: {}", words.trim()).trim_end_matches([':', ' ']).to_owned()
}

/// The numbers of [`reason`].
fn numbers(reason: &str) -> Option<(u64, u64)> {
    let numbers = reason.strip_prefix("hold ")?;
    let (code, subcode) = numbers.split([':', ' ']).next()?.split_once('.')?;
    Some((code.parse().ok()?, subcode.parse().ok()?))
}

/// Whether HTCondor, a node or a file system held what waits for `reason`, and nobody wished it.
pub fn is_own(reason: &str) -> bool {
    let found = numbers(reason).and_then(|(code, subcode)| find(code, subcode));
    found.is_some_and(|hold| hold.kind == Failure)
}

/// What a hold means, and what to do about it.
pub fn explain(reason: &str) -> Option<Explained> {
    let (code, subcode) = numbers(reason)?;
    find(code, subcode).map(|hold| hold.explained)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The subcodes that the manual gives a meaning of their own, by code.
    const SUBCODES: &[(u64, &[u64])] = &[
        (12, &[62]),
        (13, &[2, 62]),
        (34, &[102, 104]),
        (37, &[1, 2, 4, 9, 10, 20]),
        (38, &[3, 5, 7, 21]),
        (39, &[6]),
        (40, &[11, 12, 17]),
        (41, &[13, 14, 22]),
        (42, &[15, 16, 17, 18, 19]),
    ];

    #[test]
    fn every_code_that_htcondor_documents_has_one_line_and_every_subcode_too() {
        for code in 0..=48 {
            let lines = HOLDS.iter().filter(|hold| hold.code == code && hold.subcode.is_none());
            assert_eq!(lines.count(), 1, "{code}");
        }
        for (code, subcodes) in SUBCODES {
            for subcode in *subcodes {
                let lines = HOLDS.iter().filter(|hold| hold.code == *code && hold.subcode == Some(*subcode));
                assert_eq!(lines.count(), 1, "{code}.{subcode}");
            }
        }
    }

    #[test]
    fn every_line_says_what_it_is_and_what_to_do() {
        for hold in HOLDS {
            assert!(!hold.explained.what.is_empty() && !hold.explained.hint.is_empty(), "{hold:?}");
        }
    }

    #[test]
    fn what_people_hold_is_theirs_and_what_failed_may_be_let_go() {
        let of = |code, subcode| reason(code, subcode, "words");
        for own in [of(6, 2), of(12, 2), of(13, 62), of(14, 13), of(34, 104)] {
            assert!(is_own(&own), "{own}");
        }
        for other in [
            of(1, 0),
            of(3, 0),
            of(15, 0),
            of(26, 7),
            of(47, 0),
            of(21, 102),
            of(999, 0),
            "hold x".into(),
            String::new(),
        ] {
            assert!(!is_own(&other), "{other}");
        }
    }

    #[test]
    fn a_file_that_is_gone_is_not_called_a_nodes_fault_and_what_a_look_lets_go_says_so() {
        let of = |code, subcode| explain(&reason(code, subcode, "words")).unwrap();
        assert!(of(13, 2).hint.contains("`molsieve resume`") && !of(13, 2).hint.contains("that node"));
        for (code, subcode) in [(6, 2), (11, 0), (13, 13), (14, 2), (34, 104)] {
            assert!(of(code, subcode).hint.contains("the next look"), "{code}.{subcode}: {:?}", of(code, subcode));
        }
    }

    #[test]
    fn a_hold_for_time_or_memory_is_an_end() {
        assert_eq!(end(47, 0), Some(TaskState::TimedOut));
        assert_eq!([end(34, 102), end(21, 102)], [Some(TaskState::OutOfMemory); 2]);
        assert_eq!([end(34, 104), end(1, 0), end(999, 0)], [None; 3]);
        for hold in HOLDS.iter().filter(|hold| matches!(hold.kind, End(_))) {
            assert!(ENDS.contains(&format!("HoldReasonCode == {}", hold.code)), "{hold:?}");
        }
    }

    #[test]
    fn what_htcondor_writes_of_a_hold_is_one_short_line() {
        let long = reason(13, 2, &format!("Transfer input files failure\n{}", "x".repeat(500)));
        assert!(long.starts_with("hold 13.2: Transfer input files failure xxx") && long.len() < 230, "{long}");
        assert!(explain(&long).unwrap().what.contains("brought to the node"));
        assert_eq!(reason(1, 0, ""), "hold 1.0");
        assert_eq!(explain("NotSubmitted"), None);
    }
}
