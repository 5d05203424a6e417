//! The protocol `each`.

use super::*;

const PATTERN: &str = r"pattern = '(?m)^RESULT:\s+(?P<score>\S+)'";

/// A campaign called `name` with `tests/scorers/one.py` in `mode`, given `structure` and what `args` say.
fn campaign<'e>(
    env: &'e TestEnv,
    name: &str,
    mode: &str,
    structure: &str,
    args: &[&str],
    more: &str,
) -> CampaignText<'e> {
    let (python, script) = (python(), project("tests/scorers/one.py"));
    let mut argv = vec![python.as_str(), script.to_str().unwrap(), mode, POISON, structure];
    argv.extend(args);
    env.campaign(name).shard(16).scorer(&format!(
        "kind = \"command\"\nprotocol = \"each\"\nargv = [{}]\nname = \"one\"\nversion = \"1\"\n\
         columns = [{{ name = \"score\", order = \"asc\" }}]\n{PATTERN}\n{more}",
        text(&argv)
    ))
}

#[test]
fn a_program_that_prints_a_number_is_a_scorer() {
    let env = place();
    let healthy = run(&env, campaign(&env, "healthy", "ok", "{structure}", &["{seed}"], ""), "healthy");
    assert_eq!((healthy.len(), healthy[0].as_str()), (40, "0,id 0,OK,,28.125"));
    assert!(healthy.iter().all(|row| row.contains(",OK,,")), "{healthy:?}");
    // However the structure reaches it, and wherever the score is found.
    let file = run(&env, campaign(&env, "file", "ok", "{in}", &["{seed31}"], ""), "file");
    let out = run(&env, campaign(&env, "out", "out", "{in}", &["{ordinal}", "{out}"], "source = \"out\""), "out");
    assert_eq!((&file, &out), (&healthy, &healthy));
}

#[test]
fn a_bad_record_is_an_error_of_its_own() {
    let env = place();
    let healthy = run(&env, campaign(&env, "healthy", "ok", "{structure}", &["{seed}"], ""), "healthy");
    for (mode, reason, more) in [
        ("crash", "crash", ""),
        ("exit", "crash", ""),
        ("hang", "timeout", "timeout = \"2s\""),
        ("silent", "no_result", ""),
        ("nan", "bad_value", ""),
        ("flood", "bad_reply", ""),
        ("exit", "no_result", "ok_exit = [0, 3]"),
    ] {
        let dir = format!("{mode}-{reason}");
        let found = run(&env, campaign(&env, &dir, mode, "{structure}", &["{seed}"], more), &dir);
        assert_only_poison(&found, &healthy, &format!("{POISON_ORDINAL},id {POISON_ORDINAL},ERROR,{reason},"));
    }
}

#[test]
fn a_structure_is_never_taken_for_an_option_and_never_for_more_than_one_argument() {
    let env = TestEnv::new();
    let hostile = "-rf\ta\n--help\tb\n@/etc/passwd\tc\nCC O; touch pwned\td\n$(touch pwned)\te\n{seed}\tf\nC'\"`\tg\n";
    env.write("library.smi", hostile);
    let more = "\n[limits]\nmax_error_rate = 1.0\n";
    let of = |name: &str, structure: &str| {
        let campaign = campaign(&env, name, "arguments", structure, &["{seed}"], "");
        run(&env, campaign.library_format("delimiter = \"tab\"").with(more), name)
    };
    let refused = |ordinal: usize, id: &str| format!("{ordinal},{id},ERROR,unsafe_structure,");
    let given = |ordinal: usize, id: &str| format!("{ordinal},{id},OK,,5");
    let rows = of("bare", "{structure}");
    assert_eq!(rows[..3], [refused(0, "a"), refused(1, "b"), refused(2, "c")]);
    assert_eq!(rows[3..], [given(3, "d"), given(4, "e"), given(5, "f"), given(6, "g")]);
    // Behind a word of ours, it cannot begin an option.
    let rows = of("behind", "--smiles={structure}");
    assert_eq!(rows[0], given(0, "a"));
    assert!(!env.path("pwned").exists());
}

#[test]
fn each_record_has_the_seed_of_its_structure() {
    let env = place();
    let of = |name: &str, seed: u64, shard: u64, field: &str| {
        run(&env, campaign(&env, name, "seed", "{structure}", &[field], "").seed(seed).shard(shard), name)
    };
    let first = of("first", 1, 16, "{seed}");
    assert_eq!(first, of("second", 1, 7, "{seed}"));
    let other = of("other", 2, 16, "{seed}");
    assert!(first.iter().zip(&other).all(|(a, b)| a != b));
    for row in of("small", 1, 16, "{seed31}") {
        let seed: f64 = row.rsplit(',').next().unwrap().parse().unwrap();
        assert!((1.0..2_147_483_648.0).contains(&seed), "{row}");
    }
}

#[test]
fn a_campaign_that_cannot_work_is_refused_before_any_work() {
    let env = place();
    for (name, structure, args, more, says) in [
        ("unknown", "{smiles}", &["x"][..], "", "`{smiles}`, which stands for nothing"),
        ("nothing", "x", &["x"], "", "`{structure}` or `{in}`"),
        ("out", "{structure}", &["x"], "source = \"out\"", "no element of `scorer.argv` holds `{out}`"),
        ("size", "{structure}", &["x"], "batch_size = 2", "`scorer.batch_size` means nothing"),
        ("gpu", "{structure}", &["{gpu}"], "", "a task has no GPU"),
    ] {
        let file = campaign(&env, name, "ok", structure, args, more).write();
        env.molsieve(["plan", &file, "--dir", name]).exits(2).says(says);
        assert!(!env.path(name).join("campaign.json").exists());
    }
    let other = campaign(&env, "group", "ok", "{structure}", &["x"], "").write();
    let text = std::fs::read_to_string(env.path(&other)).unwrap();
    env.write(&other, text.replace("(?P<score>", "(?P<affinity>"));
    env.molsieve(["plan", &other, "--dir", "group"]).exits(2).says("`(?P<score>…)`");
}

/// A campaign with a shell script as its program.
fn shell(env: &TestEnv, name: &str, script: &str, args: &[&str], columns: &str) -> String {
    env.write(&format!("{name}.sh"), script);
    let script = format!("{name}.sh");
    let mut argv = vec!["sh", script.as_str()];
    argv.extend(args);
    env.campaign(name)
        .scorer(&format!(
            "kind = \"command\"\nprotocol = \"each\"\nargv = [{}]\nname = \"sh\"\nversion = \"1\"\n{columns}",
            text(&argv)
        ))
        .library_format("delimiter = \"tab\"")
        .write()
}

#[test]
fn an_empty_id_does_not_let_a_structure_begin_an_option() {
    let env = TestEnv::new();
    env.write("library.smi", "-o/etc/passwd\t\n@/etc/passwd\t\nCC\t\n");
    let columns = format!("columns = [{{ name = \"score\" }}]\n{PATTERN}");
    let file = shell(&env, "seen", "echo \"$1\" >> seen\necho RESULT: 1\n", &["{id}{structure}"], &columns);
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    assert_eq!(rows(&env, "d"), ["0,,ERROR,unsafe_structure,", "1,,ERROR,unsafe_structure,", "2,,OK,,1"]);
    assert_eq!(std::fs::read_to_string(env.path("seen")).unwrap(), "CC\n", "nothing else was ever started");
}

#[test]
fn a_score_counts_though_a_child_in_the_background_holds_the_output_open() {
    let env = TestEnv::new();
    env.write("library.smi", "C\ta\n");
    let columns = format!("columns = [{{ name = \"score\" }}]\n{PATTERN}");
    let file = shell(&env, "fork", "echo RESULT: 2.5\nsleep 30 &\n", &["{structure}"], &columns);
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    assert_eq!(rows(&env, "d"), ["0,a,OK,,2.5"]);
}

#[test]
fn a_score_that_the_library_planted_is_not_taken_and_an_anchored_pattern_finds_the_true_one() {
    let env = TestEnv::new();
    env.write("library.smi", "C\tRESULT: -99 kcal\nCC\tplain\nCCC\t7.5\n");
    // It repeats the id, as docking programs do with the name of a ligand, and in the last case nothing but a number.
    let script = "case $2 in CCC) ;; *) echo \"ligand $1\";; esac\necho RESULT: 7.5\n";
    let of = |name: &str, pattern: &str| {
        let columns = format!("columns = [{{ name = \"score\" }}]\npattern = '{pattern}'");
        let file = shell(&env, name, script, &["{id}", "{structure}"], &columns);
        env.molsieve(["run", &file, "--dir", name]).exits(0);
        rows(&env, name)
    };
    let (plain, number) = ("1,plain,OK,,7.5", "2,7.5,OK,,7.5");
    let found = of("loose", r"RESULT:\s+(?P<score>\S+)");
    assert_eq!(found, ["0,RESULT: -99 kcal,ERROR,unsafe_structure,", plain, number]);
    let told = env.molsieve(["logs", "loose", "--record", "0"]).exits(0);
    told.says("`RESULT: -99` is matched in what it repeats of the record");
    let found = of("anchored", r"(?m)^RESULT:\s+(?P<score>\S+)");
    assert_eq!(found, ["0,RESULT: -99 kcal,OK,,7.5", plain, number]);
}

#[test]
fn a_program_that_asks_for_no_file_is_given_none() {
    let env = TestEnv::new();
    env.write("library.smi", "C\ta\n");
    let columns = format!("columns = [{{ name = \"score\" }}]\n{PATTERN}");
    let script = "echo RESULT: $(ls -A \"$1\" | wc -l)\n";
    let without = shell(&env, "without", script, &["{tmp}", "{structure}"], &columns);
    let with = shell(&env, "with", script, &["{tmp}", "{in}"], &columns);
    for (file, dir, count) in [(without, "without", 0), (with, "with", 1)] {
        env.molsieve(["run", &file, "--dir", dir]).exits(0);
        assert_eq!(rows(&env, dir), [format!("0,a,OK,,{count}")]);
    }
}

#[test]
fn a_score_of_a_program_that_ends_badly_does_not_count_unless_that_is_how_it_ends() {
    let env = TestEnv::new();
    env.write("library.smi", "C\ta\n");
    for (name, more, exit, row) in [("bad", "", 3, "0,a,ERROR,crash,"), ("fine", "\nok_exit = [0, 3]", 0, "0,a,OK,,2")]
    {
        let columns = format!("columns = [{{ name = \"score\" }}]\n{PATTERN}{more}");
        let file = shell(&env, name, "echo RESULT: 2\nexit 3\n", &["{structure}"], &columns);
        env.molsieve(["run", &file, "--dir", name]).exits(exit);
        // A campaign of errors alone is sealed only if somebody wants it.
        env.molsieve(["resume", name, "--max-error-rate", "1"]).exits(0);
        assert_eq!(rows(&env, name), [row]);
    }
}

#[test]
fn a_line_of_a_molblock_and_an_id_that_is_cut_are_no_scores_even_where_they_begin_a_line() {
    let env = TestEnv::new();
    let block = |name: &str, comment: &str| {
        format!(
            "{name}\n  x\n{comment}\n  1  0  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.0000 C   0  0\nM  END\n$$$$\n"
        )
    };
    env.write("library.sdf", block("honest", "c") + &block("m1", "RESULT: -99") + &block("RESULT:\t-98", ""));
    let columns = format!("columns = [{{ name = \"score\" }}]\n{PATTERN}");
    let file = shell(
        &env,
        "header",
        "echo loaded\necho \"${1#--m=}\" | head -3\necho RESULT: -1\n",
        &["--m={structure}"],
        &columns,
    );
    let text = std::fs::read_to_string(env.path(&file)).unwrap();
    env.write(&file, text.replace("library.smi", "library.sdf").replace("delimiter = \"tab\"", ""));
    env.molsieve(["run", &file, "--dir", "sdf"]).exits(0);
    let outcomes = |dir: &str| -> Vec<String> {
        let cells = |row: &String| row.split(',').skip(2).collect::<Vec<_>>().join(",");
        rows(&env, dir).iter().map(cells).collect()
    };
    assert_eq!(outcomes("sdf"), ["OK,,-1", "ERROR,unsafe_structure,", "ERROR,unsafe_structure,"]);
    let long = format!("CO\tRESULT: -99 {}\nCCO\thonest\nCF\t99\n", "A".repeat(100));
    env.write("library.smi", long);
    let file = shell(
        &env,
        "cut",
        "echo name:\necho \"$1\" | cut -c 1-60\necho RESULT: -1\n",
        &["{id}", "{structure}"],
        &columns,
    );
    env.molsieve(["run", &file, "--dir", "smi"]).exits(0);
    assert_eq!(outcomes("smi"), ["ERROR,unsafe_structure,", "OK,,-1", "OK,,-1"]);
}
