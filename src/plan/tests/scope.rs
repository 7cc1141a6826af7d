//! `scope` of a model.

use super::*;
use crate::settings::scope::ModelScope;

const EWMA: &str = "[models.ewma.detector.ewma_z]";

fn with(own: &str) -> String {
    format!("[models.ewma]\n{own}\n{EWMA}")
}

#[test]
fn a_model_serves_all_tickers_unless_it_says_otherwise() {
    let pooled = plan(EWMA, &with("scope = \"pooled\""));
    assert_eq!(pooled.models[1].scope, ModelScope::Pooled);
    assert_eq!(pooled.config_hash(), read(BASE).unwrap().config_hash());
    let own = plan(EWMA, &with("scope = \"per_ticker\"\nmin_rows = 100"));
    let ModelScope::PerTicker { min_rows } = own.models[1].scope else { panic!("of its own") };
    assert_eq!(min_rows.get(), 100);
    assert!(own.to_string().contains("one for each ticker of 100 training rows or more"));
    let by_default = plan(EWMA, &with("scope = \"per_ticker\""));
    assert!(by_default.to_string().contains("of 250 training rows or more"));
    assert_ne!(own.config_hash(), pooled.config_hash());
    assert_ne!(own.training_json(&own.models[1]), pooled.training_json(&pooled.models[1]));
    assert_eq!(own.training_json(&own.models[0]), pooled.training_json(&pooled.models[0]));
}

#[test]
fn a_scope_that_nobody_knows() {
    assert_snapshot!(told(EWMA, &with("scope = \"per_tickr\"")), @r#"
    error: `models.ewma.scope` is none of its choices
      --> pipelines/p.toml:21:9
      expected  one of "pooled", "per_ticker"
      found     scope = "per_tickr"
      hint: did you mean "per_ticker"?
    "#);
}

#[test]
fn rows_that_nobody_needs() {
    assert_snapshot!(told(EWMA, &with("min_rows = 100")), @r#"
    error: `models.ewma.min_rows` has no use here
      --> pipelines/p.toml:21:12
      expected  `scope = "per_ticker"` beside it
      found     no `scope`, so "pooled"
      hint: delete `min_rows`, or set `scope = "per_ticker"`
    "#);
}

#[test]
fn a_published_protocol_has_one_network() {
    let text =
        changed("[models.ae.detector", "[models.ae]\nscope = \"per_ticker\"\n[models.ae.detector")
            .replace("[threshold.quantile]\nq = 0.995", "[threshold.fixed]\nvalue = 1")
            + "[as_published]\n";
    assert!(told_of(&text).contains("a published protocol has one network"), "{}", told_of(&text));
}
