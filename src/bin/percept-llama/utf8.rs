//! Joins the bytes of tokens to text: a token may end in the middle of a character.

/// Joins the bytes of tokens to whole characters.
#[derive(Default)]
pub(crate) struct Utf8Stream {
    pending: Vec<u8>,
    least: Option<f32>,
}

impl Utf8Stream {
    /// Takes a token's bytes; returns the text that is whole now, with the least
    /// log-probability of the tokens that it took.
    pub(crate) fn push(&mut self, bytes: &[u8], logprob: f32) -> Option<(String, f32)> {
        self.pending.extend_from_slice(bytes);
        let least = self.least.map_or(logprob, |least| least.min(logprob));
        self.least = Some(least);
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.pending) {
                Ok(valid) => {
                    text.push_str(valid);
                    self.pending.clear();
                    break;
                }
                Err(error) => {
                    let whole = error.valid_up_to();
                    text.push_str(&String::from_utf8_lossy(&self.pending[..whole]));
                    // Bytes that no further byte can make a character of.
                    let Some(bad) = error.error_len() else {
                        self.pending.drain(..whole);
                        break;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    self.pending.drain(..whole + bad);
                }
            }
        }
        if text.is_empty() {
            return None;
        }
        self.least = (!self.pending.is_empty()).then_some(logprob);
        Some((text, least))
    }

    /// What is left of a character that never became whole.
    pub(crate) fn finish(&mut self) -> Option<(String, f32)> {
        let least = self.least.take()?;
        (!self.pending.is_empty())
            .then(|| (String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned(), least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_never_cut() {
        let mut stream = Utf8Stream::default();
        let bytes = "a€b".as_bytes();
        assert_eq!(stream.push(&bytes[..1], -1.0), Some(("a".into(), -1.0)));
        assert_eq!(stream.push(&bytes[1..2], -5.0), None);
        assert_eq!(stream.push(&bytes[2..3], -1.0), None);
        assert_eq!(stream.push(&bytes[3..], -2.0), Some(("€b".into(), -5.0)));
        assert_eq!(stream.push(b"\xff", -1.0), Some(("\u{fffd}".into(), -1.0)));
        assert_eq!(stream.push(b"x\xe2", -3.0), Some(("x".into(), -3.0)));
        assert_eq!(stream.finish(), Some(("\u{fffd}".into(), -3.0)));
        assert_eq!(stream.finish(), None);
    }
}
