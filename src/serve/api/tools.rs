//! The tools of a request, and which of them may or must be called.

use serde_json::{Value, json};

use super::ApiError;
use super::field::Fields;
use crate::wire::ToolSpec;

/// The longest name of a tool, as OpenAI has it.
const LONGEST_NAME: usize = 64;

/// The tools that the model is told of, and whether it must call one.
pub(super) fn tools(body: &Fields<'_>) -> Result<(Vec<ToolSpec>, bool), ApiError> {
    let mut specs: Vec<ToolSpec> = Vec::new();
    for (index, value) in body.list("tools")?.unwrap_or_default().iter().enumerate() {
        let at = format!("tools[{index}]");
        let spec = tool(&Fields::of(value, &at)?)?;
        if specs.iter().any(|known| known.name == spec.name) {
            return Err(ApiError::wrong(at, format_args!("is a second tool of the name {}", spec.name)));
        }
        specs.push(spec);
    }
    choose(body, specs)
}

fn tool(fields: &Fields<'_>) -> Result<ToolSpec, ApiError> {
    match fields.needed_text("type")? {
        "function" => {}
        _ => return Err(ApiError::unsupported(fields.place("type"), "must be function")),
    }
    let at = fields.place("function");
    let value = fields.get("function").ok_or_else(|| fields.wrong("function", "is missing"))?;
    let function = Fields::of(value, &at)?;
    let name = function.needed_text("name")?;
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(letter) {
        return Err(function.wrong("name", "must be 1 to 64 letters, digits, _ and -"));
    }
    let parameters = match function.get("parameters") {
        None => json!({ "type": "object", "properties": {} }),
        Some(Value::Object(schema)) => {
            let mut schema = schema.clone();
            schema.entry("type").or_insert("object".into());
            Value::Object(schema)
        }
        Some(_) => return Err(function.wrong("parameters", "must be a JSON schema of an object")),
    };
    let description = function.text("description")?.unwrap_or_default().to_owned();
    Ok(ToolSpec { name: name.to_owned(), description, parameters })
}

/// Applies `tool_choice`. A named tool is the only one that the model is told of.
fn choose(body: &Fields<'_>, mut specs: Vec<ToolSpec>) -> Result<(Vec<ToolSpec>, bool), ApiError> {
    let Some(choice) = body.get("tool_choice") else { return Ok((specs, false)) };
    let at = body.place("tool_choice");
    match choice {
        Value::String(word) => match word.as_str() {
            "auto" => Ok((specs, false)),
            "none" => Ok((Vec::new(), false)),
            "required" if specs.is_empty() => Err(ApiError::wrong(at, "is required, and there are no tools")),
            "required" => Ok((specs, true)),
            _ => Err(ApiError::wrong(at, "must be auto, none, required or one of the tools")),
        },
        Value::Object(_) => {
            let fields = Fields::of(choice, &at)?;
            if fields.needed_text("type")? != "function" {
                return Err(ApiError::unsupported(fields.place("type"), "must be function"));
            }
            let place = fields.place("function");
            let value = fields.get("function").ok_or_else(|| fields.wrong("function", "is missing"))?;
            let named = Fields::of(value, &place)?;
            let name = named.needed_text("name")?;
            specs.retain(|spec| spec.name == name);
            match specs.is_empty() {
                true => Err(named.wrong("name", "is none of the tools")),
                false => Ok((specs, true)),
            }
        }
        _ => Err(ApiError::wrong(at, "must be a string or an object")),
    }
}
