//! Documents through the door: real files, and what is left of them when they are damaged.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::outline::Outline;
use super::*;

/// What a reader of lines makes of a text: headings, lines and text of each block.
pub(super) fn shown(
    read: impl Fn(&str, &mut Outline) -> Option<String>,
    text: &str,
) -> Vec<(&'static str, u32, u32, &'static str)> {
    let mut outline = Outline::new(usize::MAX);
    read(text, &mut outline);
    let blocks = outline.finish(&mut Vec::new());
    let flat = |block: Block| {
        let Place::Lines(from, to) = block.place else { panic!("{:?} is no lines", block.place) };
        (&*block.heading.join("/").leak(), from, to, &*block.text.leak())
    };
    blocks.into_iter().map(flat).collect()
}

/// The texts of blocks in lines.
pub(super) fn joined(blocks: &[Block]) -> String {
    blocks.iter().map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// Tokens as many models count them, near enough: words and signs, and two that every text has.
fn count(text: &str) -> usize {
    text.split(|c: char| !c.is_alphanumeric()).map(|word| word.chars().count().div_ceil(6)).sum::<usize>()
        + text.chars().filter(|c| c.is_ascii_punctuation()).count()
        + 2
}

const LIMITS: Limits = Limits { most_tokens: 60, least_tokens: 12 };

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/documents").join(name)).unwrap()
}

fn read_as(name: &str, bytes: &[u8]) -> Result<Document, Unreadable> {
    let path = Path::new(name);
    let options = Options { page_pixels: 400, ..Options::default() };
    read(kind_of(path, bytes), path, bytes, &options, &AtomicBool::new(false))
}

fn document(name: &str) -> Document {
    read_as(name, &fixture(name)).unwrap()
}

/// The blocks as `place heading/heading: text`.
fn listed(document: &Document) -> Vec<String> {
    let line = |block: &Block| format!("{} {}: {}", block.place, block.heading.join("/"), block.text);
    document.blocks.iter().map(line).collect()
}

#[test]
fn a_docx_has_headings_rows_and_umlauts() {
    let document = document("handbuch.docx");
    assert_eq!(document.title.as_deref(), Some("Handbuch der Kaffeemühle"));
    assert_eq!(
        listed(&document),
        [
            "g1-3 Handbuch der Kaffeemühle/Einrichtung: Handbuch der Kaffeemühle\nEinrichtung\nStellen Sie die Mühle auf eine ebene Fläche. Füllen Sie höchstens 250 g Bohnen ein.",
            "g4-5 Handbuch der Kaffeemühle/Einrichtung/Mahlgrad wählen: Mahlgrad wählen\nFür Espresso drehen Sie den Ring auf Stufe 3, für Filterkaffee auf Stufe 8.",
            "g6 Handbuch der Kaffeemühle/Einrichtung/Mahlgrad wählen: Getränk | Stufe",
            "g7 Handbuch der Kaffeemühle/Einrichtung/Mahlgrad wählen: Espresso | 3",
            "g8 Handbuch der Kaffeemühle/Einrichtung/Mahlgrad wählen: Filterkaffee | 8",
            "g9 Handbuch der Kaffeemühle/Einrichtung/Mahlgrad wählen: French Press | 12",
            "g10-11 Handbuch der Kaffeemühle/Reinigung: Reinigung\nReinigen Sie das Mahlwerk jede Woche mit der Bürste & einem trockenen Tuch.",
        ]
    );
}

#[test]
fn an_odt_is_read_as_a_docx_is() {
    let document = document("minutes.odt");
    assert_eq!(document.title.as_deref(), Some("Minutes of the garden club"));
    assert_eq!(
        listed(&document),
        [
            "g1-2 Minutes: Minutes\nPresent were seven members.",
            "g3-4 Minutes/Compost: Compost\nThe compost heap is moved behind the shed in April.",
            "g5 Minutes/Compost: Task | Who",
            "g6 Minutes/Compost: Shovel | Ines",
        ]
    );
}

#[test]
fn slides_have_numbers_and_notes() {
    let document = document("review.pptx");
    assert_eq!(document.title.as_deref(), Some("Quarterly review"));
    assert_eq!(
        listed(&document),
        [
            "s1 Quarterly review: Quarterly review\nTeam Harbour, spring",
            "s2 Outages: Outages\nThe database was down for 42 minutes on 3 March.",
            "s2 Outages: Cause: a full disk.",
            "s2 Outages: Say that the alarm was silent.",
        ]
    );
}

#[test]
fn sheets_have_rows_with_their_columns_names() {
    assert_eq!(
        listed(&document("prices.xlsx")),
        [
            "r1 Prices: Price list of the workshop",
            "r3 Prices: Article | Price | Since",
            "r4 Prices: Article: Hex nut M8; Price: 0.12; Since: 2021-03-01",
            "r5 Prices: Article: Bolt M8x40; Price: 0.35; Since: 2022-03-01",
            "r6 Prices: Article: Washer 8.4; Price: 0.05; Since: 2023-03-01",
            "r1 Suppliers: Name | City",
            "r2 Suppliers: Name: Schrauben Huber; City: Graz",
        ]
    );
    assert_eq!(
        listed(&document("seeds.ods")),
        ["r1 Seeds: Plant | Row", "r2 Seeds: Plant: Carrot; Row: 4", "r3 Seeds: Plant: Leek; Row: 9"]
    );
}

#[test]
fn a_pdf_has_pages_headings_columns_and_pictures() {
    let document = document("lighthouse.pdf");
    assert_eq!(document.title.as_deref(), Some("Lighthouse manual"));
    let listed = listed(&document);
    assert!(
        listed[0]
            .starts_with("p1 Lighthouse manual: Lighthouse manual\nThe lamp burns from dusk until dawn.")
    );
    assert!(
        listed[1].starts_with("p1 Lighthouse manual/The lamp: The lamp\nReplace the bulb after 900 hours.")
    );
    assert!(listed[2].starts_with("p2 Lighthouse manual/The horn: The horn\nIn fog the horn sounds"));
    assert!(
        !listed[2].contains("north side")
            && listed[3].starts_with("p2 Lighthouse manual/The horn: If the horn")
    );
    assert_eq!(listed.len(), 4);
    let [picture] = &document.pictures[..] else { panic!("{} pictures", document.pictures.len()) };
    assert_eq!(picture.place, Place::Page(3));
    let drawn = image::load_from_memory(&picture.png).unwrap().to_luma8();
    assert_eq!(drawn.height(), 400);
    let dark = drawn.pixels().filter(|pixel| pixel.0[0] < 128).count();
    assert!(dark > 50 && dark < drawn.pixels().len() / 2, "{dark}");
}

#[test]
fn what_is_locked_or_old_or_nothing_is_said() {
    assert_eq!(read_as("locked.pdf", &fixture("locked.pdf")), Err(Unreadable::Encrypted));
    assert_eq!(read_as("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), Err(Unreadable::Old));
    assert!(matches!(read_as("a.pdf", b"%PDF-1.7 and nothing else"), Err(Unreadable::Damaged(_))));
    assert_eq!(read_as("a.png", b"\x89PNG\r\n\x1a\n"), Err(Unreadable::NoText));
    assert_eq!(read_as("empty.md", b""), Ok(Document::default()));
}

#[test]
fn a_notebook_and_a_mailbox_are_read() {
    let notebook = document("tides.ipynb");
    assert_eq!(notebook.title.as_deref(), Some("Tides"));
    let found = listed(&notebook);
    assert_eq!(
        found[1..],
        [
            "c2 Tides: heights = [1.2, 3.4]\nmax(heights)",
            "c2 Tides: 3.4",
            "c3 Tides/Spring tide: ## Spring tide\n\nTwice a month."
        ]
    );
    let mailbox = listed(&document("harbour.mbox"));
    assert!(mailbox[0].starts_with("m1 Mooring for Saturday: From: Tom Harbour <tom@harbour.example>"));
    assert!(mailbox[0].ends_with("Attachments: berths.png"));
    assert_eq!(mailbox[2], "m1 Mooring for Saturday: berth 12 is free on Saturday from 10 o'clock.");
    assert_eq!(mailbox.last().unwrap(), "m2 Gebühren für März: Die Gebühr beträgt 18 Euro je Nacht.");
}

#[test]
fn a_lying_zip_is_too_big_and_takes_no_memory() {
    use std::io::Write;
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut zip = zip::ZipWriter::new(&mut bytes);
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    zip.start_file("word/document.xml", options).unwrap();
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..70 {
        zip.write_all(&zeros).unwrap();
    }
    zip.finish().unwrap();
    assert!(bytes.get_ref().len() < 200_000);
    assert_eq!(read_as("a.docx", bytes.get_ref()), Err(Unreadable::TooBig));
}

#[test]
fn a_pdf_that_unpacks_to_billions_is_too_big() {
    use std::io::Write;
    let packed = |bytes: &[u8], times: usize| {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        (0..times).for_each(|_| zlib.write_all(bytes).unwrap());
        zlib.finish().unwrap()
    };
    let bomb = packed(&packed(&vec![0; 1 << 20], 300), 1);
    assert!(bomb.len() < 100_000);
    let pdf =
        [b"%PDF-1.7\n1 0 obj <</Length 9 /Filter [/FlateDecode /FlateDecode]>> stream\n", &*bomb].concat();
    assert_eq!(read_as("a.pdf", &pdf), Err(Unreadable::TooBig));
}

#[test]
fn tables_within_tables_without_end_are_read_in_a_moment() {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("word/document.xml", zip::write::SimpleFileOptions::default()).unwrap();
    let (open, close) = ("<tbl><tr><tc><p><t>x</t></p>", "</tc></tr></tbl>");
    zip.write_all((open.repeat(50_000) + &close.repeat(50_000)).as_bytes()).unwrap();
    let document = read_as("a.docx", &zip.finish().unwrap().into_inner()).unwrap();
    assert_eq!(document.blocks.len(), 50_000);
}

#[test]
fn a_stopped_reading_says_so() {
    let (path, bytes) = (Path::new("lighthouse.pdf"), fixture("lighthouse.pdf"));
    let read = read(Kind::Pdf, path, &bytes, &Options::default(), &AtomicBool::new(true));
    assert_eq!(read, Err(Unreadable::Stopped));
}

/// Whether the chunks are in order, long enough, not too long, and in the document.
fn check(document: &Document, chunks: &[Chunk], limits: &Limits) -> Result<(), TestCaseError> {
    let words = |text: &str| text.split_whitespace().collect::<String>();
    let all: String = document.blocks.iter().map(|block| words(&block.text)).collect();
    let kept: String = chunks.iter().map(|chunk| words(&chunk.text)).collect();
    prop_assert_eq!(all, kept);
    for chunk in chunks {
        prop_assert!(!chunk.text.trim().is_empty());
        let most = limits.most_tokens.max(count("") + 1);
        let one = chunk.text.chars().count() == 1;
        prop_assert!(one || count(&chunk.text) <= most, "{} of {most}: {:?}", count(&chunk.text), chunk.text);
        let context = count(&in_context(document.title.as_deref(), &chunk.heading, ""));
        let whole = count(&in_context(document.title.as_deref(), &chunk.heading, &chunk.text));
        prop_assert!(one || context * 2 > most || whole <= most, "{whole} of {most}: {chunk:?}");
    }
    Ok(())
}

/// Whether each chunk stands in the lines that its place says, and in no fewer of them.
fn check_lines(text: &str, chunks: &[Chunk]) -> Result<(), TestCaseError> {
    let lines: Vec<&str> = text.lines().collect();
    let mut before = 0;
    for chunk in chunks {
        let Place::Lines(from, to) = chunk.place else {
            return Err(TestCaseError::fail(format!("{chunk:?}")));
        };
        prop_assert!(from >= 1 && from <= to && to as usize <= lines.len() && from >= before, "{chunk:?}");
        let cited = &lines[from as usize - 1..to as usize];
        prop_assert!(cited.join("\n").contains(&chunk.text), "{chunk:?}");
        let (first, last) = (chunk.text.lines().next().unwrap(), chunk.text.lines().last().unwrap());
        prop_assert_eq!(chunk.text.lines().count(), cited.len());
        prop_assert!(cited[0].ends_with(first) || from == to, "{chunk:?}");
        prop_assert!(cited[cited.len() - 1].starts_with(last) || from == to, "{chunk:?}");
        before = to;
    }
    Ok(())
}

fn chunks_of(name: &str, text: &str, limits: &Limits) -> Result<(), TestCaseError> {
    let document = read_as(name, text.as_bytes()).unwrap();
    let chunks = chunk(&document, limits, &count);
    check(&document, &chunks, limits)?;
    check_lines(text, &chunks)
}

#[test]
fn chunks_follow_the_structure() {
    let sentence = "This sentence has a number of words in it, and then it ends. ";
    let text =
        format!("# Top\n\nShort.\n\n## One\n\n{0}\n\n{0}{0}{0}{0}{0}{0}\n\n## Two\n\nTail.\n", sentence);
    let document = read_as("a.md", text.as_bytes()).unwrap();
    let chunks = chunk(&document, &LIMITS, &count);
    let found: Vec<(String, Place)> =
        chunks.iter().map(|chunk| (chunk.heading.join("/"), chunk.place)).collect();
    let expected = [
        ("Top", Place::Lines(1, 3)),
        ("Top/One", Place::Lines(5, 9)),
        ("Top/One", Place::Lines(9, 9)),
        ("Top/One", Place::Lines(9, 9)),
        ("Top/Two", Place::Lines(11, 13)),
    ];
    assert_eq!(found, expected.map(|(heading, place)| (heading.to_owned(), place)));
}

#[test]
fn long_lines_and_scripts_without_spaces_are_cut() {
    for line in ["x".repeat(200_000), "漢字。".repeat(20_000), "a,".repeat(50_000), " ".repeat(100_000) + "x"]
    {
        chunks_of("a.txt", &line, &LIMITS).unwrap();
    }
}

fn lines_of_markup() -> impl Strategy<Value = String> {
    let line = "(# |## |### |- |\\| |> |    |```|fn |class |\\}|\\{|//|=+|-+|\\[)?[a-zä.漢 ]{0,40}(\\r)?";
    proptest::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n").replace('\r', ""))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunks_of_lines_lose_nothing_and_are_verbatim(
        text in lines_of_markup(),
        name in prop::sample::select(vec!["a.md", "a.txt", "a.rs", "a.py", "a.toml"]),
        most in 1usize..80,
        least in 0usize..20,
    ) {
        chunks_of(name, &text, &Limits { most_tokens: most, least_tokens: least })?;
    }
}

/// Bytes with some flipped, cut out, put in or doubled.
fn mutated(bytes: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), 0usize..40, proptest::collection::vec(any::<u8>(), 0..4));
    proptest::collection::vec(change, 1..6).prop_map(move |changes| {
        let mut bytes = bytes.clone();
        for (at, cut, put) in changes {
            let from = at.index(bytes.len().max(1)).min(bytes.len());
            let to = (from + cut).min(bytes.len());
            bytes.splice(from..to, put);
        }
        bytes
    })
}

fn survives(name: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    match read_as(name, bytes) {
        Err(Unreadable::Bug) => Err(TestCaseError::fail(format!("the reader of {name} panicked"))),
        Err(_) => Ok(()),
        Ok(document) => check(&document, &chunk(&document, &LIMITS, &count), &LIMITS),
    }
}

/// The parts of a package that are read are changed before they are packed again: a change of
/// the packed bytes hardly ever gets past the checksum.
fn repacked(bytes: &[u8], changed: &str, by: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    use std::io::{Cursor, Read, Write};
    let mut from = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..from.len() {
        let mut part = from.by_index(at).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut content = Vec::new();
        part.read_to_end(&mut content).unwrap();
        to.start_file(&*name, zip::write::SimpleFileOptions::default()).unwrap();
        to.write_all(&if name == changed { by(content) } else { content }).unwrap();
    }
    to.finish().unwrap().into_inner()
}

/// Documents that are packages, with a part of each that is read.
const PARTS: [(&str, &str); 8] = [
    ("handbuch.docx", "word/document.xml"),
    ("handbuch.docx", "word/styles.xml"),
    ("minutes.odt", "content.xml"),
    ("seeds.ods", "content.xml"),
    ("review.pptx", "ppt/presentation.xml"),
    ("review.pptx", "ppt/slides/slide2.xml"),
    ("prices.xlsx", "xl/worksheets/sheet1.xml"),
    ("prices.xlsx", "xl/workbook.xml"),
];

const NAMES: [&str; 12] = [
    "a.md", "a.txt", "a.rs", "a.json", "a.html", "a.csv", "a.eml", "a.mbox", "a.ipynb", "a.pdf", "a.docx",
    "a.odt",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for kind in NAMES.map(|name| kind_of(Path::new(name), b"")) {
            let document = read(kind, Path::new("a"), &bytes, &Options::default(), &AtomicBool::new(false));
            prop_assert_ne!(document, Err(Unreadable::Bug));
        }
        for name in NAMES {
            survives(name, &bytes)?;
        }
    }

    #[test]
    fn damaged_pdfs_are_survived(bytes in mutated(fixture("lighthouse.pdf"))) {
        survives("lighthouse.pdf", &bytes)?;
    }

    #[test]
    fn damaged_packages_are_survived(
        (name, part) in prop::sample::select(PARTS.to_vec()),
        put in proptest::collection::vec(0u8..0x80, 0..5),
        at in any::<prop::sample::Index>(),
        cut in 0usize..30,
    ) {
        let mut cut_off = fixture(name);
        let whole = cut_off.clone();
        cut_off.truncate(at.index(whole.len()));
        survives(name, &cut_off)?;
        let change = |mut bytes: Vec<u8>| {
            let from = at.index(bytes.len());
            let to = (from + cut).min(bytes.len());
            bytes.splice(from..to, put.clone());
            bytes
        };
        survives(name, &repacked(&whole, part, change))?;
    }

    #[test]
    fn damaged_text_formats_are_survived(
        changed in prop_oneof![Just("tides.ipynb"), Just("harbour.mbox")].prop_flat_map(|name| (Just(name), mutated(fixture(name)))),
    ) {
        survives(changed.0, &changed.1)?;
    }
}
