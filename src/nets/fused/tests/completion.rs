//! An autoencoder that has not read the newest row which it tells.

use super::*;

fn spec() -> ModelSpec {
    ModelSpec { target: Target::Completion, ..small_autoencoder(TRAINING) }
}

#[test]
fn no_expectation_of_a_window_depends_on_its_newest_row() {
    let drawn = Drawn::new(60, 1);
    let windows = drawn.windows();
    let network = tensor(&spec());
    let data = TrainingWindows { train: windows, validation: windows.slice(0..20) };
    let mut fitted: Vec<Box<dyn Fitted>> = vec![network.fit(data, &mut |_| {}).unwrap()];
    for isa in Isa::available() {
        fitted.push(fused(&spec(), isa, Threads::One).fit(data, &mut |_| {}).unwrap());
    }
    let mut window = drawn.values[..LENGTH].to_vec();
    for fitted in fitted {
        let one =
            |window: &[f32]| fitted.expect(Windows::new(window, &[0], LENGTH, 1).unwrap()).unwrap();
        window[LENGTH - 1] = 0.0;
        let calm = one(&window);
        window[LENGTH - 1] = 50.0;
        assert_eq!(one(&window), calm);
        // The row before it does count.
        window[LENGTH - 2] += 1.0;
        assert_ne!(one(&window), calm);
        window[LENGTH - 2] -= 1.0;
    }
}

#[test]
fn the_newest_row_is_learnt_though_it_is_not_read() {
    // Rows alternate: the code of all rows but the last says which comes next.
    let values: Vec<f32> =
        (0..LENGTH + 60).map(|row| if row % 2 == 0 { 0.8 } else { -0.8 }).collect();
    let starts: Vec<u32> = (0..60).collect();
    let windows = Windows::new(&values, &starts, LENGTH, 1).unwrap();
    let training = Training { epochs: 150, loss: Loss::Mse, ..TRAINING };
    let adam = Adam { learning_rate: 1e-2, ..training.adam };
    let spec = ModelSpec { training: Training { adam, ..training }, ..spec() };
    let data = TrainingWindows { train: windows, validation: windows.slice(0..20) };
    for isa in Isa::available() {
        let fitted = fused(&spec, isa, Threads::One).fit(data, &mut |_| {}).unwrap();
        let told = fitted.expect(windows.slice(0..2)).unwrap();
        for (told, window) in told.chunks_exact(LENGTH).zip(windows.iter()) {
            // Of the two windows one ends low, one high: what has not been read is told with its sign.
            let (told, newest) = (told[LENGTH - 1], window[LENGTH - 1]);
            assert!(told * newest > 0.1, "{isa}: {told} {newest}");
        }
    }
}

#[test]
fn a_completion_that_gives_only_the_rows_it_read_is_refused() {
    let mut spec = spec();
    for layer in &mut spec.layers {
        if let Layer::RepeatVector { steps } = layer {
            *steps = LENGTH - 1;
        }
    }
    let error = Network::new(spec).unwrap_err().to_string();
    assert!(error.contains("the row that it has not read"), "{error}");
}
