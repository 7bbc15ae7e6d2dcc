//! The numbers that an answer names.

use super::super::tokens::is_word;

/// Numbers as words, from 0.
const WORDS: [&str; 13] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
];

/// Words of other numbers: they are named, and equal none.
const OTHERS: [&str; 18] = [
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
    "million",
];

/// What stands behind the digits of a place in an order: `2nd` is no count.
const ORDINALS: [&str; 4] = ["st", "nd", "rd", "th"];

/// Whether an answer names a number and no other. The word "one" may be a pronoun: it counts only
/// where no other number is named. Digits within a word (`F5`, `v2`) and ordinals are no numbers.
pub(super) fn names_only(answer: &str, number: i64) -> bool {
    let mut named = Vec::new();
    let mut ones = Vec::new();
    let mut rest = answer;
    let mut before = Before::default();
    while let Some(c) = rest.chars().next() {
        let part = if c.is_ascii_digit() { digits(rest) } else { word(rest) };
        let len = part.len.max(c.len_utf8());
        match part.value {
            Some(value) if !before.in_word() => {
                let value = before.applied(value, c.is_ascii_digit());
                if rest[..len].eq_ignore_ascii_case("one") { ones.push(value) } else { named.push(value) }
            }
            _ => {}
        }
        before.goes_on(&rest[..len]);
        rest = &rest[len..];
    }
    let named = if named.is_empty() { ones } else { named };
    !named.is_empty() && named.iter().all(|value| *value == Value::Whole(number.into()))
}

/// What a number is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Whole(i128),
    /// A fraction, or more than can be asked for.
    Other,
}

/// The start of a text: how long it is, and what it is worth if it is a number.
struct Part {
    len: usize,
    value: Option<Value>,
}

/// What stands before a place.
#[derive(Default)]
struct Before {
    /// The last three characters, the last one last.
    last: [Option<char>; 3],
    /// The last word was "minus" or "negative".
    minus: bool,
}

impl Before {
    fn goes_on(&mut self, part: &str) {
        for c in part.chars() {
            self.last = [self.last[1], self.last[2], Some(c)];
        }
        if part.chars().any(is_word) {
            self.minus = part.eq_ignore_ascii_case("minus") || part.eq_ignore_ascii_case("negative");
        } else if !part.chars().all(char::is_whitespace) {
            self.minus = false;
        }
    }

    fn in_word(&self) -> bool {
        self.last[2].is_some_and(is_word)
    }

    /// The value with the sign or the point that stands before it.
    fn applied(&self, value: Value, in_digits: bool) -> Value {
        let free = |c: Option<char>| !c.is_some_and(is_word);
        let [third, second, first] = self.last;
        let Value::Whole(whole) = value else { return value };
        match first {
            Some('.') if in_digits && free(second) && second != Some('.') => Value::Other,
            Some('-' | '−') if in_digits && free(second) => Value::Whole(-whole),
            Some('$' | '€' | '£') if matches!(second, Some('-' | '−')) && free(third) => {
                Value::Whole(-whole)
            }
            _ if self.minus => Value::Whole(-whole),
            _ => value,
        }
    }
}

/// A number in digits, with separators of thousands and a decimal point.
fn digits(text: &str) -> Part {
    let run = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut len = run(text);
    let mut whole = text[..len].to_owned();
    if len <= 3 && !whole.starts_with('0') {
        while let Some(group) = group(&text[len..]).filter(|group| run(&text[len + group..]) == 3) {
            whole.push_str(&text[len + group..len + group + 3]);
            len += group + 3;
        }
    }
    let mut fraction = "";
    if let Some(rest) = text[len..].strip_prefix('.') {
        fraction = &rest[..run(rest)];
        len += if fraction.is_empty() { 0 } else { fraction.len() + 1 };
    }
    let behind: String = text[len..].chars().take_while(|c| is_word(*c)).collect();
    let value = match whole.parse() {
        _ if ORDINALS.iter().any(|ordinal| behind.eq_ignore_ascii_case(ordinal)) => None,
        Ok(whole) if fraction.bytes().all(|digit| digit == b'0') => Some(Value::Whole(whole)),
        _ => Some(Value::Other),
    };
    Part { len, value }
}

/// The bytes of a separator of thousands that a text starts with.
fn group(text: &str) -> Option<usize> {
    let c = text.chars().next()?;
    matches!(c, ',' | '_' | '\'' | '\u{a0}' | '\u{202f}' | '\u{2009}').then_some(c.len_utf8())
}

/// A word, or one character that is of none.
fn word(text: &str) -> Part {
    let letters = |c: &char| is_word(*c) && !c.is_ascii_digit();
    let len = text.chars().take_while(letters).map(char::len_utf8).sum::<usize>();
    let word = &text[..len];
    let goes_on = text[len..].chars().next().is_some_and(is_word);
    let value = match WORDS.iter().position(|known| word.eq_ignore_ascii_case(known)) {
        _ if goes_on => None,
        Some(value) => Some(Value::Whole(value as i128)),
        None => OTHERS.iter().any(|known| word.eq_ignore_ascii_case(known)).then_some(Value::Other),
    };
    Part { len, value }
}
