//! What a command wrote, made into text for a model and a screen.

use crate::text;

use super::plain;
use super::sandbox::{Ended, MOST_ON_DISK, Output, Says};

/// So many bytes at the beginning tell whether an output is text.
const SNIFF: usize = 8 * 1024;

/// The text of an output, with how it ended in front: behind it, the output could say
/// something else.
///
/// `lacked` is what a command that failed was not granted: its own words for that are those of
/// any other failure.
pub fn text_of(output: &Output, lacked: Option<&str>) -> String {
    let lacked = lacked.filter(|_| matches!(output.ended, Ended::Code(1..)));
    let how = lacked.map_or_else(|| how(output), |lacked| format!("{}; {lacked}", how(output)));
    let whole = match (&output.whole, &output.unkept) {
        (Some(path), _) if output.total > MOST_ON_DISK => {
            let (kept, all) = (text::size(MOST_ON_DISK), text::size(output.total));
            format!("; the first {kept} of {all}: read_file {}", path.display())
        }
        (Some(path), _) => format!("; all {} of it: read_file {}", text::size(output.total), path.display()),
        (None, Some(why)) => format!("; the whole of it could not be kept: {why}"),
        (None, None) => String::new(),
    };
    if is_binary(&output.bytes) {
        return format!("[{how}; {} of binary output, not shown{whole}]", text::size(output.total));
    }
    let said = painted(&output.bytes);
    match said.trim().is_empty() {
        true => format!("[{how}; no output]"),
        false => format!("[{how}{whole}]\n{}", said.trim_end()),
    }
}

/// How a command ended, in words.
pub fn how(output: &Output) -> String {
    let seconds = output.took.as_secs_f64();
    match &output.ended {
        Ended::Code(code @ 129..) => format!("ended by signal {}", code - 128),
        Ended::Code(code) => format!("exit code {code}"),
        Ended::TimedOut => format!("ended after {seconds:.0} s: its time was up"),
        Ended::Stopped => "stopped by the person".to_owned(),
        Ended::TooManyProcesses => "ended: it had too many processes".to_owned(),
        Ended::NotRun => "not run: the sandbox could not be entered".to_owned(),
    }
}

/// The last line that a command wrote, for a screen.
pub fn last_line(says: &Says) -> String {
    painted(&says.line()).trim().to_owned()
}

/// Text without the sequences that paint and move, and without control characters; what a
/// progress bar wrote over itself is its last state.
fn painted(bytes: &[u8]) -> String {
    plain::plain(&String::from_utf8_lossy(&overwritten(bytes)))
}

/// Of each line what stands behind its last carriage return.
fn overwritten(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (body, end) = match line {
            [body @ .., b'\r', b'\n'] => (body, &b"\n"[..]),
            [body @ .., b'\n'] => (body, &b"\n"[..]),
            body => (body, &b""[..]),
        };
        let body = body.strip_suffix(b"\r").unwrap_or(body);
        let last = body.iter().rposition(|byte| *byte == b'\r').map_or(0, |at| at + 1);
        out.extend(&body[last..]);
        out.extend(end);
    }
    out
}

fn is_binary(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(SNIFF)];
    let odd = String::from_utf8_lossy(start).matches('\u{fffd}').count();
    start.contains(&0) || odd * 10 > start.len()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn output(ended: Ended, bytes: &[u8]) -> Output {
        let total = bytes.len() as u64;
        Output {
            ended,
            bytes: bytes.to_vec(),
            total,
            whole: None,
            unkept: None,
            took: Duration::from_secs(3),
        }
    }

    #[test]
    fn an_output_is_text_with_its_end_in_front() {
        assert_eq!(text_of(&output(Ended::Code(0), b"a\n"), None), "[exit code 0]\na");
        assert_eq!(text_of(&output(Ended::Code(1), b""), None), "[exit code 1; no output]");
        assert_eq!(text_of(&output(Ended::Code(137), b"x"), None), "[ended by signal 9]\nx");
        assert_eq!(text_of(&output(Ended::TimedOut, b"x"), None), "[ended after 3 s: its time was up]\nx");
        let lacked = text_of(&output(Ended::Code(1), b"denied"), Some("it could only read"));
        assert_eq!(lacked, "[exit code 1; it could only read]\ndenied");
        assert_eq!(text_of(&output(Ended::Code(0), b"x"), Some("it could only read")), "[exit code 0]\nx");
        let binary = text_of(&output(Ended::Code(0), b"\x7fELF\0\0"), None);
        assert_eq!(binary, "[exit code 0; 6 B of binary output, not shown]");
    }

    #[test]
    fn escape_sequences_are_gone_and_a_progress_bar_is_its_last_state() {
        let bytes = b"\x1b[31mred\x1b[0m\r\n 10%\r 50%\r100%\n\x1b]0;title\x07done\x08\n";
        assert_eq!(painted(bytes), "red\n100%\ndone␈\n");
    }

    proptest! {
        #[test]
        fn nothing_that_moves_a_cursor_is_left(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(painted(&bytes).chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()));
        }
    }
}
