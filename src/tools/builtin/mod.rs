//! The tools that percept runs itself. Each has its declaration in `tools/NAME.toml`.
//!
//! Whether a call may run is decided before, from its parameters of type `path`; these
//! functions do what they are told, within bounds.

mod attach;
mod find_documents;
mod list_dir;
mod open;
mod picture;
mod query_log;
mod query_table;
mod read_file;
mod read_text;
mod search_files;
#[cfg(test)]
mod testing;
mod zoom;

use super::arguments::Arguments;
use super::ocr::tesseract;
use super::scene::{Found, Scene};

pub(crate) use find_documents::finding;

/// A tool of percept's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltIn {
    /// Runs a command line.
    Shell,
    /// Reads some lines of a file.
    ReadFile,
    /// Lists a folder.
    ListDir,
    /// Searches files for a regular expression.
    SearchFiles,
    /// Cuts a part out of a picture.
    Zoom,
    /// Reads the text in a picture.
    ReadText,
    /// Attaches a file.
    Attach,
    /// Asks about attached tables in SQL.
    QueryTable,
    /// Looks up lines of an attached log.
    QueryLog,
    /// Searches the index.
    FindDocuments,
    /// Reads a resource of an MCP server.
    ReadResource,
}

impl BuiltIn {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 11] = [
        ("shell", Self::Shell),
        ("read_file", Self::ReadFile),
        ("list_dir", Self::ListDir),
        ("search_files", Self::SearchFiles),
        ("zoom", Self::Zoom),
        ("read_text", Self::ReadText),
        ("attach", Self::Attach),
        ("query_table", Self::QueryTable),
        ("query_log", Self::QueryLog),
        (Self::FIND_DOCUMENTS, Self::FindDocuments),
        ("read_resource", Self::ReadResource),
    ];

    /// The name of the tool that is of no use without eyes.
    pub const ZOOM: &'static str = "zoom";

    /// The name of the tool that searches the index.
    pub const FIND_DOCUMENTS: &'static str = "find_documents";

    /// The tool of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, tool)| *tool)
    }

    /// Whether what it needs is installed here; the model isn't told of it where it isn't.
    pub fn is_available(self) -> bool {
        self != Self::ReadText || tesseract().is_some()
    }

    /// Runs it. `shell` and `read_resource` are run by the toolbox, which knows what was allowed
    /// and has the servers.
    ///
    /// # Errors
    ///
    /// A sentence for the model.
    pub fn run(self, arguments: &Arguments, scene: &Scene<'_>) -> Result<Found, String> {
        match self {
            Self::Shell | Self::ReadResource => Err("The toolbox runs this.".to_owned()),
            Self::ReadFile => read_file::run(arguments, scene),
            Self::ListDir => list_dir::run(arguments, scene),
            Self::SearchFiles => search_files::run(arguments, scene),
            Self::Zoom => zoom::run(arguments, scene),
            Self::ReadText => read_text::run(arguments, scene),
            Self::Attach => attach::run(arguments, scene),
            Self::QueryTable => query_table::run(arguments, scene),
            Self::QueryLog => query_log::run(arguments, scene),
            Self::FindDocuments => find_documents::run(arguments, scene),
        }
    }
}
