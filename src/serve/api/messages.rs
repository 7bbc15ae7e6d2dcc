//! The messages of a request: what the model gets, with pictures still as bytes.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::ApiError;
use super::field::Fields;
use crate::message::Role;
use crate::wire::{ChatMessage, Content};

/// Padding is left out by some.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What it holds, in order.
    pub parts: Vec<Part>,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// What needs no file.
    Plain(Content),
    /// A picture that came with the request.
    Picture {
        /// The field that it stands in.
        at: String,
        /// Its file.
        bytes: Vec<u8>,
    },
}

impl Turn {
    /// The message as the worker gets it; `keep` puts a picture into a file.
    ///
    /// # Errors
    ///
    /// Those of `keep`.
    pub fn with_files(
        self,
        mut keep: impl FnMut(&str, Vec<u8>) -> Result<Content, ApiError>,
    ) -> Result<ChatMessage, ApiError> {
        let content = self.parts.into_iter().map(|part| match part {
            Part::Plain(content) => Ok(content),
            Part::Picture { at, bytes } => keep(&at, bytes),
        });
        Ok(ChatMessage { role: self.role, content: content.collect::<Result<_, _>>()? })
    }

    /// Where its first picture stands.
    pub fn picture(&self) -> Option<&str> {
        self.parts.iter().find_map(|part| match part {
            Part::Picture { at, .. } => Some(at.as_str()),
            Part::Plain(_) => None,
        })
    }
}

/// Reads `messages`.
pub(super) fn turns(body: &Fields<'_>) -> Result<Vec<Turn>, ApiError> {
    let list = body.list("messages")?.ok_or_else(|| body.wrong("messages", "is missing"))?;
    if list.is_empty() {
        return Err(body.wrong("messages", "is empty; it needs a message of the role user"));
    }
    let mut turns: Vec<Turn> = Vec::with_capacity(list.len());
    for (index, message) in list.iter().enumerate() {
        let at = format!("messages[{index}]");
        let fields = Fields::of(message, &at)?;
        let turn = match fields.needed_text("role")? {
            "system" | "developer" => spoken(Role::System, &fields, false)?,
            "user" => spoken(Role::User, &fields, true)?,
            "assistant" => answer(&fields)?,
            "tool" => result(&fields, &turns)?,
            "function" => {
                let said = "is function, which is not supported; use tools and the role tool";
                return Err(ApiError::unsupported(fields.place("role"), said));
            }
            _ => {
                return Err(
                    fields.wrong("role", "must be one of system, developer, user, assistant and tool")
                );
            }
        };
        // The templates of some models refuse an empty turn, and it says nothing.
        if turn.role == Role::User || !turn.parts.is_empty() {
            turns.push(turn);
        }
    }
    match turns.is_empty() {
        true => Err(body.wrong("messages", "says nothing; it needs a message of the role user")),
        false => Ok(turns),
    }
}

fn spoken(role: Role, fields: &Fields<'_>, pictures: bool) -> Result<Turn, ApiError> {
    match content(fields, pictures)? {
        Some(parts) => Ok(Turn { role, parts }),
        None => Err(fields.wrong("content", "is missing")),
    }
}

/// What is said: text, or a list of parts; an empty text is no part.
fn content(fields: &Fields<'_>, pictures: bool) -> Result<Option<Vec<Part>>, ApiError> {
    let text = |text: &str| Part::Plain(Content::Text { text: text.to_owned() });
    match fields.get("content") {
        None => Ok(None),
        Some(Value::String(all)) if all.is_empty() => Ok(Some(Vec::new())),
        Some(Value::String(all)) => Ok(Some(vec![text(all)])),
        Some(Value::Array(list)) => {
            let mut parts = Vec::with_capacity(list.len());
            for (index, value) in list.iter().enumerate() {
                let at = format!("{}[{index}]", fields.place("content"));
                let part = Fields::of(value, &at)?;
                match part.needed_text("type")? {
                    "text" => {
                        parts.extend(Some(part.needed_text("text")?).filter(|t| !t.is_empty()).map(text))
                    }
                    "refusal" => parts.push(text(part.needed_text("refusal")?)),
                    "image_url" if pictures => parts.push(picture(&part)?),
                    "image_url" => {
                        return Err(ApiError::unsupported(at, "is a picture; only the role user has them"));
                    }
                    other => return Err(foreign(&part, other)),
                }
            }
            Ok(Some(parts))
        }
        Some(_) => Err(fields.wrong("content", "must be a string or a list of parts")),
    }
}

fn foreign(part: &Fields<'_>, kind: &str) -> ApiError {
    match kind {
        "input_audio" | "file" | "video_url" => {
            ApiError::unsupported(part.place("type"), format_args!("is {kind}, which is not supported"))
        }
        _ => part.wrong("type", "must be text or image_url"),
    }
}

fn picture(part: &Fields<'_>) -> Result<Part, ApiError> {
    let at = part.place("image_url");
    let value = part.get("image_url").ok_or_else(|| part.wrong("image_url", "is missing"))?;
    let fields = Fields::of(value, &at)?;
    let url = fields.needed_text("url")?;
    let at = fields.place("url");
    data_url(url).map(|bytes| Part::Picture { at, bytes }).map_err(|why| fields.wrong("url", why))
}

/// What a `data:` URL of a picture holds (RFC 2397).
fn data_url(url: &str) -> Result<Vec<u8>, &'static str> {
    let scheme = url.split(':').next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("data") {
        return Err("must be a data: URL with the picture in it (data:image/png;base64,…): \
                    percept fetches nothing and reads no files for a client");
    }
    let (about, data) = url["data:".len()..].split_once(',').ok_or("is a data: URL without data")?;
    let mut about = about.split(';');
    if !about.next().unwrap_or_default().to_ascii_lowercase().starts_with("image/") {
        return Err("is a data: URL of no picture; its type must be image/…");
    }
    if !about.any(|word| word.trim().eq_ignore_ascii_case("base64")) {
        return Err("is a data: URL that is not in base64");
    }
    BASE64.decode(data.trim()).map_err(|_| "is a data: URL whose base64 is damaged")
}

fn answer(fields: &Fields<'_>) -> Result<Turn, ApiError> {
    if fields.get("function_call").is_some() {
        let said = "is not supported; use tool_calls";
        return Err(ApiError::unsupported(fields.place("function_call"), said));
    }
    let mut parts = content(fields, false)?.unwrap_or_default();
    for (index, value) in fields.list("tool_calls")?.unwrap_or_default().iter().enumerate() {
        let at = format!("{}[{index}]", fields.place("tool_calls"));
        let call = Fields::of(value, &at)?;
        let id = call.needed_text("id")?.to_owned();
        let at = call.place("function");
        let value = call.get("function").ok_or_else(|| call.wrong("function", "is missing"))?;
        let function = Fields::of(value, &at)?;
        let name = function.needed_text("name")?.to_owned();
        // Where nothing is passed, some write nothing.
        let written =
            Some(function.text("arguments")?.unwrap_or_default()).filter(|text| !text.trim().is_empty());
        let arguments: Value = serde_json::from_str(written.unwrap_or("{}"))
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| function.wrong("arguments", "must be a JSON object, as a string"))?;
        parts.push(Part::Plain(Content::ToolCall { call: id, name, arguments }));
    }
    Ok(Turn { role: Role::Assistant, parts })
}

/// A result says which call it answers; the tool's name is that call's.
fn result(fields: &Fields<'_>, before: &[Turn]) -> Result<Turn, ApiError> {
    let call = fields.needed_text("tool_call_id")?;
    let calls = before.iter().rev().flat_map(|turn| &turn.parts);
    let name = calls.into_iter().find_map(|part| match part {
        Part::Plain(Content::ToolCall { call: id, name, .. }) if id == call => Some(name.clone()),
        _ => None,
    });
    let name = name.ok_or_else(|| fields.wrong("tool_call_id", "is of no call in the messages before"))?;
    let said = spoken(Role::Tool, fields, false)?.parts;
    let texts: Vec<String> = said
        .into_iter()
        .filter_map(|part| match part {
            Part::Plain(Content::Text { text }) => Some(text),
            _ => None,
        })
        .collect();
    let result = Content::ToolResult { call: call.to_owned(), name, text: texts.join("\n") };
    Ok(Turn { role: Role::Tool, parts: vec![Part::Plain(result)] })
}
