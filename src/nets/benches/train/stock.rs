//! Models A and C as Burn's own layers, with its own autodiff and Adam.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig, Lstm, LstmConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};

use super::models::Name;
use super::stopwatch::Stopwatch;

const STEPS: usize = 30;
const UNITS: usize = 64;

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
            dropout: DropoutConfig::new(0.2).init(),
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

/// `None` for model B.
pub(crate) fn milliseconds(name: Name, batch: usize) -> Option<f64> {
    if name == Name::B {
        return None;
    }
    #[expect(deprecated, reason = "the backend that the product uses")]
    let device = Device::ndarray().autodiff();
    let mut model = Stock::new(name, &device);
    let mut adam = AdamConfig::new().with_epsilon(1e-7).init();
    let values = |n: usize| (0..n).map(|k| (k as f32 * 0.37).sin()).collect::<Vec<f32>>();
    let x = TensorData::new(values(batch * STEPS), [batch, STEPS, 1]);
    let x = Tensor::<3>::from_data(x, &device);
    let target = if name == Name::A { x.clone() } else { x.clone().narrow(1, 0, 1) };
    let mut watch = Stopwatch::new();
    for _ in 0..if batch == 32 { 20 } else { 6 } {
        watch.start();
        let loss = (model.forward(x.clone()) - target.clone()).abs().mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = adam.step(1e-3, model, gradients);
        watch.lap();
    }
    Some(watch.milliseconds())
}
