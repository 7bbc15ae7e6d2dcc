//! Whether something that was given is a log.

use super::input::is_packed;
use super::layout::Layout;
use super::scan::learn_layout;
use super::stamp::Reference;
use crate::text;

/// How much of a file tells it.
pub const HEAD_BYTES: usize = 64 * 1024;

/// Lines with a time that make a log: one alone may be a note.
const LEAST_LINES: usize = 2;

/// Whether a file's first bytes are those of a log: packed, or lines with times or fields
/// that loggers write.
pub fn is_log(head: &[u8]) -> bool {
    if is_packed(head) {
        return true;
    }
    let decoded = text::utf16(head);
    let head = decoded.as_ref().map_or(head, |text| text.as_bytes());
    let lines = head.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    let reference = Reference::at(jiff::Timestamp::now().as_millisecond());
    let layout = learn_layout(head, reference);
    lines >= LEAST_LINES && !matches!(layout, Layout::Plain) && layout.has_heads()
}

/// Whether a file is called like a log.
pub fn is_named_log(name: &str) -> bool {
    let name = name.to_lowercase();
    let ends = [".log", ".out", ".err", ".trace", ".journal"].iter().any(|end| name.ends_with(end));
    ends || name.contains(".log.")
        || name.contains(".log-")
        || matches!(name.as_str(), "syslog" | "messages" | "dmesg")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_told_from_prose_tables_and_sources() {
        for log in [
            "2024-01-01 10:00:00 INFO a\n2024-01-01 10:00:01 INFO b\n",
            "{\"ts\":1700000000,\"level\":\"info\",\"msg\":\"a\"}\n{\"ts\":1700000001,\"level\":\"info\",\"msg\":\"b\"}\n",
            "Jun 14 15:16:01 combo su: x\nJun 14 15:16:02 combo su: y\n",
        ] {
            assert!(is_log(log.as_bytes()), "{log}");
        }
        for other in [
            "",
            "# A title\n\nSome words.\n",
            "fn main() {\n    println!(\"ERROR\");\n}\n",
            "name,total\na,1\nb,2\n",
            "2024-01-01 10:00:00 a note to myself",
            "INFO: words\nERROR: words\n",
        ] {
            assert!(!is_log(other.as_bytes()), "{other}");
        }
        assert!(is_named_log("ci.log") && is_named_log("app.log.2.gz") && !is_named_log("catalog.txt"));
    }
}
