//! Gateways that are not gateways: nothing passes that was not earned, and every run ends by itself.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use plumbline_record::Verdict;

use crate::support::{Run, plumbline, run_with};

/// Answers every connection in the same way.
fn serve(answer: impl Fn(&mut TcpStream) + Send + Sync + Clone + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = answer.clone();
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut buffer = [0; 8 * 1024];
                while let Ok(read) = stream.read(&mut buffer) {
                    if read == 0 {
                        break;
                    }
                    answer(&mut stream);
                }
            });
        }
    });
    format!("http://{address}")
}

fn run_against(url: &str, more: &[&str]) -> Run {
    let mut command = plumbline();
    command.env("TEST_KEY", "sk-test-0123456789");
    let mut arguments: Vec<String> = ["--target", url, "--capability"].map(str::to_owned).to_vec();
    arguments.push("chat,embeddings,images,key_revocation,fault_header".to_owned());
    for role in ["all_scopes", "chat_only", "embedding_only", "no_model_scopes", "inactive", "expired"] {
        arguments.extend(["--key".to_owned(), format!("{role}=TEST_KEY")]);
    }
    for model in ["chat", "chat_other", "multimodal", "embedding", "embedding_other"] {
        arguments.extend(["--model".to_owned(), format!("{model}=m-{model}")]);
    }
    arguments.extend(more.iter().map(ToString::to_string));
    run_with(command, arguments)
}

fn none_passed(run: &Run) {
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    let verdicts = run.verdicts();
    assert!(verdicts.len() > 40, "{verdicts:?}");
    let passed: Vec<_> = verdicts.iter().filter(|(_, verdict)| **verdict == Verdict::Passed).collect();
    assert!(passed.is_empty(), "{passed:?}");
}

fn fixed(
    status: &'static str,
    body: &'static str,
) -> impl Fn(&mut TcpStream) + Send + Sync + Clone + 'static {
    move |stream| {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let _ = stream.write_all(head.as_bytes());
    }
}

#[test]
fn a_server_that_always_answers_200_earns_nothing() {
    none_passed(&run_against(&serve(fixed("200 OK", "{}")), &[]));
}

#[test]
fn a_server_that_always_answers_500_earns_nothing() {
    none_passed(&run_against(&serve(fixed("500 Internal Server Error", "{}")), &[]));
}

#[test]
fn a_server_that_never_finishes_a_body_costs_a_step_each() {
    let url = serve(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{");
    });
    let run = run_against(&url, &["--timeout", "300ms"]);
    none_passed(&run);
    assert!(run.stdout.contains("was not complete within 300ms"), "{}", run.stdout);
}

#[test]
fn a_server_that_sends_a_gigabyte_is_cut_off() {
    let url = serve(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n");
        let megabyte = vec![b'x'; 1024 * 1024];
        for _ in 0..1024 {
            if stream.write_all(&megabyte).is_err() {
                return;
            }
        }
    });
    let run = run_against(&url, &["SEQ_MODEL_DISCOVERY_00*"]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("is longer than 67108864 bytes"), "{}", run.stdout);
    assert!(run.verdicts().values().all(|verdict| *verdict != Verdict::Passed));
}

#[test]
fn a_server_that_does_not_speak_http_fails() {
    none_passed(&run_against(
        &serve(|stream| {
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
        }),
        &["--timeout", "2s"],
    ));
}

#[test]
fn where_nothing_listens_the_target_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let run = run_against(&url, &[]);
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(run.stderr.contains("failed to reach 127.0.0.1"), "{}", run.stderr);
}

#[test]
fn of_a_bare_address_nothing_is_assumed() {
    let run = run_with(plumbline(), ["--target", serve(fixed("200 OK", "[]")).as_str()]);
    assert_eq!(run.code, 5, "{}", run.stdout);
    assert!(
        run.verdicts().values().all(|verdict| matches!(verdict, Verdict::Unsupported | Verdict::NotTestable))
    );
}
