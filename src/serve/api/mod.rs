//! OpenAI's chat completions as percept's own values, and back. Nothing here waits, opens a
//! file or knows of a connection.
//!
//! | file | what becomes what |
//! | --- | --- |
//! | `ask`, `messages`, `tools` | a body becomes [`Asked`], or an error that names the field |
//! | `embed` | a body becomes texts, and vectors become JSON |
//! | `stop` | tokens become text that ends before a stop string |
//! | `reply` | a worker's events become parts of an answer |
//! | `answer` | parts of an answer become JSON, whole or in chunks |
//! | `error` | what is refused becomes OpenAI's error |

mod answer;
mod ask;
mod embed;
mod error;
mod field;
mod messages;
mod reply;
mod stop;
#[cfg(test)]
mod tests;
mod tools;

pub use answer::{Call, Form, models};
pub use ask::{Asked, Wishes, asked};
pub use embed::{Embedding, embedding, vectors};
pub use error::{ApiError, INVALID, SERVER};
pub use messages::{Part, Turn};
pub use reply::{End, Out, Reply};
pub use stop::{Piece, Stops};
