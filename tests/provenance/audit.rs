//! The audit log: what is changed, removed, moved or cut off is noticed.

use std::path::PathBuf;

use molsieve::error::Kind;
use serde_json::Value;

use super::registry::files;
use super::{signed, unsigned};
use crate::support::env::TestEnv;

fn event(env: &TestEnv, number: u64) -> PathBuf {
    env.path(&format!("home/audit/{number:06}.jsonl"))
}

/// A log of five events.
fn logged() -> TestEnv {
    let env = signed();
    (0..4).for_each(|_| drop(env.molsieve(["sign", "d", "--key", "k.pem"]).exits(0)));
    env.molsieve(["audit", "verify"]).exits(0).says("5 events, 5 registry entries");
    env
}

/// The codes of what is wrong.
fn problems(env: &TestEnv) -> Vec<String> {
    let facts = env.facts(["audit", "verify"]);
    let problems = facts["problems"].as_array().unwrap();
    assert_eq!(facts["verified"], problems.is_empty());
    env.molsieve(["audit", "verify"]).exits(if problems.is_empty() { 0 } else { 4 });
    problems.iter().map(|problem| problem["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_event_says_who_did_what_and_when() {
    let env = signed();
    let facts = env.facts(["audit", "show"]);
    let event = &facts["events"][0];
    assert_eq!((event["seq"].as_u64(), event["what"]["kind"].as_str()), (Some(1), Some("signed")));
    assert_eq!(event["prev"], molsieve::digest::sha256(b"").to_string());
    assert_eq!(event["who"]["host"], molsieve::host::name());
    assert_eq!(event["what"]["entry"]["payload_digest"], env.payload_of("d"));
    assert!(event["at"].as_str().unwrap().ends_with('Z'));
    env.molsieve(["audit", "show", "--last", "0"]).exits(0).says("no event");
}

#[test]
fn an_empty_log_is_sound_and_has_a_head() {
    let env = TestEnv::new();
    let nothing = molsieve::digest::sha256(b"");
    // What is not mounted, or mistyped, is not taken for a log without an event.
    for command in [["audit", "verify"], ["audit", "show"], ["registry", "list"]] {
        env.molsieve(command).exits(2).says("which `MOLSIEVE_HOME` names");
    }
    std::fs::create_dir(env.path("home")).unwrap();
    let empty = env.molsieve(["audit", "verify"]).exits(0).says(&format!("0:{nothing}")).says("EMPTY");
    assert!(!empty.stdout().contains("VERIFIED"), "nothing was checked: {empty}");
    env.molsieve(["audit", "verify", "--head", &format!("0:{nothing}")]).exits(0);
    env.molsieve(["audit", "verify", "--head", &format!("1:{nothing}")]).exits(4).says("ends at event 0");
    env.molsieve(["audit", "verify", "--head", "x"]).exits(2);
}

#[test]
fn a_change_of_any_byte_of_an_event_is_noticed() {
    let env = logged();
    let path = event(&env, 3);
    let whole = std::fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let report = molsieve::audit::check::check(&molsieve::layout::HomeDir::new(env.path("home")), &[]).unwrap();
        assert_eq!(report.failure(), Some(Kind::Verification), "byte {at}");
    }
    std::fs::write(&path, [&whole[..], b"\n"].concat()).unwrap();
    assert!(problems(&env).contains(&"event-malformed".to_owned()), "one line feed too many");
    let last = event(&env, 5);
    let line = std::fs::read(&last).unwrap();
    std::fs::write(&path, &whole).unwrap();
    std::fs::write(&last, [&line[..], b"\n"].concat()).unwrap();
    assert!(problems(&env).contains(&"event-malformed".to_owned()), "of the last one, too");
    std::fs::write(&last, &line).unwrap();
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(problems(&env), Vec::<String>::new());
}

#[test]
fn a_removed_event_and_two_that_changed_places_are_noticed() {
    let env = logged();
    let (second, third) = (std::fs::read(event(&env, 2)).unwrap(), std::fs::read(event(&env, 3)).unwrap());
    std::fs::remove_file(event(&env, 2)).unwrap();
    assert_eq!(problems(&env), ["event-missing", "entry-unknown"]);
    std::fs::write(event(&env, 2), &third).unwrap();
    std::fs::write(event(&env, 3), &second).unwrap();
    assert!(problems(&env).contains(&"event-malformed".to_owned()));
}

#[test]
fn an_event_that_was_forged_whole_does_not_fit_its_neighbours() {
    let env = logged();
    // An event of another host, as it would have been: the next one, and its entry in the registry, give it away.
    let forge = |number: u64| {
        let event = event(&env, number);
        let mut forged: Value = serde_json::from_slice(&std::fs::read(&event).unwrap()).unwrap();
        forged["who"]["host"] = "elsewhere".into();
        forged["what"]["entry"]["who"]["host"] = "elsewhere".into();
        let entry = molsieve::canonical::json::to_line(&forged["what"]["entry"]).unwrap();
        forged["what"]["entry_digest"] = molsieve::digest::sha256(&entry).to_string().into();
        std::fs::write(event, molsieve::canonical::json::to_line(&forged).unwrap()).unwrap();
    };
    forge(3);
    assert_eq!(problems(&env), ["entry-missing", "chain-broken", "entry-unknown"]);
    let env = logged();
    let text = std::fs::read_to_string(event(&env, 5)).unwrap();
    let host = format!("\"host\":\"{}\"", molsieve::host::name());
    std::fs::write(event(&env, 5), text.replacen(&host, "\"host\":\"elsewhere\"", 1)).unwrap();
    assert_eq!(problems(&env), ["event-malformed"], "the last one has none after it, and contradicts its entry");
}

#[test]
fn a_log_that_was_cut_off_is_noticed_by_the_entries_and_by_a_head_that_was_kept() {
    let env = logged();
    let kept = env.facts(["audit", "verify"])["head"].as_str().unwrap().to_owned();
    assert!(kept.starts_with("5:"));
    env.molsieve(["audit", "verify", "--head", &kept]).exits(0);
    std::fs::remove_file(event(&env, 5)).unwrap();
    assert_eq!(problems(&env), ["entry-unknown"], "the registry remembers");
    env.molsieve(["audit", "verify", "--head", &kept]).exits(4).says("went to 5");
    // With its entry gone as well, only who kept the head knows.
    let last = files(&env).into_iter().find(|f| std::fs::read_to_string(f).unwrap().contains("\"seq\":5")).unwrap();
    std::fs::remove_file(last).unwrap();
    assert_eq!(problems(&env), Vec::<String>::new());
    env.molsieve(["audit", "verify", "--head", &kept]).exits(4).says("ends at event 4");
    // Another event in its place has another head.
    env.molsieve(["sign", "d", "--key", "k.pem"]).exits(0);
    env.molsieve(["audit", "verify", "--head", &kept]).exits(4).says("is not what it was");
}

#[test]
fn a_log_that_is_gone_altogether_is_noticed_by_the_registry_and_a_registry_by_the_log() {
    let env = logged();
    std::fs::rename(env.path("home/audit"), env.path("audit")).unwrap();
    assert_eq!(problems(&env), ["entry-unknown"; 5]);
    let said = env.molsieve(["audit", "verify"]).exits(4).says("NOT VERIFIED").says("0 events, 5 registry entries");
    assert!(!said.stdout().contains("EMPTY"), "{said}");
    std::fs::create_dir(env.path("home/audit")).unwrap();
    assert_eq!(problems(&env), ["entry-unknown"; 5]);
    std::fs::remove_dir(env.path("home/audit")).unwrap();
    std::fs::rename(env.path("audit"), env.path("home/audit")).unwrap();
    std::fs::remove_dir_all(env.path("home/registry")).unwrap();
    assert_eq!(problems(&env), ["entry-missing"; 5]);
}

#[test]
fn what_does_not_belong_there_and_what_is_gone_from_the_registry_is_noticed() {
    let env = logged();
    let entry = files(&env).remove(0);
    let content = std::fs::read(&entry).unwrap();
    std::fs::remove_file(&entry).unwrap();
    assert_eq!(problems(&env), ["entry-missing"]);
    std::fs::write(&entry, content.to_ascii_uppercase()).unwrap();
    assert_eq!(problems(&env), ["entry-changed"]);
    std::fs::write(&entry, &content).unwrap();
    std::fs::write(env.path("home/audit/notes.txt"), "x").unwrap();
    std::fs::write(entry.with_file_name("x.json"), "x").unwrap();
    assert_eq!(problems(&env), ["stranger", "stranger"]);
    std::fs::remove_file(env.path("home/audit/notes.txt")).unwrap();
    std::fs::remove_file(entry.with_file_name("x.json")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", event(&env, 6)).unwrap();
    assert_eq!(problems(&env), ["event-malformed"], "a link is not followed");
}

#[test]
fn a_signer_that_died_before_it_wrote_the_entry_is_succeeded_by_one_that_does() {
    let env = unsigned();
    // The writes of a signer are counted from the first; somewhere among them its event is there and its entry is not.
    let mut healed = 0;
    for at in 1..200 {
        let _ = std::fs::remove_dir_all(env.path("home"));
        std::fs::create_dir(env.path("home")).unwrap();
        let mut command = env.command(["sign", "d", "--key", "k.pem"]);
        let killed = !command.env("MOLSIEVE_FAULT", format!("kill@{at}")).output().unwrap().status.success();
        let before = env.facts(["audit", "verify"]);
        if before["events"] == 1 && before["entries"] == 0 {
            assert_eq!(before["problems"][0]["code"], "entry-missing");
            env.molsieve(["sign", "d", "--key", "k.pem"]).exits(0);
            env.molsieve(["audit", "verify"]).exits(0).says("2 events, 2 registry entries");
            healed += 1;
        } else {
            assert_eq!(before["problems"], serde_json::json!([]), "killed at write {at}");
        }
        if !killed {
            break;
        }
    }
    assert!(healed > 0, "no kill hit between the event and the entry");
}

#[test]
fn signers_at_the_same_time_are_harmless() {
    let env = signed();
    for copy in ["1", "2", "3", "4"] {
        let file = env.campaign(copy).with("[pack]\nkey = \"k.pem\"").write();
        env.molsieve(["plan", &file, "--dir", &format!("d{copy}")]).exits(0);
    }
    let all: Vec<_> = ["d1", "d2", "d3", "d4"]
        .into_iter()
        .map(|dir| env.command(["--quiet", "resume", dir]).spawn().unwrap())
        .collect();
    all.into_iter().for_each(|mut run| assert!(run.wait().unwrap().success()));
    env.molsieve(["audit", "verify"]).exits(0).says("5 events, 5 registry entries");
}

#[test]
fn the_log_is_exported_whole_as_a_table_and_as_json() {
    let env = logged();
    let table = env.molsieve(["audit", "export", "--csv"]).exits(0).stdout();
    assert_eq!(table.lines().count(), 6);
    assert!(table.lines().nth(1).unwrap().starts_with("1,20"), "{table}");
    let facts = env.facts(["audit", "export"]);
    assert_eq!(
        (facts["schema"].as_str(), facts["events"].as_array().map(Vec::len)),
        (Some("molsieve.audit.v1"), Some(5))
    );
    env.molsieve(["audit", "export", "--csv", "--out", "a.csv"]).exits(0);
    assert_eq!(std::fs::read_to_string(env.path("a.csv")).unwrap(), table);
    env.molsieve(["audit", "export"]).exits(2).says("--csv");
}

#[test]
fn a_name_runs_nothing_in_a_spreadsheet_and_drives_no_terminal() {
    let env = TestEnv::new();
    env.small_library(3);
    env.molsieve(["keygen", "--out", "k.pem"]).exits(0);
    let name = "=HYPERLINK(1)\u{202e}\u{200b}";
    let file = env.campaign("plain").with("[pack]\nkey = \"k.pem\"").write();
    let text = std::fs::read_to_string(env.path(&file)).unwrap();
    assert!(text.contains("\"plain\""));
    env.write("c.toml", text.replace("\"plain\"", "\"=HYPERLINK(1)\\u202E\\u200B\""));
    env.molsieve(["run", "c.toml", "--dir", "d"]).exits(0);
    let shown = "=HYPERLINK(1)\\xe2\\x80\\xae\\xe2\\x80\\x8b";
    let table = env.molsieve(["audit", "export", "--csv"]).exits(0).stdout();
    assert!(table.contains(&format!(",'{shown},")), "{table}");
    for command in [&["audit", "show"][..], &["registry", "list"], &["registry", "search", "hyper"]] {
        env.molsieve(command.iter().copied()).exits(0).says(shown);
    }
    env.molsieve(["registry", "export", "--markdown"]).exits(0).says(shown);
    let index = std::fs::read_to_string(env.path("d/pack/index.md")).unwrap();
    assert!(index.starts_with(&format!("# {shown} (complete)")), "{index}");
    let facts = env.molsieve(["--json", "registry", "list"]).exits(0).stdout();
    assert!(!facts.contains(['\u{202e}', '\u{200b}']), "{facts}");
    let facts: Value = serde_json::from_str(&facts).unwrap();
    assert_eq!(facts["entries"][0]["entry"]["campaign"], name, "a program reads the name as it is");
}
