//! Only one room knows which schedulers there are: nobody else speaks their commands, or of them.

use super::demand;
use super::source::rust_sources;

/// Where the commands of schedulers may stand.
const ROOMS: [&str; 3] = ["src/scheduler/", "adapters/", "tests/"];

/// Commands of schedulers. (`mpirun` and `srun` start ranks, and are words of a campaign file.)
const COMMANDS: [&str; 7] = ["sbatch", "squeue", "scancel", "scontrol", "sinfo", "sacct", "sacctmgr"];

/// How the commands of a scheduler begin that has many.
const FAMILIES: [&str; 1] = ["condor_"];

/// Commands that are two words.
const PAIRS: [&str; 3] = ["ray job", "ray status", "ray start"];

/// The command of a scheduler that is in `text`, if any.
fn command(text: &str) -> Option<&str> {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_one = |word: &&str| COMMANDS.contains(word) || FAMILIES.iter().any(|family| word.starts_with(family));
    words.find(is_one).or_else(|| PAIRS.into_iter().find(|pair| text.contains(pair)))
}

#[test]
fn the_commands_of_schedulers_stand_in_their_rooms_alone() {
    let mut found = Vec::new();
    for source in rust_sources().iter().filter(|source| !ROOMS.iter().any(|room| source.name.starts_with(room))) {
        let said = source.literals();
        let named = said.iter().filter_map(|(line, text)| Some((line, command(text)?)));
        found.extend(named.map(|(line, command)| format!("{}:{line}: `{command}`", source.name)));
    }
    demand("what a scheduler's command is called is said by its binding, in src/scheduler or adapters", &found);
}

#[test]
fn a_command_is_told_from_a_word_that_holds_it() {
    assert_eq!(command("`condor_q -hold` says"), Some("condor_q"));
    assert_eq!(command("\"squeue\""), Some("squeue"));
    assert_eq!(command("see `ray status`"), Some("ray status"));
    assert_eq!(command("the status of squeues, by srun"), None);
}
