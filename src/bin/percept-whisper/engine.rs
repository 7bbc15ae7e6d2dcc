//! Answers the requests with the model that is loaded.

use std::time::Instant;

use percept::wire::{
    DoneReport, Engine, Event, Failure, FailureKind, Limits, MAX_LINE_BYTES, Output, PROTOCOL_VERSION, Ready,
    Request, cpu_features,
};

use crate::load::{self, Loaded};
use crate::{listen, transcribe};

/// The worker: whisper.cpp, and at most one model.
pub(crate) struct Whisper {
    loaded: Option<Loaded>,
}

impl Whisper {
    pub(crate) fn new() -> Self {
        whisper_rs::install_logging_hooks();
        Self { loaded: None }
    }

    fn loaded(&mut self) -> Result<&mut Loaded, Failure> {
        self.loaded.as_mut().ok_or_else(|| {
            Failure::new(FailureKind::NotLoaded, "No speech model is loaded.").hint("Load one first.")
        })
    }

    fn load(&mut self, request: Request, output: &Output<'_>) -> Result<DoneReport, Failure> {
        let Request::Load { protocol, model, mmproj: _, options } = request else {
            return Err(Failure::new(FailureKind::Internal, "This is no load."));
        };
        if protocol != PROTOCOL_VERSION {
            let said = format!(
                "percept speaks version {protocol} of the protocol and percept-whisper speaks {PROTOCOL_VERSION}."
            );
            return Err(Failure::new(FailureKind::Protocol, said).hint("Install both from the same build."));
        }
        // The old model's memory is given back before the new one asks for its own.
        self.loaded = None;
        let start = Instant::now();
        let mut loaded = load::load(&model, &options)?;
        loaded.info.load_ms = start.elapsed().as_secs_f64() * 1000.0;
        output.event(Event::Loaded(self.loaded.insert(loaded).info.clone()));
        Ok(DoneReport::default())
    }
}

impl Engine for Whisper {
    fn ready(&self) -> Ready {
        Ready {
            protocol: PROTOCOL_VERSION,
            engine: "whisper".to_owned(),
            build: format!(
                "percept-whisper {}, whisper.cpp {}",
                env!("CARGO_PKG_VERSION"),
                whisper_rs::get_whisper_version()
            ),
            cpu_features: cpu_features(whisper_rs::print_system_info()),
            limits: Limits { max_line_bytes: MAX_LINE_BYTES },
            gpus: Vec::new(),
        }
    }

    fn handle(&mut self, request: Request, output: &Output<'_>) -> Result<DoneReport, Failure> {
        match request {
            Request::Load { .. } => self.load(request, output),
            Request::Transcribe { path, speech } => {
                transcribe::transcribe(self.loaded()?, &path, &speech, output)
            }
            Request::Listen { speech } => listen::listen(self.loaded()?, &speech, output),
            Request::Measure { .. }
            | Request::Prefill { .. }
            | Request::Generate { .. }
            | Request::Embed { .. }
            | Request::SaveState { .. }
            | Request::RestoreState { .. } => {
                let said = format!("percept-whisper doesn't do `{}`; percept-llama does.", request.name());
                Err(Failure::new(FailureKind::Unsupported, said))
            }
            Request::Frames { .. } | Request::Finish { .. } | Request::Cancel { .. } | Request::Shutdown => {
                Ok(DoneReport::default())
            }
        }
    }
}
