//! The files of a scorer: which of them go along, and how its launch speaks of them where they are unpacked.

use std::path::{Path, PathBuf};

use super::format::Moved;
use crate::layout::CampaignDir;
use crate::scorer::identity::{CommandLaunch, ScorerLaunch};

/// The files that go along: those that the identity of the scorer has digests of, and its program where that lies beside the campaign
/// file. Another program, directories, and what is in a container must be on the nodes.
pub fn moved(launch: &ScorerLaunch) -> Vec<Moved> {
    match launch {
        ScorerLaunch::Null | ScorerLaunch::Spectral2d { .. } => Vec::new(),
        ScorerLaunch::Compared { scorer, .. } => moved(scorer),
        ScorerLaunch::Similarity { actives, .. } => vec![place(actives, Path::new("/"), 0)],
        ScorerLaunch::Command(command) => {
            let mut files: Vec<&Path> = of_command(command);
            files.sort_unstable();
            files.dedup();
            let program = Path::new(command.argv.first().map_or("", String::as_str));
            let moved = files.into_iter().enumerate().map(|(at, path)| place(path, &command.directory, at));
            moved.map(|moved| Moved { program: moved.from == program, ..moved }).collect()
        }
    }
}

fn of_command(command: &CommandLaunch) -> Vec<&Path> {
    let templates = command.translation.as_ref().map_or(&[][..], |translation| &translation.templates);
    let image = command.container.as_ref().map(|container| Path::new(&container.image));
    let arguments = command.argv.iter().enumerate().filter(|(position, _)| !templates.contains(position));
    let goes_along = |(position, text): (usize, &'_ String)| {
        let path = Path::new(text);
        let is_ours = position > 0 || path.starts_with(&command.directory);
        is_ours && path.is_absolute() && path.is_file() && image != Some(path)
    };
    let named = arguments.filter(|(position, text)| goes_along((*position, *text))).map(|(_, text)| Path::new(text));
    named.chain(command.files.iter().map(PathBuf::as_path)).collect()
}

/// Where `path` goes: what lies beside the campaign file, or below, keeps its place to the others.
fn place(path: &Path, beside: &Path, number: usize) -> Moved {
    let here = CampaignDir::anywhere();
    let to = match path.strip_prefix(beside).ok().filter(|_| beside != Path::new("/")) {
        Some(relative) => here.input_beside(relative),
        None => here.input_from_elsewhere(number, Path::new(path.file_name().unwrap_or_default())),
    };
    Moved { from: path.to_path_buf(), to, program: false }
}

/// Makes `launch` speak of the files in `dir` that went along.
pub fn relocate(launch: &mut ScorerLaunch, moved: &[Moved], dir: &CampaignDir) {
    let there = |path: &Path| moved.iter().find(|moved| moved.from == path).map(|moved| dir.inside(&moved.to));
    let put = |path: &mut PathBuf| {
        if let Some(new) = there(path) {
            *path = new;
        }
    };
    match launch {
        ScorerLaunch::Null | ScorerLaunch::Spectral2d { .. } => {}
        ScorerLaunch::Compared { scorer, .. } => relocate(scorer, moved, dir),
        ScorerLaunch::Similarity { actives, .. } => put(actives),
        ScorerLaunch::Command(command) => {
            command.files.iter_mut().for_each(put);
            for argument in &mut command.argv {
                if let Some(new) = there(Path::new(argument)).as_deref().and_then(Path::to_str) {
                    new.clone_into(argument);
                }
            }
            command.directory = dir.carried_inputs();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(argv: &[&str], files: &[&str], directory: &Path) -> ScorerLaunch {
        let command = serde_json::json!({
            "argv": argv, "files": files, "directory": directory, "env": {}, "timeout_ms": 1, "startup_timeout_ms": 1,
            "grace_ms": 1, "batch_size": 1, "threads": 1,
        });
        ScorerLaunch::Command(serde_json::from_value(command).unwrap())
    }

    #[test]
    fn what_lies_beside_the_campaign_file_keeps_its_place_and_the_interpreter_stays() {
        let temp = tempfile::tempdir().unwrap();
        let (here, far) = (temp.path().join("c"), temp.path().join("far.dat"));
        std::fs::create_dir_all(here.join("lib")).unwrap();
        for path in [here.join("score.py"), here.join("lib/a.py"), far.clone()] {
            std::fs::write(path, "x").unwrap();
        }
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let (script, own, far) = (text(&here.join("score.py")), text(&here.join("lib/a.py")), text(&far));
        let mut command = launch(&["/bin/sh", &script, "plain", &far], &[&own], &here);
        let moved = moved(&command);
        let to: Vec<_> = moved.iter().map(|moved| (moved.to.to_str().unwrap(), moved.program)).collect();
        assert_eq!(to, [("inputs/lib/a.py", false), ("inputs/score.py", false), ("elsewhere/2/far.dat", false)]);
        relocate(&mut command, &moved, &CampaignDir::new("/node"));
        let there = launch(
            &["/bin/sh", "/node/inputs/score.py", "plain", "/node/elsewhere/2/far.dat"],
            &["/node/inputs/lib/a.py"],
            Path::new("/node/inputs"),
        );
        assert_eq!(command, there);
    }

    #[test]
    fn a_program_beside_the_campaign_file_goes_along_as_one() {
        let temp = tempfile::tempdir().unwrap();
        let program = temp.path().join("dock");
        std::fs::write(&program, "x").unwrap();
        let moved = moved(&launch(&[program.to_str().unwrap()], &[], temp.path()));
        assert_eq!((moved.len(), moved[0].program), (1, true));
    }
}
