//! A server that follows Qdrant's documented HTTP interface, as far as percept uses it, and
//! misbehaves on demand.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What it does instead of answering, once.
#[derive(Debug, Clone)]
pub(crate) enum Mischief {
    /// Answers with a status and words.
    Status(u16, &'static str),
    /// Sends elsewhere.
    Redirect(String),
    /// Says that more comes than does.
    Cut,
    /// Answers with this.
    Says(&'static str),
    /// Hangs up.
    HangsUp,
    /// Answers without an end.
    Endless,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) key: Option<String>,
    pub(crate) body: String,
}

/// A collection: the size of its vectors, and its points.
#[derive(Default)]
pub(crate) struct Collection {
    pub(crate) size: u64,
    pub(crate) points: BTreeMap<i64, (Vec<f32>, Value)>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) collections: BTreeMap<String, Collection>,
    pub(crate) requests: Vec<Request>,
    pub(crate) mischief: VecDeque<Mischief>,
    pub(crate) key: Option<String>,
}

/// It, listening.
pub(crate) struct Fake {
    pub(crate) url: String,
    pub(crate) state: Arc<Mutex<State>>,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        // It ends with the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { url, state }
    }

    /// Does this to the next requests.
    pub(crate) fn misbehave(&self, mischief: impl IntoIterator<Item = Mischief>) {
        self.state.lock().unwrap().mischief.extend(mischief);
    }

    /// The lines of the requests since this was last asked.
    pub(crate) fn took(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    /// The only collection.
    pub(crate) fn ids(&self) -> Vec<i64> {
        let state = self.state.lock().unwrap();
        assert_eq!(state.collections.len(), 1, "one collection");
        state.collections.values().flat_map(|collection| collection.points.keys().copied()).collect()
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some(request) = read(&mut reader) {
        let (answer, stays) = {
            let mut state = state.lock().unwrap();
            state.requests.push(request.clone());
            match state.mischief.pop_front() {
                Some(mischief) => (bad(&mischief), false),
                None => {
                    let (status, body) = answer(&mut state, &request);
                    (plain(status, "", &body.to_string()), true)
                }
            }
        };
        if stream.write_all(answer.as_bytes()).is_err() || !stays {
            return;
        }
    }
}

fn bad(mischief: &Mischief) -> String {
    match mischief {
        Mischief::Status(status, said) => plain(*status, "", said),
        Mischief::Redirect(to) => plain(307, &format!("Location: {to}\r\n"), ""),
        Mischief::Cut => "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"result\":".to_owned(),
        Mischief::Says(said) => plain(200, "", said),
        Mischief::HangsUp => String::new(),
        Mischief::Endless => format!("HTTP/1.1 200 OK\r\n\r\n{}", " ".repeat(17 * 1024 * 1024)),
    }
}

fn plain(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Status\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let (mut length, mut key) = (0, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|count| *count > 0)?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "api-key" => key = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Some(Request { line, key, body: String::from_utf8(body).unwrap() })
}

fn ok(result: Value) -> (u16, Value) {
    (200, json!({ "result": result, "status": "ok", "time": 0.001 }))
}

fn error(status: u16, why: &str) -> (u16, Value) {
    (status, json!({ "status": { "error": why }, "time": 0.001 }))
}

fn answer(state: &mut State, request: &Request) -> (u16, Value) {
    if state.key.is_some() && state.key != request.key {
        return error(401, "Invalid API key or JWT");
    }
    let (method, path) = request.line.split_once(' ').unwrap();
    let path = path.strip_suffix("?wait=true").unwrap_or(path);
    let mut parts = path.split('/').skip(1);
    assert_eq!(parts.next(), Some("collections"));
    let name = parts.next().unwrap().to_owned();
    let rest = parts.collect::<Vec<_>>().join("/");
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    if (method, rest.as_str()) == ("PUT", "") {
        assert_eq!(body["vectors"]["distance"], "Cosine");
        let size = body["vectors"]["size"].as_u64().unwrap();
        state.collections.insert(name, Collection { size, ..Collection::default() });
        return ok(json!(true));
    }
    let Some(collection) = state.collections.get_mut(&name) else {
        return error(404, &format!("Not found: Collection `{name}` doesn't exist!"));
    };
    match (method, rest.as_str()) {
        ("GET", "") => ok(json!({
            "status": "green", "points_count": collection.points.len(), "segments_count": 1,
            "config": { "params": { "vectors": { "size": collection.size, "distance": "Cosine" } } },
        })),
        ("PUT", "points") => put(collection, &body),
        ("POST", "points/delete") => {
            let gone: Vec<i64> =
                body["points"].as_array().unwrap().iter().filter_map(Value::as_i64).collect();
            collection.points.retain(|id, _| !gone.contains(id));
            ok(json!({ "operation_id": 1, "status": "completed" }))
        }
        ("POST", "points/count") => ok(json!({ "count": collection.points.len() })),
        ("POST", "points") => {
            let wanted = body["ids"].as_array().unwrap().iter().filter_map(Value::as_i64);
            let there = wanted.filter(|id| collection.points.contains_key(id));
            ok(json!(there.map(|id| json!({ "id": id })).collect::<Vec<_>>()))
        }
        ("POST", "points/scroll") => scroll(collection, &body),
        ("POST", "points/query") => query(collection, &body),
        _ => error(404, "no such thing"),
    }
}

fn put(collection: &mut Collection, body: &Value) -> (u16, Value) {
    for point in body["points"].as_array().unwrap() {
        let vector: Vec<f32> = serde_json::from_value(point["vector"].clone()).unwrap();
        if vector.len() as u64 != collection.size {
            return error(400, "Wrong input: Vector dimension error");
        }
        collection.points.insert(point["id"].as_i64().unwrap(), (vector, point["payload"].clone()));
    }
    ok(json!({ "operation_id": 1, "status": "completed" }))
}

fn scroll(collection: &Collection, body: &Value) -> (u16, Value) {
    let limit = body["limit"].as_u64().unwrap() as usize;
    let mut ids = collection.points.range(body["offset"].as_i64().unwrap_or(0)..).map(|(id, _)| *id);
    let points: Vec<Value> = ids.by_ref().take(limit).map(|id| json!({ "id": id })).collect();
    ok(json!({ "points": points, "next_page_offset": ids.next() }))
}

fn query(collection: &Collection, body: &Value) -> (u16, Value) {
    let wanted: Vec<f32> = serde_json::from_value(body["query"].clone()).unwrap();
    if wanted.len() as u64 != collection.size {
        return error(400, "Wrong input: Vector dimension error");
    }
    let kind = &body["filter"]["must"][0]["match"]["value"];
    let length = |vector: &[f32]| vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    let mut scored: Vec<(f32, i64)> = collection
        .points
        .iter()
        .filter(|(_, (_, payload))| kind.is_null() || payload["kind"] == *kind)
        .map(|(id, (vector, _))| {
            let dot: f32 = vector.iter().zip(&wanted).map(|(a, b)| a * b).sum();
            (dot / length(vector) / length(&wanted), *id)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.truncate(body["limit"].as_u64().unwrap() as usize);
    let points: Vec<Value> =
        scored.iter().map(|(score, id)| json!({ "id": id, "version": 1, "score": score })).collect();
    ok(json!({ "points": points }))
}
