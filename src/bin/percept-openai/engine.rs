//! Answers the requests.

use std::time::Instant;

use percept::redact::Found;
use percept::wire::{
    ChatMessage, DoneReport, Engine, Event, Failure, FailureKind, Limits, MAX_LINE_BYTES, ModelInfo, Output,
    PROTOCOL_VERSION, Ready, Request, Sampling, ServerOptions, StopReason, Timings, ToolSpec,
};
use reqwest::Method;
use tokio::runtime::Runtime;

use crate::answer::{Answer, End, Word};
use crate::clean::clean;
use crate::embed::{self, Embedding};
use crate::estimate;
use crate::exchange::{Exchange, Stop};
use crate::failure;
use crate::hear;
use crate::models::{Listed, Model, Props};
use crate::prompt::{self, Asked, Spared};
use crate::server::Server;

/// Tokens of context where neither the server nor the person says how many there are.
const UNKNOWN_CONTEXT: u32 = 8192;

/// The same for a model that finds vectors: what the smaller ones read.
const UNKNOWN_INPUT: u32 = 512;

/// The worker: nothing, until it is told where the server is.
#[derive(Default)]
pub(crate) struct Remote {
    loaded: Option<Loaded>,
}

struct Loaded {
    runtime: Runtime,
    server: Server,
    info: ModelInfo,
    spared: Spared,
    /// Loaded to find vectors.
    embedding: Option<Embedding>,
}

/// What is asked of [`Loaded::generate`].
struct Question {
    messages: Vec<ChatMessage>,
    sampling: Sampling,
    max_tokens: Option<u32>,
    tools: Vec<ToolSpec>,
    must_call: bool,
}

impl Engine for Remote {
    fn ready(&self) -> Ready {
        Ready {
            protocol: PROTOCOL_VERSION,
            engine: "openai".to_owned(),
            build: format!("percept-openai {}", env!("CARGO_PKG_VERSION")),
            cpu_features: Vec::new(),
            limits: Limits { max_line_bytes: MAX_LINE_BYTES },
            gpus: Vec::new(),
        }
    }

    fn handle(&mut self, request: Request, output: &Output<'_>) -> Result<DoneReport, Failure> {
        let name = request.name();
        match request {
            Request::Load { protocol, .. } if protocol != PROTOCOL_VERSION => {
                let said = format!(
                    "percept speaks version {protocol} of the protocol, this worker {PROTOCOL_VERSION}."
                );
                Err(Failure::new(FailureKind::Protocol, said).hint("Install both from the same build."))
            }
            Request::Load { model, options, .. } => {
                self.loaded = None;
                let Some(server) = options.server else {
                    let said = "percept-openai loads no files: it needs the address of a server.";
                    return Err(Failure::new(FailureKind::BadRequest, said).hint("Set [engine] base_url."));
                };
                let unknown = if options.embed { UNKNOWN_INPUT } else { UNKNOWN_CONTEXT };
                let loaded = load(&model.to_string_lossy(), *server, (options.context, unknown), output);
                match loaded.and_then(|loaded| loaded.for_vectors(options.embed, output)) {
                    Ok(loaded) => {
                        output.event(Event::Loaded(loaded.info.clone()));
                        self.loaded = Some(loaded);
                        Ok(DoneReport::default())
                    }
                    Err(Stop::Cancelled) => Ok(cancelled()),
                    Err(stop) => Err(stop.into_failure()),
                }
            }
            // Nothing is evaluated ahead, and nothing is sent before the person sends it.
            Request::Measure { messages, tools } | Request::Prefill { messages, tools } => {
                let context = self.loaded()?.info.context;
                output.event(Event::Ledger(estimate::ledger(&messages, &tools, context)));
                Ok(DoneReport::default())
            }
            Request::Generate { messages, sampling, max_tokens, tools, must_call } => {
                let question = Question { messages, sampling, max_tokens, tools, must_call };
                self.loaded()?.generate(question, output)
            }
            Request::Embed { inputs } => {
                let loaded = self.loaded()?;
                let Some(embedding) = &mut loaded.embedding else {
                    let said = "The model was loaded to answer: it can't find vectors.";
                    return Err(Failure::new(FailureKind::NotLoaded, said));
                };
                let exchange = Exchange { runtime: &loaded.runtime, server: &loaded.server, output };
                ended(embedding.find(&exchange, &loaded.info.name, &inputs))
            }
            Request::Transcribe { path, speech } => {
                let loaded = self.loaded()?;
                let exchange = Exchange { runtime: &loaded.runtime, server: &loaded.server, output };
                ended(hear::transcribe(&exchange, &loaded.info.name, &path, &speech))
            }
            Request::Cancel { .. } | Request::Shutdown => Ok(DoneReport::default()),
            _ => {
                let said = format!("A server with the OpenAI API is not asked for `{name}`.");
                Err(Failure::new(FailureKind::Unsupported, said))
            }
        }
    }
}

impl Remote {
    fn loaded(&mut self) -> Result<&mut Loaded, Failure> {
        self.loaded.as_mut().ok_or_else(|| {
            Failure::new(FailureKind::NotLoaded, "No server is chosen.").hint("Choose a model with /model.")
        })
    }
}

impl Stop {
    fn into_failure(self) -> Failure {
        match self {
            Self::Failed(failure) | Self::Later { failure, .. } => failure,
            Self::Refused(status, _) => {
                Failure::new(FailureKind::Server, format!("The server refuses the request ({status})."))
            }
            Self::Cancelled => Failure::new(FailureKind::Internal, "It was stopped."),
        }
    }

    /// With the words for what the server refused.
    pub(crate) fn of(self, server: &Server) -> Self {
        match self {
            Self::Refused(status, body) => Self::Failed(failure::of_status(server, status, &body)),
            other => other,
        }
    }
}

/// Sees that the server answers and has the model.
fn load(
    name: &str,
    options: ServerOptions,
    (context, unknown): (Option<u32>, u32),
    output: &Output<'_>,
) -> Result<Loaded, Stop> {
    let started = Instant::now();
    let images = options.images;
    let server = Server::with_key(options, output)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| {
        Stop::Failed(Failure::new(
            FailureKind::Internal,
            format!("percept-openai can't start a thread: {error}."),
        ))
    })?;
    let exchange = Exchange { runtime: &runtime, server: &server, output };
    let body = exchange.get("/models").map_err(|stop| stop.of(&server))?;
    let listed: Listed = serde_json::from_slice(&body).map_err(|error| {
        Stop::Failed(failure::strange(&server, &format!("lists no models at /models ({error})")))
    })?;
    let model = listed.choose(name, &server).map_err(Stop::Failed)?;
    let props = if model.has_props() { props(&exchange)? } else { None };
    let said = model.context(props.as_ref());
    let info = ModelInfo {
        context: context.or(said).unwrap_or(unknown),
        context_trained: model.trained(),
        parameters: model.parameters(),
        vision: images && props.as_ref().and_then(Props::vision).unwrap_or(true),
        load_ms: ms_since(started),
        server: Some(server.info().clone()),
        ..named(model)
    };
    Ok(Loaded { runtime, server, info, spared: Spared::default(), embedding: None })
}

fn named(model: Model) -> ModelInfo {
    ModelInfo { name: model.id, architecture: "server".to_owned(), ..ModelInfo::default() }
}

/// What llama-server says of itself beside the API; a server that doesn't is as good.
fn props(exchange: &Exchange<'_>) -> Result<Option<Props>, Stop> {
    let server = exchange.server;
    let root = server.url().trim_end_matches("/v1").to_owned();
    let from = server.url().len() - root.len();
    let path = if from > 0 { "/../props" } else { "/props" };
    match exchange.read(|| server.request(Method::GET, path)) {
        Ok(body) => Ok(serde_json::from_slice(&body).ok()),
        Err(Stop::Cancelled) => Err(Stop::Cancelled),
        Err(_) => Ok(None),
    }
}

impl Loaded {
    /// Finds out how long its vectors are, where it is there to find them.
    fn for_vectors(mut self, wanted: bool, output: &Output<'_>) -> Result<Self, Stop> {
        if wanted {
            let exchange = Exchange { runtime: &self.runtime, server: &self.server, output };
            let embedding = embed::begin(&exchange, &self.info.name)?;
            self.info.dimensions = Some(embedding.dimensions());
            self.embedding = Some(embedding);
        }
        Ok(self)
    }

    fn generate(&mut self, mut question: Question, output: &Output<'_>) -> Result<DoneReport, Failure> {
        if self.embedding.is_some() {
            let said = "The model was loaded to find vectors: it can't answer.";
            return Err(Failure::new(FailureKind::NotLoaded, said));
        }
        let started = Instant::now();
        let found = match self.server.redacts() {
            true => clean(&mut question.messages, &mut question.tools),
            false => Found::default(),
        };
        let mut ledger = estimate::ledger(&question.messages, &question.tools, self.info.context);
        output.event(Event::Ledger(ledger.clone()));
        if found.places() > 0 {
            output.event(Event::Redacted(found));
        }
        let (mut pieces, mut first_ms) = (0, None);
        let each = |words: Vec<Word>| {
            for Word { text, logprob } in words {
                first_ms.get_or_insert_with(|| ms_since(started));
                pieces += 1;
                output.event(Event::Token { text, logprob });
            }
        };
        let answer = match self.ask(&question, output, each) {
            Ok(answer) => answer,
            Err(Stop::Cancelled) => return Ok(cancelled()),
            Err(stop) => return Err(stop.into_failure()),
        };
        let usage = answer.usage(pieces);
        let first_token_ms = first_ms.unwrap_or_else(|| ms_since(started));
        let timings = Timings {
            encode_ms: 0.0,
            prefill_ms: answer.prompt_ms.unwrap_or(first_token_ms),
            first_token_ms,
            decode_ms: ms_since(started) - first_token_ms,
        };
        if usage.prompt_tokens > 0 {
            ledger.total_tokens = usage.prompt_tokens;
            output.event(Event::Ledger(ledger));
        }
        let stop = self.ended(answer, output)?;
        Ok(DoneReport { stop, usage, timings })
    }

    /// Asks, without what the server turns out not to know.
    fn ask(
        &mut self,
        question: &Question,
        output: &Output<'_>,
        mut each: impl FnMut(Vec<Word>),
    ) -> Result<Answer, Stop> {
        let Self { runtime, server, info, spared, .. } = self;
        let exchange = Exchange { runtime, server, output };
        let asked = Asked {
            model: &info.name,
            messages: &question.messages,
            tools: &question.tools,
            sampling: &question.sampling,
            max_tokens: question.max_tokens,
            must_call: question.must_call,
        };
        loop {
            let body = prompt::body(&asked, spared).map_err(Stop::Failed)?;
            match exchange.chat(&body.to_string(), &mut each) {
                Err(Stop::Refused(status @ (400 | 422), said)) => {
                    let refused = failure::of_status(server, status, &said);
                    let other = refused.kind == FailureKind::ContextOverflow;
                    if other || !spared.learn(&body, &failure::said(server, &said)) {
                        return Err(Stop::Failed(refused));
                    }
                }
                other => return other.map_err(|stop| stop.of(server)),
            }
        }
    }

    fn ended(&self, answer: Answer, output: &Output<'_>) -> Result<StopReason, Failure> {
        let failed = |what: &str| {
            Err(Failure::new(FailureKind::Server, format!("{} {what}.", self.server.address()))
                .hint("/retry asks again."))
        };
        match answer.end() {
            End::Stop(reason) => Ok(reason),
            End::Call(name, arguments) => {
                output.event(Event::ToolCall { name, arguments, leaked_bytes: 0 });
                Ok(StopReason::ToolCall)
            }
            End::Cut => Err(failure::cut(&self.server)),
            End::Filtered => failed("took the rest of the answer: its filter for content"),
            End::BadCall(why) => failed(&format!("answered with a call {}", self.server.scrub(&why))),
        }
    }
}

/// How a request ended that gives no answer in words.
fn ended(done: Result<DoneReport, Stop>) -> Result<DoneReport, Failure> {
    match done {
        Err(Stop::Cancelled) => Ok(cancelled()),
        other => other.map_err(Stop::into_failure),
    }
}

fn cancelled() -> DoneReport {
    DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() }
}

fn ms_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}
