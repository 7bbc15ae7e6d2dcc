//! A question to the lines of a log as it was typed, by a person or by a model, and the
//! query that it means.

use regex::bytes::RegexBuilder;

use super::level::Level;
use super::model::LogDigest;
use super::moment::{length, moment};
use super::query::Query;

/// The memory that a compiled pattern may take.
const PATTERN_BYTES: usize = 1 << 20;

/// Lines on each side of a place.
const AROUND: u64 = 10;

/// What was typed; what is empty was not asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// Ids of templates.
    pub templates: &'a [u32],
    /// A level: that or worse.
    pub level: Option<&'a str>,
    /// A time from which on.
    pub since: Option<&'a str>,
    /// A time up to which.
    pub until: Option<&'a str>,
    /// A regular expression.
    pub grep: Option<&'a str>,
    /// A place: the lines around it.
    pub around: Option<&'a str>,
    /// A length of time: counts in intervals of it.
    pub count: Option<&'a str>,
    /// The last entries, not the first.
    pub last: bool,
}

impl Asked<'_> {
    /// Whether lines are asked for at all.
    pub fn is_any(&self) -> bool {
        let texts = [self.level, self.since, self.until, self.grep, self.around, self.count];
        !self.templates.is_empty() || self.last || texts.iter().any(Option::is_some)
    }

    /// The query, for at most so many entries.
    ///
    /// # Errors
    ///
    /// A sentence on what can't be meant, and what can.
    pub fn query(&self, digest: &LogDigest, limit: usize) -> Result<Query, String> {
        let most = digest.templates.len();
        if let Some(id) = self.templates.iter().find(|&&id| id == 0 || id as usize > most) {
            return Err(format!("There is no template {id}: they go from 1 to {most}."));
        }
        let span = |text| moment(digest, text);
        Ok(Query {
            templates: self.templates.to_vec(),
            level: self.level.map(level).transpose()?,
            since: self.since.map(span).transpose()?.map(|(from, _)| from),
            until: self.until.map(span).transpose()?.map(|(_, to)| to),
            grep: self.grep.map(pattern).transpose()?,
            around: self
                .around
                .map(|place| digest.place(place))
                .transpose()?
                .map(|(source, line)| (source, line, AROUND)),
            count_by: self.count.map(interval).transpose()?,
            limit,
            last: self.last,
        })
    }
}

/// Reads a level's name.
///
/// # Errors
///
/// A sentence that names them.
pub fn level(word: &str) -> Result<Level, String> {
    let named = word.chars().all(char::is_alphabetic).then(|| Level::of(word.as_bytes())).flatten();
    named.ok_or_else(|| {
        let names: Vec<&str> = Level::ALL.iter().map(|level| level.name()).collect();
        format!("`{word}` is no level; write {}.", names.join(", "))
    })
}

fn pattern(text: &str) -> Result<regex::bytes::Regex, String> {
    RegexBuilder::new(text).size_limit(PATTERN_BYTES).build().map_err(|error| {
        let why = error.to_string();
        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        format!("`{text}` is no regular expression: {why}.")
    })
}

fn interval(text: &str) -> Result<i64, String> {
    length(text).ok_or_else(|| format!("`{text}` is no length of time; write 30s, 5m, 1h or 1d."))
}
