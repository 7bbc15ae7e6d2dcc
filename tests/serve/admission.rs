//! Who is answered, and what is refused before it reaches the model.

use std::io::Write;

use serde_json::json;

use crate::common::Home;
use crate::kit::{Server, answer, free_port, question, with};

#[test]
fn the_key_is_needed_and_nobody_else_sees_it() {
    let server = Server::start("", &[], &[]);
    let bare = |more: &str| {
        server.exchange(&format!(
            "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n"
        ))
    };
    for more in ["", "Authorization: Bearer wrong\r\n", "Authorization: Basic x\r\n"] {
        let refused = bare(more);
        assert_eq!(refused.error(), (401, "invalid_api_key".into(), String::new()), "{refused:?}");
        assert!(refused.head.to_lowercase().contains("www-authenticate: bearer"), "{refused:?}");
        assert!(!refused.body.contains(&server.token));
    }
    assert_eq!(bare(&format!("Authorization: Bearer {}\r\n", server.token)).status, 200);
    let health = server.exchange("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));

    let said = server.said();
    assert!(said.contains("serve-token") && said.contains("GET /v1/models 401, "), "{said}");
    assert!(!said.contains(&server.token));
    let shown = server.home.run("", &["serve", "--show-token"]);
    assert_eq!((shown.code, shown.out.trim()), (Some(0), server.token.as_str()), "{shown:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(server.home.path("data/serve-token")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_web_page_is_refused_whatever_it_knows() {
    let server = Server::start("", &[], &[]);
    let good = server.request("GET", "/v1/models", "");
    let rebound = good.replace(&format!("Host: 127.0.0.1:{}", server.port), "Host: evil.example");
    assert_eq!(server.exchange(&rebound).error().0, 403);
    let page = good.replace("Connection:", "Origin: https://evil.example\r\nConnection:");
    assert_eq!(server.exchange(&page).error().0, 403);
    let preflight = page.replace("GET ", "OPTIONS ");
    let refused = server.exchange(&preflight);
    assert_eq!(refused.status, 403);
    assert!(!refused.head.to_lowercase().contains("access-control"), "{refused:?}");
    let old = "GET /health HTTP/1.0\r\n\r\n";
    assert_eq!(server.exchange(old).status, 403, "without a Host");
    // ::1 is listened on too where there is one.
    if let Ok(mut stream) = std::net::TcpStream::connect(("::1", server.port)) {
        stream.write_all(good.replace("127.0.0.1:", "[::1]:").as_bytes()).unwrap();
        assert_eq!(answer(stream).status, 200);
    }
}

#[test]
fn what_can_not_be_answered_says_what_is_wrong() {
    let server = Server::start("", &[], &[]);
    let post = |body: &str| server.exchange(&server.request("POST", "/v1/chat/completions", body));
    for body in ["", "{", "[]", "null", "\"x\"", "{\"messages\":", "\u{0}"] {
        assert_eq!(post(body).error().0, 400, "{body:?}");
    }
    assert_eq!(post("{}").error(), (400, String::new(), "messages".into()));
    let deep = "[".repeat(100_000);
    assert_eq!(post(&deep).error().0, 400);
    let n = server.post(&with(question("Hi"), json!({ "n": 2 })));
    assert_eq!(n.error(), (400, "unsupported_parameter".into(), "n".into()));
    let file = json!({ "messages": [{ "role": "user", "content": [
        { "type": "image_url", "image_url": { "url": "file:///etc/passwd" } },
    ] }] });
    let refused = server.post(&file);
    assert_eq!(refused.error(), (400, String::new(), "messages[0].content[0].image_url.url".into()));
    assert!(refused.body.contains("reads no files"), "{refused:?}");
    let unknown = server.post(&with(question("Hi"), json!({ "model": "gpt-9" })));
    assert_eq!(unknown.error(), (404, "model_not_found".into(), "model".into()));
    assert!(unknown.body.contains("`starter` is loaded"), "{unknown:?}");
    assert_eq!(server.get("/v1/models/gpt-9").error().0, 404);
    assert_eq!(server.get("/v1/models/starter").json()["id"], "starter");
    assert_eq!(server.get("/v1/chat/completions").error().0, 405);
    assert_eq!(server.get("/v1/completions").error().0, 404);
    assert!(!server.worker().contains("generate"), "{}", server.worker());
}

#[test]
fn a_body_that_is_too_long_is_not_read_to_its_end() {
    let server = Server::start("", &[], &[]);
    let long = 65 * 1024 * 1024;
    let head = server
        .request("POST", "/v1/chat/completions", "")
        .replace("Content-Length: 0", &format!("Content-Length: {long}"));
    // What waits for leave is told at once, and sends nothing.
    let asking = head.replace("Connection:", "Expect: 100-continue\r\nConnection:");
    let refused = server.exchange(&asking);
    assert_eq!(refused.error(), (413, "request_too_large".into(), String::new()));
    // What doesn't say how long it is, is read as far as it may be.
    let chunked = head.replace(&format!("Content-Length: {long}"), "Transfer-Encoding: chunked");
    let mut stream = server.connect();
    stream.write_all(chunked.as_bytes()).unwrap();
    let piece = "x".repeat(1024 * 1024);
    for _ in 0..65 {
        stream.write_all(format!("100000\r\n{piece}\r\n").as_bytes()).unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(answer(stream).error().0, 413);
}

#[test]
fn what_does_not_start_says_why() {
    let home = Home::new();
    let ran = home.run("noload", &["serve", "--port", "0"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("The model is cut off. Copy it again."), "{ran:?}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = home.run("", &["serve", "--port", &port]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains(&format!("port {port} of this machine can't be used")), "{ran:?}");
    let ran = home.run("", &["serve", "-m", "nothing", "--port", &free_port().to_string()]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    std::fs::write(home.path("data/serve-token"), "short").unwrap();
    let ran = home.run("", &["serve", "--port", "0"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("delete it"), "{ran:?}");
}
