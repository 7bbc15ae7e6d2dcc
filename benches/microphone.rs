//! What the microphone costs, through a `PulseAudio` of the benchmark's own: the time from
//! arming to the first samples, from a start to the first block, and the processor while armed
//! and silent.
//!
//! ```sh
//! cargo bench --bench microphone
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a measurement")]

#[cfg(target_os = "linux")]
#[path = "../tests/pulse/mod.rs"]
mod pulse;

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("measured on Linux only");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use percept::microphone::{Microphone, Options, Sound};

    use super::pulse::with_server;

    const ROUNDS: usize = 20;
    const SILENT: Duration = Duration::from_secs(10);

    pub(crate) fn main() {
        with_server("", |client| {
            client.device("bench", 48_000, 2);
            arming();
            starting();
            silence();
        });
    }

    /// The median, with the first and the last decile.
    fn show(name: &str, mut times: Vec<Duration>) {
        times.sort();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
        println!("{name:<40} {:7.2} ms ({:.2} to {:.2})", at(50), at(10), at(90));
    }

    /// How long until the first samples after a start.
    fn first(microphone: &Microphone) -> Duration {
        let (sender, sounds) = mpsc::channel();
        let began = Instant::now();
        microphone.start(move |sound| drop(sender.send(sound)));
        assert!(matches!(sounds.recv().unwrap(), Sound::Samples(_)));
        let took = began.elapsed();
        microphone.cancel();
        took
    }

    fn arming() {
        let times = (0..ROUNDS).map(|_| {
            let began = Instant::now();
            let microphone = Microphone::arm(&Options::default()).unwrap();
            first(&microphone);
            began.elapsed()
        });
        show("from arming to the first samples", times.collect());
    }

    fn starting() {
        let microphone = Microphone::arm(&Options::default()).unwrap();
        let times = (0..ROUNDS).map(|_| {
            std::thread::sleep(Duration::from_millis(700));
            first(&microphone)
        });
        show("from a start to the first block, armed", times.collect());
    }

    fn silence() {
        let _microphone = Microphone::arm(&Options::default()).unwrap();
        std::thread::sleep(Duration::from_secs(1));
        let before = used();
        std::thread::sleep(SILENT);
        let share = (used() - before).as_secs_f64() / SILENT.as_secs_f64();
        println!("{:<40} {:7.2} % of a core over {SILENT:?}", "armed and silent", share * 100.0);
    }

    /// The processor time of this process: user and system, in ticks of 10 ms.
    fn used() -> Duration {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        // The name may have spaces; the 12th and 13th field after it are the times.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }
}
