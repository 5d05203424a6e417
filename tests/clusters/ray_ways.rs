//! The ways to a Ray cluster and what a site says of its own: TLS and its certificates, plain HTTP, another Python, another driver.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::ray::OnRay;
use super::slurm::until;
use crate::support::env::{project, python};

/// Takes TLS at one port and hands it on to another, as a proxy before a dashboard does.
const PROXY: &str = r"
import socket, ssl, sys, threading
certificate, key, port, to = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)

def hand_on(one, other):
    try:
        while chunk := one.recv(65536):
            other.sendall(chunk)
    except OSError:
        pass
    for end in one, other:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

def serve(plain):
    try:
        encrypted = context.wrap_socket(plain, server_side=True)
    except OSError:
        return plain.close()
    behind = socket.create_connection(('127.0.0.1', to))
    threading.Thread(target=hand_on, args=(behind, encrypted), daemon=True).start()
    hand_on(encrypted, behind)

with socket.create_server(('127.0.0.1', port)) as listener:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
";

/// The proxy, with a certificate for 127.0.0.1 that an authority of its own has signed.
struct Proxy {
    port: u16,
    server: Child,
}

impl Proxy {
    /// One in `dir` that hands on to `to`; `ca.pem` there has signed for it, and `other.pem` has not.
    fn new(dir: &Path, to: &str) -> Self {
        let openssl = |words: &str| {
            let mut command = Command::new("openssl");
            command.args(words.split_whitespace()).current_dir(dir).stderr(Stdio::null());
            let made = command.status().unwrap();
            assert!(made.success(), "openssl {words}: {made}");
        };
        let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
        for name in ["ca", "other"] {
            openssl(&format!("{new} -subj /CN={name} -keyout {name}.key -out {name}.pem"));
        }
        openssl(&format!(
            "{new} -subj /CN=head -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
             -CA ca.pem -CAkey ca.key -keyout head.key -out head.pem"
        ));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let arguments = ["-c", PROXY, "head.pem", "head.key", &port.to_string(), to];
        let server = Command::new(python()).args(arguments).current_dir(dir).spawn().unwrap();
        until("the proxy listens", 30, || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { port, server }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// What a campaign file says with this address in the place of the cluster's own, and `more`.
fn keys(scene: &OnRay, address: &str, more: &str) -> String {
    let keys = scene.engine.keys();
    let (_, rest) = keys.split_once('\n').unwrap();
    format!("address = \"{address}\"\n{rest}{more}\n")
}

fn port(scene: &OnRay) -> String {
    scene.engine.read("address").rsplit_once(':').unwrap().1.to_owned()
}

#[test]
fn a_campaign_goes_through_a_proxy_with_tls_and_a_wrong_certificate_is_refused() {
    let Some(scene) = OnRay::on(200, &[]) else { return };
    let proxy = Proxy::new(&scene.env.path(""), &port(&scene));
    let address = format!("https://127.0.0.1:{}", proxy.port);
    let by_name = format!("https://localhost:{}", proxy.port);
    let other = "ca_file = \"other.pem\"";
    // Another has signed it, nobody that this system trusts has, and it is for another name.
    for (address, more) in [(&address, other), (&address, ""), (&by_name, "ca_file = \"ca.pem\"")] {
        let file = scene.file(&OnRay::wanted(&keys(&scene, address, more), &[]));
        let (exit, said) = scene.says(&["submit", &file, "--dir", "d"]);
        assert!(exit == Some(5) && said.contains("its certificate is not accepted"), "{more}: {exit:?} {said}");
        assert_eq!(scene.engine.jobs(), "", "{more}");
    }
    let file = scene.file(&OnRay::wanted(&keys(&scene, &address, "ca_file = \"no.pem\""), &[]));
    scene.env.write("no.pem", "no certificate");
    let (exit, said) = scene.says(&["submit", &file, "--dir", "d"]);
    assert!(exit == Some(2) && said.contains("`scheduler.ca_file`"), "{exit:?} {said}");
    scene.submit(&OnRay::wanted(&keys(&scene, &address, "ca_file = \"ca.pem\""), &[]));
    assert_eq!(scene.facts()["cluster"]["scheduler"]["heard"], true, "status asks by the same way");
    scene.seals(1);
}

#[test]
fn plain_http_needs_somebody_who_insists_and_a_site_may_have_its_own_python_and_driver() {
    let Some(scene) = OnRay::on(200, &[]) else { return };
    // It is no loopback address, though it leads to this machine.
    let address = format!("http://0.0.0.0:{}", port(&scene));
    let file = scene.file(&OnRay::wanted(&keys(&scene, &address, ""), &[]));
    for verb in ["plan", "submit"] {
        let (exit, said) = scene.says(&[verb, &file, "--dir", "d"]);
        assert!(exit == Some(2) && said.contains("is another machine") && said.contains("ssh -L"), "{exit:?} {said}");
        assert!(said.contains("allow_http = true"), "{said}");
    }
    assert_eq!(scene.engine.jobs(), "");
    // Who insists, with a Python and a driver of their own.
    let template = std::fs::read_to_string(project("job-templates/ray_driver.py")).unwrap();
    let holes = template.replace("{job}", "");
    scene.env.write("ours.py", holes);
    let own = keys(&scene, &address, "allow_http = true");
    let file = scene.file(&OnRay::wanted(&format!("{own}template = \"ours.py\"\n"), &[]));
    let (exit, said) = scene.says(&["plan", &file, "--dir", "d"]);
    assert!(exit == Some(2) && said.contains("{job} 0 times"), "{exit:?} {said}");
    scene
        .env
        .write("ours.py", template.replacen("    main()\n", "    print(\"the driver of this site\")\n    main()\n", 1));
    // One that has Ray, by its path.
    let python = project(".venv/bin/python").display().to_string();
    scene.submit(&OnRay::wanted(&format!("{own}template = \"ours.py\"\npython = \"{python}\"\n"), &[]));
    let request = std::fs::read_to_string(scene.env.path("d/launch/wave-1.json")).unwrap();
    assert!(request.contains(&python), "{request}");
    scene.seals(1);
    let jobs = scene.engine.jobs();
    let wave = jobs.lines().find(|line| line.contains("-1 ")).unwrap().split(' ').next().unwrap();
    assert!(scene.engine.script("log", &[wave]).contains("the driver of this site"), "{jobs}");
}

#[test]
fn a_python_without_ray_is_told_and_costs_nothing() {
    let Some(scene) = OnRay::on(200, &[]) else { return };
    let own = scene.engine.keys();
    // Isolated from the packages of its place: it has no Ray.
    let bare = scene.env.write("bare", "#!/bin/sh\nexec python3 -I -S \"$@\"\n");
    std::fs::set_permissions(&bare, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    scene.submit(&OnRay::wanted(&format!("{own}python = \"{}\"\n", bare.display()), &[]));
    until("the driver has failed", 60, || scene.engine.jobs().contains("FAILED"));
    let wave = scene.engine.jobs().lines().find(|line| line.ends_with("FAILED")).unwrap().to_owned();
    let log = scene.engine.script("log", &[wave.split(' ').next().unwrap()]);
    assert!(log.contains("there is no Ray in the Python that runs this"), "{log}");
    let facts = scene.facts();
    let told = facts["reason"].as_str().unwrap_or_default();
    assert!(facts["state"] == "no_driver_seen" && told.contains("there is no Ray in the Python"), "{facts}");
    assert!(facts["next"].to_string().contains("molsieve resume d"), "{facts}");
    scene.env.write("bare", "#!/bin/sh\nexec python3 \"$@\"\n");
    scene.does(&["resume", "d"]);
    scene.seals(2);
}

#[test]
fn a_cluster_for_tests_listens_on_this_machine_alone() {
    let Some(scene) = OnRay::on(100, &[]) else { return };
    let ports = scene.engine.script("ports", &[]);
    assert!(ports.lines().count() > 10, "{ports}");
    assert!(ports.lines().all(|port| port.starts_with("127.0.0.1:")), "{ports}");
}
