//! A body of `POST /v1/chat/completions` becomes what is asked of the model.
//!
//! What percept doesn't do is refused by its name, never left out in silence; a field that
//! changes nothing in the answer is ignored.

use serde_json::Value;

use super::field::{Fields, MOST};
use super::messages::{Turn, turns};
use super::{ApiError, tools};
use crate::wire::{Sampling, ToolSpec};

/// The most stop strings, as OpenAI has it.
const MOST_STOPS: usize = 4;

/// Bytes of the longest stop string: each token is compared with all of it.
const LONGEST_STOP: usize = 1024;

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The model's name; `None`: the loaded one.
    pub model: Option<String>,
    /// The answer is wanted as it comes.
    pub stream: bool,
    /// A stream ends with what was used.
    pub stream_usage: bool,
    /// The tokens' probabilities are wanted.
    pub logprobs: bool,
    /// The answer ends before the first of them.
    pub stops: Vec<String>,
    /// The conversation.
    pub turns: Vec<Turn>,
    /// The tools that the model is told of.
    pub tools: Vec<ToolSpec>,
    /// The answer must be a call.
    pub must_call: bool,
    /// The most tokens of the answer.
    pub max_tokens: Option<u32>,
    /// How to choose tokens, where that is said.
    pub wishes: Wishes,
}

/// How tokens are to be chosen, as far as the request says it.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields of `Sampling`")]
pub struct Wishes {
    pub temperature: Option<f32>,
    pub top_k: Option<u32>,
    pub top_p: Option<f32>,
    pub min_p: Option<f32>,
    pub repeat_penalty: Option<f32>,
    pub presence_penalty: Option<f32>,
    pub seed: Option<u32>,
}

impl Wishes {
    /// These over the model's own.
    pub fn over(&self, own: &Sampling) -> Sampling {
        Sampling {
            temperature: self.temperature.unwrap_or(own.temperature),
            top_k: self.top_k.unwrap_or(own.top_k),
            top_p: self.top_p.unwrap_or(own.top_p),
            min_p: self.min_p.unwrap_or(own.min_p),
            repeat_penalty: self.repeat_penalty.unwrap_or(own.repeat_penalty),
            presence_penalty: self.presence_penalty.unwrap_or(own.presence_penalty),
            seed: self.seed.or(own.seed),
        }
    }
}

/// Reads a body.
///
/// # Errors
///
/// The field that is wrong, or that asks for what percept doesn't do.
pub fn asked(body: &Value) -> Result<Asked, ApiError> {
    let fields = Fields::of(body, "")?;
    refuse(&fields)?;
    let (tools, must_call) = tools::tools(&fields)?;
    let stream = fields.flag("stream")?.unwrap_or(false);
    Ok(Asked {
        model: named(&fields)?,
        stream,
        stream_usage: stream_usage(&fields, stream)?,
        logprobs: fields.flag("logprobs")?.unwrap_or(false),
        stops: stops(&fields)?,
        turns: turns(&fields)?,
        tools,
        must_call,
        max_tokens: max_tokens(&fields)?,
        wishes: wishes(&fields)?,
    })
}

/// The model that is named; `None`: the one that is loaded.
pub(super) fn named(fields: &Fields<'_>) -> Result<Option<String>, ApiError> {
    let name = fields.text("model")?.filter(|name| !["", "default", "percept"].contains(name));
    Ok(name.map(str::to_owned))
}

/// What percept doesn't do, unless it is asked for in a way that changes nothing.
fn refuse(fields: &Fields<'_>) -> Result<(), ApiError> {
    let unsupported = |name: &str, said: &str| Err(ApiError::unsupported(fields.place(name), said));
    for name in ["n", "best_of"] {
        if fields.integer(name, 1..=i64::MAX)?.is_some_and(|number| number > 1) {
            return unsupported(name, "must be 1: there is one answer to a request");
        }
    }
    if fields.integer("top_logprobs", 0..=i64::MAX)?.is_some_and(|number| number > 0) {
        return unsupported("top_logprobs", "must be 0: only the chosen tokens' logprobs are known");
    }
    if fields.number("frequency_penalty", -2.0..=2.0)?.is_some_and(|number| number != 0.0) {
        return unsupported("frequency_penalty", "must be 0; use presence_penalty");
    }
    for name in ["functions", "function_call", "audio", "web_search_options"] {
        if fields.get(name).is_some() {
            return unsupported(name, "is not supported");
        }
    }
    match fields.get("logit_bias") {
        None => {}
        Some(Value::Object(none)) if none.is_empty() => {}
        Some(_) => return unsupported("logit_bias", "is not supported"),
    }
    match fields.list("modalities")? {
        None => {}
        Some([Value::String(text)]) if text == "text" => {}
        Some(_) => return unsupported("modalities", "must be [\"text\"]"),
    }
    let Some(format) = fields.get("response_format") else { return Ok(()) };
    match Fields::of(format, "response_format")?.needed_text("type")? {
        "text" => Ok(()),
        _ => unsupported("response_format", "must be of the type text; a tool's arguments can have a schema"),
    }
}

fn stream_usage(fields: &Fields<'_>, stream: bool) -> Result<bool, ApiError> {
    let Some(options) = fields.get("stream_options") else { return Ok(false) };
    let usage = Fields::of(options, "stream_options")?.flag("include_usage")?.unwrap_or(false);
    match stream {
        true => Ok(usage),
        false => Err(fields.wrong("stream_options", "needs `stream` to be true")),
    }
}

fn stops(fields: &Fields<'_>) -> Result<Vec<String>, ApiError> {
    let stops = match fields.get("stop") {
        None => return Ok(Vec::new()),
        Some(Value::String(stop)) => vec![stop.clone()],
        Some(Value::Array(list)) => {
            let texts: Option<Vec<String>> =
                list.iter().map(|stop| stop.as_str().map(str::to_owned)).collect();
            texts.ok_or_else(|| fields.wrong("stop", "must hold strings"))?
        }
        Some(_) => return Err(fields.wrong("stop", "must be a string or a list of strings")),
    };
    match () {
        () if stops.len() > MOST_STOPS => {
            Err(fields.wrong("stop", format_args!("has more than {MOST_STOPS} strings")))
        }
        () if stops.iter().any(String::is_empty) => Err(fields.wrong("stop", "holds an empty string")),
        () if stops.iter().any(|stop| stop.len() > LONGEST_STOP) => {
            Err(fields.wrong("stop", format_args!("holds a string of more than {LONGEST_STOP} bytes")))
        }
        () => Ok(stops),
    }
}

/// -1 is how some say that there is no bound.
fn max_tokens(fields: &Fields<'_>) -> Result<Option<u32>, ApiError> {
    for name in ["max_completion_tokens", "max_tokens"] {
        match fields.integer(name, -1..=MOST)? {
            None => {}
            Some(0) => return Err(fields.wrong(name, "must be 1 or more")),
            Some(tokens) => return Ok(u32::try_from(tokens).ok()),
        }
    }
    Ok(None)
}

fn wishes(fields: &Fields<'_>) -> Result<Wishes, ApiError> {
    let top_k = fields.integer("top_k", -1..=MOST)?;
    let seed = fields.integer("seed", i64::MIN..=i64::MAX)?;
    // vLLM's name and llama-server's.
    let repeat = match fields.number("repeat_penalty", 0.01..=10.0)? {
        None => fields.number("repetition_penalty", 0.01..=10.0)?,
        set => set,
    };
    Ok(Wishes {
        temperature: fields.number("temperature", 0.0..=2.0)?,
        // -1 keeps all, as 0 does.
        top_k: top_k.map(|number| u32::try_from(number).unwrap_or(0)),
        top_p: fields.number("top_p", 0.0..=1.0)?,
        min_p: fields.number("min_p", 0.0..=1.0)?,
        repeat_penalty: repeat,
        presence_penalty: fields.number("presence_penalty", -2.0..=2.0)?,
        seed: seed.map(folded),
    })
}

/// A seed of 64 bits as one of 32; a small one stays what it is.
fn folded(seed: i64) -> u32 {
    let bits = seed.cast_unsigned();
    ((bits >> 32) ^ (bits & u64::from(u32::MAX))) as u32
}
