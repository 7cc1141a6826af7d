//! The one place where the backend is chosen.
//!
//! Burn 0.22 picks the backend at run time, so nothing else in this crate names one. `flex`, which upstream
//! recommends over `ndarray`, would be a cargo feature here (and `burn/flex` with it); so would `cuda`.

use burn::tensor::Device;

/// Where tensors live.
#[expect(deprecated, reason = "upstream prefers `flex`; ndarray is this project's choice")]
pub(crate) fn device() -> Device {
    Device::ndarray()
}
