//! What is known of a log when it has been read.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::input::{Gathered, Source};
use super::level::Level;
use super::miner::{Group, Quoted};
use super::scan::{Feed, Options, Progress, Stream, scan};
use super::shape::shown;
use super::stamp::StampKind;
use super::timeline::Timeline;
use super::totals::{SourceTotals, Totals, both};
use super::trouble::tone;

/// A line, as it stands in its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Which of the digest's sources.
    pub source: usize,
    /// Its number there, from 1.
    pub line: u64,
    /// Its text, without its end; bytes that are no UTF-8 became `U+FFFD`.
    pub text: String,
    /// Whether the line is longer.
    pub cut: bool,
}

impl From<&Quoted> for Quote {
    fn from(quoted: &Quoted) -> Self {
        let mut text = String::with_capacity(quoted.text.len());
        let mut chunks = quoted.text.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            // Where the line was cut in the midst of a character that character is left out.
            let torn = quoted.cut && chunks.peek().is_none();
            if !chunk.invalid().is_empty() && !torn {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        Self { source: quoted.source, line: quoted.line, text, cut: quoted.cut }
    }
}

/// Entries that say the same, but for what varies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its number, from 1 in the order of first lines.
    pub id: u32,
    /// The message, with what varies in angle brackets.
    pub text: String,
    /// The same with one control character for what varies, to compare lines with.
    pub shape: String,
    /// How many entries.
    pub count: u64,
    /// The worst level that one of them has.
    pub level: Option<Level>,
    /// What its words suggest, whatever its level.
    pub sounds: Option<Level>,
    /// Whether something starts, stops or changes its state.
    pub change: bool,
    /// The program, class or thread of the first.
    pub component: String,
    /// The first entry.
    pub first: Quote,
    /// An entry that tells the most: the first that has the worst level.
    pub example: Quote,
    /// Where the last is: source and line.
    pub last: (usize, u64),
    /// The times of the first and the last, in milliseconds.
    pub span: Option<(i64, i64)>,
    /// How many when.
    pub timeline: Timeline,
    /// Exceptions behind an entry, with their causes.
    pub trace: Vec<Quote>,
}

impl Template {
    /// How bad it is: its level, or what its words suggest where it says none.
    pub fn severity(&self) -> Level {
        self.level.or(self.sounds).unwrap_or(Level::Info)
    }

    /// How bad it is to whoever looks for trouble.
    pub(super) fn gravity(&self) -> Level {
        let sounds = self.sounds.unwrap_or(Level::Info);
        match self.level {
            // A level that says that it is harmless is believed half-way.
            Some(level) if level < Level::Warn => level.max(sounds.min(Level::Warn)),
            Some(level) => level,
            None => sounds,
        }
    }
}

/// A place in a source from which lines can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The number of the line that begins here, from 1.
    pub line: u64,
    /// Where it begins, in bytes of the unpacked text.
    pub at: u64,
    /// The least and the greatest time between it and the next mark.
    pub span: Option<(i64, i64)>,
}

/// What is known of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFacts {
    /// What its lines are cited by: the file's name where no other has the same.
    pub cite: String,
    /// What and where it is.
    #[serde(flatten)]
    pub source: Source,
    /// Its lines.
    pub lines: u64,
    /// Its bytes when unpacked.
    pub unpacked: u64,
    /// What its lines look like, in words.
    pub format: String,
    /// What its times were read against where they leave something out, in milliseconds.
    pub reference_ms: i64,
    /// How its times are written.
    pub stamps: Option<StampKind>,
    /// The first and the last time in it, in milliseconds.
    pub span: Option<(i64, i64)>,
    /// Entries that say that they are errors.
    pub errors: u64,
    /// What whoever relies on it should know.
    pub notes: Vec<String>,
    /// Places in it, to seek to.
    pub marks: Vec<Mark>,
}

/// What is known of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDigest {
    /// Its files, in their order in time.
    pub sources: Vec<SourceFacts>,
    /// What was given and is no log: a name, and why.
    pub passed_over: Vec<(String, String)>,
    /// What else is to be said: what was inferred, what was left out.
    pub notes: Vec<String>,
    /// Lines in all.
    pub lines: u64,
    /// Entries: lines that begin something; the others go on with it.
    pub entries: u64,
    /// Entries by the level that they have.
    pub levels: BTreeMap<Level, u64>,
    /// The first and the last time.
    pub span: Option<(i64, i64)>,
    /// Whether the times name a day.
    pub dated: bool,
    /// Whether the times name their zones, and are shown in UTC.
    pub utc: bool,
    /// Entries over time.
    pub volume: Timeline,
    /// Entries over time that are errors or worse, by their level or else by their words.
    pub errors: Timeline,
    /// The templates, by id.
    pub templates: Vec<Template>,
    /// The last lines of the source that ends last.
    pub tail: Vec<Quote>,
    /// Whether reading was stopped before the end.
    pub stopped: bool,
}

impl LogDigest {
    /// Reads everything that was gathered. `progress` is called on this thread.
    pub fn read(
        gathered: &Gathered,
        options: &Options,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(&Progress),
    ) -> Self {
        let totals = scan(Feed::Gathered(gathered), options, stop, progress);
        let mut digest = Self::of(&gathered.sources, totals, options, stop);
        digest.passed_over.clone_from(&gathered.passed_over);
        digest.notes.extend(gathered.notes.iter().cloned());
        if gathered.more_passed_over > 0 {
            let more = crate::text::thousands(gathered.more_passed_over);
            digest.notes.push(format!("{more} more files were passed over"));
        }
        digest
    }

    /// Reads a stream while it is written, to its end. `source` says what it is called.
    pub fn read_stream(
        stream: &mut dyn Stream,
        source: Source,
        options: &Options,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(&Progress),
    ) -> Self {
        let totals = scan(Feed::Live(stream), options, stop, progress);
        Self::of(&[source], totals, options, stop)
    }

    fn of(sources: &[Source], mut totals: Totals, options: &Options, stop: &AtomicBool) -> Self {
        totals.sources.resize_with(sources.len().max(totals.sources.len()), SourceTotals::default);
        let groups = std::mem::take(&mut totals.miner).finish(stop);
        let mut facts: Vec<SourceFacts> = sources
            .iter()
            .zip(&totals.sources)
            .map(|(source, read)| source_facts(source, read, options))
            .collect();
        shorten(&mut facts);
        let mut templates: Vec<Template> =
            (1..).zip(&groups).map(|(id, group)| template(id, group)).collect();
        let is_dated = |facts: &&SourceFacts| facts.stamps.is_some_and(StampKind::is_dated);
        let dated = facts.iter().any(|facts| is_dated(&facts));
        let mut notes = inferred(&totals, dated);
        let undated = facts.iter().any(|facts| facts.stamps.is_some_and(|stamps| !stamps.is_dated()));
        // A device without a clock writes dates of 1970: those are dates all the same.
        if dated && undated && forget_undated(&mut totals, &mut templates) {
            notes.push("files whose times name no day are not in the time line".to_owned());
        }
        // What says no level is an error where its words say so, here as in the templates.
        for template in templates.iter().filter(|one| one.level.is_none() && one.severity() >= Level::Error) {
            totals.errors.merge(&template.timeline);
        }
        let span = facts
            .iter()
            .filter(|facts| !dated || is_dated(facts))
            .fold(None, |span, facts| both(span, facts.span));
        let levels = Level::ALL.iter().zip(totals.levels).filter(|(_, count)| *count > 0);
        Self {
            passed_over: Vec::new(),
            utc: totals.stamped > 0 && totals.zoned == totals.stamped,
            notes,
            lines: totals.lines(),
            entries: totals.entries,
            levels: levels.map(|(level, count)| (*level, count)).collect(),
            span,
            dated,
            volume: totals.volume,
            errors: totals.errors,
            templates,
            tail: totals.tail.iter().map(Quote::from).collect(),
            sources: facts,
            stopped: stop.load(std::sync::atomic::Ordering::Relaxed),
        }
    }

    /// What a place is called: `app.log:12`.
    pub fn cite(&self, source: usize, line: u64) -> String {
        let name = self.sources.get(source).map_or("?", |facts| facts.cite.as_str());
        format!("{name}:{line}")
    }

    /// The source and the line of a place: `app.log:12`, or `12` where there is one source.
    ///
    /// # Errors
    ///
    /// A sentence that names the sources.
    pub fn place(&self, text: &str) -> Result<(usize, u64), String> {
        let (name, line) = text.trim().rsplit_once(':').unwrap_or(("", text.trim()));
        let line = line.replace(',', "").parse::<u64>().ok().filter(|&line| line > 0);
        let line = line.ok_or_else(|| format!("`{text}` is no place; write FILE:LINE, as app.log:120."))?;
        let named = |facts: &SourceFacts| facts.cite == name || facts.source.name == name;
        let source = match (name, self.sources.len()) {
            ("", 1) => Some(0),
            _ => self.sources.iter().position(named),
        };
        let Some(source) = source else {
            let names = self.sources.iter().map(|facts| facts.cite.as_str());
            let near = crate::text::nearest(name, names)
                .map_or(String::new(), |near| format!(" Did you mean {near}?"));
            return Err(match name {
                "" => "There are several files: write FILE:LINE.".to_owned(),
                _ => format!("There is no file {name} in this log.{near}"),
            });
        };
        let lines = self.sources[source].lines;
        match line <= lines {
            true => Ok((source, line)),
            false => {
                Err(format!("{} has {lines} lines; there is no line {line}.", self.sources[source].cite))
            }
        }
    }

    /// How its times are written for a person.
    pub fn time(&self, ms: i64) -> String {
        super::stamp::show(ms, self.dated)
    }
}

/// Times without a day count from 1970, and no log is from before this: 1980.
const FIRST_DATED_MS: i64 = 315_532_800_000;

/// Takes times that name no day out of what is told over time; whether there were any.
fn forget_undated(totals: &mut Totals, templates: &mut [Template]) -> bool {
    let before = totals.volume.total();
    totals.volume.forget_before(FIRST_DATED_MS);
    totals.errors.forget_before(FIRST_DATED_MS);
    for template in templates {
        template.timeline.forget_before(FIRST_DATED_MS);
        let undated = template.span.is_some_and(|(first, _)| first < FIRST_DATED_MS);
        if undated && template.timeline.total() == 0 {
            template.span = None;
        } else if let (true, Some((first, _))) = (undated, &mut template.span) {
            *first = template.timeline.counts().map(|(start, _)| start).min().unwrap_or_default();
        }
    }
    totals.volume.total() < before
}

/// What the times of a source are read against: when it was written last, if that is known.
/// Archives and images that are made to be the same each time date their files near 1970.
pub(super) fn reference_ms(modified_ms: Option<i64>, now_ms: i64) -> i64 {
    modified_ms.filter(|&ms| ms >= FIRST_DATED_MS).unwrap_or(now_ms)
}

/// Cites sources by their files' names, if those are all different.
fn shorten(facts: &mut [SourceFacts]) {
    let short =
        |facts: &SourceFacts| facts.source.name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let names: std::collections::HashSet<String> = facts.iter().map(short).collect();
    if names.len() == facts.len() && !names.contains("") {
        for facts in facts {
            facts.cite = crate::text::one_line(&short(facts));
        }
    }
}

/// What of the times was inferred.
fn inferred(totals: &Totals, dated: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if totals.stamped == 0 {
        notes.push("the lines have no times that are known here".to_owned());
    } else if dated {
        if totals.yeared < totals.stamped {
            notes.push("times without a year: the year is inferred from the file's date".to_owned());
        }
        match totals.zoned {
            0 => notes.push("the times name no zone: they are shown as written".to_owned()),
            zoned if zoned < totals.stamped => {
                notes.push("some times name no zone: those are taken for UTC".to_owned());
            }
            _ => notes.push("times are shown in UTC".to_owned()),
        }
    }
    notes
}

fn source_facts(source: &Source, read: &SourceTotals, options: &Options) -> SourceFacts {
    let mut notes = read.notes.clone();
    if read.long_lines > 0 {
        let lines = crate::text::thousands(read.long_lines);
        notes.push(format!("{lines} lines are longer than a mebibyte: their ends were not read"));
    }
    SourceFacts {
        cite: crate::text::one_line(&source.name),
        source: source.clone(),
        reference_ms: reference_ms(source.modified_ms, options.now_ms),
        lines: read.lines,
        unpacked: read.bytes,
        format: if read.lines == 0 { "empty".to_owned() } else { read.layout.name() },
        stamps: read.layout.stamps(),
        span: read.span,
        errors: read.errors,
        notes,
        marks: read.marks.clone(),
    }
}

fn template(id: u32, group: &Group) -> Template {
    let text = shown(&group.shape);
    let sound = tone(text.as_bytes());
    let traced = !group.trace.is_empty();
    Template {
        id,
        count: group.count,
        level: group.level,
        sounds: if traced { sound.level.max(Some(Level::Error)) } else { sound.level },
        change: sound.change,
        component: group.component.to_string(),
        example: Quote::from(group.loud.as_ref().unwrap_or(&group.first)),
        first: Quote::from(&group.first),
        shape: String::from_utf8_lossy(&group.shape).into_owned(),
        last: group.last,
        span: group.span,
        timeline: group.timeline.clone(),
        trace: group.trace.iter().map(Quote::from).collect(),
        text,
    }
}
