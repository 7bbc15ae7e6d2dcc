//! A conversation as the body of a request to `/chat/completions`.
//!
//! What not every server knows is left out when one says so: [`Spared`].

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percept::message::Role;
use percept::wire::{ChatMessage, Content, Failure, FailureKind, Sampling, ToolSpec};
use serde_json::{Map, Value, json};

/// The fields that a request does without, where a server refuses them by their name.
const SPARED: [&str; 11] = [
    "logprobs",
    "stream_options",
    "parallel_tool_calls",
    "max_tokens",
    "presence_penalty",
    "repeat_penalty",
    "top_k",
    "min_p",
    "top_p",
    "temperature",
    "seed",
];

/// The fields that a server refused.
#[derive(Debug, Default)]
pub(crate) struct Spared(BTreeSet<&'static str>);

impl Spared {
    /// Notes what an error is about; whether that is a field that was sent and can be spared.
    pub(crate) fn learn(&mut self, body: &Value, said: &str) -> bool {
        let word =
            |name: &&&str| said.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == **name);
        let sent = |name: &&&str| body.get(**name).is_some();
        SPARED.iter().filter(sent).find(word).is_some_and(|name| self.0.insert(name))
    }
}

/// What is asked.
pub(crate) struct Asked<'a> {
    pub(crate) model: &'a str,
    pub(crate) messages: &'a [ChatMessage],
    pub(crate) tools: &'a [ToolSpec],
    pub(crate) sampling: &'a Sampling,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) must_call: bool,
}

/// The body of a request.
///
/// # Errors
///
/// A picture can't be read, or there is sound, which the API has no common form for.
pub(crate) fn body(asked: &Asked<'_>, spared: &Spared) -> Result<Value, Failure> {
    let mut messages = Vec::with_capacity(asked.messages.len());
    for message in asked.messages {
        put(message, &mut messages)?;
    }
    let mut body = Map::new();
    body.insert("model".to_owned(), asked.model.into());
    body.insert("messages".to_owned(), messages.into());
    body.insert("stream".to_owned(), true.into());
    let mut put = |name: &'static str, value: Value| match spared.0.contains(name) {
        false => drop(body.insert(name.to_owned(), value)),
        // The newer name of the same.
        true if name == "max_tokens" => drop(body.insert("max_completion_tokens".to_owned(), value)),
        true => {}
    };
    put("stream_options", json!({ "include_usage": true }));
    put("logprobs", true.into());
    sampling(asked.sampling, &mut put);
    if let Some(most) = asked.max_tokens {
        put("max_tokens", most.into());
    }
    if !asked.tools.is_empty() {
        put("tools", asked.tools.iter().map(tool).collect());
        put("tool_choice", if asked.must_call { "required" } else { "auto" }.into());
        // The protocol has one call an answer.
        put("parallel_tool_calls", false.into());
    }
    Ok(body.into())
}

/// What is as a server has it by itself is not sent: some know fewer of these.
fn sampling(sampling: &Sampling, put: &mut impl FnMut(&'static str, Value)) {
    let off = Sampling::default();
    // As short as it was written: 0.7, not 0.699999988079071.
    let short = |value: f32| value.to_string().parse::<f64>().unwrap_or(f64::from(value)).into();
    put("temperature", short(sampling.temperature));
    for (name, value, off) in [
        ("top_p", sampling.top_p, off.top_p),
        ("min_p", sampling.min_p, off.min_p),
        ("repeat_penalty", sampling.repeat_penalty, off.repeat_penalty),
        ("presence_penalty", sampling.presence_penalty, off.presence_penalty),
    ] {
        if value != off {
            put(name, short(value));
        }
    }
    if sampling.top_k != off.top_k {
        put("top_k", sampling.top_k.into());
    }
    if let Some(seed) = sampling.seed {
        put("seed", seed.into());
    }
}

fn tool(tool: &ToolSpec) -> Value {
    let ToolSpec { name, description, parameters } = tool;
    json!({
        "type": "function",
        "function": { "name": name, "description": description, "parameters": parameters },
    })
}

/// Puts a message behind the others. Pictures of a tool's become a message of the person's:
/// a result is text alone for most servers.
fn put(message: &ChatMessage, messages: &mut Vec<Value>) -> Result<(), Failure> {
    let (mut parts, mut calls, mut results) = (Vec::new(), Vec::new(), Vec::new());
    for content in &message.content {
        match content {
            Content::Text { text } => parts.push(json!({ "type": "text", "text": text })),
            Content::Image { path, .. } => {
                parts.push(json!({ "type": "image_url", "image_url": { "url": data_url(path)? } }));
            }
            Content::Audio { .. } => {
                let said = "A server with the OpenAI API isn't given sound: only its transcript.";
                return Err(
                    Failure::new(FailureKind::Unsupported, said).hint("Set [speech] send_sound = false.")
                );
            }
            Content::ToolCall { call, name, arguments } => calls.push(json!({
                "id": call,
                "type": "function",
                "function": { "name": name, "arguments": arguments.to_string() },
            })),
            Content::ToolResult { call, text, .. } => {
                results.push(json!({ "role": "tool", "tool_call_id": call, "content": text }));
            }
        }
    }
    let role = if message.role == Role::Tool { Role::User } else { message.role };
    messages.append(&mut results);
    match (parts.is_empty(), calls.is_empty()) {
        (true, true) => {}
        (true, false) => {
            messages.push(json!({ "role": role.as_str(), "content": null, "tool_calls": calls }));
        }
        (false, true) => messages.push(json!({ "role": role.as_str(), "content": joined(parts) })),
        (false, false) => {
            messages.push(json!({ "role": role.as_str(), "content": joined(parts), "tool_calls": calls }))
        }
    }
    Ok(())
}

/// Text alone is sent as text: servers without pictures know no parts.
fn joined(parts: Vec<Value>) -> Value {
    let texts: Option<Vec<&str>> = parts.iter().map(|part| part.get("text")?.as_str()).collect();
    match texts {
        Some(texts) => texts.join("\n\n").into(),
        None => parts.into(),
    }
}

/// A picture within the request.
fn data_url(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::new(FailureKind::Media, format!("{} can't be read: {error}.", path.display()))
            .hint("Take it out of the conversation, or attach it again.")
    })?;
    let kind = match bytes.as_slice() {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xFF, 0xD8, 0xFF, ..] => "jpeg",
        [b'G', b'I', b'F', b'8', ..] => "gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "webp",
        _ => {
            let said = format!("{} is no picture that servers take.", path.display());
            return Err(Failure::new(FailureKind::Media, said).hint("Save it as PNG or JPEG."));
        }
    };
    Ok(format!("data:image/{kind};base64,{}", STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(folder: &Path) -> Vec<ChatMessage> {
        let path = folder.join("shot.png");
        std::fs::write(&path, b"\x89PNG\r\n\x1a\n").unwrap();
        let image =
            || Content::Image { hash: percept::attachment::AttachmentId::of(b"shot"), path: path.clone() };
        let text = |text: &str| Content::Text { text: text.into() };
        let call =
            Content::ToolCall { call: "call-1".into(), name: "zoom".into(), arguments: json!({ "by": 2 }) };
        let result =
            Content::ToolResult { call: "call-1".into(), name: "zoom".into(), text: "a part".into() };
        vec![
            ChatMessage::text(Role::System, "You help."),
            ChatMessage { role: Role::User, content: vec![image(), text("What is it?")] },
            ChatMessage { role: Role::Assistant, content: vec![text("Let me look."), call] },
            ChatMessage { role: Role::Tool, content: vec![result, image()] },
            ChatMessage { role: Role::User, content: vec![text("one"), text("two")] },
        ]
    }

    #[test]
    fn a_conversation_is_these_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let messages = conversation(folder.path());
        let tools = [ToolSpec {
            name: "zoom".into(),
            description: "Looks closer.".into(),
            parameters: json!({ "type": "object", "properties": { "by": { "type": "integer" } } }),
        }];
        let sampling =
            Sampling { temperature: 0.7, top_k: 20, top_p: 0.95, seed: Some(7), ..Sampling::default() };
        let asked = Asked {
            model: "qwen",
            messages: &messages,
            tools: &tools,
            sampling: &sampling,
            max_tokens: Some(100),
            must_call: true,
        };
        let whole = body(&asked, &Spared::default()).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&whole).unwrap());

        let mut spared = Spared::default();
        assert!(spared.learn(&whole, "logprobs is not supported with tools + stream"));
        assert!(spared.learn(&whole, "Unsupported parameter: 'max_tokens'; use 'max_completion_tokens'"));
        let less = body(&asked, &spared).unwrap();
        assert!(less.get("logprobs").is_none() && less.get("max_tokens").is_none());
        assert_eq!(less["max_completion_tokens"], 100);
        assert!(!spared.learn(&less, "logprobs again"), "what isn't sent can't be spared");
        assert!(!spared.learn(&less, "the model doesn't exist"));
    }

    #[test]
    fn what_can_not_be_sent_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let ask = |content: Content| {
            let messages = [ChatMessage { role: Role::User, content: vec![content] }];
            let asked = Asked {
                model: "m",
                messages: &messages,
                tools: &[],
                sampling: &Sampling::default(),
                max_tokens: None,
                must_call: false,
            };
            body(&asked, &Spared::default()).unwrap_err()
        };
        let hash = || percept::attachment::AttachmentId::of(b"x");
        let missing = ask(Content::Image { hash: hash(), path: folder.path().join("gone.png") });
        assert!(missing.message.contains("gone.png"), "{missing}");
        let path = folder.path().join("x.tiff");
        std::fs::write(&path, "II*").unwrap();
        assert_eq!(ask(Content::Image { hash: hash(), path: path.clone() }).kind, FailureKind::Media);
        assert_eq!(ask(Content::Audio { hash: hash(), path }).kind, FailureKind::Unsupported);
    }
}
