//! The command that starts the ranks of a task. Pure.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::campaign::launch::{Launch, Launcher};
use crate::layout::CampaignDir;

/// What an MPI library is told by its environment, which another does not read.
///
/// A rank is a pool of as many scorers as it has cores, so it must not be bound to one of them; and on this machine there may be
/// more ranks than cores, since somebody said so.
const UNBOUND: &[(&str, &str)] = &[
    ("OMPI_MCA_hwloc_base_binding_policy", "none"),
    ("PRTE_MCA_hwloc_default_binding_policy", "none"),
    ("I_MPI_PIN", "off"),
];
const CROWDED: &[(&str, &str)] =
    &[("OMPI_MCA_rmaps_base_oversubscribe", "1"), ("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe")];

/// What makes rank 0 end when whoever started it is gone.
pub const LIFELINE: &str = "--lifeline";

/// What is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The argument vector.
    pub argv: Vec<OsString>,
    /// Variables that are set beside what is there.
    pub env: Vec<(&'static str, &'static str)>,
}

/// A task that is to be launched.
#[derive(Clone, Debug)]
pub struct Task<'a> {
    /// How.
    pub launch: &'a Launch,
    /// The campaign.
    pub dir: &'a CampaignDir,
    /// The wave.
    pub wave: u64,
    /// The task of that wave.
    pub task: u64,
    /// Cores of a rank.
    pub cpus: u32,
    /// Whether this machine is all that there is.
    pub is_here: bool,
    /// `molsieve`.
    pub molsieve: PathBuf,
    /// `molsieve-mpi`, where rank 0 is to hand out.
    pub rank_program: Option<PathBuf>,
}

impl Task<'_> {
    /// The command.
    pub fn command(&self) -> Command {
        let launch = self.launch;
        let mut argv: Vec<OsString> = vec![launch.launcher.program().into()];
        let mut env = Vec::new();
        match launch.launcher {
            Launcher::Mpirun => {
                argv.extend(["-n".into(), launch.ranks.to_string().into()]);
                env.extend_from_slice(UNBOUND);
                if self.is_here {
                    env.extend_from_slice(CROWDED);
                }
            }
            Launcher::Srun => {
                let mpi = if self.rank_program.is_some() { "pmix" } else { "none" };
                // A world that has lost a rank cannot go on, and ends at checkpoints; plain workers know nothing of each other.
                let bad_exit = u8::from(self.rank_program.is_some());
                let words = [
                    format!("--ntasks={}", launch.ranks),
                    format!("--cpus-per-task={}", self.cpus),
                    format!("--mpi={mpi}"),
                    format!("--kill-on-bad-exit={bad_exit}"),
                    "--wait=0".to_owned(),
                    "--cpu-bind=none".to_owned(),
                ];
                argv.extend(words.map(OsString::from));
            }
        }
        argv.extend(launch.options.iter().map(OsString::from));
        argv.extend(self.rank());
        Command { argv, env }
    }

    /// The argument vector of a rank.
    fn rank(&self) -> Vec<OsString> {
        let mut argv: Vec<OsString> = match &self.rank_program {
            Some(program) => vec![program.into()],
            None => vec![self.molsieve.clone().into(), "worker".into()],
        };
        argv.push(self.dir.root().as_os_str().to_owned());
        let numbers = [("--wave", self.wave), ("--task", self.task), ("--ranks", u64::from(self.launch.ranks))];
        argv.extend(numbers.into_iter().flat_map(|(name, value)| [name.into(), value.to_string().into()]));
        let launch = self.launch.launcher;
        argv.extend(["--launcher".into(), launch.program().into()]);
        if self.rank_program.is_some() || launch == Launcher::Mpirun {
            // Rank 0 alone watches it. (A worker that srun started ends with its job.)
            argv.push(LIFELINE.into());
        }
        if self.rank_program.is_some() {
            argv.extend(["--molsieve".into(), self.molsieve.clone().into()]);
            argv.extend(["--of-version".into(), env!("CARGO_PKG_VERSION").into()]);
        }
        argv
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(launcher: Launcher, rank_program: bool, options: &[&str]) -> (String, usize) {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let launch = Launch { ranks: 8, launcher, hand_out: None, ranks_per_node: None, options };
        let dir = CampaignDir::new("/d");
        let rank_program = rank_program.then(|| PathBuf::from("/b/molsieve-mpi"));
        let molsieve = PathBuf::from("/b/molsieve");
        let is_here = true;
        let task = Task { launch: &launch, dir: &dir, wave: 3, task: 0, cpus: 2, is_here, molsieve, rank_program };
        let Command { argv, env } = task.command();
        (argv.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" "), env.len())
    }

    #[test]
    fn mpirun_starts_as_many_ranks_as_were_asked_for_and_binds_none() {
        let (said, variables) = command(Launcher::Mpirun, true, &["--map-by", "node"]);
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            said,
            format!(
                "mpirun -n 8 --map-by node /b/molsieve-mpi /d --wave 3 --task 0 --ranks 8 --launcher mpirun \
                 --lifeline --molsieve /b/molsieve --of-version {version}"
            )
        );
        assert_eq!(variables, UNBOUND.len() + CROWDED.len());
    }

    #[test]
    fn srun_starts_plain_workers_that_do_not_end_each_other() {
        let (said, variables) = command(Launcher::Srun, false, &[]);
        assert_eq!(
            said,
            "srun --ntasks=8 --cpus-per-task=2 --mpi=none --kill-on-bad-exit=0 --wait=0 --cpu-bind=none \
             /b/molsieve worker /d --wave 3 --task 0 --ranks 8 --launcher srun"
        );
        assert_eq!(variables, 0);
        let (said, _) = command(Launcher::Srun, true, &["--mpi=pmi2"]);
        assert!(
            said.contains("--mpi=pmix --kill-on-bad-exit=1") && said.contains("--mpi=pmi2 /b/molsieve-mpi"),
            "{said}"
        );
    }
}
