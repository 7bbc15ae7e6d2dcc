//! What the machine wants done.

use crate::attachment::Senses;
use crate::catalogue::ReadyModel;
use crate::intake::Given;
use crate::message::ToolCall;
use crate::message::{Message, MessageId};
use crate::session::SessionId;
use crate::tools::{Allowed, Grant, Plan, Remembered};

/// What is wanted of the worker with a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Evaluate what is certain, while the person types.
    Prefill,
    /// Answer.
    Generate,
    /// Say in a few words what it is about.
    Title,
    /// Sum it up.
    Compact {
        /// The beginning of the question that stays; `None`: all of it goes.
        keep: Option<String>,
        /// The names of the pictures that go.
        pictures: Vec<String>,
    },
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Look at what was given, store its blobs, answer with `Taken`.
    Take {
        /// The chip's ticket.
        ticket: u64,
        /// What was given.
        given: Given,
    },
    /// Look no further at what was given with this ticket.
    StopTaking(u64),
    /// Write messages; answer with `Stored` or `StoreFailed`.
    Store {
        /// The session; `None`: make one.
        session: Option<SessionId>,
        /// What a session that is made is called.
        title: String,
        /// The messages, a parent before its children; never empty.
        messages: Vec<Message>,
        /// The last message of the path that is shown.
        head: Option<MessageId>,
    },
    /// Send the conversation to the worker.
    Ask {
        /// The request's id.
        id: u64,
        /// What for.
        ask: Ask,
        /// The messages, the last one perhaps unfinished.
        conversation: Vec<Message>,
        /// The model that it is for.
        model: Box<ReadyModel>,
        /// What it is given besides text.
        senses: Senses,
    },
    /// Judge a call; answer with `Judged`.
    Judge {
        /// The call.
        call: ToolCall,
        /// The conversation that it was made in.
        conversation: Vec<Message>,
    },
    /// Run a call that was judged; answer with `ToolEnded`.
    RunTool {
        /// The call.
        call: ToolCall,
        /// What was judged.
        plan: Box<Plan>,
        /// What it may do beyond reading.
        grant: Grant,
        /// The conversation that it was made in.
        conversation: Vec<Message>,
    },
    /// End a call that runs.
    StopTool {
        /// The call's id.
        id: String,
    },
    /// Remember that something is allowed.
    Remember {
        /// What.
        remembered: Remembered,
        /// On disk; else as long as percept runs.
        for_good: bool,
    },
    /// Take a permission away; answer with `ToolsListed`.
    Revoke(Allowed),
    /// Start an MCP server again; answer with `ToolsListed`.
    RestartServer(String),
    /// Look at the tools; answer with `ToolsListed`.
    ListTools,
    /// Stop a request.
    Cancel {
        /// Its id.
        id: u64,
    },
    /// End the worker at once, whatever it does, and start it again.
    RestartWorker,
    /// Find a model's files; answer with `ModelFound` or `ModelMissing`.
    FindModel(String),
    /// Load a model into the worker.
    Load {
        /// The request's id.
        id: u64,
        /// The model.
        model: Box<ReadyModel>,
    },
    /// Save the worker's sequence for this session.
    SaveState {
        /// The request's id.
        id: u64,
        /// The session.
        session: SessionId,
    },
    /// Restore the worker's sequence of this session, if there is one.
    RestoreState {
        /// The request's id.
        id: u64,
        /// The session.
        session: SessionId,
    },
    /// Open a session; answer with `Opened` or `Failed`.
    Open(SessionId),
    /// Do something with the sessions that are kept, and then list those in which these words
    /// stand, or all; answer with `Listed` or `Failed`.
    Shelve {
        /// What.
        work: Shelving,
        /// The words.
        words: String,
    },
    /// Give a session another title if it still has this one; answer with `Entitled`.
    Entitle {
        /// The session.
        session: SessionId,
        /// The title that it has.
        from: String,
        /// The title that it gets.
        to: String,
    },
    /// Show what a support bundle would hold, or write it; answer with `Done` or `Failed`.
    Bundle {
        /// The session.
        session: SessionId,
        /// The file.
        path: std::path::PathBuf,
        /// Write it.
        write: bool,
    },
    /// Write the conversation as Markdown; answer with `Done` or `Failed`.
    Export {
        /// The file.
        path: std::path::PathBuf,
        /// The conversation's title.
        title: String,
        /// The messages.
        conversation: Vec<Message>,
    },
}

/// What is done with the sessions that are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shelving {
    /// Nothing: they are listed.
    List,
    /// One goes into the bin.
    Remove(SessionId),
    /// One comes out of it.
    Restore(SessionId),
    /// One gets another title.
    Rename(SessionId, String),
    /// One gets tags, and loses others.
    Tag {
        /// Which.
        session: SessionId,
        /// The tags that it gets.
        add: Vec<String>,
        /// The tags that it loses.
        remove: Vec<String>,
    },
}
