//! Eigenvalues that are known, and what must be true of all others.

use proptest::prelude::*;

use super::*;

/// The eigenvalues of symmetric matrices of one size, each sorted.
fn sorted<const N: usize>(matrices: [&[Vec<f64>]; N]) -> [Vec<f64>; N] {
    let n = matrices[0].len();
    let mut scratch = Scratch::default();
    let triangles = scratch.matrices::<N>(n);
    for (lane, matrix) in matrices.iter().enumerate() {
        for (i, row) in matrix.iter().enumerate() {
            (0..=i).for_each(|j| triangles[row_start(i) + j][lane] = row[j]);
        }
    }
    scratch.eigenvalues::<N>(n).unwrap().map(|values| {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        values
    })
}

fn close(found: &[f64], right: &[f64], within: f64) -> bool {
    found.len() == right.len() && found.iter().zip(right).all(|(a, b)| (a - b).abs() <= within)
}

/// The Laplacian of a graph.
fn laplacian(n: usize, bonds: impl IntoIterator<Item = (usize, usize)>) -> Vec<Vec<f64>> {
    let mut matrix = vec![vec![0.0; n]; n];
    for (i, j) in bonds {
        (matrix[i][j], matrix[j][i]) = (-1.0, -1.0);
        matrix[i][i] += 1.0;
        matrix[j][j] += 1.0;
    }
    matrix
}

#[test]
fn paths_rings_stars_and_complete_graphs_have_their_known_spectra() {
    let angle = |k: usize, n: usize| std::f64::consts::PI * k as f64 / n as f64;
    for n in [1, 2, 3, 4, 5, 6, 7, 17, 40, 200] {
        let path = laplacian(n, (1..n).map(|i| (i - 1, i)));
        let mut known: Vec<f64> = (0..n).map(|k| 2.0 - 2.0 * angle(k, n).cos()).collect();
        assert!(close(&sorted([&path])[0], &known, 1e-13 * 4.0), "path of {n}");
        if n < 3 {
            continue;
        }
        let ring = laplacian(n, (0..n).map(|i| (i, (i + 1) % n)));
        known = (0..n).map(|k| 2.0 - 2.0 * angle(2 * k, n).cos()).collect();
        known.sort_by(f64::total_cmp);
        assert!(close(&sorted([&ring])[0], &known, 1e-12), "ring of {n}");
        let complete = laplacian(n, (0..n).flat_map(|i| (0..i).map(move |j| (i, j))));
        known = std::iter::once(0.0).chain(std::iter::repeat_n(n as f64, n - 1)).collect();
        assert!(close(&sorted([&complete])[0], &known, 1e-13 * n as f64), "complete graph of {n}");
        let star = laplacian(n, (1..n).map(|i| (0, i)));
        known = std::iter::once(0.0).chain(std::iter::repeat_n(1.0, n - 2)).chain([n as f64]).collect();
        assert!(close(&sorted([&star])[0], &known, 1e-12), "star of {n}");
    }
}

#[test]
fn what_is_diagonal_zero_or_empty_is_left_as_it_is() {
    assert_eq!(sorted::<1>([&[]]), [Vec::<f64>::new()]);
    assert_eq!(sorted([&vec![vec![0.0; 5]; 5]]), [vec![0.0; 5]]);
    let diagonal: Vec<Vec<f64>> =
        (0..4).map(|i| (0..4).map(|j| if i == j { -f64::from(i) } else { 0.0 }).collect()).collect();
    assert_eq!(sorted([&diagonal]), [vec![-3.0, -2.0, -1.0, 0.0]]);
}

#[test]
fn numbers_that_are_far_apart_do_not_disturb_the_end() {
    // Rows whose rest is next to nothing, and such as differ by many powers of ten.
    let n = 12;
    let graded: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..n).map(|j| 10.0_f64.powi(-2 * (i.max(j))) * if i == j { 3.0 } else { 1.0 }).collect())
        .collect();
    let tiny: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 1e-40 }).collect()).collect();
    let [graded_values, tiny_values] = sorted([&graded, &tiny]);
    let trace: f64 = (0..n).map(|i| graded[i as usize][i as usize]).sum();
    assert!((graded_values.iter().sum::<f64>() - trace).abs() < 1e-12);
    assert!(close(&tiny_values, &vec![1.0; n as usize], 1e-15));
}

#[test]
fn a_matrix_that_holds_no_number_has_no_eigenvalues() {
    for bad in [f64::NAN, f64::INFINITY] {
        let mut scratch = Scratch::default();
        let triangle = scratch.matrices::<1>(4);
        triangle.fill([1.0]);
        triangle[row_start(2) + 1] = [bad];
        assert_eq!(scratch.eigenvalues::<1>(4), None);
    }
}

/// A symmetric matrix of up to 30 rows.
fn symmetric() -> impl Strategy<Value = Vec<Vec<f64>>> {
    (1_usize..30).prop_flat_map(|n| {
        prop::collection::vec(-10.0..10.0, n * n).prop_map(move |numbers| {
            (0..n).map(|i| (0..n).map(|j| numbers[i.max(j) * n + i.min(j)]).collect()).collect()
        })
    })
}

proptest! {
    #[test]
    fn trace_and_squares_of_the_matrix_are_those_of_its_eigenvalues(matrix in symmetric()) {
        let [values] = sorted([&matrix]);
        let trace: f64 = (0..matrix.len()).map(|i| matrix[i][i]).sum();
        let squares: f64 = matrix.iter().flatten().map(|x| x * x).sum();
        prop_assert!((values.iter().sum::<f64>() - trace).abs() < 1e-11);
        prop_assert!((values.iter().map(|x| x * x).sum::<f64>() - squares).abs() < 1e-9);
    }

    #[test]
    fn the_order_of_the_rows_changes_nothing_to_speak_of(matrix in symmetric(), seed in any::<u64>()) {
        let n = matrix.len();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|i| (*i as u64 + 1).wrapping_mul(seed | 1));
        let other: Vec<Vec<f64>> = order.iter().map(|i| order.iter().map(|j| matrix[*i][*j]).collect()).collect();
        let [a, b] = sorted([&matrix, &other]);
        prop_assert!(close(&a, &b, 1e-12));
    }

    #[test]
    fn a_lane_has_the_bits_that_it_has_alone(matrix in symmetric(), shift in -3.0..3.0) {
        let mut other = matrix.clone();
        (0..matrix.len()).for_each(|i| other[i][i] += shift);
        let graph = laplacian(matrix.len(), (1..matrix.len()).map(|i| (i / 2, i)));
        let together = sorted([&matrix, &other, &graph, &matrix]);
        let alone = [&matrix, &other, &graph, &matrix].map(|matrix| sorted([matrix]).concat());
        let bits = |values: &Vec<f64>| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(together.each_ref().map(bits), alone.each_ref().map(bits));
    }

    #[test]
    fn a_shift_moves_every_eigenvalue_by_as_much(matrix in symmetric(), shift in -100.0..100.0) {
        let mut other = matrix.clone();
        (0..matrix.len()).for_each(|i| other[i][i] += shift);
        let [a, b] = sorted([&matrix, &other]);
        let moved: Vec<f64> = a.iter().map(|value| value + shift).collect();
        prop_assert!(close(&moved, &b, 1e-11));
    }
}
