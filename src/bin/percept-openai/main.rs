//! The worker for a server with the OpenAI chat completions API (vLLM, llama-server, Ollama and
//! the like) behind percept's protocol. It translates, and keeps nothing but the connection: the
//! chat holds none.
//!
//! | module | what it does |
//! | --- | --- |
//! | `engine` | answers the requests |
//! | `server` | where the server is |
//! | `key` | its key, from the environment or a key ring |
//! | `embed` | texts to vectors |
//! | `hear` | recordings to text |
//! | `models` | which models it has |
//! | `clean` | replaces secrets before anything is sent |
//! | `prompt` | a conversation as the body of a request |
//! | `exchange` | sends it, waits, and stops when it should |
//! | `again` | when it is asked again, and after how long |
//! | `sse` | bytes to events |
//! | `answer` | events to words and calls |
//! | `estimate` | what a prompt is made of, as far as that can be known here |
//! | `failure` | what goes wrong, in words |

mod again;
mod answer;
mod clean;
mod embed;
mod engine;
mod estimate;
mod exchange;
mod failure;
mod hear;
mod key;
mod models;
mod prompt;
mod server;
mod sse;

fn main() {
    percept::wire::process::run("percept-openai", engine::Remote::default);
}
