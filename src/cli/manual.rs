//! `molsieve completions` and `molsieve man`: what shells and `man` want to know, made from the commands themselves.

use std::path::PathBuf;

use clap_complete::Shell;
use clap_mangen::Man;

use super::exit_code::Exit;
use super::output::Output;
use crate::error::{Error, Result};
use crate::fs;
use crate::layout;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  molsieve completions bash > ~/.local/share/bash-completion/completions/molsieve")]
pub struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  molsieve man | man -l -\n  molsieve man --out ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Write a page for each command into this directory instead.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Prints a completion script.
pub fn completions(args: &CompletionsArgs, mut command: clap::Command, output: Output) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "molsieve", &mut script);
    output.say(String::from_utf8_lossy(&script).trim_end());
    Exit::Done
}

/// Prints the page of the program, or writes all pages.
pub fn man(args: &ManArgs, mut command: clap::Command, output: Output) -> Result<Exit> {
    command.build();
    let Some(dir) = &args.out else {
        output.say(page(&command)?.trim_end());
        return Ok(Exit::Done);
    };
    fs::create_dir(dir)?;
    for (name, text) in pages(&command, "")? {
        let path = layout::manual_page(dir, &name);
        fs::replace(&path, text.as_bytes())?;
        output.say(format!("wrote  {}", path.display()));
    }
    Ok(Exit::Done)
}

/// The pages of `command` and of all below it that people use: name and text.
fn pages(command: &clap::Command, above: &str) -> Result<Vec<(String, String)>> {
    let name = format!("{above}{}", command.get_name());
    let mut all = vec![(name.clone(), page(&command.clone().display_name(name.clone()))?)];
    let visible = command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help");
    for below in visible {
        all.extend(pages(below, &format!("{name}-"))?);
    }
    Ok(all)
}

fn page(command: &clap::Command) -> Result<String> {
    let mut text = Vec::new();
    let refused = |e| Error::bug(format!("the manual page of `{}` cannot be made: {e}", command.get_name()));
    Man::new(command.clone()).render(&mut text).map_err(refused)?;
    String::from_utf8(text).map_err(|e| Error::bug(format!("a manual page is not text: {e}")))
}
