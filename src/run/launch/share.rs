//! Rank 0 gives the next task group to whoever asks; so the ranks of one allocation end at about the same time.
//!
//! In each rank one thread works and another carries messages: an MPI library need not bear several threads, and rank 0 can
//! answer while it works on groups of its own. Nobody waits by turning round and round: who has heard nothing sleeps a
//! little, and a little longer the next time.

use std::fmt;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread;
use std::time::Duration;

use super::hand_out::HandOut;
use super::message::{End, Message};
use crate::clock::Stopwatch;
use crate::error::{Error, Kind, Result};
use crate::id::GroupIndex;
use crate::shard::worker::{Next, Queue};
use crate::stop::Stop;

/// Between two looks for messages: at first, and at most.
const NAP_MIN: Duration = Duration::from_micros(500);
const NAP_MAX: Duration = Duration::from_millis(20);

/// So long a rank that was told to stop, and has, waits for rank 0 to say that all have.
const FAREWELL: Duration = Duration::from_secs(60);

/// The other ranks.
pub trait Post {
    /// Which this is, from 0.
    fn rank(&self) -> u32;

    /// How many there are.
    fn ranks(&self) -> u32;

    /// Tells `rank` something.
    ///
    /// # Errors
    /// It cannot be reached (exit 6).
    fn send(&self, rank: u32, message: Message) -> Result<()>;

    /// What somebody said, and who; none if nobody did.
    ///
    /// # Errors
    /// What was said is nothing of ours (exit 6).
    fn receive(&self) -> Result<Option<(u32, Message)>>;
}

/// How a rank left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// With all others: rank 0 with the exit code of the launch, the others with 0.
    Together(u8),
    /// Alone, since it was told to stop and nobody else answered.
    Alone,
}

/// Takes part in sharing out `groups`, which rank 0 alone needs to know: `work` takes them from its queue until that ends.
///
/// # Errors
/// The other ranks cannot be reached (exit 6).
pub fn share(
    post: &dyn Post,
    groups: Vec<GroupIndex>,
    stop: &Stop,
    work: impl FnOnce(Box<dyn Queue>) -> End + Send,
) -> Result<Left> {
    let (asks, asked) = mpsc::channel();
    let (gives, given) = mpsc::channel();
    let out = (post.rank() == 0).then(|| HandOut::new(groups, post.ranks()));
    let told = Told { asks: asks.clone(), given, ahead: Ahead::Unasked };
    thread::scope(|scope| {
        scope.spawn(move || {
            // Should it panic, the others must hear of its end all the same.
            let work = std::panic::AssertUnwindSafe(move || work(Box::new(told)));
            let end = std::panic::catch_unwind(work).unwrap_or(End::Failed(Kind::Bug.exit_code()));
            let _ = asks.send(Message::Ended(end));
        });
        let desk = Desk { post, out, gives, stop, is_stopping: false, own: None };
        // Without the others this rank cannot go on, nor without what carries its messages.
        let served = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| desk.serve(&asked)));
        if !matches!(served, Ok(Ok(_))) {
            stop.raise();
        }
        served.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The thread that carries messages.
struct Desk<'a> {
    post: &'a dyn Post,
    /// In rank 0.
    out: Option<HandOut>,
    /// To this rank's own work.
    gives: Sender<Option<GroupIndex>>,
    stop: &'a Stop,
    is_stopping: bool,
    /// Since when this rank's own work has ended.
    own: Option<Stopwatch>,
}

impl Desk<'_> {
    fn serve(mut self, asked: &Receiver<Message>) -> Result<Left> {
        let mut nap = NAP_MIN;
        loop {
            let mut is_quiet = true;
            while let Some((from, message)) = self.post.receive()? {
                is_quiet = false;
                if message == Message::Leave {
                    return Ok(Left::Together(0));
                }
                self.hear(from, message)?;
            }
            while let Ok(message) = asked.try_recv() {
                self.pass_on(message)?;
                is_quiet = false;
            }
            if self.stop.is_raised() && self.stop_own() {
                self.pass_on(Message::Told)?;
            }
            if let Some(out) = self.out.as_ref().filter(|out| out.is_over()) {
                let exit = out.exit();
                self.all_others(Message::Leave)?;
                return Ok(Left::Together(exit));
            }
            let has_ended = self.own.as_ref().is_some_and(|since| since.elapsed() >= FAREWELL);
            if has_ended && self.is_stopping {
                return Ok(Left::Alone);
            }
            nap = if is_quiet { (nap * 2).min(NAP_MAX) } else { NAP_MIN };
            thread::sleep(nap);
        }
    }

    /// What this rank's own work says goes to rank 0, which may be here.
    fn pass_on(&mut self, message: Message) -> Result<()> {
        if matches!(message, Message::Ended(_)) {
            self.own = Some(Stopwatch::start());
        }
        match self.post.rank() {
            0 => self.hear(0, message),
            _ => self.post.send(0, message),
        }
    }

    fn hear(&mut self, from: u32, message: Message) -> Result<()> {
        match (message, &mut self.out) {
            (Message::Ask, Some(out)) => {
                let next = out.give();
                if from == 0 {
                    let _ = self.gives.send(next);
                    return Ok(());
                }
                self.post.send(from, next.map_or(Message::Nothing, Message::Take))
            }
            (Message::Told, Some(out)) => {
                if out.stop() {
                    self.stop_all()
                } else {
                    Ok(())
                }
            }
            (Message::Ended(end), Some(out)) => {
                if out.ended(from, end) {
                    self.stop_all()
                } else {
                    Ok(())
                }
            }
            (Message::Take(group), None) => {
                let _ = self.gives.send(Some(group));
                Ok(())
            }
            (Message::Nothing, None) => {
                let _ = self.gives.send(None);
                Ok(())
            }
            (Message::Stop, None) => {
                self.stop_own();
                Ok(())
            }
            (message, _) => Err(Error::bug(format!("rank {} heard {message:?} from rank {from}", self.post.rank()))),
        }
    }

    fn stop_all(&mut self) -> Result<()> {
        self.stop_own();
        self.all_others(Message::Stop)
    }

    /// Stops this rank's own work, which must not wait for an answer of a rank 0 that is gone; whether that is new.
    fn stop_own(&mut self) -> bool {
        self.stop.raise();
        let is_new = !std::mem::replace(&mut self.is_stopping, true);
        if is_new {
            let _ = self.gives.send(None);
        }
        is_new
    }

    fn all_others(&self, message: Message) -> Result<()> {
        (1..self.post.ranks()).try_for_each(|rank| self.post.send(rank, message))
    }
}

/// The queue of this rank's own work: each next one is asked for.
struct Told {
    asks: Sender<Message>,
    given: Receiver<Option<GroupIndex>>,
    ahead: Ahead,
}

/// What is known of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ahead {
    Unasked,
    Asked,
    End,
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.ahead)
    }
}

impl Queue for Told {
    fn next(&mut self, may_wait: bool) -> Result<Next> {
        let gone = || Error::bug("nobody hands out task groups any more");
        if self.ahead == Ahead::End {
            return Ok(Next::End);
        }
        if self.ahead == Ahead::Unasked {
            self.asks.send(Message::Ask).map_err(|_| gone())?;
            self.ahead = Ahead::Asked;
        }
        let answer = match self.given.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Empty) if !may_wait => return Ok(Next::NotYet),
            Err(TryRecvError::Empty) => self.given.recv().map_err(|_| gone())?,
            Err(TryRecvError::Disconnected) => return Err(gone()),
        };
        self.ahead = if answer.is_some() { Ahead::Unasked } else { Ahead::End };
        Ok(answer.map_or(Next::End, Next::Group))
    }

    fn has_more(&self) -> bool {
        false
    }
}

#[cfg(test)]
#[path = "share_tests.rs"]
mod tests;
