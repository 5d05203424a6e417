//! A process of a job on Ray from within: its name and its node. Ray puts nothing back into a queue.

use crate::adapter::AdapterError;
use crate::inside::Inside;
use crate::text::Value;

/// Says which process of a job this is; a driver sets it.
const TASK: &str = "MOLSIEVE_RAY_TASK";
/// Says on which node it is.
const NODE: &str = "MOLSIEVE_RAY_NODE";
/// Says where the Jobs API is, to what runs on the head.
const API: &str = "MOLSIEVE_RAY_API";

/// This process as one of a job on Ray: a task, what runs at the end of a job, or what runs on the head.
#[derive(Debug)]
pub struct Own {
    name: String,
    node: Option<String>,
}

impl Own {
    /// What `variable` says of this process; none if no driver started it.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let word = |name: &str| variable(name).filter(|text| Value::new(text).is_some());
        Some(Self { name: word(TASK)?, node: word(NODE) })
    }
}

/// Where the Jobs API is, as the driver says that started this process on the head: from elsewhere it may have another address.
pub fn api(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    variable(TASK)?;
    variable(API)
}

impl Inside for Own {
    fn name(&self) -> &str {
        &self.name
    }

    fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    fn restarts(&self) -> u64 {
        // Nobody tells a task.
        0
    }

    fn ends_at_s(&self) -> Option<u64> {
        None
    }

    fn ask_end_s(&mut self) -> Option<u64> {
        None
    }

    fn requeue(&mut self) -> Result<(), AdapterError> {
        Err(AdapterError::Rejected("Ray has no queue that a task could be put back into".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(variables: &[(&str, &str)]) -> (Option<Own>, Option<String>) {
        let variable = |name: &str| variables.iter().find(|v| v.0 == name).map(|v| v.1.to_owned());
        (Own::of(variable), api(variable))
    }

    #[test]
    fn a_task_knows_its_name_and_its_node_and_is_not_put_back() {
        let (own, api) = own(&[(TASK, "molsieve-0123-1_7"), (NODE, "n1")]);
        let mut own = own.unwrap();
        assert_eq!((own.name(), own.node(), api), ("molsieve-0123-1_7", Some("n1"), None));
        assert!(matches!(own.requeue(), Err(AdapterError::Rejected(_))));
    }

    #[test]
    fn a_process_that_no_driver_started_is_none_of_rays() {
        assert!(own(&[(NODE, "n1"), (API, "http://127.0.0.1:1")]).0.is_none());
        assert!(own(&[(API, "http://127.0.0.1:1")]).1.is_none());
        assert!(own(&[(TASK, "a\nb")]).0.is_none());
    }

    #[test]
    fn what_runs_on_the_head_knows_the_address_there() {
        let (own, api) = own(&[(TASK, "molsieve-0123-1/final"), (API, "http://127.0.0.1:8265")]);
        assert_eq!((own.unwrap().name(), api.as_deref()), ("molsieve-0123-1/final", Some("http://127.0.0.1:8265")));
    }
}
