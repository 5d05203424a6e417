//! A Jobs API that keeps its jobs in memory, runs their drivers' tasks itself, and fails on cue.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use molsieve_adapters::Ray;
use molsieve_adapters::ray::{Address, Client, Plain, Site, Token};
use serde_json::{Value, json};

/// What it wants to be told.
pub const TOKEN: &str = "0123456789abcdef-secret";

/// A server on a loopback port.
pub struct FakeRay {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    jobs: BTreeMap<String, FakeJob>,
    /// What it does with the next request, instead of what it should.
    cue: Option<Cue>,
    /// The requests that it has heard, without their bodies.
    heard: Vec<String>,
    /// So long every answer takes.
    takes: Duration,
    /// So many bytes are added to every log.
    noise: usize,
    /// Whether what a job says holds the token.
    echoes: bool,
}

/// A way to fail.
#[derive(Clone, Copy, Debug)]
pub enum Cue {
    /// This status, and this text.
    Status(u16, &'static str),
    /// It does what it should, and the line drops before the answer.
    AcceptAndDrop,
    /// It does what it should, and the line drops in the middle of the answer.
    Half,
    /// An answer that does not end.
    Endless,
    /// A byte a second.
    Slow,
    /// Not HTTP at all.
    Babble,
    /// A redirect to itself, elsewhere.
    Redirect,
    /// It sends back the headers that it got.
    Echo,
}

struct FakeJob {
    submission: Value,
    status: &'static str,
    log: String,
    tasks: Vec<(u64, Child)>,
}

impl FakeRay {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&own);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { port, shared }
    }

    /// The next request is answered so.
    pub fn cue(&self, cue: Cue) {
        self.shared.lock().unwrap().cue = Some(cue);
    }

    /// From here on every answer takes this time, and every log is so much longer.
    pub fn burden(&self, takes: Duration, noise: usize) {
        let mut shared = self.shared.lock().unwrap();
        (shared.takes, shared.noise) = (takes, noise);
    }

    /// The message of every job is what it was asked with, each character escaped.
    pub fn echo_in_messages(&self) {
        self.shared.lock().unwrap().echoes = true;
    }

    /// All that was asked so far, as method and path.
    pub fn heard(&self) -> Vec<String> {
        self.shared.lock().unwrap().heard.clone()
    }

    /// A new head in the place of the old one.
    pub fn forget(&self) {
        for (_, mut job) in std::mem::take(&mut self.shared.lock().unwrap().jobs) {
            job.end("STOPPED");
        }
    }

    /// The driver of `id` dies, as with its node.
    pub fn lose_driver(&self, id: &str) {
        self.shared.lock().unwrap().jobs.get_mut(id).unwrap().end("FAILED");
    }

    pub fn address(&self) -> Address {
        Address::parse(&format!("http://127.0.0.1:{}", self.port), Plain::Refused).unwrap()
    }

    /// An adapter with this token, and little patience.
    pub fn ray_with(&self, token: Option<&str>) -> Ray {
        let token = token.map(|token| Token::new(token).unwrap());
        let client = Client::new(self.address(), token, None).unwrap().limited(Duration::from_secs(3), 1 << 20);
        Ray::new(client, Site::default())
    }

    /// An adapter for one look, which waits `all` for all its answers.
    pub fn listener(&self, all: Duration, answers_max: u64) -> Ray {
        let client = Client::new(self.address(), Some(Token::new(TOKEN).unwrap()), None).unwrap();
        Ray::new(client.limited(Duration::from_secs(30), answers_max).within(all), Site::default())
    }

    pub fn ray(&self) -> Ray {
        self.ray_with(Some(TOKEN))
    }
}

impl Drop for FakeRay {
    fn drop(&mut self) {
        self.forget();
    }
}

impl FakeJob {
    /// Does what the driver would do, from what the driver says.
    fn start(submission: Value) -> Self {
        let driver =
            submission["entrypoint"].as_str().unwrap().split_once(' ').unwrap().1.trim_matches('\'').to_owned();
        let text = std::fs::read_to_string(driver).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("ARGV = ")).unwrap();
        let argv: Vec<String> = serde_json::from_str(line).unwrap();
        let count: u64 = submission["metadata"]["molsieve_tasks"].as_str().unwrap().parse().unwrap();
        let run = |index: u64| Command::new(&argv[0]).args(&argv[1..]).arg(index.to_string()).spawn().unwrap();
        let tasks: Vec<_> = (0..count).map(|index| (index, run(index))).collect();
        let mut log = "Running entrypoint\n".to_owned();
        for index in 0..count {
            log += &format!("molsieve: {{\"task\": {index}, \"state\": \"started\", \"node\": \"n1\"}}\n");
        }
        Self { submission, status: "RUNNING", log, tasks }
    }

    fn look(&mut self) {
        let log = &mut self.log;
        self.tasks.retain_mut(|(index, child)| {
            let Some(status) = child.try_wait().unwrap() else { return true };
            let exit = status.code().unwrap_or(-9);
            *log += &format!("molsieve: {{\"task\": {index}, \"state\": \"ended\", \"exit\": {exit}}}\n");
            false
        });
        if self.tasks.is_empty() && self.status == "RUNNING" {
            self.status = "SUCCEEDED";
        }
    }

    fn end(&mut self, status: &'static str) {
        self.look();
        for (_, mut child) in std::mem::take(&mut self.tasks) {
            let _ = child.kill();
            let _ = child.wait();
            self.status = status;
        }
    }

    fn details(&self) -> Value {
        let mut details = self.submission.clone();
        details["status"] = json!(self.status);
        details["message"] = json!("Job supervisor actor died");
        details["type"] = json!("SUBMISSION");
        details
    }
}

fn serve(stream: TcpStream, shared: &Mutex<Shared>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim_end().is_empty() {
            break;
        }
        head.push(line.trim_end().to_owned());
    }
    let header = |name: &str| {
        head.iter()
            .find_map(|line| line.split_once(": ").filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, v)| v))
    };
    let mut body = vec![0; header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let request = head.first()?.rsplit_once(' ')?.0.to_owned();
    let mut shared = shared.lock().unwrap();
    shared.heard.push(request.clone());
    let cue = shared.cue.take();
    let (status, text) = if header("authorization") == Some(&format!("Bearer {TOKEN}")) {
        answer(&mut shared, &request, &body, cue)
    } else {
        (401, "Unauthorized: Missing authentication token".to_owned())
    };
    let takes = shared.takes;
    drop(shared);
    std::thread::sleep(takes);
    say(stream, status, &text, cue, &head)
}

fn say(mut stream: TcpStream, status: u16, text: &str, cue: Option<Cue>, head: &[String]) -> Option<()> {
    let response = |status: u16, more: &str, text: &str| {
        format!("HTTP/1.1 {status} X\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len())
    };
    let whole = response(status, "Content-Type: application/json\r\n", text);
    let said = match cue {
        None => whole,
        Some(Cue::Status(status, text)) => response(status, "", text),
        Some(Cue::AcceptAndDrop) => return None,
        Some(Cue::Half) => whole[..whole.len() - 2].to_owned(),
        Some(Cue::Babble) => "220 mail.example.org ESMTP\r\n".to_owned(),
        Some(Cue::Redirect) => response(302, "Location: http://localhost:1/elsewhere\r\n", ""),
        Some(Cue::Echo) => response(500, "", &head.join(" / ")),
        Some(Cue::Endless) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
            while stream.write_all(&[b' '; 4096]).is_ok() {}
            return None;
        }
        Some(Cue::Slow) => {
            for byte in whole.bytes() {
                stream.write_all(&[byte]).ok()?;
                std::thread::sleep(Duration::from_secs(1));
            }
            return None;
        }
    };
    stream.write_all(said.as_bytes()).ok()
}

fn answer(shared: &mut Shared, request: &str, body: &[u8], cue: Option<Cue>) -> (u16, String) {
    if matches!(cue, Some(Cue::Status(..) | Cue::Redirect | Cue::Echo | Cue::Babble)) {
        return (200, String::new());
    }
    shared.jobs.values_mut().for_each(FakeJob::look);
    let (method, path) = request.split_once(' ').unwrap();
    if (method, path) == ("GET", "/api/jobs/") {
        return (200, Value::from(shared.jobs.values().map(FakeJob::details).collect::<Vec<_>>()).to_string());
    }
    if (method, path) == ("POST", "/api/jobs/") {
        let submission: Value = serde_json::from_slice(body).unwrap();
        let id = submission["submission_id"].as_str().unwrap().to_owned();
        if shared.jobs.contains_key(&id) {
            return (500, format!("Traceback\nRuntimeError: 400: Job with submission_id {id} already exists."));
        }
        shared.jobs.insert(id.clone(), FakeJob::start(submission));
        return (200, json!({"job_id": id, "submission_id": id}).to_string());
    }
    let (id, verb) =
        path.strip_prefix("/api/jobs/").unwrap().split_once('/').unwrap_or((&path["/api/jobs/".len()..], ""));
    let (noise, echoes) = (shared.noise, shared.echoes);
    let Some(job) = shared.jobs.get_mut(id) else { return (404, format!("Job {id} does not exist")) };
    match (method, verb) {
        ("GET", "") if echoes => {
            let escaped: String = TOKEN.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
            (200, job.details().to_string().replace("Job supervisor actor died", &format!("not for {escaped}")))
        }
        ("GET", "") => (200, job.details().to_string()),
        ("GET", "logs") => (200, json!({"logs": format!("{}{}", job.log, " ".repeat(noise))}).to_string()),
        ("POST", "stop") => {
            job.end("STOPPED");
            (200, json!({"stopped": true}).to_string())
        }
        _ => (405, "405: Method Not Allowed".to_owned()),
    }
}
