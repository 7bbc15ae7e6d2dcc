//! The pieces of an answer put together: words as they come, calls of tools at the end.

use serde::Deserialize;
use serde_json::Value;

use percept::wire::{StopReason, Usage};

/// What was said so far.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    calls: Vec<Call>,
    finish: Option<String>,
    usage: Usage,
    /// Milliseconds that reading the prompt took, where the server says it.
    pub(crate) prompt_ms: Option<f64>,
    done: bool,
}

/// A word or a part of one, and the logarithm of its probability.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) logprob: f32,
}

/// Why a piece can't be taken.
#[derive(Debug, PartialEq)]
pub(crate) enum Trouble {
    /// It is nothing of the API.
    Strange(String),
    /// The server says what went wrong.
    Error(Value),
}

/// How an answer ended.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    /// With nothing more to come.
    Stop(StopReason),
    /// With a call of a tool.
    Call(String, Value),
    /// The server's filter took the rest.
    Filtered,
    /// It broke off.
    Cut,
    /// It is a call that is none: why.
    BadCall(String),
}

#[derive(Debug, Default)]
struct Call {
    index: Option<u64>,
    id: Option<String>,
    name: String,
    arguments: String,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Counts>,
    timings: Option<Times>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    /// A piece of the answer, or all of it from a server that doesn't stream.
    #[serde(alias = "message")]
    delta: Option<Delta>,
    finish_reason: Option<String>,
    logprobs: Option<Logprobs>,
}

/// What a model thinks (`reasoning_content`) is no part of its answer.
#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<CallDelta>>,
}

#[derive(Deserialize)]
struct CallDelta {
    index: Option<u64>,
    id: Option<String>,
    function: Option<FunctionDelta>,
}

#[derive(Deserialize)]
struct FunctionDelta {
    name: Option<String>,
    arguments: Option<Value>,
}

#[derive(Deserialize)]
struct Logprobs {
    content: Option<Vec<TokenLogprob>>,
}

#[derive(Deserialize)]
struct TokenLogprob {
    token: String,
    logprob: f32,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    prompt_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
}

/// llama-server's.
#[derive(Deserialize)]
struct Times {
    prompt_ms: Option<f64>,
}

impl Answer {
    /// Takes the data of an event and returns the words in it.
    pub(crate) fn take(&mut self, data: &str) -> Result<Vec<Word>, Trouble> {
        if data.trim() == "[DONE]" {
            self.done = true;
            return Ok(Vec::new());
        }
        let chunk: Chunk = serde_json::from_str(data)
            .map_err(|error| Trouble::Strange(format!("answered what is none of the API ({error})")))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(Trouble::Error(error));
        }
        if let Some(counts) = chunk.usage {
            self.count(&counts);
        }
        self.prompt_ms = chunk.timings.and_then(|times| times.prompt_ms).or(self.prompt_ms);
        let Some(choice) = chunk.choices.into_iter().next() else { return Ok(Vec::new()) };
        self.finish = choice.finish_reason.or(self.finish.take());
        let Some(delta) = choice.delta else { return Ok(Vec::new()) };
        delta.tool_calls.into_iter().flatten().for_each(|call| self.called(call));
        let text = delta.content.unwrap_or_default() + &delta.refusal.unwrap_or_default();
        Ok(words(text, choice.logprobs.and_then(|logprobs| logprobs.content).unwrap_or_default()))
    }

    fn count(&mut self, counts: &Counts) {
        let cached = counts.prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens);
        let cached_tokens = cached.unwrap_or(0).min(counts.prompt_tokens);
        self.usage = Usage {
            prompt_tokens: counts.prompt_tokens,
            cached_tokens,
            evaluated_tokens: counts.prompt_tokens - cached_tokens,
            completion_tokens: counts.completion_tokens,
            ..Usage::default()
        };
    }

    /// A call comes in pieces that are told apart by their index, or by their id.
    fn called(&mut self, piece: CallDelta) {
        let same = |call: &Call| match (piece.index, call.index) {
            (Some(index), Some(known)) => index == known,
            _ => piece.id.is_none() || piece.id == call.id,
        };
        let at = match self.calls.iter().position(same) {
            Some(at) => at,
            None => {
                self.calls.push(Call { index: piece.index, id: piece.id, ..Call::default() });
                self.calls.len() - 1
            }
        };
        let (Some(call), Some(function)) = (self.calls.get_mut(at), piece.function) else { return };
        call.name.push_str(&function.name.unwrap_or_default());
        match function.arguments {
            Some(Value::String(text)) => call.arguments.push_str(&text),
            // Some give the object itself.
            Some(Value::Null) | None => {}
            Some(object) => call.arguments.push_str(&object.to_string()),
        }
    }

    /// What it used; tokens of the answer are counted by its pieces where it isn't said.
    pub(crate) fn usage(&self, pieces: u64) -> Usage {
        let said = self.usage.completion_tokens;
        Usage { completion_tokens: if said > 0 { said } else { pieces }, ..self.usage.clone() }
    }

    /// Whether the server said that this is all.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// How it ended. Of several calls the first one is made.
    pub(crate) fn end(mut self) -> End {
        let finish = self.finish.as_deref();
        if finish.is_none() && !self.done {
            return End::Cut;
        }
        match finish {
            Some("length") => return End::Stop(StopReason::MaxTokens),
            Some("content_filter") => return End::Filtered,
            _ if self.calls.is_empty() => return End::Stop(StopReason::Finished),
            _ => {}
        }
        let Call { name, arguments, .. } = self.calls.swap_remove(0);
        let arguments = if arguments.trim().is_empty() { "{}" } else { &arguments };
        match serde_json::from_str::<Value>(arguments) {
            Ok(arguments) if arguments.is_object() && !name.is_empty() => End::Call(name, arguments),
            Ok(_) if name.is_empty() => End::BadCall("without a name".to_owned()),
            Ok(_) => End::BadCall(format!("of {name} with arguments that are no object")),
            Err(error) => End::BadCall(format!("of {name} with arguments that are no JSON ({error})")),
        }
    }
}

/// A text in its tokens where they make it up, else as a whole with the least likely one's.
fn words(text: String, tokens: Vec<TokenLogprob>) -> Vec<Word> {
    if text.is_empty() {
        return Vec::new();
    }
    let known = |logprob: f32| if logprob.is_finite() { logprob.min(0.0) } else { 0.0 };
    let joined: String = tokens.iter().map(|token| token.token.as_str()).collect();
    if joined == text {
        let tokens = tokens.into_iter().filter(|token| !token.token.is_empty());
        return tokens.map(|token| Word { logprob: known(token.logprob), text: token.token }).collect();
    }
    let logprob = tokens.iter().map(|token| known(token.logprob)).fold(0.0, f32::min);
    vec![Word { text, logprob }]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn take(pieces: &[Value]) -> (String, Answer) {
        let mut answer = Answer::default();
        let words = pieces.iter().flat_map(|piece| answer.take(&piece.to_string()).unwrap());
        let text = words.map(|word| word.text).collect();
        (text, answer)
    }

    fn piece(delta: Value) -> Value {
        json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] })
    }

    fn last(reason: &str) -> Value {
        json!({ "choices": [{ "delta": {}, "finish_reason": reason }] })
    }

    #[test]
    fn words_come_with_their_probability_and_thoughts_do_not() {
        let mut answer = Answer::default();
        let logprobs = json!([{ "token": "Per", "logprob": -0.1 }, { "token": "mission", "logprob": -2.5 }]);
        let mut chunk = piece(json!({ "role": "assistant", "content": "Permission" }));
        chunk["choices"][0]["logprobs"] = json!({ "content": logprobs });
        let words = answer.take(&chunk.to_string()).unwrap();
        assert_eq!(words.iter().map(|word| word.logprob).collect::<Vec<_>>(), [-0.1, -2.5]);
        chunk["choices"][0]["delta"]["content"] = "é".into();
        assert_eq!(answer.take(&chunk.to_string()).unwrap(), [Word { text: "é".into(), logprob: -2.5 }]);
        let thought = piece(json!({ "content": null, "reasoning_content": "hm", "reasoning": "hm" }));
        assert!(answer.take(&thought.to_string()).unwrap().is_empty());
    }

    #[test]
    fn a_call_is_put_together_from_its_pieces() {
        let call = |piece: Value| self::piece(json!({ "tool_calls": [piece] }));
        let (text, answer) = take(&[
            piece(json!({ "content": "Let me look." })),
            call(json!({ "index": 0, "id": "a", "function": { "name": "shell", "arguments": "" } })),
            call(json!({ "index": 0, "function": { "arguments": "{\"comm" } })),
            call(json!({ "index": 1, "id": "b", "function": { "name": "zoom", "arguments": "{}" } })),
            call(json!({ "index": 0, "function": { "arguments": "and\":\"ls\"}" } })),
            last("tool_calls"),
        ]);
        assert_eq!(text, "Let me look.");
        assert_eq!(answer.end(), End::Call("shell".into(), json!({ "command": "ls" })));

        // Ollama: whole, and `stop`. Others give an object.
        let whole = json!({ "id": "c", "function": { "name": "list_dir", "arguments": { "path": "." } } });
        let (_, answer) = take(&[call(whole), last("stop")]);
        assert_eq!(answer.end(), End::Call("list_dir".into(), json!({ "path": "." })));
        let bare = json!({ "index": 0, "id": "c", "function": { "name": "shot" } });
        assert_eq!(take(&[call(bare), last("tool_calls")]).1.end(), End::Call("shot".into(), json!({})));

        for (arguments, why) in [("{\"a\":", "no JSON"), ("[1]", "no object")] {
            let bad = json!({ "index": 0, "function": { "name": "x", "arguments": arguments } });
            let End::BadCall(said) = take(&[call(bad), last("tool_calls")]).1.end() else { panic!("{why}") };
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn an_answer_ends_as_the_server_says_and_is_cut_where_it_does_not() {
        let end = |reason| take(&[piece(json!({ "content": "x" })), last(reason)]).1.end();
        assert_eq!(end("stop"), End::Stop(StopReason::Finished));
        assert_eq!(end("length"), End::Stop(StopReason::MaxTokens));
        assert_eq!(end("content_filter"), End::Filtered);
        let (_, mut cut) = take(&[piece(json!({ "content": "x" }))]);
        assert!(!cut.is_done());
        cut.take("[DONE]").unwrap();
        assert_eq!(cut.end(), End::Stop(StopReason::Finished));
        assert_eq!(take(&[piece(json!({ "content": "x" }))]).1.end(), End::Cut);
    }

    #[test]
    fn what_was_used_is_what_the_server_counted_else_what_came() {
        let usage = json!({ "choices": [], "usage": {
            "prompt_tokens": 90, "completion_tokens": 7, "prompt_tokens_details": { "cached_tokens": 64 },
        }});
        let (_, answer) = take(&[usage]);
        let used = answer.usage(3);
        assert_eq!((used.prompt_tokens, used.cached_tokens, used.evaluated_tokens), (90, 64, 26));
        assert_eq!(used.completion_tokens, 7);
        assert_eq!(Answer::default().usage(3).completion_tokens, 3);
    }

    #[test]
    fn what_is_none_of_the_api_is_said() {
        let mut answer = Answer::default();
        assert!(matches!(answer.take("{oops"), Err(Trouble::Strange(_))));
        let error = json!({ "error": { "message": "out of memory" } });
        assert_eq!(answer.take(&error.to_string()), Err(Trouble::Error(error["error"].clone())));
        assert!(answer.take("{}").unwrap().is_empty());
    }
}
