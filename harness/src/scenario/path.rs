use std::sync::Arc;

use serde_json::Value;
use serde_json_path::JsonPath;
use thiserror::Error;

use super::{Template, TemplateError, Templates, Variables};

/// An RFC 9535 path that may hold templates, each of which becomes a literal.
#[derive(Clone, Debug)]
pub struct Path {
    source: Arc<str>,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Fixed(Arc<JsonPath>),
    Pieces(Vec<Piece>),
}

#[derive(Clone, Debug)]
enum Piece {
    Written(String),
    Filled(Template),
}

/// A path whose templates are filled in.
#[derive(Clone, Debug)]
pub struct CompiledPath {
    /// The path as it is evaluated.
    pub text: Arc<str>,
    path: Arc<JsonPath>,
}

impl CompiledPath {
    /// The values that the path finds, in order.
    pub fn find<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        self.path.query(value).all()
    }
}

/// Why a path cannot be used.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum PathError {
    /// It is not a path as RFC 9535 defines it.
    #[error("`{path}` is not a JSONPath: {message}")]
    Syntax {
        /// The path.
        path: String,
        /// What is wrong with it.
        message: String,
        /// The offending byte.
        at: usize,
    },
    /// A template in it cannot be filled in.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl Path {
    /// Reads a path, and shows that it parses whatever its templates become.
    ///
    /// # Errors
    /// When it is not a path, or a template in it is malformed.
    pub fn parse(source: &str, templates: &mut Templates) -> Result<Self, PathError> {
        let pieces = pieces(source, templates)?;
        let form = match pieces.as_slice() {
            [Piece::Written(text)] => Form::Fixed(Arc::new(compile(text)?)),
            _ => {
                let example: String = pieces
                    .iter()
                    .map(|piece| match piece {
                        Piece::Written(text) => text.as_str(),
                        Piece::Filled(_) => "'x'",
                    })
                    .collect();
                compile(&example)?;
                Form::Pieces(pieces)
            }
        };
        Ok(Self { source: source.into(), form })
    }

    /// The path as it is written.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// The templates in it.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let pieces = match &self.form {
            Form::Fixed(_) => &[][..],
            Form::Pieces(pieces) => pieces,
        };
        pieces.iter().filter_map(|piece| match piece {
            Piece::Written(_) => None,
            Piece::Filled(template) => Some(template),
        })
    }

    /// The path with its templates filled in.
    ///
    /// # Errors
    /// When a template names something that is not there.
    pub fn fill(&self, templates: &Templates, variables: &Variables) -> Result<CompiledPath, PathError> {
        match &self.form {
            Form::Fixed(path) => Ok(CompiledPath { text: Arc::clone(&self.source), path: Arc::clone(path) }),
            Form::Pieces(pieces) => {
                let mut text = String::with_capacity(self.source.len() + 32);
                for piece in pieces {
                    match piece {
                        Piece::Written(written) => text.push_str(written),
                        Piece::Filled(template) => {
                            push_literal(&mut text, &*template.value(templates, variables)?);
                        }
                    }
                }
                let path = Arc::new(compile(&text)?);
                Ok(CompiledPath { text: text.into(), path })
            }
        }
    }
}

fn compile(path: &str) -> Result<JsonPath, PathError> {
    let syntax = |message: String, at| PathError::Syntax { path: path.to_owned(), message, at };
    if is_too_deep(path) {
        let shown = path.chars().take(80).collect();
        let message = format!("it is nested more than {DEEPEST} deep");
        return Err(PathError::Syntax { path: shown, message, at: 0 });
    }
    // Some paths that end too early make the parser panic; they are no paths, and that is all.
    match std::panic::catch_unwind(|| JsonPath::parse(path)) {
        Ok(parsed) => parsed.map_err(|error| syntax(error.message().to_owned(), error.position())),
        Err(_) => Err(syntax("it ends too early".to_owned(), path.len())),
    }
}

/// Deepest nesting of brackets and parentheses: the parser's time grows exponentially with it.
const DEEPEST: usize = 10;

/// Whether brackets and parentheses outside text literals are nested deeper than any path needs.
fn is_too_deep(path: &str) -> bool {
    let (mut depth, mut open, mut escaped) = (0_usize, None, false);
    for character in path.chars() {
        match (open, character) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(mark), _) if character == mark => open = None,
            (None, '\'' | '"') => open = Some(character),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

/// Whether a text literal that begins in this part of a path is still open at its end.
fn is_open_text(written: &str) -> bool {
    let mut open = None;
    let mut escaped = false;
    for character in written.chars() {
        match (open, character) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(mark), _) if character == mark => open = None,
            (None, '\'' | '"') => open = Some(character),
            _ => {}
        }
    }
    open.is_some()
}

/// Splits a path at its templates; quotation marks around one belong to it.
fn pieces(source: &str, templates: &mut Templates) -> Result<Vec<Piece>, PathError> {
    let mut pieces = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find("{{") {
        let (before, from) = rest.split_at(start);
        let Some(length) = from.find("}}") else {
            return Err(TemplateError::unclosed(source).into());
        };
        let (expression, after) = from.split_at(length + 2);
        let quoted = ['\'', '"'].into_iter().find(|mark| before.ends_with(*mark) && after.starts_with(*mark));
        let (before, after) = match quoted {
            Some(mark) => (before.trim_end_matches(mark), after.strip_prefix(mark).unwrap_or(after)),
            None => (before, after),
        };
        if is_open_text(before) {
            let message = "a template in a path is a whole text; write `{{ 'a-' ~ name }}` for a part of one";
            return Err(PathError::Syntax {
                path: source.to_owned(),
                message: message.to_owned(),
                at: start,
            });
        }
        if !before.is_empty() {
            pieces.push(Piece::Written(before.to_owned()));
        }
        pieces.push(Piece::Filled(templates.parse(expression)?));
        rest = after;
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Written(rest.to_owned()));
    }
    Ok(pieces)
}

/// Writes a value as a literal of the path language: texts in quotes, with nothing left that could end them.
fn push_literal(text: &mut String, value: &Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
        Value::String(string) => push_quoted(text, string),
        other => push_quoted(text, &other.to_string()),
    }
}

fn push_quoted(text: &mut String, string: &str) {
    // A JSON string in double quotes is a string literal of RFC 9535 as well.
    text.push_str(&Value::from(string).to_string());
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::json;

    use super::*;

    fn templates() -> Templates {
        Templates::new(Arc::new(|_: &str| None::<Vec<u8>>))
    }

    fn parse(path: &str) -> Result<Path, PathError> {
        Path::parse(path, &mut templates())
    }

    /// A path that names `x`, with a value for it.
    fn fill(path: &str, x: &Value) -> Result<CompiledPath, PathError> {
        let mut templates = templates();
        let path = Path::parse(path, &mut templates)?;
        let mut variables = Variables::default();
        variables.set("x", x.clone());
        path.fill(&templates, &variables)
    }

    #[test]
    fn a_template_becomes_a_literal_with_quotes_or_without() {
        for (path, x, filled) in [
            ("$[?@.id == {{ x }}].n", json!("a"), r#"$[?@.id == "a"].n"#),
            ("$[?@.id == '{{ x }}'].n", json!("a"), r#"$[?@.id == "a"].n"#),
            (r#"$[?@.id == "{{ x }}"].n"#, json!("a"), r#"$[?@.id == "a"].n"#),
            ("$[?@.id == '{{ x }}'].n", json!(7), "$[?@.id == 7].n"),
            ("$.list[{{ x }}]", json!(2), "$.list[2]"),
            ("$.map[{{ x }}]['{{ x }}']", json!("a"), r#"$.map["a"]["a"]"#),
            ("$[?@ == {{ x }}]", json!(null), "$[?@ == null]"),
            ("$[?@ == {{ x }} || @ == ''][0]", json!(true), "$[?@ == true || @ == ''][0]"),
            ("$[?@ == {{ x }}]", json!([1, "a"]), r#"$[?@ == "[1,\"a\"]"]"#),
        ] {
            assert_eq!(&*fill(path, &x).unwrap().text, filled, "{path}");
        }
    }

    #[test]
    fn a_path_keeps_its_source_and_names_its_templates() {
        let fixed = parse("$.data[0].id").unwrap();
        assert_eq!((&**fixed.source(), fixed.templates().count()), ("$.data[0].id", 0));
        let path = parse("$[?@.id == '{{ models.chat }}'][{{ place }}]").unwrap();
        let names: Vec<_> = path.templates().flat_map(Template::names).collect();
        assert_eq!(names, ["models.chat", "place"]);
        assert_eq!(&**path.source(), "$[?@.id == '{{ models.chat }}'][{{ place }}]");
    }

    #[test]
    fn what_is_not_a_path_is_refused_when_it_is_read() {
        for path in
            ["", "data", "$.", "$[", "$[?@.a ==]", "$.a b", "$['a", "$[?@.a == {{ x }}", "$.{{ x }}.a"]
        {
            assert!(matches!(parse(path), Err(PathError::Syntax { .. })), "{path}");
        }
        for path in ["$[{{ x ]", "$[{{ }}]", "$[{{ x +  }}]"] {
            assert!(matches!(parse(path), Err(PathError::Template(_))), "{path}");
        }
    }

    #[test]
    fn a_name_that_stands_for_nothing_is_an_error() {
        let error = fill("$[?@.id == {{ x.id }}]", &json!({})).unwrap_err();
        assert!(matches!(error, PathError::Template(_)), "{error}");
        assert!(error.to_string().contains("`x.id` is not defined"), "{error}");
    }

    #[test]
    fn a_template_within_a_longer_text_is_refused() {
        // It would become a literal in the middle of a literal, and its value could end that.
        for path in [
            "$[?@.id == 'a-{{ x }}']",
            "$[?@.id == '{{ x }}-a']",
            r#"$[?@.id == "a-{{ x }}"]"#,
            r#"$[?@.id == "{{ x }}-a"]"#,
            r#"$["{{ x }} {{ x }}"]"#,
        ] {
            if parse(path).is_ok() {
                let body = json!([{ "id": "secret" }]);
                let found = fill(path, &json!(" || @.id != ")).map(|path| path.find(&body).len());
                panic!("{path} is accepted; with a malicious value: {found:?}");
            }
        }
    }

    #[test]
    fn every_beginning_of_a_path_is_read_or_refused() {
        let path =
            r#"$.a["b\u00e9\uD83D\uDE00"]['\u0041\'"'][?@.c == 'd\n' && !(@['e'] >= -1.5e+3)]..[1:-2:3, *]"#;
        assert!(parse(path).is_ok());
        let panicked: Vec<_> = path
            .char_indices()
            .map(|(end, _)| &path[..end])
            .filter(|beginning| std::panic::catch_unwind(|| parse(beginning).is_ok()).is_err())
            .collect();
        assert!(panicked.is_empty(), "these end the process: {panicked:#?}");
    }

    /// Texts that would end a literal, were they not quoted.
    fn nasty() -> impl Strategy<Value = String> {
        let marks =
            vec!['\'', '"', '\\', '\n', '\0', '\u{7f}', ']', ')', '|', '@', '$', '{', '}', '/', '\u{2028}'];
        vec(prop_oneof![any::<char>(), select(marks)], 0..12)
            .prop_map(|characters| characters.into_iter().collect())
    }

    proptest! {
        #[test]
        fn any_text_finds_itself_and_nothing_else(text in nasty(), other in nasty()) {
            prop_assume!(text != other);
            let x = json!(text);
            let list = json!([other, text, format!("{text}'"), format!("{text}\""), other, 1, null]);
            for path in ["$[?@ == {{ x }}]", "$[?@ == '{{ x }}']", "$[?@ == \"{{ x }}\"]"] {
                prop_assert_eq!(fill(path, &x).unwrap().find(&list), [&x], "{}", path);
            }
            let own = json!("own");
            let mut object = json!({});
            object[&other] = json!("other");
            object[&format!("{text}'")] = json!("third");
            object[&text] = own.clone();
            for path in ["$[{{ x }}]", "$['{{ x }}']", "$[\"{{ x }}\"]"] {
                prop_assert_eq!(fill(path, &x).unwrap().find(&object), [&own], "{}", path);
            }
        }

        #[test]
        fn any_whole_number_finds_itself_and_nothing_else(number: i32, other: i32) {
            prop_assume!(number != other);
            let x = json!(number);
            let list = json!([other, number, number.to_string(), null]);
            prop_assert_eq!(fill("$[?@ == {{ x }}]", &x).unwrap().find(&list), [&x]);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}", path in "[$][$.@?*'\"(){}\\[\\]!=<>|,: a-d0-2-]{0,24}") {
            for source in [&text, &path, &format!("${text}"), &format!("$[{text}]"), &format!("$[?{text}]")] {
                if let Ok(path) = parse(source) {
                    prop_assert_eq!(&**path.source(), source.as_str());
                }
            }
        }
    }

    #[test]
    fn a_path_nested_without_end_is_refused() {
        for path in [format!("$[?{}", "(".repeat(30_000)), format!("$[?@{}", "[?@".repeat(64))] {
            let error = Path::parse(&path, &mut templates()).unwrap_err().to_string();
            assert!(error.contains("nested"), "{error}");
        }
        assert!(Path::parse("$[?@.a['(((((((((((('] == 1]", &mut templates()).is_ok());
    }
}
