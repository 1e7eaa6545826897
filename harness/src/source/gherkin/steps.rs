//! What the sentences of a scenario say, one after the other.

use super::compose::Composer;
use super::draft::{Current, Draft, Given, Scene};
use super::feature::Step;
use super::tables::entries;
use super::text::Text;
use super::values::{data, value, verbatim, word};
use super::vocabulary::{Column, Does, Fill, Reading, Sentence, Takes, With};
use crate::source::Span;
use crate::source::mistake::hint_among;
use crate::source::yaml::node::{Node, NodeValue};

/// Sentences that are no sentence for which those like them are looked for; it takes a while.
const SUGGESTION_LIMIT: usize = 100;

/// The columns of a table of texts by name.
const TEXTS: &[Column] = &[Column { name: "value", verbatim: true }];

/// A sentence where it stands.
struct Said<'s> {
    step: &'s Step,
    span: Span,
    /// What its parameters have taken.
    parameters: Vec<Text>,
}

impl Said<'_> {
    fn parameter(&self, number: usize) -> Option<&Text> {
        self.parameters.get(number)
    }
}

impl Composer<'_> {
    /// Reads one sentence. A background is that of many scenarios, and ends none of them.
    pub(super) fn step(&mut self, scene: &mut Scene, step: &Step, background: bool) {
        let text = step.text.as_str();
        let span = self.source.span(step.text.range());
        match self.vocabulary.read(text) {
            Reading::One(sentence, stretches) => {
                let parameters = stretches.into_iter().map(|stretch| step.text.slice(stretch)).collect();
                self.say(scene, sentence, &Said { step, span, parameters }, background);
            }
            Reading::Several(sentences) => {
                let alike: Vec<_> =
                    sentences.iter().map(|sentence| format!("`{}`", sentence.expression)).collect();
                self.notes.add(
                    span,
                    "this says two things at once",
                    format!("it is both {}", alike.join(" and ")),
                );
                self.lose(scene, sentences.iter().any(|sentence| sentence.begins()));
            }
            Reading::Nothing => {
                self.lost += 1;
                let like = if self.lost > SUGGESTION_LIMIT { Vec::new() } else { self.vocabulary.like(text) };
                let alike: Vec<_> =
                    like.iter().map(|sentence| format!("`{}`", sentence.expression)).collect();
                let hint = if alike.is_empty() {
                    "`plumbline schema gherkin` prints what can be said".to_owned()
                } else {
                    format!("written alike: {}", alike.join(", "))
                };
                self.notes.add(span, format!("no step is written `{}`", excerpt(text)), hint);
                self.lose(scene, step.when || like.first().is_some_and(|sentence| sentence.begins()));
            }
        }
    }

    /// Notes that a sentence is lost, and with it the step that it would have begun.
    fn lose(&mut self, scene: &mut Scene, begins: bool) {
        if begins {
            scene.finish(&mut self.notes);
            scene.current = Current::Unknown;
            scene.broken = true;
        }
    }

    fn say(&mut self, scene: &mut Scene, sentence: &Sentence, said: &Said<'_>, background: bool) {
        self.look_below(sentence, said);
        match sentence.does {
            Does::Begin(fills) => {
                scene.finish(&mut self.notes);
                let mut draft = Box::new(Draft::new(said.span));
                self.fill(&mut draft, fills, said);
                scene.current = Current::Step(draft);
            }
            Does::Fill(fills) => {
                self.follow(scene, said, |composer, _, draft| composer.fill(draft, fills, said));
            }
            Does::Alternative => self.follow(scene, said, |composer, _, draft| {
                if let Some(name) = said.parameter(0) {
                    draft.alternative(word(name, composer.source), said.span, &mut composer.notes);
                }
            }),
            Does::Repeat(fields) => self.follow(scene, said, |composer, scene, draft| {
                composer.repeat(scene, draft, fields, said);
            }),
            Does::Always if background => {
                self.notes.add(
                    said.span,
                    "a background ends nothing",
                    "write it at the end of the scenarios",
                );
            }
            Does::Always if scene.always.is_some() => {
                self.notes.add(said.span, "this was said before", "take one of the two out");
            }
            Does::Always => {
                scene.finish(&mut self.notes);
                scene.always = Some(scene.steps.len());
            }
        }
    }

    /// Says something of the step that was begun last.
    fn follow(
        &mut self,
        scene: &mut Scene,
        said: &Said<'_>,
        say: impl FnOnce(&mut Self, &Scene, &mut Draft),
    ) {
        match std::mem::take(&mut scene.current) {
            Current::Step(mut draft) => {
                say(self, scene, draft.as_mut());
                scene.current = Current::Step(draft);
            }
            Current::Nothing => {
                let hint = "begin with what is done, such as `When list calls GET /api/v1/models`";
                self.notes.add(said.span, "nothing has been done that this could speak of", hint);
                self.lose(scene, true);
            }
            Current::Unknown => scene.current = Current::Unknown,
        }
    }

    /// Notes a doc string or a table that is missing, or that belongs to no sentence.
    fn look_below(&mut self, sentence: &Sentence, said: &Said<'_>) {
        let takes = sentence.takes();
        match (&said.step.document, takes) {
            (None, Takes::Document) => {
                let hint = "write it below, between two lines of `\"\"\"`";
                self.notes.add(said.span, "the doc string is missing", hint);
            }
            (Some(document), Takes::Nothing | Takes::Table) => {
                self.notes.add(document.span, "the sentence above takes no doc string", "take it out");
            }
            _ => {}
        }
        match (said.step.table.rows.first(), takes) {
            (None, Takes::Table) => {
                let hint = "write it below; its first row names the columns";
                self.notes.add(said.span, "the table is missing", hint);
            }
            (Some(header), Takes::Nothing | Takes::Document) => {
                self.notes.add(header.span, "the sentence above takes no table", "take it out");
            }
            _ => {}
        }
    }

    fn fill(&mut self, draft: &mut Draft, fills: &[Fill], said: &Said<'_>) {
        for &(field, with) in fills {
            if let Some(given) = self.give(with, said) {
                draft.put(field, said.span, given, &mut self.notes);
            }
        }
    }

    fn repeat(&mut self, scene: &Scene, draft: &mut Draft, fields: &[&'static str], said: &Said<'_>) {
        let Some(name) = said.parameter(0) else { return };
        let Some(earlier) = scene.earlier(name.as_str()) else {
            let message = format!("no earlier step is named `{}`", name.as_str());
            let hint = hint_among(name.as_str(), scene.names.keys().map(String::as_str)).unwrap_or_default();
            return self.notes.add(self.source.span(name.range()), message, hint);
        };
        let given: Vec<_> = fields.iter().filter_map(|field| Some((*field, earlier.get(field)?))).collect();
        if given.is_empty() && !self.room.is_used_up() {
            let message = format!("the step `{}` has none", name.as_str());
            self.notes.add(self.source.span(name.range()), message, "name a step that has one");
        }
        let size: usize = given.iter().map(|(_, node)| weight(node)).sum();
        if self.room.take(size, said.span, &mut self.notes) {
            for (field, node) in given {
                draft.repeat(field, node, said.span, &mut self.notes);
            }
        }
    }

    fn give(&mut self, with: With, said: &Said<'_>) -> Option<Given> {
        let source = self.source;
        let document = said.step.document.as_ref();
        let one = |node: Node| Some(Given::One(node));
        match with {
            With::Word(number) => one(word(said.parameter(number)?, source)),
            With::Words(first, second) => {
                let mut text = said.parameter(first)?.clone();
                text.push_meaning(" ", text.range().end);
                text.append(said.parameter(second)?);
                one(word(&text, source))
            }
            With::Value(number) => one(self.notes.keep(value(said.parameter(number)?, source))?),
            With::List(number) => {
                let text = said.parameter(number)?;
                let parts = text.as_str().split(',').flat_map(|part| part.split(" or "));
                let items = parts.filter_map(|part| self.notes.keep(value(&text.part(part.trim()), source)));
                let value = NodeValue::List(items.collect());
                one(Node { span: source.span(text.range()), value })
            }
            With::Both(first, second) => {
                let both = [said.parameter(first)?, said.parameter(second)?];
                let items = both.map(|text| self.notes.keep(value(text, source)));
                one(Node { span: said.span, value: NodeValue::List(items.into_iter().flatten().collect()) })
            }
            With::Member(name, text) => {
                let text = self.notes.keep(verbatim(said.parameter(text)?, source))?;
                Some(Given::Members(vec![(word(said.parameter(name)?, source), text)]))
            }
            With::Fixed(text) => one(Node { span: said.span, value: NodeValue::Text(text.to_owned()) }),
            With::True => one(Node { span: said.span, value: NodeValue::Bool(true) }),
            With::False => one(Node { span: said.span, value: NodeValue::Bool(false) }),
            With::Document => one(word(&document?.text, source)),
            With::Data => one(self.notes.keep(data(&document?.text, source))?),
            With::Row(columns) => {
                let rows = entries(&said.step.table, columns, false, source, &mut self.notes);
                if let Some(second) = rows.get(1) {
                    self.notes.add(second.cells.span, "the table has one row", "take the others out");
                }
                one(rows.into_iter().next()?.cells)
            }
            With::Rows(columns) => {
                let rows = entries(&said.step.table, columns, false, source, &mut self.notes);
                Some(Given::Elements(rows.into_iter().map(|row| row.cells).collect()))
            }
            With::Named(columns) => {
                let rows = entries(&said.step.table, columns, true, source, &mut self.notes);
                Some(Given::Members(
                    rows.into_iter().filter_map(|row| Some((row.name?, row.cells))).collect(),
                ))
            }
            With::Pairs => {
                let rows = entries(&said.step.table, TEXTS, true, source, &mut self.notes);
                let mut members = Vec::new();
                for row in rows {
                    match (row.name, row.cells.get("value")) {
                        (Some(name), Some(value)) => members.push((name, value.clone())),
                        (Some(name), None) => {
                            self.notes.add(
                                name.span,
                                "the row has no value",
                                "write `\"\"` for an empty text",
                            );
                        }
                        (None, _) => {}
                    }
                }
                Some(Given::Members(members))
            }
        }
    }
}

/// The beginning of a text, for a message.
fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

/// About how many bytes a value takes up.
fn weight(node: &Node) -> usize {
    let within = match &node.value {
        NodeValue::Text(text) => text.len(),
        NodeValue::List(items) => items.iter().map(weight).sum(),
        NodeValue::Map(entries) => entries.iter().map(|(key, value)| weight(key) + weight(value)).sum(),
        _ => 0,
    };
    within + size_of::<Node>()
}
