//! A pipe read by a thread of its own, so that whoever reads from here can leave while
//! nothing comes.
//!
//! The thread ends with the pipe, or at the first bytes after the reader has left. Until
//! then it waits in a read that nothing can break off.

use std::io::{self, Read};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::disk::Context;

/// How much is read at once.
pub(super) const CHUNK: usize = 64 * 1024;

/// Chunks that wait to be taken; then the pipe's writer waits.
const WAITING: usize = 4;

/// How long nothing may come before the flag is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The bytes of a pipe.
pub(super) struct Pump<'s> {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    taken: usize,
    context: Context<'s>,
}

impl<'s> Pump<'s> {
    pub(super) fn start(stream: impl Read + Send + 'static, context: Context<'s>) -> io::Result<Self> {
        let (sender, chunks) = sync_channel(WAITING);
        std::thread::Builder::new().name("percept-pipe".to_owned()).spawn(move || pump(stream, &sender))?;
        Ok(Self { chunks, chunk: Vec::new(), taken: 0, context })
    }

    /// Waits for the next chunk; none at the end.
    fn next(&mut self) -> io::Result<()> {
        self.taken = 0;
        self.chunk.clear();
        loop {
            self.context.go_on()?;
            match self.chunks.recv_timeout(LOOK) {
                Ok(Ok(chunk)) => {
                    self.chunk = chunk;
                    return Ok(());
                }
                Ok(Err(error)) => {
                    self.context.state.failed.store(true, Ordering::Relaxed);
                    return Err(error);
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Read for Pump<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.chunk.len() {
            self.next()?;
        }
        let count = buffer.len().min(self.chunk.len() - self.taken);
        buffer[..count].copy_from_slice(&self.chunk[self.taken..self.taken + count]);
        self.taken += count;
        self.context.state.consumed.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

fn pump(mut stream: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let chunk = match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => Ok(buffer[..read].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = chunk.is_err();
        if sender.send(chunk).is_err() || failed {
            return;
        }
    }
}
