//! Fewer points that look the same: of each pixel column the first, the lowest, the highest and the last.
//!
//! Source: Jugel et al., VLDB 2014, "M4: A Visualization-Oriented Time Series Data Aggregation".

/// Points in the order of time, `n_columns` columns wide; a missing value ends a line, and so does one that is
/// not finite. Each line has at least one point.
pub(super) fn lines(
    points: impl Iterator<Item = (f64, Option<f64>)>,
    column: impl Fn(f64) -> i64,
) -> Vec<Vec<(f64, f64)>> {
    let mut lines: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    let mut bucket: Vec<(f64, f64)> = Vec::new();
    let mut at = i64::MIN;
    for (x, y) in points {
        let Some(y) = y.filter(|y| y.is_finite()) else {
            flush(&mut bucket, &mut lines);
            if lines.last().is_some_and(|line| !line.is_empty()) {
                lines.push(Vec::new());
            }
            continue;
        };
        if column(x) != at {
            flush(&mut bucket, &mut lines);
            at = column(x);
        }
        bucket.push((x, y));
    }
    flush(&mut bucket, &mut lines);
    lines.retain(|line| !line.is_empty());
    lines
}

fn flush(bucket: &mut Vec<(f64, f64)>, lines: &mut [Vec<(f64, f64)>]) {
    let Some(line) = lines.last_mut() else { return };
    let by_value = |a: &(usize, &(f64, f64)), b: &(usize, &(f64, f64))| a.1.1.total_cmp(&b.1.1);
    let of = |found: Option<(usize, &(f64, f64))>| found.map(|(idx, _)| idx);
    let lowest = of(bucket.iter().enumerate().min_by(by_value));
    let highest = of(bucket.iter().enumerate().max_by(by_value));
    let mut kept: Vec<usize> =
        [Some(0), lowest, highest, bucket.len().checked_sub(1)].into_iter().flatten().collect();
    kept.sort_unstable();
    kept.dedup();
    line.extend(kept.into_iter().filter_map(|idx| bucket.get(idx)));
    bucket.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_column_the_first_lowest_highest_and_last_are_kept() {
        let values = [5.0, 1.0, 7.0, 3.0, 4.0, 2.0];
        let points = values.iter().enumerate().map(|(idx, y)| (idx as f64, Some(*y)));
        let kept = lines(points, |_| 0);
        assert_eq!(kept, [vec![(0.0, 5.0), (1.0, 1.0), (2.0, 7.0), (5.0, 2.0)]]);
    }

    #[test]
    fn what_is_missing_or_not_finite_ends_a_line() {
        let values = [None, Some(1.0), Some(2.0), Some(f64::NAN), None, Some(3.0)];
        let points = values.into_iter().enumerate().map(|(idx, y)| (idx as f64, y));
        assert_eq!(lines(points, |x| x as i64), [vec![(1.0, 1.0), (2.0, 2.0)], vec![(5.0, 3.0)]]);
        assert!(lines([(0.0, None)].into_iter(), |_| 0).is_empty());
    }

    #[test]
    fn few_points_stay_as_they_are() {
        let points: Vec<(f64, f64)> =
            (0..50).map(|x| (f64::from(x), f64::from(x * x % 7))).collect();
        let kept = lines(points.iter().map(|(x, y)| (*x, Some(*y))), |x| x as i64);
        assert_eq!(kept, [points]);
    }
}
