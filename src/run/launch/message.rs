//! What ranks say to each other: two numbers. Pure.

use crate::id::GroupIndex;

/// As it goes over the line.
pub type Wire = [u64; 2];

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// To rank 0: the next task group, please.
    Ask,
    /// To rank 0: this rank was told to stop.
    Told,
    /// To rank 0: this rank has ended its work so.
    Ended(End),
    /// From rank 0: this one is yours.
    Take(GroupIndex),
    /// From rank 0: there is nothing left.
    Nothing,
    /// From rank 0: stop at a checkpoint.
    Stop,
    /// From rank 0: all have ended.
    Leave,
}

/// How a rank ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All that it was given has its receipt.
    Done,
    /// At a checkpoint.
    Stopped,
    /// It failed, with the exit code of that kind of failure.
    Failed(u8),
}

impl Message {
    /// As it goes over the line.
    pub const fn to_wire(self) -> Wire {
        match self {
            Self::Ask => [1, 0],
            Self::Told => [2, 0],
            Self::Ended(End::Done) => [3, 0],
            Self::Ended(End::Stopped) => [4, 0],
            Self::Ended(End::Failed(exit)) => [5, exit as u64],
            Self::Take(group) => [6, group.0],
            Self::Nothing => [7, 0],
            Self::Stop => [8, 0],
            Self::Leave => [9, 0],
        }
    }

    /// The same read again; none where it is nothing of ours.
    pub fn of_wire(wire: Wire) -> Option<Self> {
        Some(match wire {
            [1, 0] => Self::Ask,
            [2, 0] => Self::Told,
            [3, 0] => Self::Ended(End::Done),
            [4, 0] => Self::Ended(End::Stopped),
            [5, exit] => Self::Ended(End::Failed(u8::try_from(exit).ok()?)),
            [6, group] => Self::Take(GroupIndex(group)),
            [7, 0] => Self::Nothing,
            [8, 0] => Self::Stop,
            [9, 0] => Self::Leave,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_said_and_nothing_else_is_one() {
        let ends = [End::Done, End::Stopped, End::Failed(6)].map(Message::Ended);
        let others = [
            Message::Ask,
            Message::Told,
            Message::Take(GroupIndex(7)),
            Message::Nothing,
            Message::Stop,
            Message::Leave,
        ];
        for message in ends.into_iter().chain(others) {
            assert_eq!(Message::of_wire(message.to_wire()), Some(message));
        }
        for wire in [[0, 0], [1, 1], [5, 256], [10, 0]] {
            assert_eq!(Message::of_wire(wire), None, "{wire:?}");
        }
    }
}
