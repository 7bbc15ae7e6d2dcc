//! Speaks the protocol with a worker's process.
#![allow(dead_code, clippy::expect_used, clippy::panic, reason = "helpers of several tests; none uses all")]

use std::io::BufReader;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use percept::wire::{
    DoneReport, Envelope, Event, Failure, Ledger, LineReader, NO_REQUEST, Request, write_line,
};

/// A running worker.
pub(crate) struct WorkerClient {
    child: Child,
    stdin: ChildStdin,
    lines: LineReader<BufReader<ChildStdout>>,
    last_id: u64,
}

/// All that a worker said to one request.
pub(crate) struct Answer {
    pub(crate) events: Vec<Event>,
}

impl WorkerClient {
    pub(crate) fn start(program: &str) -> Self {
        Self::start_with(program, &[])
    }

    /// The same with variables of the environment.
    pub(crate) fn start_with(program: &str, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(program)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the worker starts");
        let stdin = child.stdin.take().expect("a pipe");
        let lines = LineReader::new(BufReader::new(child.stdout.take().expect("a pipe")));
        let mut client = Self { child, stdin, lines, last_id: 0 };
        let first = client.next();
        assert!(matches!(first, Envelope { id: NO_REQUEST, body: Event::Ready(_) }), "{first:?}");
        client
    }

    pub(crate) fn send(&mut self, request: Request) -> u64 {
        self.last_id += 1;
        write_line(&mut self.stdin, &Envelope { id: self.last_id, body: request }).expect("the worker reads");
        self.last_id
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn next(&mut self) -> Envelope<Event> {
        self.lines.next_message().expect("a line of the protocol").expect("the worker lives")
    }

    /// Reads until an event of the request is what is waited for.
    pub(crate) fn until(&mut self, id: u64, wanted: impl Fn(&Event) -> bool) {
        loop {
            let Envelope { id: said, body } = self.next();
            if said == id && wanted(&body) {
                return;
            }
        }
    }

    /// Reads to the end of a request.
    pub(crate) fn finish(&mut self, id: u64) -> Answer {
        let mut events = Vec::new();
        loop {
            let Envelope { id: said, body } = self.next();
            assert_eq!(said, id, "{body:?}");
            let last = matches!(body, Event::Done(_) | Event::Failed(_));
            events.push(body);
            if last {
                return Answer { events };
            }
        }
    }

    pub(crate) fn ask(&mut self, request: Request) -> Answer {
        let id = self.send(request);
        self.finish(id)
    }
}

impl Drop for WorkerClient {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        let texts = self.events.iter().filter_map(|event| match event {
            Event::Token { text, .. } => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    pub(crate) fn logprobs(&self) -> impl Iterator<Item = f32> {
        self.events.iter().filter_map(|event| match event {
            Event::Token { logprob, .. } => Some(*logprob),
            _ => None,
        })
    }

    pub(crate) fn done(&self) -> DoneReport {
        match self.events.last() {
            Some(Event::Done(report)) => report.clone(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn failed(&self) -> Failure {
        match self.events.last() {
            Some(Event::Failed(failure)) => failure.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// The last ledger.
    pub(crate) fn ledger(&self) -> Ledger {
        let mut ledgers = self.events.iter().rev().filter_map(|event| match event {
            Event::Ledger(ledger) => Some(ledger.clone()),
            _ => None,
        });
        ledgers.next().expect("a ledger")
    }
}
