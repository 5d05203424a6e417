//! A far end that lies: what it sends must not make the near end write outside, grow, or believe.

use super::sshd::{Home, Sshd};
use crate::support::env::TestEnv;

/// A home with a directory that stands for a campaign on a machine whose program is `text`.
fn lied_to(env: &TestEnv, name: &str, text: &str, then: impl FnOnce(&Home<'_>)) -> bool {
    let Some(there) = Sshd::up(&env.path(&format!("{name}-there"))) else { return false };
    let home = Home::new(env.path(name), &there, "ssh2");
    home.here(&["keygen", "--out", "k.pem"]).exits(0);
    let handle = format!(
        "{{\"asked\":{{\"campaign\":\"far\",\"seed\":5}},\"login\":\"{}\",\"name\":\"d\",\"root\":\"molsieve\",\"schema\":\"molsieve.remote.v1\",\"transport\":\"ssh2\"}}\n",
        there.login()
    );
    home.write("d/remote.json", handle);
    there.impostor(text);
    then(&home);
    let mut left: Vec<String> =
        std::fs::read_dir(home.path("d")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["remote.json"], "{name}: something of a liar's was kept");
    assert!(!home.path("x").exists() && !env.path("x").exists(), "{name}: something was written outside");
    true
}

/// A far end that answers the first question with a pack of these bytes.
fn pack(bytes: &str) -> String {
    format!(
        "HELLO\nimport io, zipfile\nsys.stdin.buffer.read(1)\npack = {bytes}\n\
         FRAME('answer', {{'pack_digest': 'sha256:' + '0' * 64, 'bytes': len(pack)}})\n\
         for at in range(0, len(pack), 65536):\n    FRAME('data', pack[at:at + 65536])\ntime.sleep(20)\n"
    )
}

#[test]
fn frames_that_cannot_be_are_refused_before_any_room_is_made() {
    let env = TestEnv::new();
    let cases = [
        ("long-hello", "HEAD('hello', 0xffffffff); out.flush(); time.sleep(20)\n", "says that it has 4294967295 bytes"),
        (
            "long-data",
            "HELLO\nHEAD('data', 0xffffffff); out.flush(); time.sleep(20)\n",
            "says that it has 4294967295 bytes",
        ),
        (
            "noise",
            "for _ in range(100000): out.write(b'x' * 100)\nout.flush()\ntime.sleep(20)\n",
            "none of them from molsieve",
        ),
        (
            "no-frame",
            "HELLO\nout.write(b'rm -rf /\\n'); out.flush(); time.sleep(20)\n",
            "something else than molsieve wrote",
        ),
        ("cut", "HELLO\nHEAD('answer', 100); out.write(b'{'); out.flush()\n", "the line broke"),
        (
            "nonsense",
            "HELLO\nsys.stdin.buffer.read(1)\nFRAME('answer', {'a': 1}); time.sleep(20)\n",
            "what nobody understands",
        ),
        (
            "other",
            "FRAME('hello', {'schema': 'x', 'version': '9', 'root': '/r', 'host': 'h'}); time.sleep(20)\n",
            "is version 9",
        ),
        ("steers", "FRAME('fault', {'exit': 6, 'what': '\\x1b[2Jboo', 'hints': []}); time.sleep(20)\n", "\\x1b[2Jboo"),
        (
            "old",
            "sys.stderr.write('molsieve: libc.so.6: version `GLIBC_2.34\\' not found\\n'); sys.exit(1)\n",
            "tools/portable",
        ),
    ];
    for (name, text, told) in cases {
        let is_up = lied_to(&env, name, text, |home| {
            let run = home.here(&["sign", "d", "--key", "k.pem"]).says(told);
            assert!(matches!(run.0.status.code(), Some(5 | 6)), "{name}: {run}");
        });
        if !is_up {
            return;
        }
    }
}

#[test]
fn a_pack_that_is_none_is_not_taken_and_nothing_is_written_outside() {
    let env = TestEnv::new();
    let zip = |name: &str| {
        format!(
            "(lambda f: (zipfile.ZipFile(f, 'w').writestr({name}, 'x'), zipfile.ZipFile(f, 'a').close(), f.getvalue())[2])(io.BytesIO())"
        )
    };
    let cases = [
        ("no-zip", pack("b'PK' * 1000"), 4),
        ("upwards", pack(&zip("'../x'")), 4),
        ("absolute", pack(&zip("'/x'")), 4),
        ("nested", pack(&zip("'evidence_pack.zip'")), 4),
        ("empty", pack(&zip("'summary.csv'")), 4),
        (
            "endless",
            "HELLO\nsys.stdin.buffer.read(1)\nFRAME('answer', {'pack_digest': None, 'bytes': 1 << 60})\ntime.sleep(20)\n".to_owned(),
            6,
        ),
        (
            "more",
            "HELLO\nsys.stdin.buffer.read(1)\nFRAME('answer', {'pack_digest': None, 'bytes': 3})\nFRAME('data', b'x' * 4)\ntime.sleep(20)\n"
                .to_owned(),
            5,
        ),
    ];
    for (name, text, code) in cases {
        let is_up = lied_to(&env, name, &text, |home| drop(home.here(&["sign", "d", "--key", "k.pem"]).exits(code)));
        if !is_up {
            return;
        }
    }
}

#[test]
fn a_directory_from_somebody_else_gets_no_signature_and_no_host_accepted() {
    let env = TestEnv::new();
    let Some(there) = Sshd::with_program(&env.path("there")) else { return };
    let theirs = Home::new(env.path("theirs"), &there, "ssh2");
    theirs.here(&["keygen", "--out", "k.pem"]).exits(0);
    let small = TestEnv::new();
    small.small_library(20);
    let campaign = small.campaign("theirs").seed(6).write();
    theirs.on(&["run", &small.path(&campaign).display().to_string(), "--dir", "d"]).exits(0);
    let mine = Home::new(env.path("mine"), &there, "ssh2");
    mine.here(&["keygen", "--out", "k.pem"]).exits(0);
    // They name my key, leave out what was asked for, and accept any host of theirs.
    let key = mine.path("k.pem").display().to_string();
    let handle = format!(
        "{{\"key\":{key:?},\"login\":\"{}\",\"name\":\"d\",\"root\":\"molsieve\",\"schema\":\"molsieve.remote.v1\",\"transport\":\"ssh2\"}}\n",
        there.login()
    );
    mine.write("d/remote.json", &handle);
    mine.here(&["resume", "d"]).exits(0).says("comes from somebody else").says("molsieve sign d --key K.pem");
    mine.here(&["verify", "d", "--key", "k.pub.pem"]).exits(4);
    // A second time the file is one that this home wrote, and the key is not in it.
    mine.here(&["resume", "d"]).exits(0);
    mine.here(&["verify", "d", "--key", "k.pub.pem"]).exits(4);
    // The fingerprint of the host is true, and still not theirs to accept.
    let known = std::fs::read_to_string(there.known_hosts()).unwrap();
    std::fs::write(there.known_hosts(), "").unwrap();
    let unknown = mine.on(&["doctor"]).exits(5);
    let said = unknown.stderr();
    let fingerprint = said.split_whitespace().find(|word| word.starts_with("SHA256:")).unwrap();
    mine.write("e/remote.json", handle.replacen('{', &format!("{{\"host_key\":\"{fingerprint}\","), 1));
    mine.here(&["status", "e"]).exits(5).says("the host key is not known");
    std::fs::write(there.known_hosts(), known).unwrap();
    mine.here(&["sign", "e", "--key", "k.pem"]).exits(0);
}

#[test]
fn a_sound_pack_of_another_campaign_is_not_taken_for_the_one_that_was_asked_for() {
    let env = TestEnv::new();
    env.small_library(20);
    let campaign = env.campaign("other").seed(6).write();
    env.molsieve(["run", &campaign, "--dir", "o"]).exits(0);
    let archive = env.path("o/pack/evidence_pack.zip");
    let text = pack(&format!("open({:?}, 'rb').read()", archive.display().to_string()));
    lied_to(&env, "exchanged", &text, |home| {
        home.here(&["sign", "d", "--key", "k.pem"]).exits(4).says("was asked for");
    });
}

#[test]
fn whoever_asks_to_stop_while_a_far_end_keeps_them_waiting_for_data_is_let_go() {
    let env = TestEnv::new();
    // It says that all is done there, begins to send a pack, and then only that it is alive.
    let text = "HELLO\nFRAME('ended', {'exit': 0})\nFRAME('ended', {'exit': 0})\n\
        FRAME('answer', {'pack_digest': None, 'bytes': 100000})\nFRAME('data', b'x' * 10)\n\
        while True:\n    FRAME('beat', b'')\n    time.sleep(0.1)\n";
    lied_to(&env, "waiting", text, |home| {
        let mut run = home.begin_here(&["resume", "d"]);
        let (mut said, mut byte) = (Vec::new(), [0]);
        let stderr = run.stderr.as_mut().unwrap();
        while !String::from_utf8_lossy(&said).contains("fetching the pack") {
            assert_eq!(std::io::Read::read(stderr, &mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&said));
            said.push(byte[0]);
        }
        let sent = std::process::Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert_eq!(run.wait().unwrap().code(), Some(75));
    });
}

#[test]
fn nothing_is_sent_to_a_root_that_others_may_write() {
    let env = TestEnv::new();
    let Some(there) = Sshd::up(&env.path("there")) else { return };
    let home = Home::new(env.path("home"), &there, "ssh2");
    std::fs::create_dir_all(there.root()).unwrap();
    std::fs::set_permissions(there.root(), std::os::unix::fs::PermissionsExt::from_mode(0o775)).unwrap();
    home.on(&["doctor"]).exits(5).says("others than you may write").says("chmod go-w");
    assert_eq!(std::fs::read_dir(there.root()).unwrap().count(), 0, "nothing was put there");
}
