//! What each part's years add to the result, as it is kept beside the tables: one object a part.

use std::collections::BTreeMap;
use std::path::Path;

use oddlot_engine::Error;
use oddlot_engine::tables::OutputRoot;
use serde::{Deserialize, Serialize};

use super::tally::YearCounts;

/// The counts of one part, by year.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartCounts {
    years: BTreeMap<i32, Counted>,
}

/// A year that was scored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Counted {
    /// That of its cell of `errors`: counts of other rows, settings or models have another.
    fingerprint: String,
    counts: YearCounts,
}

impl PartCounts {
    /// What is known of `part`; nothing where it cannot be read, for it can be counted again.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn load(root: &OutputRoot, pipeline: &str, part: u32) -> Result<Self, Error> {
        let json = root.get(&path(pipeline, part)).await?;
        Ok(json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default())
    }

    /// Keeps it.
    ///
    /// # Errors
    /// The output cannot be written.
    pub async fn store(
        &self,
        root: &OutputRoot,
        pipeline: &str,
        part: u32,
        staging: &Path,
    ) -> Result<(), Error> {
        let json = serde_json::to_vec(self)
            .map_err(|error| Error::bug(format!("counts cannot be written: {error}")))?;
        root.put(staging, &path(pipeline, part), &json).await
    }

    /// Removes what is known of a part that there is no more.
    ///
    /// # Errors
    /// The output cannot be written.
    pub async fn remove(root: &OutputRoot, pipeline: &str, part: u32) -> Result<(), Error> {
        root.delete(&path(pipeline, part)).await
    }

    /// Forgets years whose rows have gone; whether any was known.
    pub fn forget(&mut self, years: impl Iterator<Item = i32>) -> bool {
        let n_known = self.years.len();
        years.for_each(|year| drop(self.years.remove(&year)));
        self.years.len() < n_known
    }

    /// Whether the rows of `year` that have this fingerprint were counted.
    pub fn has(&self, year: i32, fingerprint: &str) -> bool {
        self.years.get(&year).is_some_and(|counted| counted.fingerprint == fingerprint)
    }

    /// Puts the counts of `first_year` and later in place of what was known of them. `fingerprints` has all
    /// years that were scored, also those without a row of the test span. Single days are kept of the last months before
    /// `last_day`.
    pub fn replace(
        &mut self,
        first_year: i32,
        fingerprints: BTreeMap<i32, String>,
        mut counted: BTreeMap<i32, YearCounts>,
        last_day: i32,
    ) {
        self.years.retain(|year, _| *year < first_year);
        for (year, fingerprint) in fingerprints.into_iter().filter(|(year, _)| *year >= first_year)
        {
            let counts = counted.remove(&year).unwrap_or_default();
            self.years.insert(year, Counted { fingerprint, counts });
        }
        for counted in self.years.values_mut() {
            counted.counts.forget_days(last_day);
        }
    }

    /// The counts, year by year.
    pub fn years(&self) -> impl Iterator<Item = &YearCounts> {
        self.years.values().map(|counted| &counted.counts)
    }
}

fn path(pipeline: &str, part: u32) -> String {
    format!("_state/counts/pipeline={pipeline}/part-{part:05}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year(day: i32) -> YearCounts {
        YearCounts { test_days: Some((day, day)), ..YearCounts::default() }
    }

    fn prints(years: &[i32], context: &str) -> BTreeMap<i32, String> {
        years.iter().map(|year| (*year, format!("{year} {context}"))).collect()
    }

    #[test]
    fn years_from_the_first_that_was_scored_are_replaced_and_earlier_ones_stay() {
        let mut part = PartCounts::default();
        let all = [2019, 2020, 2021];
        part.replace(i32::MIN, prints(&all, "a"), [(2020, year(1)), (2021, year(2))].into(), 0);
        assert!(part.has(2019, "2019 a") && part.has(2021, "2021 a") && !part.has(2021, "2021 b"));
        let counted: Vec<&YearCounts> = part.years().collect();
        assert_eq!(counted, [&YearCounts::default(), &year(1), &year(2)]);
        // 2021 has left the source.
        part.replace(2020, prints(&all[..2], "b"), [(2020, year(7))].into(), 0);
        assert!(part.has(2019, "2019 a") && part.has(2020, "2020 b") && !part.has(2021, "2021 a"));
        assert_eq!(part.years().last(), Some(&year(7)));
    }

    #[test]
    fn it_comes_back_from_json_bit_for_bit() {
        let mut part = PartCounts::default();
        let mut counts = year(3);
        counts.models.entry("m".to_owned()).or_default().held_out.detector.add(0.1 + 0.2);
        part.replace(0, prints(&[2020], ""), [(2020, counts)].into(), 0);
        let json = serde_json::to_vec(&part).unwrap();
        assert_eq!(serde_json::from_slice::<PartCounts>(&json).unwrap(), part);
    }
}
