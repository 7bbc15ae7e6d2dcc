//! What the model gets of a conversation: the messages as the worker wants them, with
//! pictures as files and attached texts wrapped as data.
//!
//! It cuts nothing: a prompt that doesn't fit is the worker's error, with choices for
//! the person. What a summary stands for isn't given, and neither is a summary that a later one
//! covers; both stay in the conversation.

use std::path::PathBuf;

use crate::attachment::{Attachment, AttachmentId, Medium, Senses};
use crate::catalogue::{ReadyModel, Turns};
use crate::message::{Gone, Message, Outcome, Part, Role, Status, Summary};
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
    for one in given(conversation, model.turns) {
        let content = contents(&one, view, prompts, blobs)?;
        // An answer that was stopped before its first word says nothing; the templates of
        // some models refuse an empty turn.
        if !content.is_empty() {
            messages.push(ChatMessage { role: one.role, content });
        }
    }
    Ok(messages)
}

/// A message as the model is given it.
#[derive(Debug, Clone, PartialEq)]
pub struct Given<'a> {
    /// Who speaks.
    pub role: Role,
    /// What it holds: as a rule the parts of one message.
    pub parts: Vec<Placed<'a>>,
}

/// A part, and where in the conversation it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed<'a> {
    /// Its message.
    pub message: &'a Message,
    /// Which of the message's parts, from 0.
    pub number: usize,
    /// It.
    pub part: &'a Part,
}

/// What of a path is given to a model that gets such turns, in its order.
pub fn given(path: &[Message], turns: Turns) -> Vec<Given<'_>> {
    match turns {
        Turns::All => all(path),
        Turns::LastPicture => last_picture(path).into_iter().collect(),
    }
}

/// The summary of a path that counts, and how many messages it covers.
pub fn summary_of(path: &[Message]) -> Option<(&Message, usize)> {
    let message = path.iter().rev().find(|message| message.summary().is_some())?;
    let last = message.summary()?.last;
    // A summary of messages that are not here stands for nothing.
    let covered = path.iter().position(|message| message.id == last)? + 1;
    Some((message, covered))
}

fn all(path: &[Message]) -> Vec<Given<'_>> {
    let (summary, covered) = match summary_of(path) {
        Some((message, covered)) => (Some(message), covered),
        None => (None, 0),
    };
    let mut front = Vec::new();
    if let Some(message) = summary {
        front.extend(parts(message));
        front.extend(
            path[..covered]
                .iter()
                .flat_map(parts)
                .filter(|placed| matches!(placed.part, Part::Attachment { pinned: true, .. })),
        );
    }
    let said = |message: &&Message| message.summary().is_none() && message.status != Status::Streaming;
    let mut rest = path[covered..].iter().filter(said).peekable();
    // A turn of its own in front of a question would be two of the same speaker.
    if !front.is_empty()
        && let Some(question) = rest.next_if(|message| message.role == Role::User)
    {
        front.extend(parts(question));
    }
    let rest = rest.map(|message| Given { role: message.role, parts: parts(message).collect() });
    let front = Given { role: Role::User, parts: front };
    std::iter::once(front).chain(rest).filter(|one| !one.parts.is_empty()).collect()
}

/// The parts of each content of a prompt: a film has one for its transcript, and more for its
/// pictures.
pub fn layout<'a>(given: &[Given<'a>], senses: Senses) -> Vec<Vec<Placed<'a>>> {
    let contents = |placed: &Placed<'a>| match placed.part {
        Part::Attachment { attachment, .. } => attachment.contents(senses),
        _ => 1,
    };
    let of = |one: &Given<'a>| {
        one.parts.iter().flat_map(|placed| std::iter::repeat_n(*placed, contents(placed))).collect()
    };
    given.iter().map(of).collect()
}

/// The parts of a message that say something to the model.
fn parts(message: &Message) -> impl Iterator<Item = Placed<'_>> {
    let says = |placed: &Placed<'_>| match placed.part {
        Part::Text { text, .. } => !text.is_empty(),
        Part::Attachment { removed, .. } => !removed,
        Part::Summary(_) | Part::ToolCall(_) | Part::ToolResult(_) => true,
    };
    let parts = message.parts.iter().enumerate();
    parts.map(move |(number, part)| Placed { message, number, part }).filter(says)
}

/// The newest question alone, with its attachments or else with the last ones before it;
/// behind an answer, what is certain of the next question: those attachments.
fn last_picture(path: &[Message]) -> Option<Given<'_>> {
    let users = || path.iter().rev().filter(|message| message.role == Role::User);
    let attached = |message| -> Vec<Placed<'_>> {
        parts(message).filter(|placed| matches!(placed.part, Part::Attachment { .. })).collect()
    };
    let question = users().next()?;
    let answered =
        path.last().is_some_and(|last| last.role == Role::Assistant && last.status != Status::Streaming);
    let mut given = users().map(attached).find(|parts| !parts.is_empty()).unwrap_or_default();
    if !answered {
        given.extend(parts(question).filter(|placed| matches!(placed.part, Part::Text { .. })));
    }
    (!given.is_empty()).then_some(Given { role: Role::User, parts: given })
}

fn contents(
    given: &Given<'_>,
    view: &View<'_>,
    prompts: &PromptSet,
    blobs: &dyn Blobs,
) -> Result<Vec<Content>, WindowError> {
    let mut contents = Vec::with_capacity(given.parts.len());
    for Placed { message, part, .. } in &given.parts {
        match part {
            Part::Text { text, .. } => contents.push(Content::Text { text: text.clone() }),
            Part::Summary(summary) => {
                let text = summarised(summary, given, prompts)?;
                contents.push(Content::Text { text });
            }
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

/// A summary as data. What it says is gone but is given after all was pinned.
fn summarised(summary: &Summary, given: &Given<'_>, prompts: &PromptSet) -> Result<String, PromptError> {
    let there = |gone: &Gone| {
        given.parts.iter().any(|placed| (placed.message.id, placed.number) == (gone.message, gone.part))
    };
    let gone = summary.gone.iter().filter(|gone| !there(gone));
    let gone = gone.map(|Gone { name, picture, about, .. }| {
        serde_json::json!({ "name": name, "picture": picture, "about": about })
    });
    let text = summary.text.trim();
    let about = serde_json::json!({
        "fence": text::fence(text), "text": text, "gone": gone.collect::<Vec<_>>(),
    });
    prompts.render(Prompt::Summary, about)
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

#[cfg(test)]
mod tests;
