//! Searching by words: BM25 over stems and identifiers, by FTS5.
//!
//! Whatever is typed is a query: it is made of tokens that hold no character of FTS5's
//! language. Terms are joined by OR; how much each says is BM25's to weigh. What is quoted
//! must be there.

mod ask;
mod feedback;
mod spelling;

pub(super) use spelling::may_be_meant;

use rusqlite::{Connection, OptionalExtension, ToSql};
use rustc_hash::FxHashMap;

use super::filter::Filter;
use super::fuse::List;
use super::passage::PassageId;
use super::words::{Analyser, Language};
use ask::{Asked, Term};

/// How much a word counts in the columns of the index: path, title, heading, text. A title is
/// short and chosen with care: its words say more than those of the text.
const WEIGHTS: &str = "1.0, 3.0, 2.0, 1.0";

/// Terms of a query that are looked for, the rarest: a page of text as a query is no rarer
/// found with more.
const MOST_TERMS: usize = 32;

/// Rows that FTS5 scores for a query, more or less: it scores each row that has a term, at about
/// a microsecond each, so that this bounds its time. Where a query's terms are in more passages
/// together, its commonest are left out, which say the least; they are counted among the first
/// hits, which are read anyway ([`feedback`]). A single term is never left out, however common.
const MOST_SCORED: u64 = 5_000;

/// Counts that are remembered.
const MOST_COUNTS: usize = 20_000;

/// Likest spellings that are looked at.
const MOST_NEAR: usize = 8;

/// What was found by words.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    /// Passages and their BM25 (more is better), the best first.
    pub(super) ranked: List,
    /// Words that were taken for others.
    pub(super) notes: Vec<String>,
}

/// What is kept between searches.
#[derive(Debug, Default)]
pub(super) struct Lexical {
    analyser: Analyser,
    counts: Counts,
}

/// In how many passages a token is: to count them anew takes as long as they are many.
#[derive(Debug, Default)]
struct Counts(FxHashMap<String, u64>);

impl Lexical {
    /// Searches.
    pub(super) fn search(
        &mut self,
        connection: &Connection,
        words: &str,
        filter: &Filter<'_>,
        most: usize,
    ) -> rusqlite::Result<Found> {
        let languages = languages(connection)?;
        let Asked { terms, phrases } = ask::asked(words, &languages, &mut self.analyser);
        let mut notes = Vec::new();
        let mut counted = Vec::new();
        for term in terms {
            counted.extend(self.counted(connection, term, &languages, &mut notes)?);
        }
        let terms = telling(counted);
        let Some(expression) = expression(&terms.kept, &phrases) else {
            return Ok(Found { ranked: Vec::new(), notes });
        };
        let mut ranked = matching(connection, &expression, filter, most)?;
        if ranked.is_empty() && !phrases.is_empty() {
            let Some(expression) = self::expression(&terms.kept, &[]) else {
                return Ok(Found { ranked, notes });
            };
            ranked = matching(connection, &expression, filter, most)?;
            if !ranked.is_empty() {
                notes.push("What is quoted stands nowhere; its words do.".to_owned());
            }
        }
        let ranked = feedback::reorder(connection, &mut self.analyser, &mut self.counts, ranked, &terms)?;
        Ok(Found { ranked, notes })
    }

    /// A term with the number of passages that it is in; a word that is in none is taken for
    /// the likest that is in some.
    fn counted(
        &mut self,
        connection: &Connection,
        term: Term,
        languages: &[Language],
        notes: &mut Vec<String>,
    ) -> rusqlite::Result<Option<(u64, Term)>> {
        // A beginning can't be counted: it is taken for rare.
        let count = if term.prefix { 1 } else { self.count(connection, &term)? };
        if count > 0 {
            return Ok(Some((count, term)));
        }
        if !term.word {
            return Ok(None);
        }
        let mut best: Option<(u64, Term, String)> = None;
        for near in spelling::nearest(connection, &term.spelling)?.into_iter().take(MOST_NEAR) {
            let Some(meant) = ask::terms(&near, languages, &mut self.analyser).into_iter().next() else {
                continue;
            };
            let count = self.count(connection, &meant)?;
            if count > 0 && best.is_none() {
                best = Some((count, meant, near));
            }
        }
        Ok(best.map(|(count, meant, near)| {
            notes.push(format!("`{}` was read as `{near}`.", term.spelling));
            (count, meant)
        }))
    }

    /// In how many passages a term is.
    fn count(&mut self, connection: &Connection, term: &Term) -> rusqlite::Result<u64> {
        let mut sum = 0_u64;
        for form in &term.forms {
            sum = sum.saturating_add(self.counts.of(connection, form)?);
        }
        Ok(sum)
    }
}

impl Counts {
    fn of(&mut self, connection: &Connection, token: &str) -> rusqlite::Result<u64> {
        if let Some(count) = self.0.get(token) {
            return Ok(*count);
        }
        let mut query = connection.prepare_cached("SELECT doc FROM terms WHERE term = ?1")?;
        let count: Option<i64> = query.query_row([token], |row| row.get(0)).optional()?;
        let count = count.map_or(0, i64::unsigned_abs);
        if self.0.len() >= MOST_COUNTS {
            self.0.clear();
        }
        // What is nowhere may be somewhere soon; of the others the order of size is enough.
        if count > 0 {
            self.0.insert(token.to_owned(), count);
        }
        Ok(count)
    }
}

/// The languages of the index; English first, which what isn't sure is taken for.
fn languages(connection: &Connection) -> rusqlite::Result<Vec<Language>> {
    let mut query = connection.prepare_cached("SELECT code FROM languages ORDER BY code <> ?1, code")?;
    let codes = query.query_map([Language::ENGLISH.code()], |row| row.get::<_, String>(0))?;
    let codes: Vec<String> = codes.collect::<Result<_, _>>()?;
    let found = codes.iter().filter_map(|code| Language::of_code(code));
    let mut languages: Vec<Language> = found.filter(|language| *language != Language::ENGLISH).collect();
    languages.insert(0, Language::ENGLISH);
    Ok(languages)
}

/// The terms of a query.
#[derive(Debug)]
struct Telling {
    /// The rarest, as many as can be scored in time; one at least.
    kept: Vec<Term>,
    /// The others, and in how many passages each is.
    left_out: Vec<(u64, Term)>,
}

fn telling(mut counted: Vec<(u64, Term)>) -> Telling {
    counted.sort_by_key(|(count, _)| *count);
    counted.truncate(MOST_TERMS);
    let mut rows = 0_u64;
    let kept = counted.iter().take_while(|(count, _)| {
        rows = rows.saturating_add(*count);
        rows <= MOST_SCORED
    });
    let kept = kept.count().max(1).min(counted.len());
    let left_out = counted.split_off(kept);
    Telling { kept: counted.into_iter().map(|(_, term)| term).collect(), left_out }
}

/// What FTS5 is asked; `None`: nothing can be found.
fn expression(terms: &[Term], phrases: &[String]) -> Option<String> {
    let any: Vec<String> = terms.iter().map(Term::expression).collect();
    match (any.is_empty(), phrases.is_empty()) {
        (true, true) => None,
        (false, true) => Some(any.join(" OR ")),
        (true, false) => Some(phrases.join(" AND ")),
        // The phrases again among the terms: else a passage without further terms had none of them.
        (false, false) => {
            Some(format!("{} AND ({} OR {})", phrases.join(" AND "), phrases[0], any.join(" OR ")))
        }
    }
}

fn matching(
    connection: &Connection,
    expression: &str,
    filter: &Filter<'_>,
    most: usize,
) -> rusqlite::Result<List> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let (condition, values) = filter.condition("rowid", 2);
    let mut query = connection.prepare_cached(&format!(
        "SELECT rowid, -bm25(words, {WEIGHTS}) AS score FROM words
         WHERE words MATCH ?1 {condition} ORDER BY score DESC, rowid LIMIT {most}"
    ))?;
    let values = std::iter::once(&expression as &dyn ToSql).chain(values.iter().map(|value| &**value));
    let rows = query.query_map(rusqlite::params_from_iter(values), |row| {
        Ok((PassageId(row.get(0)?), row.get::<_, f64>(1)? as f32))
    })?;
    rows.collect()
}
