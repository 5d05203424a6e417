//! What is wrong with a file of scores is told when the campaign is planned, and nothing is left of the campaign.

use molsieve::digest;

use crate::support::env::TestEnv;

/// A campaign over ten records with `keys` in `[scorer]`.
fn campaign(env: &TestEnv, keys: &str) -> String {
    env.small_library(10);
    env.campaign("c").scorer(&format!("kind = \"precomputed\"\n{keys}")).write()
}

/// Checks that the campaign with these keys is refused by `plan` and by `run`, with what is said.
fn refused(env: &TestEnv, keys: &str, what: &str, hint: &str) {
    let file = campaign(env, keys);
    for command in ["plan", "run"] {
        env.molsieve([command, &file, "--dir", "d"]).exits(2).says(what).says(hint);
        assert!(!env.path("d").exists(), "{keys}");
    }
}

#[test]
fn a_bad_file_of_scores_is_exit_2_before_anything_runs_with_its_name_and_line() {
    let env = TestEnv::new();
    let hash = digest::sha256(b"CCO");
    for (name, text, what, hint) in [
        ("a.csv", "", "a.csv`: it is empty", "id,score"),
        ("a.csv", "id,score\n", "a.csv` holds no score", "header alone"),
        ("a.csv", "id,score\n1,1\ny,nan\n", "a.csv`: line 3: `nan`", "leave the cell empty"),
        ("a.csv", "id,score\nx,inf\n", "a.csv`: line 2: `inf`", "leave the cell empty"),
        ("a.csv", "id,score\nx,1\nx,2\n", "a.csv`: line 3: `x` has the score 2, and 1 in line 2", "keep one score"),
        ("a.csv", "name,score\nx,1\n", "no column `id`", "`id_column`"),
        ("a.csv", "id,affinity\nx,1\n", "no column `score`", "`score_column`"),
        ("a.csv", "decoy_hash,score\nCCO,1\n", "line 2: `CCO` is not the hash", "64 lowercase"),
        ("a.csv", "id,score,weight\nx,1,2\n", "line 2: the weight 2 is not 1", "molecular weight"),
        ("a.csv", "id,score\nx,1,\n", "line 2: it has 3 cells", "quotation marks"),
        ("a.json", "{}", "`schema_version` is missing", "hetero_scores.v1"),
        ("a.json", "{\"schema_version\":\"x\"}", "is `x`, not `hetero_scores.v1`", "hetero_scores.v1"),
        ("a.parquet", "PAR1 and no more", "a.parquet` is truncated, damaged", "write it again"),
        ("a.dat", "id,score\n1,1\n", "does not tell how its scores are written", "format = "),
    ] {
        env.write(name, text);
        refused(&env, &format!("scores = \"{name}\""), what, hint);
    }
    env.write("bytes.csv", b"id,score\n\xff,1\n");
    refused(&env, "scores = \"bytes.csv\"", "line 2: it is not UTF-8", "UTF-8");
    refused(&env, "scores = \"nowhere.csv\"", "nowhere.csv", "check the path");
    refused(&env, "scores = []", "names no file", "scores.csv");
    refused(&env, "", "names no file", "scores.csv");
    env.write("good.csv", format!("id,score\n1,1\n{hash},2\n"));
    refused(&env, "scores = \"good.csv\"\nrdkit_hashes = \"none.csv\"", "none.csv", "check the path");
    refused(&env, "scores = \"good.csv\"\nrdkit_hashes = \"good.csv\"", "no column `rdkit_hash`", "its columns");
}

#[test]
fn a_pin_that_another_file_has_is_refused_and_the_right_one_is_not() {
    let env = TestEnv::new();
    env.write("a.csv", "id,score\n1,1\n");
    let right = digest::sha256(b"id,score\n1,1\n").to_string();
    let wrong = digest::sha256(b"another").to_string();
    refused(&env, &format!("scores = \"a.csv\"\nsha256 = \"{wrong}\""), "not the file that is pinned", "SHA-256");
    refused(
        &env,
        &format!("scores = [{{ path = \"a.csv\", sha256 = \"{wrong}\" }}]"),
        "not the file that is",
        "SHA-256",
    );
    refused(&env, "scores = \"a.csv\"\nsha256 = \"abc\"", "no SHA-256", "sha256sum");
    refused(
        &env,
        &format!("scores = [\"a.csv\", \"a.csv\"]\nsha256 = \"{right}\""),
        "pins one file",
        "table of its own",
    );
    let file = campaign(&env, &format!("scores = \"a.csv\"\nsha256 = \"{}\"", right.to_uppercase()));
    env.molsieve(["plan", &file, "--dir", "d"]).exits(0);
    // Pinned or not, it is the same campaign.
    let file = campaign(&env, "scores = \"a.csv\"");
    env.molsieve(["plan", &file, "--dir", "d"]).exits(0);
    let file = campaign(&env, &format!("scores = \"a.csv\"\nsha256 = \"{wrong}\""));
    env.molsieve(["plan", &file, "--dir", "d"]).exits(2).says("not the file that is pinned");
}

#[test]
fn a_key_that_cannot_be_is_refused_with_what_may_be_said() {
    let env = TestEnv::new();
    env.write("a.csv", "id,score\n1,1\n");
    for (keys, what, hint) in [
        ("scores = \"a.csv\"\nformat = \"xlsx\"", "xlsx", "parquet"),
        ("scores = \"a.csv\"\norder = \"up\"", "up", "desc"),
        ("scores = [{ path = \"a.csv\", order = \"asc\" }]", "there is no key `order`", "path"),
        ("scores = 3", "scores are the path of a file", ""),
        ("scores = \"a.csv\"\nactives = \"a.smi\"", "`scorer.actives` means nothing", "remove it"),
        ("scores = \"a.csv\"\nmax_atoms = 3", "`scorer.max_atoms` means nothing", "remove it"),
        ("score = \"a.csv\"", "`scorer.score` means nothing", "remove it"),
        ("scores = \"a.csv\"\nid_column = \"nmae\"", "no column `nmae`, which `id_column` names", "`id`, `score`"),
    ] {
        let file = campaign(&env, keys);
        env.molsieve(["plan", &file, "--dir", "d"]).exits(2).says(what).says(hint);
    }
    for key in [
        "scores = \"a.csv\"",
        "format = \"csv\"",
        "id_column = 1",
        "score_column = 2",
        "sha256 = \"\"",
        "rdkit_hashes = \"a\"",
    ] {
        let file = env.campaign("foreign").scorer(&format!("kind = \"null\"\n{key}")).write();
        env.molsieve(["plan", &file]).exits(2).says("means nothing to a scorer of kind `null`");
    }
}
