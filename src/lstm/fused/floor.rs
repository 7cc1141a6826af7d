//! The least time that a window can take: what a processor has to do for it, at the rate that it can.
//!
//! All multiply-adds at the rate of the vector units, and then the activations of every cell. What else there
//! is (dropout, losses, Adam, memory) counts for nothing, so that no engine gets there.

use super::Isa;
use crate::layers::{Layer, Stack};

/// What is done with a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Forward.
    Scoring,
    /// Forward and back.
    Training,
}

/// What one window costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    isa: Isa,
    forward_flops: u64,
    cells: u64,
}

impl Cost {
    /// Of a window of `stack` in vectors of `isa`.
    ///
    /// An LSTM multiplies four gates a unit with its inputs, at the first step only where they are repeated, and
    /// from the second step on with the units of the step before.
    pub fn of(stack: &Stack, isa: Isa) -> Self {
        let (mut products, mut cells) = (0, 0);
        for (layer_idx, placed) in stack.layers().iter().enumerate() {
            let (steps, width) = (placed.input.steps(), placed.input.width());
            match placed.layer {
                Layer::Lstm { units, .. } => {
                    let projected = if stack.input_is_repeated(layer_idx) { 1 } else { steps };
                    products += 4 * units * (units * (steps - 1) + width * projected);
                    cells += steps * units.div_ceil(isa.lanes());
                }
                Layer::Dense { units } => products += steps * width * units,
                Layer::Dropout { .. } | Layer::RepeatVector { .. } => {}
            }
        }
        Self { isa, forward_flops: 2 * products as u64, cells: cells as u64 }
    }

    /// Floating-point operations of the products, two a multiply-add. The way back multiplies twice for each
    /// time forward: with the inputs for the weights' gradient, and with the weights for the inputs'.
    pub fn flops(self, pass: Pass) -> u64 {
        match pass {
            Pass::Scoring => self.forward_flops,
            Pass::Training => 3 * self.forward_flops,
        }
    }

    /// Vectors of units that are activated, over all steps and layers.
    pub fn cells(self) -> u64 {
        self.cells
    }

    /// Seconds a window, on vector units that do `flops_per_second`; `None` where the compiler chose the vectors
    /// and nobody knows what a cycle can do.
    pub fn floor_seconds(self, pass: Pass, flops_per_second: f64) -> Option<f64> {
        let cycles_per_second = flops_per_second / self.isa.flops_per_cycle()?;
        let products = self.flops(pass) as f64 / flops_per_second;
        Some(products + self.cells as f64 * pass.cycles_of_a_cell() / cycles_per_second)
    }
}

impl Pass {
    /// Cycles that the activations of a vector of units take: measured on AMD Zen 5 forward, derived from the
    /// operations for both ways.
    pub fn cycles_of_a_cell(self) -> f64 {
        match self {
            Self::Scoring => 30.0,
            Self::Training => 62.0,
        }
    }
}

impl Isa {
    /// Single-precision operations a cycle, of two units that multiply and add a vector each.
    pub fn flops_per_cycle(self) -> Option<f64> {
        match self {
            Self::Portable => None,
            Self::Avx2 | Self::Avx512 => Some(4.0 * self.lanes() as f64),
        }
    }
}

#[cfg(test)]
mod tests;
