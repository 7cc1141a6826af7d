//! By hand, and against the figures that were published with the prototype.

use super::*;
use crate::layers::{Activation, Emit};

fn lstm(units: usize, emit: Emit) -> Layer {
    Layer::Lstm { units, activation: Activation::Tanh, emit }
}

const DENSE: Layer = Layer::Dense { units: 1 };
const DROPOUT: Layer = Layer::Dropout { rate: 0.2 };
const REPEAT: Layer = Layer::RepeatVector { steps: 30 };

fn a() -> Vec<Layer> {
    let (last, sequence) = (lstm(64, Emit::Last), lstm(64, Emit::Sequence));
    vec![last, DROPOUT, REPEAT, sequence, DROPOUT, DENSE]
}

fn b() -> Vec<Layer> {
    let sequence = |units| lstm(units, Emit::Sequence);
    vec![sequence(128), lstm(64, Emit::Last), REPEAT, sequence(64), sequence(128), DENSE]
}

fn c() -> Vec<Layer> {
    vec![lstm(64, Emit::Last), DROPOUT, DENSE]
}

fn cost(layers: &[Layer], isa: Isa) -> Cost {
    Cost::of(&Stack::new(layers, 30, 1).unwrap(), isa)
}

#[test]
fn a_small_stack_is_counted_by_hand() {
    // Three steps of two features. LSTM of 5: 4 · 5 · (5 · 2 + 2 · 3) = 320; its 5 values through a dense layer
    // of 3: 15; repeated three times into an LSTM of 17: 4 · 17 · (17 · 2 + 3 · 1) = 2,516; dense: 3 · 17 · 2 = 102.
    let layers = [
        lstm(5, Emit::Last),
        Layer::Dense { units: 3 },
        Layer::RepeatVector { steps: 3 },
        lstm(17, Emit::Sequence),
        Layer::Dense { units: 2 },
    ];
    let stack = Stack::new(&layers, 3, 2).unwrap();
    let cost = Cost::of(&stack, Isa::Avx512);
    assert_eq!(cost.flops(Pass::Scoring), 2 * (320 + 15 + 2_516 + 102));
    assert_eq!(cost.flops(Pass::Training), 6 * (320 + 15 + 2_516 + 102));
    // 5 units are one vector, 17 are two of sixteen, three of eight.
    assert_eq!(cost.cells(), 3 * (1 + 2));
    assert_eq!(Cost::of(&stack, Isa::Avx2).cells(), 3 * (1 + 3));
}

#[test]
fn the_published_networks_cost_what_was_published() {
    let forward = |layers: &[Layer]| cost(layers, Isa::Avx512).flops(Pass::Scoring);
    // 8 · 64 · (64 · 29 + 30) and 2 · 64; as much again with 64 inputs once and thirty times the dense layer.
    assert_eq!(forward(&c()), 965_632 + 128);
    assert_eq!(forward(&a()), 965_632 + 983_040 + 3_840);
    assert_eq!(forward(&b()), 3_831_808 + 2_916_352 + 983_040 + 5_767_168 + 7_680);
    for (layers, published) in [(a(), 1.95e6), (b(), 13.5e6), (c(), 0.97e6)] {
        let found = forward(&layers) as f64;
        // Three digits, of which the last is rounded.
        assert!((found / published - 1.0).abs() < 0.005, "{found} {published}");
    }
}

#[test]
fn the_floor_is_the_published_one() {
    // Milliseconds a batch of 32 and of 256, thousands of windows scored a second, at 242 to 246 GFLOP/s.
    let published =
        [(a(), [0.90, 7.2, 101.0]), (b(), [5.7, 46.0, 16.3]), (c(), [0.45, 3.6, 203.0])];
    for (layers, expected) in published {
        let cost = cost(&layers, Isa::Avx512);
        let floor = |pass| cost.floor_seconds(pass, 244e9).unwrap();
        let found = [
            32e3 * floor(Pass::Training),
            256e3 * floor(Pass::Training),
            1e-3 / floor(Pass::Scoring),
        ];
        for (found, expected) in found.into_iter().zip(expected) {
            // Rounding to two digits is off by up to 1.1 %, the rate by 0.8 %.
            assert!((found / expected - 1.0_f64).abs() < 0.019, "{found} {expected}");
        }
    }
}

#[test]
fn half_the_width_takes_twice_as_long_at_the_same_clock() {
    for pass in [Pass::Scoring, Pass::Training] {
        let floor = |isa, rate| cost(&a(), isa).floor_seconds(pass, rate);
        // 3.8 GHz. Both widths divide 64 units, so there are twice as many cells too.
        let (wide, narrow) = (floor(Isa::Avx512, 243.2e9), floor(Isa::Avx2, 121.6e9));
        let ratio = narrow.unwrap() / wide.unwrap();
        assert!((ratio - 2.0).abs() < 1e-12, "{ratio}");
    }
}

#[test]
fn of_vectors_that_the_compiler_chose_no_floor_is_known() {
    assert_eq!(cost(&a(), Isa::Portable).floor_seconds(Pass::Scoring, 1e10), None);
}
