//! The engines as the product uses them: training through the loop, scoring through the fitted model.

use std::hint::black_box;

use oddlot_nets::{Engine, Threads};
use oddlot_series::{Model, TrainingWindows};

use super::models::Series;
use super::relay::Relay;
use super::request::{Op, Setting};

pub(crate) fn run(setting: &Setting, engine: Engine, lap: &mut dyn FnMut()) {
    match setting.op {
        Op::Train => train(setting, engine, lap),
        Op::Score => score(setting, engine, lap),
        Op::Bulk => bulk(setting, engine, lap),
    }
}

/// An epoch has one batch, so that the loop tells when it is done.
fn train(setting: &Setting, engine: Engine, lap: &mut dyn FnMut()) {
    let batch = setting.batch.get();
    let spec = setting.model.spec(usize::MAX, batch);
    let model = engine.model(spec, setting.kernel_threads()).expect("layers fit");
    fit(model.as_ref(), &Series::new(setting.model, batch), lap);
}

fn score(setting: &Setting, engine: Engine, lap: &mut dyn FnMut()) {
    let series = Series::new(setting.model, setting.batch.get());
    let windows = series.windows();
    let model = engine.model(setting.model.spec(1, 32), setting.kernel_threads());
    let data = TrainingWindows { train: windows.slice(0..1), validation: windows.slice(0..0) };
    let model = model.expect("layers fit");
    let fitted = model.fit(data, &mut |_| {}).expect("the loss stays finite");
    loop {
        black_box(fitted.expect(windows).expect("windows fit"));
        lap();
    }
}

/// Each model on one thread, as many at a time as threads are asked for. What warms up is a whole epoch.
fn bulk(setting: &Setting, engine: Engine, lap: &mut dyn FnMut()) {
    let batch = setting.batch.get();
    let series = Series::new(setting.model, setting.bulk_batches() * batch);
    let (relay, turns) = Relay::new(setting.models.get(), setting.threads.get());
    std::thread::scope(|scope| {
        for turn in turns {
            let (relay, series) = (&relay, &series);
            let spec = setting.model.spec(usize::MAX, batch);
            scope.spawn(move || {
                let model = engine.model(spec, Threads::One).expect("layers fit");
                turn.wait();
                fit(model.as_ref(), series, &mut || {
                    relay.hand_on();
                    turn.wait();
                });
            });
        }
        loop {
            relay.run();
            lap();
        }
    });
}

/// Trains; `observe` runs after each epoch.
fn fit(model: &dyn Model, series: &Series, observe: &mut dyn FnMut()) {
    let train = series.windows();
    let data = TrainingWindows { train, validation: train.slice(0..0) };
    model.fit(data, &mut |_| observe()).expect("the loss stays finite");
}
