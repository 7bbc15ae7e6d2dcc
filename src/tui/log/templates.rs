//! The templates of a log: in which order they are listed, and which of them.

use std::cmp::Reverse;

use crossterm::event::{KeyCode, KeyEvent};

use crate::digest::{Focus, LogDigest, Template, rank};
use crate::tui::scroll::Choice;

/// What the templates are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Sort {
    #[default]
    StandsOut,
    Count,
    FirstSeen,
    LastSeen,
    Level,
}

impl Sort {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::StandsOut => "what stands out",
            Self::Count => "count",
            Self::FirstSeen => "first seen",
            Self::LastSeen => "last seen",
            Self::Level => "level",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::StandsOut => Self::Count,
            Self::Count => Self::FirstSeen,
            Self::FirstSeen => Self::LastSeen,
            Self::LastSeen => Self::Level,
            Self::Level => Self::StandsOut,
        }
    }

    /// The templates' places in the digest, in this order.
    fn order(self, digest: &LogDigest) -> Vec<usize> {
        if self == Self::StandsOut {
            return rank(digest, &Focus::default());
        }
        let mut order: Vec<usize> = (0..digest.templates.len()).collect();
        let of = |at: &usize| &digest.templates[*at];
        // Without a time the place says what was first: after those that have one.
        let first =
            |one: &Template| (one.span.map_or(i64::MAX, |span| span.0), one.first.source, one.first.line);
        let last = |one: &Template| (one.span.map_or(i64::MIN, |span| span.1), one.last);
        match self {
            Self::StandsOut => {}
            Self::Count => order.sort_by_key(|at| Reverse(of(at).count)),
            Self::FirstSeen => order.sort_by_key(|at| first(of(at))),
            Self::LastSeen => order.sort_by_key(|at| Reverse(last(of(at)))),
            Self::Level => order.sort_by_key(|at| Reverse((of(at).severity(), of(at).count))),
        }
        order
    }
}

/// The list of templates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Templates {
    pub(super) sort: Sort,
    /// Only those with this in their text, component or level.
    pub(super) filter: String,
    /// Keys go to the filter.
    pub(super) typing: bool,
    pub(super) choice: Choice,
    /// Those that are listed: places in the digest.
    pub(super) listed: Vec<usize>,
}

/// What a key meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// It is done.
    Done,
    /// It was none of the list's.
    Nothing,
}

impl Templates {
    /// Sorts and filters anew; the first is chosen.
    pub(super) fn arrange(&mut self, digest: &LogDigest) {
        let wanted = self.filter.to_lowercase();
        let fits = |at: &usize| {
            let one = &digest.templates[*at];
            wanted.is_empty()
                || one.text.to_lowercase().contains(&wanted)
                || one.component.to_lowercase().contains(&wanted)
                || one.severity().name() == wanted
        };
        self.listed = self.sort.order(digest).into_iter().filter(fits).collect();
        self.choice = Choice::default();
    }

    /// The chosen template.
    pub(super) fn chosen<'a>(&self, digest: &'a LogDigest) -> Option<&'a Template> {
        digest.templates.get(*self.listed.get(self.choice.at)?)
    }

    pub(super) fn key(&mut self, key: KeyEvent, digest: &LogDigest) -> Meant {
        if self.choice.key(key, self.listed.len(), self.typing) {
            return Meant::Done;
        }
        match key.code {
            KeyCode::Esc if self.typing || !self.filter.is_empty() => {
                self.typing = false;
                self.filter.clear();
            }
            KeyCode::Enter if self.typing => {
                self.typing = false;
                return Meant::Done;
            }
            KeyCode::Backspace if self.typing => {
                self.filter.pop();
            }
            KeyCode::Char(c) if self.typing => self.filter.push(c),
            KeyCode::Char('/') => {
                self.typing = true;
                return Meant::Done;
            }
            KeyCode::Char('s') => self.sort = self.sort.next(),
            _ => return Meant::Nothing,
        }
        self.arrange(digest);
        Meant::Done
    }
}
