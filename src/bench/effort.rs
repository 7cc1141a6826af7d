//! How long to measure, and so how sure to be.

use std::time::Duration;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Of a case, both ways together.
    pub case: Duration,
    /// Of the multiply-adds, at least.
    pub peak: Duration,
    /// Networks side by side, at least.
    pub many: usize,
    /// What each of them learns from.
    pub windows_of_many: usize,
    /// How often.
    pub rounds_of_many: usize,
}

impl Effort {
    /// About a minute for everything.
    pub const FULL: Self = Self {
        case: Duration::from_millis(1500),
        peak: Duration::from_millis(250),
        many: 64,
        windows_of_many: 1024,
        rounds_of_many: 3,
    };
    /// A few seconds for everything.
    pub const QUICK: Self = Self {
        case: Duration::from_millis(120),
        peak: Duration::from_millis(50),
        many: 8,
        windows_of_many: 128,
        rounds_of_many: 2,
    };
}
