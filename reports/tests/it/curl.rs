use plumbline_record::{Body, Request};
use plumbline_reports::curl;

use crate::events::{body, request};

fn get(url: &str, headers: &[(&str, &str)]) -> Request {
    Request {
        method: "GET".into(),
        url: url.into(),
        headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        body: None,
    }
}

#[test]
fn is_one_line_to_paste() {
    assert_eq!(
        curl(&request(Some(body("{}")))),
        "curl -sS -X POST 'http://127.0.0.1:4000/api/v1/chat' -H 'content-type: application/json' \
         -H \"authorization: Bearer $ALL_SCOPES\" --data-binary '{}'"
    );
}

#[test]
fn quotes_for_a_posix_shell() {
    let line = curl(&get("http://h/it's?a=$HOME&b=`id`", &[]));
    assert_eq!(line, r"curl -sS -X GET 'http://h/it'\''s?a=$HOME&b=`id`'");
}

#[test]
fn names_variables_for_secrets_and_never_joins_them_with_what_follows() {
    let line = curl(&get("http://h/?key=[redacted:a.b]&x=1", &[("x-key", "[redacted:9-lives]")]));
    assert_eq!(line, "curl -sS --globoff -X GET 'http://h/?key='\"$A_B\"'&x=1' -H \"x-key: $_9_LIVES\"");
    let line = curl(&get("http://h/", &[("authorization", "Basic \"!$x [redacted:K]")]));
    assert_eq!(line, "curl -sS -X GET 'http://h/' -H 'authorization: Basic \"!$x '\"$K\"");
    let line = curl(&get("http://h/", &[("x-odd", "[redacted:never closed")]));
    assert_eq!(line, "curl -sS -X GET 'http://h/' -H 'x-odd: [redacted:never closed'");
}

#[test]
fn says_when_the_body_is_cut() {
    let line = curl(&request(Some(Body { text: "{\"a".into(), bytes: 900, cut: true })));
    assert!(line.ends_with("--data-binary '{\"a' # body cut: 3 of 900 bytes"), "{line}");
}

#[test]
fn sends_what_curl_would_otherwise_change() {
    let head = Request { method: "HEAD".into(), ..get("http://h/", &[("x-empty", "")]) };
    assert_eq!(curl(&head), "curl -sS --head 'http://h/' -H 'x-empty;'");
    let untyped = Request { body: Some(body("@file")), ..get("http://h/", &[("content-length", "5")]) };
    assert_eq!(curl(&untyped), "curl -sS -X GET 'http://h/' -H 'content-type:' --data-raw '@file'");
}

#[cfg(unix)]
mod shell {
    use std::process::Command;

    use plumbline_reports::curl;

    use crate::events::{body, request};

    /// The arguments that curl would be given, then what it would read from its standard input.
    fn arguments(line: &str) -> Vec<String> {
        let stand_in = r#"curl() { for a; do printf '%s\000' "$a"; if [ "$a" = @- ]; then cat; fi; done; }"#;
        let output = Command::new("sh")
            .arg("-c")
            .arg(format!("{stand_in}\n{line}"))
            .env("ALL_SCOPES", "se cret\"'")
            .output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.unwrap_or_default().split('\0').map(str::to_owned).collect()
    }

    #[test]
    fn gives_curl_the_body_unchanged() {
        for text in ["it's \\n \"$HOME\" `id` !\nline two", "''", "", "100% \\c"] {
            let arguments = arguments(&curl(&request(Some(body(text)))));
            assert_eq!(arguments[7], "authorization: Bearer se cret\"'");
            assert_eq!(arguments[8..], ["--data-binary", text, ""], "{text}");
        }
    }

    #[test]
    fn pipes_a_body_that_no_argument_can_hold() {
        let text = "--b\r\n\tit's \\n 100% \\0101 ü\u{85}1\u{202e}\u{ffff}";
        let line = curl(&request(Some(body(text))));
        assert!(!line.contains(['\u{202e}', '\u{ffff}']), "{line}");
        let arguments = arguments(&line);
        assert_eq!(arguments[8..], ["--data-binary", "@-", text], "{line}");
    }

    #[test]
    fn puts_secrets_back_into_a_body() {
        let line = curl(&request(Some(body(r#"{"key":"[redacted:all_scopes]"}"#))));
        assert_eq!(arguments(&line)[9], "{\"key\":\"se cret\"'\"}");
    }
}
