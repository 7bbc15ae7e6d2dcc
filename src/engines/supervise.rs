//! The thread that owns a worker: starts it, passes requests on, starts it again.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::child::{Child, Said, What, check_protocol};
use super::{WorkerEvent, WorkerOptions};
use crate::wire::{Envelope, Event, Request};

/// A worker that is kept running. Dropping it ends the process.
#[derive(Debug)]
pub struct Worker {
    mail: Sender<Mail>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the worker and returns at once; what happens to it comes through `events`.
    pub fn spawn(options: WorkerOptions, events: UnboundedSender<WorkerEvent>) -> Self {
        let (mail, inbox) = mpsc::channel();
        let own = mail.clone();
        let thread = std::thread::spawn(move || Supervisor { options, events, mail: own, inbox }.run());
        Self { mail, thread: Some(thread) }
    }

    /// Sends a request. One sent while no process is ready for it is lost, as if the
    /// worker had died after it; `Up` says when to ask again. A worker that was given up
    /// is started once more.
    pub fn send(&self, id: u64, request: Request) {
        // The thread ends only when this value is dropped.
        let _ = self.mail.send(Mail::Request(id, request));
    }

    /// Ends the process at once, whatever it does, and starts another one: for work that
    /// looks for no cancel. `Down` comes, then `Up`.
    pub fn restart(&self) {
        let _ = self.mail.send(Mail::Restart);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.mail.send(Mail::Close);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

enum Mail {
    Request(u64, Request),
    Said(Said),
    Restart,
    Close,
}

impl From<Said> for Mail {
    fn from(said: Said) -> Self {
        Self::Said(said)
    }
}

struct Supervisor {
    options: WorkerOptions,
    events: UnboundedSender<WorkerEvent>,
    mail: Sender<Mail>,
    inbox: Receiver<Mail>,
}

/// How one process ended.
enum End {
    /// Nobody wants the worker any more.
    Closed,
    /// It was ended on demand.
    Restarted,
    /// It died; another one may do better.
    Died(String),
    /// It is not there or not ours: another one would be the same.
    Hopeless(String),
}

impl Supervisor {
    fn run(self) {
        let mut deaths = 0;
        for process in 0.. {
            let started = Instant::now();
            let mut useful = false;
            let (reason, hopeless) = match self.live(process, &mut useful) {
                End::Closed => return,
                End::Restarted => {
                    let reason = "it was ended on demand".to_owned();
                    let retry_in = Some(Duration::ZERO);
                    let _ = self.events.send(WorkerEvent::Down { reason, retry_in });
                    continue;
                }
                End::Died(reason) => (reason, false),
                End::Hopeless(reason) => (reason, true),
            };
            // One that dies whenever it has loaded for a minute is as sick as one that dies at once.
            let healthy = useful && started.elapsed() >= self.options.healthy_after;
            deaths = if healthy { 1 } else { deaths + 1 };
            let retry_in = (!hopeless && deaths < self.options.most_deaths).then(|| self.wait_after(deaths));
            tracing::warn!(%reason, ?retry_in, "the worker died");
            let _ = self.events.send(WorkerEvent::Down { reason, retry_in });
            let go_on = match retry_in {
                Some(wait) => self.sleep(wait),
                None => {
                    deaths = 0;
                    self.wait_for_request()
                }
            };
            if !go_on {
                return;
            }
        }
    }

    /// Doubles with each death in a row.
    fn wait_after(&self, deaths: u32) -> Duration {
        let factor = 1_u32.checked_shl(deaths - 1).unwrap_or(u32::MAX);
        self.options.first_retry.saturating_mul(factor).min(self.options.longest_retry)
    }

    /// Runs one process to its end; `useful` is set when it has finished something.
    fn live(&self, process: u64, useful: &mut bool) -> End {
        let mut child = match Child::start(&self.options.program, process, &self.mail) {
            Ok(child) => child,
            Err(reason) => return End::Hopeless(reason),
        };
        if let Some(end) = self.await_ready(&mut child, process) {
            return end;
        }
        loop {
            match self.inbox.recv() {
                Ok(Mail::Request(id, request)) => {
                    if let Err(failure) = child.write(id, request) {
                        let said = Envelope { id, body: Event::Failed(failure) };
                        let _ = self.events.send(WorkerEvent::Said(said));
                    }
                }
                Ok(Mail::Restart) => {
                    child.kill();
                    return End::Restarted;
                }
                Ok(Mail::Said(said)) if said.process != process => {}
                Ok(Mail::Said(Said { what: What::Line(line), .. })) => {
                    *useful |= matches!(line.body, Event::Done(_));
                    let _ = self.events.send(WorkerEvent::Said(line));
                }
                Ok(Mail::Said(Said { what: What::End(broken), .. })) => {
                    return End::Died(child.obituary(broken.as_deref()));
                }
                Ok(Mail::Close) | Err(_) => {
                    child.end();
                    return End::Closed;
                }
            }
        }
    }

    /// Waits for who it is. Requests that come before that are lost.
    fn await_ready(&self, child: &mut Child, process: u64) -> Option<End> {
        let deadline = Instant::now() + self.options.ready_within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.inbox.recv_timeout(left) {
                Ok(Mail::Said(said)) if said.process != process => {}
                Ok(Mail::Said(Said { what: What::Line(line), .. })) => {
                    let Event::Ready(ready) = line.body else {
                        return Some(End::Hopeless("it said something else before who it is".to_owned()));
                    };
                    if let Err(reason) = check_protocol(&ready) {
                        return Some(End::Hopeless(reason));
                    }
                    let _ = self.events.send(WorkerEvent::Up(ready));
                    return None;
                }
                Ok(Mail::Said(Said { what: What::End(broken), .. })) => {
                    return Some(End::Died(child.obituary(broken.as_deref())));
                }
                Ok(Mail::Request(..) | Mail::Restart) => {}
                Ok(Mail::Close) | Err(RecvTimeoutError::Disconnected) => return Some(End::Closed),
                Err(RecvTimeoutError::Timeout) => {
                    let seconds = self.options.ready_within.as_secs();
                    return Some(End::Died(format!("it said nothing for {seconds} s")));
                }
            }
        }
    }

    /// Waits before a restart; false if nobody wants the worker any more.
    fn sleep(&self, wait: Duration) -> bool {
        let deadline = Instant::now() + wait;
        loop {
            match self.inbox.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Mail::Close) | Err(RecvTimeoutError::Disconnected) => return false,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return true,
            }
        }
    }

    /// Waits until something is asked of a worker that was given up.
    fn wait_for_request(&self) -> bool {
        loop {
            match self.inbox.recv() {
                Ok(Mail::Request(..) | Mail::Restart) => return true,
                Ok(Mail::Said(_)) => {}
                Ok(Mail::Close) | Err(_) => return false,
            }
        }
    }
}
