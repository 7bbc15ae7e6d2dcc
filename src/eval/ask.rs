//! Asks a model one item, the whole way that `percept ask` goes: intake, prompts, the worker.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::item::{Given, Item};
use crate::agent::driver::Driver;
use crate::agent::{Agent, Chip, ChipState, Choice, Event};
use crate::intake;
use crate::message::{Message, Part, Role};
use crate::wire::{Failure, FailureKind};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// The item: the model can't be given it, or answered nothing.
    #[error("{0}")]
    Item(String),
    /// The server: it may refuse this item, or all.
    #[error("{0}")]
    Server(String),
    /// The model or its worker: no item can be answered.
    #[error("{0}")]
    Engine(String),
    /// The person stopped it.
    #[error("stopped")]
    Stopped,
}

/// Asks in a conversation of its own. A call of a tool ends the answer; it does not run.
///
/// # Errors
///
/// [`AskError`].
pub(super) async fn ask(
    driver: &mut Driver,
    item: &Item,
    folder: &Path,
    stop: &AtomicBool,
) -> Result<Given, AskError> {
    driver.send(Event::NewSession);
    // What couldn't be attached stays with a draft, and would be with this one.
    let left: Vec<u64> = driver.agent().chips.iter().map(|chip| chip.ticket).collect();
    for ticket in left {
        driver.send(Event::Detach(ticket));
    }
    for file in &item.attach {
        driver.send(Event::Attach(intake::Given::Path(folder.join(file))));
    }
    while taking(driver.agent())? {
        step(driver, stop).await?;
    }
    driver.send(Event::Submit(item.question.clone()));
    while driver.agent().busy() {
        step(driver, stop).await?;
        if !calls(driver.agent()).is_empty() {
            break;
        }
    }
    let given = given(driver.agent());
    // An answer without a word is wrong, not a failure.
    let failed = driver.agent().failure.as_ref().map(|failure| match failure.kind {
        FailureKind::Server => AskError::Server(failure.in_words()),
        _ => AskError::Item(failure.in_words()),
    });
    if driver.agent().busy() {
        driver.send(Event::Cancel);
        while driver.agent().busy() {
            driver.next().await;
        }
    }
    failed.map_or(Ok(given), Err)
}

async fn step(driver: &mut Driver, stop: &AtomicBool) -> Result<(), AskError> {
    driver.next().await;
    if stop.load(Ordering::Relaxed) {
        return Err(AskError::Stopped);
    }
    if let Some(why) = driver.agent().hopeless() {
        let failure = driver.agent().failure.as_ref();
        return Err(AskError::Engine(failure.map_or(why, Failure::in_words)));
    }
    // Nobody is asked, and nothing runs.
    if driver.agent().asking().is_some() {
        driver.send(Event::Decide(Choice::Deny(None)));
    }
    Ok(())
}

fn taking(agent: &Agent) -> Result<bool, AskError> {
    for chip in &agent.chips {
        if let ChipState::Failed { why } = &chip.state {
            return Err(AskError::Item(why.clone()));
        }
    }
    Ok(agent.chips.iter().any(Chip::is_taking))
}

/// What was said since the question.
fn answers(agent: &Agent) -> impl Iterator<Item = &Message> {
    let since =
        agent.transcript.iter().rposition(|message| message.role == Role::User).map_or(0, |at| at + 1);
    agent.transcript[since..].iter().filter(|message| message.role == Role::Assistant)
}

fn calls(agent: &Agent) -> Vec<(String, serde_json::Value)> {
    let parts = answers(agent).flat_map(|message| &message.parts);
    parts
        .filter_map(|part| match part {
            Part::ToolCall(call) => Some((call.name.clone(), call.arguments.clone())),
            _ => None,
        })
        .collect()
}

fn given(agent: &Agent) -> Given {
    let Some(message) = answers(agent).next() else { return Given::default() };
    let words = agent.words().map(|(span, least)| (span.start, span.end, least)).collect();
    Given { text: message.text(), words, calls: calls(agent), found: Vec::new() }
}
