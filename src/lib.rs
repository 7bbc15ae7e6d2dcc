//! percept: a local assistant in the terminal that sees screenshots and reads logs.
//!
//! The library is built in floors. A module may use the floors below its own, never
//! a floor above; `tests/floors.rs` reads the source tree and fails on a violation.
//!
//! | floor | modules | what it is |
//! | --- | --- | --- |
//! | 0 words | [`message`], [`attachment`], [`text`], [`redact`], [`gguf`], [`wire`] | plain values, formats and the protocol; no policy, no async |
//! | 1 readers | [`audio`], [`digest`], [`document`], [`fetch`], [`hardware`], [`roi`], [`table`], [`tokenizer`] | what is in a recording, a log, a document, a table; a file from a server; what the machine has; where the text is in a picture; tokens without a model; never import each other |
//! | 2 stores | [`catalogue`], [`prompts`], [`intake`], [`retrieval`], [`session`] | never import each other; what two of them need moves down |
//! | 3 hands | [`engines`], [`microphone`], [`tools`] | the worker processes; the sound of a device; what a command may do, and a sandbox for it |
//! | 4 mind | [`agent`], [`dictation`], [`indexing`] | decides purely ([`agent::Agent`]), acts at the edge ([`agent::driver`]); what is said becomes text; what was pointed at becomes an index |
//! | 5 face | [`tui`], [`mod@print`], [`serve`], [`eval`] | the chat, the one-shot commands' output, a server for editors and scripts, and a measure of models |
//! | 6 doors | [`cli`], [`config`], [`paths`], `main` | what was typed becomes what it means |
//!
//! The two engines (`percept-llama`, `percept-whisper`) are binaries of their own that
//! speak [`wire`]: each bundles its own ggml, and one program can't link both. It also
//! means that an abort in C++ never takes the chat with it.

// floor 0: words
pub mod attachment;
pub mod gguf;
pub mod message;
pub mod redact;
pub mod text;
pub mod wire;

// floor 1: readers
pub mod audio;
pub mod digest;
pub mod document;
pub mod fetch;
pub mod hardware;
pub mod table;
pub mod tokenizer;

// floor 2: stores
pub mod catalogue;
pub mod intake;
pub mod prompts;
pub mod retrieval;
pub mod roi;
pub mod session;

// floor 3: hands
pub mod engines;
pub mod microphone;
pub mod tools;

// floor 4: mind
pub mod agent;
pub mod dictation;
pub mod indexing;

// floor 5: face
pub mod eval;
pub mod print;
pub mod serve;
pub mod tui;

// floor 6: doors
pub mod cli;
pub mod config;
pub mod paths;
