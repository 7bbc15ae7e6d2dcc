//! What can be wrong with a log that was given, in sentences for the screen.

use std::io;

use super::file::is_replaced;

/// How many of the things passed over are named when nothing is left to read.
const NAMED: usize = 5;

/// Why nothing can be read. Each is a whole sentence with what to do next.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// There is no such file or folder.
    #[error("{0} is not there. Check the path.")]
    Missing(String),
    /// It may not be read.
    #[error("{0} may not be read: permission denied. Change its permissions or copy it.")]
    Permission(String),
    /// It can't be read for another reason.
    #[error("{name} can't be read: {error}.")]
    Unreadable {
        /// What.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// Another file lies where this one was.
    #[error("{0} is not the file that was attached (it was replaced since): attach it again.")]
    Replaced(String),
    /// Nothing that was given is a log; the pairs are a name and the reason.
    #[error("There is no log to read in what was given. {}", listed(.0))]
    Nothing(Vec<(String, String)>),
    /// A tar archive through a pipe, where its members can't be listed first.
    #[error("{0} brings a tar archive. Save it as a file and give that.")]
    PipedArchive(String),
    /// The person, or whoever started the reading, stopped it.
    #[error("Reading was stopped.")]
    Stopped,
}

impl InputError {
    /// An I/O error with the name of what was read; a stop is told from a failure.
    pub fn io(name: &str, error: io::Error) -> Self {
        let name = name.to_owned();
        if is_stopped(&error) {
            return Self::Stopped;
        }
        match error.kind() {
            _ if is_replaced(&error) => Self::Replaced(name),
            io::ErrorKind::NotFound => Self::Missing(name),
            io::ErrorKind::PermissionDenied => Self::Permission(name),
            _ => Self::Unreadable { name, error },
        }
    }
}

/// What a reader returns when its flag was raised. Not `Interrupted`: the standard
/// library reads on after that one.
#[derive(Debug, thiserror::Error)]
#[error("reading was stopped")]
struct Stopped;

/// The I/O error of a stop.
pub(super) fn stopped() -> io::Error {
    io::Error::other(Stopped)
}

/// Whether an error of a [`Reader`](super::Reader) says that it was stopped.
pub fn is_stopped(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Stopped>())
}

/// The reason, as a phrase after a name, why a path is passed over.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        _ if is_replaced(error) => "was replaced while it was looked at".to_owned(),
        io::ErrorKind::NotFound => "is not there".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read: permission denied".to_owned(),
        _ => format!("can't be read: {error}"),
    }
}

fn listed(passed_over: &[(String, String)]) -> String {
    if passed_over.is_empty() {
        return "The folder holds no file that is not hidden.".to_owned();
    }
    let mut out: Vec<String> =
        passed_over.iter().take(NAMED).map(|(name, why)| format!("{name}: {why}.")).collect();
    if passed_over.len() > NAMED {
        out.push(format!("So it is with {} more.", passed_over.len() - NAMED));
    }
    out.join(" ")
}
