//! A worker for tests: the real `serve` loop around a script, in place of an engine.
//!
//! It never computes: it answers from what it is asked. `PERCEPT_FAKE` changes how it
//! behaves, as words with spaces between:
//!
//! - `slow`: 20 ms between tokens
//! - `die`: ends with exit code 7 at the third token, once (needs `PERCEPT_FAKE_ONCE`, a file)
//! - `mute`: never says who it is
//! - `old`: speaks version 0 of the protocol
//! - `noload`: fails every load
//! - `small`: says that the prompt doesn't fit
//! - `blind`: fails on pictures
//! - `long`: answers with 400 words
//! - `hang`: looks for no cancel behind the first word, once (needs `PERCEPT_FAKE_ONCE`)
//! - `gullible`: does what any text that it gets orders: behind its script it calls the shell
//!   with each command that stands as `run ` and backticks somewhere, or behind `run:` on a line
//!   (as OCR reads it), and asks for all leave
//! - `context:N`: the context holds N tokens, and a prompt of more doesn't fit
//! - `record`: appends the messages of each question as JSON to the file beside
//!   `PERCEPT_FAKE_ONCE` that ends with `.asked`
//! - `echo`: answers with the options of the load and the sampling, as JSON
//! - `nospeech`, `slowspeech`: fails to load a speech model (no `.gguf`), takes 1 s for it
//! - `diespeech`: ends with exit code 7 at the sixth word that it hears, once (needs
//!   `PERCEPT_FAKE_ONCE`)
//! - `hangspeech`: does nothing more behind the first sentence of a file, once (needs
//!   `PERCEPT_FAKE_ONCE`)
//! - `noembed`: fails to load a model for vectors
//! - `dieembed`, `hangembed`: ends with exit code 7, or does nothing more, at the second input
//!   that it finds a vector for, once (needs `PERCEPT_FAKE_ONCE`)
//! - `slowembed`: 20 ms for each
//! - `spell`: hears the words of its vocabulary
//! - `titles`: gives a conversation a title where it is asked for one, as prompts/title.md does
//!
//! `PERCEPT_FAKE_LOG` names a file: a line for each request that ended, its name and how.
//!
//! As a speech worker it hears a word of its script (`speech.rs`) in each 100 ms of sound, whatever that is.
//!
//! As an embedding worker it makes a vector of the words of a text (lower case, each adds one at a
//! place that its hash names), and of a picture's file by its hash; it scores a pair by the words
//! that are in both. A vector has as many numbers as the model's header says, else 64.
//!
//! A question with lines `call NAME {ARGUMENTS}` makes it call these tools, one after the
//! other, as a model would: the next when the one before has its result, then it answers.
//! `leak NAME {ARGUMENTS}` calls as plain text that was recovered.
//!
//! The answer quotes the last question and names the pictures that it was given.

use std::io::Write as _;
use std::time::{Duration, Instant};

use percept::wire::{
    ChatMessage, Content, DoneReport, Engine, Event, ExitOnEnd, Failure, FailureKind, Ledger, LedgerEntry,
    LedgerKind, Limits, LoadOptions, MAX_LINE_BYTES, ModelInfo, Output, PROTOCOL_VERSION, Ready, Request,
    Sampling, Stage, StopReason, Timings, ToolSpec, Usage, serve,
};

mod script;
mod speech;
mod vectors;

/// Tokens that the fake says a picture becomes.
const IMAGE_TOKENS: u64 = 100;

struct Fake {
    behaviour: String,
    /// The rendered messages that are "in the cache".
    cached: Vec<String>,
    /// How the last load was asked for.
    options: LoadOptions,
    /// Numbers of a vector.
    dimensions: usize,
}

impl Fake {
    fn does(&self, word: &str) -> bool {
        self.behaviour.split_whitespace().any(|own| own == word)
    }

    /// Tokens that the context holds.
    fn context(&self) -> u64 {
        let own = self.behaviour.split_whitespace().find_map(|word| word.strip_prefix("context:"));
        own.and_then(|own| own.parse().ok()).unwrap_or(4096)
    }

    fn record(&self, messages: &[ChatMessage]) {
        let Some(once) = std::env::var_os("PERCEPT_FAKE_ONCE").filter(|_| self.does("record")) else {
            return;
        };
        let path = std::path::PathBuf::from(once).with_extension("asked");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        if let (Ok(mut file), Ok(line)) = (file, serde_json::to_string(messages)) {
            let _ = writeln!(file, "{line}");
        }
    }

    fn ledger(&self, messages: &[ChatMessage]) -> Ledger {
        let mut ledger = Ledger { context: self.context(), ..Ledger::default() };
        for (index, message) in messages.iter().enumerate() {
            for (place, content) in message.content.iter().enumerate() {
                let (kind, tokens, bytes) = match content {
                    Content::ToolCall { .. } => continue,
                    Content::Text { text } | Content::ToolResult { text, .. } => {
                        (LedgerKind::Text, text.split_whitespace().count() as u64, text.len() as u64)
                    }
                    Content::Audio { .. } => (LedgerKind::Audio, IMAGE_TOKENS, 0),
                    Content::Image { path, .. } => (
                        LedgerKind::Image,
                        IMAGE_TOKENS,
                        std::fs::metadata(path).map_or(0, |file| file.len()),
                    ),
                };
                ledger.total_tokens += tokens;
                let cached = self.cached.contains(&format!("{content:?}"));
                let encode_ms = (kind == LedgerKind::Image).then_some(5.0);
                let (message, content) = (Some(index), Some(place));
                ledger.entries.push(LedgerEntry { message, content, kind, tokens, bytes, encode_ms, cached });
            }
        }
        ledger
    }

    fn evaluate(&mut self, messages: &[ChatMessage], output: &Output<'_>) -> Result<Usage, Failure> {
        let before = self.ledger(messages);
        let images = before.entries.iter().filter(|entry| entry.kind == LedgerKind::Image).count() as u64;
        if self.does("blind") && images > 0 {
            return Err(Failure::new(FailureKind::Media, "The picture can't be read.").hint("Take it out."));
        }
        if self.does("small") {
            let said = "The prompt has 9,000 tokens and the context holds 4,096.";
            return Err(Failure::new(FailureKind::ContextOverflow, said).hint("Take an attachment out."));
        }
        if before.total_tokens > before.context {
            let said = format!("The prompt has {} tokens.", before.total_tokens);
            return Err(Failure::new(FailureKind::ContextOverflow, said).hint("Take an attachment out."));
        }
        let cached = before.entries.iter().filter(|entry| entry.cached).map(|entry| entry.tokens).sum();
        if images > 0 {
            output.event(Event::Progress { stage: Stage::Encoding, done: 0, total: images });
            self.pause();
        }
        for message in messages {
            self.cached.extend(message.content.iter().map(|content| format!("{content:?}")));
        }
        output.event(Event::Ledger(self.ledger(messages)));
        Ok(Usage {
            prompt_tokens: before.total_tokens,
            cached_tokens: cached,
            evaluated_tokens: before.total_tokens - cached,
            encoded_images: before.entries.iter().filter(|e| e.kind == LedgerKind::Image && !e.cached).count()
                as u64,
            ..Usage::default()
        })
    }

    fn pause(&self) {
        if self.does("slow") {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn generate(
        &mut self,
        messages: &[ChatMessage],
        tools: &[ToolSpec],
        sampling: &Sampling,
        output: &Output<'_>,
    ) -> Result<DoneReport, Failure> {
        let start = Instant::now();
        self.record(messages);
        let mut usage = self.evaluate(messages, output)?;
        let gullible = self.does("gullible");
        if let Some(done) = script::call_of(messages, tools, gullible, output) {
            return Ok(DoneReport { usage, ..done });
        }
        let answer = match () {
            () if self.does("long") => (0..400).map(|n| format!("word{n}")).collect::<Vec<_>>().join(" "),
            () if self.does("titles") && script::asks_for_title(messages) => {
                "**\"Named by the fake\"**".to_owned()
            }
            () if self.does("echo") => {
                serde_json::json!({ "options": self.options, "sampling": sampling }).to_string()
            }
            () => script::answer_to(messages),
        };
        let first_token_ms = start.elapsed().as_secs_f64() * 1000.0;
        for word in answer.split_inclusive(' ') {
            if output.cancelled() {
                return Ok(DoneReport { stop: StopReason::Cancelled, usage, timings: Timings::default() });
            }
            self.die_or_hang_at(usage.completion_tokens);
            // The word `perhaps` is one that the fake is unsure of.
            let logprob = if word.trim() == "perhaps" { -2.0 } else { -0.01 };
            output.event(Event::Token { text: word.to_owned(), logprob });
            usage.completion_tokens += 1;
            self.pause();
        }
        let decode_ms = start.elapsed().as_secs_f64() * 1000.0 - first_token_ms;
        let timings = Timings { first_token_ms, decode_ms, ..Timings::default() };
        Ok(DoneReport { stop: StopReason::Finished, usage, timings })
    }

    fn die_or_hang_at(&self, token: u64) {
        self.die_or_hang(self.does("die") && token == 3, self.does("hang") && token == 1);
    }

    fn die_or_hang(&self, die: bool, hang: bool) {
        let Some(once) = std::env::var_os("PERCEPT_FAKE_ONCE").filter(|_| die || hang) else { return };
        if std::fs::File::create_new(once).is_err() {
            return;
        }
        if hang {
            std::thread::sleep(Duration::from_secs(600));
        }
        let _ = writeln!(std::io::stderr(), "fake: dying as told");
        std::process::exit(7);
    }
}

impl Engine for Fake {
    fn ready(&self) -> Ready {
        Ready {
            protocol: if self.does("old") { 0 } else { PROTOCOL_VERSION },
            engine: "fake".to_owned(),
            build: "fake 1".to_owned(),
            cpu_features: vec!["NONE".to_owned()],
            limits: Limits { max_line_bytes: MAX_LINE_BYTES },
            gpus: Vec::new(),
        }
    }

    fn handle(&mut self, request: Request, output: &Output<'_>) -> Result<DoneReport, Failure> {
        let name = request.name();
        let done = self.answer(request, output);
        note(name, &done);
        done
    }
}

/// Writes into the log how a request ended.
fn note(name: &str, done: &Result<DoneReport, Failure>) {
    let Some(path) = std::env::var_os("PERCEPT_FAKE_LOG") else { return };
    let how = match done {
        Ok(report) => format!("{:?}", report.stop),
        Err(failure) => format!("{:?}", failure.kind),
    };
    let file = std::fs::File::options().append(true).create(true).open(path);
    let _ = file.and_then(|mut file| writeln!(file, "{name} {how}"));
}

impl Fake {
    fn answer(&mut self, request: Request, output: &Output<'_>) -> Result<DoneReport, Failure> {
        match request {
            Request::Load { .. } if self.does("noload") => {
                Err(Failure::new(FailureKind::ModelFile, "The model is cut off.").hint("Copy it again."))
            }
            Request::Load { model, .. }
                if self.does("nospeech") && model.extension().is_none_or(|ending| ending != "gguf") =>
            {
                Err(Failure::new(FailureKind::ModelFile, "The speech model is cut off.")
                    .hint("Copy it again."))
            }
            Request::Load { options, .. } if options.embed && self.does("noembed") => {
                Err(Failure::new(FailureKind::ModelFile, "The embedding model is cut off.")
                    .hint("Copy it again."))
            }
            Request::Load { options, model, .. } => {
                if self.does("slowspeech") && model.extension().is_none_or(|ending| ending != "gguf") {
                    std::thread::sleep(Duration::from_secs(1));
                }
                let header = percept::gguf::read_model(&model).ok();
                self.dimensions =
                    header.and_then(|header| header.vector_length()).unwrap_or(vectors::DIMENSIONS);
                let dimensions = options.embed.then_some(self.dimensions);
                self.options = options;
                self.cached.clear();
                output.event(Event::Progress { stage: Stage::Loading, done: 500, total: 1000 });
                output.event(Event::Loaded(ModelInfo {
                    name: "fake".to_owned(),
                    context: u32::try_from(self.context()).unwrap_or(u32::MAX),
                    vision: true,
                    dimensions,
                    ..ModelInfo::default()
                }));
                Ok(DoneReport::default())
            }
            Request::Measure { messages, .. } => {
                output.event(Event::Ledger(self.ledger(&messages)));
                Ok(DoneReport::default())
            }
            Request::Prefill { messages, .. } => {
                let usage = self.evaluate(&messages, output)?;
                Ok(DoneReport { usage, ..DoneReport::default() })
            }
            Request::Generate { messages, tools, sampling, .. } => {
                self.generate(&messages, &tools, &sampling, output)
            }
            Request::SaveState { path, .. } => std::fs::write(path, b"fake")
                .map(|()| DoneReport::default())
                .map_err(|error| Failure::new(FailureKind::Internal, error.to_string())),
            Request::Transcribe { .. } => Ok(self.transcribe(output)),
            Request::Listen { speech } => self.listen(&speech, output),
            Request::Embed { inputs } => self.embed(&inputs, output),
            Request::RestoreState { .. } | Request::Frames { .. } | Request::Finish { .. } => {
                Err(Failure::new(FailureKind::Unsupported, "The fake worker doesn't do that."))
            }
            Request::Cancel { .. } | Request::Shutdown => Ok(DoneReport::default()),
        }
    }
}

fn main() {
    let behaviour = std::env::var("PERCEPT_FAKE").unwrap_or_default();
    let mut fake = Fake { behaviour, cached: Vec::new(), options: LoadOptions::default(), dimensions: 0 };
    if fake.does("mute") {
        std::thread::sleep(Duration::from_secs(60));
    }
    serve(&mut fake, ExitOnEnd(std::io::stdin()), std::io::stdout());
}
