use super::*;
use crate::number::DAY_US;
use crate::picture::{Picture, Shape};

const SIZE: (f64, f64) = (960.0, 560.0);

/// Row `day` of a gentle wave, not flagged.
fn row(day: i64) -> Row {
    let observed = 100.0 + (day as f64 / 9.0).sin();
    Row {
        ts: day * DAY_US,
        observed: Some(observed),
        expected: Some(100.0),
        lower: Some(97.0),
        upper: Some(103.0),
        score: Some((observed - 100.0).abs()),
        threshold: Some(3.0),
        flag: None,
        return_pct: Some(0.1),
    }
}

fn flagged(day: i64, severity: Severity) -> Row {
    Row { flag: Some(severity), observed: Some(104.0), score: Some(4.0), ..row(day) }
}

fn series(rows: Vec<Row>) -> Series {
    let text = |text: &str| text.to_owned();
    Series {
        ticker: text("SPX"),
        pipeline: text("sp500"),
        model: text("forecaster"),
        unit: text("close"),
        rows,
        events: Vec::new(),
    }
}

/// Marks below the legend of one severity's look, in both panels.
fn marks(picture: &Picture, severity: Severity) -> usize {
    let look = severity.look();
    let is_drawn = |shape: &&Shape| match shape {
        Shape::Mark { mark, ink, at, .. } => (*mark, *ink) == look && at.1 > 90.0,
        _ => false,
    };
    picture.shapes().iter().filter(is_drawn).count()
}

fn texts(picture: &Picture) -> Vec<&str> {
    picture
        .shapes()
        .iter()
        .filter_map(|shape| match shape {
            Shape::Text { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn each_flag_is_a_mark_in_both_panels_and_is_told_there() {
    let mut rows: Vec<Row> = (0..100).map(row).collect();
    for (day, severity) in
        [(10, Severity::Low), (11, Severity::Low), (50, Severity::Medium), (70, Severity::High)]
    {
        rows[day as usize] = flagged(day, severity);
    }
    rows[80] = Row { ts: 80 * DAY_US, flag: Some(Severity::Break), ..Row::default() };
    let picture = picture(&series(rows), SIZE);
    let found = Severity::ALL.map(|severity| marks(&picture, severity));
    assert_eq!(found, [4, 2, 2, 2]);
    let svg = picture.svg().unwrap();
    assert_eq!(svg.matches(r#"class="told""#).count(), 10);
    assert!(
        svg.contains(
            "1970-03-12, observed 104.00, expected 100.00, +0.10 %, score 1.33 × threshold"
        ),
        "{svg}"
    );
    assert!(svg.contains("1970-03-22, break"));
}

#[test]
fn of_ten_thousand_rows_no_flag_is_thinned_away_and_few_points_are_left() {
    let mut rows: Vec<Row> = (0..10_000).map(row).collect();
    for day in (0..10_000).step_by(40) {
        rows[day as usize] = flagged(day, Severity::Medium);
    }
    let picture = picture(&series(rows), SIZE);
    assert_eq!(marks(&picture, Severity::Medium), 2 * 250);
    let points: usize = picture
        .shapes()
        .iter()
        .map(|shape| match shape {
            Shape::Line { points, .. } | Shape::Area { points, .. } => points.len(),
            _ => 0,
        })
        .sum();
    assert!(points < 30_000, "{points}");
    assert!(picture.svg().unwrap().len() < 700_000);
}

/// Points of the lines and areas of a page.
fn points(page: &str) -> usize {
    let lists = page.split(r#" points=""#).skip(1);
    lists.map(|list| list.split('"').next().unwrap().split_whitespace().count()).sum()
}

#[test]
fn a_page_has_every_row_so_that_it_can_be_looked_at_closely_up_to_a_bound() {
    let page = |n: i64| html(&series((0..n).map(row).collect()), SIZE).unwrap();
    // Observed, expected, both bounds, score; the rest are the ticks, the legend and the frame.
    let all = points(&page(12_000));
    assert!((5 * 12_000..5 * 12_000 + 300).contains(&all), "{all}");
    let (least, page) = (r#"least&quot;:432000000,"#, page(100_000));
    assert!(!page.contains(least) && page.len() < 5_000_000, "{}", page.len());
    // Of a few rows there is nothing to be seen more closely.
    assert!(!html(&series((0..9).map(row).collect()), SIZE).unwrap().contains(r#"data-zoom=""#));
}

#[test]
fn hostile_names_are_text_wherever_they_stand() {
    for name in [
        "<script>alert(1)</script>",
        "A&B",
        "\"quoted\" 'too'",
        "😀📈",
        "\u{202e}txet",
        "مرحبا",
        "]]>",
        "a\nb",
    ] {
        let mut series = series((0..30).map(row).collect());
        series.rows[7] = flagged(7, Severity::High);
        (series.ticker, series.model) = (name.into(), name.into());
        (series.unit, series.pipeline) = (name.into(), name.into());
        let picture = picture(&series, SIZE);
        let svg = picture.svg().unwrap();
        let html = html(&series, SIZE).unwrap();
        for text in [&svg, &html] {
            assert!(!text.contains("<script>alert") && !text.contains('\u{202e}'), "{text}");
            assert!(!text.contains("A&B") && !text.contains("]]>"), "{text}");
        }
        assert!(!terminal(&series, (100, 30), Colours::Plain).contains('\u{202e}'));
    }
    let mut series = series(vec![row(0), flagged(1, Severity::High)]);
    series.ticker = "😀 مرحبا <b>".into();
    assert!(small(&series, (200.0, 100.0)).png().is_ok());
}

#[test]
fn nothing_one_row_equal_rows_and_rows_without_values_are_drawn() {
    let empty = Row { ts: 5 * DAY_US, ..Row::default() };
    let constant = (0..20).map(|day| Row { observed: Some(7.0), expected: None, ..row(day) });
    let nan =
        Row { observed: Some(f64::NAN), score: Some(f64::INFINITY), ..flagged(3, Severity::High) };
    for (rows, words) in [
        (Vec::new(), "no rows in this range"),
        (vec![row(3)], "close"),
        (vec![empty.clone(), empty], "no scores in this range"),
        (constant.collect(), "close"),
        (vec![row(1), nan, row(5)], "close"),
    ] {
        let series = series(rows);
        let picture = picture(&series, SIZE);
        assert!(texts(&picture).contains(&words), "{:?}", texts(&picture));
        let svg = picture.svg().unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert!(html(&series, SIZE).is_ok());
        assert!(!terminal(&series, (80, 24), Colours::Plain).is_empty());
        assert!(small(&series, (200.0, 100.0)).png().is_ok());
    }
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let mut rows: Vec<Row> = (0..500).map(row).collect();
    rows[100] = flagged(100, Severity::High);
    let series = series(rows);
    let twice = [0, 1].map(|_| picture(&series, SIZE));
    assert_eq!(twice[0].svg(), twice[1].svg());
    let twice = [0, 1].map(|_| small(&series, (300.0, 200.0)));
    assert_eq!(twice[0].png(), twice[1].png());
    let text = || terminal(&series, (100, 30), Colours::Ansi);
    assert_eq!(text(), text());
}

#[test]
fn prices_that_multiply_are_told_on_a_logarithmic_axis() {
    let rows = (0..3000).map(|day| Row {
        observed: Some(10.0 * (day as f64 / 600.0).exp()),
        expected: None,
        lower: None,
        upper: None,
        ..row(day)
    });
    let picture = picture(&series(rows.collect()), SIZE);
    assert!(texts(&picture).contains(&"close, logarithmic"));
    assert!(texts(&picture).contains(&"1,000"));
}

#[test]
fn an_event_is_shaded_in_both_panels() {
    let mut series = series((0..60).map(row).collect());
    series.events = vec![Event { start: 10 * DAY_US, end: 14 * DAY_US }];
    let picture = picture(&series, SIZE);
    let shaded: Vec<f64> = picture
        .shapes()
        .iter()
        .filter_map(|shape| match shape {
            Shape::Area { points, ink: Ink::Event } if points[0].1 > 90.0 => {
                Some(points[1].0 - points[0].0)
            }
            _ => None,
        })
        .collect();
    // Four of 59 days of about 880 pixels, and half a row more on each side.
    assert_eq!(shaded.len(), 2);
    assert!(shaded.iter().all(|width| (60.0..95.0).contains(width)), "{shaded:?}");
}

#[test]
fn texts_stay_within_the_picture_and_labels_of_an_axis_apart() {
    let mut rows: Vec<Row> = (0..700).map(row).collect();
    rows[300] = flagged(300, Severity::High);
    for size in [(960.0, 560.0), (420.0, 420.0)] {
        let picture = picture(&series(rows.clone()), size);
        let mut axis: Vec<(f64, f64)> = Vec::new();
        for shape in picture.shapes() {
            let Shape::Text { at, text, size: font, anchor, .. } = shape else { continue };
            let width = crate::picture::text_width(text, *font);
            let left = match anchor {
                crate::picture::Anchor::Start => at.0,
                crate::picture::Anchor::Middle => at.0 - width / 2.0,
                crate::picture::Anchor::End => at.0 - width,
            };
            assert!(at.1 > 0.0 && at.1 < size.1, "{text}");
            if at.1 > size.1 - 20.0 {
                axis.push((left, left + width));
            }
        }
        assert!(axis.len() >= 2);
        assert!(axis.windows(2).all(|pair| pair[0].1 < pair[1].0), "{axis:?}");
    }
}

#[test]
fn the_terminal_shows_dots_flags_and_their_list() {
    let mut rows: Vec<Row> = (0..200).map(row).collect();
    for day in [20, 60, 100, 101, 102, 103, 104, 105, 106, 107] {
        rows[day as usize] = flagged(day, Severity::High);
    }
    let text = terminal(&series(rows), (100, 30), Colours::Plain);
    assert!(
        text.starts_with("SPX · close, model forecaster of pipeline sp500: 200 rows, 10 flagged\n"),
        "{text}"
    );
    assert!(text.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)));
    assert!(
        text.contains("1970-04-18      104.00      100.00   +0.10 %             1.33  2 × or more"),
        "{text}"
    );
    assert!(text.ends_with("… and 2 before\n"));
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn severity_has_its_steps_where_the_legend_says() {
    let of = |ratio| Severity::of(Some(ratio));
    assert_eq!([1.0, 1.4999, 1.5, 1.9999, 2.0, 9.0].map(of), {
        use Severity::{High, Low, Medium};
        [Low, Low, Medium, Medium, High, High]
    });
    assert_eq!(Severity::of(None), Severity::Break);
}
