//! What tasks have that share no files with us, before their job is removed: HTCondor throws that away.
//!
//! A task that is held ends at a checkpoint first, and what it leaves goes to the access point's own directory, the spool, where its
//! owner may read it. Only then is it removed.

use std::path::{Path, PathBuf};

use super::emit::FINAL;
use super::parts;
use crate::adapter::AdapterError;
use crate::command::{Call, Said};
use crate::job::{JobId, Recalled};

/// So many numbers share a directory of the spool.
const SPREAD: u64 = 10_000;

/// The tasks of `job` that are in the queue.
fn tasks(job: &JobId) -> Option<String> {
    Some(format!("({}) && MolsieveTask =!= undefined && DAGNodeName =!= \"{FINAL}\"", parts(job, &[])?))
}

/// Asks that all tasks of `job` that run end at a checkpoint, and that none begins.
pub fn hold(job: &JobId) -> Option<Call> {
    Some(Call::new(["condor_hold", "-reason", "molsieve fetches what it has", "-constraint", &tasks(job)?]))
}

/// Asks where the access point keeps what tasks left.
pub fn spool() -> Call {
    Call::new(["condor_config_val", "SPOOL"])
}

/// Asks what there is of `job`.
pub fn ask(job: &JobId) -> Option<Call> {
    let names = ["ClusterId", "ProcId", "MolsieveTask", "RemoteHost"];
    Some(Call::new(["condor_q", "-constraint", &tasks(job)?, "-af:,"].into_iter().chain(names)))
}

/// What [`spool`] and [`ask`] were answered.
///
/// # Errors
/// It is no answer ([`AdapterError::Unparsed`]); the spool is another machine's ([`AdapterError::Rejected`]).
pub fn read([place, said]: &[Said; 2]) -> Result<Vec<Recalled>, AdapterError> {
    let spool = Path::new(place.stdout.trim());
    if !place.is_ok() || !spool.is_absolute() {
        let what = format!("the spool of the access point is not here ({})", place.gist());
        return Err(AdapterError::Rejected(what));
    }
    if !said.is_ok() {
        return Err(AdapterError::Unreachable(said.gist()));
    }
    let one = |line: &str| {
        let mut fields = line.split(',').map(str::trim);
        let mut number = || fields.next()?.parse::<u64>().ok();
        let (cluster, process, task) = (number()?, number()?, number()?);
        let is_there = fields.next().is_some_and(|host| host != "undefined");
        let name = format!("cluster{cluster}.proc{process}.subproc0");
        let place = [(cluster % SPREAD).to_string(), (process % SPREAD).to_string(), name].iter().collect::<PathBuf>();
        Some(Recalled { task, is_there, place: spool.join(place) })
    };
    let lines = said.stdout.lines().filter(|line| !line.trim().is_empty());
    lines.map(one).collect::<Option<_>>().ok_or_else(|| AdapterError::Unparsed(said.gist()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_found_in_the_spool_when_it_has_left_its_node() {
        let said = |text: &str| Said { code: Some(0), stdout: text.to_owned(), stderr: String::new() };
        let answer = said("12017, 0, 4, slot1_1@n1.pool\n13, 0, 0, undefined\n");
        let read = |answer: Said| read(&[said("/spool\n"), answer]);
        let found = read(answer).unwrap();
        let recalled = |task, is_there, place: &str| Recalled { task, is_there, place: place.into() };
        assert_eq!(
            found,
            [
                recalled(4, true, "/spool/2017/0/cluster12017.proc0.subproc0"),
                recalled(0, false, "/spool/13/0/cluster13.proc0.subproc0"),
            ]
        );
        assert_eq!(read(said("")).unwrap(), []);
        assert!(read(said("nonsense\n")).is_err());
        assert!(read(Said { code: Some(1), ..said("") }).is_err());
    }

    #[test]
    fn what_an_access_point_elsewhere_keeps_cannot_be_fetched() {
        let said = |code, text: &str| Said { code: Some(code), stdout: text.to_owned(), stderr: String::new() };
        for place in [said(1, "/spool\n"), said(0, "Not defined: SPOOL\n"), said(0, "")] {
            assert!(matches!(read(&[place, said(0, "")]), Err(AdapterError::Rejected(_))));
        }
    }

    #[test]
    fn tasks_are_held_and_neither_their_dag_nor_what_follows_it() {
        let call = hold(&JobId("12".to_owned())).unwrap();
        assert_eq!(call.program(), "condor_hold");
        assert!(call.argv[4].contains("DAGManJobId == 12") && call.argv[4].contains("MolsieveTask =!= undefined"));
        assert!(hold(&JobId("x".to_owned())).is_none());
    }
}
