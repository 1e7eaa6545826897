//! What templates can call: files of the fixtures, and values that are too large to be written down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};

use super::pdf;

/// Reads a file of the fixtures by its name below their folder.
pub type ReadFixture = dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync;

/// Names that templates may use without their being defined.
pub(super) const NAMES: [&str; 8] =
    ["base64", "data_uri", "dict", "namespace", "numbered", "pdf", "range", "repeat"];

/// Most bytes of a value that is made.
const MOST_BYTES: usize = 256 * 1024 * 1024;
/// Most elements of a list that is made.
const MOST_ELEMENTS: usize = 1_000_000;
/// Most pages of a PDF that is made.
const MOST_PAGES: usize = 10_000;

/// Adds the functions. During a `rehearsal` they say what is wrong with their arguments and make nothing.
pub(super) fn add_to(
    environment: &mut Environment<'static>,
    fixtures: Arc<ReadFixture>,
    rehearsal: &Arc<AtomicBool>,
) {
    let rehearses = {
        let rehearsal = Arc::clone(rehearsal);
        move || rehearsal.load(Ordering::Relaxed)
    };
    let read = {
        let rehearses = rehearses.clone();
        move |name: &str, bytes: Option<usize>| {
            let mut file = fixtures(name).ok_or_else(|| wrong(format!("there is no fixture `{name}`")))?;
            if let Some(bytes) = bytes {
                within("bytes", bytes, MOST_BYTES)?;
                if bytes < file.len() {
                    return Err(wrong(format!("`{name}` is {} bytes long already", file.len())));
                }
                if !rehearses() {
                    // Readers of images stop at their end.
                    file.resize(bytes, 0);
                }
            }
            Ok(file)
        }
    };
    let encoded = read.clone();
    environment.add_function("base64", move |name: &str, bytes: Option<usize>| {
        encoded(name, bytes).map(|file| base64(&file))
    });
    environment.add_function("data_uri", move |name: &str, bytes: Option<usize>| {
        read(name, bytes).map(|file| format!("data:{};base64,{}", media_type(name), base64(&file)))
    });
    let rehearses_too = rehearses.clone();
    environment.add_function("repeat", move |value: Value, times: usize| {
        repeat(&value, if rehearses_too() { times.min(1) } else { times }, times)
    });
    let rehearses_too = rehearses.clone();
    environment.add_function("numbered", move |prefix: &str, count: usize| {
        within("elements", count, MOST_ELEMENTS)?;
        let count = if rehearses_too() { 0 } else { count };
        Ok::<_, Error>((0..count).map(|number| format!("{prefix}{number}")).collect::<Vec<_>>())
    });
    environment.add_function("pdf", move |arguments: Kwargs| {
        let pages = arguments.get::<Option<usize>>("pages")?.unwrap_or(1);
        let bytes = arguments.get::<Option<usize>>("bytes")?.unwrap_or(0);
        arguments.assert_all_used()?;
        within("pages", pages, MOST_PAGES)?;
        within("bytes", bytes, MOST_BYTES)?;
        Ok::<_, Error>(if rehearses() { String::new() } else { base64(&pdf::of(pages, bytes)) })
    });
}

fn repeat(value: &Value, times: usize, asked: usize) -> Result<Value, Error> {
    match (value.as_str(), value.kind()) {
        (Some(text), _) => {
            within("bytes", text.len().saturating_mul(asked), MOST_BYTES)?;
            Ok(Value::from(text.repeat(times)))
        }
        (None, ValueKind::Seq) => {
            let items: Vec<Value> = value.try_iter()?.collect();
            within("elements", items.len().saturating_mul(asked), MOST_ELEMENTS)?;
            Ok(items.iter().cycle().take(items.len() * times).cloned().collect())
        }
        (None, kind) => Err(wrong(format!("repeat takes a text or a list, not {kind}"))),
    }
}

fn within(what: &str, asked: usize, most: usize) -> Result<(), Error> {
    if asked > most { Err(wrong(format!("{asked} {what} are more than {most}"))) } else { Ok(()) }
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("pdf") => "application/pdf",
        Some("json") => "application/json",
        Some("txt" | "md") => "text/plain",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Templates, Variables};
    use super::*;

    fn templates() -> Templates {
        Templates::new(Arc::new(|name| (name == "a.png").then(|| b"hi".to_vec())))
    }

    fn value(source: &str) -> Value {
        let mut templates = templates();
        let template = templates.parse(source).unwrap();
        Value::clone(&template.value(&templates, &Variables::default()).unwrap())
    }

    fn mistake(source: &str) -> String {
        templates().parse(source).unwrap_err().message
    }

    #[test]
    fn texts_and_lists_are_repeated() {
        assert_eq!(value("{{ repeat('ab', 3) }}"), json!("ababab"));
        assert_eq!(value("<{{ repeat('[', 3) }}>"), json!("<[[[>"));
        let messages = value("{{ repeat([{'role': 'user', 'content': 'a'}, 1], 2) }}");
        let message = json!({ "role": "user", "content": "a" });
        assert_eq!(messages, json!([message, 1, message, 1]));
        assert_eq!(value("{{ numbered('n', 3) }}"), json!(["n0", "n1", "n2"]));
        assert_eq!(value("{{ repeat('', 5) }}"), json!(""));
    }

    #[test]
    fn a_fixture_is_filled_up() {
        assert_eq!(value("{{ base64('a.png') }}"), json!("aGk="));
        assert_eq!(value("{{ base64('a.png', 3) }}"), json!("aGkA"));
        let uri = value("{{ data_uri('a.png', 3000) }}");
        let uri = uri.as_str().unwrap();
        assert!(uri.starts_with("data:image/png;base64,aGkA"), "{uri}");
        assert_eq!(uri.len(), "data:image/png;base64,".len() + 4000);
    }

    #[test]
    fn a_document_is_made_as_long_as_asked() {
        for (source, pages) in [("{{ pdf() }}", 1), ("{{ pdf(pages=200, bytes=100000) }}", 200)] {
            use base64::Engine as _;
            let text = value(source);
            let bytes = base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(text.starts_with("%PDF-"), "{source}");
            assert_eq!(text.matches("/Type /Page\n").count(), pages, "{source}");
            assert!(pages == 1 || bytes.len() >= 100_000, "{source}");
        }
    }

    #[test]
    fn what_cannot_be_made_is_found_when_parsing() {
        assert!(mistake("{{ data_uri('b.png') }}").contains("no fixture `b.png`"));
        assert!(mistake("{{ data_uri('a.png', 1) }}").contains("2 bytes long already"));
        assert!(mistake("{{ repeat('a', 999999999999) }}").contains("more than"));
        assert!(mistake("{{ repeat([1], 1000001) }}").contains("more than"));
        assert!(mistake("{{ repeat(5, 2) }}").contains("a text or a list"));
        assert!(mistake("{{ numbered('n', 1000001) }}").contains("more than"));
        assert!(mistake("{{ pdf(page=2) }}").contains("page"));
    }
}
