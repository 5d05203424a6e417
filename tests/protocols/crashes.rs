//! Records that kill a `batch` program, and programs that die of everything.

use super::*;

/// Records of a library here, all in one call of the program.
const RECORDS: usize = 100;

/// A library of [`RECORDS`] in which `poisons` have these structures.
fn place_with(poisons: &[(usize, &str)]) -> TestEnv {
    let env = TestEnv::new();
    let structure = |i: usize| {
        let poison = poisons.iter().find(|(at, _)| *at == i);
        poison.map_or_else(|| format!("C{}O", "C".repeat(i)), |(_, structure)| (*structure).to_owned())
    };
    env.write("library.smi", (0..RECORDS).map(|i| format!("{}\tid {i}\n", structure(i))).collect::<String>());
    env
}

/// A campaign file of `tests/scorers/fragile.py`, which is told `args`; `more` are further lines of `[scorer]`.
fn fragile(env: &TestEnv, args: &[&str], more: &str) -> String {
    let (python, script) = (python(), project("tests/scorers/fragile.py"));
    let mut argv = vec![python.as_str(), script.to_str().unwrap(), "{in}", "{out}"];
    argv.extend(args);
    let scorer = format!(
        "kind = \"command\"\nprotocol = \"batch\"\nargv = [{}]\nname = \"fragile\"\nversion = \"1\"\n\
         columns = [{{ name = \"score\" }}]\nbatch_size = {RECORDS}\n{more}",
        text(&argv)
    );
    env.campaign("c").shard(RECORDS as u64).scorer(&scorer).write()
}

/// How many records each run of the program was given, so far.
fn runs(env: &TestEnv) -> Vec<usize> {
    let text = std::fs::read_to_string(env.path("runs")).unwrap();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

fn healthy() -> Vec<String> {
    let env = place_with(&[]);
    let file = fragile(&env, &[], "");
    env.molsieve(["run", &file, "--dir", "d", "--workers", "1"]).exits(0);
    assert_eq!(runs(&env), [RECORDS], "all in one call");
    rows(&env, "d")
}

/// The rows of a library with `poisons`, each of which must end as its reason says, and all others as in `healthy`.
#[track_caller]
fn assert_isolated(env: &TestEnv, healthy: &[String], poisons: &[(usize, &str)]) {
    let found = rows(env, "d");
    assert_eq!(found.len(), healthy.len());
    for (ordinal, (found, healthy)) in found.iter().zip(healthy).enumerate() {
        match poisons.iter().find(|(at, _)| *at == ordinal) {
            Some((_, reason)) => assert_eq!(found, &format!("{ordinal},id {ordinal},ERROR,{reason},")),
            None => assert_eq!(found, healthy),
        }
    }
}

#[test]
fn one_record_that_kills_the_program_costs_a_few_calls_and_nobody_else_a_digit() {
    let healthy = healthy();
    for (structure, at) in [("[Po]", 37), ("[At]", 37), ("[Po]", 0), ("[At]", RECORDS - 1)] {
        let env = place_with(&[(at, structure)]);
        env.molsieve(["run", &fragile(&env, &[], ""), "--dir", "d", "--workers", "1"]).exits(0);
        assert_isolated(&env, &healthy, &[(at, "crash")]);
        let runs = runs(&env);
        // The whole, two for each of seven levels, and the culprit alone once more.
        assert!(runs.len() <= 16, "{structure} at {at}: {runs:?}");
        assert!(runs.iter().filter(|records| **records == 1).count() >= 2, "it was judged alone, twice: {runs:?}");
    }
}

#[test]
fn two_such_records_are_both_found_and_are_still_a_few_calls() {
    let healthy = healthy();
    for (one, other) in [(3, 80), (40, 41), (49, 50)] {
        let env = place_with(&[(one, "[Po]"), (other, "[At]")]);
        env.molsieve(["run", &fragile(&env, &[], ""), "--dir", "d", "--workers", "1"]).exits(0);
        assert_isolated(&env, &healthy, &[(one, "crash"), (other, "crash")]);
        assert!(runs(&env).len() <= 31, "{:?}", runs(&env));
    }
}

#[test]
fn a_record_that_hangs_is_found_beside_one_that_kills() {
    let healthy = healthy();
    let env = place_with(&[(20, "[Rn]"), (21, "[Po]")]);
    env.molsieve(["run", &fragile(&env, &[], "timeout = \"3s\""), "--dir", "d", "--workers", "1"]).exits(0);
    assert_isolated(&env, &healthy, &[(20, "timeout"), (21, "crash")]);
}

#[test]
fn a_program_that_always_dies_is_told_early_and_what_it_said_can_be_found() {
    let env = place_with(&[]);
    let file = fragile(&env, &["always"], "");
    env.molsieve(["run", &file, "--dir", "d", "--workers", "1"])
        .exits(3)
        .says("the first 16 records that the scorer was given are all ERROR (crash, timeout or oom), each asked alone")
        .says("molsieve logs");
    // Each of the sixteen alone twice, and the calls with many that led to them: not two a record.
    assert!(runs(&env).len() <= 60, "{:?}", runs(&env));
    assert_eq!(env.facts(["status", "d"])["pause"], "all_errors");
    let logs = env.molsieve(["logs", "d", "stderr", "--lines", "200"]).exits(0);
    logs.says("cannot load the receptor").says("the program ended with exit code 1").says("fragile.py\"");
}

#[test]
fn who_resumes_gets_past_the_records_that_stopped_a_worker() {
    let env = place_with(&(0..20).map(|at| (at, "[Po]")).collect::<Vec<_>>());
    env.molsieve(["run", &fragile(&env, &[], ""), "--dir", "d", "--workers", "1"])
        .exits(3)
        .says("the first 16 records");
    env.molsieve(["resume", "d", "--workers", "1"]).exits(0).says("100 records: 80 OK");
}

#[test]
fn records_that_are_lost_again_do_not_stop_a_worker_where_others_have_results() {
    let env = place_with(&(30..60).map(|at| (at, "[Po]")).collect::<Vec<_>>());
    env.molsieve(["run", &fragile(&env, &[], ""), "--dir", "d", "--workers", "1"]).exits(0).says("100 records: 70 OK");
    env.molsieve(["retry", "d", "--errors", "--dir", "again"]).exits(0);
    env.molsieve(["resume", "again", "--workers", "1"]).exits(0).says("100 records: 70 OK");
}

#[test]
fn a_result_of_a_program_that_ends_badly_is_no_result() {
    let healthy = healthy();
    let env = place_with(&[(64, "[Fr]")]);
    env.molsieve(["run", &fragile(&env, &[], ""), "--dir", "d", "--workers", "1"]).exits(0);
    assert_isolated(&env, &healthy, &[(64, "crash")]);
    // Unless the campaign file says that this is how it ends.
    let env = place_with(&[(64, "[Fr]")]);
    env.molsieve(["run", &fragile(&env, &[], "ok_exit = [0, 3]"), "--dir", "d", "--workers", "1"]).exits(0);
    assert!(rows(&env, "d")[64].starts_with("64,id 64,OK,,"));
}
