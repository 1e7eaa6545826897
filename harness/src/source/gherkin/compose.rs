//! From the lines of a feature to the tree that a YAML file of the same content would be.

use super::draft::Scene;
use super::feature::{Examples, Feature, Rule, Scenario, Step, Tag};
use super::notes::Notes;
use super::outline::Example;
use super::room::Room;
use super::tables::fits;
use super::tags::{FileTags, Tags};
use super::text::Source;
use super::vocabulary::Vocabulary;
use crate::source::Span;
use crate::source::yaml::node::{Node, NodeValue};

/// Most scenarios of one feature, those of its outlines counted one by one.
const SCENARIO_LIMIT: usize = 100_000;
/// About what a sentence, a cell or a tag takes up besides its text, in bytes.
const OVERHEAD: usize = 128;

/// A feature as a tree.
pub(super) struct Composed {
    pub(super) file: Node,
    /// Whether it names its contract.
    pub(super) named: bool,
    /// For each scenario, whether so much of it is lost that what follows from the rest would mislead.
    pub(super) broken: Vec<bool>,
}

/// Reads the scenarios of a feature.
pub(super) struct Composer<'c> {
    pub(super) source: &'c Source<'c>,
    pub(super) vocabulary: &'c Vocabulary,
    pub(super) notes: Notes,
    pub(super) room: Room,
    /// Sentences so far that say nothing.
    pub(super) lost: usize,
    scenarios: Vec<Node>,
    broken: Vec<bool>,
}

impl<'c> Composer<'c> {
    pub(super) fn new(source: &'c Source<'c>, vocabulary: &'c Vocabulary, notes: Notes, room: Room) -> Self {
        Self { source, vocabulary, notes, room, lost: 0, scenarios: Vec::new(), broken: Vec::new() }
    }

    pub(super) fn feature(mut self, feature: &Feature) -> (Composed, Notes) {
        let span = feature.span;
        let tags = FileTags::read(&feature.tags, &mut self.notes);
        let named = tags.contract.is_some();
        if !named {
            self.notes.add(span, "the feature names no contract", "write `@contract:NAME` above it");
        }
        let mut outer: &[Step] = &[];
        for rule in &feature.rules {
            self.rule(rule, &tags.rest, [outer, rule.background.as_slice()]);
            outer = feature.rules.first().map_or(&[][..], |first| first.background.as_slice());
        }
        let mut file = Vec::new();
        let nameless = || text_node("", span);
        file.push((text_node("contract", span), tags.contract.unwrap_or_else(nameless)));
        file.extend(tags.group.map(|group| (text_node("group", span), group)));
        file.push(list("scenarios", self.scenarios, span));
        let file = Node { span, value: NodeValue::Map(file) };
        (Composed { file, named, broken: self.broken }, self.notes)
    }

    fn rule(&mut self, rule: &Rule, tags: &[Tag], backgrounds: [&[Step]; 2]) {
        for scenario in &rule.scenarios {
            let tags: Vec<_> = tags.iter().chain(&rule.tags).chain(&scenario.tags).collect();
            if scenario.examples.is_empty() && scenario.outline {
                let hint = "write `Examples:` and a table below its steps";
                self.notes.add(scenario.span, "the outline has no examples", hint);
            } else if scenario.examples.is_empty() {
                self.scenario(scenario, None, &tags, backgrounds);
            }
            for examples in &scenario.examples {
                let tags: Vec<_> = tags.iter().copied().chain(&examples.tags).collect();
                self.examples(scenario, examples, &tags, backgrounds);
            }
        }
    }

    fn examples(
        &mut self,
        scenario: &Scenario,
        examples: &Examples,
        tags: &[&Tag],
        backgrounds: [&[Step]; 2],
    ) {
        let hint = "write a row for each scenario below a header";
        let Some((header, rows)) = examples.table.rows.split_first() else {
            return self.notes.add(examples.span, "the examples have no table", hint);
        };
        if rows.is_empty() {
            self.notes.add(header.span, "the table has no rows", hint);
        }
        for row in rows {
            if fits(row, header, &mut self.notes) {
                self.scenario(scenario, Some(Example { header, row }), tags, backgrounds);
            }
        }
    }

    fn scenario(
        &mut self,
        scenario: &Scenario,
        example: Option<Example<'_>>,
        tags: &[&Tag],
        backgrounds: [&[Step]; 2],
    ) {
        let span = example.map_or(scenario.span, |example| example.row.span);
        if self.scenarios.len() == SCENARIO_LIMIT && !self.room.is_used_up() {
            let message = format!("the feature has more than {SCENARIO_LIMIT} scenarios");
            self.notes.add(span, message, "make several files of it");
            self.room.use_up();
        }
        let size =
            tags.iter().map(|tag| tag.name.len() + OVERHEAD).sum::<usize>() + scenario.name.as_str().len();
        if !self.room.take(size, span, &mut self.notes) {
            return;
        }
        let name = match example {
            Some(example) => example.text(&scenario.name, self.source, &mut self.notes, &mut self.room),
            None => scenario.name.clone(),
        };
        let hint = "write `Scenario: ID what it shows`";
        let (id, title) = name.as_str().split_once([' ', '\t']).unwrap_or((name.as_str(), ""));
        if id.is_empty() {
            return self.notes.add(span, "the scenario has no id", hint);
        }
        if title.is_empty() {
            self.notes.add(span, "the scenario has no title", hint);
        }
        // The scenarios of an outline are told apart by their rows.
        let id_span = example.map_or_else(|| self.source.span(name.part(id).range()), |_| span);
        let mut entries = vec![
            (text_node("id", span), text_node(id, id_span)),
            (text_node("title", span), text_node(title.trim_start(), span)),
        ];
        let tags = Tags::read(tags.iter().copied(), &mut self.notes);
        let mut scene = self.scene(scenario, example, backgrounds);
        if self.room.is_used_up() {
            return;
        }
        let always = scene.always.map(|first| scene.steps.split_off(first));
        entries.push(list("covers", tags.covers, span));
        entries.push(list("tags", tags.words, span));
        entries.push(list("requires", tags.requires, span));
        entries.extend(tags.timeout.map(|timeout| (text_node("timeout", span), timeout)));
        entries.push(list("steps", scene.steps, span));
        entries.extend(always.map(|steps| list("always", steps, span)));
        self.scenarios.push(Node { span, value: NodeValue::Map(entries) });
        self.broken.push(scene.broken);
    }

    fn scene(
        &mut self,
        scenario: &Scenario,
        example: Option<Example<'_>>,
        backgrounds: [&[Step]; 2],
    ) -> Scene {
        let mut scene = Scene::default();
        for step in backgrounds.into_iter().flatten() {
            if self.has_room(step) {
                self.step(&mut scene, step, true);
            }
        }
        // What a scenario says, it says of its own steps.
        scene.finish(&mut self.notes);
        for step in &scenario.steps {
            match example {
                Some(example) => {
                    let step = example.step(step, self.source, &mut self.notes, &mut self.room);
                    if self.has_room(&step) {
                        self.step(&mut scene, &step, false);
                    }
                }
                None => self.step(&mut scene, step, false),
            }
        }
        scene.finish(&mut self.notes);
        scene
    }

    /// Whether there is room for a step that is read more than once.
    fn has_room(&mut self, step: &Step) -> bool {
        let cells = step.table.rows.iter().flat_map(|row| &row.cells);
        let cells: usize = cells.map(|cell| cell.as_str().len() + OVERHEAD).sum();
        let document = step.document.as_ref().map_or(0, |document| document.text.as_str().len());
        let size = step.text.as_str().len() + OVERHEAD + cells + document;
        self.room.take(size, self.source.span(step.text.range()), &mut self.notes)
    }
}

fn text_node(text: &str, span: Span) -> Node {
    Node { span, value: NodeValue::Text(text.to_owned()) }
}

fn list(name: &str, items: Vec<Node>, span: Span) -> (Node, Node) {
    (text_node(name, span), Node { span, value: NodeValue::List(items) })
}
