//! Eigenvalues of small dense symmetric matrices, several at once.
//!
//! Householder's reduction to a tridiagonal matrix, then the QL iteration without roots of Pal, Walker and Kahan:
//! `tred1` and `tqlrat` of EISPACK, `dsytrd` and `dsterf` of LAPACK (B. T. Smith and others, Matrix Eigensystem Routines,
//! 1976; B. N. Parlett, The Symmetric Eigenvalue Problem, 1980, sections 7.4 and 8.15). No eigenvectors.
//!
//! The matrices of one structure have one size, so they go through the reduction side by side, as the lanes of one loop.
//! Every lane does what it would do alone, operation by operation: its bits depend on its matrix and on nothing else.
//! There is no fused multiplication, no sum in an order that a compiler may choose, and nothing that asks the processor
//! what it can do.

/// Half a unit in the last place of 1.
const EPSILON: f64 = f64::EPSILON / 2.0;

/// What is left of a row is taken for zero when its sum of squares is below this.
const NOTHING: f64 = 1e-60;

/// Sweeps that one matrix may take for each of its eigenvalues. (Two are usual.)
const SWEEPS_MAX: usize = 40;

/// Room for the matrices of one structure; used again for the next.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The lower triangles, row by row, lanes innermost.
    triangle: Vec<f64>,
    /// A row that is being reflected away, and what the reflection does to the others.
    row: Vec<f64>,
    image: Vec<f64>,
    /// Of each lane: the diagonal, and the squares beside it. In the end the first are the eigenvalues.
    diagonal: Vec<f64>,
    squares: Vec<f64>,
}

/// Where row `i` of a lower triangle begins.
pub const fn row_start(i: usize) -> usize {
    i * (i + 1) / 2
}

impl Scratch {
    /// The lower triangles of `N` matrices with `n` rows, all zero, to be filled: element (i, j) with j ≤ i is at
    /// [`row_start`] (i) + j, one number a matrix.
    pub fn matrices<const N: usize>(&mut self, n: usize) -> &mut [[f64; N]] {
        self.triangle.clear();
        self.triangle.resize(row_start(n) * N, 0.0);
        self.triangle.as_chunks_mut().0
    }

    /// The eigenvalues of the `N` matrices with `n` rows that were filled in, each in no particular order; none if the
    /// iteration does not come to an end, which no matrix of finite numbers is known to cause.
    pub fn eigenvalues<const N: usize>(&mut self, n: usize) -> Option<[&[f64]; N]> {
        for part in [&mut self.row, &mut self.image, &mut self.diagonal, &mut self.squares] {
            part.clear();
            part.resize(n * N, 0.0);
        }
        self.reduce::<N>(n);
        let mut lanes = self.diagonal.chunks_mut(n.max(1)).zip(self.squares.chunks_mut(n.max(1)));
        let mut lanes: [Lane<'_>; N] = std::array::from_fn(|_| {
            let (diagonal, squares) = lanes.next().unwrap_or_default();
            Lane::new(diagonal, squares)
        });
        iterate(&mut lanes)?;
        let found = self.diagonal.iter().all(|value| value.is_finite());
        let mut lanes = self.diagonal.chunks(n.max(1));
        found.then(|| std::array::from_fn(|_| lanes.next().unwrap_or_default()))
    }

    /// From the triangles to `diagonal` and `squares`: rows are reflected away from the last one on.
    fn reduce<const N: usize>(&mut self, n: usize) {
        let triangle: &mut [[f64; N]] = self.triangle.as_chunks_mut().0;
        let row: &mut [[f64; N]] = self.row.as_chunks_mut().0;
        let image: &mut [[f64; N]] = self.image.as_chunks_mut().0;
        for k in (1..n).rev() {
            let (before, last) = triangle.split_at_mut(row_start(k));
            let (row, image) = (&mut row[..k], &mut image[..k]);
            row.copy_from_slice(&last[..k]);
            let (square, half) = reflection(row);
            for lane in 0..N {
                self.diagonal[lane * n + k] = last[k][lane];
                self.squares[lane * n + k - 1] = square[lane];
            }
            if half.iter().all(|half| *half == 0.0) {
                continue;
            }
            times(before, row, image);
            settle(row, image, half);
            update(before, row, image);
        }
        for (lane, value) in triangle.first().into_iter().flatten().enumerate() {
            self.diagonal[lane * n] = *value;
        }
    }
}

/// Makes of `row`, the elements left of the diagonal, the vector of the reflection that leaves the last of them alone.
/// Answers the square of what that becomes, and half the square of the vector: 0 where nothing is to be reflected.
fn reflection<const N: usize>(row: &mut [[f64; N]]) -> ([f64; N], [f64; N]) {
    let Some((last, others)) = row.split_last_mut() else { return ([0.0; N], [0.0; N]) };
    let mut rest = [0.0; N];
    for element in &*others {
        for lane in 0..N {
            rest[lane] += element[lane] * element[lane];
        }
    }
    let (mut square, mut half) = ([0.0; N], [0.0; N]);
    for lane in 0..N {
        let own = last[lane];
        square[lane] = rest[lane] + own * own;
        if rest[lane] > NOTHING {
            let length = square[lane].sqrt();
            half[lane] = square[lane] + own.abs() * length;
            last[lane] = own + length.copysign(own);
        } else {
            square[lane] = own * own;
            last[lane] = 0.0;
            others.iter_mut().for_each(|element| element[lane] = 0.0);
        }
    }
    (square, half)
}

/// `image` becomes the product of the symmetric matrix with `vector`.
#[inline]
fn times<const N: usize>(triangle: &[[f64; N]], vector: &[[f64; N]], image: &mut [[f64; N]]) {
    for i in 0..vector.len() {
        let (row, own) = (&triangle[row_start(i)..=row_start(i) + i], vector[i]);
        let mut sum: [f64; N] = std::array::from_fn(|lane| row[i][lane] * own[lane]);
        for ((element, other), into) in row.iter().zip(&vector[..i]).zip(&mut image[..i]) {
            for lane in 0..N {
                sum[lane] += element[lane] * other[lane];
                into[lane] += element[lane] * own[lane];
            }
        }
        image[i] = sum;
    }
}

/// From the product of the matrix with `vector` to the other vector of the update, for a reflection of which `half` is
/// half the square of `vector`.
#[inline]
fn settle<const N: usize>(vector: &[[f64; N]], image: &mut [[f64; N]], half: [f64; N]) {
    let inverse = half.map(|half| if half == 0.0 { 0.0 } else { 1.0 / half });
    let mut inner = [0.0; N];
    for (into, own) in image.iter_mut().zip(vector) {
        for lane in 0..N {
            into[lane] *= inverse[lane];
            inner[lane] += into[lane] * own[lane];
        }
    }
    let share: [f64; N] = std::array::from_fn(|lane| 0.5 * inner[lane] * inverse[lane]);
    for (into, own) in image.iter_mut().zip(vector) {
        for lane in 0..N {
            into[lane] -= share[lane] * own[lane];
        }
    }
}

/// Takes the products of the two vectors, each way round, from the symmetric matrix.
#[inline]
fn update<const N: usize>(triangle: &mut [[f64; N]], vector: &[[f64; N]], image: &[[f64; N]]) {
    for i in 0..vector.len() {
        let row = &mut triangle[row_start(i)..=row_start(i) + i];
        let (own, other) = (vector[i], image[i]);
        for ((element, v), p) in row.iter_mut().zip(vector).zip(image) {
            for lane in 0..N {
                element[lane] -= own[lane] * p[lane] + other[lane] * v[lane];
            }
        }
    }
}

/// One tridiagonal matrix on its way to its eigenvalues.
struct Lane<'a> {
    /// What of the diagonal is below `from` are eigenvalues.
    diagonal: &'a mut [f64],
    squares: &'a mut [f64],
    from: usize,
    /// Squares up to this are zero.
    negligible: f64,
    sweeps: usize,
}

/// A sweep of the iteration over one block, from its end to its beginning.
#[derive(Clone, Copy)]
struct Sweep {
    /// The next element, and how many there still are.
    at: usize,
    left: usize,
    shift: f64,
    cosine: f64,
    sine: f64,
    gamma: f64,
    p: f64,
}

impl<'a> Lane<'a> {
    fn new(diagonal: &'a mut [f64], squares: &'a mut [f64]) -> Self {
        let widest =
            diagonal.iter().zip(&*squares).fold(0.0_f64, |most, (value, square)| most.max(value.abs() + square.sqrt()));
        let negligible = (EPSILON * widest) * (EPSILON * widest);
        Self { diagonal, squares, from: 0, negligible, sweeps: 0 }
    }

    /// Passes over what is an eigenvalue already, and begins the next sweep; none if there is nothing left to do.
    fn next(&mut self) -> Option<Sweep> {
        let n = self.diagonal.len();
        loop {
            let begin = self.from;
            if begin >= n {
                return None;
            }
            let beside = self.squares[begin..n - 1].iter().position(|square| *square <= self.negligible);
            let end = beside.map_or(n - 1, |offset| begin + offset);
            if end == begin {
                self.from += 1;
            } else if end == begin + 1 {
                self.pair(begin);
                self.from += 2;
            } else {
                return Some(self.begin(begin, end));
            }
        }
    }

    /// The two eigenvalues of the block of two rows at `at`.
    fn pair(&mut self, at: usize) {
        let (a, c, square) = (self.diagonal[at], self.diagonal[at + 1], self.squares[at]);
        let (middle, half) = ((a + c) * 0.5, (a - c) * 0.5);
        let apart = (half * half + square).sqrt();
        (self.diagonal[at], self.diagonal[at + 1]) = (middle - apart, middle + apart);
    }

    /// A sweep over the block from `begin` to `end`, with the shift of Wilkinson.
    fn begin(&mut self, begin: usize, end: usize) -> Sweep {
        self.sweeps += 1;
        let root = self.squares[begin].sqrt();
        let sigma = (self.diagonal[begin + 1] - self.diagonal[begin]) / (2.0 * root);
        let long = (sigma * sigma + 1.0).sqrt();
        let shift = self.diagonal[begin] - root / (sigma + long.copysign(sigma));
        let gamma = self.diagonal[end] - shift;
        Sweep { at: end - 1, left: end - begin, shift, cosine: 1.0, sine: 0.0, gamma, p: gamma * gamma }
    }

    /// One element of a sweep.
    #[inline]
    fn step(&mut self, sweep: &mut Sweep) {
        let i = sweep.at;
        let (square, alpha) = (self.squares[i], self.diagonal[i]);
        let r = sweep.p + square;
        self.squares[i + 1] = sweep.sine * r;
        let inverse = 1.0 / r;
        let (before, gamma_before) = (sweep.cosine, sweep.gamma);
        sweep.cosine = sweep.p * inverse;
        sweep.sine = square * inverse;
        sweep.gamma = sweep.cosine * (alpha - sweep.shift) - sweep.sine * gamma_before;
        self.diagonal[i + 1] = gamma_before + (alpha - sweep.gamma);
        let p = sweep.gamma * sweep.gamma * (r / sweep.p);
        sweep.p = if sweep.p == 0.0 { before * square } else { p };
        sweep.at = i.wrapping_sub(1);
        sweep.left -= 1;
    }

    /// What is left of a sweep.
    fn finish(&mut self, mut sweep: Sweep) {
        while sweep.left > 0 {
            self.step(&mut sweep);
        }
        let begin = self.from;
        self.squares[begin] = sweep.sine * sweep.p;
        self.diagonal[begin] = sweep.shift + sweep.gamma;
    }
}

/// Sweeps over all lanes until nothing is left to do. Elements of different lanes take turns, so that one division need
/// not wait for another.
fn iterate<const N: usize>(lanes: &mut [Lane<'_>; N]) -> Option<()> {
    loop {
        let mut sweeps = [const { None }; N];
        for (lane, sweep) in lanes.iter_mut().zip(&mut sweeps) {
            *sweep = lane.next();
            if lane.sweeps > SWEEPS_MAX * lane.diagonal.len() {
                return None;
            }
        }
        if sweeps.iter().all(Option::is_none) {
            return Some(());
        }
        if let Some(mut together) = all(sweeps) {
            let steps = together.iter().map(|sweep| sweep.left).min().unwrap_or(0);
            for _ in 0..steps {
                for (lane, sweep) in lanes.iter_mut().zip(&mut together) {
                    lane.step(sweep);
                }
            }
            sweeps = together.map(Some);
        }
        for (lane, sweep) in lanes.iter_mut().zip(sweeps) {
            if let Some(sweep) = sweep {
                lane.finish(sweep);
            }
        }
    }
}

/// All sweeps, if every lane has one.
fn all<const N: usize>(sweeps: [Option<Sweep>; N]) -> Option<[Sweep; N]> {
    if sweeps.iter().any(Option::is_none) {
        return None;
    }
    let none = Sweep { at: 0, left: 0, shift: 0.0, cosine: 1.0, sine: 0.0, gamma: 0.0, p: 0.0 };
    Some(sweeps.map(|sweep| sweep.unwrap_or(none)))
}

#[cfg(test)]
mod tests;
