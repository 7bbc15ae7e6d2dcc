//! JSON without its secrets: every text, every name, and what only its name makes a secret.

use serde_json::Value;

use super::Redactor;

/// Replaces what is found in a value. Where a `text` changed, the `unsure` words beside it
/// are left out: they are counted in bytes of the text as it was.
pub fn json(value: &mut Value, redactor: &mut Redactor) {
    match value {
        Value::String(text) => *text = redactor.redact(text).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| json(item, redactor)),
        Value::Object(fields) => {
            let before = fields.get("text").cloned();
            for (name, value) in fields.iter_mut() {
                json(value, redactor);
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
