//! A request becomes a response.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::{Body, BodyDataStream};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::api::{self, ApiError, Asked, Form, INVALID, Reply};
use super::embed::{Watcher, embed};
use super::pictures::{Batch, Pictures};
use super::queue::{Place, Queue};
use super::stream::{Answering, LEFT};
use super::{Log, Options, guard};
use crate::catalogue::ReadyModel;
use crate::text;
use crate::wire::{Request as Wanted, Usage};

/// The longest body: a conversation with a dozen screenshots.
const MOST_BODY: usize = 64 * 1024 * 1024;

/// So much of a body that is refused is read past, so that the client comes to read why.
const READ_PAST: usize = 16 * 1024 * 1024;

/// So long it is read past.
const READ_PAST_FOR: Duration = Duration::from_secs(2);

/// The longest path in the log.
const SHOWN_PATH: usize = 80;

/// What a client that found the line full may wait, in seconds.
const RETRY_AFTER: &str = "5";

/// Where answers are asked for.
const CHAT: &str = "/v1/chat/completions";

/// Where vectors are asked for.
const EMBEDDINGS: &str = "/v1/embeddings";

/// Where the models are.
const MODELS: &str = "/v1/models";

/// What all requests share.
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) pictures: Pictures,
    pub(super) options: Options,
}

/// A line of the log, written when the request is over.
pub(super) struct Entry {
    log: Log,
    what: String,
    since: Instant,
    status: u16,
    used: Option<(u64, u64)>,
}

impl Entry {
    /// Notes how it ended.
    pub(super) fn ended(&mut self, status: u16) {
        self.status = status;
    }

    /// Notes what an answer used.
    pub(super) fn used(&mut self, usage: &Usage) {
        self.used = Some((usage.prompt_tokens, usage.completion_tokens));
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let tokens = self.used.map(|(prompt, answer)| format!(", {prompt} + {answer} tokens"));
        let (what, status, ms) = (&self.what, self.status, self.since.elapsed().as_millis());
        (self.log)(&format!("{what} {status}{}, {ms} ms", tokens.unwrap_or_default()));
    }
}

/// Answers a request.
pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = text::end(&text::one_line(request.uri().path()), SHOWN_PATH);
    let mut entry = Entry {
        log: Arc::clone(&shared.options.log),
        what: format!("{} {path}", request.method()),
        since: Instant::now(),
        // Dropped before there is an answer: nobody waits for one.
        status: LEFT,
        used: None,
    };
    let (head, body) = request.into_parts();
    let mut body = body.into_data_stream();
    let admitted = guard::admit(&head.uri, &head.headers, &shared.options.token);
    let answered = match (admitted, &head.method, head.uri.path()) {
        (Err(error), ..) => Err(error),
        (_, &Method::GET | &Method::HEAD, guard::HEALTH) => Ok(plain("ok\n")),
        (_, &Method::GET, MODELS) => Ok(json(200, &json!({ "object": "list", "data": models(&shared) }))),
        (_, &Method::GET, path) if path.starts_with("/v1/models/") => {
            model(&shared, &path[MODELS.len() + 1..]).map(|model| json(200, &model))
        }
        (_, &Method::POST, CHAT) => match chat(&shared, &head.headers, &mut body).await {
            Ok((true, answer)) => match answer.streamed(shared.options.times.stalled, entry).await {
                Ok(response) => return response,
                Err((error, own)) => {
                    entry = own;
                    Err(error)
                }
            },
            Ok((false, answer)) => answer.whole(&mut entry).await.map(|whole| json(200, &whole)),
            Err(error) => Err(error),
        },
        (_, &Method::POST, EMBEDDINGS) => {
            vectors(&shared, &head.headers, &mut body).await.map(|vectors| json(200, &vectors))
        }
        (_, _, guard::HEALTH | MODELS | CHAT | EMBEDDINGS) => {
            Err(ApiError::new(405, INVALID, "This address has another method."))
        }
        _ => Err(ApiError::new(
            404,
            INVALID,
            format!(
                "There is no such address; there are {CHAT}, {EMBEDDINGS}, {MODELS} and {}.",
                guard::HEALTH
            ),
        )),
    };
    let response = match answered {
        Ok(response) => response,
        Err(error) => {
            // Who was told to wait for leave to send sends nothing now.
            if !head.headers.contains_key(header::EXPECT) {
                read_past(&mut body).await;
            }
            refusal(&error)
        }
    };
    entry.ended(response.status().as_u16());
    response
}

fn plain(text: &'static str) -> Response {
    Response::new(Body::from(text))
}

fn json(status: u16, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn refusal(error: &ApiError) -> Response {
    let mut response = json(error.status, &error.body());
    let headers = response.headers_mut();
    match error.status {
        401 => drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        429 => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER))),
        _ => {}
    }
    response
}

fn models(shared: &Shared) -> Vec<Value> {
    let loaded = shared.queue.loaded();
    let context = (loaded.info.context > 0).then_some(loaded.info.context);
    let mut names = shared.options.models.names.clone();
    names.extend(shared.options.embedder.iter().map(|embedder| embedder.space().name.clone()));
    api::models(&names, &loaded.model.name, context)
}

fn model(shared: &Shared, encoded: &str) -> Result<Value, ApiError> {
    // As a value of a form, but that a plus is a plus there.
    let form = format!("id={}", encoded.replace('+', "%2B").replace('&', "%26"));
    let name = url::form_urlencoded::parse(form.as_bytes())
        .next()
        .map_or_else(String::new, |pair| pair.1.into_owned());
    let found = models(shared).into_iter().find(|model| model["id"] == name.as_str());
    found.ok_or_else(|| unknown(shared, &name))
}

fn unknown(shared: &Shared, name: &str) -> ApiError {
    let name = text::one_line(&text::end(name, SHOWN_PATH));
    let loaded = shared.queue.loaded().model.name.clone();
    let said = format!(
        "There is no model `{name}` here. `{loaded}` is loaded; GET {MODELS} lists all that there are."
    );
    ApiError { param: Some("model".to_owned()), ..ApiError::new(404, INVALID, said).code("model_not_found") }
}

/// Reads what is asked and puts it into the line; whether the answer is wanted as a stream.
async fn chat(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> Result<(bool, Answering), ApiError> {
    let (place, bytes) = taken(shared, headers, body).await?;
    let own = Arc::clone(shared);
    // Megabytes of JSON, base64 and pixels.
    // The place goes with them: a client that leaves frees it when they are gone.
    let prepared =
        tokio::task::spawn_blocking(move || prepare(&own, bytes).map(|prepared| (place, prepared))).await;
    let (place, prepared) =
        prepared.map_err(|_| ApiError::new(500, api::SERVER, "The request could not be read."))??;
    let Prepared { model, request, pictures, asked } = prepared;
    let number = next_number();
    let form = Form {
        id: format!("chatcmpl-{number}"),
        model: model.name.clone(),
        created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        logprobs: asked.logprobs,
        stream_usage: asked.stream_usage,
    };
    let reply = Reply::new(asked.stops, format!("call_{number}"));
    let ticket = shared.queue.ask(place, model, request);
    Ok((asked.stream, Answering { ticket, reply, form, _pictures: pictures }))
}

/// Finds vectors.
async fn vectors(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> Result<Value, ApiError> {
    let (place, bytes) = taken(shared, headers, body).await?;
    let (_watcher, stop) = Watcher::new();
    let own = Arc::clone(shared);
    let found = tokio::task::spawn_blocking(move || {
        // A client that leaves frees it when nothing is done for it any more.
        let _place = place;
        embed(own.options.embedder.as_ref(), &bytes, &stop)
    })
    .await;
    found.map_err(|_| ApiError::new(500, api::SERVER, "The vectors could not be found."))?
}

/// A place in the line, and then the body.
async fn taken(
    shared: &Shared,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> Result<(Place, Vec<u8>), ApiError> {
    let Some(place) = shared.queue.place() else {
        let waiting = shared.options.waiting;
        let said = format!("{waiting} requests wait already ([serve] waiting); ask again in a while.");
        return Err(ApiError::new(429, "rate_limit_error", said).code("queue_full"));
    };
    let bytes = tokio::time::timeout(shared.options.times.body, read(headers, body)).await;
    let late = |_| ApiError::new(408, INVALID, "The body did not come in time.").code("request_timeout");
    Ok((place, bytes.map_err(late)??))
}

/// A number that no other answer has, of this server or the one before it.
fn next_number() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    format!("{now:x}{:x}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Reads a body of bounded length.
async fn read(headers: &HeaderMap, body: &mut BodyDataStream) -> Result<Vec<u8>, ApiError> {
    let too_long = || {
        let said = format!("The body has more than {}.", text::size(MOST_BODY as u64));
        ApiError::new(413, INVALID, said).code("request_too_large")
    };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: u64| bytes > MOST_BODY as u64) {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| ApiError::new(400, INVALID, "The body broke off."))?;
        if bytes.len() + chunk.len() > MOST_BODY {
            return Err(too_long());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn read_past(body: &mut BodyDataStream) {
    let past = async {
        let mut bytes = 0;
        while let Some(Ok(chunk)) = body.next().await {
            bytes += chunk.len();
            if bytes > READ_PAST {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(READ_PAST_FOR, past).await;
}

/// What the worker is asked, with what must live as long.
struct Prepared {
    model: Arc<ReadyModel>,
    request: Wanted,
    pictures: Option<Batch>,
    asked: Asked,
}

fn prepare(shared: &Shared, bytes: Vec<u8>) -> Result<Prepared, ApiError> {
    let body: Value = serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::new(400, INVALID, format!("The body is no JSON: {error}.")))?;
    drop(bytes);
    let mut asked = api::asked(&body)?;
    drop(body);
    let model = find(shared, asked.model.as_deref())?;
    let picture = asked.turns.iter().find_map(|turn| turn.picture());
    if let Some(at) = picture.filter(|_| model.mmproj.is_none()) {
        return Err(ApiError::wrong(at, format_args!("is a picture, and {} sees none", model.name)));
    }
    // One that knows percept's own tools isn't told of others.
    if !asked.tools.is_empty() && (!model.tools || model.load.knows_tools) {
        return Err(ApiError::unsupported(
            "tools",
            format_args!("can't be used with {}: it calls none that a client brings", model.name),
        ));
    }
    let pictures = picture.is_some().then(|| shared.pictures.batch()).transpose()?;
    let keep = |at: &str, bytes| match &pictures {
        Some(batch) => batch.keep(at, bytes, &shared.options.intake),
        None => Err(ApiError::wrong(at, "is a picture")),
    };
    let turns = std::mem::take(&mut asked.turns);
    let messages = turns.into_iter().map(|turn| turn.with_files(keep)).collect::<Result<_, _>>()?;
    let request = Wanted::Generate {
        messages,
        sampling: asked.wishes.over(&model.sampling),
        max_tokens: asked.max_tokens,
        tools: std::mem::take(&mut asked.tools),
        must_call: asked.must_call,
    };
    Ok(Prepared { model, request, pictures, asked })
}

/// The model of that name; only names that are listed are looked for.
fn find(shared: &Shared, name: Option<&str>) -> Result<Arc<ReadyModel>, ApiError> {
    let models = &shared.options.models;
    match name {
        None => Ok(shared.queue.loaded().model),
        Some(name) if name == models.first.name => Ok(Arc::clone(&models.first)),
        Some(name) if models.names.iter().any(|known| known == name) => {
            (models.find)(name).map(Arc::new).map_err(ApiError::unavailable)
        }
        Some(name) => Err(unknown(shared, name)),
    }
}
