//! From a text of a feature to the value that it stands for, with its places in the file.

use super::text::{Source, Text};
use crate::source::yaml::decode::DecodeError;
use crate::source::yaml::node::{self, Node, NodeValue};

/// The text itself.
pub(super) fn word(text: &Text, source: &Source<'_>) -> Node {
    let value = NodeValue::Text(text.as_str().to_owned());
    Node { span: source.span(text.range()), value }
}

/// The text itself, or what it says between quotation marks.
pub(super) fn verbatim(text: &Text, source: &Source<'_>) -> Result<Node, DecodeError> {
    if text.as_str().starts_with(['"', '\'']) { yaml(text, source) } else { Ok(word(text, source)) }
}

/// A value as YAML writes it; a text may begin with a template.
pub(super) fn value(text: &Text, source: &Source<'_>) -> Result<Node, DecodeError> {
    let written = text.as_str();
    if written.starts_with("{{") {
        return Ok(word(text, source));
    }
    let plain = !written.starts_with(['"', '\'', '[', '{']);
    let error = |message: &str| DecodeError {
        span: Some(source.span(text.range())),
        message: message.to_owned(),
        hint: Some("put a text in quotation marks".to_owned()),
    };
    if written.trim().is_empty() {
        Err(error("there is no value here"))
    } else if plain && (written.starts_with('#') || written.contains(" #")) {
        Err(error("`#` begins a comment here"))
    } else {
        yaml(text, source)
    }
}

/// A value that stands in a doc string.
pub(super) fn data(text: &Text, source: &Source<'_>) -> Result<Node, DecodeError> {
    if text.as_str().trim().is_empty() { value(text, source) } else { yaml(text, source) }
}

fn yaml(text: &Text, source: &Source<'_>) -> Result<Node, DecodeError> {
    match node::parse_value(text.as_str()) {
        Ok(mut node) => {
            settle(&mut node, text, source);
            Ok(node)
        }
        Err(error) => {
            let start = error.span.start as usize;
            let range = text.range_of(start..start + error.span.length as usize);
            Err(DecodeError { span: Some(source.span(range)), message: error.message, hint: None })
        }
    }
}

/// Replaces the places in the text by those in the file.
fn settle(node: &mut Node, text: &Text, source: &Source<'_>) {
    let start = node.span.start as usize;
    node.span = source.span(text.range_of(start..start + node.span.length as usize));
    match &mut node.value {
        NodeValue::List(items) => items.iter_mut().for_each(|item| settle(item, text, source)),
        NodeValue::Map(entries) => {
            for (key, value) in entries {
                settle(key, text, source);
                settle(value, text, source);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str) -> String {
        let source = Source::new(written);
        match value(&Text::verbatim(written, 0), &source) {
            Ok(node) => match node.value {
                NodeValue::Text(text) => format!("text {text}"),
                other => other.kind().to_owned(),
            },
            Err(error) => error.message,
        }
    }

    #[test]
    fn a_value_is_yaml_but_for_templates() {
        for (written, expected) in [
            ("Not Authorized", "text Not Authorized"),
            ("{{ models.chat }}", "text {{ models.chat }}"),
            ("{{ a }}: {{ b }}", "text {{ a }}: {{ b }}"),
            (r#""{{ a }} # \u00e4""#, "text {{ a }} # ä"),
            ("[400, 413]", "a list"),
            ("{ min: 1 }", "a mapping"),
            ("0.10", "a number"),
            ("null", "nothing"),
            ("true", "true or false"),
            ("\"\"", "text "),
            ("a # b", "`#` begins a comment here"),
            ("# b", "`#` begins a comment here"),
            ("", "there is no value here"),
        ] {
            assert_eq!(read(written), expected, "{written}");
        }
    }

    #[test]
    fn places_are_those_of_the_file() {
        let file = "ä | { a: [1,\n      b] } |";
        let source = Source::new(file);
        // As a doc string has it: the second line without its indentation.
        let mut text = Text::verbatim(&file[5..13], 5);
        text.push_meaning("\n", 13);
        text.push(&file[20..24], 20);
        let node = data(&text, &source).unwrap();
        let shown = |node: &Node| (node.span.line, node.span.column, node.span.start);
        let NodeValue::Map(entries) = &node.value else { panic!("{node:?}") };
        let NodeValue::List(items) = &entries[0].1.value else { panic!("{node:?}") };
        assert_eq!(shown(&entries[0].0), (1, 7, 7));
        assert_eq!(shown(&items[0]), (1, 11, 11));
        assert_eq!(shown(&items[1]), (2, 7, 20));
        let error = data(&Text::verbatim("a: [", 5), &source).unwrap_err();
        assert_eq!(error.span.unwrap().line, 1);
    }
}
