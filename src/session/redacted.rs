//! A conversation without its secrets, for others to read.

use serde_json::Value;

use super::{Session, to_markdown};
use crate::redact::Redactor;

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
    redact(&mut value, redactor);
    Ok(value)
}

fn redact(value: &mut Value, redactor: &mut Redactor) {
    match value {
        Value::String(text) => *text = redactor.redact(text).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, redactor)),
        Value::Object(fields) => {
            let before = fields.get("text").cloned();
            for (name, value) in fields.iter_mut() {
                redact(value, redactor);
                by_name(name, value, redactor);
            }
            if fields.get("text") != before.as_ref() {
                fields.remove("unsure");
            }
            // A name can be one too: `{"bob@example.org": 3}`.
            for name in fields.keys().cloned().collect::<Vec<_>>() {
                let new = redactor.redact(&name).into_owned();
                if new != name
                    && let Some(value) = fields.remove(&name)
                {
                    fields.insert(new, value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What only its name makes a secret: `{"password": "hunter2"}` in the arguments of a call.
fn by_name(name: &str, value: &mut Value, redactor: &mut Redactor) {
    let shown = match value {
        Value::String(text) if !text.contains(['\n', '"', '\\']) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return,
    };
    let pair = redactor.redact(&format!("{name}=\"{shown}\"")).into_owned();
    let inner = pair.strip_prefix(name).and_then(|rest| rest.strip_prefix("=\"")?.strip_suffix('"'));
    if let Some(inner) = inner.filter(|inner| *inner != shown) {
        *value = Value::String(inner.to_owned());
    }
}
