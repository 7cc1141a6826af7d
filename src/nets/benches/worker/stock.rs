//! Models A and C as Burn's own layers, with its own autodiff and Adam.

use std::hint::black_box;

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig, Lstm, LstmConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};

use super::models::{ADAM, DROPOUT, Name, STEPS, Series, UNITS};
use super::request::{Op, Setting};

/// Never asked for model B nor for bulk.
pub(crate) fn run(setting: &Setting, lap: &mut dyn FnMut()) {
    #[expect(deprecated, reason = "the backend that the product uses")]
    let device = Device::ndarray();
    match setting.op {
        Op::Train => train(setting, &device.autodiff(), lap),
        Op::Score | Op::Bulk => score(setting, &device, lap),
    }
}

fn train(setting: &Setting, device: &Device, lap: &mut dyn FnMut()) {
    let series = Series::new(setting.model, setting.batch.get());
    let (x, target) = (series.gathered(0, STEPS, device), series.target(setting.model, device));
    let mut model = Stock::new(setting.model, device);
    let mut adam = AdamConfig::new().with_epsilon(ADAM.epsilon as f32).init();
    loop {
        let loss = (model.forward(x.clone()) - target.clone()).abs().mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = adam.step(ADAM.learning_rate, model, gradients);
        lap();
    }
}

fn score(setting: &Setting, device: &Device, lap: &mut dyn FnMut()) {
    let x = Series::new(setting.model, setting.batch.get()).gathered(0, STEPS, device);
    let model = Stock::new(setting.model, device);
    loop {
        black_box(model.forward(x.clone()));
        lap();
    }
}

impl Series {
    /// `steps` rows of each window from row `first` on: `[window, step, 1]`.
    fn gathered(&self, first: usize, steps: usize, device: &Device) -> Tensor<3> {
        let rows = |&start: &u32| &self.values[start as usize + first..][..steps];
        let values: Vec<f32> = self.starts.iter().flat_map(rows).copied().collect();
        Tensor::from_data(TensorData::new(values, [self.starts.len(), steps, 1]), device)
    }

    fn target(&self, name: Name, device: &Device) -> Tensor<3> {
        match name {
            Name::C => self.gathered(STEPS, 1, device),
            Name::A | Name::B => self.gathered(0, STEPS, device),
        }
    }
}

/// The decoder is there in model A only.
#[derive(Module, Debug)]
struct Stock {
    encoder: Lstm,
    decoder: Option<Lstm>,
    dropout: Dropout,
    output: Linear,
}

impl Stock {
    fn new(name: Name, device: &Device) -> Self {
        let lstm = |inputs| LstmConfig::new(inputs, UNITS, true).init(device);
        Self {
            encoder: lstm(1),
            decoder: (name == Name::A).then(|| lstm(UNITS)),
            dropout: DropoutConfig::new(DROPOUT).init(),
            output: LinearConfig::new(UNITS, 1).init(device),
        }
    }

    /// `[batch, time, 1]` to the same (A) or `[batch, 1, 1]` (C).
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let (_, state) = self.encoder.forward(x, None);
        let hidden = self.dropout.forward(state.hidden).unsqueeze_dim::<3>(1);
        match &self.decoder {
            None => self.output.forward(hidden),
            Some(decoder) => {
                let (sequence, _) = decoder.forward(hidden.repeat_dim(1, STEPS), None);
                self.output.forward(self.dropout.forward(sequence))
            }
        }
    }
}
