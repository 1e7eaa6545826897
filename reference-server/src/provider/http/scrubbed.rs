//! What a provider says of a request that is wrong goes to whoever made it. It is about the request; where it is about the
//! provider's own inside, that stays behind.

use super::concealed::CONCEALED;

/// Where the words end and a trace of the program begins.
const TRACES: [&str; 6] = [
    "Traceback (most recent call last)",
    "stack backtrace:",
    "Stack trace:",
    "stacktrace",
    "panicked at",
    "goroutine ",
];
/// What indents a line.
const INDENT: [char; 2] = [' ', '\t'];
/// How the paths begin that files have on a machine.
const FOLDERS: [&str; 12] = [
    "/app/",
    "/data/",
    "/etc/",
    "/home/",
    "/mnt/",
    "/opt/",
    "/root/",
    "/srv/",
    "/tmp/",
    "/usr/",
    "/var/",
    "/workspace/",
];
/// How credentials begin.
const KEYS: [&str; 13] = [
    "sk-",
    "sk_",
    "pk-",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "eyJ",
    "ghp_",
    "github_pat_",
    "gsk_",
    "hf_",
    "xai-",
];
/// A shorter word is no credential.
const SHORTEST_KEY: usize = 12;
/// How the names of machines end.
const DOMAINS: [&str; 12] =
    ["ai", "cloud", "com", "corp", "dev", "internal", "io", "lan", "local", "net", "org", "svc"];

/// A sentence without traces, addresses, paths and credentials.
pub(super) fn scrubbed(text: &str) -> String {
    let traces = TRACES.iter().filter_map(|trace| text.find(trace));
    let end = traces.chain(first_frame(text)).min().unwrap_or(text.len());
    let sentence = text.get(..end).unwrap_or(text).trim_end();
    let mut clean = String::with_capacity(sentence.len());
    for piece in sentence.split_inclusive(|letter| !is_of_word(letter)) {
        let word = piece.trim_end_matches(|letter| !is_of_word(letter)).trim_end_matches(['.', ':']);
        clean.push_str(if is_private(word) { CONCEALED } else { word });
        clean.push_str(piece.get(word.len()..).unwrap_or_default());
    }
    clean
}

/// Where the first indented line begins that tells of a place in the program: `at Type.method()`.
fn first_frame(text: &str) -> Option<usize> {
    text.match_indices('\n').map(|(end, _)| end).find(|end| {
        let line = text.get(end + 1..).unwrap_or_default();
        line.starts_with(INDENT) && line.trim_start_matches(INDENT).starts_with("at ")
    })
}

/// Whether a letter can stand in an address, a path or a credential.
fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || "._:/-@+%~\\".contains(letter)
}

fn is_private(word: &str) -> bool {
    let begins = |with: &[&str]| with.iter().any(|begin| word.starts_with(begin));
    word.contains("://")
        || word.starts_with("arn:")
        || begins(&FOLDERS)
        || is_on_a_drive(word)
        || begins(&KEYS) && word.len() >= SHORTEST_KEY
        || is_machine(word)
}

/// Whether a word is a path such as `C:\svc`.
fn is_on_a_drive(word: &str) -> bool {
    let rest = word.strip_prefix(|letter: char| letter.is_ascii_alphabetic());
    rest.is_some_and(|rest| rest.starts_with(":\\") || rest.starts_with(":/"))
}

/// Whether a word is the name of a machine or its number, perhaps with a port.
fn is_machine(word: &str) -> bool {
    let is_port = |port: &str| port.len() > 1 && port.bytes().all(|byte| byte.is_ascii_digit());
    let (name, has_port) = match word.rsplit_once(':') {
        Some((name, port)) if is_port(port) => (name, true),
        _ => (word, false),
    };
    if name == "localhost" {
        return true;
    }
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let labels: Vec<_> = name.split('.').collect();
    if !labels.iter().all(|label| is_label(label)) {
        return false;
    }
    if labels.len() == 1 {
        // Digits around a colon are a time.
        return has_port && name.bytes().any(|byte| byte.is_ascii_alphabetic());
    }
    let is_number = labels.len() == 4 && labels.iter().all(|label| label.parse::<u8>().is_ok());
    has_port || is_number || labels.last().is_some_and(|last| DOMAINS.contains(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_about_a_request_stays_as_it_is() {
        for sentence in [
            "The model takes no requests about the weather.",
            "messages.0.content.1.image: at most 5 MB, found 6.5 MB (12:30)",
            "Invalid value for 'tools[0].function.name': \"a b\".",
            "generation_config.temperature must be <= 2.0",
            "model anthropic.claude-3-haiku-20240307-v1:0 takes no /properties/city; see sk-",
            "Grüße an 日本語",
            "Say it\nat noon, 12:30, or by max_tokens:4096.",
        ] {
            assert_eq!(scrubbed(sentence), sentence);
        }
    }

    #[test]
    fn what_is_the_providers_own_is_taken_out() {
        for (told, expected) in [
            ("at node-7.provider.internal:8443, sorry", "at [concealed], sorry"),
            ("see https://node-7/x?a=1.", "see [concealed]?a=1."),
            ("10.0.0.7 and localhost:80 failed", "[concealed] and [concealed] failed"),
            ("key \"sk-0123456789abc\" is bad", "key \"[concealed]\" is bad"),
            ("AKIAIOSFODNN7EXAMPLE", "[concealed]"),
            ("in /srv/model/worker.py.", "in [concealed]."),
            ("worker.py:87 broke", "[concealed] broke"),
            ("role arn:aws:iam::123456789012:role/x", "role [concealed]"),
            ("no\nTraceback (most recent call last):\n  File \"x\"", "no"),
            ("no\n    at f (x.js:1:2)", "no"),
            ("no\r\n   at Ns.Type.Method()", "no"),
            ("no\n\tat com.acme.Worker.run(Worker.java:7)", "no"),
            ("no\n\ngoroutine 1 [running]:\nmain.main()", "no"),
            ("vllm:8000 and gpu-node-7:8443 are busy", "[concealed] and [concealed] are busy"),
            ("no vllm.default.svc", "no [concealed]"),
            ("/tmp/x.py, /data/models/m and /workspace/a", "[concealed], [concealed] and [concealed]"),
            ("in C:\\svc\\a.py: no", "in [concealed]: no"),
            ("gsk_0123456789ab or hf_0123456789ab", "[concealed] or [concealed]"),
            ("xai-0123456789ab or github_pat_0123456789ab", "[concealed] or [concealed]"),
        ] {
            assert_eq!(scrubbed(told), expected);
        }
    }
}
