//! Server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>): a
//! machine over bytes, which come in pieces of any size.
//!
//! It takes what the API uses: the data. Names, ids and times to reconnect are passed over.

/// The longest event: a call with a whole file as its argument comes in one from some servers.
pub(crate) const MOST_EVENT: usize = 8 * 1024 * 1024;

/// The stream holds an event longer than [`MOST_EVENT`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Reads events out of bytes.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a carriage return: a line feed behind it ends no line of its own.
    returned: bool,
    begun: bool,
}

impl Parser {
    /// Takes the next bytes and returns the data of the events that they complete. What an
    /// unfinished event holds at the end of the stream is nobody's, as the standard has it.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Vec<String>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_return = std::mem::replace(&mut self.returned, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
            if self.line.len().saturating_add(self.data.len()) > MOST_EVENT {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<String> {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.begun, true) && line.starts_with(b"\xEF\xBB\xBF") {
            line.drain(..3);
        }
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return std::mem::take(&mut self.has_data).then(|| String::from_utf8_lossy(&data).into_owned());
        }
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (&line[..], &b""[..]),
        };
        if name == b"data" {
            if std::mem::replace(&mut self.has_data, true) {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<String> {
        Parser::default().take(bytes).unwrap()
    }

    #[test]
    fn events_are_their_data_whatever_ends_their_lines() {
        let text = "\u{feff}: ping\ndata: {\"a\":1}\n\nevent: x\r\nid: 7\r\ndata:one\r\ndata:  two\r\n\r\ndata: [DONE]\r\r";
        assert_eq!(read(text.as_bytes()), ["{\"a\":1}", "one\n two", "[DONE]"]);
    }

    #[test]
    fn what_has_no_data_or_no_end_is_no_event() {
        assert!(read(b"\n\n: only a comment\n\nevent: x\n\ndata: cut off\n").is_empty());
        assert_eq!(read(b"data\n\ndata:\n\n"), ["", ""]);
        assert!(read(b"database: x\n\n").is_empty());
    }

    #[test]
    fn a_line_without_an_end_is_not_kept_for_ever() {
        let mut parser = Parser::default();
        let part = vec![b'x'; MOST_EVENT / 2 + 1];
        assert_eq!(parser.take(&part), Ok(Vec::new()));
        assert_eq!(parser.take(&part), Err(TooLong));
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_events(
            text in "([a-z: é]{0,6}|data: ?[a-zé{}]{0,5}|\r\n|\n|\r|:c){0,40}",
            cuts in prop::collection::vec(0usize..400, 0..12),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for pair in cuts.windows(2) {
                events.extend(parser.take(&bytes[pair[0]..pair[1]]).unwrap());
            }
            prop_assert_eq!(events, read(bytes));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Parser::default().take(&bytes);
        }
    }
}
