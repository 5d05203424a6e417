//! The generator of Python's `random` module, so that HETERO-2's draws come out the same here, and so that a page of
//! Python can check ours.
//!
//! MT19937 (Matsumoto and Nishimura, ACM Transactions on Modeling and Computer Simulation 8 (1998) 3), seeded as
//! `random.Random(seed)` seeds it: by the 32-bit words of the seed, the lowest first.

/// Words of the state.
const WORDS: usize = 624;
/// How far apart the words are that are mixed.
const MIDDLE: usize = 397;

/// The generator.
#[derive(Clone)]
pub struct Mersenne {
    state: [u32; WORDS],
    at: usize,
}

impl Mersenne {
    /// As `random.Random(seed)`.
    pub fn new(seed: u128) -> Self {
        let mut key: Vec<u32> = (0..4).map(|word| (seed >> (32 * word)) as u32).collect();
        while key.len() > 1 && key.last() == Some(&0) {
            key.pop();
        }
        Self { state: seeded(&key), at: WORDS }
    }

    /// The next 32 bits.
    #[inline]
    pub fn word(&mut self) -> u32 {
        if self.at == WORDS {
            self.turn();
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// The next state: every word from itself, its neighbour and one further on.
    fn turn(&mut self) {
        let state = &mut self.state;
        for at in 0..WORDS {
            let mixed = (state[at] & 0x8000_0000) | (state[(at + 1) % WORDS] & 0x7fff_ffff);
            let odd = if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
            state[at] = state[(at + MIDDLE) % WORDS] ^ (mixed >> 1) ^ odd;
        }
        self.at = 0;
    }

    /// A number below `bound`, which is not 0, each equally likely: as `randrange(bound)`.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        let spare = bound.leading_zeros();
        loop {
            let drawn = self.word() >> spare;
            if drawn < bound {
                return drawn;
            }
        }
    }

    /// `count` different numbers below `bound`, in the order in which they are drawn: as `sample(range(bound), count)`.
    /// `count` is at most `bound`.
    pub fn sample(&mut self, bound: u32, count: u32) -> Vec<u32> {
        // Python draws from a list where a set would take more room, and that decides which numbers are drawn.
        let mut set_size = 21u64;
        if count > 5 {
            let power = (0..32).map(|exponent| 4u64.pow(exponent)).find(|power| *power >= u64::from(count) * 3);
            set_size += power.unwrap_or_default();
        }
        if u64::from(bound) <= set_size {
            let mut pool: Vec<u32> = (0..bound).collect();
            return (0..count)
                .map(|drawn| {
                    let at = self.below(bound - drawn) as usize;
                    let last = pool[(bound - drawn - 1) as usize];
                    std::mem::replace(&mut pool[at], last)
                })
                .collect();
        }
        let mut taken = vec![false; bound as usize];
        (0..count)
            .map(|_| {
                loop {
                    let drawn = self.below(bound);
                    if !std::mem::replace(&mut taken[drawn as usize], true) {
                        return drawn;
                    }
                }
            })
            .collect()
    }
}

/// The state that `key` gives: `init_by_array` of the authors' own code of 2002.
fn seeded(key: &[u32]) -> [u32; WORDS] {
    let mut state = [0u32; WORDS];
    state[0] = 19_650_218;
    for at in 1..WORDS {
        state[at] = before(&state, at, 1_812_433_253).wrapping_add(at as u32);
    }
    let mut at = 1;
    let mut word = 0;
    for _ in 0..WORDS.max(key.len()) {
        state[at] = (state[at] ^ before(&state, at, 1_664_525)).wrapping_add(key[word]).wrapping_add(word as u32);
        at = next_place(&mut state, at);
        word = (word + 1) % key.len();
    }
    for _ in 1..WORDS {
        state[at] = (state[at] ^ before(&state, at, 1_566_083_941)).wrapping_sub(at as u32);
        at = next_place(&mut state, at);
    }
    state[0] = 0x8000_0000;
    state
}

/// What the word before `at` adds to it.
fn before(state: &[u32; WORDS], at: usize, factor: u32) -> u32 {
    (state[at - 1] ^ (state[at - 1] >> 30)).wrapping_mul(factor)
}

/// The place after `at`; after the last one it is the second, and the first word becomes the last.
fn next_place(state: &mut [u32; WORDS], at: usize) -> usize {
    if at + 1 < WORDS {
        return at + 1;
    }
    state[0] = state[WORDS - 1];
    1
}

/// The checksum that HETERO-2 makes seeds of names with (RFC 1950, section 8.2).
pub fn adler32(bytes: &[u8]) -> u32 {
    const BASE: u32 = 65_521;
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % BASE;
        (a, (b + a) % BASE)
    });
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_authors_and_of_python() {
        // The first outputs for the key 0x123, 0x234, 0x345, 0x456, from `mt19937ar.out`.
        let mut authors = Mersenne { state: seeded(&[0x123, 0x234, 0x345, 0x456]), at: WORDS };
        let published = [1_067_595_299, 955_945_823, 477_289_528, 4_107_218_783, 4_228_976_476];
        assert_eq!(published.map(|_| authors.word()), published);
        // `[random.Random(0).getrandbits(32)]`, as every Python since 3.2 has it.
        assert_eq!(Mersenne::new(0).word(), 3_626_764_237);
    }

    #[test]
    fn a_name_has_the_checksum_of_zlib() {
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        assert_eq!(adler32(b""), 1);
    }
}
