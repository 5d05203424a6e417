//! The rows of `condor_q` and `condor_history`: a job a line, a column an attribute, each as a `ClassAd` literal.
//!
//! Strings are in double quotes, with a backslash before what would end them or the line, so that a row is a line and a cell ends at
//! a tab whatever somebody wrote into an attribute.

use crate::adapter::AdapterError;
use crate::command::{Call, Said};

/// What each row begins with, so that a banner is none.
const MARK: &str = "molsieve-row";

/// What is asked for of every job, in the order of [`Row`]'s fields.
const COLUMNS: [&str; 25] = [
    "\"molsieve-row\"",
    "ClusterId",
    "ProcId",
    "JobUniverse",
    "JobStatus",
    "MolsieveTag",
    "MolsieveFinalTag",
    "MolsieveTask",
    "MolsieveTasks",
    "MolsieveTry",
    "MolsieveRetries",
    "MolsieveUnless",
    "DAGManJobId",
    "DAGNodeName",
    "ExitBySignal",
    "ExitCode",
    // What is taken out of the queue while it is held keeps the reason under another name.
    "ifThenElse(JobStatus == 3 && LastJobStatus == 5,LastHoldReasonCode,HoldReasonCode)",
    "ifThenElse(JobStatus == 3 && LastJobStatus == 5,LastHoldReasonSubCode,HoldReasonSubCode)",
    "RemoteHost",
    "LastRemoteHost",
    "JobCurrentStartDate",
    // For how long it has been as it is, and when it is to begin: by the clock of the machine that is asked.
    "time() - EnteredCurrentStatus",
    "QDate + MolsieveAfter",
    // Free text is cut where it is asked for.
    "substr(HoldReason ?: \"\",0,300)",
    "\"end\"",
];

/// No cell is longer: what is longer is none of ours.
const CELL_MAX: usize = 4096;

/// A job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub cluster: u64,
    pub proc: u64,
    pub universe: u64,
    pub status: u64,
    pub tag: Option<String>,
    pub final_tag: Option<String>,
    pub task: Option<u64>,
    pub tasks: Option<u64>,
    pub attempt: Option<u64>,
    pub retries: Option<u64>,
    pub unless: Option<i32>,
    pub dag: Option<u64>,
    pub node_name: Option<String>,
    pub by_signal: Option<bool>,
    pub exit: Option<i32>,
    pub hold: Option<u64>,
    pub subcode: Option<u64>,
    pub host: Option<String>,
    pub start_s: Option<u64>,
    pub still_s: Option<u64>,
    pub begins_s: Option<u64>,
    pub hold_words: String,
}

impl Row {
    /// Whether it is a DAG's own job.
    pub fn is_dag(&self) -> bool {
        /// The universe of what runs beside the queue itself.
        const SCHEDULER: u64 = 7;
        self.universe == SCHEDULER
    }
}

/// Asks `program` (`condor_q` or `condor_history`) for the jobs of which `constraint` is true.
pub fn ask(program: &str, constraint: &str) -> Call {
    let argv = [program, "-constraint", constraint, "-af:tV"].into_iter().chain(COLUMNS);
    Call::new(argv)
}

/// The rows of an answer; what is no row is a banner or a warning.
///
/// # Errors
/// It ends within a row ([`AdapterError::Unparsed`]).
pub fn read(said: &Said) -> Result<Vec<Row>, AdapterError> {
    let mut rows = Vec::new();
    for line in said.stdout.lines() {
        let mark = line.trim_start().strip_prefix('"').is_some_and(|rest| rest.starts_with(MARK));
        if !mark {
            continue;
        }
        let cut = || AdapterError::Unparsed(format!("HTCondor answered with part of a line: `{}`", brief(line)));
        rows.push(row(line).ok_or_else(cut)?);
    }
    if !rows.is_empty() && !said.stdout.ends_with('\n') {
        return Err(AdapterError::Unparsed("HTCondor's answer ends within a line".to_owned()));
    }
    Ok(rows)
}

fn brief(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(120).collect()
}

fn row(line: &str) -> Option<Row> {
    let cells: Vec<Cell> = line.split('\t').map(Cell::read).collect::<Option<_>>()?;
    let cells: [Cell; COLUMNS.len()] = cells.try_into().ok()?;
    let [_, cluster, process, universe, status, tag, final_tag, task, tasks, attempt, retries, unless, rest @ ..] =
        cells;
    let [dag, node_name, by_signal, exit, hold, subcode, host, last_host, start, still, begins, hold_words, end] = rest;
    (end.text()? == "end").then_some(())?;
    Some(Row {
        cluster: cluster.number()?,
        proc: process.number()?,
        universe: universe.number()?,
        status: status.number()?,
        tag: tag.text(),
        final_tag: final_tag.text(),
        task: task.number(),
        tasks: tasks.number(),
        attempt: attempt.number(),
        retries: retries.number(),
        unless: unless.number(),
        dag: dag.number(),
        node_name: node_name.text(),
        by_signal: by_signal.truth(),
        exit: exit.number(),
        hold: hold.number(),
        subcode: subcode.number(),
        host: host.text().or_else(|| last_host.text()).and_then(|host| node(&host)),
        start_s: start.number(),
        still_s: still.number(),
        begins_s: begins.number(),
        hold_words: hold_words.text().unwrap_or_default(),
    })
}

/// The node of `slot1_1@node`.
fn node(host: &str) -> Option<String> {
    let name = host.rsplit('@').next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    ((1..=256).contains(&name.len()) && name.chars().all(plain)).then(|| name.to_owned())
}

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cell {
    /// It has no value.
    Undefined,
    Number(i64),
    Truth(bool),
    Text(String),
}

impl Cell {
    /// Reads one; none if it is none.
    fn read(cell: &str) -> Option<Self> {
        let cell = cell.trim();
        if cell.len() > CELL_MAX {
            return None;
        }
        match cell {
            "undefined" | "error" => return Some(Self::Undefined),
            "true" => return Some(Self::Truth(true)),
            "false" => return Some(Self::Truth(false)),
            _ => {}
        }
        if let Ok(number) = cell.parse() {
            return Some(Self::Number(number));
        }
        if cell.parse::<f64>().is_ok() {
            return Some(Self::Undefined);
        }
        unquoted(cell).map(Self::Text)
    }

    fn number<T: TryFrom<i64>>(&self) -> Option<T> {
        match self {
            Self::Number(number) => T::try_from(*number).ok(),
            _ => None,
        }
    }

    const fn truth(&self) -> Option<bool> {
        match self {
            Self::Truth(truth) => Some(*truth),
            _ => None,
        }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// The content of `"…"`; none if the quotes are not where they must be.
fn unquoted(cell: &str) -> Option<String> {
    let inner = cell.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => match chars.next()? {
                'n' | 'r' | 't' | 'b' | 'f' | 'v' => text.push(' '),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
    Some(text)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A line as `condor_q` writes it.
    pub fn line(changes: &[(&str, &str)]) -> String {
        let cells = COLUMNS.map(|column| {
            // An expression is named by the attribute that it ends with.
            let name = column.trim_end_matches(')').rsplit([',', ' ']).next().unwrap();
            let name = if column.starts_with("substr") { "HoldReason" } else { name };
            let own = changes.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            match column {
                _ if column.starts_with('"') => column.to_owned(),
                _ if column.starts_with("substr") => own.unwrap_or_else(|| "\"\"".to_owned()),
                "ProcId" => own.unwrap_or_else(|| "0".to_owned()),
                "JobUniverse" => own.unwrap_or_else(|| "5".to_owned()),
                _ => own.unwrap_or_else(|| "undefined".to_owned()),
            }
        });
        cells.join("\t") + "\n"
    }

    pub fn said(stdout: String) -> Said {
        Said { code: Some(0), stdout, stderr: String::new() }
    }

    #[test]
    fn a_row_is_read_between_banners() {
        let text = line(&[
            ("ClusterId", "17"),
            ("JobStatus", "5"),
            ("MolsieveTag", "\"molsieve-a-1\""),
            ("MolsieveTask", "4"),
            ("HoldReasonCode", "13"),
            ("HoldReason", "\"a \\\"b\\\"\\nc\\t|d\""),
            ("LastRemoteHost", "\"slot1_2@n3.example.org\""),
        ]);
        let rows = read(&said(format!("Welcome!\n{text}\n-- all\n"))).unwrap();
        assert_eq!(rows.len(), 1);
        let row = &rows[0];
        assert_eq!((row.cluster, row.status, row.task, row.hold), (17, 5, Some(4), Some(13)));
        assert_eq!((row.tag.as_deref(), row.host.as_deref()), (Some("molsieve-a-1"), Some("n3.example.org")));
        assert_eq!(row.hold_words, "a \"b\" c |d");
    }

    #[test]
    fn half_a_row_is_not_half_an_answer() {
        let text = line(&[("ClusterId", "17"), ("JobStatus", "2")]);
        for at in 15..text.len() {
            assert!(read(&said(text[..at].to_owned())).is_err(), "{at}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_none() {
        assert_eq!(node("slot1@n1"), Some("n1".into()));
        assert_eq!(node("slot1@a@n1.x"), Some("n1.x".into()));
        assert_eq!([node("slot1@"), node("slot1@a b"), node("x@$(id)")], [None, None, None]);
    }

    proptest! {
        #[test]
        fn no_answer_makes_us_panic(text in "\\PC{0,400}") {
            let _ = read(&said(format!("\"molsieve-row{text}")));
            let _ = Cell::read(&text);
        }

        #[test]
        fn what_is_in_a_string_stays_in_it(text in "[^\\x00-\\x1f\"\\\\]{0,100}") {
            let cell = format!("\"{text}\"");
            prop_assert_eq!(unquoted(&cell), Some(text));
        }
    }
}
