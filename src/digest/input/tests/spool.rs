//! Keeping what comes through a pipe.

use super::*;

#[test]
fn what_was_read_can_be_read_again_at_once() {
    let spool = Spool::temporary().unwrap();
    let text = lines(200_000, 3);
    let mut tee = tee(text.as_slice(), &spool).unwrap();
    let mut seen = Vec::new();
    let mut buffer = [0; 7_000];
    loop {
        let read = tee.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        seen.extend_from_slice(&buffer[..read]);
        assert_eq!(spool.kept(), seen.len() as u64);
        let place = seen.len() as u64 - 100;
        let source = spool.source("-").unwrap();
        assert!(all(source.open_at(place, &GO).unwrap()).0 == seen[seen.len() - 100..]);
    }
    assert!(seen == text);
    assert_eq!(spool.stopped(), None);
    let path = spool.path().to_owned();
    drop(spool);
    assert!(!path.exists(), "a temporary file goes with its spool");
}

#[test]
fn a_full_spool_keeps_no_more_but_all_is_read() {
    let spool = Spool::temporary().unwrap().at_most(10);
    let mut out = Vec::new();
    tee(&b"0123456789abcdef"[..], &spool).unwrap().read_to_end(&mut out).unwrap();
    assert_eq!(out, b"0123456789abcdef");
    assert_eq!((spool.kept(), spool.stopped()), (10, Some("at most 10 B of a pipe are kept")));
    assert_eq!(read(&spool.source("-").unwrap()), b"0123456789");
}
