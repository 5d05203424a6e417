//! What the logs say of a record that failed: which, what was seen, which command, and how it ended.

use super::*;

/// Runs a shell script that is given the record as `args` say; `more` are further lines of `[scorer]`.
fn run(env: &TestEnv, protocol: &str, script: &str, args: &[&str], more: &str) {
    env.write("it.sh", script);
    let mut argv = vec!["sh", "it.sh"];
    argv.extend(args);
    let scorer = format!(
        "kind = \"command\"\nprotocol = \"{protocol}\"\nargv = [{}]\nname = \"sh\"\nversion = \"1\"\n\
         columns = [{{ name = \"score\" }}]\n{more}",
        text(&argv)
    );
    let file = env.campaign("c").library_format("delimiter = \"tab\"").scorer(&scorer).write();
    env.molsieve(["run", &file, "--dir", "d", "--workers", "1"]).exits(0);
}

const PATTERN: &str = "pattern = '(?m)^score (?P<score>.+)$'";

#[test]
fn what_an_each_program_printed_is_told_with_its_record_its_command_and_its_end() {
    let env = TestEnv::new();
    env.write("library.smi", "C\tone\nCC\ttwo\nCCC\tthree \u{1b}[2J\nCCCC\tfour\n");
    let script =
        "case $1 in CC) echo score n/a;; CCC) echo no luck; echo;; CCCC) echo bye; exit 4;; *) echo score 1;; esac";
    run(&env, "each", script, &["{structure}"], PATTERN);
    let of = |record: &str| env.molsieve(["logs", "d", "--record", record]).exits(0);
    of("1")
        .says("molsieve: record 1 (two): bad_value: score = \"n/a\"; exit code 0; ")
        .says("the last line that it printed is `score n/a`; ")
        .says("it.sh\", \"CC\"]");
    of("2")
        .says("record 2 (three \\x1b[2J): no_result: the pattern matches nothing; exit code 0; ")
        .says("the last line that it printed is `no luck`; ");
    of("3")
        .says("record 3 (four): the program ended with exit code 4; ")
        .says("the last line that it printed is `bye`; ")
        .says("record 3 (four): its translator ended");
    of("0").says("no log says anything of record 0");
    let facts = env.facts(["logs", "d", "--record", "1"]);
    assert_eq!(facts["files"].as_array().unwrap().len(), 1, "{facts}");
}

#[test]
fn what_a_batch_program_wrote_is_told_likewise() {
    let env = TestEnv::new();
    env.write("library.smi", "C\tone\nCC\ttwo\nCCC\tthree\n#C\tfour\n");
    let script = "{ printf 'ordinal\\tscore\\n'; while read -r s n; do case $s in CC) echo \"$n\tnan\";; CCC) ;; \
                  *) echo \"$n\t1\";; esac; done < \"$1\"; } > \"$2\"\n";
    let script = script
        .replace("echo \"$n\tnan\"", "printf '%s\\tnan\\n' $n")
        .replace("echo \"$n\t1\"", "printf '%s\\t1\\n' $n");
    run(&env, "batch", &script, &["{in}", "{out}"], "");
    let of = |record: &str| env.molsieve(["logs", "d", "--record", record]).exits(0);
    of("1").says("record 1 (two): bad_value: score = \"nan\"; exit code 0; command [").says("in.smi\"");
    of("2").says("record 2 (three): no_result: its output has no row of it; exit code 0; command [");
}

#[test]
fn a_time_out_and_a_broken_reply_are_told_with_their_record() {
    let env = TestEnv::new();
    env.write("library.smi", "C\tone\nCC\ttwo\nCCC\tthree\n");
    let script = "case $1 in CC) sleep 100;; CCC) head -c 17000000 /dev/zero;; *) echo score 1;; esac";
    run(&env, "each", script, &["{structure}"], &format!("{PATTERN}\ntimeout = \"1s\""));
    let of = |record: &str| env.molsieve(["logs", "d", "--record", record]).exits(0);
    of("1").says("record 1 (two): no answer within 1 s, so its child was killed");
    of("2").says("record 2 (three): a broken reply: it prints more than 16 MiB");
}
