//! Structured logs: JSON lines under `logs/`, never near a payload.

use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use crate::error::Result;
use crate::fs;
use crate::layout::CampaignDir;
use crate::run::task::TaskName;

/// The environment variable that says how much is logged, as in `MOLSIEVE_LOG=debug`.
const LEVEL: &str = "MOLSIEVE_LOG";

/// Logs this process to the file of its task.
///
/// # Errors
/// The system refuses (exit 6).
pub fn start(dir: &CampaignDir, task: &TaskName) -> Result<()> {
    fs::create_dir(&dir.logs())?;
    let file = fs::open_log(&dir.log(&task.log()))?;
    let filter = EnvFilter::try_from_env(LEVEL).unwrap_or_else(|_| EnvFilter::new("info"));
    // A line that finds no room is lost. The default is to complain on stderr, and to panic if that has no room either.
    let subscriber = tracing_subscriber::fmt()
        .json()
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(Mutex::new(file))
        .finish();
    // A second call in one process (as tests do) keeps the first log.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}
