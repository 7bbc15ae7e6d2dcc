//! The tools that percept runs itself. Each has its declaration in `tools/NAME.toml`.
//!
//! Whether a call may run is decided before, from its parameters of type `path`; these
//! functions do what they are told, within bounds.

use super::arguments::Arguments;
use super::scene::{Found, Scene};

/// A tool of percept's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltIn {
    /// Runs a command line.
    Shell,
}

impl BuiltIn {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 1] = [("shell", Self::Shell)];

    /// The name of the tool that runs commands.
    pub const SHELL: &'static str = "shell";

    /// Whether it is any use to a model with eyes, or without.
    pub fn is_offered(self, _eyes: bool) -> bool {
        match self {
            Self::Shell => true,
        }
    }

    /// The tool of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, tool)| *tool)
    }

    /// Runs it. `shell` is run by the toolbox, which knows what was allowed.
    ///
    /// # Errors
    ///
    /// A sentence for the model.
    pub fn run(self, _arguments: &Arguments, _scene: &Scene<'_>) -> Result<Found, String> {
        match self {
            Self::Shell => Err("shell needs leave.".to_owned()),
        }
    }
}
