use super::*;

fn of(message: &str) -> String {
    let mut out = Vec::new();
    shape(message.as_bytes(), &mut out);
    shown(&out)
}

#[test]
fn what_varies_by_nature_is_masked() {
    for (message, expected) in [
        (
            "jk2_init() Found child 6725 in scoreboard slot 10",
            "jk<num>_init() Found child <num> in scoreboard slot <num>",
        ),
        ("from 218.188.2.4 port 22 ssh2", "from <ip> port <num> ssh<num>"),
        (
            "Received block blk_-1608999687919862906 of size 67108864 from /10.250.14.224",
            "Received block blk_<num> of size <num> from <ip>",
        ),
        ("took 35ms; (99%) 1.5 KiB", "took <num>; (<num>) <num>"),
        ("lifetime 00:02, 403 bytes sent", "lifetime <num> sent"),
        (r#"tag="View Lock", x="#, "tag=\"<*>\", x="),
        ("open /etc/passwd: no C:\\Windows\\x", "open <path>: no C:<path>"),
        ("id 3d1f00a4-9e52-4d3c-8a5f-3a61b7a1d001 x", "id <uuid> x"),
        ("at 0xdeadbeef and a64f992 token ab12cd34", "at <hex> and <hex> token <hex>"),
        ("fe80::1 and 00:1A:2b:3c:4d:5e and 2001:db8:0:0:0:0:2:1", "<ip> and <mac> and <ip>"),
        ("mail to joe@example.org now", "mail to <email> now"),
        ("at 12:34:56 sizes 1, 2, 3", "at <num> sizes <num>"),
        ("list [1, 2, 3, 4]", "list [<*>]"),
        ("pods=[a, b-c] tags: [] x [TERM, HUP]", "pods=[<*>] tags: [<*>] x [<*>]"),
        ("[main] [a b, c] [instance: x]", "[main] [a b, c] [instance: x]"),
        ("ready=true, is False", "ready=<bool>, is <bool>"),
        ("regs 0x1f 00000000 a1b2c3d4", "regs <hex>"),
        ("uid=0 euid=0", "uid=<num> euid=<num>"),
        ("and/or N/A TCP/IP", "and/or N/A TCP/IP"),
        ("  spaces\t\tare   one \x01 ", "spaces are one"),
        ("added face dead", "added face dead"),
        ("https://example.org/a?b=1", "<url>"),
        ("(see http://a.b:80/x,y), or hdfs://c/d.", "(see <url>), or <url>."),
        ("Foo@1234 x86_64 Foo@1b2c3d4e", "Foo@<num> x<num>_<num> Foo@<hex>"),
        ("größe 5", "größe <num>"),
    ] {
        assert_eq!(of(message), expected, "{message}");
    }
}

#[test]
fn a_long_message_is_cut_and_says_so() {
    let long = "word ".repeat(1000);
    assert!(of(&long).ends_with('…') && of(&long).len() < 1100);
}

proptest::proptest! {
    #[test]
    fn any_bytes_have_a_shape_of_their_own(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let (mut once, mut again) = (Vec::new(), Vec::new());
        shape(&bytes, &mut once);
        shape(&bytes, &mut again);
        proptest::prop_assert_eq!(&once, &again);
        let _ = shown(&once);
    }
}
