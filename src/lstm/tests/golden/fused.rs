//! The fused kernels, in every instruction set of this machine, against torch in `f64`.

use oddlot_lstm::adam::{Adam, Settings};
use oddlot_lstm::fused::{self, Biases, Isa, Program, Threads};

use super::case::{ADAM, Batch, Case, GRADIENTS};
use super::compare::{distance, losses_apart};
use super::wide;

/// Mean loss and packed gradient.
fn run(
    program: &Program,
    case: &Case,
    packed: &[f32],
    values: &[f32],
    batch: &Batch,
) -> (f64, Vec<f32>) {
    let Batch { inputs, targets } = batch;
    let batch = fused::Batch { values, inputs, targets, loss: case.loss, dropout: None };
    let mut gradient = vec![f32::NAN; program.n_packed()];
    let sum = program.loss_and_gradient(packed, &batch, Threads::One, &mut gradient);
    (sum / (inputs.len() * case.stack.output().size()) as f64, gradient)
}

#[test]
fn the_kernels_give_the_gradients_of_torch() {
    for case in Case::read_all(GRADIENTS) {
        for isa in Isa::available() {
            let program = Program::new(&case.stack, Biases::One, isa).unwrap();
            let found = distance(&case, |case, weights, values, batch| {
                let (loss, gradient) = run(&program, case, &program.pack(weights), values, batch);
                (loss, wide(&program.unpack(&gradient)))
            });
            // Torch in single precision is up to 7.2e-7 away.
            assert!(found.worst() <= 2e-6, "{isa}, {}: {found:?}", case.name);
        }
    }
}

#[test]
fn the_kernels_under_adam_lose_what_torch_loses_in_all_64_steps() {
    let settings = Settings { learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 };
    for case in Case::read_all(ADAM) {
        let values = case.values();
        for isa in Isa::available() {
            let program = Program::new(&case.stack, Biases::One, isa).unwrap();
            let mut packed = program.pack(&case.weights());
            let mut adam = Adam::new(settings, packed.len());
            let losses: Vec<f64> = case
                .batches()
                .iter()
                .map(|batch| {
                    let (loss, gradient) = run(&program, &case, &packed, &values, batch);
                    adam.step(isa, Threads::One, &mut packed, &gradient);
                    loss
                })
                .collect();
            assert_eq!(losses.len(), 64);
            let apart = losses_apart(&case, &losses);
            // Rounding errors of a step are carried into the next: torch in single precision is 2e-7 away.
            assert!(apart <= 1e-5, "{isa}, {}: {apart:e}", case.name);
        }
    }
}
