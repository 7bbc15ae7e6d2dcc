//! percept: a local assistant in the terminal that sees screenshots.
//!
//! The library is built in floors. A module may use the floors below its own, never
//! a floor above; `tests/floors.rs` reads the source tree and fails on a violation.
//!
//! | floor | modules | what it is |
//! | --- | --- | --- |
//! | 0 words | [`message`], [`attachment`], [`text`], [`gguf`], [`wire`] | plain values, formats and the protocol; no policy, no async |
//! | 1 stores and readers | [`catalogue`], [`prompts`], [`intake`], [`session`] | never import each other; what two of them need moves to floor 0 |
//! | 2 hands | [`engines`], [`tools`] | the worker processes; what a command may do, and a sandbox for it |
//! | 3 mind | [`agent`] | decides purely ([`agent::Agent`]), acts at the edge ([`agent::driver`]) |
//! | 4 face | [`tui`], [`mod@print`] | the chat, and the one-shot commands' output |
//! | 5 doors | [`cli`], [`config`], [`paths`], `main` | what was typed becomes what it means |
//!
//! The two engines (`percept-llama`, `percept-whisper`) are binaries of their own that
//! speak [`wire`]: each bundles its own ggml, and one program can't link both. It also
//! means that an abort in C++ never takes the chat with it.

// floor 0: words
pub mod attachment;
pub mod gguf;
pub mod message;
pub mod text;
pub mod wire;

// floor 1: stores and readers
pub mod catalogue;
pub mod intake;
pub mod prompts;
pub mod session;

// floor 2: hands
pub mod engines;
pub mod tools;

// floor 3: mind
pub mod agent;

// floor 4: face
pub mod print;
pub mod tui;

// floor 5: doors
pub mod cli;
pub mod config;
pub mod paths;
