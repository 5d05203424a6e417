//! Servers that speak EasyDock's dialect.

use super::*;

/// A campaign called `name` with `tests/scorers/server.py` in `mode`.
fn campaign<'e>(env: &'e TestEnv, name: &str, mode: &str, more: &str) -> CampaignText<'e> {
    let (python, script) = (python(), project("tests/scorers/server.py"));
    let argv = text(&[python.as_str(), script.to_str().unwrap(), mode, POISON]);
    env.write("receptor.txt", "100");
    let init = if more.contains("init = ") { "" } else { "init = { protein = \"receptor.txt\", num_conformer = 5 }" };
    env.campaign(name).shard(16).scorer(&format!(
        "kind = \"command\"\nprotocol = \"easydock\"\nargv = [{argv}]\nname = \"server\"\nversion = \"1\"\n{init}\n{more}"
    ))
}

#[test]
fn a_server_of_easydock_is_a_scorer() {
    let env = place();
    let rows = run(&env, campaign(&env, "it", "ok", ""), "it");
    assert_eq!((rows.len(), rows[0].as_str()), (40, "0,id 0,OK,,128.125"));
    // The server says which end is best, and how many it wants.
    let campaign_file = std::fs::read_to_string(env.path("it/campaign.json")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&campaign_file).unwrap();
    assert_eq!(file["identity"]["scorer"]["description"]["columns"][0]["order"], "desc");
    assert_eq!(file["execution"]["scorer"]["command"]["batch_size"], 7);
    // What it is told is part of what it is: the content of the receptor, and not where it lies.
    let init = &file["identity"]["scorer"]["settings"]["init"];
    assert!(init["protein"].as_str().unwrap().starts_with("sha256:"), "{init}");
    assert_eq!(init["num_conformer"], 5);
    assert_eq!(file["identity"]["scorer"]["files"][0]["name"], "receptor.txt");

    let declared = "columns = [{ name = \"docking_score\" }, { name = \"site\", type = \"string\" }]\nbatch_size = 3";
    let both = run(&env, campaign(&env, "both", "numbers_as_text", declared), "both");
    assert_eq!(both[0], "0,id 0,OK,,128.125,A");
}

#[test]
fn a_bad_record_is_an_error_of_its_own() {
    let env = place();
    let healthy = run(&env, campaign(&env, "healthy", "ok", ""), "healthy");
    for (mode, reason, more) in [
        ("crash", "crash", ""),
        ("hang", "timeout", "timeout = \"3s\""),
        ("null", "no_result", ""),
        ("omits", "no_result", ""),
        ("refuses", "no_result", ""),
        ("text", "bad_value", ""),
        ("invents", "bad_reply", ""),
    ] {
        let found = run(&env, campaign(&env, mode, mode, more), mode);
        assert_only_poison(&found, &healthy, &format!("{POISON_ORDINAL},id {POISON_ORDINAL},ERROR,{reason},"));
    }
}

#[test]
fn a_server_that_cannot_work_is_refused_before_any_work() {
    let env = place();
    for (mode, more, says) in [
        ("pdbqt", "", "the server takes structures as `pdbqt`, and molsieve has SMILES"),
        ("empty_info", "", "as `pdbqt`"),
        ("ok", "init = { protein = \"nowhere.pdb\" }", "the server refuses `init`: no receptor"),
        ("ok", "init = {}", "the server refuses `init`"),
    ] {
        let file = campaign(&env, "it", mode, more).write();
        env.molsieve(["plan", &file, "--dir", "it"]).exits(6).says(says);
        assert!(!env.path("it").join("campaign.json").exists());
    }
}

#[test]
fn a_receptor_that_changed_since_the_plan_is_refused() {
    let env = place();
    let file = campaign(&env, "it", "ok", "").write();
    env.molsieve(["plan", &file, "--dir", "it"]).exits(0);
    env.write("receptor.txt", "200");
    env.molsieve(["resume", "it"]).exits(2).says("has another content");
}
