//! What the programs of all workers have in common: they keep the protocol's pipe to
//! themselves, end with percept, and log to standard error.

use std::io::Write;

use super::{Engine, ExitOnEnd, serve};

/// Runs a worker on standard input and output until it is told to end.
///
/// `engine` is made after standard output was put out of the reach of C++ code: a stray
/// `printf` goes to standard error, not into the protocol. `--version` is answered for a
/// person who tries the program by hand.
pub fn run<E: Engine>(name: &str, engine: impl FnOnce() -> E) {
    if std::env::args().nth(1).is_some_and(|argument| argument == "--version" || argument == "-V") {
        let _ = writeln!(std::io::stdout(), "{name} {}", env!("CARGO_PKG_VERSION"));
        return;
    }
    let protocol = match take_stdout() {
        Ok(protocol) => protocol,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{name}: standard output can't be kept: {error}");
            std::process::exit(1);
        }
    };
    end_with_parent();
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).without_time();
    let _ = log.with_max_level(tracing::Level::WARN).try_init();
    serve(&mut engine(), ExitOnEnd(std::io::stdin()), protocol);
}

/// Duplicates the protocol's descriptor and points standard output at standard error.
#[cfg(unix)]
fn take_stdout() -> std::io::Result<std::fs::File> {
    let protocol = rustix::io::dup(rustix::stdio::stdout())?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(protocol.into())
}

#[cfg(not(unix))]
fn take_stdout() -> std::io::Result<std::io::Stdout> {
    Ok(std::io::stdout())
}

/// The end of standard input says that percept is gone, but only to a worker that comes
/// around to act on it; the kernel's signal comes in the middle of a computation too.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn end_with_parent() {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    let parent = getppid();
    let set = set_parent_process_death_signal(Some(Signal::KILL));
    // A parent that died before that sends no signal any more.
    if set.is_err() || getppid() != parent {
        tracing::warn!("the end of percept can only be noticed by the end of the input");
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn end_with_parent() {}

/// The features that are on in ggml's line about its build and the CPU
/// (`CPU : AVX2 = 1 | FMA = 1 | …`, by `ggml_backend_cpu` and its callers).
pub fn cpu_features(system_info: &str) -> Vec<String> {
    system_info
        .split(['|', ':'])
        .filter_map(|entry| {
            let (name, value) = entry.split_once('=')?;
            (value.trim() != "0").then(|| name.trim().to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_that_are_off_are_left_out() {
        let line = "CPU : SSE3 = 1 | AVX = 1 | AVX512 = 0 | REPACK = 1 | ";
        assert_eq!(cpu_features(line), ["SSE3", "AVX", "REPACK"]);
        assert!(cpu_features("").is_empty());
    }
}
