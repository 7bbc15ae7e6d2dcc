//! What a file is: by its content first, by its name where that says more.

use std::path::Path;

use memchr::memmem::find;

/// Bytes from the start of a file that are enough to tell what it is.
pub const HEAD_BYTES: usize = 64 * 1024;

/// The share of control characters that no text has, in percent.
const MOST_CONTROLS: usize = 2;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Markdown.
    Markdown,
    /// Text without markup that is known; logs, too.
    Plain,
    /// Source code, or a configuration.
    Code(Language),
    /// HTML; SVG, of which only the words are read.
    Html,
    /// PDF.
    Pdf,
    /// A text document of Office Open XML.
    Docx,
    /// Slides of Office Open XML.
    Pptx,
    /// A text document of OpenDocument.
    Odt,
    /// Slides of OpenDocument.
    Odp,
    /// Sheets of OpenDocument.
    Ods,
    /// Sheets of Excel: xlsx, xlsm and xls.
    Workbook,
    /// CSV and the like.
    Csv,
    /// A message.
    Mail,
    /// A mailbox: mbox.
    Mailbox,
    /// A Jupyter notebook.
    Notebook,
    /// A picture, of a format that can be looked at.
    Picture,
    /// A recording; with video, maybe.
    Sound,
    /// None of these.
    Binary,
}

impl Kind {
    /// Whether [`crate::document::read`] finds text in it.
    pub fn is_document(self) -> bool {
        !matches!(self, Self::Picture | Self::Sound | Self::Binary)
    }
}

/// How a source is written, as far as it matters for where its parts begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// JavaScript and TypeScript.
    JavaScript,
    /// Go.
    Go,
    /// C, C++, Objective-C.
    C,
    /// Java and those that look like it: C#, Kotlin, Scala, Swift, PHP, Dart.
    Java,
    /// Ruby and Elixir.
    Ruby,
    /// Shells, Make, Docker.
    Shell,
    /// SQL.
    Sql,
    /// CSS.
    Style,
    /// TOML, YAML, INI.
    Config,
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// Another one.
    Other,
}

/// Extensions of text, in lower case.
const TEXTS: [(&[&str], Kind); 21] = [
    (&["md", "markdown", "mdown", "mkd", "mdx", "qmd", "rmd"], Kind::Markdown),
    (&["html", "htm", "xhtml", "svg"], Kind::Html),
    (&["csv", "tsv", "tab", "psv"], Kind::Csv),
    (&["eml"], Kind::Mail),
    (&["mbox"], Kind::Mailbox),
    (&["ipynb"], Kind::Notebook),
    (&["rs"], Kind::Code(Language::Rust)),
    (&["py", "pyi", "pyx", "nim", "coffee"], Kind::Code(Language::Python)),
    (&["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "vue", "svelte"], Kind::Code(Language::JavaScript)),
    (&["go"], Kind::Code(Language::Go)),
    (
        &["c", "h", "cc", "cpp", "cxx", "hh", "hpp", "hxx", "m", "mm", "cu", "cuh", "ino", "glsl"],
        Kind::Code(Language::C),
    ),
    (
        &["java", "cs", "kt", "kts", "scala", "swift", "php", "dart", "groovy", "gradle", "proto", "zig"],
        Kind::Code(Language::Java),
    ),
    (&["rb", "ex", "exs", "cr", "rake"], Kind::Code(Language::Ruby)),
    (&["sh", "bash", "zsh", "fish", "ps1", "mk", "nix", "tcl", "awk"], Kind::Code(Language::Shell)),
    (&["sql"], Kind::Code(Language::Sql)),
    (&["css", "scss", "sass", "less"], Kind::Code(Language::Style)),
    (
        &["toml", "yaml", "yml", "ini", "cfg", "conf", "properties", "service", "desktop", "tf", "env"],
        Kind::Code(Language::Config),
    ),
    (&["json", "json5", "jsonc", "jsonl", "ndjson", "geojson"], Kind::Code(Language::Json)),
    (&["xml", "xsd", "xsl", "xslt", "plist", "csproj", "dtd"], Kind::Code(Language::Xml)),
    (
        &[
            "lua", "hs", "ml", "mli", "pl", "pm", "r", "jl", "clj", "el", "lisp", "scm", "vim", "erl", "f90",
            "pas", "asm", "s", "v", "vhd", "d", "bat", "cmd", "cmake", "lean", "thy", "tex",
        ],
        Kind::Code(Language::Other),
    ),
    (&["txt", "text", "log", "rst", "adoc", "asciidoc", "org", "srt", "vtt", "diff", "patch"], Kind::Plain),
];

/// Names of files without an extension.
const NAMES: [(&str, Kind); 8] = [
    ("makefile", Kind::Code(Language::Shell)),
    ("gnumakefile", Kind::Code(Language::Shell)),
    ("dockerfile", Kind::Code(Language::Shell)),
    ("containerfile", Kind::Code(Language::Shell)),
    ("gemfile", Kind::Code(Language::Ruby)),
    ("rakefile", Kind::Code(Language::Ruby)),
    ("cmakelists.txt", Kind::Code(Language::Other)),
    ("mbox", Kind::Mailbox),
];

/// What a file is, by its path and the first bytes of it: at best [`HEAD_BYTES`] of them.
pub fn kind_of(path: &Path, head: &[u8]) -> Kind {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let head = &head[..head.len().min(HEAD_BYTES)];
    match by_magic(head, extension) {
        Some(kind) => kind,
        None if is_text(head) => text_kind(&name, extension, head),
        None => Kind::Binary,
    }
}

/// Formats that say what they are in their first bytes.
fn by_magic(head: &[u8], extension: &str) -> Option<Kind> {
    let at = |offset: usize, mark: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(mark));
    let starts = |marks: &[&[u8]]| marks.iter().any(|mark| at(0, mark));
    let riff = |form: &[u8]| at(0, b"RIFF") && at(8, form);
    if starts(&[b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"])
        || riff(b"WEBP")
    {
        return Some(Kind::Picture);
    }
    if at(0, b"BM") && at(6, &[0, 0, 0, 0]) {
        return Some(Kind::Picture);
    }
    let sound: [&[u8]; 7] = [b"ID3", b"fLaC", b"OggS", b"\x1aE\xdf\xa3", b"caff", b"\xff\xfb", b"\xff\xf1"];
    if starts(&sound)
        || riff(b"WAVE")
        || at(0, b"FORM") && at(8, b"AIF")
        || at(4, b"ftyp") && !at(8, b"heic") && !at(8, b"avif")
    {
        return Some(Kind::Sound);
    }
    // Viewers take a PDF whose header is not the first thing in it.
    if find(&head[..head.len().min(1024)], b"%PDF-").is_some() {
        return Some(Kind::Pdf);
    }
    if starts(&[b"PK\x03\x04"]) {
        return Some(in_zip(head, extension));
    }
    starts(&[b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]).then(|| in_ole(extension))
}

/// What is packed as a zip.
fn in_zip(head: &[u8], extension: &str) -> Kind {
    let has = |mark: &[u8]| find(head, mark).is_some();
    match extension {
        _ if has(b"mimetypeapplication/vnd.oasis.opendocument.text") => Kind::Odt,
        _ if has(b"mimetypeapplication/vnd.oasis.opendocument.presentation") => Kind::Odp,
        _ if has(b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet") => Kind::Ods,
        _ if has(b"word/document") => Kind::Docx,
        _ if has(b"ppt/presentation") => Kind::Pptx,
        _ if has(b"xl/workbook.xml") => Kind::Workbook,
        "docx" | "docm" | "dotx" => Kind::Docx,
        "pptx" | "pptm" | "ppsx" => Kind::Pptx,
        "xlsx" | "xlsm" => Kind::Workbook,
        "odt" | "ott" => Kind::Odt,
        "odp" => Kind::Odp,
        "ods" => Kind::Ods,
        _ => Kind::Binary,
    }
}

/// What is packed in Microsoft's compound files: old Excel sheets, and newer documents that are
/// encrypted (MS-OFFCRYPTO), whose reader says so.
fn in_ole(extension: &str) -> Kind {
    match extension {
        "xls" | "xlt" | "xlsx" | "xlsm" => Kind::Workbook,
        "docx" | "docm" => Kind::Docx,
        "pptx" | "pptm" => Kind::Pptx,
        _ => Kind::Binary,
    }
}

/// Whether bytes are text of some encoding: no NUL, and hardly a control character.
fn is_text(head: &[u8]) -> bool {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return true;
    }
    let control = |byte: &&u8| matches!(byte, 0..=8 | 11 | 14..=26 | 28..=31 | 127);
    !head.contains(&0) && head.iter().filter(control).count() * 100 <= head.len() * MOST_CONTROLS
}

fn text_kind(name: &str, extension: &str, head: &[u8]) -> Kind {
    let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let begins = |marks: &[&str]| {
        marks
            .iter()
            .any(|mark| start.get(..mark.len()).is_some_and(|at| at.eq_ignore_ascii_case(mark.as_bytes())))
    };
    let named = NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    let by_name = named.or_else(|| {
        TEXTS.iter().find(|(extensions, _)| extensions.contains(&extension)).map(|(_, kind)| *kind)
    });
    match by_name {
        Some(kind) => kind,
        None if begins(&["<!doctype html", "<html"]) => Kind::Html,
        None if begins(&["<?xml"]) => Kind::Code(Language::Xml),
        None if begins(&["#!"]) => shebang(start),
        None if begins(&["From "]) && find(head, b"\nFrom: ").is_some() => Kind::Mailbox,
        None if begins(&["Return-Path:", "Received:", "Delivered-To:"]) => Kind::Mail,
        None => Kind::Plain,
    }
}

/// The language that the first line of a script says.
fn shebang(start: &[u8]) -> Kind {
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let runs = |program: &str| find(line, program.as_bytes()).is_some();
    Kind::Code(match () {
        () if runs("python") => Language::Python,
        () if runs("node") || runs("deno") || runs("bun") => Language::JavaScript,
        () if runs("ruby") => Language::Ruby,
        () if runs("sh") => Language::Shell,
        () => Language::Other,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(name: &str, head: &[u8]) -> Kind {
        kind_of(Path::new(name), head)
    }

    #[test]
    fn the_content_counts_more_than_the_name() {
        assert_eq!(kind("a.txt", b"%PDF-1.7\n"), Kind::Pdf);
        assert_eq!(kind("a.md", b"\x89PNG\r\n\x1a\n"), Kind::Picture);
        assert_eq!(kind("a.md", b"a\0b"), Kind::Binary);
        assert_eq!(kind("a.docx", b"PK\x03\x04...xl/workbook.xml"), Kind::Workbook);
        assert_eq!(kind("a.docx", b"PK\x03\x04"), Kind::Docx);
        assert_eq!(kind("a.zip", b"PK\x03\x04"), Kind::Binary);
        assert_eq!(kind("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), Kind::Binary);
        assert_eq!(kind("a.wav", b"RIFF\0\0\0\0WAVEfmt "), Kind::Sound);
    }

    #[test]
    fn text_is_told_apart_by_name_and_first_line() {
        assert_eq!(kind("README.MD", b"# A"), Kind::Markdown);
        assert_eq!(kind("src/a.rs", b"fn a() {}"), Kind::Code(Language::Rust));
        assert_eq!(kind("Makefile", b"a: b"), Kind::Code(Language::Shell));
        assert_eq!(kind("run", b"#!/usr/bin/env python3\n"), Kind::Code(Language::Python));
        assert_eq!(kind("page", b"\xef\xbb\xbf\n<!DOCTYPE HTML><p>"), Kind::Html);
        assert_eq!(kind("inbox", b"From a@b Mon\nFrom: a\n"), Kind::Mailbox);
        assert_eq!(kind("notes", b"Gr\xfc\xdfe"), Kind::Plain);
        assert_eq!(kind("app.log", b"\x1b[31merror\x1b[0m\n"), Kind::Plain);
        assert_eq!(kind("a.txt", b"\xff\xfea\0"), Kind::Plain);
        assert_eq!(kind("", b""), Kind::Plain);
    }

    proptest! {
        #[test]
        fn any_bytes_are_of_some_kind(name in ".{0,12}", head in proptest::collection::vec(any::<u8>(), 0..64)) {
            kind(&name, &head);
        }
    }
}
