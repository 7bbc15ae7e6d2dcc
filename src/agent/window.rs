//! Turns a conversation into what the model gets.
