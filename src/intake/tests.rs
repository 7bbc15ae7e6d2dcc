//! Every kind of input, good and bad.

use std::io::Cursor;

use ::image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use proptest::prelude::*;

use super::*;

fn picture(width: u32, height: u32) -> DynamicImage {
    RgbaImage::from_fn(width, height, |x, _| Rgba([x as u8, 80, 120, 255])).into()
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = match format {
        ImageFormat::Jpeg => DynamicImage::from(picture.to_rgb8()),
        _ => picture.clone(),
    };
    picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn take_bytes(name: &str, bytes: &[u8]) -> Result<Taken, IntakeError> {
    take(
        &Given::Bytes { name: name.to_owned(), bytes: bytes.to_vec(), source: Source::Stdin },
        &Options::default(),
    )
}

fn said(result: Result<Taken, IntakeError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn every_format_is_known_by_its_content() {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    for (format, word, has_view) in [
        (Png, "png", false),
        (Jpeg, "jpeg", false),
        (WebP, "webp", true),
        (Gif, "gif", true),
        (Bmp, "bmp", true),
        (Tiff, "tiff", true),
    ] {
        // A wrong extension of another picture is no matter.
        let taken = take_bytes("misnamed.png", &encoded(&picture(40, 20), format)).unwrap();
        let Medium::Image { width: 40, height: 20, format, view } = &taken.attachment.medium else {
            panic!("{:?}", taken.attachment.medium)
        };
        assert_eq!((format.as_str(), view.is_some()), (word, has_view));
        assert_eq!(view.as_ref(), taken.view.as_ref().map(|bytes| AttachmentId::of(bytes)).as_ref());
    }
}

#[test]
fn of_a_moving_gif_the_first_frame_is_taken() {
    use ::image::codecs::gif::GifEncoder;
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for shade in [0, 255] {
        let frame = RgbaImage::from_pixel(8, 4, Rgba([shade, shade, shade, 255]));
        encoder.encode_frame(::image::Frame::new(frame)).unwrap();
    }
    drop(encoder);
    let taken = take_bytes("moving.gif", &bytes).unwrap();
    assert!(matches!(taken.attachment.medium, Medium::Image { width: 8, height: 4, .. }));
    let view = ::image::load_from_memory(&taken.view.unwrap()).unwrap().to_rgb8();
    assert_eq!(view.get_pixel(0, 0).0, [0, 0, 0]);
}

#[test]
fn what_the_system_says_of_a_file_becomes_words() {
    // Tests may run as root, who may read everything.
    let said = |kind: std::io::ErrorKind| IntakeError::io("a.png", kind.into()).to_string();
    assert!(said(std::io::ErrorKind::PermissionDenied).contains("a.png may not be read: permission denied"));
    assert!(said(std::io::ErrorKind::NotFound).contains("a.png is not there"));
    assert!(said(std::io::ErrorKind::IsADirectory).contains("a.png is a folder"));
    assert!(said(std::io::ErrorKind::TimedOut).starts_with("a.png can't be read: "));
}

#[test]
fn a_wide_picture_is_scaled_and_a_transparent_one_lies_on_white() {
    let options = Options { max_edge: 64, ..Options::default() };
    let given = Given::Bytes {
        name: "wide.png".into(),
        bytes: encoded(&picture(640, 160), ImageFormat::Png),
        source: Source::Paste,
    };
    let taken = take(&given, &options).unwrap();
    let view = ::image::load_from_memory(&taken.view.unwrap()).unwrap();
    assert_eq!((view.width(), view.height()), (64, 16));
    assert!(matches!(taken.attachment.medium, Medium::Image { width: 640, .. }));

    let clear: DynamicImage = RgbaImage::from_pixel(4, 4, Rgba([0, 0, 0, 0])).into();
    let taken = take_bytes("clear.png", &encoded(&clear, ImageFormat::Png)).unwrap();
    let view = ::image::load_from_memory(&taken.view.unwrap()).unwrap().to_rgb8();
    assert_eq!(view.get_pixel(0, 0).0, [255, 255, 255]);
}

#[test]
fn a_photo_is_turned_upright() {
    let mut bytes = encoded(&picture(40, 20), ImageFormat::Jpeg);
    // An APP1 segment with orientation 6 (turn clockwise), behind the start marker.
    let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let mut app1 = vec![0xff, 0xe1, 0, (2 + 6 + tiff.len()) as u8];
    app1.extend(b"Exif\0\0");
    app1.extend(tiff);
    bytes.splice(2..2, app1);
    let taken = take_bytes("photo.jpg", &bytes).unwrap();
    assert!(matches!(taken.attachment.medium, Medium::Image { width: 20, height: 40, .. }));
    assert!(taken.view.is_some());
    let lower = Region { left: 0, top: 500, right: 1000, bottom: 1000 };
    let crop = crop("photo.jpg", &bytes, lower, &Options::default()).unwrap();
    assert_eq!((crop.left, crop.top, crop.width, crop.height, crop.of), (0, 20, 20, 20, (20, 40)));
}

#[test]
fn a_decompression_bomb_is_measured_and_not_decoded() {
    // The header of a PNG of 30,000 x 30,000 with almost no data behind it.
    let mut bytes = encoded(&picture(1, 1), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&30_000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&30_000_u32.to_be_bytes());
    let checksum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    let said = said(take_bytes("bomb.png", &bytes));
    assert!(said.contains("30000 x 30000 pixels"), "{said}");
}

/// CRC-32 as PNG has it (ISO 3309), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let png = encoded(&picture(64, 64), ImageFormat::Png);
    assert!(said(take_bytes("cut.png", &png[..png.len() / 2])).contains("damaged or cut off"));
    assert!(said(take_bytes("note.png", b"just text")).contains("named like a picture, but holds text"));
    assert!(said(take_bytes("x.jpg", &[0, 1, 2, 3])).contains("holds something else"));
    assert!(said(take_bytes("x.bin", &[0, 1, 2, 3])).contains("neither a picture"));
    assert!(said(take_bytes("x.txt", b"")).contains("is empty"));

    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| Given::Path(dir.path().join(name));
    let options = Options { max_file_bytes: 10, ..Options::default() };
    assert!(said(take(&path("none.png"), &options)).contains("is not there"));
    assert!(said(take(&Given::Path(dir.path().to_owned()), &options)).contains("is a folder"));
    std::fs::write(dir.path().join("big.txt"), "12345678901").unwrap();
    let given = Given::Bytes { name: "big".into(), bytes: b"12345678901".to_vec(), source: Source::Paste };
    assert!(said(take(&given, &options)).contains("max_file_mib"));
    // A text of any size can be read where it is.
    assert!(take(&path("big.txt"), &options).unwrap().attachment.is_log());
    #[cfg(unix)]
    assert!(said(take(&Given::Path("/dev/null".into()), &options)).contains("not a regular file"));
}

#[test]
fn a_missing_display_is_the_reason() {
    // Only where the test runs without one, as in CI.
    if command::display() == (false, false) && cfg!(target_os = "linux") {
        assert!(said(take(&Given::Clipboard, &Options::default())).contains("no display"));
        assert!(said(take(&Given::Screenshot, &Options::default())).contains("no display"));
    }
}

#[cfg(unix)]
#[test]
fn a_configured_command_captures_the_screen() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("screen.png");
    std::fs::write(&source, encoded(&picture(30, 10), ImageFormat::Png)).unwrap();
    let options = Options {
        screenshot_command: vec!["cp".into(), source.to_str().unwrap().into()],
        ..Options::default()
    };
    let taken = take(&Given::Screenshot, &options).unwrap();
    assert_eq!(
        (taken.attachment.name.as_str(), taken.attachment.source),
        ("screenshot.png", Source::Screenshot)
    );

    let options = Options { screenshot_command: vec!["false".into()], ..Options::default() };
    assert!(said(take(&Given::Screenshot, &options)).contains("false failed"));
}

fn text_of(bytes: &[u8], most: usize) -> (u64, Option<String>, String) {
    let options = Options { max_text_bytes: most, ..Options::default() };
    let given = Given::Bytes { name: "a.txt".into(), bytes: bytes.to_vec(), source: Source::Stdin };
    let taken = take(&given, &options).unwrap();
    let Medium::Text { lines, note, .. } = taken.attachment.medium else { panic!("not a text") };
    (lines, note, String::from_utf8(taken.view.unwrap_or(taken.original)).unwrap())
}

#[test]
fn text_of_other_encodings_is_read() {
    assert_eq!(text_of("a\nb\n".as_bytes(), 100), (2, None, "a\nb\n".into()));
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("é\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(text_of(&utf16, 100), (1, Some("converted from UTF-16".into()), "é\n".into()));
    let (_, note, text) = text_of(b"caf\xe9 au lait", 100);
    assert_eq!((note.is_some(), text.as_str()), (true, "caf\u{fffd} au lait"));
}

#[test]
fn a_long_text_loses_its_middle_and_says_so() {
    let log: String = (0..1000).map(|n| format!("line {n}\n")).collect();
    let (lines, note, text) = text_of(log.as_bytes(), 200);
    assert_eq!(lines, 1000);
    let note = note.unwrap();
    assert!(text.starts_with("line 0\n") && text.ends_with("line 999\n") && text.contains(&note), "{text}");
    assert!(text.len() < 300);
}

#[test]
fn a_table_is_taken_as_one_with_what_the_model_is_shown_of_it() {
    let csv = "id,name\n1,Ada\n2,Grace\n3\n4,x,y\n5,z\n6,a\n7,b\n8,c\n9,d\n10,e\n";
    let taken = take_bytes("people.csv", csv.as_bytes()).unwrap();
    let Medium::Table { rows: 10, columns: 3, note: Some(note), view: Some(view) } = &taken.attachment.medium
    else {
        panic!("{:?}", taken.attachment.medium)
    };
    assert_eq!(
        note,
        "1 row has fewer cells than there are columns; 1 row has more cells than there are names"
    );
    let shown = taken.view.as_deref().unwrap();
    assert_eq!((view, &taken.attachment.id), (&AttachmentId::of(shown), &AttachmentId::of(csv.as_bytes())));
    assert!(
        String::from_utf8_lossy(shown).starts_with("table people: 10 rows, 3 columns; comma-separated\n")
    );
    assert_eq!(taken.original, csv.as_bytes());
    // What is named like a table and is none is text, and so are logs.
    for (name, text) in
        [("a.csv", "only one line\n"), ("a.json", "{\"a\": {\"b\": 1}}\n"), ("a.log", "a,b\n1,2\n3,4\n")]
    {
        let taken = take_bytes(name, text.as_bytes()).unwrap();
        assert!(matches!(taken.attachment.medium, Medium::Text { .. }), "{name}");
    }
    let log = take_bytes("a.jsonl", b"{\"ts\":1,\"msg\":\"a\"}\n{\"ts\":2,\"msg\":\"b\"}\n").unwrap();
    assert!(log.attachment.is_log());
}

#[test]
fn a_log_is_taken_as_its_digest_and_small_ones_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    let line = |n: usize| {
        format!("2024-01-02 03:04:{:02} {} api: request {n}\n", n % 60, if n == 7 { "ERROR" } else { "INFO" })
    };
    write("app.log", &(0..50).map(line).collect::<String>());
    write("notes.md", "# Notes\n");
    let options = Options::default();
    for path in [dir.path().join("app.log"), dir.path().to_owned()] {
        let taken = take(&Given::Path(path.clone()), &options).unwrap();
        let Medium::Log { lines: 50, templates, files: 1, note, view } = &taken.attachment.medium else {
            panic!("{:?}", taken.attachment.medium)
        };
        assert_eq!((*templates, note.as_deref()), (1, Some("errors from 03:04")));
        let view_text = String::from_utf8(taken.view.clone().unwrap()).unwrap();
        assert_eq!(view.as_ref(), Some(&AttachmentId::of(view_text.as_bytes())));
        assert!(view_text.contains("app.log:8: 2024-01-02 03:04:07 ERROR api: request 7"), "{view_text}");
        assert_eq!(taken.attachment.name.ends_with('/'), path.is_dir());
        assert!(taken.kept.len() == 1);
    }
    // A stop ends it with a word; what was piped in has its lines kept.
    let stop = AtomicBool::new(true);
    let mut watch = Watch { stop: &stop, tell: &mut |_| {}, ears: &Deaf };
    let stopped = take_watched(&Given::Path(dir.path().join("app.log")), &options, &mut watch).unwrap_err();
    assert!(stopped.to_string().contains("stopped"));
    let piped = take_bytes("standard input", (0..50).map(line).collect::<String>().as_bytes()).unwrap();
    assert!(piped.attachment.is_log() && piped.kept.len() == 1);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), magic in 0..8_usize) {
        let starts: [&[u8]; 8] =
            [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"II*\0", b"RIFF\0\0\0\0WEBPVP8 ", b"\xff\xfe"];
        bytes.splice(0..0, starts[magic].iter().copied());
        let _ = take_bytes("x", &bytes);
    }

    #[test]
    fn cut_text_is_whole_characters(text in "\\PC{0,300}", most in 1_usize..200) {
        if !text.is_empty() {
            let _ = text_of(text.as_bytes(), most);
        }
    }
}
