//! The program. For now only the shim that starts scorers.

use std::io::Write;
use std::process::ExitCode;

use molsieve::scorer::command::shim;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let Some((first, rest)) = arguments.split_first().filter(|(first, _)| *first == shim::SUBCOMMAND) else {
        return ExitCode::FAILURE;
    };
    let _ = first;
    let error = shim::exec(rest);
    let _ = writeln!(std::io::stderr(), "molsieve: {error}");
    ExitCode::from(error.kind().exit_code())
}
