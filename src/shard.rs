//! `--shard I/N`: of a pipeline's parts, those whose number leaves the rest I when it is divided by N.

use std::fmt;
use std::str::FromStr;

use oddlot_engine::{Error, Kind, Report};

use crate::plan::Plan;

/// A share of the parts; `index < of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// Whether `part` is its own.
    pub fn owns(self, part: u32) -> bool {
        part % self.of == self.index
    }

    /// That it has a part to write.
    ///
    /// # Errors
    /// [`Kind::Usage`]: the pipeline has fewer parts than there are shards.
    pub fn check(self, plan: &Plan) -> Result<(), Error> {
        let parts = plan.output.parts;
        if self.of as usize <= parts {
            return Ok(());
        }
        let named = "output.parts";
        let report = Report::new("there are more shards than parts")
            .at(plan.places.place(named, plan.places.place("output.root", &plan.file)))
            .expected(format!("--shard I/N with N <= {parts}, which is `{named}`"))
            .found(format!("--shard {self}"));
        let hint = match parts {
            1 => format!(
                "set `parts = {}` in [output] of a fresh output; a cell is not shared",
                self.of
            ),
            _ => format!("start {parts} shards, or set `{named}` in a fresh output"),
        };
        Err(Error::new(Kind::Usage, report.hint(hint)))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/');
        let numbers = numbers.and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        let Some((index, of)) = numbers else {
            return Err("expected I/N, such as 0/8 for the first of eight".to_owned());
        };
        if index < of {
            return Ok(Self { index, of });
        }
        Err(match of {
            0 => "expected at least one shard".to_owned(),
            1 => "shards are counted from 0: the only one is 0/1".to_owned(),
            _ => format!("shards are counted from 0: 0/{of} to {}/{of}", of - 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_belongs_to_exactly_one_shard() {
        let shards: Vec<Shard> = (0..3).map(|i| format!("{i}/3").parse().unwrap()).collect();
        for part in 0..11 {
            let owners: Vec<u32> =
                shards.iter().filter(|shard| shard.owns(part)).map(|shard| shard.index).collect();
            assert_eq!(owners, [part % 3]);
        }
    }

    #[test]
    fn shards_are_counted_from_zero_and_what_is_none_is_refused() {
        assert_eq!("7/8".parse(), Ok(Shard { index: 7, of: 8 }));
        assert_eq!("0/1".parse::<Shard>().unwrap().to_string(), "0/1");
        for (text, told) in [
            ("8/8", "0/8 to 7/8"),
            ("1/1", "the only one is 0/1"),
            ("0/0", "at least one"),
            ("3", "expected I/N"),
            ("-1/2", "expected I/N"),
            ("1/", "expected I/N"),
            ("a/b", "expected I/N"),
        ] {
            assert!(text.parse::<Shard>().unwrap_err().contains(told), "{text}");
        }
    }
}
