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
    let script = "case $1 in CC) echo score n/a; echo no atom >&2;; CCC) echo no luck; echo;; CCCC) echo bye; echo oh dear >&2; exit 4;; *) echo score 1;; esac";
    run(&env, "each", script, &["{structure}"], PATTERN);
    let of = |record: &str| env.molsieve(["logs", "d", "--record", record]).exits(0);
    of("1")
        .says("molsieve: record 1 (two): bad_value: score = \"n/a\"; exit code 0; ")
        .says("the last line that it printed is `score n/a`; ")
        .says("it.sh\", \"CC\"]")
        .says("record 1 (two): ERROR bad_value")
        .says("record 1 (two): stderr: no atom");
    of("2")
        .says("record 2 (three \\x1b[2J): no_result: the pattern matches nothing; exit code 0; ")
        .says("the last line that it printed is `no luck`; ");
    of("3")
        .says("record 3 (four): the program ended with exit code 4; ")
        .says("the last line that it printed is `bye`; ")
        .says("record 3 (four): stderr: oh dear")
        .says("record 3 (four): its translator ended");
    let raw = env.molsieve(["logs", "d"]).exits(0);
    assert!(!raw.stdout().contains("PoolFacts"), "{}", raw.stdout());
    raw.says("\noh dear\n").says("all records are finished").says("  children=");
    of("0").says("record 0 (one): OK; no log says more");
    env.molsieve(["logs", "d", "--record", "4"])
        .exits(2)
        .says("there is no record 4: the library has 4")
        .says("0 to 3");
    let facts = env.facts(["logs", "d", "--record", "1"]);
    assert_eq!(facts["files"].as_array().unwrap().len(), 1, "{facts}");
    let record = serde_json::json!({"state": "finished", "id": "two", "outcome": "ERROR", "reason": "bad_value"});
    assert_eq!(facts["record"], record);
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
    of("1").says("record 1 (two): bad_value: score = \"nan\"; exit code 0; command [").says("\"{in}\", \"{out}\"]");
    of("2").says("record 2 (three): no_result: its output has no row of it; exit code 0; command [");
}

#[test]
fn a_time_out_and_a_broken_reply_are_told_with_their_record() {
    let env = TestEnv::new();
    env.write("library.smi", "C\tone\nCC\ttwo\nCCC\tthree\n");
    let script =
        "case $1 in CC) echo waiting >&2; sleep 100;; CCC) head -c 17000000 /dev/zero;; *) echo score 1;; esac";
    run(&env, "each", script, &["{structure}"], &format!("{PATTERN}\ntimeout = \"1s\""));
    let of = |record: &str| env.molsieve(["logs", "d", "--record", record]).exits(0);
    of("1")
        .says("record 1 (two): no answer within 1 s, so its child was killed")
        .says("record 1 (two): stderr: waiting");
    of("2").says("record 2 (three): a broken reply: it prints more than 16 MiB");
}

#[test]
fn a_batch_that_died_is_told_with_what_it_said_the_record_alone_first() {
    let env = TestEnv::new();
    env.write("library.smi", "C\tone\nCC\ttwo\nCCC\tthree\nCCCC\tfour\n");
    let script = "echo begun; grep -q \"^CC\t\" \"$1\" && { echo no such atom >&2; exit 3; }\n\
                  { printf 'ordinal\\tscore\\n'; cut -f2 \"$1\" | while read -r n; do printf '%s\\t1\\n' $n; done; } > \"$2\"\n";
    run(&env, "batch", script, &["{in}", "{out}"], "");
    let one = env.molsieve(["logs", "d", "--record", "1"]).exits(0);
    let (text, all) = (one.stdout(), env.molsieve(["logs", "d", "--record", "1", "--all"]).exits(0).stdout());
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
    assert!(text.starts_with("record 1 (two): ERROR crash\n"), "{text}");
    let alone = at("record 1 (two): the program ended with exit code 3; command [");
    assert!(alone < at("record 1 (two): stderr: begun") && at("{in}") < at("record 1 (two): stderr: no such atom"));
    assert!(at("record 1 (two): stderr: no such atom") < at("molsieve: records "), "{text}");
    assert!(!text.contains("/in.smi") && text.matches("(4 of them): the program").count() == 0, "{text}");
    assert_eq!(all.matches("(4 of them): the program").count(), 1, "{all}");
}

#[test]
fn what_a_jsonl_scorer_said_is_told_with_the_record_that_it_was_asked() {
    let env = TestEnv::new();
    env.write("library.smi", "C\tone\nCC\ttwo\nCCC\tthree\nCCCC\tfour\n");
    let script = r#"
import json, sys
print("loaded", file=sys.stderr, flush=True)
print(json.dumps({"name": "it", "version": "1", "columns": [{"name": "score", "type": "float"}], "reasons": ["odd"],
                  "deterministic": True, "batch_size": 1}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    [[o, _, s, _]] = request["records"]
    if s == "CC":
        print("cannot embed\x1b[2J", file=sys.stderr, flush=True)
    if s == "CCC":
        raise ValueError("no such atom")
    result = [o, "ERROR", "odd"] if s in ("CC", "CCCC") else [o, "OK", {"score": 1}]
    print(json.dumps({"seq": request["seq"], "results": [result]}), flush=True)
"#;
    let script = env.write("it.py", script);
    let file = env.campaign("c").library_format("delimiter = \"tab\"").python(&script, &[]).write();
    env.molsieve(["run", &file, "--dir", "d", "--workers", "1"]).exits(0);
    let of = |record: &str| env.molsieve(["logs", "d", "--record", record]).exits(0);
    of("1").says("record 1 (two): ERROR odd\n").says("record 1 (two): the scorer answers ERROR odd\n");
    of("1").says("record 1 (two): stderr: cannot embed\\x1b[2J");
    of("2").says("record 2 (three): ERROR crash\n").says("record 2 (three): its child died (exit code 1)");
    of("2").says("record 2 (three): stderr: ValueError: no such atom");
    assert!(!of("1").stdout().contains("Value") && !of("2").stdout().contains("embed"));
    of("3").says("record 3 (four): ERROR odd, a reason that the scorer gave; no log says more");
}
