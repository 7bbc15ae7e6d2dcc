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
//! As a speech worker it hears a word of [`SCRIPT`] in each 100 ms of sound, whatever that is.
//!
//! As an embedding worker it makes a vector of the words of a text (lower case, each adds one at a
//! place that its hash names), and of a picture's file by its hash; it scores a pair by the words
//! that are in both. A vector has as many numbers as the model's header says, else [`DIMENSIONS`].
//!
//! A question with lines `call NAME {ARGUMENTS}` makes it call these tools, one after the
//! other, as a model would: the next when the one before has its result, then it answers.
//! `leak NAME {ARGUMENTS}` calls as plain text that was recovered.
//!
//! The answer quotes the last question and names the pictures that it was given.

use std::io::Write as _;
use std::time::{Duration, Instant};

use percept::message::Role;
use percept::wire::{
    ChatMessage, Content, DoneReport, EmbedInput, Engine, Event, ExitOnEnd, Failure, FailureKind, Ledger,
    LedgerEntry, LedgerKind, Limits, LoadOptions, MAX_LINE_BYTES, ModelInfo, Output, PROTOCOL_VERSION, Ready,
    Request, SAMPLE_RATE, Sampling, Segment, SpeechOptions, Stage, StopReason, Timings, ToolSpec, Usage,
    floats, serve,
};

/// Tokens that the fake says a picture becomes.
const IMAGE_TOKENS: u64 = 100;

/// What is heard, an utterance each, over and over.
const SCRIPT: [&str; 4] = ["Look at the log", "and tell me what", "it says of db_pool.", "Why is that?"];

/// Sound that is a word.
const WORD_SAMPLES: usize = SAMPLE_RATE as usize / 10;

/// Numbers of a vector, where the model's file is no GGUF.
const DIMENSIONS: usize = 64;

/// Milliseconds of [`WORD_SAMPLES`].
const WORD_MS: u64 = 100;

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
        if let Some(done) = call_of(messages, tools, gullible, output) {
            return Ok(DoneReport { usage, ..done });
        }
        let answer = match () {
            () if self.does("long") => (0..400).map(|n| format!("word{n}")).collect::<Vec<_>>().join(" "),
            () if self.does("titles") && asks_for_title(messages) => "**\"Named by the fake\"**".to_owned(),
            () if self.does("echo") => {
                serde_json::json!({ "options": self.options, "sampling": sampling }).to_string()
            }
            () => answer_to(messages),
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

/// Speech.
impl Fake {
    fn listen(&self, speech: &SpeechOptions, output: &Output<'_>) -> Result<DoneReport, Failure> {
        output.event(Event::Language { code: "en".to_owned(), detected: Some(990) });
        let spelt = [speech.vocabulary.join(" ")];
        let spelt: Vec<&str> = spelt.iter().map(String::as_str).filter(|words| !words.is_empty()).collect();
        let script = if self.does("spell") && !spelt.is_empty() { &spelt[..] } else { &SCRIPT[..] };
        let mut utterances = script.iter().cycle();
        let mut words: Vec<&str> = Vec::new();
        let (mut samples, mut heard, mut said) = (0, 0, 0);
        loop {
            let sound = output.sound(Duration::from_millis(500))?;
            if output.cancelled() {
                return Ok(DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() });
            }
            samples += sound.samples.len();
            while samples >= WORD_SAMPLES {
                samples -= WORD_SAMPLES;
                if words.is_empty() {
                    words = utterances.next().map(|words| words.split(' ').collect()).unwrap_or_default();
                    said = 0;
                }
                (heard, said) = (heard + 1, said + 1);
                self.die_or_hang(self.does("diespeech") && heard == 6, false);
                let text = words[..said].join(" ");
                if said == words.len() {
                    words.clear();
                    output.event(segment(text, heard));
                } else {
                    output.event(Event::Partial { text });
                }
            }
            if sound.finished {
                break;
            }
        }
        if !words.is_empty() {
            output.event(segment(words[..said].join(" "), heard));
        }
        Ok(DoneReport::default())
    }

    fn transcribe(&self, output: &Output<'_>) -> DoneReport {
        output.event(Event::Language { code: "en".to_owned(), detected: Some(990) });
        for (text, start_ms) in [("This is what was said.", 0), ("And this too.", 1000)] {
            let (text, end_ms) = (text.to_owned(), start_ms + 1000);
            output.event(Event::Segment(Segment { start_ms, end_ms, text, words: Vec::new() }));
            self.die_or_hang(false, self.does("hangspeech"));
            output.event(Event::Progress { stage: Stage::Transcribing, done: end_ms, total: 2000 });
        }
        output.event(Event::Sound { duration_ms: 2000, notes: Vec::new() });
        DoneReport::default()
    }
}

/// Vectors.
impl Fake {
    fn embed(&self, inputs: &[EmbedInput], output: &Output<'_>) -> Result<DoneReport, Failure> {
        if !self.options.embed {
            let said = "The model was loaded to answer: it can't find vectors.";
            return Err(Failure::new(FailureKind::NotLoaded, said));
        }
        let total = inputs.len() as u64;
        for (done, input) in (0_u64..).zip(inputs) {
            if output.cancelled() {
                return Ok(DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() });
            }
            self.die_or_hang(self.does("dieembed") && done == 1, self.does("hangembed") && done == 1);
            if self.does("slowembed") {
                std::thread::sleep(Duration::from_millis(20));
            }
            let vector = vector_of(input, self.dimensions)?;
            output.event(Event::Vectors { dimensions: vector.len(), data: floats::encode(&vector) });
            output.event(Event::Progress { stage: Stage::Embedding, done: done + 1, total });
        }
        Ok(DoneReport::default())
    }
}

fn vector_of(input: &EmbedInput, dimensions: usize) -> Result<Vec<f32>, Failure> {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let mut vector = vec![0.0; dimensions];
    let mut add = |bytes: &[u8]| vector[blake3::hash(bytes).as_bytes()[0] as usize % dimensions] += 1.0;
    match input {
        EmbedInput::Text { text, .. } => words(text).iter().for_each(|word| add(word.as_bytes())),
        EmbedInput::Image { path, .. } => {
            let unreadable =
                |error| Failure::new(FailureKind::Media, format!("{}: {error}.", path.display()));
            blake3::hash(&std::fs::read(path).map_err(unreadable)?)
                .as_bytes()
                .iter()
                .for_each(|b| add(&[*b]));
        }
        EmbedInput::Pair { query, passage } => {
            let passage = words(passage);
            let both = words(query).iter().filter(|word| passage.contains(word)).count();
            return Ok(vec![both as f32]);
        }
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    match length > 0.0 {
        true => vector.iter_mut().for_each(|value| *value /= length),
        false => vector[0] = 1.0,
    }
    Ok(vector)
}

/// A segment that ends with that word.
fn segment(text: String, word: u64) -> Event {
    let words = text.split(' ').count() as u64;
    let (start_ms, end_ms) = ((word - words.min(word)) * WORD_MS, word * WORD_MS);
    Event::Segment(Segment { start_ms, end_ms, text, words: Vec::new() })
}

/// Makes the next call of the last question's script, if there is one; then, if it is to, of
/// what the texts order.
fn call_of(
    messages: &[ChatMessage],
    tools: &[ToolSpec],
    gullible: bool,
    output: &Output<'_>,
) -> Option<DoneReport> {
    let question = messages.iter().rposition(|message| message.role == Role::User)?;
    let texts = messages[question].content.iter().filter_map(|content| match content {
        Content::Text { text } => Some(text.as_str()),
        _ => None,
    });
    let script: String = texts.collect::<Vec<_>>().join("\n");
    let made = messages[question..].iter().filter(|message| message.role == Role::Tool).count();
    let is_call = |line: &&str| line.starts_with("call ") || line.starts_with("leak ");
    let mut calls: Vec<String> = script.lines().filter(is_call).map(str::to_owned).collect();
    if gullible {
        calls.extend(orders(messages, tools).iter().map(|command| {
            let all = serde_json::json!({ "command": command, "write": true, "network": true });
            format!("call shell {all}")
        }));
    }
    let line = calls.get(made)?;
    let (how, call) = line.split_once(' ')?;
    let (name, arguments) = call.split_once(' ').unwrap_or((call, "{}"));
    let arguments = serde_json::from_str(arguments).ok()?;
    let say = |text: &str| output.event(Event::Token { text: text.to_owned(), logprob: -0.01 });
    say("Let me look. ");
    let leaked_bytes = if how == "leak" { call.len() } else { 0 };
    if leaked_bytes > 0 {
        say(call);
    }
    output.event(Event::ToolCall { name: name.to_owned(), arguments, leaked_bytes });
    Some(DoneReport { stop: StopReason::ToolCall, ..DoneReport::default() })
}

/// The commands that stand as `run ` and backticks in what the model gets.
fn orders(messages: &[ChatMessage], tools: &[ToolSpec]) -> Vec<String> {
    let texts = messages.iter().flat_map(|message| &message.content).filter_map(|content| match content {
        Content::Text { text } | Content::ToolResult { text, .. } => Some(text.as_str()),
        _ => None,
    });
    let mut orders: Vec<String> = Vec::new();
    for text in texts.chain(tools.iter().map(|tool| tool.description.as_str())) {
        let quoted = text.split("run `").skip(1).filter_map(|rest| Some(rest.split_once('`')?.0));
        let behind = text.split("run: ").skip(1).filter_map(|rest| rest.lines().next());
        for command in quoted.chain(behind).map(str::trim) {
            if !orders.iter().any(|known| known == command) {
                orders.push(command.to_owned());
            }
        }
    }
    orders
}

fn asks_for_title(messages: &[ChatMessage]) -> bool {
    let last = messages.last().and_then(|message| message.content.last());
    matches!(last, Some(Content::Text { text }) if text.contains("conversation a title"))
}

/// The beginning of what asks for a summary.
const SUM_UP: &str = "The conversation is too long";

/// A summary, with a word on each picture that is asked about.
fn summary_of(question: &str) -> String {
    let pictures = question.lines().filter(|line| line.ends_with(".png:"));
    let pictures: String = pictures.map(|line| format!("\n{line} a dialog")).collect();
    format!("In short: much was said.{pictures}")
}

fn answer_to(messages: &[ChatMessage]) -> String {
    let mut question = "";
    let mut pictures = 0;
    let mut results = Vec::new();
    for content in messages.iter().flat_map(|message| &message.content) {
        match content {
            Content::Text { text } => question = text.as_str(),
            Content::Image { .. } => pictures += 1,
            Content::Audio { .. } => {}
            Content::ToolResult { text, .. } => results.push(text.as_str()),
            Content::ToolCall { .. } => {}
        }
    }
    if question.starts_with(SUM_UP) {
        return summary_of(question);
    }
    if let Some(last) = results.last() {
        let last = last.lines().take(3).collect::<Vec<_>>().join(" / ");
        return format!(
            "After {} results, the last one says: `{last}`. I see {pictures} pictures.",
            results.len()
        );
    }
    format!("You asked \"{question}\" about {pictures} pictures, **perhaps** `code` perhaps so.")
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
                self.dimensions = header.and_then(|header| header.vector_length()).unwrap_or(DIMENSIONS);
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
