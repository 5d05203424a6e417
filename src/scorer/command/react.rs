//! What the pool does when a child speaks, ends, or is silent for too long.

use std::collections::BTreeSet;
use std::time::Duration;

use super::blame::{Fault, Judgement, judge};
use super::child::{End, Event, What};
use super::doubt::Doubted;
use super::drive::{Drawing, Drive};
use super::handover::Handover;
use super::hello;
use super::jsonl::reply::{self, Asked, Reply};
use super::lane::{Phase, Request};
use super::oom;
use super::queue::Work;
use super::settings::Settings;
use super::trace::{self, Seen};
use super::{shim, stderr};
use crate::error::{Error, Kind, Result};
use crate::fs::held::Held;
use crate::scorer::row::RowBlock;
use crate::scorer::{Outcome, SlowRequest, Verdict};

/// How many children in a row may end without having read anything before the scorer is given up.
const FALSE_STARTS_MAX: u32 = 3;
/// What to say of a line that answers nothing.
const UNASKED: &str = "it says more than it was asked";
/// The rest of a lane after a false start; doubled each time.
const FALSE_START_REST: Duration = Duration::from_millis(100);

impl Drive<'_> {
    /// Takes one event.
    pub fn react(&mut self, event: Event) -> Result<()> {
        let number = event.life.lane;
        let lane = &self.state.lanes[number];
        if lane.life != event.life {
            return Ok(());
        }
        match (lane.phase, event.what) {
            (Phase::Starting, What::Said(words)) => self.hello(number, &words),
            (Phase::Starting, What::TooLong) => Err(self.cannot_start(number, &hello::bad("it is over 16 MiB"))),
            (Phase::Up, What::Said(words)) => self.reply(number, &words),
            (Phase::Up, What::TooLong) => self.violation(number, "its line is over 16 MiB", b"{"),
            (Phase::Up, What::Unasked) => self.violation(number, UNASKED, b""),
            (_, What::Ended(end)) => self.ended(number, &end),
            (Phase::Starting | Phase::Ending | Phase::Off, _) => Ok(()),
        }
    }

    /// Takes one event after a stop: results count, nothing else does.
    pub fn react_after_stop(&mut self, event: Event) -> Result<()> {
        let lane = &mut self.state.lanes[event.life.lane];
        if lane.life != event.life {
            return Ok(());
        }
        match (lane.phase, event.what) {
            (Phase::Up, What::Said(words)) => {
                let reply =
                    lane.in_flight.front().map(|request| read(&self.state.settings, request, &words, lane.tmp()));
                let Some(Ok((reply, files))) = reply else {
                    self.left_behind |= !lane.kill().is_empty();
                    return Ok(());
                };
                let request = lane.answer(self.state.clock.now());
                if request.is_some_and(|request| request.work.witness) {
                    return Ok(());
                }
                self.left_behind |= !reply.retry.is_empty() || !reply.alone.is_empty();
                if reply.rows.is_empty() {
                    return Ok(());
                }
                files.give(&reply.rows, self.sink)?;
                self.sink.finished(reply.rows)
            }
            (_, What::Ended(_)) => {
                self.left_behind |= !lane.ended().is_empty();
                Ok(())
            }
            (Phase::Up, _) => {
                self.left_behind |= !lane.kill().is_empty();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Kills the children that are silent for too long, and gives up a scorer that only says `RETRY`.
    pub fn judge_silence(&mut self) -> Result<()> {
        let (now, limits) = (self.state.clock.now(), self.state.settings.limits);
        for number in 0..self.state.lanes.len() {
            let lane = &mut self.state.lanes[number];
            if lane.phase == Phase::Starting && now.saturating_sub(lane.since) > limits.startup_timeout {
                return Err(self.cannot_start(number, &hello::silent(limits.startup_timeout)));
            }
            let since = lane.in_flight.front().map(|request| request.since);
            if since.is_some_and(|since| now.saturating_sub(since) > limits.timeout) {
                let said = lane.said();
                let unanswered = lane.kill();
                self.state.facts.timeouts += 1;
                if let Some(request) = unanswered.front() {
                    self.note_time(request, now, true);
                }
                let what = format!("no answer within {} s, so its child was killed", limits.timeout.as_secs_f64());
                self.blame(unanswered, Fault::Timeout, &Seen::of(what, &said))?;
            }
        }
        self.judge_retry(now)
    }

    /// While a child still works on something that it did not refuse before, there is hope.
    fn judge_retry(&self, now: Duration) -> Result<()> {
        let Some((since, why)) = &self.state.retry else { return Ok(()) };
        let patience = self.state.settings.limits.retry_patience;
        let hopeless = self.state.lanes.iter().all(|lane| lane.is_idle() || lane.retries > 0);
        if !hopeless || now.saturating_sub(*since) <= patience {
            return Ok(());
        }
        let name = &self.state.settings.description.name;
        let (why, time) = (shown(why.as_bytes()), patience.as_secs_f64());
        Err(Error::new(
            Kind::Incomplete,
            format!("the scorer `{name}` asks to retry (`{why}`) and gave no result for {time} s"),
        )
        .hint("see to what the scorer waits for, then run `molsieve resume`"))
    }

    fn hello(&mut self, number: usize, words: &[u8]) -> Result<()> {
        let hello = hello::read(words).map_err(|what| self.cannot_start(number, &hello::bad(&what)))?;
        let frozen = &self.state.settings.description;
        if let Some(difference) = hello::difference(frozen, &hello.description) {
            let name = &frozen.name;
            return Err(Error::usage(format!("the scorer `{name}` changed since the plan: {difference}"))
                .hint("put the scorer back as it was, or start a new campaign in another directory"));
        }
        let lane = &mut self.state.lanes[number];
        lane.batch = hello.batch_size;
        lane.phase = Phase::Up;
        Ok(())
    }

    fn reply(&mut self, number: usize, words: &[u8]) -> Result<()> {
        let lane = &self.state.lanes[number];
        let Some(request) = lane.in_flight.front() else {
            return self.violation(number, UNASKED, words);
        };
        match read(&self.state.settings, request, words, lane.tmp()) {
            Ok((reply, files)) => self.accept(number, reply, files),
            Err(what) => self.violation(number, &what, words),
        }
    }

    fn accept(&mut self, number: usize, reply: Reply, files: Handover) -> Result<()> {
        self.note_errors(number, &reply);
        let now = self.state.clock.now();
        let lane = &mut self.state.lanes[number];
        let Some(request) = lane.answer(now) else { return Ok(()) };
        self.state.false_starts = 0;
        if request.work.witness {
            self.state.doubt.answered(&request.work, request.work.block.get(0).ordinal);
            return Ok(());
        }
        self.note_time(&request, now, false);
        if !reply.retry.is_empty() {
            self.postpone(number, &request.work, &reply);
        }
        let singles = request.work.pick(&reply.alone).singles();
        singles.into_iter().rev().for_each(|work| self.state.queue.push_front(work));
        if reply.rows.is_empty() {
            return Ok(());
        }
        self.state.lanes[number].retries = 0;
        self.state.doubt.answered(&request.work, reply.rows.metas()[0].ordinal);
        self.state.retry = None;
        // First the files, then the rows: a record that is finished has its files.
        files.give(&reply.rows, self.sink)?;
        self.finish(reply.rows)
    }

    /// Notes what a scorer that speaks for itself said on stderr while it worked on `reply`, if that has errors.
    /// (A translator tells of its program itself.)
    fn note_errors(&self, number: usize, reply: &Reply) {
        let lane = &self.state.lanes[number];
        let ended = reply.rows.metas().iter().enumerate().filter(|(_, meta)| meta.outcome == Outcome::Error);
        let reasons: BTreeSet<&str> = ended.map(|(at, _)| reply.rows.reason(at)).collect();
        let Some(request) = lane.in_flight.front().filter(|_| !reasons.is_empty()) else { return };
        let what = format!("the scorer answers ERROR {}", reasons.into_iter().collect::<Vec<_>>().join(", "));
        let seen = Seen::of(what, &lane.said());
        if self.state.settings.launch.told.is_jsonl() && !seen.said.is_empty() {
            stderr::lock(&self.state.log).remark(&trace::of_block(&request.work.block, &seen));
        }
    }

    /// Notes how long the child had `request`, and whether it was too long.
    fn note_time(&mut self, request: &Request, now: Duration, timed_out: bool) {
        let records = request.work.block.len() as u64;
        let Some(first) = request.work.block.iter().next().map(|record| record.ordinal) else { return };
        let ms = now.saturating_sub(request.since).as_millis() as u64;
        self.state.facts.note_request(SlowRequest { first, records, ms, timed_out });
    }

    /// Puts the records that the scorer could not do now aside for a while; and if it could do
    /// nothing at all, gives it a rest.
    fn postpone(&mut self, number: usize, work: &Work, reply: &Reply) {
        let (now, limits) = (self.state.clock.now(), self.state.settings.limits);
        let pause = |retries: u32| {
            limits.retry_first.saturating_mul(1 << retries.saturating_sub(1).min(20)).min(limits.retry_longest)
        };
        let mut again = work.pick(&reply.retry);
        again.retries += 1;
        let due = now + pause(again.retries);
        self.state.queue.push_later(due, again);
        if reply.rows.is_empty() {
            let lane = &mut self.state.lanes[number];
            lane.retries += 1;
            lane.rest_until = now + pause(lane.retries);
            let since = self.state.retry.take().map_or(now, |(since, _)| since);
            self.state.retry = Some((since, reply.why.clone()));
        }
    }

    /// A reply broke the protocol: nothing more that this child says can be trusted.
    fn violation(&mut self, number: usize, what: &str, words: &[u8]) -> Result<()> {
        self.state.facts.violations += 1;
        let heard = self.state.lanes[number].said();
        let unanswered = self.state.lanes[number].kill();
        let said = shown(&words[..words.len().min(200)]);
        match self.state.doubt.violated(unanswered.front().map(|request| &request.work)) {
            Doubted::Not => {}
            Doubted::Ask(witness) => self.state.queue.push_front(witness),
            Doubted::Broken(how) => return Err(self.broken(&how, what, &said)),
        }
        let seen = Seen::of(format!("a broken reply: {what}; it said `{said}`"), &heard);
        self.blame(unanswered, Fault::Violation, &seen)
    }

    /// The scorer is given up: it broke its protocol as `how` says, the last time with `what`, and `said` that.
    fn broken(&self, how: &str, what: &str, said: &str) -> Error {
        let name = &self.state.settings.description.name;
        let told = &self.state.settings.launch.told;
        let document = told.document;
        let what = format!("the scorer `{name}` broke its protocol {how}: {what}; it said `{said}`");
        Error::new(Kind::Scorer, what).hint(if told.is_jsonl() {
            format!("compare what it writes to stdout with {document}; a line that starts with `{{` must be a reply")
        } else {
            format!("compare what it writes with {document}")
        })
    }

    fn ended(&mut self, number: usize, end: &End) -> Result<()> {
        let lane = &mut self.state.lanes[number];
        if lane.phase == Phase::Starting {
            return self.false_start(number, &hello::early(&end.how));
        }
        if lane.tmp().is_some_and(shim::is_not_started) {
            return self.false_start(number, "its program could not be started");
        }
        let (fresh, was_up) = (lane.is_fresh(), lane.phase == Phase::Up);
        let untouched = lane.in_flight.front().is_some_and(|request| end.read <= request.offset);
        if was_up && untouched && fresh {
            let what = format!("it ended after its hello without reading a request ({})", end.how);
            return self.false_start(number, &what);
        }
        let said = lane.said();
        let unanswered = lane.ended();
        if untouched {
            self.ask_again(unanswered);
        } else if !unanswered.is_empty() {
            self.state.facts.crashes += 1;
            let before = self.state.lanes[number].oom_kills;
            let short_of_memory = end.is_sigkill() && oom::kills(self.state.settings.memory_events.as_deref()) > before;
            let fault = if short_of_memory { Fault::Memory } else { Fault::Death };
            // A translator has told what its program said.
            let is_jsonl = self.state.settings.launch.told.is_jsonl();
            let (who, said) = if is_jsonl { ("child died", &said[..]) } else { ("translator ended", &[][..]) };
            self.blame(unanswered, fault, &Seen::of(format!("its {who} ({})", end.how), said))?;
        }
        Ok(())
    }

    /// A child that ended before it did anything is started again, a few times.
    fn false_start(&mut self, number: usize, what: &str) -> Result<()> {
        self.state.false_starts += 1;
        if self.state.false_starts >= FALSE_STARTS_MAX {
            return Err(self.cannot_start(number, what));
        }
        let lane = &mut self.state.lanes[number];
        let unanswered = lane.ended();
        lane.rest_until = self.state.clock.now() + FALSE_START_REST * (1 << self.state.false_starts);
        self.ask_again(unanswered);
        Ok(())
    }

    /// Judges the first of the requests that a child left unanswered; the others it had not begun. `seen` is
    /// for the log.
    fn blame(&mut self, unanswered: impl IntoIterator<Item = Request>, fault: Fault, seen: &Seen) -> Result<()> {
        let mut unanswered = unanswered.into_iter();
        let first = unanswered.next();
        self.ask_again(unanswered);
        let Some(request) = first else { return Ok(()) };
        stderr::lock(&self.state.log).note(&trace::of_block(&request.work.block, seen));
        if request.work.witness {
            // It has its row. That a child died of it, or hung, says nothing about how replies are written.
            return Ok(());
        }
        match judge(request.work, fault, self.state.settings.apart) {
            Judgement::Final(work, reason) => {
                let mut rows = RowBlock::with_capacity(1);
                let columns = self.state.settings.description.columns.len();
                work.block.iter().for_each(|record| rows.push(&record, &Verdict::error(reason), columns));
                return self.finish(rows);
            }
            Judgement::First(again) => again.into_iter().rev().for_each(|work| self.state.queue.push_front(work)),
            Judgement::Last(again) => self.state.queue.push_back(again),
        }
        Ok(())
    }

    fn ask_again(&mut self, requests: impl IntoIterator<Item = Request>) {
        requests.into_iter().for_each(|request| self.state.queue.push_front(request.work));
    }

    fn finish(&mut self, rows: RowBlock) -> Result<()> {
        if self.drawing == Drawing::AfterRows {
            self.drawing = Drawing::Next;
        }
        self.sink.finished(rows)
    }

    fn cannot_start(&self, number: usize, what: &str) -> Error {
        hello::cannot_start(&self.state.settings.launch, what, &self.state.lanes[number].last_words())
    }
}

fn read(settings: &Settings, request: &Request, words: &[u8], dir: Option<&Held>) -> Result<(Reply, Handover), String> {
    let asked = Asked { seq: request.seq, block: &request.work.block, description: &settings.description };
    let mut reply = reply::read(words, &asked)?;
    let files = Handover::check(&mut reply, dir)?;
    Ok((reply, files))
}

/// As much of what a scorer said as an error message should repeat.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(200).collect()
}
