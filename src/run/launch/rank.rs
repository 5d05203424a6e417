//! Which rank this process is, and of how many, where no MPI library says it: by what the launcher put into the environment.
//! Pure.
//!
//! Where either is missing, or is not what was asked for, nothing is begun: else each of N processes would do everything.

use crate::campaign::launch::Launcher;
use crate::error::{Error, Result};
use crate::id::GroupIndex;

/// A rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// Which, from 0.
    pub number: u32,
    /// Of how many.
    pub of: u32,
}

/// Where launchers say which rank a process is, and of how many: the variables in pairs.
///
/// Under `mpirun` in a batch job the variables of SLURM are there too, and are those of the batch script: all ranks would
/// be rank 0.
const MPIRUN: &[(&str, &[&str])] = &[
    ("OMPI_COMM_WORLD_RANK", &["OMPI_COMM_WORLD_SIZE"]),
    ("PMI_RANK", &["PMI_SIZE"]),
    ("PMIX_RANK", &["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"]),
];
const SRUN: &[(&str, &[&str])] = &[("SLURM_PROCID", &["SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"])];

impl Rank {
    /// By what `variable` says of this process, which `launcher` is to have started as one of `asked`.
    ///
    /// # Errors
    /// Rank or size is missing, or is not what was asked for (exit 2).
    pub fn of_environment(launcher: Launcher, asked: u32, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let pairs = match launcher {
            Launcher::Mpirun => MPIRUN,
            Launcher::Srun => SRUN,
        };
        let number = |name: &str| variable(name)?.parse::<u32>().ok();
        let found = pairs.iter().find_map(|(rank, sizes)| Some((number(rank)?, sizes.iter().find_map(|s| number(s)))));
        let told =
            pairs.iter().map(|(rank, sizes)| format!("{rank} with {}", sizes[0])).collect::<Vec<_>>().join(", or ");
        let program = launcher.program();
        match found {
            Some((number, Some(of))) => Self { number, of }.checked(asked, launcher),
            Some((_, None)) => Err(Error::usage(format!("`{program}` says which rank this is, and not of how many"))
                .hint(format!("the environment must hold one of: {told}"))
                .hint("build `molsieve-mpi`, which asks the MPI library, or use `launcher = \"srun\"`")),
            None => {
                Err(Error::usage(format!("this is to be one of {asked} ranks, and the environment does not say which"))
                    .hint(format!("it must be started by `{program}`, which says so in: {told}")))
            }
        }
    }

    /// This rank, if the world has the size that was asked for.
    ///
    /// # Errors
    /// It has another (exit 2).
    pub fn checked(self, asked: u32, launcher: Launcher) -> Result<Self> {
        let Self { number, of } = self;
        if of == asked && number < of {
            return Ok(self);
        }
        let error = Error::usage(format!("rank {number} of {of} was to be one of {asked}"));
        let program = launcher.program();
        Err(if of == 1 {
            error.hint(format!(
                "`{program}` is not that of the MPI library that this program was built with, so that each rank is alone: \
                 build `molsieve-mpi` with the `mpicc` that belongs to this `{program}`, or say `hand_out = \"static\"`"
            ))
        } else {
            error.hint("`scheduler.ranks` and `scheduler.launcher_options` say different numbers: leave the number out of the options")
        })
    }

    /// What of `groups` is this rank's: each N-th, so that of the costly ones, which come first, each has about as many.
    pub fn share(self, groups: &[GroupIndex]) -> Vec<GroupIndex> {
        groups.iter().skip(self.number as usize).step_by(self.of.max(1) as usize).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn of(launcher: Launcher, asked: u32, variables: &[(&str, &str)]) -> Result<Rank> {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Rank::of_environment(launcher, asked, find)
    }

    #[test]
    fn each_launcher_says_it_in_its_own_words() {
        use Launcher::{Mpirun, Srun};
        for (launcher, variables) in [
            (Mpirun, &[("OMPI_COMM_WORLD_RANK", "2"), ("OMPI_COMM_WORLD_SIZE", "4")][..]),
            (Mpirun, &[("PMI_RANK", "2"), ("PMI_SIZE", "4")]),
            (Mpirun, &[("PMIX_RANK", "2"), ("PMI_SIZE", "4")]),
            (Srun, &[("SLURM_PROCID", "2"), ("SLURM_NTASKS", "4")]),
            (Srun, &[("SLURM_PROCID", "2"), ("SLURM_NTASKS", "8"), ("SLURM_STEP_NUM_TASKS", "4")]),
        ] {
            assert_eq!(of(launcher, 4, variables).unwrap(), Rank { number: 2, of: 4 }, "{variables:?}");
        }
    }

    #[test]
    fn a_rank_of_the_batch_script_is_not_that_of_a_process_under_mpirun() {
        let script = [("SLURM_PROCID", "0"), ("SLURM_NTASKS", "4")];
        assert!(of(Launcher::Mpirun, 4, &script).is_err());
        let both = [&script[..], &[("PMI_RANK", "3"), ("PMI_SIZE", "4")]].concat();
        assert_eq!(of(Launcher::Mpirun, 4, &both).unwrap().number, 3);
    }

    #[test]
    fn without_rank_or_size_or_with_another_size_nothing_is_begun() {
        for (asked, variables, hint) in [
            (4, &[][..], "started by `mpirun`"),
            (4, &[("PMIX_RANK", "1")], "one of:"),
            (4, &[("PMI_RANK", "x"), ("PMI_SIZE", "4")], "started by"),
            (4, &[("PMI_RANK", "0"), ("PMI_SIZE", "1")], "belongs to this `mpirun`"),
            (4, &[("PMI_RANK", "0"), ("PMI_SIZE", "8")], "different numbers"),
            (4, &[("PMI_RANK", "4"), ("PMI_SIZE", "4")], "different numbers"),
        ] {
            let error = of(Launcher::Mpirun, asked, variables).unwrap_err();
            assert!(error.hints().iter().any(|said| said.contains(hint)), "{variables:?}: {:?}", error.hints());
        }
    }

    #[test]
    fn shares_are_all_of_it_and_nothing_twice() {
        let groups: Vec<GroupIndex> = (0..23).map(GroupIndex).collect();
        for of in [1, 2, 4, 7, 30] {
            let all: Vec<_> = (0..of).flat_map(|number| Rank { number, of }.share(&groups)).collect();
            assert_eq!(all.len(), 23);
            assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 23);
        }
        assert_eq!(Rank { number: 1, of: 4 }.share(&groups)[..2], [GroupIndex(1), GroupIndex(5)]);
    }
}
