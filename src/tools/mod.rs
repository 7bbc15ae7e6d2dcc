//! What the assistant may do on this machine: its tools, who is asked, and what holds them.
//!
//! ```text
//! a model's call ─▶ toolbox::plan ─▶ auto, ask or deny ─▶ toolbox::run ─▶ what came of it
//!                    │ manifest, arguments: is it a right call?   │ builtin: percept reads
//!                    │ permission: what would it do?              │ sandbox: a command
//!                    │ taint: what may have made the model call?  │ mcp: a server does it
//! ```
//!
//! Planning runs nothing. The disk is only asked where a link leads, what a folder holds, and
//! what a repository's own settings would start. Wherever two readings are possible the
//! answer is `ask`: a needless question is a nuisance, a needless `auto` is a hole. The
//! [`sandbox`] is a second wall behind the first, not a reason to lower it.

pub mod arguments;
pub mod builtin;
mod lookup;
pub mod manifest;
pub mod mcp;
pub mod ocr;
pub mod output;
pub mod permission;
mod plain;
pub mod plan;
pub mod sandbox;
pub mod scene;
pub mod taint;
pub mod toolbox;

pub(crate) use builtin::finding;
pub use permission::remembered::{Allowed, Grant, Permissions, Remembered};
pub use permission::{Context, Decision, Mode, Scope, Verdict, decide};
pub use plan::{Plan, ToolLine, ToolsReport, Walls};
pub use taint::Quote;
pub use toolbox::{Leash, Ran, Toolbox};
