//! Which tickers a run scores and writes: those of `--tickers` in the parts of `--shard`, without those that
//! `[universe]` leaves unscored.
//!
//! What is chosen is chosen after windows are cut: models learn from all tickers, features over the cross-section
//! see all of them, and a chosen ticker gets the bits that it gets in a run of all.

use std::collections::BTreeSet;
use std::sync::Arc;

use oddlot_engine::score::Scorer;
use oddlot_engine::tables::cell::part_of;
use oddlot_engine::ticker_rows::TickerRows;
use oddlot_engine::{Error, RecordBatch, Report, SchemaRef};

use crate::diagnostic::visible;
use crate::prices::Prices;
use crate::settings::nearest_in_small;
use crate::shard::Shard;

/// How many unknown names one message tells of.
const TOLD_MAX: usize = 10;

/// Whose rows are scored and written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The tickers of `--tickers`; `None` is all.
    chosen: Option<BTreeSet<String>>,
    /// By the rules of `[universe]`.
    unscored: BTreeSet<String>,
    /// Of `--shard`; `None` is all.
    parts: Option<OwnParts>,
}

/// Some of the parts of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OwnParts {
    own: BTreeSet<u32>,
    of: u32,
}

impl Selection {
    /// Resolves `patterns` (names, where `*` is any letters and `?` is one) against the tickers of the source.
    ///
    /// # Errors
    /// A pattern that no ticker has.
    pub fn of(prices: &Prices, patterns: &[String]) -> Result<Self, Error> {
        let known: Vec<&str> = prices.tickers.iter().map(|row| row.ticker.as_str()).collect();
        let unscored = prices.unscored.clone();
        match choose(&known, patterns) {
            Ok(chosen) => Ok(Self { chosen, unscored, parts: None }),
            Err(unknown) => Err(no_such(&unknown, &known, prices)),
        }
    }

    /// The parts of `shard` only, of `of` that there are.
    pub fn in_shard(self, shard: Option<Shard>, of: u32) -> Self {
        let own = |shard: Shard| (0..of).filter(|part| shard.owns(*part)).collect();
        Self { parts: shard.map(|shard| OwnParts { own: own(shard), of }), ..self }
    }

    /// Those of the other shards, if there are any.
    pub fn others(&self) -> Option<Self> {
        let OwnParts { own, of } = self.parts.as_ref()?;
        let others = (0..*of).filter(|part| !own.contains(part)).collect();
        Some(Self { parts: Some(OwnParts { own: others, of: *of }), ..self.clone() })
    }

    /// Of `n_parts` parts those that have a chosen ticker and are this run's to write.
    pub fn parts(&self, n_parts: u32) -> Vec<u32> {
        let is_own = |part: &u32| self.parts.as_ref().is_none_or(|parts| parts.own.contains(part));
        let has_chosen = |part: &u32| self.any(|name| part_of(name, n_parts) == *part);
        (0..n_parts).filter(is_own).filter(has_chosen).collect()
    }

    /// Whether all tickers are chosen, of whichever parts.
    pub fn is_whole(&self) -> bool {
        self.chosen.is_none()
    }

    /// Whether the rows of `ticker` are this run's to write, or to leave out.
    pub fn has(&self, ticker: &str) -> bool {
        let is_chosen = self.chosen.as_ref().is_none_or(|chosen| chosen.contains(ticker));
        let in_part = |parts: &OwnParts| parts.own.contains(&part_of(ticker, parts.of));
        is_chosen && self.parts.as_ref().is_none_or(in_part)
    }

    /// Whether the rules of `[universe]` leave `ticker` unscored.
    pub fn is_unscored(&self, ticker: &str) -> bool {
        self.unscored.contains(ticker)
    }

    /// Whether `ticker` is scored.
    pub fn scores(&self, ticker: &str) -> bool {
        self.has(ticker) && !self.is_unscored(ticker)
    }

    /// How many of `n` tickers are chosen.
    pub fn count(&self, n: usize) -> usize {
        self.chosen.as_ref().map_or(n, BTreeSet::len)
    }

    /// What fingerprints have to know besides the rows of those that are scored: who is not, where rows of one
    /// ticker may depend on those of another.
    pub fn unscored_in_words(&self) -> String {
        let names = self.unscored.iter().map(|name| format!("{}:{name}", name.len()));
        names.collect::<Vec<_>>().join(",")
    }

    /// The chosen among the names, told apart from any other choice.
    pub fn chosen_in_words(&self, is_member: impl Fn(&str) -> bool) -> String {
        let chosen = self.chosen.iter().flatten().filter(|name| is_member(name));
        chosen.map(|name| format!("{}:{name}", name.len())).collect::<Vec<_>>().join(",")
    }

    /// Whether a chosen ticker is among the names.
    fn any(&self, is_member: impl Fn(&str) -> bool) -> bool {
        self.chosen.as_ref().is_none_or(|chosen| chosen.iter().any(|name| is_member(name)))
    }
}

/// The tickers that patterns mean; those that mean none.
fn choose(known: &[&str], patterns: &[String]) -> Result<Option<BTreeSet<String>>, Vec<String>> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let (mut chosen, mut unknown) = (BTreeSet::new(), Vec::new());
    for pattern in patterns {
        // A ticker may have a star in its name.
        let own = |name: &&&str| ***name == **pattern || matches(pattern, name);
        let mut meant = known.iter().filter(own).peekable();
        let is_known = meant.peek().is_some();
        chosen.extend(meant.map(|name| (*name).to_owned()));
        if !is_known {
            unknown.push(pattern.clone());
        }
    }
    if unknown.is_empty() { Ok(Some(chosen)) } else { Err(unknown) }
}

/// Whether `name` fits `pattern`: greedy, with one place to go back to, so that no pattern takes long.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    n = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

fn no_such(unknown: &[String], known: &[&str], prices: &Prices) -> Error {
    let named: Vec<String> =
        unknown.iter().take(TOLD_MAX).map(|name| visible(name).to_string()).collect();
    let more = match unknown.len().saturating_sub(TOLD_MAX) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let report = Report::new("the source has no such ticker")
        .at(prices.place.as_str())
        .expected(match known {
            [] | [_] => "the ticker of the source".to_owned(),
            _ => format!("some of its {} tickers", known.len()),
        })
        .found(format!("--tickers {}{more}", named.join(",")));
    let meant = unknown.first().and_then(|name| nearest_in_small(name, known));
    Error::data(match meant {
        Some(meant) => report.hint(format!("did you mean `{}`?", visible(meant))),
        None => report.hint("`oddlot plan` without `--tickers` tells what there is"),
    })
}

/// A scorer of the chosen; of the others nothing comes.
#[derive(Debug)]
pub struct OfChosen {
    /// What scores them.
    pub scorer: Arc<dyn Scorer>,
    /// Who they are.
    pub selection: Selection,
}

impl Scorer for OfChosen {
    fn schema(&self) -> SchemaRef {
        self.scorer.schema()
    }

    fn score(&self, rows: &TickerRows) -> Result<RecordBatch, Error> {
        match self.selection.scores(&rows.ticker) {
            true => self.scorer.score(rows),
            false => Ok(RecordBatch::new_empty(self.schema())),
        }
    }

    fn read(&self, read: &mut dyn FnMut()) {
        self.scorer.read(read);
    }

    fn scored(&self, ticker: &str) {
        self.scorer.scored(ticker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(patterns: &[&str]) -> Result<Vec<String>, Vec<String>> {
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        let known = ["AAPL", "B", "BRK.B", "BRK/A", "C*T", "CAT", "ÅÄÖ"];
        choose(&known, &patterns).map(|chosen| chosen.into_iter().flatten().collect())
    }

    #[test]
    fn names_and_patterns_choose_and_what_means_nobody_is_told() {
        assert_eq!(chosen(&[]).unwrap(), [""; 0]);
        assert_eq!(chosen(&["AAPL", "B*"]).unwrap(), ["AAPL", "B", "BRK.B", "BRK/A"]);
        assert_eq!(chosen(&["???"]).unwrap(), ["C*T", "CAT", "ÅÄÖ"]);
        assert_eq!(chosen(&["*.?", "AAPL", "A*L"]).unwrap(), ["AAPL", "BRK.B"]);
        assert_eq!(chosen(&["C*T"]).unwrap(), ["C*T", "CAT"]);
        assert_eq!(chosen(&["AAPL", "X*", "aapl"]).unwrap_err(), ["X*", "aapl"]);
    }

    #[test]
    fn stars_match_any_letters_and_end_soon_on_any_pattern() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("", "", true),
            ("", "A", false),
            ("A*B*C", "AxxBxBxC", true),
            ("A*B*C", "AxxBxBx", false),
            ("**?", "A", true),
            ("?", "Å", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
        let (pattern, name) = ("a*".repeat(40) + "b", "a".repeat(200));
        assert!(!matches(&pattern, &name));
    }

    #[test]
    fn a_ticker_that_the_universe_leaves_unscored_is_chosen_and_not_scored() {
        let unscored = BTreeSet::from(["OLD".to_owned()]);
        let all = Selection { unscored: unscored.clone(), ..Selection::default() };
        assert!(all.is_whole() && all.has("OLD") && !all.scores("OLD") && all.scores("NEW"));
        let chosen = Some(BTreeSet::from(["OLD".to_owned()]));
        let one = Selection { chosen, unscored, parts: None };
        assert!(one.has("OLD") && !one.scores("OLD") && !one.has("NEW") && !one.scores("NEW"));
        assert!(one.any(|name| name == "OLD") && !one.any(|name| name == "NEW"));
    }

    #[test]
    fn shards_part_the_tickers_among_them_and_a_choice_within() {
        let names = ["AAPL", "B", "BRK.B", "CAT", "MSFT", "ZZZ"];
        let shard = |text: &str, of| Selection::default().in_shard(Some(text.parse().unwrap()), of);
        let shards = [shard("0/3", 7), shard("1/3", 7), shard("2/3", 7)];
        assert_eq!(shards[1].parts(7), [1, 4]);
        assert_eq!(shards[1].others().unwrap().parts(7), [0, 2, 3, 5, 6]);
        assert!(shards[0].is_whole() && Selection::default().others().is_none());
        for name in names {
            assert_eq!(shards.iter().filter(|shard| shard.has(name)).count(), 1, "{name}");
            let others = shards[0].others().unwrap();
            assert_ne!(shards[0].scores(name), others.scores(name), "{name}");
        }
        let one = Selection { chosen: Some(BTreeSet::from(["B".to_owned()])), ..shard("0/1", 7) };
        assert_eq!(one.parts(7), [part_of("B", 7)]);
        assert!(one.has("B") && !one.has("CAT"));
    }
}
