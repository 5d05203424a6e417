//! A terminal that is drawn on, for as long as somebody watches, and then left as it was.

use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};

use crate::error::{Error, Result};
use crate::stop::Stop;

/// Another page, without a cursor, on which long lines are cut.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l";
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";

/// What is to be undone once the page is ours. Whoever takes it first, the end of the watch, a panic or a second signal, is the
/// only one to undo it.
static ENTERED: Mutex<Option<Before>> = Mutex::new(None);

/// How the terminal was before.
struct Before {
    /// How keys were read; none where they cannot be.
    keys: Option<Termios>,
}

/// Columns and lines of a terminal that does not say how many it has.
const SIZE: (usize, usize) = (80, 24);

/// A terminal that is drawn on. Dropping it leaves the terminal as it was.
pub struct Terminal(());

impl Terminal {
    /// Whether there is one.
    pub fn is_there() -> bool {
        io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// Begins. A `q` on the keyboard raises `stop`.
    ///
    /// # Errors
    /// The terminal cannot be written to (exit 6).
    pub fn enter(stop: &Stop) -> Result<Self> {
        let stdin = io::stdin();
        let before = termios::tcgetattr(stdin.as_fd()).ok().filter(|_| stdin.is_terminal());
        *entered() = Some(Before { keys: before.clone() });
        let terminal = Self(());
        if let Some(mut keys) = before {
            // Each key at once and unseen. Ctrl-C stays a signal; Ctrl-Z would leave a strange terminal behind.
            keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            keys.special_codes[SpecialCodeIndex::VSUSP] = 0;
            let _ = termios::tcsetattr(stdin.as_fd(), OptionalActions::Now, &keys);
            listen(stop.clone());
        }
        // What a panic says belongs on the page that stays.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            hook(panic);
        }));
        write(ENTER)?;
        Ok(terminal)
    }

    /// Its columns and lines.
    pub fn size() -> (usize, usize) {
        let size = termios::tcgetwinsize(io::stdout().as_fd()).ok();
        size.map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)))
            .filter(|(columns, lines)| *columns > 0 && *lines > 0)
            .unwrap_or(SIZE)
    }

    /// Draws `lines` over what was there.
    ///
    /// # Errors
    /// The terminal cannot be written to (exit 6).
    pub fn draw(lines: &[String]) -> Result<()> {
        let mut text = String::from("\u{1b}[H");
        for (at, line) in lines.iter().enumerate() {
            text += if at > 0 { "\r\n" } else { "" };
            // Before the text: in the last column it would take the last letter with it.
            text += "\u{1b}[K";
            text += line;
        }
        // All that is below, from the beginning of the next line.
        if lines.len() < Self::size().1 {
            text += "\r\n\u{1b}[J";
        }
        write(&text)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

/// Leaves the terminal as it was, once.
pub fn leave() {
    let Some(before) = entered().take() else { return };
    let _ = write(LEAVE);
    if let Some(keys) = before.keys {
        let _ = termios::tcsetattr(io::stdin().as_fd(), OptionalActions::Now, &keys);
    }
}

fn entered() -> MutexGuard<'static, Option<Before>> {
    ENTERED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|e| Error::environment(format!("the terminal cannot be written to: {e}")))
}

/// Reads keys until `q`.
fn listen(stop: Stop) {
    std::thread::spawn(move || {
        let mut key = [0];
        while io::stdin().lock().read(&mut key).is_ok_and(|n| n > 0) {
            if key[0].eq_ignore_ascii_case(&b'q') {
                stop.raise();
                return;
            }
        }
    });
}
