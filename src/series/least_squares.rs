//! Linear least squares that also answers where the answer is not unique: then the shortest one.
//!
//! Shapes: design `[row, term]` of at least as many rows as terms, target `[row]` → coefficients
//! `[term]`. Singular values below ε · max(rows, terms) times the largest count as 0, as in NumPy's
//! `lstsq`.

use nalgebra::{DMatrix, DVector};

use crate::statistics::to_real;

/// Coefficients with the least sum of squared residuals; `None` where they cannot be computed.
pub(crate) fn least_squares(design: DMatrix<f64>, target: &DVector<f64>) -> Option<Vec<f64>> {
    let (n_rows, n_terms) = design.shape();
    let is_finite = design.iter().chain(target.iter()).all(|value| value.is_finite());
    if n_rows < n_terms || n_terms == 0 || target.len() != n_rows || !is_finite {
        return None;
    }
    // Reduced by Householder reflections first: the decomposition is then of a small square.
    let qr = design.qr();
    let mut reduced = target.clone();
    qr.q_tr_mul(&mut reduced);
    let svd = qr.r().try_svd(true, true, f64::EPSILON, 0)?;
    let floor = f64::EPSILON * to_real(n_rows) * svd.singular_values.max();
    let solution = svd.solve(&reduced.rows(0, n_terms).into_owned(), floor).ok()?;
    solution.iter().all(|c| c.is_finite()).then(|| solution.iter().copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solve(rows: &[[f64; 2]], target: &[f64]) -> Option<Vec<f64>> {
        let design = DMatrix::from_row_iterator(rows.len(), 2, rows.iter().flatten().copied());
        least_squares(design, &DVector::from_column_slice(target))
    }

    #[test]
    fn a_line_through_three_points_by_hand() {
        // y = a + b x through (0, 1), (1, 2), (2, 6): b = 5/2, a = 3 − 5/2.
        let found = solve(&[[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], &[1.0, 2.0, 6.0]).unwrap();
        assert!((found[0] - 0.5).abs() < 1e-14 && (found[1] - 2.5).abs() < 1e-14, "{found:?}");
    }

    #[test]
    fn of_many_answers_the_shortest_is_taken() {
        // a + b = 4 twice over: a = b = 2.
        let found = solve(&[[1.0, 1.0], [1.0, 1.0], [2.0, 2.0]], &[4.0, 4.0, 8.0]).unwrap();
        assert!((found[0] - 2.0).abs() < 1e-14 && (found[1] - 2.0).abs() < 1e-14, "{found:?}");
        assert_eq!(solve(&[[0.0, 0.0], [0.0, 0.0]], &[1.0, 2.0]), Some(vec![0.0, 0.0]));
    }

    #[test]
    fn too_few_rows_have_no_answer() {
        assert_eq!(solve(&[[1.0, 2.0]], &[1.0]), None);
        assert_eq!(solve(&[], &[]), None);
        assert_eq!(solve(&[[f64::NAN, 1.0], [1.0, 2.0]], &[1.0, 1.0]), None);
    }
}
