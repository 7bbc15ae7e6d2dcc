//! The worker for pictures and text: llama.cpp and its multimodal library (mtmd) behind
//! percept's protocol.
//!
//! | module | what it does |
//! | --- | --- |
//! | `engine` | answers the requests |
//! | `load` | checks the files and the memory, loads |
//! | `prompt` | renders the model's chat template |
//! | `vision` | pictures to what the projector takes |
//! | `cache` | what is in the KV cache, and what of it the next prompt can use |
//! | `turn` | evaluates a prompt, generates an answer |
//! | `ledger` | what a prompt is made of |
//! | `utf8` | tokens to whole characters |
//! | `sampling` | chooses tokens |
//! | `state` | saves and restores the evaluated sequence |
//! | `system` | the one call that the safe bindings don't have |

mod cache;
mod engine;
mod ledger;
mod load;
mod prompt;
mod sampling;
mod state;
mod system;
mod turn;
mod utf8;
mod vision;

fn main() {
    percept::wire::process::run("percept-llama", engine::Llama::new);
}
