//! What a conversation's state is made of.

use std::collections::BTreeSet;

use super::answer::Answer;
use super::compare::Comparison;
use super::title::{Named, Titling};
use super::tree::Editing;
use crate::agent::Compaction;
use crate::attachment::Attachment;
use crate::catalogue::ReadyModel;
use crate::message::ToolCall;
use crate::message::{Message, MessageId};
use crate::redact::Found;
use crate::session::{SessionId, SessionSummary};
use crate::tools::{Plan, ToolsReport};
use crate::wire::{Failure, Ledger, ModelInfo, Stage};

/// A conversation and what goes on in it. The faces read its fields to draw; only
/// [`Self::handle`] changes them.
#[derive(Debug, Clone, Default)]
pub struct Agent {
    /// The session's number; `None` until its first message is stored.
    pub session: Option<SessionId>,
    /// The session's title.
    pub title: String,
    /// The messages from the first to the last, as shown. The last one grows while the
    /// model answers.
    pub transcript: Vec<Message>,
    /// The messages of the conversation that are on other branches.
    pub beside: Vec<Message>,
    /// Another answer to a question, until the person chose.
    pub comparison: Option<Comparison>,
    /// What is attached to the next message.
    pub chips: Vec<Chip>,
    /// What goes on.
    pub turn: Turn,
    /// The worker and its model.
    pub engine: EngineState,
    /// The model in use, or about to be.
    pub model: Option<ReadyModel>,
    /// The summary that is being written, or waits to be taken.
    pub compaction: Option<Compaction>,
    /// What the last prompt was made of.
    pub ledger: Ledger,
    /// Pieces (a token each, as a rule) that came of the answer that is being streamed.
    pub streamed: u64,
    /// What the person should know, oldest first.
    pub notices: Vec<Notice>,
    /// The list of sessions, when it was asked for.
    pub sessions: Vec<SessionSummary>,
    /// The tools, when they were asked for.
    pub tools: ToolsReport,
    /// What was replaced in what was last sent to a server elsewhere.
    pub redacted: Found,
    /// Set while something is not on disk that should be: why.
    pub unsaved: Option<String>,
    /// Why the last load or answer failed; for the exit code of the one-shot commands.
    pub failure: Option<Failure>,

    /// The probability under which a word is marked.
    pub(super) unsure_below: f32,
    /// The most calls of tools in a turn.
    pub(super) most_steps: usize,
    /// A model that hears gets recordings themselves.
    pub(super) send_sound: bool,
    /// The model gives a conversation its title.
    pub(super) titles: bool,
    /// How the conversation stands with its title.
    pub(super) named: Named,
    /// The title that is being made.
    pub(super) titling: Option<Titling>,
    /// The message that is being edited.
    pub(super) editing: Option<Editing>,
    /// The model that is being looked for is not wanted any more.
    pub(super) unwanted: bool,
    /// The tenths of the context that it was said are full.
    pub(super) full_said: u64,
    /// The bundle that was shown last: its file, and the message that it ended with.
    pub(super) bundle: Option<(std::path::PathBuf, MessageId)>,
    /// The words by which sessions were looked for.
    pub(super) sought: String,
    /// The sessions that were put into the bin, the last one last.
    pub(super) removed: Vec<SessionId>,
    /// Calls that were made in this turn.
    pub(super) steps: usize,
    /// The call that the answer ended with, until the answer is done.
    pub(super) called: Option<ToolCall>,
    /// The person changed the call that goes on.
    pub(super) edited: bool,
    /// The last request's number.
    pub(super) requests: u64,
    /// The last chip's ticket.
    pub(super) tickets: u64,
    /// What was typed and waits for its attachments to be read.
    pub(super) outbox: Option<String>,
    /// The prefill that runs; it goes on when the message is sent.
    pub(super) prefilling: Option<u64>,
    /// The worker died over something: nothing is evaluated in advance until the person
    /// does something, so that one bad picture doesn't kill it again and again.
    pub(super) wary: bool,
    /// The worker is being ended because the person didn't want to wait for it.
    pub(super) killing: bool,
    /// The person was warned that leaving loses what is not on disk.
    pub(super) warned: bool,
    /// The person leaves.
    pub(super) leaving: Leaving,
    /// A model's files are being looked for.
    pub(super) finding: bool,
    /// The server of the chosen model could not be used when it was last tried: it is tried again
    /// when the person asks again.
    pub(super) unreached: bool,
    /// What the load that runs has said of its model.
    pub(super) loaded: Option<ModelInfo>,
    /// The answer that is being streamed.
    pub(super) answer: Answer,
    /// Messages of the transcript that are not known to be on disk.
    pub(super) unstored: BTreeSet<MessageId>,
    /// Writes that were asked for and have not ended.
    pub(super) storing: usize,
}

/// An attachment of the message that is being written.
#[derive(Debug, Clone, PartialEq)]
pub struct Chip {
    /// Names it in events.
    pub ticket: u64,
    /// What to call it.
    pub name: String,
    /// How far it is.
    pub state: ChipState,
}

impl Chip {
    /// Whether it is still being read.
    pub fn is_taking(&self) -> bool {
        matches!(self.state, ChipState::Taking | ChipState::Reading { .. })
    }
}

/// How far an attachment is.
#[derive(Debug, Clone, PartialEq)]
pub enum ChipState {
    /// Being read and checked.
    Taking,
    /// The same, with how far it is.
    Reading {
        /// In words for the screen.
        says: String,
    },
    /// Attached.
    Taken {
        /// What it is.
        attachment: Box<Attachment>,
        /// Encoded and in the KV cache: the answer can begin at once.
        cached: bool,
        /// Tokens, once the worker counted them.
        tokens: Option<u64>,
    },
    /// It can't be attached; it is left out when the message is sent.
    Failed {
        /// Why, in words for the screen.
        why: String,
    },
}

/// What goes on in the conversation.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Turn {
    /// Nothing.
    #[default]
    Idle,
    /// What is attached is being evaluated while the person types.
    Prefilling {
        /// The request.
        request: u64,
        /// What is being done and how far, once known.
        progress: Option<(Stage, u64, u64)>,
    },
    /// A message was sent: it is being stored, or waits for attachments or the worker.
    Sending {
        /// The message.
        message: MessageId,
    },
    /// The model answers.
    Answering {
        /// The request.
        request: u64,
        /// The answer, the last message of the transcript.
        message: MessageId,
        /// What is being done and how far, until the first token.
        progress: Option<(Stage, u64, u64)>,
        /// Esc was pressed, the worker has not stopped yet.
        stopping: bool,
    },
    /// The model sums up what was said.
    Compacting {
        /// The request.
        request: u64,
        /// What is being done and how far, until the first token.
        progress: Option<(Stage, u64, u64)>,
        /// Esc was pressed, the worker has not stopped yet.
        stopping: bool,
    },
    /// A tool that the model called is judged, asks, or runs.
    Acting {
        /// The result, the last message of the transcript.
        message: MessageId,
        /// The call.
        call: ToolCall,
        /// How far it is.
        step: Step,
        /// Esc was pressed, the tool has not ended yet.
        stopping: bool,
    },
}

/// How far a call is.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// It is looked at what it would do.
    Judging,
    /// The person is asked.
    Asking(Box<Plan>),
    /// It runs.
    Running {
        /// Since when, in milliseconds since the Unix epoch.
        since_ms: i64,
        /// For how long, as of the last tick.
        for_ms: u64,
        /// The last line that it wrote, as of the last tick.
        says: String,
        /// Whether something of it may leave the machine.
        outward: bool,
    },
}

/// The worker and its model.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum EngineState {
    /// The worker starts.
    #[default]
    Starting,
    /// The worker runs, no model is loaded.
    Empty,
    /// A model is being loaded.
    Loading {
        /// The request.
        request: u64,
        /// Its name.
        name: String,
        /// How far, in thousandths.
        done: u64,
    },
    /// A model is loaded.
    Ready(ModelInfo),
    /// The worker died.
    Down {
        /// Why.
        reason: String,
        /// Whether it is started again.
        restarting: bool,
    },
}

/// How far leaving is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Nobody leaves.
    #[default]
    No,
    /// The evaluated prompt is being saved by this request.
    Saving(u64),
    /// There is nothing more to wait for but the store.
    Done,
}

/// Something the person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub level: NoticeLevel,
    /// What happened and what to do, a sentence or two.
    pub text: String,
}

/// How bad a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeLevel {
    /// Good to know.
    Info,
    /// Something didn't work.
    Error,
}
