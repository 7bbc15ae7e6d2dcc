//! Captions of pictures by a model with eyes, in a worker of its own: the chat's is never kept
//! waiting by the index.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::WorkerOptions;
use super::kept::{IDLE, Kept};
use crate::attachment::AttachmentId;
use crate::catalogue::ReadyModel;
use crate::message::Role;
use crate::text::printable;
use crate::wire::{ChatMessage, Content, Event, Failure, FailureKind, PROTOCOL_VERSION, Request, Sampling};

/// Tokens of a caption: three long sentences.
const MOST_TOKENS: u32 = 160;

/// A larger file is no picture that a model is shown.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Asks a model what a picture shows. Its worker is started at the first picture, once more after
/// a death, and ended when no picture came for [`IDLE`].
pub struct Captioner {
    name: String,
    question: String,
    kept: Kept,
}

impl Captioner {
    /// Starts nothing yet. `question` is `prompts/caption.md`; `None`: the model sees nothing.
    pub fn new(worker: WorkerOptions, model: &ReadyModel, question: String) -> Option<Self> {
        let mmproj = model.mmproj.clone();
        mmproj.is_some().then(|| {
            let (protocol, options) = (PROTOCOL_VERSION, model.load.clone());
            let load = Request::Load { protocol, model: model.model.clone(), mmproj, options };
            let kept = Kept::new(worker, load, "captioning worker", IDLE);
            Self { name: model.name.clone(), question, kept }
        })
    }

    /// The model's name: by whom a picture was looked at.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a picture shows, in a line.
    ///
    /// # Errors
    ///
    /// A sentence for the person: it can't be read, the model can't be loaded, its worker died,
    /// or it was stopped.
    pub fn caption(&self, path: &Path, stop: &AtomicBool) -> Result<String, String> {
        let picture = picture(path)?;
        let content = vec![picture, Content::Text { text: self.question.clone() }];
        let messages = vec![ChatMessage { role: Role::User, content }];
        let caption = self.kept.use_it(false, stop, |errand, _| {
            let mut caption = String::new();
            // Greedy: the same picture gets the same caption.
            let request = Request::generate(messages.clone(), Sampling::default(), Some(MOST_TOKENS));
            errand.ask(request, stop, |event| {
                if let Event::Token { text, .. } = event {
                    caption.push_str(&text);
                }
            })?;
            match caption.trim().is_empty() {
                true => Err(Failure::new(FailureKind::Internal, "The model said nothing of the picture.")),
                false => Ok(caption),
            }
        });
        let line = |caption: String| printable(&caption.split_whitespace().collect::<Vec<_>>().join(" "));
        caption.map(line).map_err(|failure| failure.in_words())
    }
}

fn picture(path: &Path) -> Result<Content, String> {
    let unreadable = |why: &dyn std::fmt::Display| format!("{} can't be read: {why}.", path.display());
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let bytes = std::fs::metadata(&path).map_err(|error| unreadable(&error))?.len();
    if bytes > MOST_BYTES {
        return Err(unreadable(&format_args!("it has {}", crate::text::size(bytes))));
    }
    let hash = AttachmentId::of(&std::fs::read(&path).map_err(|error| unreadable(&error))?);
    Ok(Content::Image { hash, path })
}
