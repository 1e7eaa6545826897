//! Templates as variables of a shell.

use plumbline_harness::scenario::{ShapeNode, Template};
use plumbline_reports::placeholder;
use serde_json::Value;

use super::shape::json;

/// Most characters of a variable's name.
const NAME: usize = 40;

/// The variables of some commands, each with what it stands for, in the order of their first use.
#[derive(Debug, Default)]
pub(super) struct Shell {
    variables: Vec<(String, String)>,
}

impl Shell {
    /// The variables with what they stand for.
    pub(super) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// A variable of about this name; another one where the name is taken by something else.
    pub(super) fn place(&mut self, wanted: &str, meaning: impl Into<String>) -> String {
        let meaning = meaning.into();
        let known = self.variables.iter().find(|(_, known)| *known == meaning);
        if let Some((name, _)) = known {
            return placeholder(name);
        }
        let mut name = variable(wanted);
        while self.variables.iter().any(|(taken, _)| *taken == name) {
            name.push('_');
        }
        let place = placeholder(&name);
        self.variables.push((name, meaning));
        place
    }

    /// A text with variables for its templates.
    pub(super) fn text(&mut self, template: &Template) -> String {
        let source = &**template.source();
        if source.contains("{%") || source.contains("{#") {
            return self.place("text", source);
        }
        let mut text = String::with_capacity(source.len());
        let mut rest = source;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((expression, after)) = after.split_once("}}") else { break };
            text.push_str(before);
            let filled = self.expression(expression.trim_matches('-').trim());
            text.push_str(&filled);
            rest = after;
        }
        text + rest
    }

    /// A JSON value with variables for its templates. One that may become any value has its quotation marks in it.
    pub(super) fn json(&mut self, node: &ShapeNode) -> String {
        json(node, &mut |template| match template.expression() {
            Some(expression) if !is_text(expression) => {
                let wanted = format!("{expression}_json");
                self.place(
                    &wanted,
                    format!("{{{{ {expression} }}}} as JSON, texts with their quotation marks"),
                )
            }
            _ => Value::from(self.text(template)).to_string(),
        })
    }

    fn expression(&mut self, expression: &str) -> String {
        let wanted = match expression.strip_prefix("models.") {
            Some(model) => format!("model_{model}"),
            None => expression.to_owned(),
        };
        self.place(&wanted, format!("{{{{ {expression} }}}}"))
    }
}

/// Whether an expression always becomes a text.
fn is_text(expression: &str) -> bool {
    expression == "nonce"
        || ["models.", "base64(", "data_uri(", "pdf("].iter().any(|start| expression.starts_with(start))
}

/// The words of a text as the name of a variable.
fn variable(text: &str) -> String {
    let words: Vec<_> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut name = words.join("_").to_ascii_uppercase();
    name.truncate(NAME);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use plumbline_harness::scenario::Templates;

    use super::*;

    fn text(source: &str) -> (String, Vec<(String, String)>) {
        let mut templates = Templates::new(Arc::new(|_: &str| Some(Vec::new())));
        let mut shell = Shell::default();
        let text = shell.text(&templates.parse(source).unwrap());
        (text, shell.variables)
    }

    #[test]
    fn templates_become_variables_that_say_what_they_stand_for() {
        let (shown, variables) = text("/items/{{ models.chat }}/{{ item[0].id }}?{{ models.chat }}");
        assert_eq!(shown, "/items/[redacted:MODEL_CHAT]/[redacted:ITEM_0_ID]?[redacted:MODEL_CHAT]");
        let names: Vec<_> =
            variables.iter().map(|(name, meaning)| (name.as_str(), meaning.as_str())).collect();
        assert_eq!(names, [("MODEL_CHAT", "{{ models.chat }}"), ("ITEM_0_ID", "{{ item[0].id }}")]);
    }

    #[test]
    fn different_templates_never_share_a_variable() {
        let (shown, variables) = text("{{ a.b }}{{ a_b }}");
        assert_eq!(shown, "[redacted:A_B][redacted:A_B_]");
        assert_eq!(variables.len(), 2);
    }

    #[test]
    fn a_value_of_any_type_brings_its_own_quotation_marks() {
        let mut templates = Templates::new(Arc::new(|_: &str| Some(Vec::new())));
        let mut filled = |source: &str| ShapeNode::Filled(templates.parse(source).unwrap());
        let node = ShapeNode::Object(vec![
            ("model".to_owned(), filled("{{ models.chat }}")),
            ("n".to_owned(), filled("{{ chat.json.n }}")),
            ("text".to_owned(), filled("say \"{{ word }}\"")),
        ]);
        assert_eq!(
            Shell::default().json(&node),
            r#"{"model":"[redacted:MODEL_CHAT]","n":[redacted:CHAT_JSON_N_JSON],"text":"say \"[redacted:WORD]\""}"#
        );
    }
}
