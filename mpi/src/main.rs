//! One rank of a launch. All but the MPI library is in [`molsieve::cli::rank`].

use std::process::ExitCode;

use molsieve::cli::rank::{self, Then};
use molsieve::error::{Error, Result};
use molsieve::run::launch::message::{Message, Wire};
use molsieve::run::launch::share::Post;
use mpi::Threading;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Destination, Source};

fn main() -> ExitCode {
    let args = match rank::Args::of(std::env::args_os(), library) {
        Ok(args) => args,
        Err(exit) => return exit,
    };
    // This thread alone speaks to other ranks; the work is on another.
    let Some((universe, _)) = mpi::initialize_with_threading(Threading::Funneled) else {
        return ExitCode::from(1);
    };
    let then = rank::run(&args, &World(universe.world()));
    match then {
        Then::Finalize(exit) => {
            drop(universe);
            ExitCode::from(exit)
        }
        // Whoever waits for the others in the library's end would wait for ever.
        Then::Exit(exit) => std::process::exit(exit.into()),
    }
}

/// What the MPI library says of itself; it may be asked before anything else.
fn library() -> String {
    mpi::environment::library_version().unwrap_or_default()
}

/// All ranks of the launch.
struct World(SimpleCommunicator);

impl Post for World {
    fn rank(&self) -> u32 {
        self.0.rank().cast_unsigned()
    }

    fn ranks(&self) -> u32 {
        self.0.size().cast_unsigned()
    }

    fn send(&self, rank: u32, message: Message) -> Result<()> {
        // It is so short that no library waits for its receiver.
        self.0.process_at_rank(rank.cast_signed()).send(&message.to_wire());
        Ok(())
    }

    fn receive(&self) -> Result<Option<(u32, Message)>> {
        let Some(status) = self.0.any_process().immediate_probe() else { return Ok(None) };
        let mut wire: Wire = [0; 2];
        self.0.process_at_rank(status.source_rank()).receive_into(&mut wire);
        let from = status.source_rank().cast_unsigned();
        let message = Message::of_wire(wire)
            .ok_or_else(|| Error::environment(format!("rank {from} says what is nothing of ours: {wire:?}")))?;
        Ok(Some((from, message)))
    }
}
