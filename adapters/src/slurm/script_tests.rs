//! Tests of the batch script.

use std::path::PathBuf;

use super::script::{TEMPLATE, render};
use super::site::Site;
use crate::adapter::AdapterError;
use crate::job::{JobId, JobSpec, JobTag, Resources, Tasks};
use crate::text::Value;

fn job() -> JobSpec {
    JobSpec {
        tag: JobTag("molsieve-0123456789ab-3".into()),
        title: "wave 3 of the campaign egfr-overnight".into(),
        argv: ["/opt/molsieve", "worker", "/data/my runs/50%", "--wave", "3", "--task"].map(Into::into).to_vec(),
        tasks: Tasks::Array(400),
        running_max: Some(50),
        resources: Resources { cpus: 8, gpus: 0, memory_mib: Some(8192), walltime_s: Some(7210) },
        after: Vec::new(),
        instead_of: Vec::new(),
        begin_after_s: None,
        exclude: Vec::new(),
        file: PathBuf::from("/data/my runs/50%/launch/wave-3"),
        logs: PathBuf::from("/data/my runs/50%/logs/wave-3.out"),
        ..JobSpec::default()
    }
}

#[test]
fn the_script_is_what_a_person_would_write() {
    let file = render(&Site::default(), TEMPLATE, &job()).unwrap();
    assert_eq!(file.path, PathBuf::from("/data/my runs/50%/launch/wave-3.sbatch"));
    assert_eq!(
        file.text,
        r#"#!/bin/sh
# wave 3 of the campaign egfr-overnight
# By hand: sbatch wave-3.sbatch
#SBATCH --job-name=molsieve-0123456789ab-3
#SBATCH --comment=molsieve-0123456789ab-3
#SBATCH --array=0-399%50
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=8192M
#SBATCH --time=121
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output="/data/my runs/50%%/logs/wave-3.out"
#SBATCH --export=NONE

# The worker takes the place of this shell, so it gets the signals itself and its exit code is the job's.
exec /usr/bin/env -u SLURM_JWT /opt/molsieve worker '/data/my runs/50%' --wave 3 --task "${SLURM_ARRAY_TASK_ID:?submit this file with sbatch}"
"#
    );
}

#[test]
fn what_a_site_wants_stands_in_the_script() {
    let mut site = Site {
        partition: Value::new("batch"),
        modules: ["gcc/12", "a|id&"].map(|name| Value::new(name).unwrap()).to_vec(),
        export: vec![Value::new("LICENSE_SERVER").unwrap()],
        ..Site::default()
    };
    site.add("--exclusive").unwrap();
    let after = vec![JobId("17".into()), JobId("18".into())];
    let spec = JobSpec { after, exclude: vec!["n7".into()], tasks: Tasks::One, ..job() };
    let text = render(&site, TEMPLATE, &spec).unwrap().text;
    let wave = render(&site, TEMPLATE, &job()).unwrap().text;
    assert!(wave.lines().any(|line| line == "module load gcc/12 'a|id&' || exit 6"), "{wave}");
    assert!(!text.contains("module"), "what goes on with a campaign does not depend on its modules: {text}");
    for line in [
        "#SBATCH --partition=\"batch\"",
        "#SBATCH --exclusive",
        "#SBATCH --export=LICENSE_SERVER",
        "#SBATCH --dependency=afterany:17:18",
        "#SBATCH --kill-on-invalid-dep=yes",
        "#SBATCH --exclude=n7",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("--array") && !text.contains("SLURM_ARRAY_TASK_ID"), "{text}");
}

#[test]
fn nothing_in_a_job_can_become_a_line_of_its_own() {
    let title = JobSpec { title: "a\n#SBATCH --uid=0".into(), ..job() };
    let text = render(&Site::default(), TEMPLATE, &title).unwrap().text;
    assert!(!text.lines().any(|line| line.starts_with("#SBATCH --uid")), "{text}");
    let logs = JobSpec { logs: PathBuf::from("/a\n#SBATCH --uid=0"), ..job() };
    assert!(matches!(render(&Site::default(), TEMPLATE, &logs), Err(AdapterError::Rejected(_))));
    let argv = JobSpec { argv: vec!["x\nid".into()], ..job() };
    assert!(matches!(render(&Site::default(), TEMPLATE, &argv), Err(AdapterError::Rejected(_))));
    let title = JobSpec { title: "{command}".into(), ..job() };
    assert_eq!(render(&Site::default(), TEMPLATE, &title).unwrap().text.matches("exec ").count(), 1);
}

#[test]
fn what_is_no_name_of_a_node_is_not_left_out_in_its_place() {
    let exclude = |names: &[&str]| {
        let exclude = names.iter().map(|name| (*name).to_owned()).collect();
        let text = render(&Site::default(), TEMPLATE, &JobSpec { exclude, ..job() }).unwrap().text;
        text.lines().find_map(|line| line.strip_prefix("#SBATCH --exclude=")).map(str::to_owned)
    };
    let forged = ["n1", "n2\n#SBATCH --uid=0", "n[1-900]", "n3,n4", "n 5", "/tmp/list", "n6;id", "", "-", "n-7.x"];
    assert_eq!(exclude(&forged).as_deref(), Some("n1,n-7.x"));
    assert_eq!(exclude(&["n[1-900]"]), None);
}

#[test]
fn a_template_of_ones_own_keeps_its_braces_and_needs_the_two_that_matter() {
    let own = "#!/bin/bash\n{directives}\nexport X=${HOME}\n{command}\n";
    let text = render(&Site::default(), own, &job()).unwrap().text;
    assert!(text.contains("export X=${HOME}"), "{text}");
    for lacking in ["#!/bin/sh\n{command}\n", "#!/bin/sh\n{directives}\n", "{directives}{command}{command}"] {
        assert!(render(&Site::default(), lacking, &job()).is_err(), "{lacking}");
    }
}

#[test]
fn a_job_without_a_task_or_a_program_is_refused() {
    let none = JobSpec { tasks: Tasks::Array(0), ..job() };
    assert!(render(&Site::default(), TEMPLATE, &none).is_err());
    let nothing = JobSpec { argv: Vec::new(), ..job() };
    assert!(render(&Site::default(), TEMPLATE, &nothing).is_err());
}

#[test]
fn a_stand_in_starts_only_when_what_it_stands_in_for_did_not_end_well() {
    let (after, instead_of) = (vec![JobId("17".into())], vec![JobId("18".into())]);
    let spec = JobSpec { instead_of: instead_of.clone(), tasks: Tasks::One, ..job() };
    let text = render(&Site::default(), TEMPLATE, &spec).unwrap().text;
    assert!(text.contains("\n#SBATCH --dependency=afternotok:18\n#SBATCH --kill-on-invalid-dep=yes\n"), "{text}");
    let both = render(&Site::default(), TEMPLATE, &JobSpec { after, instead_of, ..job() }).unwrap().text;
    assert!(both.contains("\n#SBATCH --dependency=afterany:17,afternotok:18\n"), "{both}");
}

#[test]
fn a_job_that_is_to_begin_later_waits_for_nothing_else() {
    let site = Site { mail: Value::new("me@example.org"), ..Site::default() };
    let text = render(&site, TEMPLATE, &JobSpec { begin_after_s: Some(3600), ..job() }).unwrap().text;
    assert!(text.contains("\n#SBATCH --begin=now+3600\n") && !text.contains("--dependency"), "{text}");
    assert!(
        !text.contains("--mail") && render(&site, TEMPLATE, &job()).unwrap().text.contains("--mail-user"),
        "{text}"
    );
}

#[test]
fn a_task_of_ranks_is_an_allocation_over_nodes() {
    let ranks = JobSpec { ranks: Some(64), resources: Resources { gpus: 1, ..job().resources }, ..job() };
    let text = render(&Site::default(), TEMPLATE, &ranks).unwrap().text;
    for line in ["--ntasks=64", "--cpus-per-task=8", "--mem-per-cpu=1024M", "--gpus-per-task=1"] {
        assert!(text.contains(&format!("#SBATCH {line}\n")), "{line} is not in {text}");
    }
    assert!(!text.contains("--nodes") && !text.contains("--mem=") && !text.contains("--gres"), "{text}");
    assert!(!text.contains("--ntasks-per-node"), "{text}");
    let text = render(&Site::default(), TEMPLATE, &JobSpec { ranks_per_node: Some(16), ..ranks }).unwrap().text;
    assert!(text.contains("#SBATCH --ntasks=64\n#SBATCH --ntasks-per-node=16\n"), "{text}");
}
