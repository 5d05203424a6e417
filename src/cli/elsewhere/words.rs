//! The words of a command line, told apart: which are options, which are their values, and which stand for themselves.
//!
//! What is passed on to the login node is what was said here, but for the names of places; so the words are needed, and
//! not only what they came to.

use std::ffi::OsString;

use clap::{ArgAction, Command};

use crate::error::{Error, Result};

/// The options of every command that are about how to get there, and not for the far end.
const OURS: [&str; 5] = ["on", "transport", "remote-root", "identity", "accept-host-key"];

/// A command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// The command, and the one below it if there is one.
    pub commands: Vec<String>,
    /// Options in their long or short form, each with its value.
    pub options: Vec<(String, Option<String>)>,
    /// What stands for itself.
    pub plain: Vec<String>,
}

impl Words {
    /// Tells the words of `args`, the program's name first, apart, as `whole` reads them.
    ///
    /// # Errors
    /// A word is not text (exit 2).
    pub fn of(args: &[OsString], whole: &Command) -> Result<Self> {
        let mut words = Self::default();
        let (mut command, mut rest) = (whole, args.iter().skip(1));
        while let Some(arg) = rest.next() {
            let word = text(arg)?;
            if word == "--" {
                words.plain.extend(rest.by_ref().map(text).collect::<Result<Vec<_>>>()?);
            } else if let Some(name) = word.strip_prefix("--") {
                let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
                let takes = takes_value(whole, command, |arg| arg.get_long() == Some(name));
                let value = match value {
                    Some(value) => Some(value.to_owned()),
                    None if takes => rest.next().map(text).transpose()?,
                    None => None,
                };
                words.options.push((format!("--{name}"), value));
            } else if word.len() > 1 && word.starts_with('-') {
                words.options.push((word, None));
            } else if let Some(below) = command.find_subcommand(&word).filter(|_| words.plain.is_empty()) {
                words.commands.push(word);
                command = below;
            } else {
                words.plain.push(word);
            }
        }
        words.options.retain(|(name, _)| !OURS.iter().any(|ours| name.strip_prefix("--") == Some(ours)));
        Ok(words)
    }

    /// The value of the option called `name`.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(option, _)| option == name).and_then(|(_, value)| value.as_deref())
    }

    /// Without the option called `name`.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.options.retain(|(option, _)| option != name);
        self
    }

    /// With this value in the place of that of the option called `name`, if it is there.
    pub fn replace(&mut self, name: &str, value: &str) {
        for (_, old) in self.options.iter_mut().filter(|(option, _)| option == name) {
            *old = Some(value.to_owned());
        }
    }

    /// As a program is told them.
    pub fn to_argv(&self) -> Vec<String> {
        let mut argv = self.commands.clone();
        for (name, value) in &self.options {
            // In one word, so that a value that begins with a dash stays one.
            argv.push(value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}={value}")));
        }
        if self.plain.iter().any(|word| word.starts_with('-')) {
            argv.push("--".to_owned());
        }
        argv.extend(self.plain.iter().cloned());
        argv
    }
}

fn takes_value(whole: &Command, command: &Command, is_it: impl Fn(&clap::Arg) -> bool) -> bool {
    let arg = command.get_arguments().chain(whole.get_arguments()).find(|arg| is_it(arg));
    arg.is_some_and(|arg| matches!(arg.get_action(), ArgAction::Set | ArgAction::Append))
}

fn text(word: &OsString) -> Result<String> {
    let text = word.to_str().map(str::to_owned);
    text.ok_or_else(|| Error::usage(format!("`{}` is not text, and cannot be told to a login node", word.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    fn of(line: &str) -> Words {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        Words::of(&args, &Cli::command()).unwrap()
    }

    #[test]
    fn a_value_is_told_from_a_word_that_stands_for_itself() {
        let words = of("molsieve --on me@login resume 8 --cpus 8 --json");
        assert_eq!(words.commands, ["resume"]);
        assert_eq!(words.plain, ["8"]);
        assert_eq!(words.to_argv(), ["resume", "--cpus=8", "--json", "8"]);
        assert_eq!(of("molsieve resume --cpus=8 8").to_argv(), ["resume", "--cpus=8", "8"]);
        assert_eq!(
            of("molsieve peek -q d --errors --reason x").to_argv(),
            ["peek", "-q", "--errors", "--reason=x", "d"]
        );
    }

    #[test]
    fn how_to_get_there_is_not_told_there() {
        let words = of("molsieve run c.toml --dir d --transport ssh --identity=k --remote-root /r --on me@login");
        assert_eq!(words.option("--dir"), Some("d"));
        assert_eq!(words.without("--dir").to_argv(), ["run", "c.toml"]);
    }

    #[test]
    fn a_command_below_a_command_is_one_and_a_place_of_that_name_is_not() {
        assert_eq!(of("molsieve doctor scorer c.toml").commands, ["doctor", "scorer"]);
        let words = of("molsieve status -- status");
        assert_eq!((words.commands, words.plain), (vec!["status".to_owned()], vec!["status".to_owned()]));
    }
}
