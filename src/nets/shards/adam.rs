//! Adam over one flat weight vector.
//!
//! Source: Kingma and Ba 2015, algorithm 1. Epsilon is added outside the root, to the bias-corrected moment,
//! as in PyTorch. (Keras adds it before the correction, Burn's own Adam defaults to 1e-5.)

use oddlot_series::Adam as Settings;

/// Moments and step count.
#[derive(Clone, Debug)]
pub(super) struct Adam {
    settings: Settings,
    moment_1: Vec<f32>,
    moment_2: Vec<f32>,
    steps: i32,
}

impl Adam {
    /// An optimiser of `n_weights` weights that has seen nothing yet.
    pub(super) fn new(settings: Settings, n_weights: usize) -> Self {
        let zeros = || vec![0.0; n_weights];
        Self { settings, moment_1: zeros(), moment_2: zeros(), steps: 0 }
    }

    /// Takes steps of this size from here on; the moments stay as they are.
    pub(super) fn set_learning_rate(&mut self, learning_rate: f64) {
        self.settings.learning_rate = learning_rate;
    }

    /// Moves `weights` one step down `gradient`.
    pub(super) fn step(&mut self, weights: &mut [f32], gradient: &[f32]) {
        let Settings { learning_rate, beta_1, beta_2, epsilon } = self.settings;
        self.steps += 1;
        let step_size = (learning_rate / (1.0 - beta_1.powi(self.steps))) as f32;
        let root = (1.0 / (1.0 - beta_2.powi(self.steps)).sqrt()) as f32;
        let (decay_1, decay_2) = (beta_1 as f32, beta_2 as f32);
        let (fresh_1, fresh_2) = ((1.0 - beta_1) as f32, (1.0 - beta_2) as f32);
        let epsilon = epsilon as f32;
        let moments = self.moment_1.iter_mut().zip(&mut self.moment_2);
        for ((weight, &g), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
            *m = decay_1 * *m + fresh_1 * g;
            *v = decay_2 * *v + fresh_2 * g * g;
            *weight -= step_size * *m / (v.sqrt() * root + epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_by_hand() {
        let settings = Settings { learning_rate: 0.1, beta_1: 0.9, beta_2: 0.99, epsilon: 0.5 };
        let mut adam = Adam::new(settings, 1);
        let mut weights = [1.0_f32];
        // m = 0.2, v = 0.04; corrected 2 and 4: 1 - 0.1 · 2 / (2 + 0.5) = 0.92.
        adam.step(&mut weights, &[2.0]);
        assert!((weights[0] - 0.92).abs() < 1e-6, "{}", weights[0]);
        // m = 0.18 - 0.1 = 0.08, v = 0.0396 + 0.01 = 0.0496; corrected 0.08 / 0.19 = 0.421053 and
        // 0.0496 / 0.0199 = 2.492462, root 1.578753: 0.92 - 0.1 · 0.421053 / 2.078753 = 0.899745.
        adam.step(&mut weights, &[-1.0]);
        assert!((weights[0] - 0.899_745).abs() < 1e-6, "{}", weights[0]);
    }
}
