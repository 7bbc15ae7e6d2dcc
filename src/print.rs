//! Output of the one-shot commands.
