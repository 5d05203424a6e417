//! The commands of a scheduler, run with a time limit and in a known environment.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// What a command may print before it is not read any further, a stream: the states of a million tasks.
const SAID_MAX: u64 = 256 << 20;

/// Settings that would change what a command prints or asks for, by the beginning of their names.
const FOREIGN: &[&str] = &["SBATCH_", "SQUEUE_", "SACCT_", "SCANCEL_", "SINFO_", "SALLOC_", "SRUN_", "SLURM_"];

/// Settings that say which cluster is meant, and stay.
const KEPT: &[&str] = &["SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT", "CONDOR_CONFIG"];

/// What a command whose environment goes on to tasks keeps of its own: where programs are, and who we are. `TMPDIR` is the
/// business of the machine that a task runs on.
const CARRIED: &[&str] = &["PATH", "LD_LIBRARY_PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ"];

/// A command: an argument vector. No shell ever reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The argument vector; the program is looked up on `PATH`.
    pub argv: Vec<String>,
    /// Settings of the environment, beside those that every command gets.
    pub settings: Vec<(&'static str, &'static str)>,
    /// Where the environment of the command goes on to tasks: it has no names but a few that every program needs, and these.
    pub carried: Option<Vec<String>>,
}

impl Call {
    /// The command `argv`.
    pub fn new<T: Into<String>>(argv: impl IntoIterator<Item = T>) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect(), settings: Vec::new(), carried: None }
    }

    /// With nothing in its environment but what every program needs, and the variables called `names`.
    #[must_use]
    pub fn carrying<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.carried = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// With `name` set to `value` in the environment.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.settings.push((name, value));
        self
    }

    /// Whether the command is to see our own variable called `name`.
    fn keeps(&self, name: &str) -> bool {
        let is_foreign = FOREIGN.iter().any(|prefix| name.starts_with(prefix));
        match &self.carried {
            _ if KEPT.contains(&name) => true,
            Some(names) => CARRIED.contains(&name) || names.iter().any(|carried| carried == name),
            None => !is_foreign,
        }
    }

    /// The name of the program.
    pub fn program(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }
}

/// What a command said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Said {
    /// Whether it ended well.
    pub fn is_ok(&self) -> bool {
        self.code == Some(0)
    }

    /// What a person needs of it: the last lines of standard error, else of standard output, on one line.
    pub fn gist(&self) -> String {
        let text = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let last = lines[lines.len().saturating_sub(3)..].join(" / ");
        let gist: String = last.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect();
        let ended = self.code.map_or_else(|| "ended by a signal".to_owned(), |code| format!("exit {code}"));
        if gist.is_empty() { ended } else { format!("{gist} ({ended})") }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Silent {
    /// The program is not there.
    Absent,
    /// It took longer than it may; whether it had an effect is not known.
    TimedOut(Duration),
    /// The system refused.
    System(io::Error),
}

/// As what follows the name of the program in a sentence.
impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("is not on the PATH of this machine"),
            Self::TimedOut(limit) => write!(f, "did not answer within {} s", limit.as_secs()),
            Self::System(error) => write!(f, "cannot be run: {error}"),
        }
    }
}

/// What runs the commands: the system, or a test.
pub trait Runner: std::fmt::Debug + Send {
    /// Runs `call` and hears what it says.
    ///
    /// # Errors
    /// See [`Silent`].
    fn run(&mut self, call: &Call) -> Result<Said, Silent>;
}

/// Runs commands on this machine.
#[derive(Clone, Debug)]
pub struct System {
    /// How long one may take.
    pub limit: Duration,
}

impl Default for System {
    fn default() -> Self {
        // A controller under load answers in a minute or so; its own commands give up after that.
        Self { limit: Duration::from_secs(120) }
    }
}

impl Runner for System {
    fn run(&mut self, call: &Call) -> Result<Said, Silent> {
        let (program, arguments) = call.argv.split_first().ok_or(Silent::Absent)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
            .process_group(0)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| call.keeps(&name.to_string_lossy())));
        if call.carried.is_none() {
            command.env("LC_ALL", "C");
        }
        command.envs(call.settings.iter().copied());
        let mut child = command.spawn().map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Silent::Absent,
            _ => Silent::System(e),
        })?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (stdout, stderr) = (heard(child.stdout.take()), heard(child.stderr.take()));
        let ended = heard_end(child);
        let deadline = Instant::now() + self.limit;
        let answer = (|| {
            let status = until(&ended, deadline)?.ok()?;
            Some(Said { code: status.code(), stdout: until(&stdout, deadline)?, stderr: until(&stderr, deadline)? })
                .filter(|_| status.code().is_some() || status.signal().is_some())
        })();
        answer.ok_or_else(|| {
            if let Some(group) = group {
                let _ = kill_process_group(group, Signal::KILL);
            }
            Silent::TimedOut(self.limit)
        })
    }
}

fn until<T>(channel: &Receiver<T>, deadline: Instant) -> Option<T> {
    channel.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
}

/// Reads a stream to its end in a thread: a full pipe would stop the command.
fn heard(stream: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (tell, hear) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(stream) = stream {
            let _ = stream.take(SAID_MAX).read_to_end(&mut bytes);
        }
        let _ = tell.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    hear
}

fn heard_end(mut child: std::process::Child) -> Receiver<io::Result<std::process::ExitStatus>> {
    let (tell, hear) = mpsc::channel();
    thread::spawn(move || tell.send(child.wait()));
    hear
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> Result<Said, Silent> {
        System { limit }.run(&Call::new(["sh", "-c", script]))
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn what_goes_on_to_tasks_is_listed_and_what_only_asks_hears_no_foreign_settings() {
        let (asks, goes_on) = (Call::new(["squeue"]), Call::new(["sbatch"]).carrying(["LICENSE_SERVER"]));
        let kept = |call: &Call| {
            let names = ["PATH", "SLURM_CONF", "SBATCH_PARTITION", "SLURM_JOB_ID", "LICENSE_SERVER", "AWS_SECRET"];
            names.into_iter().filter(|name| call.keeps(name)).collect::<Vec<_>>()
        };
        assert_eq!(kept(&asks), ["PATH", "SLURM_CONF", "LICENSE_SERVER", "AWS_SECRET"]);
        assert_eq!(kept(&goes_on), ["PATH", "SLURM_CONF", "LICENSE_SERVER"]);
    }

    #[test]
    fn a_command_is_heard_to_its_end_on_both_streams() {
        let said = sh("echo out; echo err >&2; exit 3", LONG).unwrap();
        assert_eq!(said, Said { code: Some(3), stdout: "out\n".into(), stderr: "err\n".into() });
        assert_eq!(said.gist(), "err (exit 3)");
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        let started = Instant::now();
        let silent = sh("sleep 100 & sleep 100", Duration::from_millis(200));
        assert!(matches!(silent, Err(Silent::TimedOut(_))), "{silent:?}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_command_that_leaves_its_output_open_does_not_hold_us_for_ever() {
        assert!(matches!(sh("sleep 3 & exit 0", Duration::from_millis(200)), Err(Silent::TimedOut(_))));
    }

    #[test]
    fn a_program_that_is_not_there_is_called_absent() {
        let silent = System::default().run(&Call::new(["molsieve-no-such-program"]));
        assert!(matches!(silent, Err(Silent::Absent)), "{silent:?}");
    }

    #[test]
    fn commands_speak_english() {
        assert_eq!(sh("echo $LC_ALL", LONG).unwrap().stdout, "C\n");
    }

    #[test]
    fn a_death_by_signal_is_no_exit_code() {
        let said = sh("kill -9 $$", LONG).unwrap();
        assert_eq!((said.code, said.is_ok()), (None, false));
    }
}
