//! Each case, by turns in kernels alone and as `oddlot train` and `oddlot run` compute it.

use std::time::Instant;

use oddlot_lstm::fused::{Cost, Pass, SCORE_BLOCK_WINDOWS};
use oddlot_nets::{Engine, Isa, Threads};
use oddlot_series::{FitError, TrainingWindows, Windows};
use rayon::prelude::*;

use super::effort::Effort;
use super::kernel::Kernel;
use super::models::{Name, Series};
use super::stopwatch::Stopwatch;

/// Blocks that each thread scores: enough that none waits long for the last.
const BLOCKS_A_THREAD: usize = 8;

/// Windows of a batch where many networks learn side by side.
const BATCH_OF_MANY: usize = 32;

/// A network that comes with oddlot does not fit its windows.
pub type Broken = Box<dyn std::error::Error + Send + Sync>;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Train {
        batch: usize,
    },
    Score,
    /// Many networks learn side by side, one thread each.
    TrainMany,
}

/// What is measured, and on which threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    name: Name,
    work: Work,
    /// One thread first, then all.
    pub pool_idx: usize,
}

/// Seconds that `windows` took.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub name: Name,
    pub pass: Pass,
    /// Networks side by side.
    pub models: usize,
    /// Of one network: a batch of them, or all that were scored at once.
    pub windows: usize,
    pub cost: Cost,
    pub kernel_s: f64,
    pub through_burn_s: f64,
}

impl Case {
    /// Every case of `names` on each of `n_pools`, and many of A on the last.
    pub fn all(names: &[Name], n_pools: usize) -> Vec<Self> {
        let works = [Work::Train { batch: 32 }, Work::Train { batch: 256 }, Work::Score];
        let mut cases = Vec::new();
        for &name in names {
            for work in works {
                cases.extend((0..n_pools).map(|pool_idx| Self { name, work, pool_idx }));
            }
        }
        let many = Self { name: Name::A, work: Work::TrainMany, pool_idx: n_pools - 1 };
        cases.extend(names.contains(&Name::A).then_some(many));
        cases
    }

    /// Measures it on the current pool, which has `threads`.
    pub fn measure(self, isa: Isa, threads: usize, effort: Effort) -> Result<Measured, Broken> {
        let one_or_all = if threads == 1 { Threads::One } else { Threads::All };
        let bench = Bench { name: self.name, isa, threads: one_or_all, effort };
        match self.work {
            Work::Train { batch } => bench.train(batch),
            Work::Score => bench.score(SCORE_BLOCK_WINDOWS * BLOCKS_A_THREAD * threads),
            Work::TrainMany => bench.train_many(effort.many.next_multiple_of(threads)),
        }
    }
}

/// What the measurements of a case share.
struct Bench {
    name: Name,
    isa: Isa,
    threads: Threads,
    effort: Effort,
}

impl Bench {
    /// An epoch has one batch, so that the training loop tells when it is done; a batch of kernels follows it.
    fn train(&self, batch: usize) -> Result<Measured, Broken> {
        let series = Series::new(self.name, batch);
        let mut kernel = self.kernel()?;
        let mut watches = [Stopwatch::new(), Stopwatch::new()];
        let rounds = self.rounds(&mut || kernel.train(&series, &series.starts));
        let [kernel_watch, burn_watch] = &mut watches;
        let spec = self.name.spec(rounds, batch);
        let data = alone(series.windows()?);
        let model = Engine::Fused(self.isa).model(spec, self.threads)?;
        model.fit(data, &mut |_| {
            burn_watch.lap();
            kernel_watch.around(|| kernel.train(&series, &series.starts));
            burn_watch.start();
        })?;
        Ok(self.measured(&kernel, Pass::Training, batch, watches))
    }

    fn score(&self, windows: usize) -> Result<Measured, Broken> {
        let series = Series::new(self.name, windows);
        let kernel = self.kernel()?;
        let model = Engine::Fused(self.isa).model(self.name.spec(1, 32), self.threads)?;
        let all = series.windows()?;
        let fitted = model.fit(alone(all.slice(0..32)), &mut |_| {})?;
        let mut out = vec![0.0; windows * kernel.program.stack().output().size()];
        let mut watches = [Stopwatch::new(), Stopwatch::new()];
        for _ in 0..self.rounds(&mut || kernel.score(&series, &mut out)) {
            watches[0].around(|| kernel.score(&series, &mut out));
            watches[1].around(|| fitted.expect(all))?;
        }
        Ok(self.measured(&kernel, Pass::Scoring, windows, watches))
    }

    /// One epoch of `models` networks, initial weights included where Burn computes.
    fn train_many(&self, models: usize) -> Result<Measured, Broken> {
        let windows = self.effort.windows_of_many;
        let series = Series::new(self.name, windows);
        let data = alone(series.windows()?);
        let spec = self.name.spec(1, BATCH_OF_MANY);
        let kernel = || Kernel::new(self.name, &spec, self.isa, Threads::One);
        let mut kernels = (0..models).map(|_| kernel()).collect::<Result<Vec<_>, _>>()?;
        let mut watches = [Stopwatch::new(), Stopwatch::new()];
        for _ in 0..self.effort.rounds_of_many {
            watches[0].around(|| {
                kernels.par_iter_mut().with_max_len(1).for_each(|kernel| {
                    for batch in series.starts.chunks(BATCH_OF_MANY) {
                        kernel.train(&series, batch);
                    }
                });
            });
            watches[1].around(|| {
                (0..models).into_par_iter().with_max_len(1).try_for_each(|_| {
                    let model = Engine::Fused(self.isa).model(spec.clone(), Threads::One)?;
                    model.fit(data, &mut |_| {}).map(drop)
                })
            })?;
        }
        let batches = (models * windows / BATCH_OF_MANY) as f64;
        let all = self.measured(&kernels[0], Pass::Training, BATCH_OF_MANY, watches);
        let (kernel_s, through_burn_s) = (all.kernel_s / batches, all.through_burn_s / batches);
        Ok(Measured { models, kernel_s, through_burn_s, ..all })
    }

    fn kernel(&self) -> Result<Kernel, FitError> {
        Kernel::new(self.name, &self.name.spec(1, 1), self.isa, self.threads)
    }

    /// How often `work` fits into half of the time, three times at least.
    fn rounds(&self, work: &mut dyn FnMut()) -> usize {
        work();
        let since = Instant::now();
        work();
        let half = self.effort.case.as_secs_f64() / 2.0;
        ((half / since.elapsed().as_secs_f64()) as usize).clamp(3, 10_000)
    }

    fn measured(
        &self,
        kernel: &Kernel,
        pass: Pass,
        windows: usize,
        [kernel_watch, burn_watch]: [Stopwatch; 2],
    ) -> Measured {
        Measured {
            name: self.name,
            pass,
            models: 1,
            windows,
            cost: Cost::of(kernel.program.stack(), self.isa),
            kernel_s: kernel_watch.seconds(),
            through_burn_s: burn_watch.seconds(),
        }
    }
}

/// Training windows without any to stop on.
fn alone(train: Windows<'_>) -> TrainingWindows<'_> {
    TrainingWindows { train, validation: train.slice(0..0) }
}
