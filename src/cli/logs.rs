//! `percept logs`: what is in a log, and its lines.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::Trouble;
use super::exit::{print_json, print_text};
use super::open::runtime;
use super::watch::{Shown, stop_on_interrupt};
use crate::digest::input::{Bounds, Gathered, InputError, Reader, Spool, gather, tee};
use crate::digest::{
    Asked, Focus, LogDigest, Options, Query, assign, query, read_level, render, render_answer,
};
use crate::redact::{self, Redactor};
use crate::text;

/// Tokens of a digest unless it is said otherwise.
const BUDGET: u32 = 2000;

/// Entries that are shown unless it is said otherwise.
const MOST_ENTRIES: usize = 200;

/// Files passed over that are named.
const MOST_NAMED: usize = 5;

/// What is in a log: a digest with line numbers, or its lines
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(super) struct LogsArgs {
    /// Logs, folders of them, archives; `-` or nothing: standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    files: Vec<PathBuf>,
    /// Tokens that the digest may take
    #[arg(long, value_name = "TOKENS", default_value_t = BUDGET, value_parser = clap::value_parser!(u32).range(200..=1_000_000))]
    budget: u32,
    /// What you want to know: its words and a time in it decide what comes first
    #[arg(short, long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    question: String,
    /// List all templates
    #[arg(long, conflicts_with_all = ["template", "level", "since", "until", "grep", "around", "count", "assignments"])]
    templates: bool,
    /// Show entries of this template; can be given several times
    #[arg(short, long, value_name = "ID")]
    template: Vec<u32>,
    /// Show entries at this level or worse: trace, debug, info, notice, warn, error, fatal
    #[arg(short, long, value_parser = level)]
    level: Option<String>,
    /// Show entries from this time on: 2024-01-31 02:14, 02:14 (on the last day), 2h (before the end)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Show entries up to this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Show entries with a line that matches this regular expression
    #[arg(short, long, value_name = "REGEX")]
    grep: Option<String>,
    /// Show the lines around a line: app.log:120, or 120 where there is one log
    #[arg(long, value_name = "[FILE:]LINE", conflicts_with_all = ["template", "level", "since", "until", "grep", "count"])]
    around: Option<String>,
    /// Count entries in intervals of this length: 30s, 5m, 1h, 1d
    #[arg(long, value_name = "LENGTH")]
    count: Option<String>,
    /// Show so many entries at most (200)
    #[arg(short = 'n', long, value_parser = clap::value_parser!(u32).range(1..))]
    number: Option<u32>,
    /// Show the last ones, not the first
    #[arg(long)]
    last: bool,
    /// Print each line's number and its template's, with a tab between; with several
    /// files the file's name first
    #[arg(long, conflicts_with_all = ["json", "redact", "template", "level", "since", "until", "grep", "around", "count", "last", "number"])]
    assignments: bool,
    /// Replace secrets, e-mail addresses and card numbers by placeholders (docs/redaction.md)
    #[arg(long)]
    redact: bool,
    /// With --redact: IP addresses too
    #[arg(long, requires = "redact")]
    ips: bool,
    /// With --redact: user names too
    #[arg(long, requires = "redact")]
    users: bool,
    /// Print JSON (docs/json.md)
    #[arg(long)]
    json: bool,
}

const HELP: &str = "Examples:
  percept logs app.log                          what it is, what stands out, with line numbers
  percept logs /var/log/nginx/                  a folder, rotated and packed files in their order
  percept logs ci.log --level error --last      the last errors
  percept logs app.log --around 88214           the lines around one
  percept logs app.log --template 12 --count 5m how often when
  journalctl -o json -u nginx | percept logs    standard input; Ctrl+C ends it and shows the digest";

fn level(word: &str) -> Result<String, String> {
    read_level(word).map(|level| level.name().to_owned())
}

pub(super) fn run(args: LogsArgs) -> Result<(), Trouble> {
    // What a digest is made from must outlive it, for its lines: standard input is kept.
    let runtime = runtime()?;
    let stop = stop_on_interrupt(&runtime);
    let piped = args.files.is_empty() || args.files.iter().any(|file| file == Path::new("-"));
    let spool = piped.then(Spool::temporary).transpose().map_err(Trouble::user)?;
    // Pipes among the files are kept with what was gathered.
    let (digest, _gathered) = match &spool {
        Some(spool) => (read_stream(&args, spool, &stop)?, None),
        None => read_files(&args.files, &stop).map(|(digest, gathered)| (digest, Some(gathered)))?,
    };
    if digest.lines == 0 {
        return Err(Trouble::User(anyhow::anyhow!("no line came from standard input")));
    }
    let missing = args.files.iter().find(|file| *file != Path::new("-") && !file.exists());
    // A stream that was stopped is shown as far as it came.
    stop.store(false, Ordering::Relaxed);
    let done = show(&args, &digest, &stop);
    runtime.shutdown_background();
    match missing {
        Some(file) if done.is_ok() => {
            Err(Trouble::User(anyhow::anyhow!("{} is not there; the others were read", file.display())))
        }
        _ => done,
    }
}

fn trouble(error: InputError) -> Trouble {
    match error {
        InputError::Stopped => Trouble::Stopped,
        error => Trouble::user(error),
    }
}

fn options() -> Options {
    Options::at(jiff::Timestamp::now().as_millisecond())
}

fn read_files(files: &[PathBuf], stop: &AtomicBool) -> Result<(LogDigest, Gathered), Trouble> {
    let gathered = gather(files, &Bounds::default(), stop).map_err(trouble)?;
    for (name, why) in gathered.passed_over.iter().take(MOST_NAMED) {
        super::exit::warn(format!("{} is passed over: it {why}", text::one_line(name)));
    }
    let more =
        (gathered.passed_over.len() as u64 + gathered.more_passed_over).saturating_sub(MOST_NAMED as u64);
    if more > 0 {
        super::exit::warn(format!("{} passed over", text::counted(more, "more file is", "more files are")));
    }
    let mut shown = Shown::new();
    let digest = LogDigest::read(&gathered, &options(), stop, &mut |progress| {
        shown.tell(format!("reading {progress}"))
    });
    shown.clear();
    if digest.stopped { Err(Trouble::Stopped) } else { Ok((digest, gathered)) }
}

fn read_stream(args: &LogsArgs, spool: &Spool, stop: &AtomicBool) -> Result<LogDigest, Trouble> {
    let stdin = io::stdin();
    if args.files.len() > 1 {
        return Err(Trouble::User(anyhow::anyhow!(
            "`-` is standard input, and can't be read with other files"
        )));
    }
    if stdin.is_terminal() {
        let what = "give a log, a folder or an archive, or pipe something in: percept logs app.log";
        return Err(Trouble::User(anyhow::anyhow!(what)));
    }
    let reader = Reader::stream("standard input", stdin, stop).map_err(trouble)?;
    let mut stream = tee(reader, spool).map_err(trouble)?;
    let mut shown = Shown::new();
    let source = spool.source("stdin").map_err(trouble)?;
    let mut digest = LogDigest::read_stream(&mut stream, source, &options(), stop, &mut |progress| {
        shown.tell(format!("reading {progress}"))
    });
    shown.clear();
    if let Some(why) = spool.stopped() {
        digest.notes.push(format!("its lines can't be looked up to the end: {why}"));
    }
    // Its size is known only now.
    for facts in &mut digest.sources {
        facts.source.bytes = spool.kept();
    }
    Ok(digest)
}

fn show(args: &LogsArgs, digest: &LogDigest, stop: &AtomicBool) -> Result<(), Trouble> {
    if args.assignments {
        return assignments(digest, stop);
    }
    let mut out = Output::new(args);
    if args.templates {
        return match args.json {
            true => out.json(&digest.templates),
            false => out.text(&templates(digest)),
        };
    }
    match wanted(args, digest)? {
        Some(wanted) => {
            let answer = query(digest, &wanted, stop).map_err(trouble)?;
            match args.json {
                true => out.json(&answer),
                false => out.text(&render_answer(digest, &wanted, &answer, usize::MAX)),
            }
        }
        None if args.json => out.json(digest),
        None => out.text(&render(digest, &Focus::of(&args.question), args.budget as usize)),
    }
}

/// Standard output, with placeholders for secrets where that is wanted.
struct Output(Option<Redactor>);

impl Output {
    fn new(args: &LogsArgs) -> Self {
        let options = redact::Options { ips: args.ips, users: args.users };
        Self(args.redact.then(|| Redactor::new(options)))
    }

    fn text(&mut self, text: &str) -> Result<(), Trouble> {
        match &mut self.0 {
            Some(redactor) => print_text(&redactor.redact(text))?,
            None => print_text(text)?,
        }
        self.told();
        Ok(())
    }

    fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Trouble> {
        let mut value = serde_json::to_value(value).map_err(Trouble::user)?;
        if let Some(redactor) = &mut self.0 {
            redact::json(&mut value, redactor);
        }
        print_json(&value)?;
        self.told();
        Ok(())
    }

    fn told(&self) {
        if let Some(redactor) = &self.0 {
            super::exit::warn(format!("replaced: {}", redactor.found()));
        }
    }
}

/// The query that the flags make; `None`: the digest is wanted.
fn wanted(args: &LogsArgs, digest: &LogDigest) -> Result<Option<Query>, Trouble> {
    let asked = Asked {
        templates: &args.template,
        level: args.level.as_deref(),
        since: args.since.as_deref(),
        until: args.until.as_deref(),
        grep: args.grep.as_deref(),
        around: args.around.as_deref(),
        count: args.count.as_deref(),
        last: args.last,
    };
    if !asked.is_any() && args.number.is_none() {
        return Ok(None);
    }
    let limit = args.number.map_or(MOST_ENTRIES, |number| number as usize);
    asked.query(digest, limit).map(Some).map_err(|why| Trouble::User(anyhow::anyhow!(why)))
}

fn templates(digest: &LogDigest) -> String {
    let mut out = String::new();
    for template in &digest.templates {
        let (source, line) = (template.first.source, template.first.line);
        out.push_str(&format!(
            "{:>5}  {:>10} x  {:<6} {}  {}\n",
            template.id,
            text::thousands(template.count),
            template.severity().name(),
            digest.cite(source, line),
            template.text
        ));
    }
    out
}

fn assignments(digest: &LogDigest, stop: &AtomicBool) -> Result<(), Trouble> {
    use std::io::Write;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let several = digest.sources.len() > 1;
    for (number, facts) in digest.sources.iter().enumerate() {
        assign(digest, number, stop, |line, id| -> Result<(), Failure> {
            let id = id.unwrap_or(0);
            match several {
                true => writeln!(out, "{}\t{line}\t{id}", facts.cite)?,
                false => writeln!(out, "{line}\t{id}")?,
            }
            Ok(())
        })
        .map_err(|failure| match failure {
            Failure::Input(error) => trouble(error),
            Failure::Output(error) => error.into(),
        })?;
    }
    out.flush()?;
    Ok(())
}

enum Failure {
    Input(InputError),
    Output(io::Error),
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
