//! What machine this is: provenance, never payload.

/// The node's name; `unknown` where the system does not say.
pub fn name() -> String {
    rustix::system::uname().nodename().to_str().unwrap_or("unknown").to_owned()
}

/// Tells this boot of this machine from every other one, in eight hex digits, whatever container asks.
pub fn boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let start = id.get(..8).filter(|start| start.bytes().all(|b| b.is_ascii_hexdigit()))?;
    Some(start.to_ascii_lowercase())
}

/// What the system says of the process `pid`, as the fields of its `stat`; none where it is not there.
pub fn process(pid: i32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()
}

/// The processor's model; `unknown` where the system does not say.
pub fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Cores of the whole machine.
pub fn cores_online() -> usize {
    let list = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let ranges = list.trim().split(',').filter_map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(last.parse::<usize>().ok()? + 1 - first.parse::<usize>().ok()?)
    });
    ranges.sum::<usize>().max(cores())
}

/// Bytes of memory that new work could get; `None` where the system does not say.
pub fn memory_available() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// The most bytes of memory that this process's control group may use (cgroup v2), if there is a limit.
pub fn memory_limit() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    std::fs::read_to_string(format!("/sys/fs/cgroup{own}/memory.max")).ok()?.trim().parse().ok()
}

/// The account that this process runs under: its name if the system's own list has it, and its number.
///
/// What the environment says (`USER`) is not asked: anybody can set it.
pub fn account() -> String {
    let uid = rustix::process::getuid().as_raw();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(&accounts, uid).map_or_else(|| format!("uid {uid}"), str::to_owned)
}

/// The first name in `accounts`, as passwd(5) has them, with this number.
fn name_of(accounts: &str, uid: u32) -> Option<&str> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn an_account_has_the_first_name_with_its_number() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\n:x:7::\nbroken\nann:x:1000:1000::/:\nbob:x:1000:1000::/:\n";
        assert_eq!(name_of(accounts, 1000), Some("ann"));
        assert_eq!(name_of(accounts, 0), Some("root"));
        assert_eq!(name_of(accounts, 7), None);
        assert_eq!(name_of("", 0), None);
    }
}
