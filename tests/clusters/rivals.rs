//! Two of something at once: two drivers, two persons, two campaigns in one place, two users of one name.

use std::path::Path;

use super::scene::{Scene, Wanted};
use super::slurm::until;
use crate::support::env::{MOLSIEVE, processes};

/// The names of all jobs that wait or run, each once.
fn names(scene: &Scene) -> Vec<String> {
    let said = scene.slurm.said("squeue", &["--noheader", "--format=%j"]);
    let mut names: Vec<String> = said.lines().map(|name| name.trim().to_owned()).collect();
    names.sort();
    names.dedup();
    names
}

/// No node begins anything.
fn drained(scene: &Scene, state: &str) {
    for node in ["n1", "n2", "n3", "n4"] {
        scene
            .slurm
            .said("scontrol", &["update", &format!("nodename={node}"), &format!("state={state}"), "reason=test"]);
    }
}

#[test]
fn a_campaign_in_a_remade_directory_leaves_the_jobs_of_the_one_before_alone_and_a_stranger_s_too() {
    let Some(scene) = Scene::new(&[]) else { return };
    drained(&scene, "drain");
    let wanted = Wanted { scheduler: "tasks = 4", ..Wanted::default() };
    scene.submit(&wanted);
    let before = names(&scene);
    std::fs::rename(scene.env.path("d"), scene.env.path("gone")).unwrap();
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    let ours: Vec<String> = names(&scene).into_iter().filter(|name| !before.contains(name)).collect();
    assert_eq!((before.len(), ours.len()), (4, 4), "wave, tick, stand-in and look of each: {before:?} {ours:?}");
    let wave = ours.iter().find(|name| name.ends_with("-1")).unwrap();
    // Jobs that are none of ours, though our name is in theirs; one of another user has it whole.
    let mut strange = Vec::new();
    for name in [format!("{wave}0"), format!("x{wave}"), format!("{wave},x")] {
        scene.slurm.said("sbatch", &["--job-name", &name, "--output=/dev/null", "--mem=10M", "--wrap", "true"]);
        strange.push(name);
    }
    let theirs = rustix::process::geteuid().is_root().then(|| {
        let options = ["--uid=nobody", "--chdir=/", "--output=/dev/null", "--mem=10M", "--parsable"];
        scene.slurm.said("sbatch", &[&options[..], &["--job-name", wave, "--wrap", "true"]].concat()).trim().to_owned()
    });
    scene.does(&["cancel", "d"]);
    let are_gone = || !names(&scene).iter().any(|name| ours.contains(name) && (name != wave || theirs.is_none()));
    until("its own jobs are gone", 30, are_gone);
    let left = names(&scene);
    assert!(before.iter().chain(&strange).all(|name| left.contains(name)), "{left:?}");
    if let Some(theirs) = &theirs {
        let own = scene.slurm.said("squeue", &["--noheader", "--format=%A %u", "--name", wave]);
        assert_eq!(own.trim(), format!("{theirs} nobody"), "of that name only the stranger's is left");
    }
    // The one that was there before can be moved back, and is stopped by its own tags.
    std::fs::rename(scene.env.path("d"), scene.env.path("other")).unwrap();
    std::fs::rename(scene.env.path("gone"), scene.env.path("d")).unwrap();
    scene.does(&["cancel", "d"]);
    until("its jobs are gone too", 30, || !names(&scene).iter().any(|name| before.contains(name)));
}

#[test]
fn a_directory_of_an_earlier_version_has_no_nonce_and_goes_on_without() {
    let Some(scene) = Scene::new(&[]) else { return };
    let file = scene.file(&Wanted { scheduler: "tasks = 4", beside: &[], ..Wanted::default() });
    scene.does(&["plan", &file, "--dir", "d"]);
    let path = scene.env.path("d/campaign.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let nonce = serde_json::from_str::<serde_json::Value>(&text).unwrap()["nonce"].as_str().unwrap().to_owned();
    let old = text.replace(&format!("\"nonce\":\"{nonce}\","), "");
    assert!(!old.contains("nonce"), "{old}");
    std::fs::write(&path, &old).unwrap();
    scene.does(&["submit", &file, "--dir", "d"]);
    scene.await_seal(90);
    scene.await_empty_queue();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), old);
    let pack = std::fs::read_to_string(scene.env.path("d/pack/manifest.json")).unwrap();
    assert!(!pack.contains(&nonce));
}

#[test]
fn a_wave_of_a_driver_that_was_succeeded_while_it_submitted_is_taken_back() {
    let Some(scene) = Scene::new(&[]) else { return };
    // Somebody cancels the campaign before the job is in the queue, and finds none.
    scene.slurm.instead_of("sbatch", &format!("{}\nreal \"$@\"", scene.once("cancel d")));
    let file = scene.file(&Wanted { scheduler: "tasks = 4", beside: &["slow", "slower"], ..Wanted::default() });
    scene.does(&["plan", &file, "--dir", "d"]);
    let said = scene.slurm.molsieve(&scene.env, &["submit", &file, "--dir", "d"]);
    let text = String::from_utf8_lossy(&said.stderr);
    assert_eq!((said.status.code(), scene.once_exited()), (Some(75), Some(0)), "{text}");
    assert!(text.contains("taken over"), "{text}");
    scene.await_empty_queue();
    assert_eq!(scene.facts()["state"], "stopped");
    assert_eq!(scene.events("wave_submitted"), [serde_json::Value::Null; 0]);
}

#[test]
fn a_wave_of_a_driver_that_was_succeeded_while_it_submitted_stays_where_the_successor_goes_on_with_it() {
    let Some(scene) = Scene::new(&[]) else { return };
    // A tick takes over when the job is in the queue, finds it by its tag, and puts a tick behind it.
    let script = format!("real \"$@\"; code=$?\n{}\nexit $code", scene.once("tick d"));
    scene.slurm.instead_of("sbatch", &script);
    let file = scene.file(&Wanted { scheduler: "tasks = 4", ..Wanted::default() });
    scene.does(&["plan", &file, "--dir", "d"]);
    let said = scene.slurm.molsieve(&scene.env, &["submit", &file, "--dir", "d"]);
    let text = String::from_utf8_lossy(&said.stderr);
    assert_eq!((said.status.code(), scene.once_exited()), (Some(75), Some(0)), "{text}");
    scene.take("slow");
    scene.await_seal(90);
    assert_eq!((scene.events("wave_intended").len(), scene.events("wave_ended").len()), (1, 1));
    scene.await_empty_queue();
}

#[test]
fn whoever_takes_over_looks_again_whether_the_campaign_was_cancelled_meanwhile() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.submit(&Wanted { scheduler: "tasks = 4", beside: &["slow", "slower"], ..Wanted::default() });
    scene.await_running(2);
    let ticked = scene.events("ticked").len();
    // A tick asks the cluster for its limits between its first look and its taking over.
    scene.slurm.instead_of("scontrol", &format!("real \"$@\"; code=$?\n{}\nexit $code", scene.once("cancel d")));
    let said = scene.slurm.molsieve(&scene.env, &["tick", "d"]);
    assert_eq!(scene.once_exited(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    scene.await_empty_queue();
    assert_eq!((scene.facts()["state"].as_str(), scene.events("ticked").len()), (Some("stopped"), ticked));
}

#[test]
fn of_two_persons_who_move_a_campaign_at_once_one_does_and_the_other_is_told() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.submit(&Wanted { scheduler: "tasks = 4", beside: &["slow", "slower"], ..Wanted::default() });
    scene.await_running(2);
    scene.slurm.lose_everything();
    scene.await_empty_queue();
    scene.take("slow");
    // The second one does it while the first has looked at the queue and has not taken over.
    let script = format!("real \"$@\"; code=$?\n{}\nexit $code", scene.once("resume d --scheduler local"));
    scene.slurm.instead_of("squeue", &script);
    let said = scene.slurm.molsieve(&scene.env, &["resume", "d", "--scheduler", "local"]);
    let text = String::from_utf8_lossy(&said.stderr);
    assert_eq!((said.status.code(), scene.once_exited()), (Some(75), Some(0)), "{text}");
    assert!(text.contains("somebody else went on with the campaign meanwhile"), "{text}");
    scene.is_as_on_this_machine();
    assert_eq!(scene.events("amended").len(), 1);
}

#[test]
fn a_token_that_speaks_to_the_scheduler_does_not_go_along_to_tasks() {
    let Some(scene) = Scene::new(&[]) else { return };
    // As on a login node where only a token speaks to SLURM: what sbatch has in its environment goes along. (The real commands
    // here would take a token for a wish to use one.)
    for program in ["scontrol", "squeue", "sacct", "scancel"] {
        scene.slurm.instead_of(program, "unset SLURM_JWT\nreal \"$@\"");
    }
    let goes_along = "if [ -n \"$SLURM_JWT\" ]; then for a; do shift; [ \"$a\" = --export=ALL ] && a=\"--export=ALL,SLURM_JWT=$SLURM_JWT\"; set -- \"$@\" \"$a\"; done; fi\nunset SLURM_JWT\nreal \"$@\"";
    scene.slurm.instead_of("sbatch", goes_along);
    let file = scene.file(&Wanted { scheduler: "tasks = 2", beside: &["slow", "slower"], ..Wanted::default() });
    scene.does(&["plan", &file, "--dir", "d"]);
    let mut submit = scene.slurm.command(MOLSIEVE);
    submit.args(["submit", &file, "--dir", "d"]).current_dir(scene.env.path("")).env("SLURM_JWT", "a-secret-token");
    let said = submit.env("MOLSIEVE_HOME", scene.env.path("home")).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    scene.await_running(2);
    let dir = scene.env.path("d").display().to_string();
    let environ = |pid: &u32| std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let has = |environ: &[u8], name: &[u8]| environ.split(|byte| *byte == 0).any(|variable| variable.starts_with(name));
    let score = scene.env.path("").display().to_string();
    let of_tasks = || {
        // (Not what takes the token away, and becomes the worker.)
        let is_molsieve =
            |pid: &u32| std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == Path::new(MOLSIEVE));
        let workers = processes(&["worker", &dir]);
        let all: Vec<Vec<u8>> = workers.iter().filter(|pid| is_molsieve(pid)).map(environ).collect();
        all.into_iter().filter(|all| has(all, b"SLURM_ARRAY_TASK_ID=")).collect::<Vec<_>>()
    };
    until("the workers of both tasks are seen", 30, || of_tasks().len() >= 2);
    let is_here = |pid: &u32| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&score));
    let scorers: Vec<u32> = processes(&["score.py"]).into_iter().filter(is_here).collect();
    let of_tasks: Vec<Vec<u8>> = of_tasks().into_iter().chain(scorers.iter().map(environ)).collect();
    assert!(!of_tasks.iter().any(|all| has(all, b"SLURM_JWT=")), "the token went along");
    scene.take("slow");
    scene.await_seal(90);
    scene.await_empty_queue();
}
