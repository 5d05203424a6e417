//! The command line: one file a command, each with its arguments and a `run`.
//!
//! Commands parse, call the library, and print through [`output::Output`]. What they print with
//! `--json` is one document with a schema; see `docs/formats/facts.md`.

pub mod exit_code;
pub mod output;
mod panics;
pub mod rank;

mod archive;
mod asked;
mod audit;
mod cancel;
mod clean;
mod cluster;
mod decoys;
mod doctor;
mod drive;
mod elsewhere;
mod extract;
mod follow;
mod forecast;
mod gather;
mod init;
mod keygen;
mod launch;
mod library;
mod logging;
mod logs;
mod manual;
mod peek;
mod pilot;
mod place;
mod plan;
mod probe;
mod progress;
mod prove;
mod question;
mod registry;
mod report;
mod reproduce;
mod resume;
mod retry;
mod run;
mod screen;
mod serve;
mod sign;
mod signals;
mod site;
mod status;
mod submit;
mod submitted;
mod suite;
mod terminal;
mod tick;
mod values;
mod verify;
mod waiting;
mod watch;
mod worker;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::error::{Error, Result};
use crate::scorer::command::{contain, shim, translate};
use exit_code::Exit;
use output::{Form, Output};

/// What `--version` says. A build that is meant for other machines says for which; `tools/portable` sets it.
const LONG_VERSION: &str = match option_env!("MOLSIEVE_LONG_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Runs a molecule-screening campaign on the machines you have, survives the night, and leaves one
/// signed pack that proves what was computed.
#[derive(Debug, Parser)]
#[command(
    name = "molsieve",
    version,
    long_version = LONG_VERSION,
    max_term_width = 100,
    after_help = "A first campaign, in a minute:\n  molsieve init first\n  molsieve plan first/campaign.toml --dir first/out\n  molsieve run first/campaign.toml --dir first/out\n  molsieve verify first/out --allow-unsigned"
)]
struct Cli {
    /// Print the facts as one JSON document on standard output.
    #[arg(long, global = true)]
    json: bool,
    /// Print nothing but errors.
    #[arg(long, short, global = true, conflicts_with = "json")]
    quiet: bool,
    #[command(flatten)]
    elsewhere: elsewhere::Args,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented campaign file that runs, with all that it needs.
    Init(init::Args),
    /// Find what is wrong with this machine, a cluster or a scorer, before a campaign depends on it.
    Doctor(doctor::Args),
    /// Profiles of clusters: write one from what is found, list them, show one.
    Site(site::Args),
    /// Plan, run, gather and sign a campaign; on its own directory, resume it.
    Run(run::Args),
    /// Freeze a campaign and cut its library into shards, without running it.
    Plan(plan::Args),
    /// Score a sample and plan with what it cost: rate, time, core hours, cost classes.
    Pilot(pilot::Args),
    /// Start a campaign and return at once; it goes on without you.
    Submit(submit::Args),
    /// Say how far a campaign is.
    Status(status::Args),
    /// Go on with a campaign from its checkpoints, with other resources and limits if you like.
    Resume(resume::Args),
    /// Show the best rows so far, or examples of what failed, without disturbing anybody.
    Peek(peek::Args),
    /// Open a new generation of a campaign in which its errors are scored again.
    Retry(retry::Args),
    /// Do what can be done now for a campaign on a cluster; its jobs call this by themselves.
    Tick(tick::Args),
    /// Stop a campaign at a clean checkpoint, wherever it is driven from.
    Cancel(cancel::Args),
    /// Remove what killed processes left in a campaign directory, and nothing that anybody may need.
    Clean(clean::Args),
    /// Put what answers questions later into one file, and remove the bulky rest if you like.
    Archive(archive::Args),
    /// Show the logs of a campaign.
    Logs(logs::Args),
    /// Join what the shards left to one sealed, unsigned pack.
    Gather(gather::Args),
    /// Sign a sealed pack.
    Sign(sign::Args),
    /// Check a pack: integrity, completeness, signature.
    Verify(verify::Args),
    /// Prove that one row is in a pack, without the others; or check such a proof.
    Prove(prove::Args),
    /// What a pack is worth: its score against what an expensive measurement said.
    Report(report::Args),
    /// Compute the request of a pack again, and compare the answers.
    Reproduce(reproduce::Args),
    /// The catalogue of what was signed here.
    Registry(registry::Args),
    /// The chained history of who signed what, when.
    Audit(audit::Args),
    /// Take kept files, such as poses, out of a campaign's archives.
    Extract(extract::Args),
    /// Make a key pair for signing.
    Keygen(keygen::Args),
    /// Look at a library, take its snapshot, or generate one.
    Library(library::Args),
    /// Write the look-alikes of a campaign's library to a file, to be scored elsewhere.
    Decoys(decoys::Args),
    /// Run what is known, or agreed, before it runs, and say whether its packs show it: HETERO-2's VALUE suites.
    Suite(suite::Args),
    /// Print the script that completes commands and options in a shell.
    Completions(manual::CompletionsArgs),
    /// Print the manual, or write its pages.
    Man(manual::ManArgs),
    /// Work on the task groups of one task; started by a scheduler.
    #[command(hide = true)]
    Worker(worker::Args),
    /// Start the ranks of one task; started by a scheduler.
    #[command(hide = true)]
    Launch(launch::Args),
    /// Try out what a campaign's jobs do; started by a scheduler for `molsieve doctor --site --try`.
    #[command(hide = true)]
    Probe(probe::Args),
    /// Watch a campaign that others drive; started by `--on`.
    #[command(hide = true)]
    Follow(follow::Args),
    /// Answer the other end of an ssh channel; started by `--on`.
    #[command(hide = true)]
    ServeRemote(serve::Args),
}

/// Runs the program with `args`, the program's name first, and gives its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if let [_, first, rest @ ..] = args.as_slice()
        && first == shim::SUBCOMMAND
    {
        // Not a command for people: what follows is another program's, and not ours to parse.
        return report(&shim::exec(rest), Output::new(Form::Human));
    }
    if let [_, first, rest @ ..] = args.as_slice()
        && first == contain::SUBCOMMAND
    {
        return report(&contain::exec(rest), Output::new(Form::Human));
    }
    if let [_, first, rest @ ..] = args.as_slice()
        && first == translate::SUBCOMMAND
    {
        let done = translate::run(rest);
        return done.map_or_else(|error| report(&error, Output::new(Form::Human)), |()| ExitCode::SUCCESS);
    }
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let form = match (cli.json, cli.quiet) {
        (true, _) => Form::Json,
        (_, true) => Form::Quiet,
        _ => Form::Human,
    };
    let output = Output::new(form);
    let ready = signals::survive_file_size_limit();
    let done = ready.and_then(|()| match elsewhere::run(&args, &cli.elsewhere, &Cli::command(), output) {
        Some(done) => done,
        None => dispatch(cli.command, &cli.elsewhere, output),
    });
    match done {
        Ok(exit) => exit.into(),
        Err(error) => report(&elsewhere::with_dir(error, &args, &Cli::command()), output),
    }
}

/// Prints an error, and gives its exit code.
fn report(error: &Error, output: Output) -> ExitCode {
    output.error(error);
    ExitCode::from(error.kind().exit_code())
}

fn dispatch(command: Command, how: &elsewhere::Args, output: Output) -> Result<Exit> {
    match command {
        Command::Init(args) => init::run(&args, output),
        Command::Doctor(args) => doctor::run(&args, output),
        Command::Site(args) => site::run(&args, output),
        Command::Probe(args) => probe::run(&args),
        Command::Completions(args) => Ok(manual::completions(&args, Cli::command(), output)),
        Command::Man(args) => manual::man(&args, Cli::command(), output),
        Command::Run(args) => run::run(&args, output),
        Command::Plan(args) => plan::run(&args, output),
        Command::Pilot(args) => pilot::run(&args, output),
        Command::Submit(args) => submit::run(&args, output),
        Command::Status(args) => status::run(&args, output),
        Command::Resume(args) => resume::run(&args, output),
        Command::Clean(args) => clean::run(&args, output),
        Command::Archive(args) => archive::run(&args, output),
        Command::Peek(args) => peek::run(&args, output),
        Command::Retry(args) => retry::run(&args, output),
        Command::Tick(args) => tick::run(&args, output),
        Command::Cancel(args) => cancel::run(&args, output),
        Command::Logs(args) => logs::run(&args, output),
        Command::Gather(args) => gather::run(&args, output),
        Command::Sign(args) => sign::run(&args, how, output),
        Command::Verify(args) => verify::run(&args, output),
        Command::Prove(args) => prove::run(&args, output),
        Command::Report(args) => report::run(&args, output),
        Command::Reproduce(args) => reproduce::run(&args, output),
        Command::Registry(args) => registry::run(&args, output),
        Command::Audit(args) => audit::run(&args, output),
        Command::Extract(args) => extract::run(&args, output),
        Command::Keygen(args) => keygen::run(&args, output),
        Command::Library(args) => library::run(&args, output),
        Command::Decoys(args) => decoys::run(&args, output),
        Command::Suite(args) => suite::run(&args, output),
        Command::Worker(args) => worker::run(&args),
        Command::Launch(args) => launch::run(&args),
        Command::Follow(args) => follow::run(&args, output),
        Command::ServeRemote(args) => serve::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a line of help as a shell would pass them to us: what is between quotes is one word, and a comment
    /// after three blanks, a redirection or another program's part of the line is none of ours.
    fn words(line: &str) -> Vec<String> {
        let ours = line.trim().split("   ").next().unwrap_or_default();
        let ours = ours.split(['>', '|', '&']).next().unwrap_or_default().trim();
        let parts = ours.split('\'').enumerate();
        parts.fold(Vec::new(), |mut words, (n, part)| {
            if n % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
            words
        })
    }

    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        help.lines().filter(|line| line.trim().starts_with("molsieve ")).map(str::to_owned).collect()
    }

    #[test]
    fn the_help_of_every_command_has_an_example_of_it_and_every_example_can_be_given() {
        let whole = Cli::command();
        let mut commands = vec![&whole];
        for command in whole.get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            let own = |line: &String| words(line).iter().any(|word| word == name);
            assert!(examples(command).iter().any(own), "`molsieve {name} --help` shows no example of it");
            commands.push(command);
            commands.extend(command.get_subcommands());
        }
        // (What is shortened for the reader cannot be given as it stands.)
        for line in commands.into_iter().flat_map(examples).filter(|line| !line.contains('…')) {
            if let Err(error) = Cli::try_parse_from(words(&line)) {
                panic!("an example does not work: {line}: {error}");
            }
        }
    }
}
