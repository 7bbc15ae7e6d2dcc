//! What a suite asks: items with answers that can be checked without a model.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What an item tests.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Small text: a word or two, from 8 to 24 pixels high.
    SmallText,
    /// Long lines of text.
    LongLines,
    /// Error dialogs: their title, message and buttons.
    Dialog,
    /// Terminal windows: their title, first and last line, errors.
    Terminal,
    /// Source code.
    Code,
    /// Tables: the cell of a row and a column.
    Table,
    /// Bar charts: which month was highest or lowest, and by how much.
    Chart,
    /// How many there are, from 1 to 12.
    Count,
    /// What is left of, above or inside what.
    Spatial,
    /// Colours and states of what can be clicked.
    State,
    /// Several pictures in a turn: in which one is it?
    SeveralPictures,
    /// What may not be in the picture: then the right answer is to say so.
    Absent,
    /// Captions: facts named and facts invented.
    Caption,
    /// The picture that a text is about, of four.
    TextToPicture,
    /// The text that is about a picture, of four.
    PictureToText,
    /// Speech: word errors, identifiers apart. No clips are drawn: for suites of one's own.
    Speech,
    /// Finding documents: nDCG and recall.
    Retrieval,
    /// Finding pictures by a text that is about one: recall.
    PictureSearch,
    /// The cause of what went wrong in a log.
    LogCause,
    /// Calls of tools: valid, the right tool, the right arguments.
    ToolCall,
    /// The same, with a picture attached that the request isn't about.
    ToolAside,
}

impl Kind {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 21] = [
        Self::SmallText,
        Self::LongLines,
        Self::Dialog,
        Self::Terminal,
        Self::Code,
        Self::Table,
        Self::Chart,
        Self::Count,
        Self::Spatial,
        Self::State,
        Self::SeveralPictures,
        Self::Absent,
        Self::Caption,
        Self::TextToPicture,
        Self::PictureToText,
        Self::Speech,
        Self::Retrieval,
        Self::PictureSearch,
        Self::LogCause,
        Self::ToolCall,
        Self::ToolAside,
    ];

    /// Its name in suites, on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SmallText => "small-text",
            Self::LongLines => "long-lines",
            Self::Dialog => "dialog",
            Self::Terminal => "terminal",
            Self::Code => "code",
            Self::Table => "table",
            Self::Chart => "chart",
            Self::Count => "count",
            Self::Spatial => "spatial",
            Self::State => "state",
            Self::SeveralPictures => "several-pictures",
            Self::Absent => "absent",
            Self::Caption => "caption",
            Self::TextToPicture => "text-to-picture",
            Self::PictureToText => "picture-to-text",
            Self::Speech => "speech",
            Self::Retrieval => "retrieval",
            Self::PictureSearch => "picture-search",
            Self::LogCause => "log-cause",
            Self::ToolCall => "tool-call",
            Self::ToolAside => "tool-aside",
        }
    }

    /// Whether it is answered by searching a folder: no model is asked for words.
    pub const fn is_search(self) -> bool {
        matches!(self, Self::Retrieval | Self::PictureSearch)
    }

    /// Whether an answer of this form has what the kind is measured in beside right and wrong: in
    /// dialogs characters of texts, and not the buttons that are to be named.
    pub(super) const fn measures(self, answer: &Answer) -> bool {
        match self {
            Self::Speech => matches!(answer, Answer::Speech { .. }),
            Self::Caption => matches!(answer, Answer::Facts { .. }),
            Self::ToolCall | Self::ToolAside => matches!(answer, Answer::Call { .. }),
            Self::Retrieval | Self::PictureSearch => matches!(answer, Answer::Documents(_)),
            _ => matches!(answer, Answer::Text { .. }),
        }
    }
}

/// One question with its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its name: unique in its suite.
    pub id: String,
    /// What it tests.
    pub kind: Kind,
    /// A part of its kind that reports show apart, such as `12 px`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What is attached: files in the suite's folder. For searches the folder that is searched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attach: Vec<PathBuf>,
    /// What is asked or searched for; for [`Kind::Speech`] nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub question: String,
    /// What is right.
    pub answer: Answer,
    /// The probability of getting it right without looking, where the answer's form doesn't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guess: Option<f64>,
}

impl Item {
    /// The probability of getting it right without looking: what was said, else by the form of the
    /// answer. One of several choices is as likely as another.
    pub fn chance(&self) -> f64 {
        let by_form = match &self.answer {
            Answer::Choice { among, .. } => 1.0 / among.len().max(1) as f64,
            _ => 0.0,
        };
        self.guess.unwrap_or(by_form)
    }
}

/// What is right, and how it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// This text stands in the answer, and none of the other texts of the picture.
    Text {
        /// The text.
        is: String,
        /// Texts that are not asked for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        not: Vec<String>,
    },
    /// The one number that the answer names, in digits or, up to twelve, as a word.
    Number(i64),
    /// One of several: it is named, and none of the others. A choice that has several names has `|`
    /// between them.
    Choice {
        /// The right one.
        is: String,
        /// All of them.
        among: Vec<String>,
    },
    /// It isn't there: the answer says so.
    Absent,
    /// A caption.
    Facts {
        /// What it should name.
        named: Vec<String>,
        /// What it would have to make up.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        invented: Vec<String>,
    },
    /// A call of a tool.
    Call {
        /// The tool.
        tool: String,
        /// Its arguments.
        arguments: serde_json::Map<String, serde_json::Value>,
    },
    /// What was said.
    Speech {
        /// The words.
        is: String,
        /// Those among them that are names of programs, files, options.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        identifiers: Vec<String>,
    },
    /// The documents that answer a search, the best first: files in the folder.
    Documents(Vec<PathBuf>),
}

/// What was answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// The text.
    pub text: String,
    /// Words of it (bytes from and to), each with the least probability of its tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<(usize, usize, f32)>,
    /// The calls that were made: the tool, and its arguments as they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<(String, serde_json::Value)>,
    /// The documents that were found, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<PathBuf>,
}

/// How an answer compares with what is right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether it is right.
    pub right: bool,
    /// What it is measured in beside that: the errors and what they are out of (characters of a
    /// text, words of speech), or hits and what could be hit (facts, documents in the first five).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<(u32, u32)>,
    /// A second count of the same sort: facts invented and those that could be; identifiers of
    /// speech that were missed and all of them; right tools (1 or 0) of 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<(u32, u32)>,
    /// nDCG of the first ten documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ndcg: Option<f64>,
}
