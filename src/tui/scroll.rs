//! The chosen row of a list, and the keys that move it.

use crossterm::event::{KeyCode, KeyEvent};

use super::panel::PAGE_ROWS;

/// Which row is chosen, and the first that is in sight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) at: usize,
    top: usize,
}

impl Choice {
    pub(super) fn at(at: usize) -> Self {
        Self { at, top: 0 }
    }

    pub(super) fn step(&mut self, by: isize, rows: usize) {
        self.at = self.at.saturating_add_signed(by).min(rows.saturating_sub(1));
    }

    /// Moves the choice; false: the key does something else. While something is typed,
    /// letters do not move.
    pub(super) fn key(&mut self, key: KeyEvent, rows: usize, typing: bool) -> bool {
        match key.code {
            KeyCode::Up => self.step(-1, rows),
            KeyCode::Down => self.step(1, rows),
            KeyCode::PageUp => self.step(-PAGE_ROWS, rows),
            KeyCode::PageDown => self.step(PAGE_ROWS, rows),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.step(isize::MAX, rows),
            KeyCode::Char('k') if !typing => self.step(-1, rows),
            KeyCode::Char('j') if !typing => self.step(1, rows),
            _ => return false,
        }
        true
    }

    /// The first row in sight of so many: moved no more than the choice needs, with what is
    /// around it where that is possible at once.
    pub(super) fn top(&mut self, height: usize, rows: usize) -> usize {
        let height = height.max(1);
        let far = self.at + 1 < self.top.saturating_sub(height) || self.at > self.top + 2 * height;
        if far {
            self.top = self.at.saturating_sub(height / 2);
        }
        self.top = self.top.min(self.at).max((self.at + 1).saturating_sub(height));
        self.top = self.top.min(rows.saturating_sub(height));
        self.top
    }
}
