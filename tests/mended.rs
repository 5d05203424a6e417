//! Scorers that were wrong and are mended: what begins anew, what goes on, and what needs a directory of its own.

use std::os::unix::fs::PermissionsExt;

use crate::support::env::{TestEnv, finished, python};

/// Writes an executable program of the user's.
fn program(env: &TestEnv, name: &str, text: &str) {
    let path = env.write(name, text);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A campaign file whose `each` scorer is `argv`, and finds its score by `pattern`.
fn each(env: &TestEnv, argv: &str, pattern: &str, more: &str) -> String {
    let scorer = format!(
        "kind = \"command\"\nprotocol = \"each\"\nargv = {argv}\nname = \"s\"\nversion = \"1\"\n\
         columns = [{{ name = \"score\" }}]\npattern = '{pattern}'"
    );
    env.campaign("c").shard(40).scorer(&scorer).with(more).write()
}

const NUMBER: &str = "(?P<score>[0-9]+)";
const PROGRAM: &str = r#"["./prog.sh", "{structure}"]"#;

#[test]
fn a_program_that_is_mended_in_place_begins_anew_with_run_and_resume_keeps_its_errors() {
    for (command, begins_anew) in [("run", true), ("resume", false)] {
        let env = TestEnv::new();
        env.small_library(40);
        program(&env, "prog.sh", "#!/bin/sh\nexit 1\n");
        let file = each(&env, PROGRAM, NUMBER, "");
        env.molsieve(["run", &file, "--dir", "d", "--workers", "1"]).exits(3).says("the first 16 records");
        program(&env, "prog.sh", "#!/bin/sh\necho 7\n");
        if begins_anew {
            let again = env.molsieve([command, &file, "--dir", "d"]).exits(0);
            again.says("begins anew with the scorer as it is now").says("40 records: 40 OK");
        } else {
            env.molsieve([command, "d"]).exits(0).says("40 records: 24 OK, 0 SKIP, 16 ERROR");
        }
        env.molsieve(["verify", "d", "--allow-unsigned"]).exits(0);
    }
}

#[test]
fn what_has_a_result_or_is_meant_so_does_not_begin_anew() {
    let env = TestEnv::new();
    env.small_library(40);
    program(&env, "prog.sh", "#!/bin/sh\necho no number\n");
    env.molsieve(["run", &each(&env, PROGRAM, NUMBER, ""), "--dir", "d"]).exits(3).says("all 40 records are ERROR");
    // `plan` looks and does not begin anything.
    env.molsieve(["plan", &each(&env, PROGRAM, NUMBER, ""), "--dir", "d"]).exits(0);
    assert_eq!(env.facts(["status", "d"])["records"]["error"], 40);
    let meant = each(&env, PROGRAM, NUMBER, "[limits]\nmax_error_rate = 1.0");
    let run = env.molsieve(["run", &meant, "--dir", "d"]).exits(0).says("40 ERROR");
    assert!(!run.stderr().contains("begins anew"), "{}", run.stderr());
}

#[test]
fn a_mistake_in_the_campaign_file_is_mended_there_while_nothing_but_errors_is_there() {
    let env = TestEnv::new();
    env.small_library(40);
    program(&env, "prog.sh", "#!/bin/sh\necho score 7\n");
    env.molsieve(["run", &each(&env, PROGRAM, "skore (?P<score>[0-9]+)", ""), "--dir", "d"]).exits(3);
    // What is not the scorer's makes another campaign, errors or not.
    let other = each(&env, PROGRAM, NUMBER, "[pack]\ntop = 3");
    env.molsieve(["run", &other, "--dir", "d"]).exits(2).says("holds another campaign").says("`pack.top`");
    let mended = each(&env, PROGRAM, NUMBER, "");
    env.molsieve(["run", &mended, "--dir", "d"]).exits(0).says("begins anew").says("40 records: 40 OK");
    let late = each(&env, PROGRAM, "score (?P<score>[0-9]+)", "");
    env.molsieve(["run", &late, "--dir", "d"]).exits(2).says("holds another campaign").says("`scorer.pattern`");
    assert_eq!(env.facts(["status", "d"])["records"]["ok"], 40, "results are not forgotten");
}

/// Answers the first records, and then breaks its protocol for good, whatever it is asked.
const BABBLES: &str = r#"import json, os, sys
gone = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gone")
print(json.dumps({"name": "x", "version": "1", "columns": [{"name": "s", "type": "float"}], "batch_size": 1,
                  "deterministic": True}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    ordinal = request["records"][0][0]
    good = {"seq": request["seq"], "results": [[ordinal, "OK", {"s": 1.0}]]}
    if ordinal >= FROM:
        open(gone, "w").close()
    print("{]" if os.path.exists(gone) else json.dumps(good), flush=True)
"#;

#[test]
fn who_mends_a_scorer_after_some_results_is_told_what_can_go_on_and_what_cannot() {
    let env = TestEnv::new();
    env.small_library(10);
    let scorer = format!("kind = \"command\"\nargv = [{:?}, \"s.py\"]", python());
    let file = env.campaign("c").shard(10).scorer(&scorer).write();
    env.write("s.py", BABBLES.replace("FROM", "4"));
    let broken = env.molsieve(["run", &file, "--dir", "d", "--workers", "1"]).exits(6);
    broken.says("goes on with the same scorer").says("needs a directory of its own");
    assert_eq!(env.facts(["status", "d"])["records"]["ok"], 4);
    env.write("s.py", BABBLES.replace("FROM", "100"));
    std::fs::remove_file(env.path("gone")).unwrap();
    env.molsieve(["resume", "d"]).exits(2).says("`s.py` has another content").says("with another `--dir`");
    env.molsieve(["run", &file, "--dir", "d"]).exits(2).says("the rows that are finished are of that scorer");
    env.molsieve(["run", &file, "--dir", "own"]).exits(0).says("10 records: 10 OK");
}

#[test]
fn a_program_that_cannot_be_executed_is_refused_before_any_work() {
    let env = TestEnv::new();
    env.small_library(3);
    env.write("prog.sh", "#!/bin/sh\necho 7\n");
    let file = each(&env, PROGRAM, NUMBER, "");
    for command in ["plan", "run"] {
        env.molsieve([command, &file, "--dir", "d"]).exits(2).says("is not executable").says("chmod +x");
    }
    std::fs::create_dir(env.path("programs")).unwrap();
    let file = each(&env, r#"["./programs", "{structure}"]"#, NUMBER, "");
    env.molsieve(["run", &file, "--dir", "d"]).exits(2).says("is no file");
    assert!(!env.path("d").exists(), "nothing was begun");
}

#[test]
fn a_program_that_never_began_has_no_exit_code_and_costs_no_record() {
    let env = TestEnv::new();
    env.small_library(40);
    program(&env, "prog.sh", "#!/no/such/interpreter\n");
    let file = each(&env, PROGRAM, NUMBER, "");
    let run = env.molsieve(["run", &file, "--dir", "d", "--workers", "1"]).exits(6);
    let run = run.says("its program could not be started").says("No such file or directory");
    let logs = env.molsieve(["logs", "d", "stderr", "--lines", "200"]).exits(0);
    for said in [run.stderr(), logs.stdout()] {
        assert!(!said.contains("exit code 6"), "{said}");
    }
    assert_eq!(finished(&env.facts(["status", "d"])), 0);
    program(&env, "prog.sh", "#!/bin/sh\necho 7\n");
    env.molsieve(["resume", "d"]).exits(0).says("40 records: 40 OK");
}
