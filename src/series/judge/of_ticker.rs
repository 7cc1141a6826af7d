//! One detector for all tickers, or each ticker's own, under one name.

use std::collections::BTreeMap;

use super::CalibratedDetector;

/// Which detector speaks for a ticker.
#[derive(Clone)]
pub enum OfTicker {
    /// One for all of them.
    All(Box<CalibratedDetector>),
    /// Each has its own.
    Own {
        /// By ticker.
        own: BTreeMap<String, CalibratedDetector>,
        /// Speaks for those that have none.
        missing: Box<CalibratedDetector>,
    },
}

impl OfTicker {
    /// The one that speaks for `ticker`.
    pub fn of(&self, ticker: &str) -> &CalibratedDetector {
        match self {
            Self::All(detector) => detector,
            Self::Own { own, missing } => own.get(ticker).unwrap_or(missing),
        }
    }

    /// Its name in the pipeline.
    pub fn name(&self) -> &str {
        match self {
            Self::All(detector) => &detector.detector.name,
            Self::Own { missing, .. } => &missing.detector.name,
        }
    }

    /// Every detector of it.
    pub fn each_mut(&mut self) -> Box<dyn Iterator<Item = &mut CalibratedDetector> + '_> {
        match self {
            Self::All(detector) => Box::new(std::iter::once(detector.as_mut())),
            Self::Own { own, missing } => {
                Box::new(own.values_mut().chain(std::iter::once(missing.as_mut())))
            }
        }
    }
}

impl From<CalibratedDetector> for OfTicker {
    fn from(detector: CalibratedDetector) -> Self {
        Self::All(Box::new(detector))
    }
}
