//! What is refused, in the form that OpenAI's clients know.

use serde_json::{Value, json};

use crate::wire::{Failure, FailureKind};

/// Why a request isn't answered: a status of HTTP and an `error` for the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The status.
    pub status: u16,
    /// OpenAI's `type`: whose fault it is.
    pub kind: &'static str,
    /// OpenAI's `code`, for a program.
    pub code: Option<&'static str>,
    /// The field that is wrong: `messages[0].content[1].image_url.url`.
    pub param: Option<String>,
    /// What is wrong and what to do, for a person.
    pub message: String,
}

impl ApiError {
    /// An error of this status and kind.
    pub fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, code: None, param: None, message: message.into() }
    }

    /// A field has a value that can't be.
    pub fn wrong(param: impl Into<String>, message: impl std::fmt::Display) -> Self {
        let param = param.into();
        let message = format!("`{param}` {message}.");
        Self { param: Some(param), ..Self::new(400, INVALID, message) }
    }

    /// A field asks for what percept doesn't do.
    pub fn unsupported(param: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self { code: Some("unsupported_parameter"), ..Self::wrong(param, message) }
    }

    /// Nothing can be answered now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { code: Some("unavailable"), ..Self::new(503, SERVER, message) }
    }

    /// The same with a code.
    #[must_use]
    pub fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        let Self { kind, code, param, message, .. } = self;
        json!({ "error": { "message": message, "type": kind, "param": param, "code": code } })
    }
}

/// The asker's fault.
pub const INVALID: &str = "invalid_request_error";

/// Not the asker's fault.
pub const SERVER: &str = "server_error";

impl From<&Failure> for ApiError {
    fn from(failure: &Failure) -> Self {
        let said = failure.in_words();
        let asked = |code: &'static str| {
            let error = Self::new(400, INVALID, said.clone()).code(code);
            Self { param: Some("messages".to_owned()), ..error }
        };
        match failure.kind {
            FailureKind::ContextOverflow => asked("context_length_exceeded"),
            FailureKind::Media => asked("invalid_image"),
            FailureKind::Template | FailureKind::BadRequest | FailureKind::Unsupported => {
                asked("invalid_messages")
            }
            FailureKind::Protocol
            | FailureKind::NotLoaded
            | FailureKind::ModelFile
            | FailureKind::ModelMismatch
            | FailureKind::Memory
            | FailureKind::StateMismatch
            | FailureKind::Server => Self::unavailable(said),
            FailureKind::Internal => Self::new(500, SERVER, said).code("internal_error"),
        }
    }
}
