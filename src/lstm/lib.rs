//! LSTM kernels over plain slices. No Burn, no I/O.
