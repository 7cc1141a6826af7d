//! Whole networks against the scalar reference, for every instruction set of this machine.

use super::*;
use crate::fused::lanes::Portable;
use crate::layers::{Activation, Emit, Layer};
use crate::random::{self, Stream};
use crate::real::Real;
use crate::scalar::{self, LayerWeights};

fn lstm(units: usize, activation: Activation, emit: Emit) -> Layer {
    Layer::Lstm { units, activation, emit }
}

/// Stacks that between them have every layer, activation and place of a layer.
fn stacks() -> Vec<(&'static str, Stack)> {
    use Activation::{Relu, Tanh};
    use Emit::{Last, Sequence};
    let dense = |units| Layer::Dense { units };
    let dropout = Layer::Dropout { rate: 0.3 };
    let repeat = |steps| Layer::RepeatVector { steps };
    let stack = |layers: &[Layer], steps, width| Stack::new(layers, steps, width).unwrap();
    vec![
        ("forecaster", stack(&[lstm(20, Tanh, Last), dropout, dense(1)], 7, 1)),
        (
            "autoencoder with a bottleneck",
            stack(
                &[
                    lstm(17, Tanh, Last),
                    dropout,
                    dense(5),
                    repeat(6),
                    lstm(33, Tanh, Sequence),
                    dropout,
                    dense(2),
                ],
                6,
                2,
            ),
        ),
        (
            "deep, relu",
            stack(
                &[
                    lstm(9, Relu, Sequence),
                    dropout,
                    lstm(5, Relu, Last),
                    repeat(4),
                    lstm(5, Relu, Sequence),
                    lstm(18, Relu, Sequence),
                    dense(3),
                ],
                4,
                3,
            ),
        ),
        ("no dense at the end", stack(&[lstm(3, Tanh, Sequence), lstm(2, Tanh, Sequence)], 5, 2)),
        (
            "dense between",
            stack(&[lstm(6, Tanh, Sequence), dense(4), lstm(3, Tanh, Last), dense(1)], 5, 1),
        ),
        ("rows alone", stack(&[dense(7), dropout, dense(2)], 3, 2)),
        ("dense first", stack(&[dense(3), lstm(4, Tanh, Last), dense(1)], 4, 2)),
        ("repeated at the end", stack(&[lstm(4, Tanh, Last), repeat(3), dropout, dense(1)], 3, 1)),
        ("one step", stack(&[lstm(4, Tanh, Last), dense(1)], 1, 1)),
    ]
}

/// A problem with its solution by the scalar reference in double precision.
struct Case {
    plan_weights: Vec<f64>,
    values: Vec<f64>,
    inputs: Vec<u32>,
    targets: Vec<u32>,
    loss: Loss,
    dropout: Option<Dropout>,
    expected_loss: f64,
    expected_gradient: Vec<f64>,
    expected_output: Vec<f64>,
}

fn draw(word: u64, k: usize) -> f64 {
    // Rounded to single precision, so that both precisions start from the same numbers.
    f64::from(random::uniform_in(-0.5, 0.5, 11, Stream::Sample, &[word, k as u64]) as f32)
}

fn flat(layers: &[LayerWeights<f64>]) -> Vec<f64> {
    layers
        .iter()
        .cloned()
        .flat_map(|mut layer| {
            layer.arrays_mut().into_iter().flat_map(|array| array.clone()).collect::<Vec<f64>>()
        })
        .collect()
}

impl Case {
    fn new(stack: &Stack, rows: usize, loss: Loss, with_dropout: bool) -> Self {
        let mut weights = scalar::zeros::<f64>(stack);
        let mut k = 0;
        for array in weights.iter_mut().flat_map(|layer| layer.arrays_mut()) {
            for weight in array.iter_mut() {
                *weight = draw(1, k);
                k += 1;
            }
        }
        let (size, out) = (stack.input().size(), stack.output().size());
        let values: Vec<f64> = (0..size + out + rows + 20).map(|k| 3.0 * draw(2, k)).collect();
        // Overlapping windows in no order.
        let inputs: Vec<u32> = (0..rows).map(|row| ((row * 7) % (rows + 19)) as u32).collect();
        let targets: Vec<u32> = inputs.iter().map(|start| start + size as u32).collect();
        let dropout = with_dropout.then_some(Dropout { seed: 5, step: 9 });
        let at = |start: u32, n: usize| values[start as usize..start as usize + n].to_vec();
        let batch: Vec<_> =
            inputs.iter().zip(&targets).map(|(&x, &y)| (at(x, size), at(y, out))).collect();
        let (mean, gradient) = scalar::loss_and_gradient(stack, &weights, &batch, loss, dropout);
        let expected_output = batch
            .iter()
            .flat_map(|(x, _)| scalar::forward(stack, &weights, x, 0, None).output().to_vec())
            .collect();
        Self {
            plan_weights: flat(&weights),
            values,
            inputs,
            targets,
            loss,
            dropout,
            expected_loss: mean * (rows * out) as f64,
            expected_gradient: flat(&gradient),
            expected_output,
        }
    }

    /// Largest differences from the reference, relative to the largest expected number of each kind: loss,
    /// gradient, output.
    fn differences<S: Lanes>(&self, s: S, stack: &Stack) -> [f64; 3] {
        let plan = Plan::new(stack, Biases::One, S::N);
        let cast = |xs: &[f64]| xs.iter().map(|&x| S::E::from_f64(x)).collect::<Vec<_>>();
        let mut packed = vec![S::E::default(); plan.n_packed];
        for (&place, weight) in plan.places.iter().zip(cast(&self.plan_weights)) {
            packed[place as usize] = weight;
        }
        let values = cast(&self.values);
        let batch = Batch {
            values: &values,
            inputs: &self.inputs,
            targets: &self.targets,
            loss: self.loss,
            dropout: self.dropout,
        };
        // Whatever was in the memory before must not matter.
        let mut gradient = vec![S::E::from_f64(1e9); plan.n_packed];
        let loss = loss_and_gradient(s, &plan, &packed, &batch, Threads::One, &mut gradient);
        let found: Vec<f64> =
            plan.places.iter().map(|&place| gradient[place as usize].to_f64()).collect();
        let padding: f64 = gradient.iter().map(|g| g.to_f64().abs()).sum::<f64>()
            - found.iter().map(|g| g.abs()).sum::<f64>();
        assert!(padding.abs() < 1e-9, "padding has a gradient of {padding}");
        let mut output = vec![S::E::default(); self.expected_output.len()];
        forward(s, &plan, &packed, &values, &self.inputs, Threads::One, &mut output);
        let output: Vec<f64> = output.iter().map(|x| x.to_f64()).collect();
        [
            difference(&[self.expected_loss], &[loss]),
            difference(&self.expected_gradient, &found),
            difference(&self.expected_output, &output),
        ]
    }
}

fn difference(expected: &[f64], found: &[f64]) -> f64 {
    assert_eq!(expected.len(), found.len());
    let largest = expected.iter().fold(1e-9, |largest: f64, x| largest.max(x.abs()));
    let worst = expected.iter().zip(found).fold(0.0, |worst: f64, (a, b)| {
        if (a - b).is_nan() { f64::INFINITY } else { worst.max((a - b).abs()) }
    });
    worst / largest
}

fn for_each_case(check: impl Fn(&str, &Stack, &Case)) {
    let losses = [Loss::Mae, Loss::Mse, Loss::Huber { delta: 0.7 }];
    for (k, (name, stack)) in stacks().into_iter().enumerate() {
        // The largest single shard, more rows than wait at a time; then two shards.
        for (rows, with_dropout) in [(1, false), (5, true), (31, true), (38, true)] {
            let loss = losses[(k + rows) % 3];
            let case = Case::new(&stack, rows, loss, with_dropout);
            check(&format!("{name}, {rows} rows, {loss:?}"), &stack, &case);
        }
    }
}

#[test]
fn double_precision_agrees_with_the_scalar_reference() {
    for_each_case(|name, stack, case| {
        let found = case.differences(Portable::<f64>::new(), stack);
        // Sums of some hundred terms, in another order.
        assert!(found.iter().all(|&d| d < 1e-13), "{name}: {found:?}");
    });
}

#[test]
fn every_instruction_set_agrees_with_the_scalar_reference() {
    for_each_case(|name, stack, case| {
        for isa in Isa::available() {
            let found = with_lanes!(isa, s => case.differences(s, stack));
            // f32 rounds to 6e-8; sigmoid and tanh are good to 1.3e-7, and errors add up over the steps.
            assert!(found.iter().all(|&d| d < 2e-6), "{isa}, {name}: {found:?}");
        }
    });
}

/// Losses of a network whose weight `k` is off by `step`.
fn loss_at(stack: &Stack, case: &Case, k: usize, step: f64) -> f64 {
    let plan = Plan::new(stack, Biases::One, 4);
    let mut packed = vec![0.0; plan.n_packed];
    for (&place, &weight) in plan.places.iter().zip(&case.plan_weights) {
        packed[place as usize] = weight;
    }
    packed[plan.places[k] as usize] += step;
    let Case { values, inputs, targets, loss, dropout, .. } = case;
    let batch = Batch { values, inputs, targets, loss: *loss, dropout: *dropout };
    let mut gradient = vec![0.0; plan.n_packed];
    let s = Portable::<f64>::new();
    let total = loss_and_gradient(s, &plan, &packed, &batch, Threads::One, &mut gradient);
    total / (inputs.len() * stack.output().size()) as f64
}

/// Richardson-extrapolated central differences: truncation O(h⁴) = 1e-16 at h = 1e-4 and rounding
/// ε/h = 1e-12, so 1e-8 relative to the largest gradient leaves room for the sums only.
#[test]
fn gradients_in_double_precision_agree_with_finite_differences() {
    let huber = Loss::Huber { delta: 0.7 };
    for (name, stack) in stacks() {
        for loss in [Loss::Mae, Loss::Mse, huber] {
            // The scalar reference's gradient: the kernels' is held against it to 1e-13 above.
            let case = Case::new(&stack, 3, loss, true);
            let largest = case.expected_gradient.iter().fold(0.0, |a: f64, g| a.max(g.abs()));
            for k in (0..case.plan_weights.len()).step_by(7) {
                let slope = |h: f64| {
                    (loss_at(&stack, &case, k, h) - loss_at(&stack, &case, k, -h)) / (2.0 * h)
                };
                let found = (4.0 * slope(5e-5) - slope(1e-4)) / 3.0;
                let off = (found - case.expected_gradient[k]).abs() / largest;
                assert!(off < 1e-8, "{name}, {loss:?}, weight {k}: {off:e}");
            }
        }
    }
}

#[test]
fn every_thread_gets_as_many_blocks_in_scoring() {
    let windows = |n| block_windows(n, Threads::One);
    assert_eq!([0, 1, 96, 97, 192].map(windows), [1, 1, 96, 49, 96]);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    pool.install(|| {
        let windows = |n| block_windows(n, Threads::All);
        // Eleven blocks would leave a thread idle at the end: 1,024 windows in twelve of 86.
        assert_eq!([1, 8, 384, 1024].map(windows), [1, 2, 96, 86]);
    });
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    use Activation::Tanh;
    // So many weights that sums of gradients and turned weights are shared out too; five shards.
    let layers =
        [lstm(70, Tanh, Emit::Sequence), lstm(50, Tanh, Emit::Last), Layer::Dense { units: 1 }];
    let stack = Stack::new(&layers, 4, 1).unwrap();
    let draw = |k: usize| random::uniform_in(-0.3, 0.3, 5, Stream::Sample, &[k as u64]) as f32;
    let values: Vec<f32> = (0..90).map(draw).collect();
    let starts: Vec<u32> = (0..85).collect();
    let dropout = Some(Dropout { seed: 1, step: 2 });
    let (inputs, targets) = (&starts[..], &starts[..]);
    let batch = Batch { values: &values, inputs, targets, loss: Loss::Mse, dropout };
    for isa in Isa::available() {
        let program = Program::new(&stack, Biases::Two, isa).unwrap();
        let n = program.n_packed();
        assert!(n > 2 * SMALLEST_SHARE && n_shards(starts.len()) == 5);
        let packed = program.pack(&(0..program.n_weights()).map(draw).collect::<Vec<_>>());
        let gradient = |threads| {
            let mut gradient = vec![0.0; n];
            let loss = program.loss_and_gradient(&packed, &batch, threads, &mut gradient);
            (loss, gradient)
        };
        let alone = gradient(Threads::One);
        for n_threads in [2, 3, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            assert!(pool.install(|| gradient(Threads::All)) == alone, "{isa}, {n_threads} threads");
        }
    }
}
