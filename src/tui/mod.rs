//! The chat.
