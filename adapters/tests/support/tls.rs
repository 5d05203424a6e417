//! A Jobs API behind TLS, with a certificate of its own: `openssl s_server` hands out one file.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The server, for as long as a test takes.
pub struct Tls {
    dir: tempfile::TempDir,
    port: u16,
    server: Child,
}

impl Tls {
    /// One that knows a job called `tls`, under the name 127.0.0.1 alone.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test \
                       -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE -keyout key.pem -out cert.pem";
        let made = openssl(dir.path(), request).stderr(Stdio::null()).status().unwrap();
        assert!(made.success(), "openssl req: {made}");
        std::fs::create_dir_all(dir.path().join("api/jobs")).unwrap();
        let job = r#"{"submission_id": "tls", "status": "STOPPED", "metadata": {"molsieve_tag": "tls"}}"#;
        std::fs::write(dir.path().join("api/jobs/tls"), format!("HTTP/1.0 200 OK\r\n\r\n{job}")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let serve = format!("s_server -accept 127.0.0.1:{port} -cert cert.pem -key key.pem -HTTP -quiet");
        let server = openssl(dir.path(), &serve).stderr(Stdio::null()).spawn().unwrap();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { dir, port, server }
    }

    /// The certificate, in PEM.
    pub fn certificate(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("cert.pem")).unwrap()
    }

    /// Its address under the name `host`.
    pub fn address(&self, host: &str) -> String {
        format!("https://{host}:{}", self.port)
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn openssl(dir: &Path, words: &str) -> Command {
    let mut command = Command::new("openssl");
    command.args(words.split_whitespace()).current_dir(dir).stdin(Stdio::null()).stdout(Stdio::null());
    command
}
