//! What the worker is asked with a rendered conversation.

use super::Ask;
use crate::catalogue::ReadyModel;
use crate::message::{Message, Role};
use crate::prompts::{Prompt, PromptError, PromptSet};
use crate::wire::{ChatMessage, Content, Request, Sampling, ToolSpec};

/// The most tokens of a summary: a longer one saves little.
const MOST_SUMMARY_TOKENS: u32 = 1024;

/// More tokens than a title of six words has.
const MOST_TITLE_TOKENS: u32 = 24;

/// The request for a model, with the most tokens of its answers.
pub(super) fn request(
    messages: Vec<ChatMessage>,
    ask: Ask,
    tools: Vec<ToolSpec>,
    (model, max_tokens): (&ReadyModel, Option<u32>),
    prompts: &PromptSet,
) -> Result<Request, PromptError> {
    let generate = |messages, max_tokens, tools| Request::Generate {
        messages,
        sampling: model.sampling.clone(),
        max_tokens,
        tools,
        must_call: false,
    };
    Ok(match ask {
        Ask::Prefill => Request::Prefill { messages, tools },
        Ask::Generate => generate(messages, max_tokens, tools),
        // With the same tools, though none is to be called: they are a part of the cached prefix.
        Ask::Title => Request::Generate {
            messages: asked_too(messages, prompts.render(Prompt::Title, ())?),
            sampling: Sampling::default(),
            max_tokens: Some(MOST_TITLE_TOKENS),
            tools,
            must_call: false,
        },
        Ask::Compact { keep, pictures } => {
            let about = serde_json::json!({ "keep": keep, "pictures": pictures });
            let question = prompts.render(Prompt::Compact, about)?;
            generate(asked_too(messages, question), Some(MOST_SUMMARY_TOKENS), tools)
        }
    })
}

/// A prompt with a question more behind it. Behind a question that has no answer it is a part of
/// that: templates refuse two turns of the same speaker.
fn asked_too(mut messages: Vec<ChatMessage>, question: String) -> Vec<ChatMessage> {
    match messages.last_mut().filter(|last| last.role == Role::User) {
        Some(last) => last.content.push(Content::Text { text: question }),
        None => messages.push(ChatMessage::text(Role::User, question)),
    }
    messages
}

/// The day on which a conversation began. Not today: a prompt that changes at midnight is
/// evaluated all over again.
pub(super) fn begun(conversation: &[Message]) -> String {
    let first = conversation.iter().map(|message| message.created_ms).find(|&ms| ms > 0);
    let moment = first.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let moment = moment.unwrap_or_else(jiff::Timestamp::now);
    moment.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%A, %-d %B %Y").to_string()
}
