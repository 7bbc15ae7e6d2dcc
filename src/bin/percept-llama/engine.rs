//! Answers the requests with the model that is loaded.

use std::time::Instant;

use llama_cpp_2::llama_backend::LlamaBackend;
use percept::wire::{
    ChatMessage, DoneReport, Engine, Event, Failure, FailureKind, Limits, MAX_LINE_BYTES, Output,
    PROTOCOL_VERSION, Ready, Request, StopReason, ToolSpec, cpu_features,
};

use crate::decode::How;
use crate::embed::Embedding;
use crate::load::{self, Loaded, Model};
use crate::prompt::Ending;
use crate::{fit, state, system};

/// The version of llama-cpp-2 that this worker is built with (Cargo.toml pins it).
pub(crate) const BINDINGS: &str = "llama-cpp-2 0.1.160";

/// The worker: llama.cpp, and at most one model.
pub(crate) struct Llama {
    // Declared first, so that it is dropped before the backend ends.
    loaded: Option<Model>,
    backend: Result<LlamaBackend, String>,
}

impl Llama {
    pub(crate) fn new() -> Self {
        system::refuse_tiles();
        llama_cpp_2::send_logs_to_tracing(llama_cpp_2::LogOptions::default());
        Self { loaded: None, backend: LlamaBackend::init().map_err(|error| error.to_string()) }
    }

    fn loaded(&mut self) -> Result<&mut Loaded, Failure> {
        match &mut self.loaded {
            Some(Model::Chat(loaded)) => Ok(loaded),
            Some(Model::Embed(_)) => Err(loaded_for("to find vectors: it can't answer")),
            None => Err(nothing_loaded()),
        }
    }

    fn embedding(&mut self) -> Result<&mut Embedding, Failure> {
        match &mut self.loaded {
            Some(Model::Embed(embedding)) => Ok(embedding),
            Some(Model::Chat(_)) => Err(loaded_for("to answer: it can't find vectors")),
            None => Err(nothing_loaded()),
        }
    }

    fn load(&mut self, request: Request, output: &Output<'_>) -> Result<DoneReport, Failure> {
        let Request::Load { protocol, model, mmproj, options } = request else {
            return Err(Failure::new(FailureKind::Internal, "This is no load."));
        };
        if protocol != PROTOCOL_VERSION {
            let said = format!(
                "percept speaks version {protocol} of the protocol and percept-llama speaks {PROTOCOL_VERSION}."
            );
            return Err(Failure::new(FailureKind::Protocol, said).hint("Install both from the same build."));
        }
        let backend =
            self.backend.as_ref().map_err(|error| Failure::new(FailureKind::Internal, error.clone()))?;
        // The old model's memory is given back before the new one asks for its own.
        self.loaded = None;
        let start = Instant::now();
        let Some(loaded) = load::load(backend, &model, mmproj.as_deref(), &options, output)? else {
            return Ok(DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() });
        };
        let mut info = match &loaded {
            Model::Chat(loaded) => loaded.info.clone(),
            Model::Embed(embedding) => embedding.info.clone(),
        };
        info.load_ms = start.elapsed().as_secs_f64() * 1000.0;
        self.loaded = Some(loaded);
        output.event(Event::Loaded(info));
        Ok(DoneReport::default())
    }

    fn measure(
        &mut self,
        messages: &[ChatMessage],
        tools: &[ToolSpec],
        output: &Output<'_>,
    ) -> Result<DoneReport, Failure> {
        let loaded = self.loaded()?;
        let prompt = loaded.prompt(messages, tools, Ending::Answer)?;
        output.event(Event::Ledger(loaded.ledger(&prompt)));
        Ok(DoneReport::default())
    }
}

impl Engine for Llama {
    fn ready(&self) -> Ready {
        Ready {
            protocol: PROTOCOL_VERSION,
            engine: "llama".to_owned(),
            build: format!("percept-llama {}, {BINDINGS}", env!("CARGO_PKG_VERSION")),
            cpu_features: cpu_features(&system::info()),
            limits: Limits { max_line_bytes: MAX_LINE_BYTES },
            gpus: fit::gpus(),
        }
    }

    fn handle(&mut self, request: Request, output: &Output<'_>) -> Result<DoneReport, Failure> {
        match request {
            Request::Load { .. } => self.load(request, output),
            Request::Measure { messages, tools } => self.measure(&messages, &tools, output),
            Request::Prefill { messages, tools } => self.loaded()?.prefill(&messages, &tools, output),
            Request::Generate { messages, sampling, max_tokens, tools, must_call } => {
                let how = How { sampling, max_tokens, tools, must_call };
                self.loaded()?.generate(&messages, &how, output)
            }
            Request::SaveState { path, most_bytes } => state::save(self.loaded()?, &path, most_bytes),
            Request::RestoreState { path } => state::restore(self.loaded()?, &path),
            Request::Embed { inputs } => self.embedding()?.embed(&inputs, output),
            Request::Transcribe { .. }
            | Request::Listen { .. }
            | Request::Frames { .. }
            | Request::Finish { .. } => Err(Failure::new(
                FailureKind::Unsupported,
                "percept-llama hears nothing; percept-whisper does.",
            )),
            Request::Cancel { .. } | Request::Shutdown => Ok(DoneReport::default()),
        }
    }
}

fn nothing_loaded() -> Failure {
    Failure::new(FailureKind::NotLoaded, "No model is loaded.")
}

fn loaded_for(what: &str) -> Failure {
    Failure::new(FailureKind::NotLoaded, format!("The model was loaded {what}."))
        .hint("Load it again for that.")
}
