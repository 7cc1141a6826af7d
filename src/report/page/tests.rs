use super::*;
use crate::chart::{Row, Severity};
use crate::number::DAY_US;

fn event(idx: usize) -> EventLine {
    EventLine {
        ticker: format!("T{idx}"),
        from: 15_000 + idx as i32,
        to: 15_001 + idx as i32,
        peak_day: 15_000 + idx as i32,
        split: "test".into(),
        n_points: 2,
        ratio: Some(3.0 - idx as f64 / 200.0),
        return_pct: Some(-2.5),
        models: "forecaster".into(),
    }
}

fn full(n: usize) -> Report {
    let model = |name: &str| ModelResult {
        name: name.into(),
        detector: "lstm_forecaster".into(),
        is_network: true,
        mae: Some((0.7282, "next row")),
        rivals: vec![("zero".into(), 0.7208)],
        threshold: Some(3.339),
        threshold_words: "quantile 0.995".into(),
        stated_rate: Some(0.005),
        realised: Some(Realised { rate: 0.0096, interval: (0.0064, 0.0142) }),
        n_scored: 3553,
        n_flags: 34,
        n_events: 28,
        correlation: Some(0.979),
    };
    let rows = (0..80).map(|day| Row {
        ts: (15_000 + day) * DAY_US,
        observed: Some(100.0 + day as f64),
        score: Some(1.0),
        threshold: Some(0.9),
        flag: (day == 40).then_some(Severity::High),
        ..Row::default()
    });
    let series = Series { ticker: "SPX".into(), rows: rows.collect(), ..Series::default() };
    Report {
        pipeline: "sp500".into(),
        finished_at: Some(1_700_000_000_000_000),
        is_archive: false,
        test_days: Some((15_000, 20_000)),
        n_test_rows: 3553,
        outside_share: Some(0.001),
        models: vec![model("forecaster"), model("autoencoder")],
        verdicts: vec!["forecaster adds nothing".into()],
        losses: vec![LossCurve {
            model: "forecaster".into(),
            train: vec![0.9, 0.8, 0.7],
            validation: vec![0.95, 0.85, f64::NAN],
            best_epoch: 2,
        }],
        scores: vec![Scores {
            model: "forecaster".into(),
            bin: 0.1,
            calibration: vec![(0.0, 900), (0.5, 90), (1.0, 5)],
            test: vec![(0.0, 800), (0.5, 90), (1.1, 9)],
        }],
        events: (0..n.min(300)).map(event).collect(),
        n_events: n as u64,
        charts: vec![TopEvent { peak_day: 15_040, series }; 12],
        drift: vec![Drift {
            model: "forecaster".into(),
            calibration_mean: Some(0.3),
            quarters: (0..60)
                .map(|idx| Quarter { from: 15_000 + 91 * idx, n: 60, n_flags: 1, mean_ratio: 0.3 })
                .collect(),
        }],
        lately: vec![Lately {
            model: "forecaster".into(),
            n_sessions: 120,
            days: (19_800, 19_999),
            n: 4321,
            psi: 0.2671,
            ks: 0.105,
            p_value: 0.0031,
            advice: Some("the errors of forecaster have grown".into()),
        }],
        issues: vec![Issue {
            reason: "gap".into(),
            n_rows: 3,
            n_tickers: 1,
            first: 15_000,
            last: 15_003,
        }],
        statuses: vec![("ok".into(), n as u64), ("failed".into(), 2)],
        troubled: vec![TickerLine {
            ticker: "<b>X&</b>".into(),
            status: "failed".into(),
            reason: "\"why\"".into(),
            n_rows: 7,
        }],
        n_troubled: 2,
        flagged: (0..n.min(100))
            .map(|idx| FlaggedTicker {
                ticker: format!("T{idx}"),
                n_flags: 5,
                n_days: 4,
                last: 16_000,
                ratio: None,
            })
            .collect(),
        n_flagged: n as u64,
        runs: vec![RunLine {
            run_id: "20261123T065107".into(),
            status: "complete".into(),
            ..RunLine::default()
        }],
        n_runs: 1,
        lineage: vec![Lineage {
            model: "forecaster".into(),
            model_id: "abc".into(),
            n_parameters: 9000,
            ..Lineage::default()
        }],
    }
}

#[test]
fn a_page_has_a_heading_for_each_section_and_a_caption_for_each_table() {
    let html = page(&full(40)).unwrap();
    assert_eq!(html.matches("<h1>").count(), 1);
    assert_eq!(html.matches("<h2 ").count(), 10);
    assert_eq!(html.matches("<table").count(), html.matches("<caption>").count());
    assert_eq!(html.matches("<svg").count(), html.matches(r#"role="img""#).count());
    // Each id once.
    let ids: Vec<&str> =
        html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let distinct: std::collections::BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(ids.len(), distinct.len());
}

#[test]
fn a_page_asks_for_nothing_from_elsewhere() {
    // What a chart is clipped to is part of it.
    let html = page(&full(40)).unwrap().replace("url(#", "");
    for what in ["src=", "url(", "@import", "fetch(", "XMLHttp", "<link", "<iframe", "<img"] {
        assert!(!html.contains(what), "{what}");
    }
    let links = html.matches("http").count();
    assert_eq!(links, html.matches("http://www.w3.org/2000/svg").count());
}

#[test]
fn names_and_reasons_are_text() {
    let mut report = full(3);
    report.pipeline = "</script><script>alert(1)</script>".into();
    report.models[0].name = "<img onerror=x>".into();
    let html = page(&report).unwrap();
    assert!(
        !html.contains("<script>alert") && !html.contains("<img") && !html.contains("<b>X"),
        "{html}"
    );
    assert!(html.contains("&lt;b&gt;X&amp;&lt;/b&gt;"));
    assert_eq!(html.matches("</script>").count(), 1);
}

#[test]
fn of_thousands_of_tickers_and_events_the_top_is_shown_and_the_query_for_the_rest() {
    let html = page(&full(5_000)).unwrap();
    assert!(html.len() < 2_000_000, "{}", html.len());
    assert!(html.contains("300 of 5,000 events are shown"));
    assert!(
        html.contains("SELECT * FROM events WHERE pipeline = 'sp500'")
            || html.contains("&#39;sp500&#39;")
    );
    assert!(html.contains("100 of 5,000 tickers with flags are shown"));
}

#[test]
fn numbers_sort_by_their_values() {
    let html = page(&full(3)).unwrap();
    assert!(
        html.contains(r#"<td class="n" data-v="3553">"#) || html.contains(r#"data-v="34">34<"#),
        "{html}"
    );
    assert!(html.contains(r#"data-v="0.0096">0.96 %<"#));
    // What is missing sorts last, and is a dash.
    assert!(html.contains(r#"data-v="">–<"#));
}

#[test]
fn an_empty_report_is_a_page() {
    let html = page(&Report { pipeline: "new".into(), ..Report::default() }).unwrap();
    for words in ["No complete run yet", "No event.", "No scores.", "No model.", "No run."] {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    assert_eq!(page(&full(50)), page(&full(50)));
}

#[test]
fn drift_is_told_with_its_measures_and_what_to_do() {
    let html = page(&full(3)).unwrap();
    let row = [">forecaster<", ">120<", ">4,321<", ">0.267<", ">0.105<", ">0.0031<"];
    let mut rest = html.split_once("Scores of the last sessions").unwrap().1;
    for cell in row {
        rest = rest.split_once(cell).unwrap_or_else(|| panic!("{cell}: {html}")).1;
    }
    assert!(rest.contains("the errors of forecaster have grown."));
}
