//! The bytes on the wire.

use std::io::{Cursor, Read, Write};
use std::sync::{Arc, Mutex, mpsc};

use proptest::prelude::*;

use super::*;
use crate::message::Role;
use crate::redact::{Count, Found};

fn line<T: Serialize>(message: &T) -> String {
    let mut bytes = Vec::new();
    write_line(&mut bytes, message).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn requests_are_these_bytes() {
    let tool = ToolSpec {
        name: "shell".into(),
        description: "Runs.".into(),
        parameters: serde_json::json!({ "type": "object" }),
    };
    let messages = vec![ChatMessage::text(Role::User, "hi\n")];
    let called = ChatMessage {
        role: Role::Assistant,
        content: vec![Content::ToolCall {
            call: "a1".into(),
            name: "shell".into(),
            arguments: serde_json::json!({ "command": "ls" }),
        }],
    };
    let result = Content::ToolResult { call: "a1".into(), name: "shell".into(), text: "src".into() };
    let answered = ChatMessage { role: Role::Tool, content: vec![result] };
    let with_tools = Request::Generate {
        messages: vec![called, answered],
        sampling: Sampling::default(),
        max_tokens: None,
        tools: vec![tool],
        must_call: true,
    };
    let generate = Request::generate(messages, Sampling::default(), Some(5));
    let options = LoadOptions {
        image_min_tokens: Some(1024),
        image_max_tokens: Some(2048),
        ignore_memory: true,
        ..LoadOptions::default()
    };
    let speech = SpeechOptions {
        language: Some("en".into()),
        vocabulary: vec!["mmproj".into()],
        ..SpeechOptions::default()
    };
    let load = Request::Load { protocol: 1, model: "/m".into(), mmproj: None, options };
    let server =
        ServerOptions { url: "http://a:1/v1".into(), key_variable: "KEY".into(), ..ServerOptions::default() };
    let options = LoadOptions { server: Some(Box::new(server)), ..LoadOptions::default() };
    let at_server = Request::Load { protocol: 1, model: "qwen".into(), mmproj: None, options };
    let lines = [
        line(&Envelope { id: 1, body: generate }),
        line(&Envelope { id: 2, body: Request::Cancel { target: 1 } }),
        line(&Envelope { id: 3, body: Request::Shutdown }),
        line(&Envelope { id: 4, body: Request::SaveState { path: "/s".into(), most_bytes: Some(9) } }),
        line(&Envelope { id: 5, body: load }),
        line(&Envelope { id: 6, body: with_tools }),
        line(&Envelope {
            id: 7,
            body: Request::Transcribe { path: "/a.wav".into(), speech: speech.clone() },
        }),
        line(&Envelope { id: 8, body: Request::Listen { speech } }),
        line(&Envelope { id: 9, body: Request::Frames { target: 8, pcm: floats::encode(&[0.5]) } }),
        line(&Envelope { id: 10, body: Request::Finish { target: 8 } }),
        line(&Envelope { id: 11, body: at_server }),
    ];
    insta::assert_snapshot!(lines.concat());
}

#[test]
fn events_are_these_bytes() {
    let word = Word { start_ms: 0, end_ms: 400, text: "And".into(), probability: 0.5 };
    let found = Found { secrets: Count { values: 1, places: 2 }, ..Found::default() };
    let server = Some(ServerInfo { address: "a:1".into(), elsewhere: true });
    let at_server = ModelInfo { name: "qwen".into(), server, ..ModelInfo::default() };
    let segment = Segment { start_ms: 0, end_ms: 900, text: "And so".into(), words: vec![word] };
    let lines = [
        line(&Envelope { id: 1, body: Event::Token { text: "é\n".into(), logprob: -0.5 } }),
        line(&Envelope { id: 1, body: Event::Progress { stage: Stage::Encoding, done: 0, total: 2 } }),
        line(&Envelope {
            id: 1,
            body: Event::ToolCall {
                name: "shell".into(),
                arguments: serde_json::json!({ "command": "ls" }),
                leaked_bytes: 3,
            },
        }),
        line(&Envelope { id: 1, body: Event::Language { code: "en".into(), detected: Some(980) } }),
        line(&Envelope { id: 1, body: Event::Partial { text: "and so".into() } }),
        line(&Envelope { id: 1, body: Event::Segment(segment) }),
        line(&Envelope { id: 1, body: Event::Sound { duration_ms: 11_000, notes: vec!["Cut off.".into()] } }),
        line(&Envelope { id: 1, body: Event::Redacted(found) }),
        line(&Envelope { id: 1, body: Event::Loaded(at_server) }),
        line(&Envelope { id: 1, body: Event::Ledger(Ledger { estimated: true, ..Ledger::default() }) }),
        line(&Envelope { id: 1, body: Event::Done(DoneReport::default()) }),
        line(&Envelope { id: 1, body: Event::Failed(Failure::new(FailureKind::Media, "no").hint("do")) }),
    ];
    insta::assert_snapshot!(lines.concat());
}

#[test]
fn lines_that_are_no_message_are_named_and_the_next_one_is_read() {
    let input = concat!(
        "{\"id\":7,\"request\":\"fly\"}\n",
        "not json\n",
        "\n",
        "{\"id\":8,\"request\":\"shutdown\"}\n",
        "{\"id\":9,\"requ"
    );
    let mut lines = LineReader::new(Cursor::new(input));
    let unknown = lines.next_message::<Envelope<Request>>().unwrap_err();
    assert!(unknown.to_string().contains("unknown variant `fly`"), "{unknown}");
    assert!(matches!(unknown, LineError::Json { id: Some(7), .. }) && unknown.recoverable());
    assert!(lines.next_message::<Envelope<Request>>().unwrap_err().recoverable());
    let next = lines.next_message::<Envelope<Request>>().unwrap();
    assert_eq!(next, Some(Envelope { id: 8, body: Request::Shutdown }));
    let cut = lines.next_message::<Envelope<Request>>().unwrap_err();
    assert!(matches!(cut, LineError::Truncated { .. }) && !cut.recoverable(), "{cut}");
}

#[test]
fn an_oversized_line_is_read_past_and_never_written() {
    let long = format!("{}\n{{\"id\":1,\"request\":\"shutdown\"}}\n", "x".repeat(MAX_LINE_BYTES + 1));
    let mut lines = LineReader::new(Cursor::new(long));
    assert!(matches!(lines.next_message::<Envelope<Request>>(), Err(LineError::TooLong)));
    assert!(lines.next_message::<Envelope<Request>>().unwrap().is_some());

    let mut out = Vec::new();
    let error = write_line(&mut out, &"x".repeat(MAX_LINE_BYTES)).unwrap_err();
    assert_eq!((error.kind(), out.len()), (std::io::ErrorKind::InvalidData, 0));
}

/// Counts up to a million, or until it is cancelled.
struct Counter;

impl Engine for Counter {
    fn ready(&self) -> Ready {
        Ready {
            protocol: PROTOCOL_VERSION,
            engine: "counter".into(),
            build: "1".into(),
            cpu_features: Vec::new(),
            limits: Limits { max_line_bytes: MAX_LINE_BYTES },
            gpus: Vec::new(),
        }
    }

    fn handle(&mut self, request: Request, output: &Output<'_>) -> Result<DoneReport, Failure> {
        let Request::Generate { .. } = request else {
            return Err(Failure::new(FailureKind::Unsupported, format!("no {}", request.name())));
        };
        output.event(Event::Token { text: "1".into(), logprob: 0.0 });
        while !output.cancelled() {
            std::thread::yield_now();
        }
        Ok(DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() })
    }
}

/// Says how much sound came, and how loud its first sample was.
struct Ear;

impl Engine for Ear {
    fn ready(&self) -> Ready {
        Counter.ready()
    }

    fn handle(&mut self, _: Request, output: &Output<'_>) -> Result<DoneReport, Failure> {
        let mut all = Vec::new();
        loop {
            let heard = output.sound(std::time::Duration::from_secs(60))?;
            all.extend(heard.samples);
            if output.cancelled() {
                return Ok(DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() });
            }
            if heard.finished {
                output.event(Event::Partial { text: format!("{} {:?}", all.len(), all.first()) });
                return Ok(DoneReport::default());
            }
        }
    }
}

#[test]
fn sound_comes_to_the_request_that_listens_in_order_and_to_no_other() {
    let listen = |id| line(&Envelope { id, body: Request::Listen { speech: SpeechOptions::default() } });
    let frames = |target, samples: &[f32]| {
        line(&Envelope { id: 90, body: Request::Frames { target, pcm: floats::encode(samples) } })
    };
    let finish = |target| line(&Envelope { id: 91, body: Request::Finish { target } });
    let broken = line(&Envelope { id: 90, body: Request::Frames { target: 3, pcm: "AAAA".into() } });
    let input = [
        frames(1, &[9.0]), // nobody listens yet
        listen(1),
        listen(2),
        frames(1, &[0.25, 0.5]),
        frames(2, &[0.75]),
        frames(1, &[1.0]),
        finish(2),
        finish(1),
        listen(3),
        broken,
        listen(4),
        line(&Envelope { id: 92, body: Request::Cancel { target: 4 } }),
        line(&Envelope { id: 93, body: Request::Shutdown }),
    ];
    let written = Written::default();
    serve(&mut Ear, StayOpen(Cursor::new(input.concat())), written.clone());
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let said = |what: &str| assert!(text.contains(what), "{what} in {text}");
    said(r#"{"id":1,"event":"partial","text":"3 Some(0.25)"}"#);
    said(r#"{"id":2,"event":"partial","text":"1 Some(0.75)"}"#);
    said(
        r#"{"id":3,"event":"failed","kind":"bad_request","message":"They are no whole count of 32-bit floats."}"#,
    );
    said(r#"{"id":4,"event":"done","stop":"cancelled""#);
    assert!(
        !text.contains("\"id\":90") && !text.contains("\"id\":91"),
        "what comes for a request has no answer of its own: {text}"
    );
}

/// Input that ends only after a while: what waits in front of its end is answered.
struct StayOpen<R>(R);

impl<R: Read> Read for StayOpen<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 => loop {
                std::thread::park();
            },
            read => Ok(read),
        }
    }
}

/// A pipe whose reader waits for what is written to the other end.
struct Pipe(mpsc::Receiver<Vec<u8>>, Cursor<Vec<u8>>);

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.1.read(buffer)? {
                0 => match self.0.recv() {
                    Ok(bytes) => self.1 = Cursor::new(bytes),
                    Err(_) => return Ok(0),
                },
                read => return Ok(read),
            }
        }
    }
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_worker_answers_in_order_takes_cancels_at_once_and_survives_bad_lines() {
    let (sender, receiver) = mpsc::channel();
    let written = Written::default();
    let out = written.clone();
    let generate = "\"request\":\"generate\",\"messages\":[]";
    sender.send(format!("oops\n{{\"id\":1,{generate}}}\n{{\"id\":2,{generate}}}\n").into_bytes()).unwrap();
    sender.send(b"{\"id\":3,\"request\":\"prefill\",\"messages\":[]}\n".to_vec()).unwrap();
    let worker = std::thread::spawn(move || serve(&mut Counter, Pipe(receiver, Cursor::default()), out));
    let said = |what: &str| String::from_utf8_lossy(&written.0.lock().unwrap()).contains(what);
    while !said("{\"id\":1,\"event\":\"token\"") {
        std::thread::yield_now();
    }
    // The second is cancelled while it waits, the first while it runs.
    sender.send(b"{\"id\":4,\"request\":\"cancel\",\"target\":2}\n".to_vec()).unwrap();
    sender.send(b"{\"id\":5,\"request\":\"cancel\",\"target\":1}\n".to_vec()).unwrap();
    sender.send(b"{\"id\":6,\"request\":\"shutdown\"}\n".to_vec()).unwrap();
    worker.join().unwrap();
    drop(sender);
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let mut lines = LineReader::new(Cursor::new(text));
    let events: Vec<Envelope<Event>> = std::iter::from_fn(|| lines.next_message().unwrap()).collect();
    let shape: Vec<String> = events
        .iter()
        .map(|event| match &event.body {
            Event::Ready(_) => format!("{} ready", event.id),
            Event::Token { .. } => format!("{} token", event.id),
            Event::Done(report) => format!("{} {:?}", event.id, report.stop),
            Event::Failed(failure) => format!("{} {:?}", event.id, failure.kind),
            other => format!("{} {other:?}", event.id),
        })
        .collect();
    let expected =
        ["0 ready", "0 BadRequest", "1 token", "1 Cancelled", "2 Cancelled", "3 Unsupported", "6 Finished"];
    assert_eq!(shape, expected);
}

#[test]
fn the_end_of_the_input_ends_a_worker_and_what_it_does() {
    let generate = b"{\"id\":1,\"request\":\"generate\",\"messages\":[]}\n".to_vec();
    let written = Written::default();
    serve(&mut Counter, Cursor::new(generate), written.clone());
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("\"id\":0,\"event\":\"ready\""), "{text}");
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic_or_hang(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut lines = LineReader::new(Cursor::new(&bytes));
        for _ in 0..=bytes.len() {
            match lines.next_message::<Envelope<Request>>() {
                Ok(None) => return Ok(()),
                Err(error) if !error.recoverable() => return Ok(()),
                _ => {}
            }
        }
        prop_assert!(false, "it never ends");
    }
}
