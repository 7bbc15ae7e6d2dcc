//! A conversation without its secrets, for others to read.

use serde_json::Value;

use super::{Session, to_markdown};
use crate::redact::{self, Redactor};

/// The path that is shown, as Markdown.
pub fn redacted_markdown(session: &Session, redactor: &mut Redactor) -> String {
    redactor.redact(&to_markdown(&session.summary.title, &session.path())).into_owned()
}

/// All branches, as JSON with the fields of [`Session`]. Where a text changed, its unsure
/// words are left out: they are counted in bytes of the text as it was.
///
/// # Errors
///
/// The session is no JSON, which none is known to be.
pub fn redacted_json(session: &Session, redactor: &mut Redactor) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(session)?;
    redact::json(&mut value, redactor);
    Ok(value)
}
