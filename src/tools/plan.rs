//! What will happen to a call, and why: all that a person needs to see to decide.

use super::mcp::ServerStatus;
use super::permission::Verdict;
use super::permission::remembered::{Allowed, Grant, Remembered};
use super::taint::Quote;

/// A judged call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What happens.
    pub verdict: Verdict,
    /// Why: a clause without a full stop.
    pub reason: String,
    /// Exactly what will run: the command line, or the tool with its arguments.
    pub shown: String,
    /// What it may do beyond reading, if it is allowed as it stands.
    pub grant: Grant,
    /// What holds it.
    pub walls: Walls,
    /// The server and its tool that are called, where it is a server's: names may come to stand
    /// for something else between now and then.
    pub target: Option<(String, String)>,
    /// It runs because of what its programs are known to do.
    pub proven: bool,
    /// What can be allowed for this session or for good; `None`: only this once.
    pub scope: Option<Allowed>,
    /// The texts from outside that the conversation holds, nearest first.
    pub sources: Vec<Quote>,
    /// The command line, where a person may change it.
    pub editable: Option<String>,
}

/// What holds a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Walls {
    /// A sandbox, by these means.
    Sandbox(String),
    /// Nothing: why.
    Nothing(String),
    /// percept reads by itself, and changes nothing.
    Percept,
    /// A server does it, outside of percept's reach.
    Server(String),
}

impl Walls {
    /// Whether a person can widen what is granted.
    pub fn take_grants(&self) -> bool {
        matches!(self, Self::Sandbox(_))
    }

    /// Whether something of a call may leave the machine.
    pub fn let_out(&self, grant: Grant) -> bool {
        match self {
            Self::Sandbox(_) => grant.network,
            Self::Nothing(_) | Self::Server(_) => true,
            Self::Percept => false,
        }
    }

    /// What a call may do within them, for a person: behind "it may".
    pub fn words(&self, grant: Grant) -> String {
        match self {
            Self::Sandbox(_) => format!("{grant}; secrets hidden; ends as a whole"),
            Self::Nothing(why) => format!("do all that you can: NOTHING holds it ({why})"),
            Self::Percept => "only read; percept does it by itself".to_owned(),
            Self::Server(name) => format!("do whatever the MCP server {name} can"),
        }
    }
}

/// The tools as a person sees them: what is there, and what is allowed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolsReport {
    /// The tools.
    pub tools: Vec<ToolLine>,
    /// What is allowed: for good, then for this session.
    pub allowed: Vec<Remembered>,
    /// How many of these are for good.
    pub for_good: usize,
    /// The MCP servers.
    pub servers: Vec<ServerStatus>,
    /// What is wrong, in words for the screen.
    pub problems: Vec<String>,
}

impl ToolsReport {
    /// Tools are switched off.
    pub fn off() -> Self {
        let problems = vec!["Tools are switched off ([tools] enabled, or --no-tools).".to_owned()];
        Self { problems, ..Self::default() }
    }
}

/// A tool in a line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ToolLine {
    /// Its name.
    pub name: String,
    /// What it does, in its declaration's own words.
    pub description: String,
    /// Where it comes from: `built in`, `percept`, a file, `MCP server x`.
    pub from: String,
    /// Whether the model is told of it; else why not.
    pub off: Option<String>,
    /// What it may do without being asked about, in words.
    pub leave: String,
    /// The command that it is, with its bounds.
    pub runs: Option<String>,
}
