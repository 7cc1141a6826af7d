//! The one place where the backend is chosen.
//!
//! Burn 0.22 picks the backend at run time, so nothing else in this crate names one but the fused operation
//! (`fused/storage`), which reads its memory. `flex`, which upstream recommends over `ndarray`, is a cargo
//! feature; `cuda` would be one.

use burn::tensor::Device;

/// Where tensors live.
#[cfg(not(feature = "flex"))]
#[expect(deprecated, reason = "upstream prefers `flex`; ndarray is this project's choice")]
pub(crate) fn device() -> Device {
    Device::ndarray()
}

/// Where tensors live.
#[cfg(feature = "flex")]
pub(crate) fn device() -> Device {
    Device::flex()
}
