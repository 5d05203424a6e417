//! What the emitted files hold, and what never becomes a line of them.

use std::path::PathBuf;

use super::emit::{DAG_MAX, files};
use super::limits::Limits;
use super::site::{Expression, Files, Site};
use crate::adapter::AdapterError;
use crate::job::{EmittedFile, JobId, JobSpec, JobTag, OwnFiles, Place, Resources, Retry, Tasks, Transfers};
use crate::text::Value;

fn job() -> JobSpec {
    JobSpec {
        tag: JobTag("molsieve-abc-1".into()),
        title: "molsieve: wave 1 of the campaign egfr".into(),
        argv: ["/opt/molsieve", "worker", "/c", "--task"].map(Into::into).to_vec(),
        tasks: Tasks::Array(2),
        running_max: Some(50),
        resources: Resources { cpus: 4, gpus: 0, memory_mib: Some(8192), walltime_s: Some(7200) },
        retry: Some(Retry { times: 1, unless_exit: 2 }),
        file: PathBuf::from("/c/launch/wave-1"),
        logs: PathBuf::from("/c/logs/wave-1.out"),
        ..JobSpec::default()
    }
}

fn tick() -> JobSpec {
    JobSpec {
        tag: JobTag("molsieve-abc-t1".into()),
        title: "molsieve: goes on".into(),
        argv: ["/opt/molsieve", "tick", "/c"].map(Into::into).to_vec(),
        tasks: Tasks::One,
        place: Place::Submitter,
        running_max: None,
        resources: Resources { cpus: 1, gpus: 0, memory_mib: Some(1024), walltime_s: Some(3600) },
        retry: Some(Retry { times: 2, unless_exit: 75 }),
        file: PathBuf::from("/c/launch/tick-1"),
        logs: PathBuf::from("/c/logs/tick.out"),
        ..JobSpec::default()
    }
}

fn render(site: &Site, job: &JobSpec) -> Result<Vec<EmittedFile>, AdapterError> {
    files(site, &Limits::default(), job)
}

fn texts(site: &Site, job: &JobSpec) -> Vec<String> {
    render(site, job).unwrap().into_iter().map(|file| file.text).collect()
}

const WAVE: &str = r#"# molsieve: wave 1 of the campaign egfr
# By hand: condor_submit_dag wave-1.dag

# What it is found by.
SET_JOB_ATTR MolsieveTag = "molsieve-abc-1"
SET_JOB_ATTR MolsieveTasks = 2
SET_JOB_ATTR MolsieveFinalTag = "molsieve-abc-t1"
# For people; nothing is decided by it.
NODE_STATUS_FILE /c/launch/wave-1.status 60

SUBMIT-DESCRIPTION task {
    universe = vanilla
    executable = /bin/sh
    transfer_executable = False
    arguments = "wave-1.sh $(task)"
    initialdir = /c/launch
    # Nodes that see the same files, and no others. The script writes to one log for all.
    should_transfer_files = NO
    output = /dev/null
    error = /dev/null
    getenv = PATH, HOME, USER, LANG, TZ
    # A task that ends at a checkpoint and says so is put back into the queue.
    on_exit_remove = ExitCode =!= 85
    request_cpus = 4
    request_memory = 8192M
    allowed_job_duration = 7200
    requirements = True
    # A hold for time or memory is an end. A task that must go has 120 s for its checkpoint.
    periodic_remove = JobStatus == 5 && (HoldReasonCode == 46 || HoldReasonCode == 47 || ((HoldReasonCode == 21 || HoldReasonCode == 34) && HoldReasonSubCode == 102))
    job_max_vacate_time = 120
    want_graceful_removal = True
    My.MolsieveTag = "molsieve-abc-1"
    My.MolsieveTask = $(task)
    My.MolsieveTry = $(RETRY)
    My.MolsieveRetries = 1
    My.MolsieveUnless = 2
}

# A node a task.
JOB t0 task
VARS t0 task="0"
JOB t1 task
VARS t1 task="1"

# A task that failed is tried again here, unless this was its exit code; then its campaign decides.
RETRY ALL_NODES 1 UNLESS-EXIT 2

# So many of them are in the queue at a time.
CATEGORY ALL_NODES tasks
MAXJOBS tasks 50

# molsieve: goes on
FINAL final {
    # On the access point: it asks the queue, and submits.
    universe = local
    executable = /bin/sh
    transfer_executable = False
    arguments = "tick-1.sh"
    initialdir = /c/launch
    output = /dev/null
    error = /dev/null
    getenv = PATH, HOME, USER, LANG, TZ, CONDOR_CONFIG
    kill_sig_timeout = 60
    # It is started again if it did not end well, unless somebody has taken over from it or removed it.
    on_exit_remove = NumJobStarts >= 3 || ExitCode =?= 0 || ExitCode =?= 75
    My.MolsieveTag = "molsieve-abc-t1"
    My.MolsieveTask = 0
}
"#;

#[test]
fn a_wave_is_a_dag_that_a_person_could_have_written() {
    let spec = JobSpec { finally: Some(Box::new(tick())), ..job() };
    let emitted = render(&Site::default(), &spec).unwrap();
    assert_eq!(emitted[0].text, WAVE);
    let names: Vec<_> = emitted.iter().map(|file| file.path.display().to_string()).collect();
    assert_eq!(names, ["/c/launch/wave-1.dag", "/c/launch/wave-1.sh", "/c/launch/tick-1.sh"]);
    assert!(
        emitted[1].text.ends_with(
            "\nexec /opt/molsieve worker /c --task \"${1:?the number of a task}\" >>/c/logs/wave-1.out 2>&1\n"
        )
    );
    assert!(
        emitted[2]
            .text
            .ends_with("\nexec timeout --kill-after=60 3600 /opt/molsieve tick /c >>/c/logs/tick.out 2>&1\n")
    );
}

#[test]
fn a_sites_words_are_where_they_belong() {
    let mut site = Site {
        accounting_group: Value::new("group_chem.alice"),
        requirements: Expression::new("HasVina && OpSysMajorVer >= 9"),
        concurrency_limits: Value::new("matlab:2"),
        modules: vec![Value::new("vina/1.2").unwrap()],
        export: vec![Value::new("LICENSE").unwrap()],
        ..Site::default()
    };
    site.add("+ProjectName = \"chem\"").unwrap();
    let spec = JobSpec { exclude: vec!["n7.example.org".into()], finally: Some(Box::new(tick())), ..job() };
    let texts = texts(&site, &spec);
    for line in [
        "    accounting_group = group_chem.alice\n",
        "    requirements = (HasVina && OpSysMajorVer >= 9) && (Machine =!= \"n7.example.org\")\n",
        "    concurrency_limits = matlab:2\n",
        "    getenv = PATH, HOME, USER, LANG, TZ, LICENSE\n",
        "\nENV GET LICENSE\n",
        "    My.ProjectName = \"chem\"\n",
    ] {
        assert_eq!(texts[0].matches(line).count(), 1, "{line}{}", texts[0]);
    }
    assert!(texts[1].contains("module load vina/1.2 || exit 6\n") && !texts[2].contains("module"));
}

#[test]
fn nothing_of_a_job_becomes_a_line_of_its_own() {
    let tag = JobSpec { tag: JobTag("a\"\nqueue 9".into()), ..job() };
    let argv = JobSpec { argv: vec!["x\nid".into()], ..job() };
    let file = JobSpec { file: PathBuf::from("/c/}\nJOB x y"), ..job() };
    let logs = JobSpec { logs: PathBuf::from("/c\nid"), ..job() };
    let node = JobSpec { exclude: vec!["n1\" || True || \"".into()], ..job() };
    let blank = JobSpec { file: PathBuf::from("/c/wave 1"), ..job() };
    for spec in [tag, argv, file, logs, node, blank] {
        assert!(matches!(render(&Site::default(), &spec), Err(AdapterError::Rejected(_))), "{spec:?}");
    }
    let title = JobSpec { title: "a\nABORT-DAG-ON t0 0".into(), ..job() };
    assert!(!texts(&Site::default(), &title)[0].contains("\nABORT"));
    let dollar = JobSpec { file: PathBuf::from("/c/$(HOME)/wave-1"), ..job() };
    assert!(texts(&Site::default(), &dollar)[0].contains("initialdir = /c/$(DOLLAR)(HOME)\n"));
}

#[test]
fn what_begins_later_is_a_job_of_the_access_point() {
    let look = JobSpec { begin_after_s: Some(3600), ..tick() };
    let emitted = render(&Site::default(), &look).unwrap();
    assert_eq!(emitted[0].path, PathBuf::from("/c/launch/tick-1.sub"));
    let text = &emitted[0].text;
    assert!(
        text.contains("\nuniverse = local\n") && text.contains("\nrequirements = time() >= QDate + 3600\n"),
        "{text}"
    );
    assert!(text.ends_with("\nqueue\n"), "{text}");
    // One command that nothing follows runs on a node all the same, where it is meant to.
    let alone = JobSpec { place: Place::Node, ..tick() };
    assert!(!texts(&Site::default(), &alone).concat().contains("universe = local"));
}

#[test]
fn what_htcondor_has_no_word_for_is_refused() {
    let after = JobSpec { after: vec![JobId("1".into())], ..job() };
    let instead = JobSpec { instead_of: vec![JobId("1".into())], ..tick() };
    let none = JobSpec { tasks: Tasks::Array(0), ..job() };
    let nothing = JobSpec { argv: Vec::new(), ..job() };
    let ranks = JobSpec { ranks: Some(2), ..job() };
    let later = JobSpec { begin_after_s: Some(60), ..job() };
    let many = JobSpec { place: Place::Submitter, ..job() };
    for spec in [after, instead, none, nothing, ranks, later, many] {
        assert!(matches!(render(&Site::default(), &spec), Err(AdapterError::Rejected(_))), "{spec:?}");
    }
    let unseen = Site { files: Files::Transferred, ..Site::default() };
    assert!(render(&unseen, &job()).is_err());
}

#[test]
fn very_many_tasks_with_nothing_after_them_are_one_plain_submission() {
    let many = JobSpec { tasks: Tasks::Array(DAG_MAX + 1), ..job() };
    let text = texts(&Site::default(), &many).remove(0);
    for line in [
        "\narguments = \"wave-1.sh $(Process)\"\n",
        "\non_exit_remove = ExitCode =!= 85 && (NumJobCompletions > 1 || member(ExitCode, {0, 75, 2}))\n",
        "\nmax_idle = 1000\nmax_materialize = 50\nMy.MolsieveTasks = 10001\nqueue 10001\n",
        "\nMy.MolsieveTask = $(Process)\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    let followed = JobSpec { finally: Some(Box::new(tick())), ..many };
    assert!(texts(&Site::default(), &followed)[0].contains("\nJOB t10000 task\n"));
}

#[test]
fn a_limit_on_a_users_jobs_is_kept_by_the_dag() {
    let limits = Limits { per_owner: Some(20), ..Limits::default() };
    let with = |tasks, running_max| {
        let text = files(&Site::default(), &limits, &JobSpec { tasks: Tasks::Array(tasks), running_max, ..job() });
        let text = text.unwrap().remove(0).text;
        text.lines().find_map(|line| line.strip_prefix("MAXJOBS tasks ").map(str::to_owned))
    };
    assert_eq!(with(100, None).as_deref(), Some("16"));
    assert_eq!(with(100, Some(8)).as_deref(), Some("8"));
    assert_eq!(with(10, None), None);
}

#[test]
fn what_is_carried_is_said_of_every_task() {
    let own = |index: u32| OwnFiles {
        inputs: vec![format!("/c/in/{index}").into()],
        place: format!("/c/out/{index}").into(),
    };
    let transfers = Transfers {
        inputs: vec!["/opt/molsieve".into()],
        outputs: vec!["left".into()],
        checkpoints: vec!["left".into()],
        own: vec![own(0), own(1)],
    };
    let site = Site { files: Files::Transferred, ..Site::default() };
    let spec =
        JobSpec { transfers: Some(transfers.clone()), argv: vec!["./molsieve".into(), "worker".into()], ..job() };
    let texts = texts(&site, &spec);
    for line in [
        "    should_transfer_files = YES\n",
        "    transfer_input_files = /c/launch/wave-1.sh, /opt/molsieve$(more)\n",
        "    transfer_output_files = left\n",
        "    checkpoint_exit_code = 85\n",
        "    transfer_checkpoint_files = left\n",
        "    initialdir = $(place)\n",
        "    allowed_execute_duration = 7200\n",
        "VARS t1 task=\"1\" more=\", /c/in/1\" place=\"/c/out/1\"\n",
    ] {
        assert!(texts[0].contains(line), "{line}{}", texts[0]);
    }
    assert!(texts[1].ends_with("\nexec ./molsieve worker \"${1:?the number of a task}\"\n"), "{}", texts[1]);
    let short = Transfers { own: vec![own(0)], ..transfers.clone() };
    assert!(render(&site, &JobSpec { transfers: Some(short), ..job() }).is_err());
    let comma = Transfers { inputs: vec!["/a,b".into()], ..transfers };
    assert!(render(&site, &JobSpec { transfers: Some(comma), ..job() }).is_err());
}
