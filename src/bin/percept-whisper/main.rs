//! The worker for speech: whisper.cpp behind percept's protocol.
//!
//! It says who it is; it can't transcribe yet.

use percept::wire::{
    DoneReport, Engine, Failure, FailureKind, Limits, MAX_LINE_BYTES, Output, PROTOCOL_VERSION, Ready,
    Request, process,
};

struct Whisper;

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
            cpu_features: percept::wire::cpu_features(whisper_rs::print_system_info()),
            limits: Limits { max_line_bytes: MAX_LINE_BYTES },
        }
    }

    fn handle(&mut self, request: Request, _: &Output<'_>) -> Result<DoneReport, Failure> {
        let said = format!("percept-whisper doesn't do `{}` yet.", request.name());
        Err(Failure::new(FailureKind::Unsupported, said))
    }
}

fn main() {
    process::run("percept-whisper", || Whisper);
}
