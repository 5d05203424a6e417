//! Many ids in little memory: one arena of bytes, and a table of places in it.
//!
//! A million ids of ten characters take some 30 MB, with nothing allocated for each of them.

use std::hash::{BuildHasher, RandomState};

use crate::error::{Error, Result};

/// Ids together take no more bytes.
const BYTES_MAX: usize = 1 << 30;
/// There are no more of them.
pub const IDS_MAX: usize = 1 << 27;
/// No id is longer.
const ID_BYTES_MAX: usize = 4096;
/// A free place in the table.
const FREE: u32 = u32::MAX;

/// Ids, numbered in the order in which they came.
#[derive(Default)]
pub struct Ids {
    arena: Vec<u8>,
    /// Where each ends in the arena.
    ends: Vec<u32>,
    /// Numbers of ids, by the hash of their bytes; a power of two of places, at most half of them taken.
    table: Vec<u32>,
    hasher: RandomState,
}

impl Ids {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The id with this number.
    pub fn get(&self, number: u32) -> &[u8] {
        let at = number as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.arena[start..self.ends[at] as usize]
    }

    /// The number of `id`, if it is among them.
    pub fn find(&self, id: &[u8]) -> Option<u32> {
        if self.table.is_empty() {
            return None;
        }
        self.place(id).err()
    }

    /// Adds `id`; the other way, the number that it has already.
    ///
    /// # Errors
    /// There are too many, or they are too long (exit 2).
    pub fn add(&mut self, id: &[u8]) -> Result<Result<u32, u32>> {
        if id.len() > ID_BYTES_MAX {
            return Err(Error::usage(format!("an id of {} bytes is longer than {ID_BYTES_MAX}", id.len()))
                .hint("it is no id of a molecule: see whether the column is the right one"));
        }
        if self.len() == IDS_MAX || self.arena.len() + id.len() > BYTES_MAX {
            return Err(Error::usage(format!(
                "there are more than {IDS_MAX} ids, or more than {} MiB of them",
                BYTES_MAX >> 20
            ))
            .hint("cut the table in parts"));
        }
        if self.len() * 2 >= self.table.len() {
            self.grow();
        }
        let place = match self.place(id) {
            Ok(place) => place,
            Err(number) => return Ok(Err(number)),
        };
        let number = self.len() as u32;
        self.arena.extend_from_slice(id);
        self.ends.push(self.arena.len() as u32);
        self.table[place] = number;
        Ok(Ok(number))
    }

    /// The free place where `id` belongs; or its number, if it is there.
    fn place(&self, id: &[u8]) -> Result<usize, u32> {
        let mask = self.table.len() - 1;
        let mut at = self.hasher.hash_one(id) as usize & mask;
        loop {
            match self.table[at] {
                FREE => return Ok(at),
                number if self.get(number) == id => return Err(number),
                _ => at = (at + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        let places = (self.table.len() * 2).max(64);
        self.table.clear();
        self.table.resize(places, FREE);
        for number in 0..self.len() as u32 {
            if let Ok(place) = self.place(self.get(number)) {
                self.table[place] = number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_are_found_under_the_number_of_their_first_coming(ids in proptest::collection::vec("[ab]{0,5}", 0..300)) {
            let mut table = Ids::default();
            let mut known: Vec<&String> = Vec::new();
            for id in &ids {
                let at = known.iter().position(|other| *other == id);
                let expected = at.map_or(Ok(known.len() as u32), |at| Err(at as u32));
                prop_assert_eq!(table.add(id.as_bytes()).unwrap(), expected);
                if at.is_none() {
                    known.push(id);
                }
            }
            for (number, id) in known.iter().enumerate() {
                prop_assert_eq!(table.find(id.as_bytes()), Some(number as u32));
                prop_assert_eq!(table.get(number as u32), id.as_bytes());
            }
            prop_assert_eq!(table.find(b"c"), None);
        }
    }
}
