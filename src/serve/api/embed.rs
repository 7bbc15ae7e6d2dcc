//! A body of `POST /v1/embeddings` becomes texts, and vectors become JSON.

use serde_json::{Value, json};

use super::ApiError;
use super::ask::named;
use super::field::{Fields, MOST};
use crate::engines::MOST_INPUT_BYTES;
use crate::retrieval::EmbedRole;
use crate::text;
use crate::wire::floats;

/// The most texts of one request, as OpenAI has it.
const MOST_INPUTS: usize = 2048;

/// What vectors are wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// The model's name; `None`: the one that there is.
    pub model: Option<String>,
    /// What they are for: many models were trained to be told.
    pub role: EmbedRole,
    /// The texts.
    pub inputs: Vec<String>,
    /// How many numbers each is to have, where that is said.
    pub dimensions: Option<i64>,
    /// As base64 of little-endian 32-bit floats, not as numbers.
    pub base64: bool,
}

/// Reads a body.
///
/// # Errors
///
/// The field that is wrong, or that asks for what percept doesn't do.
pub fn embedding(body: &Value) -> Result<Embedding, ApiError> {
    let fields = Fields::of(body, "")?;
    let base64 = match fields.text("encoding_format")? {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(fields.wrong("encoding_format", "must be float or base64")),
    };
    let role = match fields.text("input_type")? {
        None | Some("passage" | "document") => EmbedRole::Passage,
        Some("query") => EmbedRole::Query,
        Some(_) => return Err(fields.wrong("input_type", "must be query, passage or document")),
    };
    let dimensions = fields.integer("dimensions", 1..=MOST)?;
    Ok(Embedding { model: named(&fields)?, role, inputs: inputs(&fields)?, dimensions, base64 })
}

fn inputs(fields: &Fields<'_>) -> Result<Vec<String>, ApiError> {
    let inputs = match fields.get("input") {
        None => return Err(fields.wrong("input", "is missing")),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => {
            let texts: Option<Vec<String>> =
                list.iter().map(|text| text.as_str().map(str::to_owned)).collect();
            let tokens =
                || ApiError::unsupported("input", "must hold strings; numbers of tokens are not taken");
            texts.ok_or_else(tokens)?
        }
        Some(_) => return Err(fields.wrong("input", "must be a string or a list of strings")),
    };
    match () {
        () if inputs.is_empty() => Err(fields.wrong("input", "is empty")),
        () if inputs.len() > MOST_INPUTS => {
            Err(fields.wrong("input", format_args!("has more than {MOST_INPUTS} texts")))
        }
        () if inputs.iter().any(|text| text.len() > MOST_INPUT_BYTES) => {
            let most = text::size(MOST_INPUT_BYTES as u64);
            Err(fields.wrong("input", format_args!("holds a text of more than {most}")))
        }
        () if inputs.iter().any(String::is_empty) => Err(fields.wrong("input", "holds an empty text")),
        () => Ok(inputs),
    }
}

/// The answer. What the texts have of tokens isn't known here: the usage is 0.
pub fn vectors(model: &str, vectors: &[Vec<f32>], base64: bool) -> Value {
    let one = |(index, vector): (usize, &Vec<f32>)| {
        let embedding = if base64 { floats::encode(vector).into() } else { json!(vector) };
        json!({ "object": "embedding", "index": index, "embedding": embedding })
    };
    let data: Vec<Value> = vectors.iter().enumerate().map(one).collect();
    let usage = json!({ "prompt_tokens": 0, "total_tokens": 0 });
    json!({ "object": "list", "data": data, "model": model, "usage": usage })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_through_and_what_is_wrong_is_named() {
        let one =
            embedding(&json!({ "input": "a", "model": "default", "encoding_format": "base64" })).unwrap();
        let wanted = Embedding {
            model: None,
            role: EmbedRole::Passage,
            inputs: vec!["a".to_owned()],
            dimensions: None,
            base64: true,
        };
        assert_eq!(one, wanted);
        let query =
            embedding(&json!({ "input": ["a", "b"], "input_type": "query", "dimensions": 3 })).unwrap();
        assert_eq!((query.role, query.inputs.len(), query.dimensions), (EmbedRole::Query, 2, Some(3)));
        for (body, param) in [
            (json!({}), "input"),
            (json!({ "input": [] }), "input"),
            (json!({ "input": "" }), "input"),
            (json!({ "input": [1, 2] }), "input"),
            (json!({ "input": vec!["a"; 2049] }), "input"),
            (json!({ "input": ["a", "b".repeat(MOST_INPUT_BYTES + 1)] }), "input"),
            (json!({ "input": "a", "encoding_format": "int8" }), "encoding_format"),
            (json!({ "input": "a", "input_type": "image" }), "input_type"),
            (json!({ "input": "a", "dimensions": 0 }), "dimensions"),
        ] {
            assert_eq!(embedding(&body).unwrap_err().param.as_deref(), Some(param), "{body}");
        }
    }

    #[test]
    fn vectors_are_numbers_or_their_bytes() {
        let both = [vec![1.0, -0.5], vec![0.0, 1.0]];
        let numbers = vectors("m", &both, false);
        assert_eq!(numbers["data"][1]["index"], 1);
        assert_eq!(numbers["data"][0]["embedding"], json!([1.0, -0.5]));
        assert_eq!(vectors("m", &both, true)["data"][0]["embedding"], "AACAPwAAAL8=");
    }
}
