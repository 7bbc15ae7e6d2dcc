//! A key that a program prints.

use std::os::unix::fs::PermissionsExt;

use crate::common::Home;
use crate::server::{Reply, Server, says};
use crate::{KEY, kept, run_with};

/// A key ring: a script.
fn ring(home: &Home, script: &str) -> String {
    let path = home.write("ring", format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_key_ring_s_first_line_is_the_key_and_it_is_written_nowhere() {
    let home = Home::new();
    let program = ring(&home, &format!("[ \"$2\" = 'a b' ] && printf '%s\\nlogin: bob\\n' {KEY}"));
    // As a line that is split as a shell would, and as a list.
    for command in [format!("{program} lookup 'a b'"), format!("['{program}', 'lookup', 'a b']")] {
        let server = Server::start([says("Yes.")]);
        let url = server.url();
        let settings = [
            ("PERCEPT_ENGINE_KIND", "openai"),
            ("PERCEPT_ENGINE_BASE_URL", url.as_str()),
            ("PERCEPT_ENGINE_KEY_COMMAND", command.as_str()),
            ("PERCEPT_LOG", "trace"),
        ];
        let ran = run_with(&home, &settings, &["ask", "why?"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), "Yes.\n"), "{command}: {}", ran.err);
        assert!(server.all().contains(&format!("Bearer {KEY}")) && !server.all().contains("login"));
        assert!(!format!("{}{}{}", ran.out, ran.err, kept(&home)).contains(KEY));
    }
}

#[test]
fn the_variable_goes_before_the_program_and_a_refused_key_is_said_with_where_it_is_from() {
    let home = Home::new();
    let refused = || Reply::Plain(401, "", "{}".into());
    let program = ring(&home, &format!("echo {KEY}"));
    let said = |more: (&str, &str)| {
        let server = Server::with_models(refused(), []);
        let url = server.url();
        let settings = [
            ("PERCEPT_ENGINE_KIND", "openai"),
            ("PERCEPT_ENGINE_BASE_URL", url.as_str()),
            ("PERCEPT_ENGINE_KEY_COMMAND", program.as_str()),
            ("PERCEPT_ENGINE_KEY_VARIABLE", "TEST_KEY"),
            more,
        ];
        let ran = run_with(&home, &settings, &["ask", "why?"]);
        (server.all(), ran.err)
    };
    let (sent, err) = said(("TEST_KEY", "of-the-variable"));
    assert!(sent.contains("Bearer of-the-variable") && err.contains("from the variable TEST_KEY"), "{err}");
    let (sent, err) = said(("TEST_KEY", ""));
    assert!(sent.contains(KEY) && err.contains("from what [engine] key_command printed"), "{err}");
}

#[test]
fn a_key_ring_that_fails_is_said_and_nothing_is_sent() {
    let home = Home::new();
    let program = ring(&home, &format!("echo {KEY}; echo 'no item, {KEY}' >&2; exit 2"));
    let server = Server::start([]);
    let url = server.url();
    let settings = [
        ("PERCEPT_ENGINE_KIND", "openai"),
        ("PERCEPT_ENGINE_BASE_URL", url.as_str()),
        ("PERCEPT_ENGINE_KEY_COMMAND", program.as_str()),
    ];
    let ran = run_with(&home, &settings, &["ask", "why?"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(
        ran.err.contains("[engine] key_command: failed") && ran.err.contains("no item, …"),
        "{}",
        ran.err
    );
    assert!(!format!("{}{}", ran.err, kept(&home)).contains(KEY));
    assert_eq!(server.all(), "[]", "nothing was sent");
}
