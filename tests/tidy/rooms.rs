//! Only one room knows which schedulers there are: nobody else speaks their commands, or of them.

use super::demand;
use super::source::{self, rust_sources};

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

/// What a row of the table in `adapters/README.md` begins with, the beginning of the names of its files, and those of its binding in
/// the program.
const ROWS: [(&str, &[&str], &str); 5] = [
    ("the smallest", &["adapters/examples/spooler.rs"], ""),
    ("this machine", &["adapters/src/local.rs"], ""),
    ("Ray", &["adapters/src/ray/"], "src/scheduler/ray"),
    ("HTCondor", &["adapters/src/htcondor/"], "src/scheduler/htcondor"),
    ("SLURM", &["adapters/src/slurm/"], "src/scheduler/slurm"),
];

/// How far a number of the table may be from the truth, in percent: it is there to give an idea.
const OFF_MAX: usize = 5;

/// Lines of code of the files whose names begin so, without unit tests and blank lines.
fn lines_of(beginnings: &[&str]) -> usize {
    let is_meant = |name: &str| beginnings.iter().any(|start| !start.is_empty() && name.starts_with(start));
    let own = rust_sources().into_iter().filter(|source| is_meant(&source.name) && !source.is_unit_tests());
    let code = |text: &str| text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned();
    own.map(|source| filled(&code(&source.text))).sum()
}

fn filled(text: &str) -> usize {
    text.lines().filter(|line| !line.trim().is_empty()).count()
}

#[test]
fn what_a_binding_takes_is_as_the_table_says() {
    let readme = source::read("adapters/README.md");
    let driver = filled(&source::read("job-templates/ray_driver.py"));
    let mut found = Vec::new();
    for (name, here, there) in ROWS {
        let row = readme.lines().find(|line| line.starts_with(&format!("| {name}")));
        let row = row.unwrap_or_else(|| panic!("the table has no row of {name}"));
        let said: Vec<Option<usize>> =
            row.split('|').skip(2).map(|cell| cell.trim().replace(',', "").parse().ok()).collect();
        let with_driver = if name == "Ray" { driver } else { 0 };
        for (said, are) in [(said[0], lines_of(here) + with_driver), (said[1], lines_of(&[there]))] {
            if said.unwrap_or(0).abs_diff(are) * 100 > are * OFF_MAX {
                found.push(format!("{name}: {said:?} lines, and there are {are}"));
            }
        }
    }
    demand("adapters/README.md says how much a binding takes", &found);
}
