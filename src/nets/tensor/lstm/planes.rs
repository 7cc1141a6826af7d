//! Weights of an LSTM cut into one plane a gate.
//!
//! Ours are row-major `[row, 4 units]` in the order input, forget, candidate, output; the engine's are
//! `[gate, row, unit]` in the order input, forget, output, candidate.

/// For each plane, its place in our order.
const OURS: [usize; 4] = [0, 1, 3, 2];

/// `[row, 4 units]` to `[gate, row, unit]`.
pub(super) fn cut(values: &[f32], units: usize) -> Vec<f32> {
    let rows = || values.chunks_exact(4 * units);
    OURS.iter()
        .flat_map(|&gate| rows().flat_map(move |row| &row[gate * units..(gate + 1) * units]))
        .copied()
        .collect()
}

/// `[row, 4 units]` in the engine's order to ours.
pub(super) fn reordered(mut values: Vec<f32>, units: usize) -> Vec<f32> {
    for row in values.chunks_exact_mut(4 * units) {
        row[2 * units..].rotate_left(units);
    }
    values
}

/// Each plane times its factor.
pub(super) fn scaled(mut planes: Vec<f32>, factors: [f32; 4]) -> Vec<f32> {
    let size = planes.len() / 4;
    for (plane, factor) in planes.chunks_exact_mut(size).zip(factors) {
        plane.iter_mut().for_each(|value| *value *= factor);
    }
    planes
}

/// `[gate, row, unit]` to `[gate, unit, row]`.
pub(super) fn turned(planes: &[f32], units: usize) -> Vec<f32> {
    let size = planes.len() / 4;
    planes.chunks_exact(size).flat_map(|plane| super::host::transposed(plane, units)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_by_hand() {
        // Two rows, two units: i i f f g g o o.
        let ours: Vec<f32> = (0..16).map(|k| k as f32).collect();
        let planes = cut(&ours, 2);
        assert_eq!(planes[..8], [0.0, 1.0, 8.0, 9.0, 2.0, 3.0, 10.0, 11.0]);
        assert_eq!(planes[8..], [6.0, 7.0, 14.0, 15.0, 4.0, 5.0, 12.0, 13.0]);
        assert_eq!(reordered(ours, 2)[..8], [0.0, 1.0, 2.0, 3.0, 6.0, 7.0, 4.0, 5.0]);
        assert_eq!(turned(&planes, 2)[..4], [0.0, 8.0, 1.0, 9.0]);
        assert_eq!(scaled(planes, [1.0, 1.0, 1.0, -2.0])[12..], [-8.0, -10.0, -24.0, -26.0]);
    }
}
