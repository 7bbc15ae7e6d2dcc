//! From paths to sources: each file's first bytes decide what it is, names decide the
//! order. One file that can't be read never keeps the others from being read.

use std::collections::HashMap;
use std::io::{self, BufReader, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::archive::{Listed, Listing, Next, Unpacked, Within};
use super::disk::{Context, Disk, Notes};
use super::error::{InputError, is_stopped, reason};
use super::file::Identity;
use super::names;
use super::order::Step;
use super::sniff::{self, Encoding, HEAD, Kind};
use super::source::{Member, Source, modified_ms};
use super::spool::{self, Spool};
use super::twins::{self, Likeness};
use super::unpack::{Packing, Unpacker};
use super::walk::{Candidate, Walk};
use super::{Bounds, Note};
use crate::text::thousands;

/// What was given: sources in the order of time within their sets, the sets by name.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// The logs.
    pub sources: Vec<Source>,
    /// What was passed over: a name, and why, as the end of a sentence about it.
    pub passed_over: Vec<(String, String)>,
    /// How many more were passed over than are named.
    pub more_passed_over: u64,
    /// What else a person should know, in sentences.
    pub notes: Vec<String>,
    /// What keeps the bytes of pipes: their sources can be read as long as one of these
    /// lives.
    pub spools: Vec<Arc<Spool>>,
}

/// Things passed over, of which only the first are named.
#[derive(Debug)]
pub(super) struct PassedOver {
    named: Vec<(String, String)>,
    more: u64,
    most: usize,
}

impl PassedOver {
    pub(super) fn add(&mut self, name: impl Into<String>, why: impl Into<String>) {
        if self.named.len() < self.most {
            self.named.push((name.into(), why.into()));
        } else {
            self.more += 1;
        }
    }
}

/// Finds the logs in files, folders and archives.
///
/// An archive is read once, to list its members; a packed file only as far as it takes to
/// see what is in it. The flag is looked at all the while.
///
/// # Errors
///
/// If nothing is left to read, or reading was stopped.
pub fn gather(paths: &[PathBuf], bounds: &Bounds, stop: &AtomicBool) -> Result<Gathered, InputError> {
    let mut passed_over = PassedOver { named: Vec::new(), more: 0, most: bounds.named };
    let mut walk = Walk::new(bounds, stop, &mut passed_over);
    for path in paths {
        walk.given(path, paths.len() == 1)?;
    }
    let found = walk.found;
    let found = unique(found, &mut passed_over);
    let mut gatherer = Gatherer {
        bounds,
        stop,
        passed_over,
        found: Vec::new(),
        notes: Vec::new(),
        spools: Vec::new(),
        beyond: 0,
    };
    for candidate in &found {
        if stop.load(Ordering::Relaxed) {
            return Err(InputError::Stopped);
        }
        gatherer.candidate(candidate)?;
    }
    gatherer.finish(paths)
}

/// Each file once, by the name that is no link to it.
fn unique(found: Vec<Candidate>, passed_over: &mut PassedOver) -> Vec<Candidate> {
    let mut places: HashMap<PathBuf, usize> = HashMap::new();
    let mut kept: Vec<Candidate> = Vec::new();
    for mut candidate in found {
        let place = *places.entry(candidate.path.clone()).or_insert(kept.len());
        match kept.get_mut(place) {
            None => kept.push(candidate),
            Some(first) => {
                if first.link && !candidate.link {
                    std::mem::swap(first, &mut candidate);
                }
                passed_over.add(candidate.name, format!("is the same file as {}", first.name));
            }
        }
    }
    kept
}

/// What a stream's first bytes make of it.
enum Shape {
    Log(Encoding),
    Packed(Packing),
    Archive,
}

/// What is to be done with a stream that begins so, or why it is passed over.
fn shape(head: &[u8], given: bool) -> Result<Shape, String> {
    match sniff::kind(head) {
        Kind::Empty => Err("is empty".to_owned()),
        Kind::Text(encoding) => Ok(Shape::Log(encoding)),
        Kind::Packed(packing) => Ok(Shape::Packed(packing)),
        Kind::Tar => Ok(Shape::Archive),
        Kind::Known(what) => Err(what.to_owned()),
        Kind::Binary if given && sniff::is_mostly_text(head) => Ok(Shape::Log(Encoding::Bytes)),
        Kind::Binary => Err("holds binary data, not text".to_owned()),
    }
}

/// What came out of looking into packed bytes.
fn inner(head: &[u8], given: bool, notes: &Notes) -> Result<Shape, String> {
    match shape(head, given) {
        Ok(Shape::Packed(_)) => Err("is packed twice: unpack it first".to_owned()),
        Err(_) if head.is_empty() => Err(match notes.all().first() {
            Some(Note::TooMuchMemory) => Note::TooMuchMemory.to_string(),
            Some(note) => format!("has nothing that can be unpacked: {note}"),
            None => "is empty when unpacked".to_owned(),
        }),
        shape => shape,
    }
}

struct Gatherer<'a> {
    bounds: &'a Bounds,
    stop: &'a AtomicBool,
    passed_over: PassedOver,
    found: Vec<(Vec<Step>, Source)>,
    notes: Vec<String>,
    spools: Vec<Arc<Spool>>,
    /// Logs beyond the bound.
    beyond: u64,
}

impl Gatherer<'_> {
    fn candidate(&mut self, candidate: &Candidate) -> Result<(), InputError> {
        if !candidate.metadata.is_file() {
            return match self.spooled(candidate) {
                Ok(spooled) => self.file(&spooled),
                Err(error) if is_stopped(&error) => Err(InputError::Stopped),
                Err(error) => {
                    self.passed_over.add(&candidate.name, reason(&error));
                    Ok(())
                }
            };
        }
        self.file(candidate)
    }

    /// What can be read only once is kept in a file, which is what is read from then on.
    fn spooled(&mut self, candidate: &Candidate) -> io::Result<Candidate> {
        let spool = spool::copied(&candidate.path, self.stop)?;
        if let Some(why) = spool.stopped() {
            self.notes.push(format!("{} is not read to its end: {why}.", candidate.name));
        }
        let path = std::fs::canonicalize(spool.path())?;
        let metadata = std::fs::symlink_metadata(&path)?;
        let identity = Identity::of(&metadata);
        self.spools.push(Arc::new(spool));
        Ok(Candidate { path, metadata, identity, ..candidate.clone() })
    }

    fn file(&mut self, candidate: &Candidate) -> Result<(), InputError> {
        match self.look(candidate) {
            Ok(Ok(Some(source))) => self.push(candidate, source),
            Ok(Ok(None)) => {}
            Ok(Err(why)) => self.passed_over.add(&candidate.name, why),
            Err(error) if is_stopped(&error) => return Err(InputError::Stopped),
            Err(error) => self.passed_over.add(&candidate.name, reason(&error)),
        }
        Ok(())
    }

    /// A file's source, none for an archive whose members were added, or why it is
    /// passed over.
    fn look(&mut self, candidate: &Candidate) -> io::Result<Result<Option<Source>, String>> {
        let context = Context::new(self.stop);
        let mut disk = Disk::open(&candidate.path, candidate.identity, context.clone())?;
        let head = sniff::head(&mut disk)?;
        let given = candidate.given;
        let packing = match shape(&head, given) {
            Ok(Shape::Log(encoding)) => return Ok(Ok(Some(self.source(candidate, Packing::None, encoding)))),
            Ok(Shape::Packed(packing)) => packing,
            Ok(Shape::Archive) => {
                self.archive(candidate, Packing::None)?;
                return Ok(Ok(None));
            }
            Err(why) if head.iter().all(|&byte| byte == 0) => {
                let text = ends_in_text(&mut disk)?;
                return Ok(if text {
                    Ok(Some(self.source(candidate, Packing::None, Encoding::Bytes)))
                } else {
                    Err(why)
                });
            }
            Err(why) => return Ok(Err(why)),
        };
        disk.seek_to(0)?;
        let head = sniff::head(&mut Unpacked::new(disk, packing, context.clone()))?;
        match inner(&head, given, &context.notes) {
            Ok(Shape::Log(encoding)) => Ok(Ok(Some(self.source(candidate, packing, encoding)))),
            Ok(_) => {
                self.archive(candidate, packing)?;
                Ok(Ok(None))
            }
            Err(why) => Ok(Err(why)),
        }
    }

    fn source(&self, candidate: &Candidate, packing: Packing, encoding: Encoding) -> Source {
        Source {
            name: candidate.name.clone(),
            set: names::set(&candidate.name),
            path: candidate.path.clone(),
            identity: candidate.identity,
            member: None,
            packing,
            encoding,
            bytes: candidate.metadata.len(),
            modified_ms: modified_ms(&candidate.metadata),
            once: false,
        }
    }

    fn push(&mut self, candidate: &Candidate, source: Source) {
        if self.found.len() >= self.bounds.sources {
            self.beyond += 1;
            return;
        }
        let mut steps = vec![Step::new(&candidate.reached.to_string_lossy().replace('\\', "/"))];
        steps.extend(source.member.as_ref().map(|member| Step::new(&member.path)));
        self.found.push((steps, source));
    }

    /// Lists an archive's members and adds those that are logs.
    fn archive(&mut self, candidate: &Candidate, packing: Packing) -> io::Result<()> {
        let context = Context::new(self.stop);
        let disk = Disk::open(&candidate.path, candidate.identity, context.clone())?;
        let mut archive = Unpacked::new(disk, packing, context.clone());
        let mut listing = Listing::new();
        let mut index = 0;
        let whole = loop {
            match listing.next(&mut archive)? {
                Err(end) => break end == Next::End && context.notes.all().is_empty(),
                Ok(_) if index == self.bounds.members => {
                    let most = thousands(index as u64);
                    self.passed_over.add(
                        &candidate.name,
                        format!("holds more than {most} members: the rest is not read"),
                    );
                    break true;
                }
                Ok(listed) => self.member(candidate, &mut archive, packing, (index, listed))?,
            }
            index += 1;
        };
        if !whole {
            let members = thousands(index as u64);
            let note = "is cut off or damaged: its members are known up to number";
            self.notes.push(format!("{} {note} {members}.", candidate.name));
        }
        if index == 0 {
            self.passed_over.add(&candidate.name, "is an archive without members");
        }
        Ok(())
    }

    fn member(
        &mut self,
        candidate: &Candidate,
        archive: &mut Unpacked<'_>,
        packing: Packing,
        (index, listed): (usize, Listed),
    ) -> io::Result<()> {
        let path = listed.path.trim_start_matches("./").to_owned();
        let hidden = |part: &str| part.starts_with('.') && part != "." && part != "..";
        if path.split('/').any(hidden) {
            return Ok(());
        }
        let name = format!("{}/{}", candidate.name, path.trim_start_matches('/'));
        if let Some(why) = listed.refused {
            self.passed_over.add(name, why);
            return Ok(());
        }
        let within = Within::new(archive, (listed.at, listed.size), 0, Notes::default());
        match member_shape(within, self.stop)? {
            Ok((own, encoding)) => {
                let source = Source {
                    set: names::set(&name),
                    name,
                    member: Some(Member { path, index, at: listed.at, size: listed.size, archive: packing }),
                    modified_ms: listed.modified_ms,
                    ..self.source(candidate, own, encoding)
                };
                self.push(candidate, source);
            }
            Err(why) => self.passed_over.add(name, why),
        }
        Ok(())
    }

    /// Puts the sources in order, drops what is there twice, and gives short names.
    fn finish(mut self, paths: &[PathBuf]) -> Result<Gathered, InputError> {
        self.found.sort_by(|a, b| a.0.cmp(&b.0));
        self.drop_twins()?;
        let mut sources: Vec<Source> = self.found.into_iter().map(|(_, source)| source).collect();
        if self.beyond > 0 {
            let (most, beyond) = (thousands(self.bounds.sources as u64), thousands(self.beyond));
            self.notes.push(format!("At most {most} logs are read; {beyond} more are left out."));
        }
        shorten(&mut sources);
        let passed_over = self.passed_over;
        if sources.is_empty() {
            return Err(nothing(paths, passed_over.named));
        }
        let more_passed_over = passed_over.more;
        let (passed_over, notes, spools) = (passed_over.named, self.notes, self.spools);
        Ok(Gathered { sources, passed_over, more_passed_over, notes, spools })
    }

    fn drop_twins(&mut self) -> Result<(), InputError> {
        let mut at = 0;
        while at + 1 < self.found.len() {
            let (first, second) = (&self.found[at], &self.found[at + 1]);
            if !are_twins(&first.0, &second.0) {
                at += 1;
                continue;
            }
            let (one, two) = (&first.1, &second.1);
            let likeness = if one.member.is_some() {
                Likeness::Unknown
            } else {
                match twins::compare(one, two, self.bounds.compared, self.stop) {
                    Err(error) if is_stopped(&error) => return Err(InputError::Stopped),
                    likeness => likeness.unwrap_or(Likeness::Unknown),
                }
            };
            match likeness {
                Likeness::Same => self.passed_over.add(&one.name, format!("holds the same as {}", two.name)),
                Likeness::Beginning => {
                    self.passed_over
                        .add(&one.name, format!("is cut off and holds only the beginning of {}", two.name));
                }
                Likeness::Different => {}
                Likeness::Unknown => {
                    self.notes
                        .push(format!("{} and {} may hold the same: both are read.", one.name, two.name));
                }
            }
            if matches!(likeness, Likeness::Same | Likeness::Beginning) {
                self.found.remove(at);
            } else {
                at += 1;
            }
        }
        Ok(())
    }
}

/// Whether two sources are one piece of one set, in the same archive or in none.
fn are_twins(first: &[Step], second: &[Step]) -> bool {
    match (first.split_last(), second.split_last()) {
        (Some((one, above)), Some((two, beside))) => above == beside && one.is_twin(two),
        _ => false,
    }
}

/// What a member is, by its first bytes.
fn member_shape(mut within: impl Read, stop: &AtomicBool) -> io::Result<Result<(Packing, Encoding), String>> {
    const NESTED: &str = "is an archive in an archive: unpack it first";
    let head = sniff::head(&mut within)?;
    let packing = match shape(&head, false) {
        Ok(Shape::Log(encoding)) => return Ok(Ok((Packing::None, encoding))),
        Ok(Shape::Packed(packing)) => packing,
        Ok(Shape::Archive) => return Ok(Err(NESTED.to_owned())),
        Err(why) => return Ok(Err(why)),
    };
    let context = Context::new(stop);
    let bytes = BufReader::with_capacity(HEAD, Cursor::new(head).chain(within));
    let head = sniff::head(&mut Unpacker::new(bytes, packing, context.clone()))?;
    Ok(match inner(&head, false, &context.notes) {
        Ok(Shape::Log(encoding)) => Ok((packing, encoding)),
        Ok(_) => Err(NESTED.to_owned()),
        Err(why) => Err(why),
    })
}

/// A file that begins with a hole longer than a head: does it end in text?
fn ends_in_text(disk: &mut Disk<'_>) -> io::Result<bool> {
    disk.seek_to(disk.size().saturating_sub(HEAD as u64))?;
    let tail = sniff::head(disk)?;
    Ok(sniff::kind(&tail) == Kind::Text(Encoding::Bytes))
}

/// Gives containers' logs their short names, where these are not ambiguous.
fn shorten(sources: &mut [Source]) {
    let short = |source: &Source| source.member.is_none().then(|| names::short(&source.path)).flatten();
    let mut uses: HashMap<String, usize> = HashMap::new();
    for source in sources.iter() {
        *uses.entry(short(source).unwrap_or_else(|| source.name.clone())).or_default() += 1;
    }
    for source in sources {
        if let Some(name) = short(source).filter(|name| uses.get(name) == Some(&1)) {
            source.set = names::set(&name);
            source.name = name;
        }
    }
}

/// Why nothing is left, as plainly as it can be said.
fn nothing(paths: &[PathBuf], passed_over: Vec<(String, String)>) -> InputError {
    if let ([path], [(name, _)]) = (paths, passed_over.as_slice())
        && let Err(error) = std::fs::File::open(path)
        && matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
    {
        return InputError::io(name, error);
    }
    InputError::Nothing(passed_over)
}
