use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use minijinja::value::{Object, ObjectRepr, Value as Dynamic};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use regex::Regex;
use serde_json::{Number, Value};
use thiserror::Error;

use super::functions::{self, ReadFixture};

/// Most steps that a template may take, so that none runs for ever.
const FUEL: u64 = 1_000_000;

/// A text that may hold templates.
#[derive(Clone, Debug)]
pub struct Template {
    source: Arc<str>,
    form: Form,
    names: Arc<[String]>,
}

#[derive(Clone, Debug)]
enum Form {
    /// No template in it.
    Literal(Arc<Value>),
    /// Nothing but `{{ name.member[0] }}`: looked up as it is, so that every digit is kept.
    Lookup(Arc<[Segment]>),
    /// Nothing but one other expression: evaluated, and its type kept.
    Expression(Arc<str>),
    /// Text with templates inside.
    Text,
}

#[derive(Clone, Debug)]
enum Segment {
    Member(String),
    Index(usize),
}

/// Why a template cannot be used, or not here.
#[derive(Clone, Debug, Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong.
    pub message: String,
}

impl TemplateError {
    pub(super) fn unclosed(source: &str) -> Self {
        Self { message: format!("the template in `{source}` is not closed by `}}}}`") }
    }

    fn undefined(name: &str) -> Self {
        Self { message: format!("`{name}` is not defined") }
    }
}

impl From<minijinja::Error> for TemplateError {
    fn from(error: minijinja::Error) -> Self {
        let message = match error.detail() {
            Some(detail) if error.kind() == ErrorKind::UndefinedError => {
                detail.replace(" is undefined", " is not defined")
            }
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        Self { message }
    }
}

/// The templates of a suite, each parsed once.
pub struct Templates {
    environment: Environment<'static>,
    /// Whether functions only look at what they are given, since what they would make is not needed.
    rehearsal: Arc<AtomicBool>,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").finish_non_exhaustive()
    }
}

static LOOKUP: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\{\{\s*([A-Za-z_]\w*)((?:\.\w+|\[\d+\])*)\s*\}\}$").ok());

impl Templates {
    /// No templates yet; `fixtures` serves the functions that name one.
    pub fn new(fixtures: Arc<ReadFixture>) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let rehearsal = Arc::new(AtomicBool::new(false));
        functions::add_to(&mut environment, fixtures, &rehearsal);
        Self { environment, rehearsal }
    }

    /// Reads a text; shows that the templates in it parse.
    ///
    /// # Errors
    /// When one does not.
    pub fn parse(&mut self, source: &str) -> Result<Template, TemplateError> {
        let (form, names) = if !["{{", "{%", "{#"].iter().any(|mark| source.contains(mark)) {
            (Form::Literal(Arc::new(source.into())), Vec::new())
        } else if let Some(segments) = lookup(source) {
            let names = segments_name(&segments);
            (Form::Lookup(segments.into()), names)
        } else if let Some(expression) = sole_expression(source) {
            let compiled = self.environment.compile_expression_owned(expression.to_owned())?;
            (Form::Expression(expression.into()), compiled.undeclared_variables(true).into_iter().collect())
        } else {
            self.environment.add_template_owned(source.to_owned(), source.to_owned())?;
            let names = self.environment.get_template(source)?.undeclared_variables(true);
            (Form::Text, names.into_iter().collect())
        };
        let known = |name: &String| !functions::NAMES.contains(&name.as_str());
        let mut names: Vec<String> = names.into_iter().filter(known).collect();
        // What is wrong with them is told in the same order each time.
        names.sort();
        let template = Template { source: source.into(), form, names: names.into() };
        // What depends on nothing can be evaluated now, so that a misnamed fixture is found before any request.
        if template.names.is_empty() && !matches!(template.form, Form::Literal(_)) {
            self.rehearsal.store(true, Ordering::Relaxed);
            let rehearsed = template.value(self, &Variables::default());
            self.rehearsal.store(false, Ordering::Relaxed);
            rehearsed?;
        }
        Ok(template)
    }
}

impl Template {
    /// The empty text.
    pub fn empty() -> Self {
        Self { source: "".into(), form: Form::Literal(Arc::new("".into())), names: [].into() }
    }

    /// The text as it is written.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// The names that it needs, with the members that it takes of them: `models.chat`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The expression, of a text that is nothing else.
    pub fn expression(&self) -> Option<&str> {
        match self.form {
            Form::Literal(_) | Form::Text => None,
            Form::Lookup(_) | Form::Expression(_) => sole_expression(&self.source),
        }
    }

    /// Whether there is no template in it.
    pub fn is_literal(&self) -> bool {
        matches!(self.form, Form::Literal(_))
    }

    /// The text filled in. A text that is one expression keeps its value's type.
    ///
    /// # Errors
    /// When a name stands for nothing, or an operation fits no value that it meets.
    pub fn value(&self, templates: &Templates, variables: &Variables) -> Result<Arc<Value>, TemplateError> {
        match &self.form {
            Form::Literal(value) => Ok(Arc::clone(value)),
            Form::Lookup(segments) => variables.find(segments),
            Form::Expression(expression) => {
                let compiled = templates.environment.compile_expression(expression)?;
                let value =
                    compiled.eval(variables.scope()).map_err(|error| self.explained(error, variables))?;
                if value.is_undefined() {
                    return Err(TemplateError::undefined(expression));
                }
                to_json(&value).map(Arc::new)
            }
            Form::Text => self.render(templates, variables).map(|text| Arc::new(text.into())),
        }
    }

    /// The text filled in, as text whatever it stands for.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub fn text(&self, templates: &Templates, variables: &Variables) -> Result<String, TemplateError> {
        match &self.form {
            Form::Text => self.render(templates, variables),
            _ => Ok(match &*self.value(templates, variables)? {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }),
        }
    }

    fn render(&self, templates: &Templates, variables: &Variables) -> Result<String, TemplateError> {
        let template = templates.environment.get_template(&self.source)?;
        template.render(variables.scope()).map_err(|error| self.explained(error, variables))
    }

    /// Says what is missing in our own words, where a name that the template needs is what is missing.
    fn explained(&self, error: minijinja::Error, variables: &Variables) -> TemplateError {
        // An operation does not say that what it was given was not there.
        if matches!(error.kind(), ErrorKind::UndefinedError | ErrorKind::InvalidOperation) {
            let mut missing = self.names.iter().filter_map(|name| variables.find(&segments(name)).err());
            if let Some(missing) = missing.next() {
                return missing;
            }
        }
        error.into()
    }
}

fn lookup(source: &str) -> Option<Vec<Segment>> {
    let captures = LOOKUP.as_ref()?.captures(source.trim())?;
    let root = captures.get(1)?.as_str();
    if matches!(root, "true" | "false" | "none" | "True" | "False" | "None") {
        return None;
    }
    Some(segments(&format!("{root}{}", captures.get(2)?.as_str())))
}

/// The parts of a name such as `chat.json.choices[0]`.
fn segments(name: &str) -> Vec<Segment> {
    let parts = name.split(['.', '[']).filter(|part| !part.is_empty());
    parts
        .map(|part| match part.strip_suffix(']').unwrap_or(part).parse() {
            Ok(index) => Segment::Index(index),
            Err(_) => Segment::Member(part.to_owned()),
        })
        .collect()
}

/// The name that a lookup depends on, as minijinja would report it: `models.chat` rather than `models`.
fn segments_name(segments: &[Segment]) -> Vec<String> {
    let members: Vec<_> = segments
        .iter()
        .map_while(|segment| match segment {
            Segment::Member(name) => Some(name.as_str()),
            Segment::Index(_) => None,
        })
        .collect();
    vec![members.join(".")]
}

/// The expression of a text that is nothing but `{{ expression }}`.
fn sole_expression(source: &str) -> Option<&str> {
    let inner = source.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let single = !["{{", "}}", "{%", "{#"].iter().any(|mark| inner.contains(mark));
    single.then(|| inner.trim_matches('-').trim())
}

/// The values that templates may name.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    values: Arc<BTreeMap<Arc<str>, Arc<Value>>>,
}

impl Variables {
    /// Gives a name a value, in place of an earlier one.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<Value>>) {
        Arc::make_mut(&mut self.values).insert(name.into(), value.into());
    }

    /// Lets a name stand for nothing.
    pub fn unset(&mut self, name: &str) {
        if self.values.contains_key(name) {
            Arc::make_mut(&mut self.values).remove(name);
        }
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Arc<Value>> {
        self.values.get(name)
    }

    fn find(&self, segments: &[Segment]) -> Result<Arc<Value>, TemplateError> {
        let undefined = || TemplateError::undefined(&display(segments));
        let (root, rest) = match segments.split_first() {
            Some((Segment::Member(name), rest)) => {
                (self.values.get(name.as_str()).ok_or_else(undefined)?, rest)
            }
            _ => return Err(undefined()),
        };
        if rest.is_empty() {
            return Ok(Arc::clone(root));
        }
        member(root, rest)
            .map(|value| Arc::new(value.clone()))
            .ok_or_else(|| missing_in_answer(root, segments).unwrap_or_else(undefined))
    }

    fn scope(&self) -> Dynamic {
        Dynamic::from_object(Scope(self.clone()))
    }
}

/// What a value has in a place.
fn member<'v>(value: &'v Value, place: &[Segment]) -> Option<&'v Value> {
    place.iter().try_fold(value, |value, segment| match segment {
        Segment::Member(name) => value.get(name.as_str()),
        Segment::Index(index) => value.get(index),
    })
}

/// What the answer to a step lacks of a name such as `chat.json.id`; nothing where the name's root is no answer.
fn missing_in_answer(root: &Value, segments: &[Segment]) -> Option<TemplateError> {
    let [Segment::Member(step), Segment::Member(part), place @ ..] = segments else { return None };
    root.get("status")?;
    let message = match (part.as_str(), root.get(part.as_str())) {
        ("json", None) => format!("the body of step `{step}` is not JSON"),
        ("stream", None) => format!("the answer to step `{step}` was not read as a stream"),
        ("json" | "stream", Some(value)) => {
            let is_known =
                |length: &usize| place.get(..*length).is_some_and(|part| member(value, part).is_some());
            let known = (1..=place.len()).take_while(is_known).count();
            let lacking = display(place.get(..=known)?);
            let whole = if part == "json" { "body" } else { "stream" };
            format!("the {whole} of step `{step}` has no `{lacking}`")
        }
        _ => return None,
    };
    Some(TemplateError { message })
}

fn display(segments: &[Segment]) -> String {
    let mut text = String::new();
    for segment in segments {
        match segment {
            Segment::Member(name) if text.is_empty() => text.push_str(name),
            Segment::Member(name) => text.extend([".", name]),
            Segment::Index(index) => {
                // Writing into a text does not fail.
                let _ = write!(text, "[{index}]");
            }
        }
    }
    text
}

/// The variables as minijinja sees them; a value is converted when it is asked for.
#[derive(Debug)]
struct Scope(Variables);

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Dynamic) -> Option<Dynamic> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Dynamic> {
        self.0.get(key).map(|value| to_dynamic(value))
    }
}

/// A number that a float would change; it is shown digit by digit and not calculated with.
#[derive(Debug)]
struct Digits(String);

impl Object for Digits {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::from(()),
        Value::Bool(value) => Dynamic::from(*value),
        Value::Number(number) => number_to_dynamic(number),
        Value::String(text) => Dynamic::from(text.as_str()),
        Value::Array(items) => items.iter().map(to_dynamic).collect(),
        Value::Object(entries) => {
            let entries: BTreeMap<String, Dynamic> =
                entries.iter().map(|(name, value)| (name.clone(), to_dynamic(value))).collect();
            Dynamic::from(entries)
        }
    }
}

fn number_to_dynamic(number: &Number) -> Dynamic {
    if let Some(value) = number.as_i64() {
        return Dynamic::from(value);
    }
    let float = number.as_f64().map(Dynamic::from);
    match float {
        Some(float) if float.to_string() == number.as_str() => float,
        _ => Dynamic::from_object(Digits(number.to_string())),
    }
}

fn to_json(value: &Dynamic) -> Result<Value, TemplateError> {
    let converted = match value.downcast_object_ref::<Digits>() {
        Some(digits) => serde_json::from_str(&digits.0),
        None => serde_json::to_value(value),
    };
    converted.map_err(|error| TemplateError { message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn templates() -> Templates {
        Templates::new(Arc::new(|name| (name == "a.txt").then(|| b"hi".to_vec())))
    }

    fn variables(value: &Value) -> Variables {
        let mut variables = Variables::default();
        variables.set("x", value.clone());
        variables
    }

    fn value(source: &str, x: &Value) -> Value {
        let mut templates = templates();
        let template = templates.parse(source).unwrap();
        Value::clone(&template.value(&templates, &variables(x)).unwrap())
    }

    #[test]
    fn a_whole_text_keeps_the_type_and_every_digit() {
        let exact: Value =
            serde_json::from_str(r#"{"n": 0.10000000000000000001, "big": 123456789012345678901}"#).unwrap();
        assert_eq!(value("{{ x.n }}", &exact).to_string(), "0.10000000000000000001");
        assert_eq!(value("n={{ x.n }}", &exact), json!("n=0.10000000000000000001"));
        assert_eq!(value("{{ x.big }}", &exact).to_string(), "123456789012345678901");
        assert_eq!(value("{{ x[1] }}", &json!([1, {"a": []}])), json!({"a": []}));
        assert_eq!(value("{{ x.a + x.b }}", &json!({"a": 2, "b": 3})), json!(5));
        assert_eq!(value("{{ x }} and {{ x }}", &json!("a")), json!("a and a"));
    }

    #[test]
    fn what_is_missing_is_an_error_and_never_empty() {
        let mut templates = templates();
        for source in ["{{ y }}", "{{ x.b }}", "{{ x.b + 1 }}", "a {{ x.b }}", "{{ x.b.c }}"] {
            let template = templates.parse(source).unwrap();
            let error = template.value(&templates, &variables(&json!({"a": 1}))).unwrap_err();
            assert!(error.message.contains("defined"), "{source}: {error}");
        }
    }

    #[test]
    fn what_an_answer_lacks_is_told_as_such() {
        let mut templates = templates();
        let answer = json!({"status": 404, "json": {"error": {"type": "a"}, "list": [1]}});
        let text = json!({"status": 200, "text": "hello"});
        for (source, step, told) in [
            ("{{ x.json.request_id }}", &answer, "the body of step `x` has no `request_id`"),
            ("{{ x.json.error.code }}", &answer, "the body of step `x` has no `error.code`"),
            ("{{ x.json.a.b.c }}", &answer, "the body of step `x` has no `a`"),
            ("{{ x.json.list[1].id }}", &answer, "the body of step `x` has no `list[1]`"),
            ("id {{ x.json.request_id }}", &answer, "the body of step `x` has no `request_id`"),
            ("{{ x.json.error.code + 1 }}", &answer, "the body of step `x` has no `error.code`"),
            ("{{ x.json.id }}", &text, "the body of step `x` is not JSON"),
            ("{{ x.stream.joined }}", &text, "the answer to step `x` was not read as a stream"),
            ("{{ x.closed }}", &answer, "`x.closed` is not defined"),
        ] {
            let template = templates.parse(source).unwrap();
            let error = template.value(&templates, &variables(step)).unwrap_err();
            assert_eq!(error.message, told, "{source}");
        }
    }

    #[test]
    fn names_are_known_with_their_members() {
        let mut templates = templates();
        assert_eq!(templates.parse("{{ models.chat }}").unwrap().names(), ["models.chat"]);
        assert_eq!(templates.parse("to {{ models.chat }}!").unwrap().names(), ["models.chat"]);
        assert!(templates.parse("plain").unwrap().names().is_empty());
    }

    #[test]
    fn a_fixture_that_does_not_exist_is_found_when_parsing() {
        let mut templates = templates();
        assert!(templates.parse("{{ data_uri('a.txt') }}").is_ok());
        let error = templates.parse("{{ data_uri('b.txt') }}").unwrap_err();
        assert!(error.message.contains("no fixture `b.txt`"), "{error}");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(source in "\\PC*") {
            let _ = templates().parse(&source);
        }

        #[test]
        fn any_text_survives_being_filled_in(text in "\\PC*") {
            prop_assert_eq!(value("{{ x }}", &json!(text)), json!(text));
            prop_assert_eq!(value("<{{ x }}>", &json!(text)), json!(format!("<{text}>")));
        }
    }
}
