//! Where the pipeline file says what, kept for findings that come up when the source is read.

use oddlot_engine::places::{Places, Written};

use crate::settings::{Document, Settings, value::Placed};

/// The places of every setting that data can prove wrong.
pub(super) fn places(settings: &Settings, document: &Document) -> Places {
    let mut noted = Noted { document, places: Places::default() };
    if let Some(source) = &settings.source {
        noted.note("source.path", Some(&source.path));
        let columns = &source.columns;
        noted.note("source.columns.ticker", columns.ticker.as_ref());
        noted.note("source.columns.ts", columns.ts.as_ref());
        noted.note("source.columns.value", Some(&columns.value));
        for (name, column) in &columns.further {
            noted.note(&format!("source.columns.{name}"), Some(column));
        }
    }
    noted.note("features.sql", settings.features.as_ref().map(|features| &features.sql));
    noted.note("windows.length", settings.windows.as_ref().map(|windows| &windows.length));
    if let Some(split) = &settings.split {
        noted.note("split.train_to", split.train_to.as_ref());
        noted.note("split.validation_to", split.validation_to.as_ref());
        noted.note("split.calibration_to", split.calibration_to.as_ref());
        noted.note("split.train", split.train.as_ref());
        noted.note("split.validation", split.validation.as_ref());
        noted.note("split.train_rows", split.train_rows.as_ref());
        noted.note("split.calibration", split.calibration.as_ref());
    }
    for (name, choice) in settings.checks.iter().flat_map(|checks| &checks.shipped) {
        noted.note(&format!("checks.{name}"), Some(choice));
    }
    for own in settings.checks.iter().flat_map(|checks| &checks.own) {
        let name = format!("checks.{}", own.name);
        noted.at(&name, own.at, format!("[{name}]"));
    }
    noted.note("output.root", settings.output.as_ref().map(|output| &output.root));
    noted.note("output.parts", settings.output.as_ref().map(|output| &output.parts));
    for model in &settings.models {
        let name = format!("models.{}", model.name);
        noted.at(&name, model.at, format!("[{name}]"));
    }
    noted.places
}

struct Noted<'d> {
    document: &'d Document,
    places: Places,
}

impl Noted<'_> {
    fn note<T>(&mut self, key: &str, placed: Option<&Placed<T>>) {
        let Some(Placed { at, written: Some(text), .. }) = placed else { return };
        self.at(key, *at, text.clone());
    }

    fn at(&mut self, key: &str, at: Option<usize>, text: String) {
        let Some(offset) = at else { return };
        self.places.insert(key, Written { place: self.document.place(offset), text });
    }
}
