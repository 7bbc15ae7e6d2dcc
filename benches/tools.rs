//! What the tool layer costs: a sandboxed `true` against a bare fork and exec of it, in turn,
//! and judging the commands of the table of the tests.
//!
//! ```sh
//! cargo bench --bench tools
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

#[cfg(target_os = "linux")]
fn main() {
    linux::sandbox();
    linux::judging();
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("measured on Linux only");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use percept::tools::sandbox::{Options, Policy, Run, Support, means, run};
    use percept::tools::{Context, decide};

    const ROUNDS: usize = 200;

    /// The median, with the first and the last decile.
    fn spread(mut times: Vec<Duration>) -> (Duration, Duration, Duration) {
        times.sort();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        (at(50), at(10), at(90))
    }

    fn show(name: &str, times: Vec<Duration>) -> Duration {
        let (median, low, high) = spread(times);
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        println!("{name:<40} {:7.2} ms ({:.2} to {:.2})", ms(median), ms(low), ms(high));
        median
    }

    pub(crate) fn sandbox() {
        let folder = tempfile::tempdir().unwrap();
        let command: [OsString; 1] = ["/bin/true".into()];
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let policy = Policy::read_only(folder.path(), home.as_deref(), &[]);
        let bare = || {
            let start = Instant::now();
            assert!(Command::new("/bin/true").status().unwrap().success());
            start.elapsed()
        };
        let held = |by: &Support| {
            let options = Options {
                percept: PathBuf::from(env!("CARGO_BIN_EXE_percept")),
                by: by.clone(),
                spool: folder.path().to_owned(),
                most_spool: 1 << 30,
                most_output: 1024,
            };
            let stop = Arc::default();
            let time = Duration::from_secs(10);
            let start = Instant::now();
            let ran = run(
                &Run { command: &command, policy: &policy, proven: true, time, stop, says: Arc::default() },
                &options,
            )
            .unwrap();
            let took = start.elapsed();
            assert_eq!(ran.ended, percept::tools::sandbox::Ended::Code(0));
            took
        };
        for by in means().into_iter().map(Support::By) {
            let (mut without, mut with) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                without.push(bare());
                with.push(held(&by));
            }
            let Support::By(means) = &by else { continue };
            println!("{means}");
            let (without, with) = (show("  bare true", without), show("  sandboxed true", with));
            println!("  {:.2} ms more", with.saturating_sub(without).as_secs_f64() * 1000.0);
        }
    }

    pub(crate) fn judging() {
        let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/commands.tsv");
        let table = std::fs::read_to_string(table).unwrap();
        let commands: Vec<&str> = table
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .filter_map(|line| line.split('\t').nth(1))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let context = Context { folder: folder.path().to_owned(), ..Context::default() };
        let once = |command: &&str| {
            let start = Instant::now();
            std::hint::black_box(decide(command, &context));
            start.elapsed()
        };
        // The first reading of each fills the caches of the file system.
        for command in &commands {
            once(command);
        }
        let mut all: Vec<Duration> = commands.iter().map(once).collect();
        println!("judging {} commands", commands.len());
        show("  each", all.clone());
        all.sort();
        println!("  slowest {:.2} ms", all.last().unwrap().as_secs_f64() * 1000.0);
    }
}
