//! `schema`: what a pipeline file may say, for editors.

use oddlot_engine::Error;

use crate::exit::Exit;
use crate::say;
use crate::settings::schema;

/// `oddlot schema`: prints it.
pub fn schema() -> Result<Exit, Error> {
    let text = serde_json::to_string_pretty(&schema::of_pipeline());
    let text = text.map_err(|error| Error::bug(format!("the schema is no JSON: {error}")))?;
    say(&format!("{text}\n"));
    Ok(Exit::Done)
}
