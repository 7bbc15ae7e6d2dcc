//! The words for the model: `prompts/*.md`, built in, each of which a file of the same
//! name in the user's `prompts` folder replaces.

use std::path::Path;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

/// A prompt, named after its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// `system.md`: what the model is told about its task. Gets `begun`, a date, and `tools`,
    /// whether it may call any.
    System,
    /// `describe.md`: the question of `percept describe`. Gets nothing.
    Describe,
    /// `text_attachment.md`: wraps an attached text as data. Gets `name`, `lines`,
    /// `note`, `fence` and `text`.
    TextAttachment,
    /// `table_attachment.md`: wraps what is shown of an attached table as data. Gets `name`,
    /// `rows`, `columns`, `note`, `tools`, `fence` and `text`.
    TableAttachment,
    /// Around the digest of a log.
    LogAttachment,
    /// `recording_attachment.md`: stands in front of the transcript of a recording. Gets
    /// `name`, `length`, `language`, `note`, `pictures`, `fence` and `text`.
    RecordingAttachment,
    /// `unseen_picture.md`: stands for a picture where the model has no eyes. Gets `name`,
    /// `width`, `height`, and `tools`.
    UnseenPicture,
    /// `caption.md`: the question for a picture's caption in the index. Gets nothing.
    Caption,
    /// `title.md`: asks for a conversation's title, behind all its messages. Gets nothing.
    Title,
    /// `compact.md`: asks for a summary of the conversation. Gets `keep`, the beginning of the
    /// question that stays, and `pictures`, the names of those that go.
    Compact,
    /// `summary.md`: wraps a summary as data. Gets `fence`, `text` and `gone`, attachments with
    /// `name`, `picture` and `about`.
    Summary,
}

impl Prompt {
    const ALL: [Self; 11] = [
        Self::System,
        Self::Describe,
        Self::TextAttachment,
        Self::TableAttachment,
        Self::LogAttachment,
        Self::RecordingAttachment,
        Self::UnseenPicture,
        Self::Caption,
        Self::Title,
        Self::Compact,
        Self::Summary,
    ];

    fn file(self) -> &'static str {
        match self {
            Self::System => "system.md",
            Self::Describe => "describe.md",
            Self::TextAttachment => "text_attachment.md",
            Self::TableAttachment => "table_attachment.md",
            Self::LogAttachment => "log_attachment.md",
            Self::RecordingAttachment => "recording_attachment.md",
            Self::UnseenPicture => "unseen_picture.md",
            Self::Caption => "caption.md",
            Self::Title => "title.md",
            Self::Compact => "compact.md",
            Self::Summary => "summary.md",
        }
    }

    fn built_in(self) -> &'static str {
        match self {
            Self::System => include_str!("../prompts/system.md"),
            Self::Describe => include_str!("../prompts/describe.md"),
            Self::TextAttachment => include_str!("../prompts/text_attachment.md"),
            Self::TableAttachment => include_str!("../prompts/table_attachment.md"),
            Self::LogAttachment => include_str!("../prompts/log_attachment.md"),
            Self::RecordingAttachment => include_str!("../prompts/recording_attachment.md"),
            Self::UnseenPicture => include_str!("../prompts/unseen_picture.md"),
            Self::Caption => include_str!("../prompts/caption.md"),
            Self::Title => include_str!("../prompts/title.md"),
            Self::Compact => include_str!("../prompts/compact.md"),
            Self::Summary => include_str!("../prompts/summary.md"),
        }
    }
}

/// Why a prompt can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The user's own file can't be read.
    #[error("{file} can't be read: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// It is not a template, or asks for something that it isn't given.
    #[error("the prompt {file} doesn't work: {error:#}")]
    Template {
        /// The file.
        file: String,
        /// What and in which line.
        error: minijinja::Error,
    },
}

/// All prompts, ready to render.
#[derive(Debug)]
pub struct PromptSet {
    templates: Environment<'static>,
}

impl PromptSet {
    /// The built-in prompts, with those replaced that the folder has.
    ///
    /// # Errors
    ///
    /// A file of the folder that can't be read or is no template.
    pub fn load(folder: Option<&Path>) -> Result<Self, PromptError> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for prompt in Prompt::ALL {
            let own = folder.map(|folder| folder.join(prompt.file())).filter(|file| file.exists());
            let (file, text) = match own {
                Some(path) => {
                    let file = path.display().to_string();
                    let text = std::fs::read_to_string(&path)
                        .map_err(|error| PromptError::Unreadable { file: file.clone(), error })?;
                    (file, text)
                }
                None => (prompt.file().to_owned(), prompt.built_in().to_owned()),
            };
            templates
                .add_template_owned(prompt.file(), text)
                .map_err(|error| PromptError::Template { file, error })?;
        }
        Ok(Self { templates })
    }

    /// Fills a prompt in. White space at both ends is cut.
    ///
    /// # Errors
    ///
    /// The prompt asks for something that it isn't given.
    pub fn render(&self, prompt: Prompt, context: impl Serialize) -> Result<String, PromptError> {
        let rendered =
            self.templates.get_template(prompt.file()).and_then(|template| template.render(Serde(&context)));
        rendered
            .map(|text| text.trim().to_owned())
            .map_err(|error| PromptError::Template { file: prompt.file().to_owned(), error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_prompts_render() {
        let prompts = PromptSet::load(None).unwrap();
        let context = serde_json::json!({
            "begun": "Monday, 23 November 2026", "name": "a`.log", "lines": "2",
            "note": "cut", "fence": "```", "text": "one\n{{ two }}",
            "tools": true, "width": 640, "height": 480, "rows": "3,120", "columns": 9,
            "keep": "and why?", "gone": [
                { "name": "a.png", "picture": true, "about": "a red square" },
                { "name": "b.png", "picture": true, "about": null },
                { "name": "c.log", "picture": false, "about": null },
            ],
            "length": "0:11", "language": "en", "pictures": 2,
        });
        let mut listed = context.clone();
        listed["pictures"] = serde_json::json!(["a.png", "b.png"]);
        let context_of = |prompt: Prompt| if prompt == Prompt::Compact { &listed } else { &context };
        let all: Vec<String> =
            Prompt::ALL.iter().map(|prompt| prompts.render(*prompt, context_of(*prompt)).unwrap()).collect();
        insta::assert_snapshot!(all.join("\n----\n"));
    }

    #[test]
    fn a_file_of_the_user_replaces_one_and_its_mistakes_name_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("describe.md"), "Say it in Welsh.").unwrap();
        let prompts = PromptSet::load(Some(folder.path())).unwrap();
        assert_eq!(prompts.render(Prompt::Describe, ()).unwrap(), "Say it in Welsh.");

        std::fs::write(folder.path().join("describe.md"), "{% if %}").unwrap();
        let error = PromptSet::load(Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("describe.md"), "{error}");
    }
}
