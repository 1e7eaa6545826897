use std::fmt::Write as _;

use plumbline_record::{Body, Request};

use crate::printable::{cut, is_hazard, printable};

/// A command for a POSIX shell that sends the same request again, for a person to paste.
///
/// A secret, which a record holds as `[redacted:NAME]`, becomes the shell variable `$NAME`, in capitals and with `_`
/// for whatever a variable's name may not hold. A comment says when the record holds only the body's beginning.
pub fn curl(request: &Request) -> String {
    let mut words = vec!["curl -sS".to_owned()];
    if request.url.contains(['[', ']', '{', '}']) {
        words.push("--globoff".to_owned());
    }
    words.push(method(&request.method));
    words.push(word(&printable(&request.url)));
    for (name, value) in &request.headers {
        // curl counts for itself, and a secret is longer or shorter than its name.
        if !name.eq_ignore_ascii_case("content-length") {
            words.push(format!("-H {}", header(name, value)));
        }
    }
    let Some(body) = &request.body else { return words.join(" ") };
    if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        // Otherwise curl calls it a form.
        words.push("-H 'content-type:'".to_owned());
    }
    let line = with_body(words, &body.text);
    if body.cut { format!("{line} {}", cut_note(body)) } else { line }
}

/// The command of [`curl()`] for a person to read: of a body, an address or a header that is longer, only so many
/// characters, and a comment says so.
pub(crate) fn short_curl(request: &Request, limit: usize) -> String {
    let mut short = request.clone();
    let body = short.body.as_mut().map(|body| &mut body.text);
    let texts = short.headers.iter_mut().map(|(_, value)| value).chain([&mut short.url]).chain(body);
    let mut is_whole = true;
    for text in texts {
        let kept = cut(text, limit).0.len();
        is_whole &= kept == text.len();
        text.truncate(kept);
    }
    let line = curl(&short);
    if is_whole { line } else { format!("{line} # shortened: run.jsonl has more") }
}

/// A place in a request where [`curl()`] puts the shell variable of this name, as it does for a secret.
pub fn placeholder(name: &str) -> String {
    format!("[redacted:{name}]")
}

fn method(method: &str) -> String {
    if method == "HEAD" {
        // With `-X HEAD` curl would wait for a body.
        "--head".to_owned()
    } else if !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        format!("-X {method}")
    } else {
        format!("-X {}", word(&printable(method)))
    }
}

fn header(name: &str, value: &str) -> String {
    // curl takes `name:` as the wish to leave the header out.
    let line = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
    word(&printable(&line))
}

/// A command for a POSIX shell that prints a text to its last byte, with shell variables as in [`curl()`].
pub fn printf(text: &str) -> String {
    format!("printf '%b' {}", word(&spelled_out(text)))
}

fn with_body(mut words: Vec<String>, text: &str) -> String {
    if text.contains(is_hazard) {
        words.push("--data-binary @-".to_owned());
        return format!("{} | {}", printf(text), words.join(" "));
    }
    // `--data-binary` takes what follows an `@` as the name of a file.
    let option = if text.starts_with('@') { "--data-raw" } else { "--data-binary" };
    words.push(format!("{option} {}", word(text)));
    words.join(" ")
}

/// The text as `printf '%b'` reads it, since neither an argument nor a terminal can take every character.
fn spelled_out(text: &str) -> String {
    let mut spelled = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => spelled.push_str("\\\\"),
            '\n' => spelled.push(c),
            _ if is_hazard(c) => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a string cannot fail.
                    let _ = write!(spelled, "\\0{byte:03o}");
                }
            }
            _ => spelled.push(c),
        }
    }
    spelled
}

fn cut_note(body: &Body) -> String {
    format!("# body cut: {} of {} bytes", body.text.len(), body.bytes)
}

enum Piece<'a> {
    Text(&'a str),
    Secret(String),
}

impl Piece<'_> {
    fn quoted(&self) -> String {
        match self {
            Self::Text(text) => format!("'{}'", text.replace('\'', r"'\''")),
            Self::Secret(name) => format!("\"${name}\""),
        }
    }
}

/// One word of a shell command that stands for this text, with variables for its secrets.
pub(crate) fn word(text: &str) -> String {
    match pieces(text).as_slice() {
        [] => "''".to_owned(),
        [Piece::Text(before), Piece::Secret(name)] if !before.contains(['"', '\\', '$', '`', '!']) => {
            format!("\"{before}${name}\"")
        }
        pieces => pieces.iter().map(Piece::quoted).collect(),
    }
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[redacted:") {
        let Some((name, after)) = after.split_once(']') else { break };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Secret(variable(name)));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

fn variable(name: &str) -> String {
    let mut variable: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    if variable.starts_with(|c: char| c.is_ascii_digit()) {
        variable.insert(0, '_');
    }
    variable
}
