//! The Burn operation: mean loss of a batch as a function of the packed weights.
//!
//! Forward computes the gradient together with the loss, shard by shard while the activations of a shard lie
//! in the second-level cache; backward hands it over, times what comes from above.
//!
//! Shapes: weights `[packed]`, values `[elements]` → loss `[1]`. Only the weights are tracked.

#![cfg_attr(
    not(feature = "flex"),
    expect(deprecated, reason = "upstream prefers `flex`; ndarray is this project's choice")
)]

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
use oddlot_lstm::fused::{Batch, Program, Threads};
use oddlot_lstm::loss::Loss;
use oddlot_lstm::random::Dropout;

use super::storage::{Host, Storage, storage, values, values_mut};

/// What a batch needs besides tensors.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) program: Arc<Program>,
    /// First element of each input window.
    pub(super) inputs: Vec<u32>,
    /// First element of each target.
    pub(super) targets: Vec<u32>,
    pub(super) loss: Loss,
    pub(super) dropout: Option<Dropout>,
    pub(super) threads: Threads,
    /// Where the gradient goes, `[packed]`: memory of an earlier batch, so that no page is faulted in anew.
    pub(super) gradient: Storage,
}

/// Mean loss per element of a batch, `[1]`; tracked if `weights` are.
pub(super) fn loss(weights: Tensor<1>, values: Tensor<1>, call: Call) -> Tensor<1> {
    let (weights, values) = (weights.into_dispatch(), values.into_dispatch());
    Tensor::from_dispatch(<Dispatch as FusedLoss>::fused_loss(weights, values, call))
}

/// Backends that have the operation.
#[backend_extension(NdArray: cfg(not(feature = "flex")), Flex: cfg(feature = "flex"), Autodiff)]
pub(super) trait FusedLoss: Backend {
    /// Mean loss per element of a batch.
    fn fused_loss(
        weights: FloatTensor<Self>,
        values: FloatTensor<Self>,
        call: Call,
    ) -> FloatTensor<Self>;
}

impl FusedLoss for Host {
    fn fused_loss(weights: Storage, values: Storage, call: Call) -> Storage {
        compute(&weights, &values, call).0
    }
}

impl<C: CheckpointStrategy> FusedLoss for Autodiff<Host, C> {
    fn fused_loss(
        weights: FloatTensor<Self>,
        values: FloatTensor<Self>,
        call: Call,
    ) -> FloatTensor<Self> {
        let (weights, node) = weights.into_parts();
        let (loss, gradient) = compute(&weights, values.primitive(), call);
        match Scaled.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(gradient, loss),
            OpsKind::UnTracked(prepared) => prepared.finish(loss),
        }
    }
}

/// Loss `[1]` and its gradient `[packed]`.
fn compute(weights: &Storage, buffer: &Storage, call: Call) -> (Storage, Storage) {
    let Call { program, inputs, targets, loss, dropout, threads, mut gradient } = call;
    let (weights, buffer) = (values(weights), values(buffer));
    let batch = Batch { values: &buffer, inputs: &inputs, targets: &targets, loss, dropout };
    let total = program.loss_and_gradient(&weights, &batch, threads, values_mut(&mut gradient));
    let n_elements = inputs.len() * program.stack().output().size();
    (storage(vec![(total / n_elements as f64) as f32]), gradient)
}

/// The way back: the gradient of the forward pass times the one from above.
#[derive(Debug)]
struct Scaled;

impl Backward<Host, 1> for Scaled {
    type State = Storage;

    fn backward(self, ops: Ops<Storage, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [node] = ops.parents;
        let above = gradients.consume::<Host>(&ops.node);
        let mut gradient = ops.state;
        let factor = values(&above).first().copied().unwrap_or(1.0);
        // The usual factor is that of `loss.backward()`, and costs nothing.
        if factor != 1.0 {
            values_mut(&mut gradient).iter_mut().for_each(|g| *g *= factor);
        }
        if let Some(node) = node {
            gradients.register::<Host>(node.id, gradient);
        }
    }
}
