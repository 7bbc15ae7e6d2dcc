//! Runs the model's commands where they can do no harm: read-only with secrets hidden, no
//! network, bounded, without percept's environment, and ended as a whole.
//!
//! On Linux by Landlock (files, TCP, signals) and seccomp (sockets, and system calls that a
//! command has no business with), without any privilege; by bubblewrap where Landlock is
//! missing. On macOS by `sandbox-exec`. On Linux two processes stand between percept
//! and the command, both percept itself under another name:
//!
//! ```text
//! percept ──lifeline──▶ supervisor ──▶ enters the sandbox, becomes the command
//! ```
//!
//! The supervisor leads a session and process group of its own that nothing in the sandbox
//! can leave. It ends the whole group when the command ends, when there are too many
//! processes, or when its lifeline is cut: by percept, or by percept's death.
//!
//! Where nothing can hold a command, every one must be asked for, and runs in a process group
//! (on Windows, a job object) by which it is ended.

#[cfg(target_os = "linux")]
mod enter;
#[cfg(target_os = "linux")]
mod filter;
mod means;
mod policy;
mod run;
#[cfg(target_os = "linux")]
mod supervise;

use std::ffi::OsString;
use std::process::ExitCode;

pub use means::Means;
pub use policy::{Bounds, Policy};
pub use run::{Ended, MOST_ON_DISK, Options, Output, Run, Says, run};

/// The first argument that makes percept a supervisor; the policy and the command follow.
const SUPERVISE: &str = "__supervise";

/// The first argument that makes it enter the sandbox and become the command.
const ENTER: &str = "__enter";

/// The same inside of bubblewrap, which guards the files already.
const FILTER: &str = "__filter";

/// What a supervisor ends with when the sandbox could not be entered: no command's code.
const NOT_ENTERED: u8 = 251;

/// What a supervisor ends with when it ended a command that had too many processes.
const TOO_MANY: u8 = 252;

/// Whether commands can be sandboxed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// All of a policy is enforced, by these means.
    By(Means),
    /// It is not: why, for a person.
    None(String),
}

/// All that can hold commands here, the best first.
#[cfg(target_os = "linux")]
pub fn means() -> Vec<Means> {
    enter::means()
}

/// Looks at the kernel.
pub fn support() -> Support {
    #[cfg(target_os = "linux")]
    return enter::support();
    #[cfg(target_os = "macos")]
    return match std::path::Path::new(means::SANDBOX_EXEC).is_file() {
        true => Support::By(Means::SandboxExec),
        false => Support::None(format!("{} is missing", means::SANDBOX_EXEC)),
    };
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    Support::None("there is no sandbox for this system".to_owned())
}

/// Does what a supervisor or the sandbox's entrance does, if that is what the arguments of
/// this process say. Called first thing by `main`; `None`: this is percept itself.
pub fn be_another(arguments: &[OsString]) -> Option<ExitCode> {
    #[cfg(target_os = "linux")]
    {
        let (first, rest) = arguments.get(1..)?.split_first()?;
        match first.to_str()? {
            SUPERVISE => Some(supervise::main(rest)),
            ENTER => Some(enter::main(rest, enter::Walls::Own)),
            FILTER => Some(enter::main(rest, enter::Walls::Bubblewrap)),
            _ => None,
        }
    }
    // Elsewhere nothing stands between.
    #[cfg(not(target_os = "linux"))]
    {
        let _ = arguments;
        None
    }
}
