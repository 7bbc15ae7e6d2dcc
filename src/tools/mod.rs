//! What the assistant may do on this machine, and when it must ask first.
//!
//! A command is parsed by a real shell parser, each program in it is looked up in a table of
//! what its flags do, each path is placed, and [`permission::decide`] says `auto`, `ask` or
//! `deny`, with the reason.
//!
//! Deciding runs nothing. The disk is only asked where a link leads, what a folder
//! holds, and what a repository's own settings would start. Wherever two readings are
//! possible the answer is `ask`: a needless question is a nuisance, a needless `auto` is
//! a hole.
//!
//! [`sandbox`] runs a command where it can do no harm: a second wall behind the first, not a
//! reason to lower it. [`mcp`] speaks to servers of tools that others wrote.

pub mod arguments;
pub mod builtin;
pub mod manifest;
pub mod mcp;
pub mod permission;
pub mod sandbox;
pub mod scene;

pub use permission::{Context, Decision, Mode, Scope, Verdict, decide};
