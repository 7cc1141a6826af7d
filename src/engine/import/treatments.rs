//! What to do with each kind of oddity: the defaults, and what the user says (`--on ohlc=drop`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr;

use super::oddity::{Action, ENTRIES, Entry, OddityKind};
use super::shown;

/// One choice of the user: what to do with one kind of oddity, or with all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Treatment {
    /// None for all kinds.
    slug: Option<&'static str>,
    action: Action,
}

/// What to do with each kind.
#[derive(Clone, Debug, Default)]
pub struct Treatments(BTreeMap<&'static str, Action>);

impl Treatment {
    /// `duplicate=refuse`.
    pub const REFUSE_DUPLICATES: Self = Self::duplicate(Action::Refuse);
    /// `duplicate=first`.
    pub const FIRST_DUPLICATE: Self = Self::duplicate(Action::First);
    /// `duplicate=last`.
    pub const LAST_DUPLICATE: Self = Self::duplicate(Action::Last);

    const fn duplicate(action: Action) -> Self {
        Self { slug: Some("duplicate"), action }
    }
}

impl Treatments {
    /// The defaults, changed by each choice in turn: a later one wins.
    pub fn new(choices: &[Treatment]) -> Self {
        let mut chosen = BTreeMap::new();
        for Treatment { slug, action } in choices {
            match slug {
                Some(slug) => drop(chosen.insert(*slug, *action)),
                None => chosen = ENTRIES.iter().map(|entry| (entry.slug, *action)).collect(),
            }
        }
        Self(chosen)
    }

    /// What to do with this kind.
    pub fn of(&self, kind: &OddityKind) -> Action {
        let entry = kind.entry();
        self.0.get(entry.slug).copied().unwrap_or(entry.choices[0].0)
    }

    /// What is done with this kind, in words.
    pub(super) fn outcome(&self, kind: &OddityKind) -> &'static str {
        let action = self.of(kind);
        let told = kind.entry().choices.iter().find(|(choice, _)| *choice == action);
        told.map_or("", |(_, outcome)| *outcome)
    }
}

impl FromStr for Treatment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((slug, action)) = text.split_once('=') else {
            return Err("expected ODDITY=WHAT, such as ohlc=drop".to_owned());
        };
        if slug == "all" {
            return match action {
                "refuse" => Ok(Self { slug: None, action: Action::Refuse }),
                _ => Err("only `all=refuse` can be said of all".to_owned()),
            };
        }
        let Some(entry) = ENTRIES.iter().find(|entry| entry.slug == slug) else {
            return Err(unknown(slug));
        };
        let choice = entry.choices.iter().find(|(choice, _)| choice.to_string() == action);
        match choice {
            Some((action, _)) => Ok(Self { slug: Some(entry.slug), action: *action }),
            None => Err(format!("`{slug}` can be {}", choices(entry))),
        }
    }
}

fn unknown(slug: &str) -> String {
    let nearest = ENTRIES
        .iter()
        .map(|entry| (strsim::osa_distance(slug, entry.slug), entry.slug))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    match nearest {
        Some((_, nearest)) => format!("no oddity `{}`; did you mean `{nearest}`?", shown(slug)),
        None => format!("no oddity `{}`; `oddlot help oddities` lists them", shown(slug)),
    }
}

fn choices(entry: &Entry) -> String {
    let choices: Vec<String> = entry.choices.iter().map(|(action, _)| action.to_string()).collect();
    choices.join(", ")
}

/// Every oddity with what can be done with it, the default first, for `oddlot help oddities`.
pub fn help() -> String {
    let mut text = String::from("Oddities, and what --on can do with each (the default first):\n");
    for entry in &ENTRIES {
        let _ = writeln!(text, "  {:<18} {:<20} {}", entry.slug, choices(entry), entry.what);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn treatments(choices: &[&str]) -> Treatments {
        let parsed: Vec<Treatment> = choices.iter().map(|choice| choice.parse().unwrap()).collect();
        Treatments::new(&parsed)
    }

    #[test]
    fn a_later_choice_wins_and_all_stands_for_every_kind() {
        let strict = treatments(&["ohlc=drop", "all=refuse", "crlf=keep"]);
        assert_eq!(strict.of(&OddityKind::Ohlc), Action::Refuse);
        assert_eq!(strict.of(&OddityKind::CarriageReturn), Action::Keep);
        assert_eq!(treatments(&[]).of(&OddityKind::Ohlc), Action::Keep);
        assert_eq!(treatments(&[]).of(&OddityKind::ConflictingDuplicate), Action::Refuse);
    }

    #[test]
    fn a_choice_that_is_none_tells_what_there_is() {
        let told = |text: &str| text.parse::<Treatment>().unwrap_err();
        assert_eq!(told("ohcl=drop"), "no oddity `ohcl`; did you mean `ohlc`?");
        assert_eq!(told("duplicate=drop"), "`duplicate` can be refuse, first, last");
        assert_eq!(told("all=keep"), "only `all=refuse` can be said of all");
        assert_eq!(told("ohlc"), "expected ODDITY=WHAT, such as ohlc=drop");
    }
}
