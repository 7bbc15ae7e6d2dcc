//! What the model gets of a conversation: the messages as the worker wants them, with
//! pictures as files and attached texts wrapped as data.
//!
//! It cuts nothing: a prompt that doesn't fit is the worker's error, with choices for
//! the person.

use std::path::PathBuf;

use crate::attachment::{Attachment, AttachmentId, Medium, Senses};
use crate::catalogue::{ReadyModel, Turns};
use crate::message::{Message, Outcome, Part, Role, Status};
use crate::prompts::{Prompt, PromptError, PromptSet};
use crate::text;
use crate::wire::{ChatMessage, Content};

/// Where the content of attachments is found.
pub trait Blobs {
    /// The file of a blob.
    fn path(&self, id: &AttachmentId) -> PathBuf;
    /// The bytes of a blob, or why they can't be had.
    fn read(&self, id: &AttachmentId) -> Result<Vec<u8>, String>;
}

/// Why a conversation can't be given to the model.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// A prompt file doesn't render.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// An attachment's content is gone from the store or damaged.
    #[error(
        "{name} can't be read from the store ({why}). Take it out of the conversation, or attach it again."
    )]
    Blob {
        /// The attachment.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// Who a conversation is rendered for.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The model.
    pub model: &'a ReadyModel,
    /// What it is given besides text.
    pub senses: Senses,
    /// Whether it may call tools.
    pub tools: bool,
    /// The day on which the conversation began.
    pub begun: &'a str,
}

/// Renders a conversation for a model.
///
/// # Errors
///
/// A prompt doesn't render, or an attachment's content is gone.
pub fn render(
    conversation: &[Message],
    view: &View<'_>,
    prompts: &PromptSet,
    blobs: &dyn Blobs,
) -> Result<Vec<ChatMessage>, WindowError> {
    let mut messages = Vec::with_capacity(conversation.len() + 1);
    let model = view.model;
    if model.system_prompt {
        let about = serde_json::json!({ "begun": view.begun, "tools": view.tools });
        let system = prompts.render(Prompt::System, about)?;
        messages.push(ChatMessage::text(Role::System, system));
    }
    let given = match model.turns {
        Turns::All => conversation.to_vec(),
        Turns::LastPicture => last_picture(conversation).into_iter().collect(),
    };
    for message in &given {
        let content = contents(message, view, prompts, blobs)?;
        // An answer that was stopped before its first word says nothing; the templates of
        // some models refuse an empty turn.
        if !content.is_empty() && message.status != Status::Streaming {
            messages.push(ChatMessage { role: message.role, content });
        }
    }
    Ok(messages)
}

/// The newest question alone, with its attachments or else with the last ones before it;
/// behind an answer, what is certain of the next question: those attachments.
fn last_picture(conversation: &[Message]) -> Option<Message> {
    let users = || conversation.iter().rev().filter(|message| message.role == Role::User);
    let attached = |message: &Message| -> Vec<Part> {
        let here = |part: &&Part| matches!(part, Part::Attachment { removed: false, .. });
        message.parts.iter().filter(here).cloned().collect()
    };
    let mut message = users().next()?.clone();
    let answered = conversation
        .last()
        .is_some_and(|last| last.role == Role::Assistant && last.status != Status::Streaming);
    let mut parts = users().map(attached).find(|parts| !parts.is_empty()).unwrap_or_default();
    if !answered {
        parts.extend(message.parts.iter().filter(|part| matches!(part, Part::Text { .. })).cloned());
    }
    message.parts = parts;
    Some(message)
}

fn contents(
    message: &Message,
    view: &View<'_>,
    prompts: &PromptSet,
    blobs: &dyn Blobs,
) -> Result<Vec<Content>, WindowError> {
    let mut contents = Vec::with_capacity(message.parts.len());
    for part in &message.parts {
        match part {
            Part::Text { text, .. } if text.is_empty() => {}
            Part::Text { text, .. } => contents.push(Content::Text { text: text.clone() }),
            Part::Attachment { removed: true, .. } => {}
            Part::Attachment { attachment, .. } => {
                contents.push(attached(attachment, view, prompts, blobs)?);
                contents.extend(recorded(attachment, view.senses, blobs));
            }
            Part::ToolCall(call) => contents.push(Content::ToolCall {
                call: call.id.clone(),
                name: call.name.clone(),
                arguments: call.arguments.clone(),
            }),
            Part::ToolResult(result) => contents.push(Content::ToolResult {
                call: result.id.clone(),
                name: result.name.clone(),
                text: match (&message.status, result.outcome) {
                    (Status::Interrupted { why }, Outcome::Pending) if result.leave.is_empty() => {
                        format!("[{why}: it had not been allowed, and did not run]")
                    }
                    (Status::Interrupted { why }, Outcome::Pending) => {
                        format!("[{why}: it was running; what it had done stays, its output is lost]")
                    }
                    _ => result.text.clone(),
                },
            }),
        }
    }
    Ok(contents)
}

/// What stands behind the transcript of a recording: its sound, and the pictures of a film,
/// each behind the words that stand for it in the transcript.
fn recorded(attachment: &Attachment, senses: Senses, blobs: &dyn Blobs) -> Vec<Content> {
    let Medium::Recording { frames, sound, .. } = &attachment.medium else { return Vec::new() };
    let sound = sound.iter().filter(|_| senses.ears);
    let sound = sound.map(|hash| Content::Audio { hash: hash.clone(), path: blobs.path(hash) });
    let frames = frames.iter().enumerate().filter(|_| senses.eyes).flat_map(|(index, frame)| {
        let text = format!("(picture {}, at {})", index + 1, text::clock(frame.at_ms));
        let path = blobs.path(&frame.picture);
        [Content::Text { text }, Content::Image { hash: frame.picture.clone(), path }]
    });
    sound.chain(frames).collect()
}

fn attached(
    attachment: &Attachment,
    view: &View<'_>,
    prompts: &PromptSet,
    blobs: &dyn Blobs,
) -> Result<Content, WindowError> {
    let id = attachment.view();
    let body = || match blobs.read(id) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(why) => Err(WindowError::Blob { name: attachment.name.clone(), why }),
    };
    match &attachment.medium {
        Medium::Image { width, height, .. } if !view.senses.eyes => {
            let about = serde_json::json!({
                "name": attachment.name, "width": width, "height": height, "tools": view.tools,
            });
            Ok(Content::Text { text: prompts.render(Prompt::UnseenPicture, about)? })
        }
        Medium::Image { .. } => Ok(Content::Image { hash: id.clone(), path: blobs.path(id) }),
        Medium::Text { lines, note, .. } => {
            let body = body()?;
            let context = serde_json::json!({
                "name": attachment.name,
                "lines": text::thousands(*lines),
                "note": note,
                "fence": text::fence(&body),
                "text": body,
            });
            Ok(Content::Text { text: prompts.render(Prompt::TextAttachment, context)? })
        }
        Medium::Log { .. } => {
            let body = body()?;
            let context = serde_json::json!({
                "name": attachment.name, "fence": text::fence(&body), "text": body, "tools": view.tools,
            });
            Ok(Content::Text { text: prompts.render(Prompt::LogAttachment, context)? })
        }
        Medium::Recording { duration_ms, language, note, frames, .. } => {
            let body = body()?;
            let context = serde_json::json!({
                "name": attachment.name,
                "length": text::clock(*duration_ms),
                "language": language,
                "note": note,
                "pictures": if view.senses.eyes { frames.len() } else { 0 },
                "fence": text::fence(&body),
                "text": body,
            });
            Ok(Content::Text { text: prompts.render(Prompt::RecordingAttachment, context)? })
        }
        Medium::Table { rows, columns, note, .. } => {
            let body = body()?;
            let context = serde_json::json!({
                "name": attachment.name,
                "rows": text::thousands(*rows),
                "columns": columns,
                "note": note,
                "tools": view.tools,
                "fence": text::fence(&body),
                "text": body,
            });
            Ok(Content::Text { text: prompts.render(Prompt::TableAttachment, context)? })
        }
    }
}
