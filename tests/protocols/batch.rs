//! The protocol `batch`.

use super::*;

const COLUMNS: &str =
    "columns = [{ name = \"score\", order = \"asc\" }, { name = \"note\", type = \"string\", optional = true }]";

/// A campaign called `name` with `tests/scorers/table.py` in `mode`; `more` are further lines of `[scorer]`.
fn campaign<'e>(env: &'e TestEnv, name: &str, mode: &str, args: &[&str], more: &str) -> CampaignText<'e> {
    let (python, script) = (python(), project("tests/scorers/table.py"));
    let mut argv = vec![python.as_str(), script.to_str().unwrap(), mode, POISON, "{in}", "{out}"];
    argv.extend(args);
    env.campaign(name).shard(16).scorer(&format!(
        "kind = \"command\"\nprotocol = \"batch\"\nargv = [{}]\nname = \"table\"\nversion = \"1\"\n{COLUMNS}\n{more}",
        text(&argv)
    ))
}

fn healthy(env: &TestEnv) -> Vec<String> {
    run(env, campaign(env, "healthy", "ok", &[], "batch_size = 8"), "healthy")
}

#[test]
fn a_program_that_reads_a_file_and_writes_a_file_is_a_scorer() {
    let env = place();
    let rows = healthy(&env);
    assert_eq!(rows.len(), 40);
    assert_eq!(rows[0], "0,id 0,OK,,28.125,");
    assert!(rows.iter().all(|row| row.contains(",OK,,")), "{rows:?}");
    env.molsieve(["verify", "--allow-unsigned", "healthy/pack"]).exits(0);
}

#[test]
fn a_bad_record_is_an_error_of_its_own() {
    let env = place();
    let healthy = healthy(&env);
    for (mode, reason, more) in [
        ("crash", "crash", ""),
        ("exit", "crash", ""),
        ("hang", "timeout", "timeout = \"3s\""),
        ("missing", "no_result", ""),
        ("nan", "bad_value", ""),
        ("twice", "bad_reply", ""),
        ("unknown", "bad_reply", ""),
        ("garbage", "bad_reply", ""),
        // It gives up at that record, and says nothing of those after it: they are not to blame.
        ("stops", "no_result", ""),
    ] {
        let rows = run(&env, campaign(&env, mode, mode, &[], &format!("batch_size = 8\n{more}")), mode);
        assert_only_poison(&rows, &healthy, &format!("{POISON_ORDINAL},id {POISON_ORDINAL},ERROR,{reason},,"));
    }
}

#[test]
fn the_payload_is_the_same_whatever_the_batch_the_shard_and_the_number_of_workers() {
    let env = place();
    let of = |name: &str, mode: &str, batch: u32, shard: u64, more: &str| {
        let campaign = campaign(&env, name, mode, &[], &format!("batch_size = {batch}"));
        let file = campaign.shard(shard).with(more).write();
        env.molsieve(["run", &file, "--dir", name, "--workers", "2"]).exits(0);
        env.payload_of(name)
    };
    for mode in ["note", "missing", "stops"] {
        let reference = of(&format!("{mode}-1"), mode, 8, 16, "");
        let two = "[resources]\ncpus = 2\n";
        for (name, batch, shard, more) in [("2", 1, 16, ""), ("3", 1000, 40, two), ("4", 3, 5, "")] {
            assert_eq!(of(&format!("{mode}-{name}"), mode, batch, shard, more), reference, "{mode}");
        }
    }
}

#[test]
fn seeds_are_constant_in_arguments_and_of_each_record_in_the_table() {
    let env = place();
    let of = |name: &str, seed: u64, batch: u32, field: &str| {
        let campaign = campaign(&env, name, "seed", &[field], &format!("input = \"csv\"\nbatch_size = {batch}"));
        run(&env, campaign.seed(seed), name)
    };
    let first = of("first", 7, 8, "{seed}");
    assert!(first.iter().all(|row| row.ends_with(",7")), "{first:?}");
    assert_eq!(first, of("second", 7, 3, "{seed31}"));
    let zero = of("zero", 0, 8, "{seed31}");
    assert!(zero.iter().all(|row| row.ends_with(",1")), "0 would be random to many programs");
    assert!(first.iter().zip(&zero).all(|(a, b)| a != b));
}

#[test]
fn fields_are_filled_in_as_single_arguments() {
    let env = place();
    let argv = |more: &[&str], section: &str| {
        let campaign = campaign(&env, "it", "seed", more, &format!("input = \"csv\"\n{section}"));
        campaign.with("[resources]\ncpus = 2\ngpus = 1\n")
    };
    let rows = run(&env, argv(&["threads {threads}; gpu {gpu}; {{seed}} $(touch pwned)"], "threads = 2"), "it");
    assert!(rows[0].ends_with(",threads 2; gpu 0; {seed} $(touch pwned)"), "{}", rows[0]);
    assert!(!env.path("pwned").exists());
}

#[test]
fn gpus_are_those_that_the_scheduler_gave() {
    let env = place();
    let campaign = campaign(&env, "it", "seed", &["{gpu}"], "input = \"csv\"");
    let file = campaign.with("[resources]\ncpus = 1\ngpus = 2\n").write();
    let run = |given: &str, dir: &str| {
        let mut command = env.command(["run", &file, "--dir", dir]);
        crate::support::env::Run(command.env("CUDA_VISIBLE_DEVICES", given).output().unwrap())
    };
    run("5,3", "two").exits(0);
    assert!(rows(&env, "two").iter().all(|row| row.ends_with(",5")), "one child, which shares the first");
    run("5", "one").exits(6).says("asks for 2");
}

#[test]
fn a_stopped_campaign_resumes_to_the_same_payload() {
    let env = place();
    healthy(&env);
    let campaign = campaign(&env, "it", "hang", &[], "batch_size = 8\ntimeout = \"3s\"\ngrace = \"100ms\"");
    let file = campaign.write();
    let mut child = env.command(["run", &file, "--dir", "it"]).spawn().unwrap();
    let journal = env.path("it/journal");
    for _ in 0..1000 {
        if std::fs::read_dir(env.path("it/groups")).is_ok_and(|mut groups| groups.next().is_some()) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(journal.exists());
    std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let code = child.wait().unwrap().code();
    assert!(matches!(code, Some(75 | 0)), "{code:?}");
    env.molsieve(["resume", "it"]).exits(0);
    let poison = format!("{POISON_ORDINAL},id {POISON_ORDINAL},ERROR,timeout,,");
    assert_only_poison(&rows(&env, "it"), &rows(&env, "healthy"), &poison);
}

#[test]
fn what_a_program_started_itself_ends_with_a_killed_worker() {
    let env = place();
    let campaign = campaign(&env, "it", "hang_grandchild", &[], "batch_size = 1\ntimeout = \"10min\"");
    let file = campaign.write();
    let mut driver = env.command(["run", &file, "--dir", "it"]).spawn().unwrap();
    let marker = &["sleep", "6007"][..];
    let until = |wanted: bool| {
        for _ in 0..1500 {
            let there = crate::support::env::processes(marker).iter().any(|pid| *pid != std::process::id());
            if there == wanted {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        false
    };
    assert!(until(true), "the program never started its own");
    let place = env.path("it").display().to_string();
    for pid in crate::support::env::processes(&["worker", &place]) {
        std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
    }
    driver.kill().unwrap();
    driver.wait().unwrap();
    for pid in crate::support::env::processes(&["worker", &place]) {
        std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
    }
    assert!(until(false), "left behind: {:?}", crate::support::env::processes(marker));
}

#[test]
fn a_campaign_that_cannot_work_is_refused_before_any_work() {
    let env = place();
    for (name, args, more, says) in [
        ("unknown", &["{inn}"][..], "", "`{inn}`, which stands for nothing here"),
        ("brace", &["{"], "", "a brace that stands alone"),
        ("structure", &["{structure}"], "", "`{structure}`, which stands for nothing"),
        ("pattern", &[], "pattern = 'x'", "`scorer.pattern` means nothing in the protocol `batch`"),
        ("input", &[], "input = \"sdf\"", "known are: smi, csv"),
        ("size", &[], "batch_size = 0", "`scorer.batch_size` must be from 1"),
        ("threads", &[], "threads = 2", "`scorer.threads` must be from 1 to `resources.cpus`, which is 1"),
        ("gpus", &[], "gpus = 1", "`scorer.gpus` must be from 1 to `resources.gpus`"),
        ("reason", &[], "reasons = [\"crash\"]", "the reason `crash`"),
        ("taken", &[], "reasons = [\"no_result\"]", "`no_result`, which is a reason of molsieve's own"),
        ("keep", &[], "keep = \"/etc/{ordinal}\"", "must begin with `{tmp}/`"),
        ("steps", &[], "keep = \"{tmp}/../{ordinal}\"", "must begin with `{tmp}/` and stay below it"),
        ("one", &[], "keep = \"{tmp}/pose\"", "must hold `{ordinal}`"),
        ("hidden", &[], "keep = \"{tmp}/.{ordinal}.x\"", "`.0.x` is no name for a kept file"),
        ("long", &[], &format!("keep = \"{{tmp}}/{}{{ordinal}}\"", "x".repeat(45)), "18446744073709551615` is no name"),
        ("blank", &[], "keep = \"{tmp}/{ordinal} pose\"", "`0 pose` is no name for a kept file"),
    ] {
        let file = campaign(&env, name, "ok", args, more).write();
        env.molsieve(["plan", &file, "--dir", name]).exits(2).says(says);
        assert!(!env.path(name).join("campaign.json").exists());
    }
    let longest = format!("keep = \"{{tmp}}/{}{{ordinal}}\"", "x".repeat(44));
    let file = campaign(&env, "longest", "ok", &[], &longest).write();
    env.molsieve(["plan", &file, "--dir", "longest"]).exits(0);
    for (gone, says) in [
        ("name = \"table\"\n", "`scorer.name` is missing"),
        ("version = \"1\"\n", "`scorer.version` is missing"),
        ("columns = ", "`scorer.columns` is missing"),
        (", \"{out}\"", "no element of `scorer.argv` holds `{out}`"),
    ] {
        let file = campaign(&env, "gone", "ok", &[], "").write();
        let text = std::fs::read_to_string(env.path(&file)).unwrap();
        let lines = text.lines().filter(|line| gone != "columns = " || !line.starts_with(gone));
        env.write(&file, lines.map(|line| format!("{line}\n")).collect::<String>().replace(gone, ""));
        env.molsieve(["plan", &file, "--dir", "gone"]).exits(2).says(says);
    }
    let jsonl = env.campaign("jsonl").scorer("kind = \"command\"\nargv = [\"sh\"]\nversion = \"1\"").write();
    env.molsieve(["plan", &jsonl, "--dir", "jsonl"]).exits(2).says("means nothing in the protocol `jsonl`");
}

#[test]
fn the_identity_holds_what_changes_an_answer_and_no_path() {
    let env = place();
    let identity = |name: &str, more: &str| {
        let file = campaign(&env, name, "ok", &["{tmp}"], more).write();
        env.molsieve(["plan", &file, "--dir", name]).exits(0);
        let text = std::fs::read_to_string(env.path(name).join("campaign.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["identity"]["scorer"].take()
    };
    let plain = identity("plain", "");
    assert_eq!(plain["argv"].as_array().unwrap()[4..], ["{in}", "{out}", "{tmp}"]);
    assert_eq!(plain["settings"]["protocol"], "batch");
    assert!(!plain.to_string().contains(&env.path("").display().to_string()));
    assert_eq!(plain, identity("size", "batch_size = 9\nthreads = 1"), "they change no answer");
    assert_ne!(plain, identity("input", "input = \"csv\""));
    assert_ne!(plain, identity("exit", "ok_exit = [0, 1]"));
    assert_ne!(plain, identity("deterministic", "deterministic = true"));
}

#[test]
fn a_file_that_is_too_large_is_left_out_and_told_and_its_record_is_as_good_as_without() {
    let env = place();
    let healthy = healthy(&env);
    let keep = "batch_size = 8\nkeep = \"{tmp}/out/{ordinal}.txt\"";
    let found = run(&env, campaign(&env, "large", "keep_large", &["{tmp}"], keep), "large");
    assert_eq!(found, healthy);
    let logs = std::fs::read_dir(env.path("large/logs")).unwrap().map(|entry| entry.unwrap().path());
    let said: String = logs.map(|log| std::fs::read_to_string(log).unwrap_or_default()).collect();
    let bytes = (4 << 20) + POISON.len();
    let what = format!("`{POISON_ORDINAL}.txt` is not kept: it has {bytes} bytes, and the most is 4194304");
    assert!(said.contains(&what), "{said}");
    env.molsieve(["logs", "large", "--record", &POISON_ORDINAL.to_string()]).exits(0).says(&what);
}

#[test]
fn files_that_are_kept_are_named_with_the_results_and_stay_long_enough() {
    use std::io::{BufRead, BufReader, Write};

    let env = place();
    let keep = "keep = \"{tmp}/out/{ordinal}.txt\"";
    let file = campaign(&env, "it", "keep", &["{tmp}"], keep).write();
    env.molsieve(["run", &file, "--dir", "it"]).exits(0);
    assert_eq!(rows(&env, "it").len(), 40);

    // What the translator says, as the pool hears it.
    let text = std::fs::read_to_string(env.path("it/campaign.json")).unwrap();
    let execution = serde_json::from_str::<serde_json::Value>(&text).unwrap()["execution"]["scorer"]["command"].take();
    let spec = serde_json::json!({
        "argv": execution["argv"], "translation": execution["translation"], "batch_size": 8, "threads": 1, "seed": 1,
    });
    let tmp = env.path("tmp");
    std::fs::create_dir(&tmp).unwrap();
    let mut command = env.command(["__translate", &spec.to_string()]);
    command.env("MOLSIEVE_TMP", &tmp).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, mut lines) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()).lines());
    let mut next = || serde_json::from_str::<serde_json::Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["name"], "table");
    let mut kept = Vec::new();
    for seq in 1..=3_u64 {
        writeln!(stdin, "{{\"seq\":{seq},\"records\":[[{seq},\"a\",\"CCO\",9],[{},\"b\",\"C O\",9]]}}", seq + 10)
            .unwrap();
        let reply = next();
        // The second record has no line in the input: nothing is kept of it.
        assert_eq!(reply["files"].as_array().unwrap().len(), 1, "{reply}");
        assert_eq!(reply["results"][1], serde_json::json!([seq + 10, "ERROR", "unsafe_structure"]));
        let [ordinal, name, path] = reply["files"][0].as_array().unwrap().as_slice() else { panic!("{reply}") };
        assert_eq!((ordinal, name), (&serde_json::json!(seq), &serde_json::json!(format!("{seq}.txt"))));
        let path = std::path::PathBuf::from(path.as_str().unwrap());
        assert!(path.starts_with(tmp.canonicalize().unwrap()), "{}", path.display());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "CCO");
        kept.push(path);
    }
    let there: Vec<bool> = kept.iter().map(|path| path.exists()).collect();
    assert_eq!(there, [false, true, true], "until the request after next was read");
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn two_names_for_one_file_are_two_kept_files() {
    let env = TestEnv::new();
    env.write("library.smi", "C\ta\nCC\tb\n");
    env.write(
        "link.sh",
        "printf 'ordinal\\tscore\\n' > \"$2\"\necho pose > \"$3/shared\"\n\
         cut -f2 \"$1\" | while read -r n; do printf '%s\\t%s\\n' \"$n\" \"$n\" >> \"$2\"; ln -sf shared \"$3/$n.pose\"; done\n",
    );
    let scorer = "kind = \"command\"\nprotocol = \"batch\"\nargv = [\"sh\", \"link.sh\", \"{in}\", \"{out}\", \"{tmp}\"]\n\
                  name = \"link\"\nversion = \"1\"\ncolumns = [{ name = \"score\" }]\nkeep = \"{tmp}/{ordinal}.pose\"";
    let file = env.campaign("link").scorer(scorer).with("[pack]\nkeep = 2").write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    env.molsieve(["extract", "d", "--top", "2", "--out", "poses"]).exits(0);
    let poses = std::fs::read_dir(env.path("poses")).unwrap().flatten();
    let poses = poses.filter(|e| e.file_name().to_string_lossy().ends_with(".pose"));
    assert_eq!(poses.map(|e| std::fs::read_to_string(e.path()).unwrap()).collect::<Vec<_>>(), ["pose\n", "pose\n"]);
}
