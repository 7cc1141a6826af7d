//! Isolation forest of windows: how few random cuts set a window apart.
//!
//! Windows of two periods, all features side by side. Each tree takes `sample` windows and cuts them by a
//! random row of the window at a random level until each stands alone or the depth log₂(sample) is
//! reached; a window's score is `2^(-depth / usual depth)`, its depth averaged over trees, and a row's the mean
//! over the windows that cover it.
//!
//! Shapes: `[time, feature]` → `[time]`, within 0 … 1. Units: none.
//! Source: Liu, Ting and Zhou, ICDM 2008, "Isolation forest". Written here: the crates there are take their
//! draws from generators of their own, so that seeds would not mean what they mean elsewhere.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::smoothing::windows_to_points;
use super::{Standardised, draws};
use crate::statistics::to_real;

/// Euler's constant, of the harmonic numbers.
const EULER: f64 = 0.577_215_664_901_532_9;

/// `[detector.isolation_forest]`: `trees` 100, `sample` 256, `seed` 42.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IsolationForest {
    /// Trees; more of them cost time and steady the scores.
    pub trees: NonZeroUsize,
    /// Windows a tree is grown from.
    pub sample: NonZeroUsize,
    /// Of all draws.
    pub seed: u64,
}

impl Default for IsolationForest {
    fn default() -> Self {
        const TREES: NonZeroUsize = NonZeroUsize::new(100).unwrap();
        const SAMPLE: NonZeroUsize = NonZeroUsize::new(256).unwrap();
        Self { trees: TREES, sample: SAMPLE, seed: 42 }
    }
}

/// A part of a tree.
enum Node {
    /// So many windows were left, at this depth.
    Leaf { depth: f64 },
    /// Windows whose value lies below the level go to the first of two nodes, the others to the second.
    Cut { column_idx: usize, offset: usize, level: f64, children: [usize; 2] },
}

impl IsolationForest {
    pub(super) fn score(&self, series: &Standardised) -> Vec<f64> {
        let length = series.double_window();
        let n_windows = (series.len() + 1).saturating_sub(length);
        let n_sample = self.sample.get().min(n_windows);
        let mut depths = vec![0.0; n_windows];
        for tree_idx in 0..self.trees.get() {
            let tree = self.grow(series, length, tree_idx, n_sample);
            for (first, depth) in depths.iter_mut().enumerate() {
                *depth += depth_of(&tree, series, first);
            }
        }
        let usual = usual_depth(n_sample) * to_real(self.trees.get());
        let score = |depth: f64| if usual > 0.0 { (-depth / usual).exp2() } else { 0.5 };
        let scores: Vec<f64> = depths.into_iter().map(score).collect();
        windows_to_points(&scores, length)
    }

    /// Node 0 is the root.
    fn grow(
        &self,
        series: &Standardised,
        length: usize,
        tree_idx: usize,
        n_sample: usize,
    ) -> Vec<Node> {
        let n_windows = (series.len() + 1).saturating_sub(length);
        let sample = self.draw_sample(n_windows, n_sample, tree_idx);
        let depth_max = to_real(n_sample).log2().ceil();
        let mut nodes = vec![Node::Leaf { depth: 0.0 }];
        let mut open = vec![(0, 0.0, sample)];
        while let Some((node_idx, depth, windows)) = open.pop() {
            let cut = (depth < depth_max)
                .then(|| self.cut(series, length, [tree_idx, node_idx], &windows));
            let Some((column_idx, offset, level)) = cut.flatten() else {
                nodes[node_idx] = Node::Leaf { depth: depth + usual_depth(windows.len()) };
                continue;
            };
            let column = &series.columns()[column_idx];
            let (below, above) =
                windows.into_iter().partition(|first| column[first + offset] < level);
            let children = [nodes.len(), nodes.len() + 1];
            nodes.extend([Node::Leaf { depth }, Node::Leaf { depth }]);
            nodes[node_idx] = Node::Cut { column_idx, offset, level, children };
            open.push((children[0], depth + 1.0, below));
            open.push((children[1], depth + 1.0, above));
        }
        nodes
    }

    /// Windows without repetition (the first steps of a Fisher-Yates shuffle).
    fn draw_sample(&self, n_windows: usize, n_sample: usize, tree_idx: usize) -> Vec<usize> {
        let mut windows: Vec<usize> = (0..n_windows).collect();
        for k in 0..n_sample {
            windows.swap(k, k + draws::below(n_windows - k, self.seed, &[tree_idx, 0, k]));
        }
        windows.truncate(n_sample);
        windows
    }

    /// Feature, row of the window and level; `None` where the windows do not differ there.
    fn cut(
        &self,
        series: &Standardised,
        length: usize,
        [tree_idx, node_idx]: [usize; 2],
        windows: &[usize],
    ) -> Option<(usize, usize, f64)> {
        if windows.len() < 2 {
            return None;
        }
        let draw = |n, word| draws::below(n, self.seed, &[tree_idx, 1, node_idx, word]);
        let (column_idx, offset) = (draw(series.columns().len(), 0), draw(length, 1));
        let column = &series.columns()[column_idx];
        let values = windows.iter().map(|first| column[first + offset]);
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        let share = draws::uniform(self.seed, &[tree_idx, 2, node_idx]);
        // Above `low`, so that neither side is empty.
        (low < high).then(|| (column_idx, offset, (high - share * (high - low)).max(low.next_up())))
    }
}

fn depth_of(tree: &[Node], series: &Standardised, first: usize) -> f64 {
    let mut node_idx = 0;
    loop {
        match &tree[node_idx] {
            Node::Leaf { depth } => return *depth,
            Node::Cut { column_idx, offset, level, children } => {
                let is_above = series.columns()[*column_idx][first + offset] >= *level;
                node_idx = children[usize::from(is_above)];
            }
        }
    }
}

/// Mean depth at which one of `n` windows stands alone: of an unsuccessful search in a binary tree.
fn usual_depth(n: usize) -> f64 {
    match n {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let before = to_real(n - 1);
            2.0 * (before.ln() + EULER) - 2.0 * before / to_real(n)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::archive::Archive;
    use crate::archive::tests::scores;

    fn forest(seed: u64) -> Archive {
        Archive::IsolationForest(IsolationForest { seed, ..IsolationForest::default() })
    }

    #[test]
    fn usual_depths_agree_with_scikit_learn() {
        // sklearn.ensemble._iforest._average_path_length([1, 2, 3, 256])
        for (n, expected) in [(1, 0.0), (2, 1.0), (3, 1.20739236), (256, 10.24477092)] {
            // Printed with eight decimals.
            assert!((usual_depth(n) - expected).abs() < 1e-8, "{n} {}", usual_depth(n));
        }
    }

    #[test]
    fn an_odd_stretch_is_set_apart_from_every_seed() {
        let mut values: Vec<f64> = (0..400).map(|k| f64::from(k % 20)).collect();
        values[200..210].fill(60.0);
        for seed in 0..3 {
            let found = scores(&forest(seed), &values, 20);
            let top = (0..400).max_by(|&a, &b| found[a].total_cmp(&found[b])).unwrap();
            assert!((160..250).contains(&top), "{top}");
        }
        assert_ne!(scores(&forest(0), &values, 20), scores(&forest(1), &values, 20));
    }

    proptest! {
        #[test]
        fn scores_lie_between_0_and_1(values in prop::collection::vec(-9.0_f64..9.0, 0..60)) {
            let found = scores(&forest(7), &values, 10);
            prop_assert_eq!(found.len(), values.len());
            prop_assert!(found.iter().all(|score| (0.0..=1.0).contains(score)));
        }
    }
}
