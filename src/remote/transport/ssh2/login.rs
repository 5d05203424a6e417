//! Logging in: the keys that ssh-agent holds, key files, and what is asked on the terminal. Nothing of it is kept.

use std::path::{Path, PathBuf};

use ssh2::{KeyboardInteractivePrompt, Prompt, Session};

use super::super::super::login::Way;
use super::super::super::terminal::Terminal;
use super::super::unreachable;
use super::key;
use crate::error::{Error, Result};
use crate::host;
use crate::layout;

/// So many keys are tried: servers hang up after six.
const KEYS_MAX: usize = 4;

/// The key files that ssh looks for.
const FILES: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// Logs in on `session`.
///
/// # Errors
/// Nothing that was tried is accepted (exit 5): the message says what that was.
pub fn login(session: &Session, way: &Way, home: Option<&Path>) -> Result<()> {
    let user = way.login.user.clone().unwrap_or_else(host::account);
    let mut login = Login { session, user, tried: Vec::new(), keys: 0 };
    let offered = match session.auth_methods(&login.user) {
        Ok(offered) => offered.to_owned(),
        Err(_) if session.authenticated() => return Ok(()),
        Err(e) => return Err(unreachable(way, &format!("the login is refused: {e}"))),
    };
    let offers = |method: &str| offered.split(',').any(|offered| offered == method);
    if offers("publickey") {
        way.identity.iter().for_each(|file| login.file(file));
        login.agent();
        let usual = FILES.iter().filter_map(|name| Some(layout::ssh_dir(home?, name)));
        let usual: Vec<PathBuf> = usual.filter(|file| file.is_file() && Some(file) != way.identity.as_ref()).collect();
        usual.iter().for_each(|file| login.file(file));
    }
    if offers("keyboard-interactive") {
        login.interactive();
    }
    if offers("password") {
        login.password();
    }
    if session.authenticated() { Ok(()) } else { Err(login.refused(way, &offered)) }
}

struct Login<'a> {
    session: &'a Session,
    user: String,
    /// What was tried, for people.
    tried: Vec<String>,
    keys: usize,
}

impl Login<'_> {
    fn is_done(&self) -> bool {
        self.session.authenticated()
    }

    /// Tries the keys that ssh-agent holds.
    fn agent(&mut self) {
        let Ok(mut agent) = self.session.agent() else { return };
        if self.is_done() || agent.connect().is_err() || agent.list_identities().is_err() {
            return;
        }
        for identity in agent.identities().unwrap_or_default() {
            if self.is_done() || self.keys == KEYS_MAX {
                return;
            }
            self.keys += 1;
            if agent.userauth(&self.user, &identity).is_err() {
                self.tried.push(format!("the key `{}` of ssh-agent", identity.comment().escape_debug()));
            }
        }
    }

    /// Tries a key file. The pass phrase of an encrypted one is asked for on the terminal.
    fn file(&mut self, file: &Path) {
        if self.is_done() || self.keys == KEYS_MAX {
            return;
        }
        let shown = file.display();
        let phrase = match key::is_encrypted(file) {
            Ok(false) => None,
            Ok(true) => match ask(&format!("pass phrase of {shown}: "), false) {
                Some(phrase) => Some(phrase),
                None => {
                    return self.tried.push(format!("`{shown}`, which is encrypted, and there is no terminal to ask"));
                }
            },
            Err(why) => return self.tried.push(format!("`{shown}`, which {why}")),
        };
        self.keys += 1;
        if let Err(e) = self.session.userauth_pubkey_file(&self.user, None, file, phrase.as_deref()) {
            self.tried.push(format!("`{shown}` ({e})"));
        }
    }

    /// Answers what the server asks, by asking on the terminal.
    fn interactive(&mut self) {
        if self.is_done() {
            return;
        }
        let Ok(terminal) = Terminal::open() else {
            return self.tried.push("a question of the server, and there is no terminal to ask".to_owned());
        };
        let (session, user) = (self.session, self.user.clone());
        if let Err(e) = session.userauth_keyboard_interactive(&user, &mut Asking(terminal)) {
            self.tried.push(format!("questions of the server ({e})"));
        }
    }

    fn password(&mut self) {
        if self.is_done() {
            return;
        }
        let Some(password) = ask(&format!("password of {}: ", self.user), false) else {
            return self.tried.push("a password, and there is no terminal to ask".to_owned());
        };
        if let Err(e) = self.session.userauth_password(&self.user, &password) {
            self.tried.push(format!("a password ({e})"));
        }
    }

    fn refused(&self, way: &Way, offered: &str) -> Error {
        let tried = if self.tried.is_empty() { "nothing".to_owned() } else { self.tried.join(", ") };
        unreachable(way, &format!("`{}` may not log in; tried: {tried}", self.user))
            .hint(format!("the server takes: {}", offered.escape_debug()))
            .hint("add your key to ssh-agent, or name a key file with `--identity FILE`")
            .hint(super::OTHERWISE)
    }
}

fn ask(question: &str, echo: bool) -> Option<String> {
    Terminal::open().ok()?.ask(question, echo).ok()
}

/// Hands questions to the terminal, and answers to the server.
struct Asking(Terminal);

impl KeyboardInteractivePrompt for Asking {
    fn prompt(&mut self, _user: &str, instructions: &str, prompts: &[Prompt<'_>]) -> Vec<String> {
        let said = if instructions.is_empty() { String::new() } else { format!("{instructions} ") };
        let mut ask = |prompt: &Prompt<'_>| self.0.ask(&format!("{said}{}", prompt.text), prompt.echo).ok();
        // Who cannot be asked has no answer: none is given for the rest either, and the server refuses.
        prompts.iter().map_while(&mut ask).collect()
    }
}
