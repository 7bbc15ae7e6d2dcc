//! The worker for pictures and text: llama.cpp and its multimodal library (mtmd) behind
//! percept's protocol.
//!
//! | module | what it does |
//! | --- | --- |
//! | `engine` | answers the requests |
//! | `load` | checks the files and the memory, loads |
//! | `prompt`, `sentinel` | renders the model's chat template |
//! | `toolcall` | how a model writes calls of tools, and the way back |
//! | `media` | pictures and sound to what the projector takes |
//! | `cache` | what is in the KV cache, and what of it the next prompt can use |
//! | `turn` | evaluates a prompt |
//! | `decode` | generates an answer |
//! | `embed` | finds vectors |
//! | `ledger` | what a prompt is made of |
//! | `utf8` | tokens to whole characters |
//! | `sampling` | chooses tokens |
//! | `state` | saves and restores the evaluated sequence |
//! | `system` | the one call that the safe bindings don't have, and what ggml is kept from |

mod cache;
mod decode;
mod embed;
mod engine;
mod fit;
mod ledger;
mod load;
mod lookup;
mod media;
mod prompt;
mod sampling;
mod sentinel;
mod state;
mod system;
mod toolcall;
mod turn;
mod utf8;

fn main() {
    percept::wire::process::run("percept-llama", engine::Llama::new);
}
