//! Finding, from the outside: does the index find what people judged to be relevant, does it
//! see what another program writes, is nothing that is typed too much for it.
//!
//! Cranfield's abstracts, queries and judgements are in `data/cranfield` beside the repository
//! (or in the folder that `PERCEPT_CRANFIELD` names); where they are absent, the tests about
//! them say so and pass.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr, reason = "tests")]

mod cranfield;
mod finding;
