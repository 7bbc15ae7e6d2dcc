//! What the index costs: passages a second, the time of a query, memory, opening. The texts are
//! made here: words of a Zipf vocabulary, some hundred a passage.
//!
//! ```sh
//! cargo bench --bench retrieval -- 10000 100000 1000000
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use percept::document::Place;
use percept::retrieval::{
    Analyser, EmbedRole, Embedder, FileState, Input, Library, Mode, NewFile, NewPassage, Options,
    PassageKind, Query, Space, Store,
    vectors::{Local, Vectors},
};

/// Words that there are; a large collection of prose has about as many.
const VOCABULARY: usize = 200_000;

/// Words of a passage.
const WORDS: usize = 120;

/// Passages of a file.
const IN_A_FILE: usize = 8;

/// Numbers of a vector: those of a small embedding model.
const DIMENSIONS: usize = 384;

/// Topics that vectors lie around: they aren't spread evenly.
const TOPICS: usize = 400;

/// Queries that are timed, and those before.
const QUERIES: usize = 300;
const WARM: usize = 30;

/// Numbers that are the same in each run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A word's rank by Zipf's law: the n-th is as frequent as 1/n.
    fn zipf(&mut self) -> usize {
        ((VOCABULARY as f64).powf(self.fraction()) as usize).min(VOCABULARY)
    }
}

/// A pronounceable word for a rank: frequent ones are short.
fn word(rank: usize) -> String {
    const SYLLABLES: [&str; 20] = [
        "ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo", "zu", "dan", "fel", "gor", "hib", "jur", "pam",
        "res", "tok", "vin", "wal",
    ];
    let mut word = String::new();
    let mut rest = rank + 1;
    while rest > 0 {
        word.push_str(SYLLABLES[rest % SYLLABLES.len()]);
        rest /= SYLLABLES.len();
    }
    word
}

fn text(numbers: &mut Numbers) -> String {
    let words: Vec<String> = (0..WORDS).map(|_| word(numbers.zipf())).collect();
    words.join(" ")
}

fn topic(n: u64) -> Vec<f32> {
    let mut numbers = Numbers(n % TOPICS as u64 + 1_000_000);
    (0..DIMENSIONS).map(|_| numbers.fraction() as f32 - 0.5).collect()
}

/// A vector near one of the topics, of length 1.
fn vector(numbers: &mut Numbers) -> Vec<f32> {
    let mut vector = topic(numbers.next());
    for number in &mut vector {
        *number += (numbers.fraction() as f32 - 0.5) * 0.8;
    }
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|number| *number /= length);
    vector
}

/// Gives a vector at once: a model's time isn't measured here.
struct Ready(Space);

impl Embedder for Ready {
    fn space(&self) -> &Space {
        &self.0
    }

    fn embed(&self, _: EmbedRole, inputs: &[Input<'_>], _: &AtomicBool) -> Result<Vec<Vec<f32>>, String> {
        let seed = |input: &Input<'_>| match input {
            Input::Text(text) => {
                text.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31) ^ u64::from(byte))
            }
            Input::Picture(_) => 0,
        };
        Ok(inputs.iter().map(|input| vector(&mut Numbers(seed(input)))).collect())
    }
}

fn space() -> Space {
    Space {
        id: "bench".into(),
        name: "bench".into(),
        dimensions: DIMENSIONS,
        most_tokens: 256,
        pictures: false,
        texts: true,
    }
}

fn file(n: usize) -> NewFile {
    NewFile {
        path: PathBuf::from(format!("/bench/folder{}/{}-{n}.md", n % 97, word(n % VOCABULARY))),
        bytes: 1,
        modified_ns: 0,
        hash: String::new(),
        title: Some(format!("{} {}", word(n % 5000), word(n % 777))),
        seen_by: None,
        state: FileState::Indexed { note: String::new() },
    }
}

/// Files that are made before they are indexed.
const AT_ONCE: usize = 1000;

/// Puts passages into the index as [`percept::indexing`] does: their words are made on another
/// thread than the one that writes. The making of texts isn't measured.
fn fill(store: &mut Store, size: usize) {
    let source = Path::new("/bench");
    store.add_source(source).unwrap();
    let mut numbers = Numbers(1);
    let mut putting = Duration::ZERO;
    let mut analyser = Analyser::default();
    let all: Vec<usize> = (0..size.div_ceil(IN_A_FILE)).collect();
    for some in all.chunks(AT_ONCE) {
        let files: Vec<_> = some.iter().map(|n| (file(*n), passages(&mut numbers, *n, size))).collect();
        let start = Instant::now();
        let (sender, receiver) = std::sync::mpsc::sync_channel(4);
        std::thread::scope(|threads| {
            let (analyser, files) = (&mut analyser, &files);
            threads.spawn(move || {
                for (file, passages) in files {
                    sender.send((file, passages, analyser.words(source, file, passages))).unwrap();
                }
            });
            for (file, passages, words) in receiver {
                store.put_analysed(source, file, passages, &words).unwrap();
            }
        });
        putting += start.elapsed();
    }
    let start = Instant::now();
    store.merge_words(&AtomicBool::new(false)).unwrap();
    putting += start.elapsed();
    println!("  merged in             {:8.2} s", start.elapsed().as_secs_f64());
    println!("  indexed by words      {:8.0} passages/s", size as f64 / putting.as_secs_f64());
}

/// Those of a file.
fn passages(numbers: &mut Numbers, file: usize, size: usize) -> Vec<NewPassage> {
    let passage = |line: usize| NewPassage {
        kind: PassageKind::Text,
        text: text(numbers),
        heading: vec![word(file % 3000)],
        place: Place::Lines(u32::try_from(line * 10).unwrap(), u32::try_from(line * 10 + 9).unwrap()),
    };
    (1..=IN_A_FILE.min(size - file * IN_A_FILE)).map(passage).collect()
}

fn embed(store: &mut Store, folder: &Path) {
    let mut numbers = Numbers(2);
    let start = Instant::now();
    let mut done = 0;
    loop {
        let left = store.unembedded(&space(), 1000).unwrap();
        if left.is_empty() {
            break;
        }
        let vectors: Vec<_> = left.iter().map(|left| (left.id, vector(&mut numbers))).collect();
        store.put_vectors(&space(), &vectors).unwrap();
        done += left.len();
    }
    println!(
        "  vectors kept          {:8.0} /s",
        f64::from(u32::try_from(done).unwrap()) / start.elapsed().as_secs_f64()
    );
    let start = Instant::now();
    let connection = rusqlite::Connection::open(Store::file(folder)).unwrap();
    Local::new(folder, &space()).sync(&connection, &AtomicBool::new(false), &mut |_, _| {}).unwrap();
    println!("  graph built in        {:8.1} s", start.elapsed().as_secs_f64());
}

/// Queries of two to seven words, the rare and the frequent mixed as people do: the frequent
/// ones of a language are no words that are looked for.
fn queries() -> Vec<String> {
    let mut numbers = Numbers(3);
    let mut query = || {
        let words = 2 + numbers.next() as usize % 6;
        let words: Vec<String> = (0..words).map(|_| word(40 + numbers.zipf())).collect();
        words.join(" ")
    };
    (0..WARM + QUERIES).map(|_| query()).collect()
}

fn time(library: &Library, mode: Mode, within: Option<&Path>) {
    let mut times: Vec<Duration> = queries()
        .into_iter()
        .map(|words| {
            let query = Query { mode, within: within.map(Path::to_owned), ..Query::words(words, 10) };
            let start = Instant::now();
            std::hint::black_box(library.find(&query, &AtomicBool::new(false)).unwrap());
            start.elapsed()
        })
        .skip(WARM)
        .collect();
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
    let folder = if within.is_some() { " in a folder" } else { "" };
    println!(
        "  {:<21} {:8.2} ms p50, {:.2} ms p95, {:.2} ms the slowest",
        format!("{mode:?}{folder}"),
        at(50),
        at(95),
        at(100)
    );
}

/// Resident memory of this process in MB: now, and at its highest.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

fn measure(size: usize) {
    println!("{size} passages");
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap().store;
    fill(&mut store, size);
    embed(&mut store, folder.path());
    println!("  on disk               {:8} MB", store.status().unwrap().bytes_on_disk >> 20);
    drop(store);
    let start = Instant::now();
    drop(Store::open(folder.path()).unwrap());
    println!("  opened in             {:8.2} ms", start.elapsed().as_secs_f64() * 1000.0);
    let library = Library::new(folder.path(), Options::default(), Ok(Arc::new(Ready(space()))), None);
    let start = Instant::now();
    library.find(&Query::words("ba", 10), &AtomicBool::new(false)).unwrap();
    println!("  first query           {:8.2} ms", start.elapsed().as_secs_f64() * 1000.0);
    for mode in [Mode::Lexical, Mode::Semantic, Mode::Hybrid] {
        time(&library, mode, None);
    }
    time(&library, Mode::Hybrid, Some(Path::new("/bench/folder5")));
    let (now, most) = memory();
    println!("  memory                {now:8} MB ({most} MB at its highest, with building)");
}

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|size| size.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10_000, 100_000] } else { sizes };
    for size in sizes {
        measure(size);
    }
}
