//! The digest of logs, from the outside: is each line with its like, is the planted error
//! found, is every quote where it says, do queries find what a plain look finds, and is
//! nothing a log may hold too much for it.
//!
//! Real logs are the four of Loghub-2k in `data/logs` beside the repository (or in the
//! folder that `PERCEPT_LOGS` names); where they are absent, the tests about them say so
//! and pass. All other logs are made here.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr, reason = "tests")]

mod corpus;
mod families;
mod grouping;
mod hostile;
mod make;
mod quotes;
mod recall;
mod same;
mod search;
