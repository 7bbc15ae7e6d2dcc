//! `percept ask`: one question, the answer on standard output.

use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;

use super::open::{Overrides, Setup, runtime, shut_down};
use super::{ModelArgs, Trouble};
use crate::agent::Event;
use crate::attachment::Source;
use crate::intake::Given;
use crate::print::{self, Format, PrintError};

/// After so long without an end of standard input it is said what is waited for.
const STDIN_PATIENCE: Duration = Duration::from_secs(2);

/// Ask one question and print the answer
#[derive(Debug, Args)]
pub(super) struct AskArgs {
    /// What to ask
    #[arg(value_parser = question)]
    question: String,
    /// A picture, recording, film, log, folder of logs, table or text file to attach; can be given
    /// several times
    #[arg(short, long = "attach", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    attach: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    /// Print one JSON object at the end (docs/json.md)
    #[arg(long)]
    json: bool,
    /// Seed of the random choice of tokens
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// 0 takes the most likely token each time
    #[arg(long, value_name = "T", value_parser = temperature)]
    temperature: Option<f32>,
    /// The most tokens to answer with
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: Option<u32>,
    /// Let the model call no tools
    #[arg(long)]
    no_tools: bool,
}

fn question(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("the question is empty".to_owned()),
        question => Ok(question.to_owned()),
    }
}

fn temperature(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if (0.0..=10.0).contains(&value) => Ok(value),
        _ => Err("a number from 0 to 10".to_owned()),
    }
}

pub(super) fn run(args: AskArgs) -> Result<(), Trouble> {
    let setup = Setup::load()?;
    let mut given: Vec<Given> = args.attach.into_iter().map(Given::Path).collect();
    given.extend(standard_input(setup.config.intake().max_file_bytes)?);
    let overrides = Overrides {
        seed: args.seed,
        temperature: args.temperature,
        max_tokens: args.max_tokens,
        no_tools: args.no_tools,
        nobody_to_ask: true,
        question: args.question.clone(),
        keeps_index: false,
        gives_titles: false,
        measured: None,
    };
    let format = if args.json { Format::Json } else { Format::Text };
    answer(&setup, &args.model, &overrides, given, args.question, format)
}

/// Asks and prints; shared with `describe`.
pub(super) fn answer(
    setup: &Setup,
    model: &ModelArgs,
    overrides: &Overrides,
    given: Vec<Given>,
    question: String,
    format: Format,
) -> Result<(), Trouble> {
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let mut driver = setup.driver(overrides)?;
        if let Some(to) = setup.lookups_leave_to(overrides) {
            super::exit::warn(format!("what find_documents looks for goes to {to}"));
        }
        driver.send(Event::UseModel(setup.model(model)));
        print::ask(&mut driver, given, question, format).await.map_err(trouble)
    });
    shut_down(runtime);
    done
}

fn trouble(error: PrintError) -> Trouble {
    match error {
        PrintError::Input(why) => Trouble::User(anyhow::anyhow!(why)),
        PrintError::Engine(why) => Trouble::Engine(anyhow::anyhow!(why)),
        PrintError::Stopped => Trouble::Stopped,
        PrintError::Output(error) => error.into(),
    }
}

/// What is piped or redirected into the command; a terminal or a device such as
/// /dev/null is nothing.
fn standard_input(most: u64) -> Result<Option<Given>, Trouble> {
    let stdin = io::stdin();
    if stdin.is_terminal() || !is_pipe_or_file() {
        return Ok(None);
    }
    let done = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&done);
    std::thread::spawn(move || {
        std::thread::sleep(STDIN_PATIENCE);
        if !ended.load(Ordering::Relaxed) {
            super::exit::warn("reading standard input (give </dev/null if there is none)");
        }
    });
    let mut bytes = Vec::new();
    stdin.lock().take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    done.store(true, Ordering::Relaxed);
    let name = "standard input".to_owned();
    Ok((!bytes.is_empty()).then_some(Given::Bytes { name, bytes, source: Source::Stdin }))
}

#[cfg(unix)]
fn is_pipe_or_file() -> bool {
    use rustix::fs::{FileType, fstat};
    fstat(rustix::stdio::stdin()).is_ok_and(|stat| {
        matches!(
            FileType::from_raw_mode(stat.st_mode),
            FileType::Fifo | FileType::RegularFile | FileType::Socket
        )
    })
}

#[cfg(not(unix))]
fn is_pipe_or_file() -> bool {
    true
}
