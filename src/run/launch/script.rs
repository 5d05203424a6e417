//! A launch as a script: what was started, for whoever wants to review it or to start it by hand. Pure.

use std::ffi::OsStr;
use std::fmt::Write;

use molsieve_adapters::text::{comment, quoted};

use super::command::{Command, LIFELINE, Task};
use crate::error::{Error, Result};

/// The script that starts the ranks of `task` as `command` does.
///
/// # Errors
/// A word of it is no text that a person could review (exit 2).
pub fn of(task: &Task<'_>, command: &Command) -> Result<String> {
    let odd = |e: molsieve_adapters::AdapterError| Error::usage(format!("the launch has no script: {e}"));
    let Task { launch, dir, wave, task: number, .. } = task;
    let mut script = format!(
        "#!/bin/sh\n# Wave {wave}, task {number} of the campaign in {}: {} ranks.\n\
         # So molsieve starts them. By hand they take what this task has not finished; `molsieve resume` then seals the pack.\n\
         # (molsieve says {LIFELINE} as well, and rank 0 ends when whoever started it is gone.)\n\n",
        comment(&dir.root().display().to_string()),
        launch.ranks,
    );
    for (name, value) in &command.env {
        // Writing to a string does not fail.
        let _ = writeln!(script, "export {name}={}", quoted(OsStr::new(value)).map_err(odd)?);
    }
    let words = command.argv.iter().filter(|word| *word != LIFELINE);
    let words = words.map(|word| quoted(word).map_err(odd)).collect::<Result<Vec<_>>>()?;
    // An option and what it says stand on one line.
    let mut lines: Vec<String> = Vec::new();
    let mut is_behind_an_option = false;
    for word in words {
        let is_option = word.starts_with('-');
        match lines.last_mut() {
            Some(line) if is_behind_an_option && !is_option => *line += &format!(" {word}"),
            _ => lines.push(word),
        }
        is_behind_an_option = is_option;
    }
    let _ = writeln!(script, "exec {}", lines.join(" \\\n  "));
    Ok(script)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::campaign::launch::{Launch, Launcher};
    use crate::layout::CampaignDir;

    #[test]
    fn a_launch_is_a_script_that_a_person_can_read() {
        let options = vec!["--map-by".to_owned(), "node".to_owned()];
        let launch = Launch { ranks: 2, launcher: Launcher::Mpirun, hand_out: None, ranks_per_node: None, options };
        let dir = CampaignDir::new("/night 1");
        let (molsieve, rank_program) = (PathBuf::from("/b/molsieve"), Some(PathBuf::from("/b/molsieve-mpi")));
        let task =
            Task { launch: &launch, dir: &dir, wave: 3, task: 0, cpus: 1, is_here: false, molsieve, rank_program };
        let script = of(&task, &task.command()).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert!(script.starts_with("#!/bin/sh\n# Wave 3, task 0 of the campaign in /night 1: 2 ranks.\n"), "{script}");
        assert!(script.contains("\nexport OMPI_MCA_hwloc_base_binding_policy=none\n"), "{script}");
        let command = format!(
            "\nexec mpirun \\\n  -n 2 \\\n  --map-by node \\\n  /b/molsieve-mpi \\\n  '/night 1' \\\n  --wave 3 \\\n  --task 0 \\\n  --ranks 2 \\\n  \
             --launcher mpirun \\\n  --molsieve /b/molsieve \\\n  --of-version {version}\n"
        );
        assert!(script.ends_with(&command), "{script}");
    }
}
