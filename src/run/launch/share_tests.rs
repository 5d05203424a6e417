//! Tests of the sharing, with threads for ranks.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// A rank among threads.
struct Thread {
    rank: u32,
    to: Vec<Sender<(u32, Message)>>,
    from: Receiver<(u32, Message)>,
}

impl Post for Thread {
    fn rank(&self) -> u32 {
        self.rank
    }

    fn ranks(&self) -> u32 {
        self.to.len() as u32
    }

    fn send(&self, rank: u32, message: Message) -> Result<()> {
        // Who has left hears nothing any more.
        let _ = self.to[rank as usize].send((self.rank, message));
        Ok(())
    }

    fn receive(&self) -> Result<Option<(u32, Message)>> {
        Ok(self.from.try_recv().ok())
    }
}

/// Shares `groups` among `ranks`, each of which does `work` with its number and its queue; how each left.
fn shared(groups: u64, ranks: u32, work: impl Fn(u32, Box<dyn Queue>, &Stop) -> End + Sync) -> Vec<Left> {
    let (to, from): (Vec<_>, Vec<_>) = (0..ranks).map(|_| channel()).unzip();
    thread::scope(|scope| {
        let each = from.into_iter().zip(0..).map(|(from, rank)| {
            let (to, work) = (to.clone(), &work);
            scope.spawn(move || {
                let stop = Stop::new();
                let groups = if rank == 0 { (0..groups).map(GroupIndex).collect() } else { Vec::new() };
                let post = Thread { rank, to, from };
                share(&post, groups, &stop, |queue| work(rank, queue, &stop)).unwrap()
            })
        });
        let each: Vec<_> = each.collect();
        each.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

fn all(mut queue: Box<dyn Queue>, taken: &Mutex<Vec<GroupIndex>>) -> End {
    while let Next::Group(group) = queue.next(true).unwrap() {
        taken.lock().unwrap().push(group);
    }
    End::Done
}

#[test]
fn ranks_share_all_groups_and_leave_together() {
    for ranks in [1, 2, 4, 7] {
        let taken = Mutex::new(Vec::new());
        let left = shared(40, ranks, |_, queue, _| all(queue, &taken));
        assert!(left.iter().all(|left| *left == Left::Together(0)), "{left:?}");
        let taken = taken.into_inner().unwrap();
        assert_eq!(taken.len(), 40);
        assert_eq!(taken.into_iter().collect::<BTreeSet<_>>().len(), 40);
    }
}

#[test]
fn there_may_be_more_ranks_than_groups() {
    let taken = Mutex::new(Vec::new());
    assert_eq!(shared(2, 5, |_, queue, _| all(queue, &taken)), [Left::Together(0); 5]);
    assert_eq!(taken.into_inner().unwrap().len(), 2);
}

#[test]
fn what_one_rank_is_told_all_do() {
    let left = shared(1000, 3, |rank, mut queue, stop| {
        queue.next(true).unwrap();
        if rank == 2 {
            stop.raise();
        }
        while !stop.is_raised() {
            thread::sleep(Duration::from_millis(1));
        }
        End::Stopped
    });
    assert_eq!(left, [Left::Together(75), Left::Together(0), Left::Together(0)]);
}

#[test]
fn a_rank_that_fails_or_panics_ends_the_others_at_a_checkpoint() {
    for (fails, exit) in [(true, 2), (false, Kind::Bug.exit_code())] {
        let left = shared(1000, 3, |rank, mut queue, stop| {
            queue.next(true).unwrap();
            if rank == 1 {
                assert!(fails, "on purpose");
                return End::Failed(2);
            }
            while !stop.is_raised() {
                thread::sleep(Duration::from_millis(1));
            }
            End::Stopped
        });
        assert_eq!(left[0], Left::Together(exit));
    }
}

#[test]
fn the_others_go_on_where_one_node_is_not_fit() {
    let taken = Mutex::new(Vec::new());
    let left = shared(40, 3, |rank, queue, _| if rank == 1 { End::Failed(6) } else { all(queue, &taken) });
    assert_eq!(left[0], Left::Together(6));
    assert_eq!(taken.into_inner().unwrap().len(), 40, "and it had none");
}
