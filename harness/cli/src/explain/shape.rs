//! Values as they are written, with their templates.

use plumbline_harness::scenario::{Shape, ShapeNode, Template};
use plumbline_reports::one_line;
use serde_json::Value;

/// Most characters of a value in a sentence.
const SHOWN: usize = 160;

/// A value as JSON; what stands for a template is said by `fill`.
pub(super) fn json(node: &ShapeNode, fill: &mut dyn FnMut(&Template) -> String) -> String {
    match node {
        ShapeNode::Fixed(value) => value.to_string(),
        ShapeNode::Filled(template) => fill(template),
        ShapeNode::List(items) => {
            let items: Vec<_> = items.iter().map(|item| json(item, fill)).collect();
            format!("[{}]", items.join(","))
        }
        ShapeNode::Object(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(name, node)| format!("{}:{}", Value::from(name.as_str()), json(node, fill)))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

/// A value as it is written, in short.
pub(super) fn shown(shape: &Shape) -> String {
    let text = json(shape.node(), &mut |template| match template.expression() {
        Some(_) => template.source().to_string(),
        None => Value::from(&**template.source()).to_string(),
    });
    short(&text)
}

/// The beginning of a text, in one line.
pub(super) fn short(text: &str) -> String {
    one_line(text, SHOWN)
}
