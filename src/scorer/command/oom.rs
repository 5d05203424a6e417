//! Whether the kernel killed something for want of memory: the count that a control group keeps.
//!
//! Linux, cgroup v2: `memory.events` of the group holds a line `oom_kill N`. A child that died of
//! SIGKILL while N rose was most probably one of those; nothing says for certain which process it was.

use std::path::{Path, PathBuf};

/// How much of the file is read.
const BYTES_MAX: usize = 4096;

/// The `memory.events` of this process's own control group, if the system has such a thing.
pub fn own_events() -> Option<PathBuf> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let path = Path::new("/sys/fs/cgroup").join(group.trim_start_matches('/')).join("memory.events");
    path.is_file().then_some(path)
}

/// How often the kernel killed for want of memory, as `events` says; 0 if it says nothing.
pub fn kills(events: Option<&Path>) -> u64 {
    events.and_then(|path| std::fs::read(path).ok()).and_then(|bytes| count(&bytes)).unwrap_or(0)
}

fn count(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(&bytes[..bytes.len().min(BYTES_MAX)]).ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_by_its_name() {
        let text = b"low 0\nhigh 12\nmax 3\noom 2\noom_kill 7\noom_group_kill 1\n";
        assert_eq!(count(text), Some(7));
        assert_eq!((count(b""), count(b"oom_kill many\n"), count(b"\xff")), (None, None, None));
        assert_eq!((kills(None), kills(Some(Path::new("/nowhere")))), (0, 0));
    }
}
