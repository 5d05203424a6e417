//! The pool: long-lived children that score what a worker draws.
//!
//! [`Pool::run`] may be called many times, for one shard after another: the children live on in
//! between, and end when the pool is dropped. They start when there is work for them.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::child::Event;
use super::doubt::Doubt;
use super::drive::Drive;
use super::lane::Lane;
use super::queue::Queue;
use super::settings::Settings;
use super::stderr::{Log, SharedLog};
use super::watched::Watched;
use crate::clock::Stopwatch;
use crate::error::{Error, Result};
use crate::scorer::{Ended, Pool, PoolFacts, Sink, Source};
use crate::stop::Stop;

/// How long a killed child is waited for before the pool goes on without it.
const GONE: Duration = Duration::from_secs(6);

/// A pool of child processes.
///
/// Use it from one thread, which lives as long as the pool: the kernel kills the children when the
/// thread that started them ends. That thread must not be inside another tokio runtime.
#[derive(Debug)]
pub struct CommandPool {
    runtime: Runtime,
    state: State,
}

/// What a pool knows.
#[derive(Debug)]
pub(super) struct State {
    pub(super) watched: Watched,
    pub settings: Settings,
    pub lanes: Vec<Lane>,
    pub queue: Queue,
    pub facts: PoolFacts,
    pub sender: UnboundedSender<Event>,
    pub events: UnboundedReceiver<Event>,
    pub log: SharedLog,
    pub clock: PatientClock,
    /// Children in a row that ended without having answered, or even read, anything.
    pub false_starts: u32,
    /// What the violations since the last result say about the scorer.
    pub doubt: Doubt,
    /// Since when there was `RETRY` and no result, and what the last one said.
    pub retry: Option<(Duration, String)>,
}

impl CommandPool {
    /// A pool that starts no child yet.
    ///
    /// # Errors
    /// There is no room for a child (a defect of ours), or the system refuses (exit 6).
    pub fn new(settings: Settings) -> Result<Self> {
        if settings.children.is_empty() || settings.batch == 0 || settings.launch.argv.is_empty() {
            return Err(Error::bug("a pool needs a program, a child and a batch"));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::environment(format!("cannot watch child processes: {e}")))?;
        let (sender, events) = unbounded_channel();
        let state = State {
            lanes: (0..settings.children.len()).map(Lane::new).collect(),
            log: Log::new(settings.launch.stderr.clone()),
            watched: Watched::new(&settings.files)?,
            settings,
            queue: Queue::default(),
            facts: PoolFacts::default(),
            sender,
            events,
            clock: PatientClock::start(),
            false_starts: 0,
            doubt: Doubt::default(),
            retry: None,
        };
        Ok(Self { runtime, state })
    }
}

impl Pool for CommandPool {
    fn run(&mut self, source: &mut dyn Source, sink: &mut dyn Sink, stop: &Stop) -> Result<Ended> {
        let Self { runtime, state } = self;
        runtime.block_on(async {
            let ended = Drive::new(state, source, sink, stop).run().await;
            match ended {
                Ok(Ended::Done) => {}
                Ok(Ended::Stopped) => state.dismiss(state.settings.limits.grace.min(state.settings.limits.end)).await,
                Err(_) => state.dismiss(Duration::ZERO).await,
            }
            ended
        })
    }

    fn facts(&self) -> PoolFacts {
        self.state.facts.clone()
    }
}

impl Drop for CommandPool {
    /// Lets the children end, and kills those that do not.
    fn drop(&mut self) {
        let Self { runtime, state } = self;
        runtime.block_on(state.dismiss(state.settings.limits.end));
    }
}

impl State {
    /// Ends all children: closes their input, waits for `patience`, kills what is left. Forgets all work.
    async fn dismiss(&mut self, patience: Duration) {
        self.queue = Queue::default();
        let watch = Stopwatch::start();
        for lane in &mut self.lanes {
            lane.in_flight.clear();
            if let Some(child) = &lane.child {
                child.close();
            }
        }
        for lane in &mut self.lanes {
            if let Some(child) = &mut lane.child
                && !child.gone(patience.saturating_sub(watch.elapsed())).await
            {
                child.kill();
            }
        }
        for lane in &mut self.lanes {
            if let Some(mut child) = lane.child.take() {
                child.gone(GONE).await;
            }
            lane.ended();
        }
        while let Ok(event) = self.events.try_recv() {
            self.facts.noise_lines += event.noise;
        }
    }
}

/// Time as it passes for the children: while we were not looking (a disk that took a minute to
/// sync, a worker that its scheduler suspended), almost none.
#[derive(Debug)]
pub(super) struct PatientClock {
    watch: Stopwatch,
    seen: Duration,
    now: Duration,
}

impl PatientClock {
    /// The most that passes between two looks.
    const STEP_MAX: Duration = Duration::from_millis(200);

    fn start() -> Self {
        Self { watch: Stopwatch::start(), seen: Duration::ZERO, now: Duration::ZERO }
    }

    /// Looks; the answer is the time since the start, in the sense above.
    pub fn look(&mut self) -> Duration {
        let elapsed = self.watch.elapsed();
        self.now += elapsed.saturating_sub(self.seen).min(Self::STEP_MAX);
        self.seen = elapsed;
        self.now
    }

    /// The time at the last look.
    pub fn now(&self) -> Duration {
        self.now
    }
}
