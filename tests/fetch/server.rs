//! A web server that serves files with ranges, redirects as the Hugging Face hub does, and
//! misbehaves on demand.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does once, to the next request for bytes (not to the first one, that only asks what
/// there is, unless it is [`Mischief::AtFirst`]).
#[derive(Debug, Clone)]
pub(crate) enum Mischief {
    /// Answers with a status and headers.
    Status(u16, Vec<(&'static str, String)>),
    /// Sends so many bytes of what it said, and hangs up.
    Cut(usize),
    /// Sends so many bytes, and then nothing.
    Stall(usize),
    /// Says of the whole that it has so many bytes more.
    Longer(u64),
    /// Sends the range behind the one that was asked for.
    OtherRange,
    /// Sends the right number of wrong bytes.
    WrongBytes,
    /// Another file is there from now on.
    Change(Vec<u8>),
    /// Ranges are no longer served from now on.
    NoRanges,
    /// The same, to a request that asks what there is.
    AtFirst(Box<Mischief>),
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    /// The bytes that were asked for, both included.
    pub(crate) range: Option<(u64, u64)>,
}

impl Request {
    fn asks_only(&self) -> bool {
        self.range == Some((0, 0))
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.headers.get("authorization").map(String::as_str)
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Page {
    /// A file, with its ETag.
    File(Vec<u8>, String),
    /// An answer without ranges.
    Text(String),
    /// Sent on to.
    Redirect(String),
}

pub(crate) struct State {
    pub(crate) pages: BTreeMap<String, Page>,
    pub(crate) ranges: bool,
    /// Bytes a piece, with a pause after each, where it is slow.
    pub(crate) slow: Option<(usize, Duration)>,
    pub(crate) wants_token: Option<String>,
    pub(crate) says_length: bool,
    pub(crate) mischief: VecDeque<Mischief>,
    pub(crate) requests: Vec<Request>,
    /// Bytes of files that were sent.
    pub(crate) sent: u64,
}

/// It, listening.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            pages: BTreeMap::new(),
            ranges: true,
            slow: None,
            wants_token: None,
            says_length: true,
            mischief: VecDeque::new(),
            requests: Vec::new(),
            sent: 0,
        }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || while serve(&stream, &shared).is_some() {});
            }
        });
        Self { url, state }
    }

    /// One that has a file at `/file`.
    pub(crate) fn with(bytes: &[u8]) -> Self {
        let server = Self::start();
        server.put("/file", Page::File(bytes.to_vec(), "\"one\"".to_owned()));
        server
    }

    pub(crate) fn put(&self, path: &str, page: Page) {
        self.state.lock().unwrap().pages.insert(path.to_owned(), page);
    }

    pub(crate) fn will(&self, mischief: Mischief) -> &Self {
        self.state.lock().unwrap().mischief.push_back(mischief);
        self
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Bytes that were asked for, but for the first one, that only asks what there is.
    pub(crate) fn asked(&self) -> u64 {
        let bytes = |request: &Request| match request.range {
            Some((0, 0)) | None => 0,
            Some((from, last)) => last + 1 - from,
        };
        self.requests().iter().map(bytes).sum()
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let request = read(stream)?;
    let (page, mischief, slow) = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        if let Some(wanted) = &state.wants_token
            && request.token() != Some(&format!("Bearer {wanted}"))
        {
            drop(state);
            return answer(stream, 401, &[], b"who are you?");
        }
        // Through a proxy, the whole address comes.
        let path = request
            .target
            .split_once("://")
            .map_or(request.target.as_str(), |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
        let path = path.split('?').next().unwrap().to_owned();
        let page = state.pages.get(&path).cloned();
        let is_file = matches!(page, Some(Page::File(..)));
        let next = match state.mischief.front() {
            Some(Mischief::AtFirst(_)) if request.asks_only() => {
                let Some(Mischief::AtFirst(mischief)) = state.mischief.pop_front() else { unreachable!() };
                Some(*mischief)
            }
            Some(Mischief::AtFirst(_)) => None,
            Some(_) if is_file && !request.asks_only() => state.mischief.pop_front(),
            _ => None,
        };
        if let Some(Mischief::Change(bytes)) = &next {
            state.pages.insert(path.clone(), Page::File(bytes.clone(), format!("\"{}\"", bytes.len())));
        }
        if let Some(Mischief::NoRanges) = &next {
            state.ranges = false;
        }
        (state.pages.get(&path).cloned(), next, state.slow)
    };
    match page {
        None => answer(stream, 404, &[], b"nothing here"),
        Some(Page::Redirect(to)) => answer(stream, 302, &[("Location", to)], b""),
        Some(Page::Text(text)) => answer(stream, 200, &[], text.as_bytes()),
        Some(Page::File(bytes, etag)) => file(stream, state, &request, &bytes, &etag, mischief, slow),
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&read| read > 0)?;
    let target = line.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let range = headers.get("range").and_then(|range| {
        let (from, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((from.parse().ok()?, last.parse().ok()?))
    });
    Some(Request { target, headers, range })
}

fn answer(mut stream: &TcpStream, status: u16, headers: &[(&str, String)], body: &[u8]) -> Option<()> {
    let mut head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    stream.write_all(body).ok()
}

fn file(
    mut stream: &TcpStream,
    state: &Mutex<State>,
    request: &Request,
    bytes: &[u8],
    etag: &str,
    mischief: Option<Mischief>,
    slow: Option<(usize, Duration)>,
) -> Option<()> {
    if let Some(Mischief::Status(status, headers)) = &mischief {
        return answer(stream, *status, headers, b"");
    }
    let (ranges, says_length) = {
        let state = state.lock().unwrap();
        (state.ranges, state.says_length)
    };
    let same = request.headers.get("if-range").is_none_or(|wanted| wanted == etag);
    let total = bytes.len() as u64;
    let range = request.range.filter(|_| ranges && same);
    let shift = if matches!(mischief, Some(Mischief::OtherRange)) { 1 } else { 0 };
    let (from, last) = range.map_or((0, total - 1), |(from, last)| (from + shift, last.min(total - 1)));
    let more = if let Some(Mischief::Longer(more)) = &mischief { *more } else { 0 };
    let mut body = bytes[from as usize..=last as usize].to_vec();
    if matches!(mischief, Some(Mischief::WrongBytes)) {
        body.iter_mut().for_each(|byte| *byte = !*byte);
    }
    let mut head = match range {
        Some(_) => format!(
            "HTTP/1.1 206 Partial\r\nContent-Range: bytes {from}-{last}/{}\r\nContent-Length: {}\r\n",
            total + more,
            body.len()
        ),
        None if says_length => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", total + more),
        None => "HTTP/1.1 200 OK\r\nConnection: close\r\n".to_owned(),
    };
    head += &format!("ETag: {etag}\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    let end = match mischief {
        Some(Mischief::Cut(end) | Mischief::Stall(end)) => end.min(body.len()),
        _ => body.len(),
    };
    let (step, pause) = slow.unwrap_or((64 * 1024, Duration::ZERO));
    for piece in body[..end].chunks(step) {
        stream.write_all(piece).ok()?;
        state.lock().unwrap().sent += piece.len() as u64;
        std::thread::sleep(pause);
    }
    match mischief {
        Some(Mischief::Stall(_)) => {
            // Until whoever asked hangs up.
            let _ = stream.read(&mut [0]);
            None
        }
        Some(Mischief::Cut(_)) => {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            None
        }
        _ if !says_length => None,
        _ => Some(()),
    }
}
