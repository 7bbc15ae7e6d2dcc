//! The worker for speech: whisper.cpp behind percept's protocol.
//!
//! | module | what it does |
//! | --- | --- |
//! | `engine` | answers the requests |
//! | `load` | checks the files and the memory, loads |
//! | `ggml`, `model`, `silero` | what is checked: the container, a Whisper model, a voice activity model |
//! | `transcribe` | a file to text |
//! | `listen` | a stream to text while it comes |
//! | `hear` | what both have in common: sound decoded to text that was said |
//! | `vad`, `gate`, `segmenter`, `group`, `tape` | where speech is, and its sound |
//! | `decode` | samples to tokens |
//! | `words` | tokens to words and text |
//! | `clean` | what was not said |
//! | `prompt` | what the decoder is told before |
//! | `agree` | what of unfinished text is stable |
//! | `language` | which language it is |

mod agree;
mod clean;
mod decode;
mod engine;
mod gate;
mod ggml;
mod group;
mod hear;
mod language;
mod listen;
mod load;
mod model;
mod prompt;
mod segmenter;
mod silero;
mod tape;
mod transcribe;
mod vad;
mod words;

fn main() {
    percept::wire::process::run("percept-whisper", engine::Whisper::new);
}
