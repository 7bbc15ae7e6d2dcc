//! `percept serve` through its door: over TCP with a client of bytes, and with OpenAI's own
//! client (from PyPI). The worker is the fake one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests")]

mod admission;
mod answers;
#[path = "../common/mod.rs"]
mod common;
mod kit;
mod line;
#[cfg(unix)]
mod python;
mod times;
