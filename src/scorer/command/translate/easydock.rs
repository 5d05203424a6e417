//! The dialect of EasyDock's servers: one long-lived process, one JSON object a line. Its document is
//! `docs/formats/easydock.md`; the protocol is EasyDock's (<https://github.com/ci-lab-cz/easydock>, version 1.3).

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::program::{Death, Starter};
use super::serve::{Answer, Answers, Asked, Request, Translator, Trouble};
use super::spec::{self, Spec, reason};
use super::{strict, values};
use crate::error::{Error, Result};
use crate::scorer::command::trace;
use crate::scorer::{ColumnType, Order};

/// The column that every such server fills.
pub const SCORE: &str = "docking_score";
/// Longer lines no server may write: poses come with the scores.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// Records a request, where neither the campaign file nor the server says.
const BATCH_SIZE: u32 = 1;

/// A server that was told its receptor.
#[derive(Debug)]
pub struct EasydockTranslator {
    spec: Spec,
    server: Server,
}

impl EasydockTranslator {
    /// Starts the server, asks what it is, and has it load its receptor.
    ///
    /// # Errors
    /// It does not start, refuses, or wants what cannot be given (exit 6).
    pub fn start(mut spec: Spec, how: &spec::Easydock, starter: Starter) -> Result<Self> {
        let refused = |trouble: Trouble| match trouble {
            Trouble::Died(death, _) => Error::environment(format!("the server {death}")),
            Trouble::Violation(what) => Error::environment(format!("the server broke its protocol: {what}")),
        };
        let mut server = Server::start(starter, &spec.argv)?;
        let info = server.ask("info", &json!({})).map_err(refused)?;
        status(&info).map_err(|what| Error::environment(format!("the server refuses `info`: {what}")))?;
        let format = info.get("ligand_in_format").and_then(Json::as_str).unwrap_or("pdbqt");
        if format != "smiles" {
            let shown: String = format.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(Error::environment(format!(
                "the server takes structures as `{shown}`, and molsieve has SMILES"
            ))
            .hint("set up the server for SMILES, or put a program before it that prepares 3D structures"));
        }
        let description = &mut spec.translation.description;
        if how.default_column {
            let lower_is_better = info.get("score_mode").and_then(Json::as_str) != Some("max");
            description.columns[0].order = if lower_is_better { Order::Asc } else { Order::Desc };
        }
        if spec.batch_size == 0 {
            let wanted = info.get("batch_size").and_then(Json::as_u64).and_then(|size| u32::try_from(size).ok());
            spec.batch_size = wanted.unwrap_or(BATCH_SIZE).clamp(1, crate::scorer::command::hello::BATCH_MAX as u32);
        }
        let ready = server.ask("init", &Json::Object(how.init.clone())).map_err(refused)?;
        status(&ready).map_err(|what| Error::environment(format!("the server refuses `init`: {what}")))?;
        Ok(Self { spec, server })
    }

    /// What the hello says, as the server has it.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    fn read(&self, request: &Request, mut results: Map<String, Json>) -> Result<Vec<Answer>, Trouble> {
        let alone = request.records.len() == 1;
        let mut answers = Vec::with_capacity(request.records.len());
        for Asked(ordinal, ..) in &request.records {
            answers.push(match results.remove(&ordinal.to_string()) {
                Some(Json::Object(result)) => self.answer_of(&result),
                Some(Json::Null) => Answer::Failed(reason::NO_RESULT, "its result is null".into()),
                Some(_) => return Err(Trouble::Violation(format!("its result for {ordinal} is no object"))),
                // That it says nothing of one record may be the fault of another.
                None if !alone => Answer::Alone,
                None => Answer::Failed(reason::NO_RESULT, "it says nothing of it".into()),
            });
        }
        match results.keys().next() {
            None => Ok(answers),
            Some(name) => Err(Trouble::Violation(format!("`{name}` was not asked"))),
        }
    }

    fn answer_of(&self, result: &Map<String, Json>) -> Answer {
        let columns = &self.spec.translation.description.columns;
        let texts: Vec<String> = columns
            .iter()
            .map(|column| match result.get(&column.name) {
                None | Some(Json::Null) => String::new(),
                Some(Json::String(text)) => text.clone(),
                Some(Json::Number(number)) if column.kind != ColumnType::String => number.to_string(),
                // A list or a truth value is no value of any column.
                Some(_) => "?".to_owned(),
            })
            .collect();
        values::answer(&self.spec.translation, texts.iter().map(String::as_str))
    }
}

impl Translator for EasydockTranslator {
    fn answer(&mut self, request: &Request) -> Result<Answers, Trouble> {
        let payload: Map<String, Json> =
            request.records.iter().map(|asked| (asked.0.to_string(), Json::from(asked.2.as_str()))).collect();
        let mut reply = self.server.ask("dock", &Json::Object(payload))?;
        if let Err(what) = status(&reply) {
            let answer = match request.records.len() {
                1 => Answer::Failed(
                    reason::NO_RESULT,
                    format!("the server refuses: {}", trace::excerpt(what.as_bytes())).into(),
                ),
                _ => Answer::Alone,
            };
            return Ok(Answers { answers: vec![answer; request.records.len()], files: Vec::new() });
        }
        let Some(Json::Object(results)) = reply.remove("results") else {
            return Err(Trouble::Violation("its reply has no object `results`".to_owned()));
        };
        Ok(Answers { answers: self.read(request, results)?, files: Vec::new() })
    }
}

/// Whether a reply says that all is well; else what it says.
fn status(payload: &Map<String, Json>) -> Result<(), String> {
    match payload.get("status") {
        None | Some(Json::Null | Json::Bool(true)) => Ok(()),
        Some(Json::String(word)) if word.eq_ignore_ascii_case("ok") => Ok(()),
        Some(other) => {
            let said = payload.get("error").and_then(Json::as_str).map_or_else(|| other.to_string(), str::to_owned);
            Err(said.chars().filter(|c| !c.is_control()).take(300).collect())
        }
    }
}

/// The process.
#[derive(Debug)]
struct Server {
    process: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Result<Vec<u8>, String>>,
    starter: Starter,
    id: u64,
}

impl Server {
    fn start(starter: Starter, argv: &[String]) -> Result<Self> {
        let refused = |e: std::io::Error| Error::environment(format!("cannot start the server: {e}"));
        let mut process = starter.serve(argv).map_err(refused)?;
        let stdout = process.stdout.take().ok_or_else(|| Error::bug("a server was started without pipes"))?;
        let (stdin, lines) = (process.stdin.take(), listen(stdout).map_err(refused)?);
        Ok(Self { process, stdin, lines, starter, id: 0 })
    }

    /// Asks `command`; the `payload` of the reply.
    fn ask(&mut self, command: &str, payload: &Json) -> Result<Map<String, Json>, Trouble> {
        self.id += 1;
        let line = format!("{}\n", json!({"id": self.id, "command": command, "payload": payload}));
        let written = self.stdin.as_mut().map(|pipe| pipe.write_all(line.as_bytes()).and_then(|()| pipe.flush()));
        if !matches!(written, Some(Ok(()))) {
            return Err(self.death());
        }
        loop {
            let line = match self.lines.recv() {
                Err(_) => return Err(self.death()),
                Ok(line) => line.map_err(Trouble::Violation)?,
            };
            let mut reply = strict::object(&line)
                .map_err(|e| Trouble::Violation(format!("a line that begins with `{{` is not strict JSON: {e}")))?;
            // An answer to something else is passed over, as EasyDock does.
            if reply.get("id").and_then(Json::as_u64) == Some(self.id) {
                return match reply.remove("payload") {
                    Some(Json::Object(payload)) => Ok(payload),
                    _ => Err(Trouble::Violation("its reply has no object `payload`".to_owned())),
                };
            }
        }
    }

    /// How it died, when its output is at its end.
    fn death(&mut self) -> Trouble {
        for _ in 0..50 {
            if let Ok(Some(status)) = self.process.try_wait() {
                let death = self.starter.judge(status).err().unwrap_or(Death::Code(0));
                return Trouble::Died(death, "it was a server".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Trouble::Violation("it closed its output".to_owned())
    }
}

impl Drop for Server {
    /// Lets it end, and kills it if it does not.
    fn drop(&mut self) {
        self.stdin = None;
        for _ in 0..100 {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The lines of a server that begin with a brace, read by a thread of its own.
fn listen(stdout: ChildStdout) -> std::io::Result<Receiver<Result<Vec<u8>, String>>> {
    let (sender, receiver) = sync_channel(4);
    let read = move || {
        let mut output = BufReader::new(stdout);
        loop {
            let mut line = Vec::new();
            let count = (&mut output).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
            if !matches!(count, Ok(1..)) {
                return;
            }
            let whole = line.ends_with(b"\n");
            let said = if !line.starts_with(b"{") {
                continue;
            } else if whole {
                Ok(line)
            } else {
                Err("its line is over 64 MiB, or has no end".to_owned())
            };
            if sender.send(said).is_err() || !whole {
                return;
            }
        }
    };
    std::thread::Builder::new().spawn(read)?;
    Ok(receiver)
}
