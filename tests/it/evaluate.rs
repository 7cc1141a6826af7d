//! `evaluate`: scores against labels.

use serde_json::Value;

use crate::workshop::{Ran, Workshop};

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/sp500/events.csv");

/// The shipped prices with the rules of the shipped pipeline, without its networks.
fn rules() -> Workshop {
    let pipeline = r#"
[source]
path = "DATA/*.parquet"
columns = { ticker = "ticker", ts = "date", value = "close" }
[features]
sql = "builtin:volatility_scaled_return"
[windows]
length = 30
[split]
train_to = "2001-12-31"
validation_to = "2004-12-31"
calibration_to = "2011-12-22"
[models.ewma.detector.ewma_z]
[models.robust.detector.robust_z]
rows = 60
[threshold.quantile]
q = 0.995
[output]
root = "out"
"#;
    Workshop::new(&pipeline.replace("DATA", concat!(env!("CARGO_MANIFEST_DIR"), "/data/sp500")))
}

/// A folder with these scores and labels.
fn files(scores: &str, labels: &str) -> Workshop {
    let workshop = Workshop::new("");
    workshop.write("scores.csv", scores);
    workshop.write("labels.csv", labels);
    workshop
}

fn evaluated(workshop: &Workshop, further: &[&str]) -> Ran {
    let asked = ["evaluate", "--scores", "scores.csv", "--labels", "labels.csv"];
    workshop.oddlot(&[&asked, further].concat())
}

/// A figure of a model, as JSON has it.
fn figure(json: &Value, model: &str, threshold: &str, name: &str) -> Value {
    let models = json["models"].as_array().unwrap();
    let found = models.iter().find(|row| row["model"] == model);
    found.unwrap_or_else(|| panic!("no {model} in {json}"))[threshold][name].clone()
}

fn number(json: &Value, model: &str, threshold: &str, name: &str) -> f64 {
    let found = figure(json, model, threshold, name);
    found.as_f64().unwrap_or_else(|| panic!("{model} {threshold} {name} is {found}"))
}

#[test]
fn events_of_the_sp500_are_found_by_rules_better_than_by_what_needs_no_detector() {
    let workshop = rules();
    workshop.run();
    let asked = ["evaluate", "job.toml", "--labels", EVENTS];
    let table = workshop.oddlot(&asked).ok();
    let json = table.json();
    assert_eq!(json["tickers"], 1);
    assert_eq!(json["rows"], 3553);
    // 39 of the 90 days of the file lie in the test span.
    assert_eq!(json["rows_anomalous"], ANOMALOUS);
    for model in ["ewma", "robust"] {
        let better = |name: &str, rival: &str| {
            let (own, null) =
                (number(&json, model, "any", name), number(&json, rival, "any", name));
            assert!(own > 1.5 * null, "{model} {own}, {rival} {null}");
        };
        for rival in ["[random]", "[constant]", "[flag all]", "[one-liner]"] {
            better("auc_pr", rival);
        }
        let flags = workshop.one(&format!(
            "SELECT count(*) FROM anomalies WHERE model = '{model}' AND split = 'test'"
        ));
        assert_eq!(number(&json, model, "own", "flags").to_string(), flags);
        // Nobody's own threshold beats the one that was chosen on the labels.
        assert!(number(&json, model, "own", "f1") <= number(&json, model, "oracle", "f1"));
    }
    // A random ranking has half of the pairs in the right order, give or take .05 for 39 days and three seeds.
    assert!((number(&json, "[random]", "any", "auc_roc") - 0.5).abs() < 0.1);
    assert_eq!(number(&json, "[constant]", "any", "auc_roc"), 0.5);
    assert_eq!(number(&json, "[flag all]", "own", "event_recall"), 1.0);
    assert_eq!(number(&json, "[constant]", "own", "flags"), 0.0);
    for word in [
        "whatever the threshold",
        "at its own threshold",
        "ORACLE",
        "rows of the test span",
        "[one-liner]",
    ] {
        assert!(table.stdout.contains(word), "{word}: {}", table.stdout);
    }
    assert_eq!(workshop.oddlot(&asked).ok().stdout, table.stdout, "the same figures every time");

    let all = workshop
        .oddlot(&[&asked[..], &["--split", "all", "--format", "json"]].concat())
        .ok()
        .json();
    assert_eq!((&all["rows"], &all["rows_anomalous"]), (&Value::from(19149), &Value::from(90)));
    let hindsight =
        workshop.oddlot(&[&asked[..], &["--score", "hindsight", "--format", "json"]].concat()).ok();
    assert!(
        figure(&hindsight.json(), "ewma", "own", "flags").is_null(),
        "its threshold is for the other score"
    );
}
const ANOMALOUS: usize = 39;

#[test]
fn a_model_that_is_newer_than_some_rows_has_said_nothing_of_them() {
    let workshop = rules();
    let both = std::fs::read_to_string(workshop.path("job.toml")).unwrap();
    workshop.write("job.toml", &both.replace("[models.robust.detector.robust_z]\nrows = 60\n", ""));
    workshop.run();
    workshop.write("job.toml", &both);
    workshop.oddlot(&["run", "job.toml", "--from", "2020-01-01"]).ok();
    let ran = workshop.oddlot(&["evaluate", "job.toml", "--labels", EVENTS]).ok();
    assert_eq!(ran.json()["rows"], 3553);
    // From 2011-12-23 to the end of 2019, which is written from its first row on.
    let n_silent = workshop.one(
        "SELECT count(*) FROM errors WHERE model = 'ewma' AND split = 'test' AND trade_date < DATE '2020-01-01'",
    );
    let told = format!("{n_silent} rows have no score of robust: they count as the lowest");
    assert!(ran.stdout.contains(&told), "{told}: {}", ran.stdout);
}

#[test]
fn a_pipeline_that_has_not_run_has_nothing_to_evaluate() {
    let workshop = rules();
    let ran = workshop.oddlot(&["evaluate", "job.toml", "--labels", EVENTS]);
    assert!([3, 78].contains(&ran.code.unwrap()), "{}", ran.stderr);
    assert!(ran.stderr.contains("error: "), "{}", ran.stderr);
}

#[test]
fn figures_of_a_small_file_are_those_worked_out_by_hand() {
    // Down the scores: 9 anomalous, 8 not, 7 anomalous, 1 not.
    let workshop = files(
        "ticker,ts,score,value\nA,2024-01-01,7,1\nA,2024-01-02,1,1\nA,2024-01-03,9,5\nA,2024-01-04,8,1\n",
        "ticker,ts,label\nA,2024-01-01,1\nA,2024-01-03,1\n",
    );
    let json = evaluated(&workshop, &["--threshold", "7.5", "--window", "0", "--format", "json"])
        .ok()
        .json();
    let of = |threshold: &str, name: &str| number(&json, "score", threshold, name);
    // (1/2)·1 + (1/2)·(2/3); three of four pairs.
    assert!((of("any", "auc_pr") - 5.0 / 6.0).abs() < 1e-12);
    assert_eq!(of("any", "auc_roc"), 0.75);
    // Flags on days 3 and 4: one of two right, one of two events found, at once; one false in four days.
    assert_eq!(
        (of("own", "f1"), of("own", "event_recall"), of("own", "event_precision")),
        (0.5, 0.5, 0.5)
    );
    assert_eq!(of("own", "latency_days"), 0.0);
    assert!((of("own", "false_alarms_per_year") - 365.25 / 4.0).abs() < 1e-9);
    // The oracle takes 7: all found, one false.
    assert_eq!((of("oracle", "f1"), of("oracle", "flags")), (0.8, 3.0));
}

#[test]
fn a_label_dated_to_a_day_means_all_rows_of_the_day() {
    let workshop = files(
        "ticker,ts,score\nA,2024-01-01T10:00:00Z,1\nA,2024-01-01T15:00:00Z,2\nA,2024-01-02T10:00:00Z,0\n",
        "ticker,start,end,name\nA,2024-01-01,2024-01-01,odd day\n",
    );
    let ran = evaluated(&workshop, &["--format", "json"]).ok();
    assert_eq!(
        (&ran.json()["rows_anomalous"], &ran.json()["events"]),
        (&Value::from(2), &Value::from(1))
    );
    // Without values there is no one-liner, and that is said; nor is there a threshold.
    assert!(!ran.stdout.contains("\"[one-liner]\""));
    assert!(
        ran.stdout.contains("there are no values")
            && ran.stdout.contains("no threshold of their own")
    );
    assert!(figure(&ran.json(), "score", "own", "f1").is_null());
}

#[test]
fn rows_without_a_score_and_tickers_without_an_anomaly_are_told() {
    let workshop = files(
        "symbol,row,p\nA,1,5\nA,2,\nA,3,1\nB,1,2\nB,2,9\n",
        "ticker,ts,label\nA,2,1\nB,1,0\n",
    );
    let further = ["--column", "p", "--score-columns", "ticker=symbol,ts=row", "--threshold", "4"];
    let ran = evaluated(&workshop, &further).ok();
    assert!(ran.json()["by_ticker"].is_null(), "the last line of a table has the means");
    let json = evaluated(&workshop, &[&further[..], &["--format", "json"]].concat()).ok().json();
    assert_eq!(
        (&json["tickers"], &json["tickers_without_anomaly"]),
        (&Value::from(2), &Value::from(1))
    );
    assert!(
        ran.stdout.contains("1 rows have no score of p: they count as the lowest"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("1 of 2 tickers have no anomaly there (B)"), "{}", ran.stdout);
    // The only anomaly has no score: every other row of A scores higher. B has no area, which is not 0.
    assert_eq!(number(&json, "p", "any", "auc_roc"), 0.0);
    assert!(json["by_ticker"][1]["models"][0]["any"]["auc_roc"].is_null());
    // Rows have numbers: two false flags of five rows.
    assert_eq!(number(&json, "p", "own", "false_alarms_per_1000_rows"), 400.0);
}

#[test]
fn labels_that_cannot_be_used_are_told_with_their_line_and_a_code() {
    let scores = "ticker,ts,score\nA,2024-01-01,1\nA,2024-01-02,2\n";
    for (labels, code, told) in [
        ("ticker,ts,labels\nA,2024-01-01,1\n", 78, "did you mean `--columns label=labels`?"),
        (
            "ticker,ts,label\nA,2024-01-01,3\n",
            3,
            "--> labels.csv:2\n  expected  0 (normal) or 1 (anomalous)\n  found     3",
        ),
        ("ticker,ts,label\nA,1704067200,1\n", 3, "hint: write seconds since 1970 as times"),
        ("ticker,start,end\nA,2024-01-02,2024-01-01\n", 3, "an event ends before it starts"),
        ("ticker,ts,label\nZ,2024-01-01,1\n", 3, "no label meets a row"),
        ("ticker,ts,label\nA,2025-01-01,1\n", 3, "no label meets a row"),
        ("", 3, "the file has no row"),
        ("ticker,ts,label\n", 3, "the file has no row"),
        (
            "ticker,ts,label\nA,2024-01-01,1,2\n",
            3,
            "--> labels.csv:2\n  expected  3 cells, as the header has\n  found     4 cells\n  hint: write a cell",
        ),
    ] {
        let ran = evaluated(&files(scores, labels), &[]).ends_with(code);
        assert!(ran.stderr.contains(told), "{labels:?}\n{}", ran.stderr);
        assert_eq!(ran.stdout, "", "{labels:?}");
    }
    let workshop = files(scores, "");
    let ran = workshop
        .oddlot(&["evaluate", "--scores", "scores.csv", "--labels", "nowhere.csv"])
        .ends_with(78);
    assert!(ran.stderr.contains("the file cannot be read"), "{}", ran.stderr);
}

#[test]
fn labels_that_miss_are_warned_of_with_an_example() {
    let workshop = files(
        "ticker,ts,score\nA,2024-01-01,1\nA,2024-01-02,2\n",
        "ticker,ts,label\nA,2024-01-02,1\nA,2024-02-02,1\nZ,2024-01-01,1\n",
    );
    let ran = evaluated(&workshop, &[]).ok();
    assert!(
        ran.stderr.contains("warning: 1 labels meet no row\n  --> labels.csv:3"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("warning: 1 labelled tickers have no score"), "{}", ran.stderr);
    assert!(ran.stderr.contains("found     Z"), "{}", ran.stderr);
}

#[test]
fn point_adjustment_is_refused_and_wrong_parts_are_corrected() {
    let workshop = files("ticker,ts,score\nA,1,1\nA,2,2\n", "ticker,ts,label\nA,2,1\n");
    let ran = evaluated(&workshop, &["--point-adjust"]).ends_with(2);
    assert!(ran.stderr.contains("random scores reach F1 of .90"), "{}", ran.stderr);
    let ran = evaluated(&workshop, &["--columns", "lable=x"]).ends_with(2);
    assert!(ran.stderr.contains("did you mean `label`?"), "{}", ran.stderr);
}

#[test]
fn figures_are_written_as_asked() {
    let workshop = files(
        "ticker,ts,score\nA,1,1\nA,2,2\nB,1,1\nB,2,2\n",
        "ticker,ts,label,kind\nA,2,1,stock\nB,2,1,\"bond, long\"\n",
    );
    let csv =
        evaluated(&workshop, &["--format", "csv", "--group-by", "kind", "-o", "figures.csv"]).ok();
    assert!(csv.stdout.starts_with("wrote figures.csv\n"), "{}", csv.stdout);
    let written = std::fs::read_to_string(workshop.path("figures.csv")).unwrap();
    assert!(
        written.starts_with(
            "scope,name,model,is_null,threshold,metric,value\nall,,score,false,any,vus_pr,1\n"
        ),
        "{written}"
    );
    assert!(written.contains("group,\"bond, long\",score,false,any,auc_roc,1\n"), "{written}");
    assert!(written.contains("ticker,A,[random],true,own,"), "{written}");
    assert!(!workshop.path("figures.csv.part").exists());
    let md = evaluated(&workshop, &["--format", "md"]).ok();
    assert!(
        md.stdout.contains("| model | VUS-PR | VUS-ROC | AUC-PR | AUC-ROC |\n|---|---:|"),
        "{}",
        md.stdout
    );
    let missing = evaluated(&workshop, &["-o", "no/such/folder.csv"]).ends_with(73);
    assert!(missing.stderr.contains("the figures cannot be written"), "{}", missing.stderr);
}
