//! Programs that a campaign may want: schedulers, launchers, containers, scorers' company.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Finding, Verdict};

/// A kind of tool.
#[derive(Clone, Copy, Debug)]
pub struct Tool<'a> {
    /// What people call it.
    pub kind: &'static str,
    /// The programs that show that it is there.
    pub programs: &'a [&'a str],
    /// What is to be said where none of them is, if it does without.
    pub without: Option<&'static str>,
}

const fn tool(kind: &'static str, programs: &'static [&'static str]) -> Tool<'static> {
    Tool { kind, programs, without: None }
}

/// Those that are no scheduler of ours.
const TOOLS: [Tool<'static>; 4] = [
    tool("MPI", &["mpirun"]),
    tool("containers", &["apptainer", "singularity", "podman", "docker"]),
    tool("GPUs", &["nvidia-smi", "rocm-smi"]),
    tool("Python", &["python3"]),
];

/// Looks for programs on `PATH`, first those of `schedulers`. That one is missing is a fact, not a fault.
pub fn check<'a>(schedulers: impl Iterator<Item = Tool<'a>>) -> Vec<Finding> {
    schedulers.chain(TOOLS).map(look).collect()
}

fn look(Tool { kind, programs, without }: Tool<'_>) -> Finding {
    let found: Vec<String> =
        programs.iter().filter_map(|name| on_path(name)).map(|p| p.display().to_string()).collect();
    let what = match without {
        _ if !found.is_empty() => found.join(", "),
        Some(without) => without.to_owned(),
        None => format!("not there ({})", programs.join(", ")),
    };
    Finding::new(kind, Verdict::Info, what)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Looks at `program`, a `molsieve-mpi` of this `version`: whether it is there and starts, and with which MPI library it was built.
pub fn rank_program(program: &Path, version: &str) -> Finding {
    const CHECK: &str = "molsieve-mpi";
    const HOW: &str =
        "build it with the MPI library that is here, from the same sources as this program: docs/guide/mpi.md";
    let place = program.display();
    if !program.is_file() {
        let finding = Finding::new(
            CHECK,
            Verdict::Info,
            format!("not there ({place}): ranks share task groups by their numbers"),
        );
        return if on_path("mpirun").is_some() { finding.hint(HOW) } else { finding };
    }
    let warning = |what: String| Finding::new(CHECK, Verdict::Warning, format!("{place} {what}")).hint(HOW);
    let said = match Command::new(program).arg("--version").output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr);
            return warning(format!("does not start: {}", why.lines().next().unwrap_or("it does not say why")));
        }
        Err(error) => return warning(format!("does not start: {error}")),
    };
    let mut lines = said.lines();
    let its = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or("an unknown version");
    if its != version {
        return warning(format!("is of version {its}, and this program of {version}"));
    }
    let library =
        lines.next().filter(|line| !line.is_empty()).unwrap_or("an MPI library that does not say which it is");
    Finding::new(CHECK, Verdict::Info, format!("{place}, built with {library}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_does_without_programs_is_not_called_missing() {
        let of = |programs, without| look(Tool { kind: "Ray", programs, without }).what;
        assert_eq!(of(&["no-such-program"], None), "not there (no-such-program)");
        assert_eq!(of(&["no-such-program"], Some("none is needed")), "none is needed");
        assert!(of(&["sh"], Some("none is needed")).ends_with("/sh"));
    }

    #[test]
    fn the_program_of_a_rank_is_there_or_not_or_does_not_start_or_is_anothers() {
        let temp = tempfile::tempdir().unwrap();
        let program = temp.path().join("molsieve-mpi");
        let missing = rank_program(&program, "1.0");
        assert!(missing.what.starts_with("not there") && missing.verdict == Verdict::Info, "{missing:?}");
        for (script, verdict, says) in [
            ("echo 'molsieve-mpi 1.0'; echo 'Open MPI v4.1.4'", Verdict::Info, "built with Open MPI v4.1.4"),
            ("echo 'molsieve-mpi 0.9'; echo 'Open MPI v4.1.4'", Verdict::Warning, "is of version 0.9"),
            ("echo 'error while loading shared libraries: libmpi.so' >&2; exit 127", Verdict::Warning, "libmpi.so"),
        ] {
            std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            let found = rank_program(&program, "1.0");
            assert!(found.verdict == verdict && found.what.contains(says), "{found:?}");
            assert_eq!(found.hint.is_some(), verdict == Verdict::Warning);
        }
    }
}
