//! Whether a content is a table, and how it is written.
//!
//! A name like `orders.csv` makes it easy: what parses is a table. Without one it must be a
//! table beyond doubt, with names on top and values of a kind below; logs, prose and source
//! code are none, and a table that is taken for text is still read as text.

use super::json;
use super::value::{Kind, kind_of};

/// How much of a content is looked at; more where too few records fit.
const SAMPLE_BYTES: [usize; 3] = [64 * 1024, 1024 * 1024, 16 * 1024 * 1024];

/// How many records are looked at.
const SAMPLE_RECORDS: usize = 200;

/// What separates cells.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// The records that must have as many cells as most, in percent, where the name says table.
const LEAST_EVEN: usize = 80;

/// The most records above the names: the title of a report, the day it was made on.
const MOST_PREAMBLE: usize = 10;

/// The least records of a table whose name doesn't say that it is one.
const LEAST_RECORDS: usize = 3;

/// The longest name of a column of such a table, in bytes.
const LONGEST_NAME: usize = 64;

/// Extensions of tables, with what separates their cells.
const TABLES: [(&str, u8); 4] = [("csv", b','), ("tsv", b'\t'), ("tab", b'\t'), ("psv", b'|')];

/// Extensions that say nothing: what else has one is what it says.
const ANYTHING: [&str; 4] = ["txt", "text", "dat", "data"];

/// Extensions of JSON.
const JSON: [&str; 3] = ["json", "jsonl", "ndjson"];

/// How a table is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Records with cells between delimiters.
    Delimited(Delimited),
    /// An array of objects.
    JsonArray,
    /// An object that holds such an array.
    JsonWrapped,
    /// An object a line.
    JsonLines,
}

/// How records are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delimited {
    /// What separates cells.
    pub delimiter: u8,
    /// Whether a cell in quotes may hold delimiters and line breaks.
    pub quoting: bool,
    /// Whether the first record behind what is skipped names the columns.
    pub header: bool,
    /// Records above that.
    pub skip: usize,
    /// Whether each delimiter has spaces behind it that belong to no cell.
    pub trim: bool,
}

impl Shape {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Delimited(how) => {
                let separated = match how.delimiter {
                    b'\t' => "tab-separated",
                    b';' => "semicolon-separated",
                    b'|' => "separated by |",
                    _ => "comma-separated",
                };
                format!("{separated}{}", if how.header { "" } else { ", without names of columns" })
            }
            Self::JsonArray | Self::JsonWrapped => "a JSON array of objects".to_owned(),
            Self::JsonLines => "JSON, an object a line".to_owned(),
        }
    }
}

/// How a content is written as a table; `None`: it is none. The text is decoded, without a
/// byte order mark; the name is the file's.
pub fn sniff(name: &str, text: &[u8]) -> Option<Shape> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    let extension = extension.as_deref();
    let is = |known: &[&str]| extension.is_some_and(|extension| known.contains(&extension));
    let says_nothing = extension.is_none() || is(&ANYTHING);
    let named = TABLES.iter().find(|(known, _)| Some(*known) == extension).map(|(_, delimiter)| *delimiter);
    match text.trim_ascii_start().first()? {
        b'{' | b'[' if is(&JSON) || says_nothing => json_shape(text),
        _ if named.is_some() => delimited(text, named),
        _ if says_nothing => delimited(text, None),
        _ => None,
    }
}

fn json_shape(text: &[u8]) -> Option<Shape> {
    let text = String::from_utf8_lossy(text);
    match text.trim_start().starts_with('[') {
        true => json::array_is_table(&text).then_some(Shape::JsonArray),
        false if json::lines_are_table(&text) => Some(Shape::JsonLines),
        false => json::array_is_table(json::wrapped(&text)?).then_some(Shape::JsonWrapped),
    }
}

/// The records at the beginning of a content, read one way.
struct Sample {
    delimiter: u8,
    quoting: bool,
    records: Vec<Vec<String>>,
}

impl Sample {
    fn read(text: &[u8], delimiter: u8, quoting: bool) -> Self {
        let mut sample = Self { delimiter, quoting, records: Vec::new() };
        for bytes in SAMPLE_BYTES {
            sample.records = sample.beginning(text, bytes);
            if sample.records.len() >= LEAST_RECORDS || bytes >= text.len() {
                break;
            }
        }
        sample
    }

    fn beginning(&self, text: &[u8], bytes: usize) -> Vec<Vec<String>> {
        let sample = &text[..text.len().min(bytes)];
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .quoting(self.quoting)
            .from_reader(sample);
        let cells = |record: &csv::ByteRecord| {
            record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
        };
        let records = reader.byte_records().flatten().take(SAMPLE_RECORDS + 1);
        let mut records: Vec<Vec<String>> = records.map(|record| cells(&record)).collect();
        // The last one may be cut.
        if records.len() > SAMPLE_RECORDS || (sample.len() < text.len() && records.len() > 1) {
            records.pop();
        }
        records
    }

    /// How many cells most records have; of two, the larger number.
    fn width(&self) -> usize {
        let mut counts = std::collections::BTreeMap::<usize, usize>::new();
        for record in &self.records {
            *counts.entry(record.len()).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, times)| *times).map_or(0, |(width, _)| width)
    }

    /// How many records stand above the first one of that many cells.
    fn preamble(&self, width: usize) -> Option<usize> {
        // Spreadsheets say what separates cells in a line of their own.
        let says_sep = |record: &Vec<String>| record[0].starts_with("sep=");
        // Rows that end in a delimiter have a cell more than there are names.
        let wide = |record: &Vec<String>| (record.len() + usize::from(width > 2)) >= width;
        let at = self.records.iter().position(|record| wide(record) && !says_sep(record))?;
        let narrower = self.records[..at].iter().all(|record| record.len() < width || says_sep(record));
        (at <= MOST_PREAMBLE && narrower).then_some(at)
    }

    /// The share of records of that many cells, in percent.
    fn even(&self, width: usize, skip: usize) -> usize {
        let shorter = self.records[skip].len() < width;
        let records = &self.records[skip + usize::from(shorter)..];
        let even = records.iter().filter(|record| record.len() == width).count();
        even * 100 / records.len().max(1)
    }

    /// The share of cells behind a delimiter that begin with a space is nearly all of them.
    fn is_spaced(&self) -> bool {
        let cells = || self.records.iter().flat_map(|record| record.iter().skip(1));
        let filled = cells().filter(|cell| !cell.is_empty()).count();
        let spaced = cells().filter(|cell| cell.starts_with(' ')).count();
        filled > 0 && spaced * 100 >= filled * 90
    }
}

/// A way to read a content, and how good it is.
struct Reading {
    sample: Sample,
    width: usize,
    skip: usize,
    /// Even records, in percent; as many names, and nothing above them; what the name says;
    /// quotes are quotes; more cells.
    rank: (usize, bool, bool, bool, usize),
}

impl Reading {
    fn of(text: &[u8], delimiter: u8, quoting: bool, named: Option<u8>) -> Option<Self> {
        let sample = Sample::read(text, delimiter, quoting);
        let width = sample.width();
        let skip = sample.preamble(width)?;
        let clean = skip == 0 && sample.records[0].len() == width;
        let rank = (sample.even(width, skip), clean, named == Some(delimiter), quoting, width);
        (width >= 2).then_some(Self { sample, width, skip, rank })
    }

    /// Whether it is a table without a name that says so: names on top that look like names,
    /// and a column of numbers, dates or the like below.
    fn is_beyond_doubt(&self) -> bool {
        let (records, width) = (&self.sample.records, self.width);
        let ([header, rows @ ..], (100, true, ..)) = (records.as_slice(), self.rank) else { return false };
        let is_name = |cell: &String| {
            let name = cell.trim();
            name.len() <= LONGEST_NAME
                && name.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '#'))
                && !name.contains(['=', '{', '}', '<', '>', '\\', '`'])
                && !name.ends_with(['.', ':', ';', '!', '?'])
                && kind_of(name) == Kind::Text
        };
        let is_typed = |column: usize| {
            let mut cells =
                rows.iter().map(|row| row[column].trim()).filter(|cell| !cell.is_empty()).peekable();
            cells.peek().is_some() && cells.all(|cell| !matches!(kind_of(cell), Kind::Text | Kind::Json))
        };
        let distinct: std::collections::BTreeSet<&str> = header.iter().map(|cell| cell.trim()).collect();
        records.len() >= LEAST_RECORDS
            && header.iter().all(is_name)
            && distinct.len() == width
            && (0..width).any(is_typed)
    }
}

fn delimited(text: &[u8], named: Option<u8>) -> Option<Shape> {
    let ways = [true, false].into_iter().flat_map(|quoting| DELIMITERS.map(|delimiter| (delimiter, quoting)));
    let readings = ways.filter_map(|(delimiter, quoting)| Reading::of(text, delimiter, quoting, named));
    // Of equals the first, which takes quotes for quotes.
    let best = readings.reduce(|best, next| if next.rank > best.rank { next } else { best });
    let (sample, width, skip) = match (best, named) {
        (Some(best), Some(_)) if best.rank.0 >= LEAST_EVEN => (best.sample, best.width, best.skip),
        (Some(best), None) if best.is_beyond_doubt() => (best.sample, best.width, 0),
        (_, Some(delimiter)) => plainly_named(text, delimiter)?,
        _ => return None,
    };
    let rows = &sample.records[skip..];
    let header = is_header(rows);
    let trim = width > 1 && sample.is_spaced();
    let (delimiter, quoting) = (sample.delimiter, sample.quoting);
    let shape = Shape::Delimited(Delimited { delimiter, quoting, header, skip, trim });
    (rows.len() > usize::from(header)).then_some(shape)
}

/// A file that is called a table, and has one cell a record or rows that end early.
fn plainly_named(text: &[u8], delimiter: u8) -> Option<(Sample, usize, usize)> {
    let sample = Sample::read(text, delimiter, true);
    let width = sample.records.first()?.len();
    let least = width.min(2);
    let fit = sample.records.iter().all(|record| (least..=width).contains(&record.len()));
    (fit && sample.records.len() > 1).then_some((sample, width, 0))
}

/// Whether the first record names the columns: no name is a number or a date, unless they
/// are the years of a time series.
fn is_header(rows: &[Vec<String>]) -> bool {
    let Some(first) = rows.first() else { return false };
    let is_value = |cell: &&String| !matches!(kind_of(cell), Kind::Text);
    let years = |cell: &&String| cell.trim().parse::<u32>().is_ok_and(|year| (1900..2200).contains(&year));
    let values = first.iter().filter(is_value).count();
    let filled = first.iter().filter(|cell| !cell.trim().is_empty()).count();
    match values {
        0 => filled > 0,
        _ => {
            let series = first.iter().filter(years).count();
            let mut seen = std::collections::BTreeSet::new();
            values == series
                && values < first.len()
                && series >= 2
                && first.iter().filter(years).all(|year| seen.insert(year))
        }
    }
}
