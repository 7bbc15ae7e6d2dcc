//! What can happen to a conversation.

use crate::attachment::Attachment;
use crate::catalogue::ReadyModel;
use crate::engines::WorkerEvent;
use crate::intake::Given;
use crate::message::MessageId;
use crate::session::{Session, SessionId, SessionSummary};
use crate::tools::{Allowed, Grant, Plan, Ran, ToolsReport};

/// When an event happened, and a message number that is free: the machine has no clock
/// and no randomness of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Milliseconds since the Unix epoch.
    pub ms: i64,
    /// A number greater than any given before; the one after it is free too.
    pub id: i64,
}

/// What a person decides about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// It runs, with this leave.
    Once(Grant),
    /// It runs, and its scope does until percept ends.
    Session(Grant),
    /// It runs, and its scope does from now on.
    Always(Grant),
    /// Its command line is this instead; it is judged anew.
    Edit(String),
    /// It doesn't run; why, for the model.
    Deny(Option<String>),
}

/// What can happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    // What the person does.
    /// Wants something attached to the next message.
    Attach(Given),
    /// Takes the chip with this ticket off the next message.
    Detach(u64),
    /// Takes an attachment out of (or back into) a message that was sent.
    Remove {
        /// The message.
        message: MessageId,
        /// Which of its parts, from 0.
        part: usize,
    },
    /// Keeps an attachment in the window when its message leaves it, or no longer.
    Pin {
        /// The message.
        message: MessageId,
        /// Which of its parts, from 0.
        part: usize,
    },
    /// Wants the model to sum up what was said.
    Compact,
    /// Takes the summary, with this text.
    AcceptSummary(String),
    /// Doesn't want the summary; stops it if it is being written.
    DropSummary,
    /// Takes the last summary back.
    UndoSummary,
    /// Sends what was typed, with what is attached.
    Submit(String),
    /// Stops what is going on.
    Cancel,
    /// Wants another answer to the last question, as a branch beside the first.
    Retry,
    /// Edits a message: what is sent next takes its place on a branch of its own.
    Edit(MessageId),
    /// Leaves the message as it is.
    StopEditing,
    /// Goes on from this message: the end of another branch, or where one is to begin.
    GoTo(MessageId),
    /// Wants the last question answered by another model too, to choose between the answers.
    Compare(String),
    /// Goes on with the answer that begins with this message.
    Choose(MessageId),
    /// Goes on with the answer that was there before.
    EndComparison,
    /// Wants a new, empty conversation.
    NewSession,
    /// Wants an earlier conversation back.
    OpenSession(SessionId),
    /// Wants the list of conversations: those in which these words stand, or all.
    ListSessions(String),
    /// Puts a conversation into the bin.
    RemoveSession(SessionId),
    /// Takes back the last one that was put there.
    RestoreSession,
    /// Gives this conversation another title.
    RenameSession(String),
    /// Tag the session; a tag behind a `-` is taken off.
    TagSession(Vec<String>),
    /// Wants another model, by its name in the catalogue or a GGUF's path.
    UseModel(String),
    /// Wants the conversation as Markdown in this file.
    Export(std::path::PathBuf),
    /// Wants to see what a support bundle in this file would hold.
    Bundle(std::path::PathBuf),
    /// Wants the bundle that was shown last.
    WriteBundle,
    /// Decides about the call that asks.
    Decide(Choice),
    /// Wants to see the tools and what is allowed.
    ListTools,
    /// Wants an MCP server started again.
    RestartServer(String),
    /// Takes a permission away.
    Revoke(Allowed),
    /// Doesn't need to see the notices any more.
    DismissNotices,
    /// Leaves percept.
    Leave,

    // What comes of effects.
    /// Intake goes on with the chip of this ticket.
    Taking {
        /// The ticket of [`super::Effect::Take`].
        ticket: u64,
        /// How far it is, in words for the screen.
        says: String,
    },
    /// Intake finished with the chip of this ticket; its blobs are stored.
    Taken {
        /// The ticket of [`super::Effect::Take`].
        ticket: u64,
        /// The attachment, or what is wrong in words for the screen.
        result: Result<Attachment, String>,
    },
    /// Messages are on disk.
    Stored {
        /// Their session, made for them if there was none.
        session: SessionId,
        /// The last of them.
        message: MessageId,
    },
    /// Messages could not be written.
    StoreFailed {
        /// The last of them.
        message: MessageId,
        /// Why, in words for the screen.
        why: String,
    },
    /// A conversation was opened.
    Opened(Box<Session>),
    /// The conversations, newest first.
    Listed(Vec<SessionSummary>),
    /// The title of a conversation is this one now.
    Entitled {
        /// The conversation.
        session: SessionId,
        /// The title.
        title: String,
    },
    /// The model's files were found.
    ModelFound(Box<ReadyModel>),
    /// The model's files can't be had: why, in words for the screen.
    ModelMissing(String),
    /// Something that was asked for didn't work: in words for the screen.
    Failed(String),
    /// Something that was asked for is done: in words for the screen.
    Done(String),
    /// Something happened to the llama worker.
    Worker(WorkerEvent),
    /// A call was judged.
    Judged {
        /// The call.
        id: String,
        /// What happens to it, or what is wrong with it in a sentence for the model.
        plan: Box<Result<Plan, String>>,
    },
    /// A call ended.
    ToolEnded {
        /// The call.
        id: String,
        /// What came of it.
        ran: Ran,
    },
    /// The tools and what is allowed.
    ToolsListed(Box<ToolsReport>),
    /// Time to write what was streamed so far: at most 250 ms apart while answering.
    Tick {
        /// The last line that the running command wrote, if one runs.
        says: String,
    },
}
