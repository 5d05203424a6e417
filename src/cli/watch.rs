//! `molsieve status --watch`: a screen that is drawn anew until the campaign is over, or a line now and then.

use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use super::output::Output;
use super::screen;
use super::signals;
use super::terminal::{self, Terminal};
use crate::campaign::file::Campaign;
use crate::clock::{self, Stopwatch};
use crate::error::Result;
use crate::journal;
use crate::journal::state::State;
use crate::run::look::Look;
use crate::run::look::heard::{Heard, Hearing, Question};
use crate::stop::Stop;
use crate::view::status::Status;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How often the scheduler is asked: one question for all jobs.
const ASK_EVERY: Duration = Duration::from_secs(60);

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// How soon somebody who wants to go may go.
const NOTICE_WITHIN: Duration = Duration::from_millis(100);

/// Watches `campaign` until it is over, or somebody has seen enough. `may_ask`: whether its scheduler is asked; gives what it
/// said last.
///
/// # Errors
/// Something cannot be read (exit 6), or the journal's chain is broken (exit 4).
pub fn watch(campaign: &Campaign, may_ask: bool, output: Output) -> Result<Hearing> {
    let stop = Stop::new();
    signals::raise_on_signal(&stop, terminal::leave)?;
    look_on(campaign, may_ask, &stop, output)
}

/// As [`watch`], until `stop` is raised.
///
/// # Errors
/// As [`watch`].
pub fn look_on(campaign: &Campaign, may_ask: bool, stop: &Stop, output: Output) -> Result<Hearing> {
    let terminal = if Terminal::is_there() && output.is_for_people() { Some(Terminal::enter(stop)?) } else { None };
    let mut look = Look::new(campaign)?;
    let mut ear = Ear::new(may_ask);
    let mut last_line: Option<Stopwatch> = None;
    let mut hearing = Hearing::NoNeed;
    while !stop.is_raised() {
        let entries = journal::read(&campaign.dir)?.entries;
        let state = State::of(&entries)?;
        hearing = ear.listen(Question::of(campaign, &state, &entries));
        let status = Status::read_on(campaign, &entries, &hearing, &mut look)?;
        if !status.is_open() {
            return Ok(Hearing::NoNeed);
        }
        if terminal.is_some() {
            draw_for_a_while(&status, stop, &mut ear)?;
            continue;
        }
        if last_line.is_none_or(|line| line.elapsed() >= LINE_EVERY) {
            output.say(format!(
                "{}  {}",
                clock::rfc3339(clock::unix_ms()),
                screen::one_line(&status, clock::unix_ms())
            ));
            last_line = Some(Stopwatch::start());
        }
        pause(LOOK_EVERY, stop);
    }
    Ok(hearing)
}

/// Draws, again when the terminal changes its size, until it is time to look again.
fn draw_for_a_while(status: &Status, stop: &Stop, ear: &mut Ear) -> Result<()> {
    let (since, mut drawn) = (Stopwatch::start(), None);
    while since.elapsed() < LOOK_EVERY && !stop.is_raised() && !ear.has_news() {
        let size = Terminal::size();
        if drawn != Some(size) {
            Terminal::draw(&screen::screen(status, clock::unix_ms(), size))?;
            drawn = Some(size);
        }
        pause(NOTICE_WITHIN, stop);
    }
    Ok(())
}

fn pause(time: Duration, stop: &Stop) {
    let since = Stopwatch::start();
    while since.elapsed() < time && !stop.is_raised() {
        thread::sleep(NOTICE_WITHIN.min(time));
    }
}

/// Asks the scheduler now and then, in a thread: one that is away keeps nobody waiting.
struct Ear {
    may_ask: bool,
    asked: Option<(Question, Stopwatch)>,
    answer: Option<Receiver<std::result::Result<Heard, String>>>,
    last: Hearing,
    has_news: bool,
}

impl Ear {
    fn new(may_ask: bool) -> Self {
        Self { may_ask, asked: None, answer: None, last: Hearing::NoNeed, has_news: false }
    }

    /// Whether an answer came that nobody has taken yet.
    fn has_news(&mut self) -> bool {
        if let Some(answer) = self.answer.as_ref().and_then(|answer| answer.try_recv().ok()) {
            (self.last, self.answer, self.has_news) = (Hearing::from(answer), None, true);
        }
        self.has_news
    }

    /// What is known by now of what `question` asks.
    fn listen(&mut self, question: Option<Question>) -> Hearing {
        let Some(question) = question else { return Hearing::NoNeed };
        if !self.may_ask {
            return Hearing::NotAsked;
        }
        self.has_news();
        self.has_news = false;
        let is_due = self.asked.as_ref().is_none_or(|(_, since)| since.elapsed() >= ASK_EVERY);
        if is_due && self.answer.is_none() {
            let (tell, answer) = mpsc::channel();
            let asked = question.clone();
            // (Who asked may be gone by the time there is an answer.)
            thread::spawn(move || drop(tell.send(asked.ask())));
            self.answer = Some(answer);
            let is_other = self.asked.as_ref().is_none_or(|(before, _)| *before != question);
            self.asked = Some((question.clone(), Stopwatch::start()));
            if is_other {
                self.last = Hearing::Silence("it was asked a moment ago".to_owned());
            }
        }
        // An answer about another wave says nothing of this one.
        let is_of_this = self.asked.as_ref().is_some_and(|(asked, _)| *asked == question);
        if is_of_this { self.last.clone() } else { Hearing::Silence("it is asked once a minute".to_owned()) }
    }
}
