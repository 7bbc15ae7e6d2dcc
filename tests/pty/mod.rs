//! percept in a pseudo-terminal.
#![allow(dead_code, clippy::unwrap_used, reason = "helpers of several tests; none uses all")]

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::common::Home;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn cells(count: u16) -> std::num::NonZeroU16 {
    std::num::NonZeroU16::new(count).unwrap()
}

/// percept in a terminal of its own.
pub(crate) struct Terminal {
    pub(crate) child: Box<dyn Child + Send + Sync>,
    pub(crate) keys: Box<dyn Write + Send>,
    pub(crate) screen: Arc<Mutex<vt100::Parser>>,
    pub(crate) bytes: Arc<Mutex<Vec<u8>>>,
    pub(crate) master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    pub(crate) fn start(home: &Home, fake: &str, arguments: &[&str], columns: u16, rows: u16) -> Self {
        Self::with(home, fake, arguments, &[], (columns, rows))
    }

    /// With more in its environment.
    pub(crate) fn with(
        home: &Home,
        fake: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        size: (u16, u16),
    ) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_percept"));
        command.args(arguments);
        Self::run(home, fake, command, environment, size)
    }

    /// Another program, such as a shell.
    pub(crate) fn run(
        home: &Home,
        fake: &str,
        mut command: CommandBuilder,
        environment: &[(&str, &str)],
        (columns, rows): (u16, u16),
    ) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        command.env_clear();
        command.cwd(home.dir.path());
        for (name, value) in home.variables(fake) {
            command.env(name, value);
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (shown, all) = (Arc::clone(&screen), Arc::clone(&bytes));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                shown.lock().unwrap().process(&buffer[..read]);
                all.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { child, keys, screen, bytes, master: pair.master }
    }

    pub(crate) fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen shows something.
    pub(crate) fn shows(&self, what: &str) {
        let start = Instant::now();
        while !self.text().contains(what) {
            assert!(start.elapsed() < PATIENCE, "waiting for {what:?}:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until the screen no longer shows something.
    pub(crate) fn hides(&self, what: &str) {
        let start = Instant::now();
        while self.text().contains(what) {
            assert!(start.elapsed() < PATIENCE, "waiting for {what:?} to go:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until something was written to the terminal, and how often it was.
    pub(crate) fn wrote(&self, what: &str) -> usize {
        let count = || {
            let bytes = self.bytes.lock().unwrap();
            bytes.windows(what.len()).filter(|window| *window == what.as_bytes()).count()
        };
        let start = Instant::now();
        while count() == 0 {
            assert!(start.elapsed() < PATIENCE, "waiting for {what:?}:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
        count()
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub(crate) fn wait(&mut self) -> u32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(start.elapsed() < PATIENCE, "it doesn't end:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether the terminal was given back: the alternate screen was left.
    pub(crate) fn was_restored(&self) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            let bytes = self.bytes.lock().unwrap();
            let last = |what: &[u8]| bytes.windows(what.len()).rposition(|window| window == what);
            if last(b"\x1b[?1049l") > last(b"\x1b[?1049h") {
                return true;
            }
            drop(bytes);
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.process_id().unwrap() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
