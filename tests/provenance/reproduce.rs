//! The request of a pack is computed again: by others, elsewhere, from their own copies of the inputs.

use serde_json::json;

use super::{signed, unsigned};
use crate::support::env::{TestEnv, small_library};

#[test]
fn a_pack_alone_and_a_campaign_file_elsewhere_give_the_same_payload() {
    let env = signed();
    let elsewhere = TestEnv::new();
    std::fs::copy(env.path("d/pack/evidence_pack.zip"), elsewhere.path("theirs.zip")).unwrap();
    elsewhere.write("mine/molecules.smi", small_library(100));
    let file = elsewhere.campaign("mine").library("mine/molecules.smi").shard(7).write();
    let run = elsewhere.molsieve(["reproduce", "theirs.zip", "--campaign", &file, "--dir", "again"]).exits(0);
    run.says("REPRODUCED: all 100 rows").says("campaign name is another");
    assert_eq!(elsewhere.payload_of("again"), env.payload_of("d"));
    let facts = elsewhere.facts(["reproduce", "theirs.zip", "--campaign", &file, "--dir", "again"]);
    assert_eq!((&facts["verdict"], &facts["rows"]["same"]), (&json!("reproduced"), &json!(100)));
    assert_eq!(facts["payload_digest"], facts["again"]);
}

#[test]
fn a_campaign_directory_says_where_its_inputs_are() {
    let env = signed();
    env.molsieve(["reproduce", "d", "--from", "d", "--dir", "again"]).exits(0).says("REPRODUCED");
    assert_eq!(env.payload_of("again"), env.payload_of("d"));
    env.molsieve(["reproduce", "d", "--from", "d", "--dir", "d"]).exits(2).says("is the campaign that the pack is of");
    env.molsieve(["reproduce", "d/pack", "--from", "d", "--dir", "./d/../d"]).exits(2);
    env.molsieve(["reproduce", "d", "--from", "nowhere"]).exits(2);
    env.molsieve(["reproduce", "d"]).exits(2);
    env.write("home-of-others/x", "x");
    env.molsieve(["reproduce", "d", "--from", "d", "--dir", "home-of-others"]).exits(2).says("other things");
}

#[test]
fn whatever_the_payload_depends_on_is_named_before_anything_is_computed() {
    let env = unsigned();
    env.write("other.smi", small_library(99));
    env.write("same-size.smi", small_library(100).replacen('C', "N", 1));
    let similar = format!("kind = \"similarity\"\nactives = \"{}\"", "library.smi");
    let cases = [
        (env.campaign("seed").seed(2).write(), vec!["different are: seed"]),
        (env.campaign("records").library("other.smi").write(), vec!["library records", "library root"]),
        (env.campaign("root").library("same-size.smi").write(), vec!["different are: library root"]),
        (env.campaign("scorer").scorer(&similar).write(), vec!["scorer kind", "scorer columns", "scorer file `"]),
    ];
    for (file, words) in cases {
        let dir = format!("{file}.d");
        let run = env.molsieve(["reproduce", "d", "--campaign", &file, "--dir", &dir]).exits(2);
        assert!(words.iter().all(|word| run.stderr().contains(word)), "{words:?} in {run}");
        assert!(!env.path(&dir).join("groups").exists(), "nothing was computed");
    }
    env.write("library.smi", small_library(100).replacen('C', "N", 1));
    env.molsieve(["reproduce", "d", "--from", "d", "--dir", "changed"]).exits(2).says("library root");
}

#[test]
fn another_answer_is_exit_4_with_the_first_row_that_differs() {
    let env = TestEnv::new();
    env.small_library(40);
    let script = env.write(
        "moody.py",
        "import json, sys\nprint(json.dumps({'name': 'moody', 'version': '1', 'columns': [{'name': 'score', 'type': \
         'float'}], 'batch_size': 8, 'deterministic': True}), flush=True)\nfor line in sys.stdin:\n    r = \
         json.loads(line)\n    m = float(open('mood').read())\n    print(json.dumps({'seq': r['seq'], 'results': [[o, \
         'OK', {'score': m if o in (11, 30) else 1}] for o, _, _, _ in r['records']]}), flush=True)\n",
    );
    env.write("mood", "1");
    let file = env.campaign("c").python(&script, &[]).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    env.write("mood", "2");
    let run = env.molsieve(["reproduce", "d", "--campaign", &file, "--dir", "again"]).exits(4);
    run.says("NOT REPRODUCED: 2 of 40 rows differ").says("the first is record 11").says("11,12,OK,,2");
    let facts = env.facts(["reproduce", "d", "--campaign", &file, "--dir", "again"]);
    assert_eq!(facts["verdict"], "not_reproduced");
    assert_eq!(facts["rows"]["first"], json!({"ordinal": 11, "pack": "11,12,OK,,1", "again": "11,12,OK,,2"}));
}

#[test]
fn circumstantial_rows_are_explained_and_no_failure() {
    let env = TestEnv::new();
    env.small_library(40);
    let script = env.write(
        "dies.py",
        "import json, sys\nprint(json.dumps({'name': 'dies', 'version': '1', 'columns': [], 'batch_size': 8, \
         'deterministic': True}), flush=True)\nfor line in sys.stdin:\n    r = json.loads(line)\n    if \
         open('mood').read() == 'bad' and any(o == 5 for o, *_ in r['records']): sys.exit(9)\n    \
         print(json.dumps({'seq': r['seq'], 'results': [[o, 'OK', {}] for o, *_ in r['records']]}), flush=True)\n",
    );
    env.write("mood", "bad");
    let file = env.campaign("c").python(&script, &[]).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    env.write("mood", "good");
    let run = env.molsieve(["reproduce", "d", "--campaign", &file, "--dir", "again"]).exits(0);
    run.says("REPRODUCED, but for 1 circumstantial rows of 40").says("no pack claims that it comes again");
}

#[test]
fn a_reproduction_is_never_signed_and_an_unsound_pack_is_not_reproduced() {
    let env = signed();
    let file = env.campaign("first").with("[pack]\nkey = \"k.pem\"").write();
    env.molsieve(["reproduce", "d", "--campaign", &file, "--dir", "again"]).exits(0).says("REPRODUCED");
    assert!(!env.path("again/pack/attestation.dsse.json").exists());
    env.molsieve(["audit", "verify"]).exits(0).says("1 events");
    env.write("d/pack/metrics.json", "{}");
    env.molsieve(["reproduce", "d", "--campaign", &file, "--dir", "b"]).exits(4).says("cannot be reproduced");
}

#[test]
fn a_reproduction_that_was_killed_goes_on_where_it_was() {
    let env = signed();
    let reproduce = ["reproduce", "d", "--from", "d", "--dir", "again"];
    let killed = [3, 9, 15, 25, 40, 70].into_iter().filter(|at| {
        let mut command = env.command(reproduce);
        !command.env("MOLSIEVE_FAULT", format!("kill@{at}")).output().unwrap().status.success()
    });
    assert!(killed.count() > 1);
    env.molsieve(reproduce).exits(0).says("REPRODUCED: all 100 rows");
}
