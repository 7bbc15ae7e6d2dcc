//! Parts of an answer become JSON of OpenAI's.

use serde_json::{Value, json};

use super::{End, Piece};
use crate::wire::Usage;

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Ties it to its result.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it is called with: a JSON object, as text.
    pub arguments: String,
}

impl Call {
    fn json(&self) -> Value {
        let Self { id, name, arguments } = self;
        json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
    }
}

/// What all of one answer's JSON has in common.
#[derive(Debug, Clone)]
pub struct Form {
    /// Its id.
    pub id: String,
    /// The model that answers.
    pub model: String,
    /// When it was asked, in seconds since the Unix epoch.
    pub created: u64,
    /// The tokens' probabilities are wanted.
    pub logprobs: bool,
    /// A stream ends with what was used.
    pub stream_usage: bool,
}

impl Form {
    /// The answer in one.
    pub fn whole(&self, pieces: &[Piece], call: Option<&Call>, end: &End) -> Value {
        let pieces = without_end(pieces, end.leaked_bytes);
        let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        let content = if text.is_empty() && call.is_some() { Value::Null } else { text.into() };
        let mut message = json!({ "role": "assistant", "content": content, "refusal": null });
        if let Some(call) = call {
            message["tool_calls"] = json!([call.json()]);
        }
        let choice = json!({
            "index": 0,
            "message": message,
            "logprobs": self.logprobs(&pieces),
            "finish_reason": end.finish,
        });
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [choice],
            "usage": usage(&end.usage),
        })
    }

    /// The first chunk of a stream: who speaks.
    pub fn opening(&self) -> Value {
        self.chunk(&json!({ "role": "assistant", "content": "" }), None, &Value::Null)
    }

    /// A chunk of text.
    pub fn text(&self, pieces: &[Piece]) -> Value {
        let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        self.chunk(&json!({ "content": text }), None, &self.logprobs(pieces))
    }

    /// A chunk with a call.
    pub fn call(&self, call: &Call) -> Value {
        let mut call = call.json();
        call["index"] = 0.into();
        self.chunk(&json!({ "tool_calls": [call] }), None, &Value::Null)
    }

    /// The last chunks: why it ended, and what was used where that is wanted.
    pub fn ending(&self, end: &End) -> Vec<Value> {
        let mut chunks = vec![self.chunk(&json!({}), Some(end.finish), &Value::Null)];
        if self.stream_usage {
            let mut last = self.chunk(&json!({}), None, &Value::Null);
            last["choices"] = json!([]);
            last["usage"] = usage(&end.usage);
            chunks.push(last);
        }
        chunks
    }

    fn chunk(&self, delta: &Value, finish: Option<&str>, logprobs: &Value) -> Value {
        let choice = json!({ "index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish });
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [choice],
        });
        if self.stream_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn logprobs(&self, pieces: &[Piece]) -> Value {
        if !self.logprobs {
            return Value::Null;
        }
        // What OpenAI says of a token that could hardly be less likely; JSON has no infinity.
        let finite = |logprob: f32| if logprob.is_finite() { logprob } else { -9999.0 };
        let token = |piece: &Piece| {
            json!({
                "token": piece.text,
                "logprob": finite(piece.logprob),
                "bytes": piece.text.as_bytes(),
                "top_logprobs": [],
            })
        };
        json!({ "content": pieces.iter().map(token).collect::<Vec<_>>(), "refusal": null })
    }
}

/// The pieces but for their last bytes.
fn without_end(pieces: &[Piece], bytes: usize) -> Vec<Piece> {
    let all: usize = pieces.iter().map(|piece| piece.text.len()).sum();
    let mut left = all.saturating_sub(bytes);
    let cut = pieces.iter().map_while(|piece| {
        let text = &piece.text[..piece.text.floor_char_boundary(left)];
        left -= text.len();
        (!text.is_empty()).then(|| Piece { text: text.to_owned(), logprob: piece.logprob })
    });
    cut.collect()
}

fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": { "cached_tokens": usage.cached_tokens },
    })
}

/// What `GET /v1/models` answers of these models; `context` is that of the loaded one, in tokens.
pub fn models(names: &[String], loaded: &str, context: Option<u32>) -> Vec<Value> {
    let one = |name: &String| {
        let is_loaded = name == loaded;
        let mut model = json!({ "id": name, "object": "model", "created": 0, "owned_by": "percept" });
        model["loaded"] = is_loaded.into();
        if let Some(context) = context.filter(|_| is_loaded) {
            model["max_model_len"] = context.into();
        }
        model
    };
    names.iter().map(one).collect()
}
