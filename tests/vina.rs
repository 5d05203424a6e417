//! AutoDock Vina, end to end, as it is shipped: scores, poses, a kill.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::env::{TestEnv, project};
use crate::support::guide;

const FILE: &str = "configs/campaigns/vina.toml";

/// Whether Vina and what prepares for it are there; where all must be, their absence is a failure.
fn has_vina() -> bool {
    let runs = |program: &str, args: &[&str]| {
        Command::new(program).args(args).output().is_ok_and(|done| done.status.success())
    };
    let python = project(".venv/bin/python").display().to_string();
    let there = runs("vina", &["--version"]) && runs(&python, &["-c", "import meeko, rdkit"]);
    assert!(there || std::env::var("CI").as_deref() != Ok("true"), "vina, or Meeko in .venv, is missing: run ./setup");
    if !there {
        eprintln!("no vina, or no Meeko in .venv: the docking example was not run");
    }
    there
}

/// A place that looks like this project to the campaign.
fn stage() -> TestEnv {
    let env = TestEnv::new();
    symlink(project(".venv"), env.path(".venv")).unwrap();
    env.write(FILE, fs::read(project(FILE)).unwrap());
    for name in ["dock.py", "pocket.pdbqt", "ten.smi"] {
        let name = format!("examples/vina/{name}");
        env.write(&name, fs::read(project(&name)).unwrap());
    }
    env
}

#[test]
fn ten_molecules_are_docked_and_the_poses_of_the_best_are_kept_whatever_is_killed() {
    if !has_vina() {
        return;
    }
    let env = stage();
    env.molsieve(["run", FILE, "--dir", "quiet"]).exits(0);
    let summary = fs::read_to_string(env.path("quiet/pack/summary.csv")).unwrap();
    let affinities: Vec<f64> = summary
        .lines()
        .filter(|line| line.contains(",OK,"))
        .map(|l| l.rsplit_once(',').unwrap().1.parse().unwrap())
        .collect();
    assert!(affinities.len() >= 7 && affinities.iter().all(|a| (-9.0..0.0).contains(a)), "{summary}");
    assert!(summary.contains(",SKIP,mixture,") && summary.contains(",ERROR,not_prepared,"), "{summary}");

    env.molsieve(["extract", "quiet", "--top", "3", "--out", "poses"]).exits(0).says("3 files of 3 records");
    let table = fs::read_to_string(env.path("poses/files.csv")).unwrap();
    for line in table.lines().skip(1) {
        let (file, row) = line.split_once(',').unwrap();
        let pose = fs::read_to_string(env.path("poses").join(file)).unwrap();
        let best = pose.lines().find_map(|line| line.strip_prefix("REMARK VINA RESULT:")).unwrap();
        let affinity: f64 = row.rsplit_once(',').unwrap().1.parse().unwrap();
        let of_pose: f64 = best.split_whitespace().next().unwrap().parse().unwrap();
        assert!((of_pose - affinity).abs() < 1e-9, "{line}: {of_pose}");
        assert!(pose.lines().any(|line| line.starts_with("ATOM")), "{file} has no atoms");
    }

    let mut killed = env.command(["run", FILE, "--dir", "killed"]);
    let mut killed = killed.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let finished = || {
        let records = &env.facts(["status", "killed"])["records"];
        ["ok", "skip", "error"].iter().filter_map(|key| records[key].as_u64()).sum::<u64>()
    };
    while !env.path("killed/campaign.json").exists() || finished() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing was docked within two minutes");
        std::thread::sleep(Duration::from_millis(50));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    env.molsieve(["run", FILE, "--dir", "killed"]).exits(0);
    assert_eq!(env.payload_of("killed"), env.payload_of("quiet"));
    assert_eq!(env.kept_that_counts("killed"), env.kept_that_counts("quiet"));
}

#[test]
fn the_shipped_pocket_is_what_its_script_makes_and_the_molecules_are_real() {
    let env = TestEnv::new();
    let made = env.path("pocket.pdbqt");
    let script = project("examples/vina/make_pocket.py");
    assert!(Command::new("python3").arg(script).arg(&made).status().unwrap().success());
    assert_eq!(fs::read(made).unwrap(), fs::read(project("examples/vina/pocket.pdbqt")).unwrap());
    let all = fs::read_to_string(project("data/nci_first_5k.smi")).unwrap();
    let ten = fs::read_to_string(project("examples/vina/ten.smi")).unwrap();
    assert_eq!(ten.lines().count(), 10);
    assert!(ten.lines().all(|line| all.lines().any(|other| other == line)));
}

#[test]
fn an_sd_file_is_docked_as_the_guide_says() {
    if !has_vina() {
        return;
    }
    let env = stage();
    let convert = "import sys\nfrom rdkit import Chem\nwith open(sys.argv[1]) as lines, open(sys.argv[2], 'w') as out:\n    for smiles, name in [line.split() for line in lines][:3]:\n        out.write(name + Chem.MolToMolBlock(Chem.MolFromSmiles(smiles)) + '$$$$\\n')";
    let python = project(".venv/bin/python");
    let (from, to) = (env.path("examples/vina/ten.smi"), env.path("vendor.sdf"));
    assert!(Command::new(python).args(["-c", convert]).args([from, to]).status().unwrap().success());
    guide::shell(&env, "gzip vendor.sdf");
    for (language, code) in guide::section("docking.md", "An SD file") {
        if language == "toml" {
            let text = fs::read_to_string(env.path(FILE)).unwrap();
            let (head, rest) = text.split_once("[library]").unwrap();
            let (_, rest) = rest.split_once("[scorer]").unwrap();
            env.write("configs/campaigns/vina-sdf.toml", format!("{head}{code}[scorer]{rest}"));
        } else {
            guide::shell(&env, &code);
        }
    }
    let hits = fs::read_to_string(env.path("vina-sdf/pack/hits.sdf")).unwrap();
    assert_eq!(hits.matches("> <affinity>\n").count(), 3, "{hits}");
}
