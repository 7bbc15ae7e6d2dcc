//! Joins stretches of a file that are near each other (cut and merge, as WhisperX does):
//! Whisper reads better what stands in its context.

use std::ops::Range;

use crate::segmenter::Stretch;

/// Collects stretches until they are as long as the model's window.
#[derive(Debug)]
pub(crate) struct Groups {
    /// The longest group, in frames.
    longest: usize,
    /// The longest pause within a group, in frames.
    gap: usize,
    open: Option<Range<usize>>,
}

impl Groups {
    pub(crate) fn new(longest: usize, gap: usize) -> Self {
        Self { longest, gap, open: None }
    }

    /// Takes the next stretch; the group that is complete without it.
    pub(crate) fn push(&mut self, stretch: &Stretch) -> Option<Range<usize>> {
        let Range { start, end } = stretch.frames;
        match &mut self.open {
            Some(open) if start <= open.end + self.gap && end - open.start <= self.longest => {
                open.end = end;
                None
            }
            open => open.replace(start..end),
        }
    }

    /// The group that is not complete yet.
    pub(crate) fn open(&self) -> Option<&Range<usize>> {
        self.open.as_ref()
    }

    /// Takes the open group if nothing that comes after `frame` can join it.
    pub(crate) fn before(&mut self, frame: usize) -> Option<Range<usize>> {
        self.open.take_if(|open| open.end + self.gap < frame)
    }

    pub(crate) fn finish(&mut self) -> Option<Range<usize>> {
        self.open.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_stretches_join_as_far_as_they_fit() {
        let mut groups = Groups::new(100, 10);
        let mut push = |frames| groups.push(&Stretch { frames });
        assert_eq!(push(5..20), None);
        assert_eq!(push(25..60), None);
        assert_eq!(push(65..106), Some(5..60));
        assert_eq!(push(150..160), Some(65..106));
        assert_eq!(groups.before(165), None);
        assert_eq!(groups.before(171), Some(150..160));
        assert_eq!(groups.finish(), None);
    }
}
