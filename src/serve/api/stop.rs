//! Stop strings: the answer ends before the first of them, and no part of one is ever given
//! out, wherever the borders of the tokens lie.

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Its text; empty never.
    pub text: String,
    /// Natural logarithm of the probability of the token that it is of.
    pub logprob: f32,
}

/// Looks for stop strings in what comes.
#[derive(Debug, Default)]
pub struct Stops {
    stops: Vec<String>,
    /// What may be the start of one, with the tokens that it is of.
    held: String,
    pieces: Vec<Piece>,
    stopped: bool,
}

impl Stops {
    /// Looks for these; none of them is empty.
    pub fn new(stops: Vec<String>) -> Self {
        Self { stops, ..Self::default() }
    }

    /// Whether one was met.
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// Takes the next piece; returns what is certain not to be of a stop string. Behind one,
    /// nothing comes any more.
    pub fn push(&mut self, piece: Piece) -> Vec<Piece> {
        if self.stopped || piece.text.is_empty() {
            return Vec::new();
        }
        if self.stops.is_empty() {
            return vec![piece];
        }
        self.held.push_str(&piece.text);
        self.pieces.push(piece);
        if let Some(start) = self.met() {
            self.stopped = true;
            let before = self.release(start);
            self.held.clear();
            self.pieces.clear();
            return before;
        }
        let certain = self.held.len() - self.begun();
        self.release(certain)
    }

    /// What was held back, when nothing more comes.
    pub fn finish(&mut self) -> Vec<Piece> {
        self.held.clear();
        std::mem::take(&mut self.pieces)
    }

    /// Where the stop string begins that ends first; of those that end there, the longest. The
    /// one that ends first is the same whatever the tokens are.
    fn met(&self) -> Option<usize> {
        let ends = |stop: &String| self.held.find(stop.as_str()).map(|at| (at + stop.len(), at));
        self.stops.iter().filter_map(ends).min().map(|(_, start)| start)
    }

    /// Bytes at the end that begin a stop string: as many as can be.
    fn begun(&self) -> usize {
        let longest = self.stops.iter().map(String::len).max().unwrap_or(0);
        let from = self.held.len().saturating_sub(longest.saturating_sub(1));
        let starts = (from..self.held.len()).filter(|at| self.held.is_char_boundary(*at));
        let begins = |at: &usize| self.stops.iter().any(|stop| stop.starts_with(&self.held[*at..]));
        starts.into_iter().find(begins).map_or(0, |at| self.held.len() - at)
    }

    /// Takes so many bytes from the front.
    fn release(&mut self, mut bytes: usize) -> Vec<Piece> {
        self.held.drain(..bytes);
        let mut released = Vec::new();
        while bytes > 0 {
            let Some(first) = self.pieces.first_mut() else { break };
            if first.text.len() <= bytes {
                bytes -= first.text.len();
                released.push(self.pieces.remove(0));
            } else {
                let rest = first.text.split_off(bytes);
                let text = std::mem::replace(&mut first.text, rest);
                released.push(Piece { text, logprob: first.logprob });
                bytes = 0;
            }
        }
        released
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(stops: &[&str], tokens: &[&str]) -> (String, bool) {
        let mut matcher = Stops::new(stops.iter().map(|stop| (*stop).to_owned()).collect());
        let mut text = String::new();
        let piece = |text: &str| Piece { text: text.to_owned(), logprob: -0.5 };
        for token in tokens {
            text.extend(matcher.push(piece(token)).into_iter().map(|piece| piece.text));
        }
        let stopped = matcher.stopped();
        text.extend(matcher.finish().into_iter().map(|piece| piece.text));
        (text, stopped)
    }

    #[test]
    fn an_answer_ends_before_its_stop_string() {
        let cases: [(&[&str], &[&str], &str, bool); 9] = [
            (&[], &["a", "b"], "ab", false),
            (&["\n"], &["a", "b\nc", "d"], "ab", true),
            (&["STOP"], &["aS", "T", "O", "Px"], "a", true),
            (&["STOP"], &["aS", "TO"], "aSTO", false),
            (&["STOP"], &["aSTS", "TOP"], "aST", true),
            (&["aab"], &["a", "a", "a", "b"], "a", true),
            (&["abc", "b"], &["abc"], "a", true),
            (&["xyz", "yz"], &["xyz"], "", true),
            (&["ß!"], &["Gru", "ß", "ß", "!"], "Gruß", true),
        ];
        for (stops, tokens, text, stopped) in cases {
            assert_eq!(all(stops, tokens), (text.to_owned(), stopped), "{stops:?} in {tokens:?}");
        }
    }

    #[test]
    fn the_tokens_keep_their_probabilities() {
        let mut stops = Stops::new(vec!["##".to_owned()]);
        let piece = |text: &str, logprob| Piece { text: text.to_owned(), logprob };
        assert_eq!(stops.push(piece("one #", -1.0)), [piece("one ", -1.0)]);
        assert_eq!(stops.push(piece("two", -2.0)), [piece("#", -1.0), piece("two", -2.0)]);
        assert_eq!(stops.push(piece("##", -3.0)), []);
        assert!(stops.stopped());
        assert_eq!(stops.push(piece("more", -4.0)), []);
    }

    /// What a matcher that reads the whole text a character at a time makes of it.
    fn reference(stops: &[String], text: &str) -> (String, bool) {
        let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
        for end in ends {
            let starts = stops.iter().filter(|stop| text[..end].ends_with(stop.as_str()));
            if let Some(longest) = starts.map(String::len).max() {
                return (text[..end - longest].to_owned(), true);
            }
        }
        (text.to_owned(), false)
    }

    proptest! {
        #[test]
        fn nothing_of_a_stop_string_comes_through_wherever_tokens_end(
            stops in proptest::collection::vec("[abß]{1,4}", 0..4),
            tokens in proptest::collection::vec("[abßx]{1,3}", 0..20),
        ) {
            let refs: Vec<&str> = stops.iter().map(String::as_str).collect();
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            prop_assert_eq!(all(&refs, &tokens), reference(&stops, &tokens.concat()));
        }

        #[test]
        fn what_is_given_out_is_never_taken_back(
            stops in proptest::collection::vec("[ab]{1,3}", 1..4),
            tokens in proptest::collection::vec("[abx]{1,3}", 0..20),
        ) {
            let mut matcher = Stops::new(stops.clone());
            let mut given = String::new();
            for text in &tokens {
                let out = matcher.push(Piece { text: text.clone(), logprob: 0.0 });
                given.extend(out.into_iter().map(|piece| piece.text));
                prop_assert!(stops.iter().all(|stop| !given.contains(stop.as_str())), "{given:?} of {stops:?}");
            }
            prop_assert!(reference(&stops, &tokens.concat()).0.starts_with(&given));
        }
    }
}
