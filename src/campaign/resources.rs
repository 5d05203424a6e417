//! `[resources]`: what each task gets. Nothing of it is frozen.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::units;

/// `[resources]`: what each task gets.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ResourcesSection {
    /// Processor cores.
    #[serde(default = "default_cpus")]
    pub cpus: u32,
    /// Memory.
    pub memory: Option<String>,
    /// Time limit.
    pub walltime: Option<String>,
    /// GPUs.
    #[serde(default)]
    pub gpus: u32,
}

impl ResourcesSection {
    /// Memory, in MiB.
    ///
    /// # Errors
    /// It is no size (exit 2).
    pub fn memory_mib(&self) -> Result<Option<u64>> {
        self.memory.as_ref().map(|t| units::size_mib(t).map_err(|e| e.within("`resources.memory`"))).transpose()
    }

    /// The time limit, in seconds.
    ///
    /// # Errors
    /// It is no duration (exit 2).
    pub fn walltime_s(&self) -> Result<Option<u64>> {
        let read = |t: &String| units::duration(t).map(|d| d.as_secs()).map_err(|e| e.within("`resources.walltime`"));
        self.walltime.as_ref().map(read).transpose()
    }
}

impl Default for ResourcesSection {
    fn default() -> Self {
        Self { cpus: default_cpus(), memory: None, walltime: None, gpus: 0 }
    }
}

const fn default_cpus() -> u32 {
    1
}
