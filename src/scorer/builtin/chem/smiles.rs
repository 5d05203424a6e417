//! Reads SMILES into a graph.
//!
//! The grammar is OpenSMILES as RDKit accepts it: also dative bonds (`->`, `<-`), `[#6]`, and ring
//! numbers in parentheses (`%(123)`). The query bond `~` is not accepted: it says that the bond is
//! not known. Stereochemistry is read over, apart from what decides whether a hydrogen stays.

use super::limits::{ATOMS_MAX, BONDS_MAX};
use super::{Atom, Bond, Mol, Order, Refusal, smiles_atom};

/// What was written between two atoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// Nothing, or a direction (`true`).
    Nothing(bool),
    /// An order.
    Order(Order),
    /// `->`: the atom before gives the electrons.
    Gives,
    /// `<-`: the atom after gives the electrons.
    Takes,
}

/// One end of a ring closure.
#[derive(Clone, Copy, Debug)]
struct RingEnd {
    number: u32,
    atom: u16,
    written: Written,
}

/// The graph that `text` says, nothing perceived yet.
///
/// # Errors
/// It is not a SMILES, or too large.
pub fn read(text: &[u8]) -> Result<Mol, Refusal> {
    let mut reader = Reader::new(text.trim_ascii());
    reader.read_atom(None)?;
    while reader.at < reader.text.len() {
        reader.read_next()?;
    }
    if !reader.branches.is_empty() {
        return Err(Refusal::Syntax);
    }
    reader.close_rings()?;
    Ok(Mol::new(reader.atoms, reader.bonds))
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    atoms: Vec<Atom>,
    bonds: Vec<Bond>,
    /// Where the chain goes on.
    active: u16,
    /// The atoms whose branches are open.
    branches: Vec<u16>,
    ring_ends: Vec<RingEnd>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a [u8]) -> Self {
        let guess = text.len().min(ATOMS_MAX);
        Self {
            text,
            at: 0,
            atoms: Vec::with_capacity(guess),
            bonds: Vec::with_capacity(guess + 8),
            active: 0,
            branches: Vec::new(),
            ring_ends: Vec::new(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn read_next(&mut self) -> Result<(), Refusal> {
        match self.peek().ok_or(Refusal::Syntax)? {
            b'(' => self.open_branch(),
            b')' => {
                self.at += 1;
                self.active = self.branches.pop().ok_or(Refusal::Syntax)?;
                Ok(())
            }
            b'.' => {
                self.at += 1;
                self.read_atom(None)
            }
            _ => {
                let written = self.read_bond();
                match self.peek() {
                    Some(b'0'..=b'9' | b'%') => self.read_ring_end(written),
                    _ => self.read_atom(Some(written)),
                }
            }
        }
    }

    /// `(` must be followed by a bond or an atom.
    fn open_branch(&mut self) -> Result<(), Refusal> {
        self.at += 1;
        self.branches.push(self.active);
        let written = self.read_bond();
        self.read_atom(Some(written))
    }

    fn read_bond(&mut self) -> Written {
        let (written, length) = match (self.peek(), self.text.get(self.at + 1)) {
            (Some(b'-'), Some(b'>')) => (Written::Gives, 2),
            (Some(b'<'), Some(b'-')) => (Written::Takes, 2),
            (Some(b'-'), _) => (Written::Order(Order::Single), 1),
            (Some(b'='), _) => (Written::Order(Order::Double), 1),
            (Some(b'#'), _) => (Written::Order(Order::Triple), 1),
            (Some(b'$'), _) => (Written::Order(Order::Quadruple), 1),
            (Some(b':'), _) => (Written::Order(Order::Aromatic), 1),
            (Some(b'\\'), Some(b'\\')) => (Written::Nothing(true), 2),
            (Some(b'/' | b'\\'), _) => (Written::Nothing(true), 1),
            _ => (Written::Nothing(false), 0),
        };
        self.at += length;
        written
    }

    /// Reads an atom and binds it to the active one by `written`; `None` starts a new fragment.
    fn read_atom(&mut self, written: Option<Written>) -> Result<(), Refusal> {
        let (atom, length) = smiles_atom::read(&self.text[self.at..]).ok_or(Refusal::Syntax)?;
        self.at += length;
        if self.atoms.len() >= ATOMS_MAX {
            return Err(Refusal::TooLarge);
        }
        let index = self.atoms.len() as u16;
        self.atoms.push(atom);
        if let Some(written) = written {
            self.bind(self.active, index, written)?;
        }
        self.active = index;
        Ok(())
    }

    fn bind(&mut self, a: u16, b: u16, written: Written) -> Result<(), Refusal> {
        if self.bonds.len() >= BONDS_MAX {
            return Err(Refusal::TooLarge);
        }
        let both = self.atoms[usize::from(a)].aromatic && self.atoms[usize::from(b)].aromatic;
        let implied = if both { Order::Aromatic } else { Order::Single };
        let (begin, end, order) = match written {
            Written::Nothing(_) => (a, b, implied),
            Written::Order(order) => (a, b, order),
            Written::Gives => (a, b, Order::Dative),
            Written::Takes => (b, a, Order::Dative),
        };
        let (aromatic, directed) = (order == Order::Aromatic, written == Written::Nothing(true));
        self.bonds.push(Bond { begin, end, order, kekule: order, aromatic, directed, ring: false });
        Ok(())
    }

    fn read_ring_end(&mut self, written: Written) -> Result<(), Refusal> {
        let (number, length) = ring_number(&self.text[self.at..]).ok_or(Refusal::Syntax)?;
        self.at += length;
        if self.ring_ends.len() >= 2 * BONDS_MAX {
            return Err(Refusal::TooLarge);
        }
        self.ring_ends.push(RingEnd { number, atom: self.active, written });
        Ok(())
    }

    /// Joins the ends of equal number in pairs, in the order in which they were written.
    fn close_rings(&mut self) -> Result<(), Refusal> {
        let mut ends = std::mem::take(&mut self.ring_ends);
        ends.sort_by_key(|end| end.number);
        for pair in ends.chunks(2) {
            let [a, b] = pair else { return Err(Refusal::Syntax) };
            if a.number != b.number || a.atom == b.atom || self.bound(a.atom, b.atom) {
                return Err(Refusal::Syntax);
            }
            let directed = [a.written, b.written].contains(&Written::Nothing(true));
            match (a.written, b.written) {
                (Written::Nothing(_), Written::Nothing(_)) => {
                    self.bind(a.atom, b.atom, Written::Nothing(directed))?;
                }
                (Written::Nothing(_), _) => self.bind(b.atom, a.atom, b.written)?,
                _ => self.bind(a.atom, b.atom, a.written)?,
            }
        }
        Ok(())
    }

    fn bound(&self, a: u16, b: u16) -> bool {
        self.bonds.iter().any(|bond| (bond.begin == a && bond.end == b) || (bond.begin == b && bond.end == a))
    }
}

/// A ring number, and how many bytes it takes: `7`, `%12`, `%(12345)`.
fn ring_number(text: &[u8]) -> Option<(u32, usize)> {
    let digit = |at: usize| text.get(at).filter(|b| b.is_ascii_digit()).map(|b| u32::from(b - b'0'));
    match text {
        [b'0'..=b'9', ..] => Some((digit(0)?, 1)),
        [b'%', b'1'..=b'9', ..] => Some((digit(1)? * 10 + digit(2)?, 3)),
        [b'%', b'(', ..] => {
            let (mut number, mut at) = (digit(2)?, 3);
            while let Some(next) = digit(at).filter(|_| at < 7) {
                number = number * 10 + next;
                at += 1;
            }
            (text.get(at) == Some(&b')')).then_some((number, at + 1))
        }
        _ => None,
    }
}
