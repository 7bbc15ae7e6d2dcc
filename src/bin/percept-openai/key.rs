//! The server's key: from a variable of the environment, or printed by a program that asks a key
//! ring. It is sent to the server alone, shown nowhere, and in no child's environment.

use std::fmt;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use percept::redact::{self, Redactor};
use percept::text;
use percept::wire::{Failure, FailureKind, ServerOptions};
use reqwest::header::HeaderValue;

use crate::exchange::Stop;

/// How long a program may take to print the key: a key ring may ask for a password first.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether it has, or is wanted no longer.
const POLL: Duration = Duration::from_millis(10);

/// The most that is read of what it prints.
const MOST_PRINTED: u64 = 64 * 1024;

/// How long the end of its pipes is waited for after its own: something that it started may hold
/// them open.
const PIPES_GRACE: Duration = Duration::from_millis(200);

/// The most columns of its errors that are shown.
const MOST_SHOWN: usize = 300;

/// A key, as it is sent.
pub(crate) struct Key {
    text: String,
    header: HeaderValue,
    origin: Origin,
}

/// Where a key is from, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A variable of the environment.
    Variable(String),
    /// A program; the section of the configuration that names it.
    Command(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::Command(section) => write!(f, "what [{section}] key_command printed"),
        }
    }
}

/// Says where it is from, and nothing of it.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Key {
    /// A key without the spaces around it; `None`: nothing is left.
    pub(crate) fn new(text: &str, origin: Origin) -> Result<Option<Self>, Failure> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let mut header = HeaderValue::try_from(format!("Bearer {text}")).map_err(|_| {
            let said = format!("The key in {origin} has characters that can't be sent.");
            Failure::new(FailureKind::BadRequest, said).hint("Was more copied than the key?")
        })?;
        header.set_sensitive(true);
        Ok(Some(Self { text: text.to_owned(), header, origin }))
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// A text without the key.
    pub(crate) fn scrub(&self, text: &str) -> String {
        text.replace(&self.text, "…")
    }
}

/// The key of a server: its variable's, else what its program prints.
pub(crate) fn find(options: &ServerOptions, cancelled: &dyn Fn() -> bool) -> Result<Option<Key>, Stop> {
    let name = options.key_variable.as_str();
    let from_variable = if name.is_empty() { None } else { std::env::var(name).ok() };
    let origin = Origin::Variable(name.to_owned());
    let key = Key::new(from_variable.as_deref().unwrap_or_default(), origin).map_err(Stop::Failed)?;
    match (key, options.key_command.as_slice()) {
        (None, [program, arguments @ ..]) => {
            let ring = Ring { program, arguments, section: &options.section };
            ring.ask(PATIENCE, cancelled).map(Some)
        }
        (key, _) => Ok(key),
    }
}

/// A program that prints a key.
struct Ring<'a> {
    program: &'a str,
    arguments: &'a [String],
    section: &'a str,
}

impl Ring<'_> {
    /// Runs it, without a shell and with nothing to read, and takes the first line that it prints.
    fn ask(&self, patience: Duration, cancelled: &dyn Fn() -> bool) -> Result<Key, Stop> {
        let mut command = Command::new(self.program);
        command.args(self.arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // In a group of its own, so that what it starts ends with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().map_err(|error| {
            let hint = "It is a program and its arguments, not a line for a shell.";
            // A key may have been written where the program belongs.
            self.failed(&format!("{} can't be started: {error}", shown(self.program, "")), hint)
        })?;
        let mut child = Running(child);
        let (printed, errors) = (read(child.0.stdout.take()), read(child.0.stderr.take()));
        let began = Instant::now();
        let status = loop {
            match child.0.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if cancelled() => return Err(Stop::Cancelled),
                Ok(None) if began.elapsed() >= patience => {
                    let waited = text::duration(i64::try_from(patience.as_millis()).unwrap_or(i64::MAX));
                    let hint = "Does the key ring wait for a password? Unlock it, and try again.";
                    return Err(self.failed(&format!("printed no key for {waited}"), hint));
                }
                Ok(None) => std::thread::sleep(POLL),
                Err(error) => return Err(self.failed(&format!("can't be waited for: {error}"), "")),
            }
        };
        let (printed, errors) = (printed.text(), errors.text());
        let first = printed.lines().next().unwrap_or_default().trim();
        let said = shown(&errors, first);
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        if !status.success() {
            let hint = "Run it in a terminal to see what is wrong.";
            return Err(self.failed(&format!("failed ({status}){said}"), hint));
        }
        let key = Key::new(first, Origin::Command(self.section.to_owned())).map_err(Stop::Failed)?;
        let hint = "Its first line of output must be the key.";
        key.ok_or_else(|| self.failed(&format!("printed no key{said}"), hint))
    }

    fn failed(&self, what: &str, hint: &str) -> Stop {
        let said = format!("[{}] key_command: {what}.", self.section);
        let failure = Failure::new(FailureKind::BadRequest, said);
        Stop::Failed(if hint.is_empty() { failure } else { failure.hint(hint) })
    }
}

/// A program that ends with this, and all that it started.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw)
            && matches!(self.0.try_wait(), Ok(None))
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a pipe has given so far, and whether it has ended.
#[derive(Default)]
struct Printed {
    bytes: Mutex<Vec<u8>>,
    ended: AtomicBool,
}

/// Reads on a thread of its own: something that the program leaves behind may hold the pipe.
fn read(pipe: Option<impl Read + Send + 'static>) -> Arc<Printed> {
    let printed = Arc::<Printed>::default();
    let shared = Arc::clone(&printed);
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        let mut pipe = pipe.map(|pipe| pipe.take(MOST_PRINTED));
        while let Some(count @ 1..) = pipe.as_mut().and_then(|pipe| pipe.read(&mut piece).ok()) {
            shared.lock().extend_from_slice(&piece[..count]);
        }
        shared.ended.store(true, Ordering::Release);
    });
    printed
}

impl Printed {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came, once the program has ended.
    fn text(&self) -> String {
        let began = Instant::now();
        while !self.ended.load(Ordering::Acquire) && began.elapsed() < PIPES_GRACE {
            std::thread::sleep(POLL);
        }
        String::from_utf8_lossy(&self.lock()).into_owned()
    }
}

/// A text as it can be shown: without what may be the key, and other secrets.
pub(crate) fn shown(errors: &str, key: &str) -> String {
    let without = if key.is_empty() { errors.to_owned() } else { errors.replace(key, "…") };
    let clean = Redactor::new(redact::Options::default()).redact(&without).into_owned();
    let line = text::one_line(&text::printable(&clean));
    text::end(line.trim_end_matches(['.', ' ']), MOST_SHOWN)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A key where something else belongs.
    const SECRET: &str = "sk-proj-4f9Kq2LmX7vBn3TzWc8RyDh1";

    fn ask(script: &str, ms: u64) -> Result<Key, Stop> {
        let arguments = ["-c".to_owned(), script.to_owned()];
        let ring = Ring { program: "/bin/sh", arguments: &arguments, section: "engine" };
        ring.ask(Duration::from_millis(ms), &|| false)
    }

    fn said(asked: Result<Key, Stop>) -> String {
        match asked {
            Err(Stop::Failed(failure)) => failure.in_words(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_first_line_is_the_key() {
        for script in
            ["echo s3cret", "printf s3cret", "printf 's3cret\\nlogin: bob\\n'", "printf ' s3cret\\r\\n'"]
        {
            let key = ask(script, 5000).unwrap();
            assert_eq!(key.text, "s3cret", "{script}");
            assert!(!format!("{key:?}").contains("s3cret"));
        }
    }

    #[test]
    fn what_goes_wrong_is_said_without_the_key() {
        let failed = said(ask("echo s3cret; echo 'no such item: s3cret' >&2; exit 3", 5000));
        assert!(failed.contains("key_command: failed") && failed.contains("no such item: …"), "{failed}");
        assert!(!failed.contains("s3cret"), "{failed}");
        assert!(said(ask("echo 'locked' >&2", 5000)).contains("printed no key: locked"));
        assert!(said(ask("echo; echo second", 5000)).contains("printed no key"));
        assert!(said(ask("printf 'a\\007b'", 5000)).contains("can't be sent"));
        let missing = Ring { program: "/nonexistent/ring", arguments: &[], section: "embedding" };
        let missing = said(missing.ask(PATIENCE, &|| false));
        assert!(
            missing.starts_with("[embedding] key_command: /nonexistent/ring can't be started"),
            "{missing}"
        );
        let swapped = Ring { program: SECRET, arguments: &[], section: "engine" };
        let swapped = said(swapped.ask(PATIENCE, &|| false));
        assert!(swapped.contains("can't be started") && !swapped.contains(SECRET), "{swapped}");
        assert!(!shown(SECRET, "").contains(SECRET), "nor where a variable's name belongs");
    }

    #[test]
    fn one_that_waits_for_a_password_is_given_up_and_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join("left");
        let began = Instant::now();
        let script = format!("sleep 0.5 && touch {} & sleep 30", left.display());
        let slow = said(ask(&script, 100));
        assert!(slow.contains("printed no key for") && slow.contains("password"), "{slow}");
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(700));
        assert!(!left.exists(), "what it started is gone too");
        let arguments = ["30".to_owned()];
        let ring = Ring { program: "sleep", arguments: &arguments, section: "engine" };
        assert!(matches!(ring.ask(PATIENCE, &|| true), Err(Stop::Cancelled)));
    }
}
