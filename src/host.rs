//! What machine this is: provenance, never payload.

/// The node's name; `unknown` where the system does not say.
pub fn name() -> String {
    rustix::system::uname().nodename().to_str().unwrap_or("unknown").to_owned()
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
