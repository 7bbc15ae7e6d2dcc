//! The face of the one-shot commands: the answer to standard output while it is
//! written, everything else to standard error.
//!
//! It asks nothing and draws nothing; what it prints with `--json` is documented in
//! `docs/json.md` and stable.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::agent::driver::Driver;
use crate::agent::{Agent, Chip, ChipState, Choice, EngineState, Event, Step, Turn};
use crate::attachment::Attachment;
use crate::intake::Given;
use crate::message::{AnswerStats, Message, MessageId, Part, Role, Span, Status, ToolResult};
use crate::redact::Found;
use crate::session::SessionId;
use crate::text;
use crate::wire::{FailureKind, Ledger, Stage};

/// How the answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The text, while it comes.
    Text,
    /// The text at its end, with the words marked that the model was unsure of.
    Marked,
    /// One JSON object at the end.
    Json,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// What was given can't be used.
    #[error("{0}")]
    Input(String),
    /// The model or its worker failed.
    #[error("{0}")]
    Engine(String),
    /// Ctrl+C.
    #[error("stopped")]
    Stopped,
    /// Standard output can't be written.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// What `--json` prints of an answer.
#[derive(Debug, Serialize)]
struct Report<'a> {
    session: Option<SessionId>,
    model: &'a str,
    /// The server elsewhere that the text was sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_to: Option<&'a str>,
    /// What was replaced in it before.
    #[serde(skip_serializing_if = "Option::is_none")]
    redacted: Option<Found>,
    answer: String,
    complete: bool,
    interrupted: Option<&'a str>,
    unsure: Vec<Unsure<'a>>,
    attachments: Vec<&'a Attachment>,
    steps: Vec<&'a ToolResult>,
    ledger: &'a Ledger,
    stats: Option<&'a AnswerStats>,
}

/// A word that the model was unsure of.
#[derive(Debug, Serialize)]
struct Unsure<'a> {
    word: &'a str,
    #[serde(flatten)]
    span: Span,
}

/// Asks one question about what is given, and prints the answer.
///
/// # Errors
///
/// [`PrintError`]; what was printed before stays, what was answered is in the store.
pub async fn ask(
    driver: &mut Driver,
    given: Vec<Given>,
    question: String,
    format: Format,
) -> Result<(), PrintError> {
    let (progress, printed) = (Progress::new(), Printed::default());
    let mut waiting = Waiting { progress, printed, interrupt: std::pin::pin!(interrupt()) };
    for given in given {
        driver.send(Event::Attach(given));
    }
    while taking(driver.agent())? {
        waiting.step(driver).await?;
        check_model(driver.agent())?;
    }
    driver.send(Event::Submit(question));
    while driver.agent().busy() {
        waiting.step(driver).await?;
        check_model(driver.agent())?;
        if format == Format::Text
            && let Some(answer) = answer(driver.agent())
            && waiting.printed.has_more(answer)
        {
            waiting.progress.clear();
            if let Err(error) = waiting.printed.go_on(answer) {
                // Nobody reads on, so that nobody waits for the rest of it.
                stop(driver).await;
                return Err(error.into());
            }
        }
    }
    let Waiting { mut progress, mut printed, .. } = waiting;
    progress.clear();
    let agent = driver.agent();
    say_notices(agent);
    let Some(message) = answer(agent) else { return Err(failure(agent)) };
    match format {
        Format::Text => {
            printed.finish(message)?;
            if let Some(result) = result_that_stands(agent) {
                print_all(&format!("{}\n", result.trim_end()))?;
            }
        }
        Format::Marked => print_all(&format!("{}\n", marked(message)))?,
        Format::Json => print_report(agent, message)?,
    }
    match (&message.status, &agent.failure) {
        (_, Some(_)) => Err(failure(agent)),
        (Status::Interrupted { why }, None) => {
            progress.line(&format!("(the answer is not complete: {why})"));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What is waited with: one listener for Ctrl+C, so that none is missed between two steps.
struct Waiting<I> {
    progress: Progress,
    printed: Printed,
    interrupt: I,
}

impl<I: Future<Output = io::Result<()>> + Unpin> Waiting<I> {
    /// Waits for the next thing to happen; Ctrl+C stops the answer and ends.
    async fn step(&mut self, driver: &mut Driver) -> Result<(), PrintError> {
        tokio::select! {
            biased;
            signal = &mut self.interrupt => {
                signal?;
                stop(driver).await;
                self.progress.clear();
                self.tell_steps(driver.agent())?;
                Err(PrintError::Stopped)
            }
            () = driver.next() => {
                // Nobody is here to ask, and the tools know it; whatever asks all the same is refused.
                if driver.agent().asking().is_some() {
                    driver.send(Event::Decide(Choice::Deny(None)));
                }
                self.tell_steps(driver.agent())?;
                self.progress.leaves(driver.agent());
                self.progress.show(driver.agent());
                Ok(())
            }
        }
    }

    /// Tells of the steps, each on lines of its own: between two, the model's line has ended.
    fn tell_steps(&mut self, agent: &Agent) -> io::Result<()> {
        if matches!(agent.turn, Turn::Acting { .. }) || self.progress.has_steps(agent) {
            self.printed.end_line()?;
        }
        self.progress.steps(agent);
        Ok(())
    }
}

/// Waits for Ctrl+C. Where it isn't listened to, because writing waits for a reader that
/// reads no more, it ends percept all the same after a moment.
async fn interrupt() -> io::Result<()> {
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);
    let (sender, stopped) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let _ = sender.send(tokio::signal::ctrl_c().await);
        tokio::time::sleep(PATIENCE).await;
        std::process::exit(130);
    });
    stopped.await.unwrap_or(Ok(()))
}

/// Lets the worker stop and the store take what came, for as long as that is quick.
async fn stop(driver: &mut Driver) {
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
    driver.send(Event::Cancel);
    let stopped = async {
        while driver.agent().busy() {
            driver.next().await;
        }
    };
    if tokio::time::timeout(PATIENCE, stopped).await.is_err() {
        tracing::warn!("the answer did not stop in time");
    }
}

/// Whether attachments are still being read; an error if one can't be.
fn taking(agent: &Agent) -> Result<bool, PrintError> {
    for chip in &agent.chips {
        if let ChipState::Failed { why } = &chip.state {
            return Err(PrintError::Input(why.clone()));
        }
    }
    Ok(agent.chips.iter().any(Chip::is_taking))
}

/// An error if no model will come that could answer.
fn check_model(agent: &Agent) -> Result<(), PrintError> {
    match agent.hopeless() {
        Some(_) => Err(failure(agent)),
        None => Ok(()),
    }
}

/// The words and the kind of what went wrong.
fn failure(agent: &Agent) -> PrintError {
    let Some(failure) = &agent.failure else {
        let said: Vec<&str> = agent.notices.iter().map(|notice| notice.text.as_str()).collect();
        return match said.is_empty() {
            true => PrintError::Engine("The model answered nothing.".to_owned()),
            false => PrintError::Input(said.join(" ")),
        };
    };
    let words = failure.in_words();
    match failure.kind {
        FailureKind::ContextOverflow | FailureKind::Media => PrintError::Input(words),
        _ => PrintError::Engine(words),
    }
}

/// The newest of what the model said to the last question: behind a step that goes on, what
/// it said before.
fn answer(agent: &Agent) -> Option<&Message> {
    let since = agent.transcript.iter().rev().take_while(|message| message.role != Role::User);
    since.into_iter().find(|message| message.role == Role::Assistant)
}

/// What a call brought, where the model doesn't read it: it is the answer then.
fn result_that_stands(agent: &Agent) -> Option<&str> {
    match agent.transcript.last()?.parts.first()? {
        Part::ToolResult(result) if !agent.reads_results() => Some(&result.text),
        _ => None,
    }
}

/// How much of which answer was printed: between its steps a model says several.
#[derive(Debug, Default)]
struct Printed {
    message: Option<MessageId>,
    bytes: usize,
    in_line: bool,
}

impl Printed {
    /// Prints what came since the last time. Control characters of the model's are shown,
    /// not sent, where standard output is a terminal.
    fn go_on(&mut self, message: &Message) -> io::Result<()> {
        if self.message.replace(message.id) != Some(message.id) {
            self.end_line()?;
            self.bytes = 0;
        }
        let text = message.text();
        let Some(rest) = text.get(self.bytes..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
        self.bytes = text.len();
        self.in_line = !rest.ends_with('\n');
        print_all(rest)
    }

    fn has_more(&self, message: &Message) -> bool {
        let known = if self.message == Some(message.id) { self.bytes } else { 0 };
        message.text().len() > known
    }

    fn finish(&mut self, message: &Message) -> io::Result<()> {
        self.go_on(message)?;
        // An answer without a word is a line all the same.
        self.in_line |= self.bytes == 0;
        self.end_line()
    }

    fn end_line(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.in_line) {
            true => print_all("\n"),
            false => Ok(()),
        }
    }
}

fn print_all(rest: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.is_terminal() {
        true => out.write_all(text::printable(rest).as_bytes())?,
        false => out.write_all(rest.as_bytes())?,
    }
    out.flush()
}

/// The answer with `(?)` behind each word that the model was unsure of.
fn marked(message: &Message) -> String {
    let mut out = String::new();
    for part in &message.parts {
        let Part::Text { text, unsure } = part else { continue };
        let mut rest = 0;
        for span in unsure {
            out.push_str(text.get(rest..span.end).unwrap_or_default());
            out.push_str("(?)");
            rest = span.end;
        }
        out.push_str(text.get(rest..).unwrap_or_default());
    }
    out
}

fn print_report(agent: &Agent, message: &Message) -> io::Result<()> {
    let unsure = message.parts.iter().flat_map(|part| match part {
        Part::Text { text, unsure } => unsure
            .iter()
            .filter_map(|span| Some(Unsure { word: text.get(span.start..span.end)?, span: *span }))
            .collect(),
        Part::Attachment { .. } | Part::Summary(_) | Part::ToolCall(_) | Part::ToolResult(_) => Vec::new(),
    });
    let report = Report {
        session: agent.session,
        model: agent.model.as_ref().map_or("", |model| &model.name),
        sent_to: agent.leaves_to(),
        redacted: agent.leaves_to().map(|_| agent.redacted),
        answer: message.text(),
        complete: message.status == Status::Complete,
        interrupted: match &message.status {
            Status::Interrupted { why } => Some(why),
            Status::Complete | Status::Streaming => None,
        },
        unsure: unsure.collect(),
        attachments: agent.transcript.iter().flat_map(Message::attachments).collect(),
        steps: agent.transcript.iter().filter_map(Message::result).collect(),
        ledger: &agent.ledger,
        stats: message.stats.as_ref(),
    };
    print_all(&format!("{}\n", serde_json::to_string_pretty(&report)?))
}

fn say_notices(agent: &Agent) {
    // A failure is said at the end, with the exit code.
    if agent.failure.is_none() {
        let mut err = io::stderr().lock();
        for notice in &agent.notices {
            // Nothing can be done where standard error itself is closed.
            let _ = writeln!(err, "percept: {}", notice.text);
        }
    }
}

/// The line on standard error that says what takes so long. Only in a terminal.
struct Progress {
    shown: Option<String>,
    model: Option<MessageId>,
    /// The last step that was told of.
    told: Option<MessageId>,
    /// It was told where the text goes.
    leaves: bool,
    terminal: bool,
}

impl Progress {
    fn new() -> Self {
        // An answer that is printed to the same terminal would be mixed with the line.
        Self { shown: None, model: None, told: None, leaves: false, terminal: io::stderr().is_terminal() }
    }

    fn show(&mut self, agent: &Agent) {
        let now = match (&agent.engine, &agent.turn) {
            (EngineState::Loading { name, done, .. }, _) => Some(format!("loading {name} {}%", done / 10)),
            (_, Turn::Answering { message, progress, .. }) if self.model != Some(*message) => {
                progress.map(|(stage, done, total)| match stage {
                    Stage::Encoding => {
                        format!("looking at picture {} of {total}", (done + 1).min(total.max(1)))
                    }
                    Stage::Prefill => format!("reading {done} of {total} tokens"),
                    Stage::Loading | Stage::Transcribing | Stage::Embedding => format!("{done} of {total}"),
                })
            }
            (_, Turn::Acting { step: Step::Running { for_ms, .. }, call, .. }) => {
                Some(format!("running {} for {} s", call.name, for_ms / 1000))
            }
            _ => None,
        };
        if let Turn::Answering { message, progress: None, .. } = agent.turn
            && answer(agent).is_some_and(|answer| !answer.text().is_empty())
        {
            self.model = Some(message);
        }
        if let Some(now) = now
            && self.terminal
            && self.shown.as_ref() != Some(&now)
        {
            let _ = write!(io::stderr(), "\r\x1b[K{now}");
            self.shown = Some(now);
        }
    }

    /// The steps that ended and were not told of.
    fn new_steps<'a>(&self, agent: &'a Agent) -> Vec<&'a Message> {
        let ended = |message: &&Message| message.status != Status::Streaming && Some(message.id) > self.told;
        agent.transcript.iter().filter(|message| message.role == Role::Tool).filter(ended).collect()
    }

    fn has_steps(&self, agent: &Agent) -> bool {
        !self.new_steps(agent).is_empty()
    }

    /// Tells of the steps that ended, a line each.
    fn steps(&mut self, agent: &Agent) {
        for message in self.new_steps(agent) {
            let Some(result) = message.result() else { continue };
            let shown = text::printable(&result.shown).replace('\n', " ");
            self.line(&format!("· {shown}  ({})", text::printable(&result.leave)));
            self.told = Some(message.id);
        }
    }

    /// Tells once, as soon as a text leaves this machine, where it goes.
    fn leaves(&mut self, agent: &Agent) {
        if let Some(address) = agent.leaves_to()
            && matches!(agent.turn, Turn::Answering { .. })
            && !std::mem::replace(&mut self.leaves, true)
        {
            self.line(&format!("→ {}", text::printable(address)));
        }
    }

    fn clear(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    fn line(&mut self, line: &str) {
        self.clear();
        let _ = writeln!(io::stderr(), "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsure_words_are_marked_behind() {
        let message = Message {
            id: MessageId(1),
            parent: None,
            role: Role::Assistant,
            parts: vec![Part::Text {
                text: "A red dialog.".into(),
                unsure: vec![Span { start: 2, end: 5 }, Span { start: 6, end: 13 }],
            }],
            status: Status::Complete,
            created_ms: 0,
            stats: None,
        };
        assert_eq!(marked(&message), "A red(?) dialog.(?)");
    }
}
