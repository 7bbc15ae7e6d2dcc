//! One thread owns the store, so that writes never block the screen and never change
//! their order.

use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::SessionStore;

type Job = Box<dyn FnOnce(&mut SessionStore) + Send>;

/// The thread that owns a [`SessionStore`]. Dropping it finishes what waits.
#[derive(Debug)]
pub struct StoreWriter {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl StoreWriter {
    /// Gives the store to a thread of its own.
    pub fn spawn(mut store: SessionStore) -> Self {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let thread = std::thread::spawn(move || {
            for job in waiting {
                job(&mut store);
            }
        });
        Self { jobs: Some(jobs), thread: Some(thread) }
    }

    /// Runs a job after all that were given before. The receiver fails only if the
    /// thread is gone.
    pub fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut SessionStore) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (answer, receiver) = oneshot::channel();
        if let Some(jobs) = &self.jobs {
            // Nobody may wait for the answer any more; the job is done all the same.
            let _ = jobs.send(Box::new(move |store| drop(answer.send(job(store)))));
        }
        receiver
    }
}

impl Drop for StoreWriter {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Message, MessageId, Role, Status};

    #[test]
    fn dropping_it_finishes_what_waits() {
        let dir = tempfile::tempdir().unwrap();
        let writer = StoreWriter::spawn(SessionStore::open(dir.path()).unwrap());
        for n in 0..50 {
            let message = Message {
                id: MessageId(n),
                parent: None,
                role: Role::User,
                parts: Vec::new(),
                status: Status::Complete,
                created_ms: n,
                stats: None,
            };
            drop(writer.run(move |store| store.write(None, "t", &[message], None).map(drop)));
        }
        drop(writer);
        assert_eq!(SessionStore::open(dir.path()).unwrap().list(100).unwrap().len(), 50);
    }
}
