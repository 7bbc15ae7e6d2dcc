//! Secrets become placeholders before a text leaves this machine.
