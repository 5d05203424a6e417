//! Tries of a wave's tasks that failed, by the logs of the tasks: a scheduler that tries again by itself says nothing of them.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::fs;
use crate::layout::CampaignDir;

/// So much of the end of a task's log is read.
const END_BYTES: u64 = 16 << 10;

/// What is known of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedTries {
    /// How many tries failed, as far as the ends of the logs tell.
    pub tries: u64,
    /// Of how many tasks.
    pub tasks: u64,
    /// What the last of them said.
    pub last: String,
}

/// Those of `wave`, which has so many `tasks`; none where no log tells of one.
pub fn of_wave(dir: &CampaignDir, wave: u64, tasks: u64) -> Option<FailedTries> {
    let (mut all, mut last) = (FailedTries { tries: 0, tasks: 0, last: String::new() }, None);
    for task in 0..tasks {
        for (at, (time, what)) in of_log(&dir.log(&CampaignDir::task_name(wave, task))).into_iter().enumerate() {
            all.tasks += u64::from(at == 0);
            all.tries += 1;
            if last.as_ref() <= Some(&time) {
                (all.last, last) = (what, Some(time));
            }
        }
    }
    (all.tries > 0).then_some(all)
}

/// When tries failed of which the end of a log tells, and what they said. A log that cannot be read tells nothing.
pub fn of_log(path: &Path) -> Vec<(String, String)> {
    let end = fs::read_end(path, END_BYTES).unwrap_or_default();
    String::from_utf8_lossy(&end).lines().filter_map(failed).collect()
}

/// When a try failed, and what it said, if `line` tells of one.
fn failed(line: &str) -> Option<(String, String)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let text = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
    let fields = line.get("fields")?;
    let is_one = text(&line, "level")? == "ERROR" && text(fields, "message")? == "failed";
    is_one.then(|| Some((text(&line, "timestamp")?, text(fields, "what")?))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_that_failed_is_told_by_what_it_said() {
        let line = |level: &str, message: &str| {
            format!(
                r#"{{"timestamp":"2026-11-29T04:00:00Z","level":"{level}","fields":{{"message":"{message}","what":"No space left"}}}}"#
            )
        };
        let told = failed(&line("ERROR", "failed")).map(|(_, what)| what);
        assert_eq!(told.as_deref(), Some("No space left"));
        for other in [line("ERROR", "not begun"), line("INFO", "failed"), "{".to_owned(), "Traceback".to_owned()] {
            assert_eq!(failed(&other), None, "{other}");
        }
    }

    #[test]
    fn the_failed_tries_of_a_wave_are_counted_and_the_last_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let dir = CampaignDir::new(dir.path());
        assert_eq!(of_wave(&dir, 1, 3), None);
        std::fs::create_dir(dir.logs()).unwrap();
        let line = |second: u32, what: &str| {
            format!(
                "{{\"timestamp\":\"2026-11-29T04:00:0{second}Z\",\"level\":\"ERROR\",\"fields\":{{\"message\":\"failed\",\"what\":\"{what}\"}}}}\n"
            )
        };
        std::fs::write(dir.log("wave-1-task-0"), line(1, "a") + "half a line\n" + &line(5, "last")).unwrap();
        std::fs::write(dir.log("wave-1-task-2"), line(3, "b")).unwrap();
        std::fs::write(dir.log("wave-2-task-1"), line(9, "of another wave")).unwrap();
        assert_eq!(of_wave(&dir, 1, 3), Some(FailedTries { tries: 3, tasks: 2, last: "last".to_owned() }));
    }
}
