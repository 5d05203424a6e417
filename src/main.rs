//! The program: parse, run, print, exit. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    molsieve::cli::main(std::env::args_os())
}
