//! Reads a feature line by line, as Gherkin is defined, and goes on behind a line that does not belong.

use std::mem;

use super::cells::cells;
use super::feature::{Document, Examples, Feature, Row, Rule, Scenario, Step, Table, Tag};
use super::notes::Notes;
use super::text::{Source, Text};
use super::vocabulary::Vocabulary;
use crate::source::Span;
use crate::source::mistake::hint_among;

/// Words before a colon, and what they begin.
const HEADINGS: [(&str, Heading); 11] = [
    ("Feature", Heading::Feature),
    ("Business Need", Heading::Feature),
    ("Ability", Heading::Feature),
    ("Rule", Heading::Rule),
    ("Background", Heading::Background),
    ("Scenario", Heading::Scenario),
    ("Example", Heading::Scenario),
    ("Scenario Outline", Heading::Outline),
    ("Scenario Template", Heading::Outline),
    ("Examples", Heading::Examples),
    ("Scenarios", Heading::Examples),
];
/// Most lines and cells of a file.
const PART_LIMIT: usize = 2_000_000;
/// Most tags above one thing.
const TAG_LIMIT: usize = 256;
/// Words that begin a step.
const STEP_WORDS: [&str; 6] = ["Given", "When", "Then", "And", "But", "*"];
/// What a doc string stands between, and how that is written inside of one.
const FENCES: [(&str, &str); 2] = [("\"\"\"", r#"\"\"\""#), ("```", r"\`\`\`")];

#[derive(Clone, Copy)]
enum Heading {
    Feature,
    Rule,
    Background,
    Scenario,
    Outline,
    Examples,
}

/// Reads a feature; `vocabulary` tells a misspelt step from a description.
pub(super) fn read(source: &Source<'_>, vocabulary: &Vocabulary, notes: &mut Notes) -> Option<Feature> {
    let mut reader = Reader {
        source,
        vocabulary,
        notes,
        feature: None,
        tags: Vec::new(),
        under: None,
        described: false,
        open: None,
        parts: 0,
    };
    for line in source.lines() {
        reader.parts += 1;
        if reader.parts > PART_LIMIT {
            let message = format!("the feature has more than {PART_LIMIT} lines and cells");
            reader.notes.add(source.span_of(line), message, "make several files of it");
            break;
        }
        reader.line(line);
    }
    reader.end()
}

struct Reader<'r, 't> {
    source: &'r Source<'t>,
    vocabulary: &'r Vocabulary,
    notes: &'r mut Notes,
    feature: Option<Feature>,
    /// Tags that wait for what they stand above.
    tags: Vec<Tag>,
    /// The heading that lines belong to.
    under: Option<Heading>,
    /// Whether free text may stand here.
    described: bool,
    /// A doc string that is not closed yet.
    open: Option<Open>,
    /// Lines and cells so far.
    parts: usize,
}

struct Open {
    fence: &'static str,
    escaped: &'static str,
    /// White space that is no part of its lines.
    indent: usize,
    span: Span,
    text: Text,
    /// Where its last line ends; there is none before the first.
    end: Option<usize>,
}

impl Reader<'_, '_> {
    fn line(&mut self, line: &str) {
        let text = line.trim();
        if let Some(mut open) = self.open.take() {
            if text == open.fence {
                self.close(open);
            } else {
                open.line(line, self.source);
                self.open = Some(open);
            }
            return;
        }
        if text.is_empty() {
            return;
        }
        let heading = text.split_once(':').and_then(|(word, name)| {
            HEADINGS.iter().find(|(known, _)| *known == word.trim_end()).map(|(_, heading)| (*heading, name))
        });
        let (word, sentence) = text.split_once([' ', '\t']).unwrap_or_else(|| text.split_at(text.len()));
        if text.starts_with('#') {
            self.comment(text);
        } else if text.starts_with('@') {
            self.tags(text);
        } else if text.starts_with('|') {
            self.row(text);
        } else if let Some((fence, escaped)) = FENCES.into_iter().find(|(fence, _)| text.starts_with(fence)) {
            self.open(line, text, fence, escaped);
        } else if let Some((heading, name)) = heading {
            self.heading(heading, text, name.trim());
        } else if STEP_WORDS.contains(&word) {
            self.step(text, word, sentence.trim_start());
        } else {
            self.free(text, word, sentence.trim_start());
        }
    }

    fn comment(&mut self, text: &str) {
        let words =
            text.trim_start_matches('#').split_once(':').map(|(name, value)| (name.trim(), value.trim()));
        if let (None, Some(("language", language))) = (&self.feature, words)
            && language != "en"
        {
            let span = self.source.span_of(text);
            self.notes.add(span, "features are read in English", "take the line out");
        }
    }

    fn tags(&mut self, text: &str) {
        for word in text.split_whitespace().take_while(|word| !word.starts_with('#')) {
            let span = self.source.span_of(word);
            match word.strip_prefix('@') {
                Some(_) if self.tags.len() == TAG_LIMIT => {
                    self.notes.add(span, format!("there are more than {TAG_LIMIT} tags here"), "");
                    return;
                }
                Some(name) if !name.is_empty() && !name.contains('@') => {
                    self.tags.push(Tag { span, name: name.to_owned() });
                }
                _ => self.notes.add(
                    span,
                    format!("`{word}` is not a tag"),
                    "write `@word`, with a space between two",
                ),
            }
        }
    }

    fn heading(&mut self, heading: Heading, text: &str, name: &str) {
        let span = self.source.span_of(text);
        let tags = mem::take(&mut self.tags);
        if let (Heading::Feature, None) = (heading, &self.feature) {
            self.feature = Some(Feature { span, tags, rules: vec![Rule::default()] });
            (self.under, self.described) = (Some(heading), true);
            return;
        }
        if self.feature.is_none() {
            self.notes.add(span, "a file begins with its feature", "write `Feature: …` above");
        }
        let feature =
            self.feature.get_or_insert_with(|| Feature { span, tags: Vec::new(), rules: Vec::new() });
        if feature.rules.is_empty() {
            feature.rules.push(Rule::default());
        }
        let rule = feature.rules.last_mut();
        let scenario = rule.and_then(|rule| rule.scenarios.last_mut());
        let wrong = match (heading, self.under) {
            (Heading::Feature, _) => Some(("a file holds one feature", "make a file of its own of it")),
            (Heading::Background, _) if !tags.is_empty() => {
                Some(("a background has no tags", "take them out"))
            }
            (Heading::Background, under) if !matches!(under, Some(Heading::Feature | Heading::Rule)) => {
                Some(("a background stands once, above the scenarios", "move its steps there"))
            }
            (Heading::Examples, Some(Heading::Outline | Heading::Scenario | Heading::Examples)) => None,
            (Heading::Examples, _) => Some(("examples stand under a scenario outline", "move them there")),
            _ => None,
        };
        if let Some((message, hint)) = wrong {
            self.notes.add(span, message, hint);
        }
        match (heading, scenario) {
            (Heading::Feature | Heading::Background, _) | (Heading::Examples, None) => {}
            (Heading::Examples, Some(scenario)) => {
                scenario.examples.push(Examples { span, tags, table: Table::default() });
            }
            (Heading::Rule, _) => feature.rules.push(Rule { tags, ..Rule::default() }),
            (Heading::Scenario | Heading::Outline, _) => {
                let scenario = Scenario {
                    span,
                    name: Text::verbatim(name, self.source.place(name)),
                    tags,
                    steps: Vec::new(),
                    outline: matches!(heading, Heading::Outline),
                    examples: Vec::new(),
                };
                if let Some(rule) = feature.rules.last_mut() {
                    rule.scenarios.push(scenario);
                }
            }
        }
        (self.under, self.described) = (Some(heading), true);
    }

    fn step(&mut self, text: &str, word: &str, sentence: &str) {
        self.no_tags();
        let span = self.source.span_of(text);
        self.described = false;
        let text = Text::verbatim(sentence, self.source.place(sentence));
        let examples = matches!(self.under, Some(Heading::Examples));
        match self.steps() {
            Some(steps) => {
                steps.push(Step { when: word == "When", text, document: None, table: Table::default() });
            }
            None if examples => {
                self.notes.add(span, "a step stands above the examples of its scenario", "move it up");
            }
            None => {
                self.notes.add(span, "a step stands in a scenario", "write `Scenario: ID title` above it");
            }
        }
    }

    /// A line that is nothing else: a description, where one may stand.
    fn free(&mut self, text: &str, word: &str, sentence: &str) {
        let step = self.steps().is_some() && self.vocabulary.knows(sentence);
        if self.described && !step {
            return;
        }
        let (span, message) = if step {
            (self.source.span_of(word), format!("no step begins with `{word}`"))
        } else {
            (self.source.span_of(text), "this line does not belong here".to_owned())
        };
        let headings = HEADINGS.iter().map(|(known, _)| *known);
        let hint = match text.split_once(':') {
            Some((start, _)) if !step => hint_among(start, headings),
            _ => hint_among(word, STEP_WORDS),
        };
        self.notes.add(span, message, hint.unwrap_or_default());
    }

    fn row(&mut self, text: &str) {
        let span = self.source.span_of(text);
        let cells = cells(text, self.source.place(text));
        self.described = false;
        if cells.is_none() {
            self.notes.add(span, "the row is not closed", "end it with `|`; it may have 256 cells");
        }
        // A row that cannot be read keeps its place, so that the ones after it are not taken for the header.
        let row = Row { span, cells: cells.unwrap_or_default() };
        self.parts += row.cells.len();
        match self.table() {
            Some(table) => table.rows.push(row),
            None => self.notes.add(span, "a table stands under a step or under examples", "move it there"),
        }
    }

    fn open(&mut self, line: &str, text: &str, fence: &'static str, escaped: &'static str) {
        let span = self.source.span_of(text);
        self.described = false;
        if text.get(fence.len()..).is_some_and(|rest| rest.contains(fence)) {
            self.notes.add(
                span,
                "a doc string stands on lines of its own",
                format!("break the line after `{fence}`"),
            );
            return;
        }
        match self.steps().and_then(|steps| steps.last()) {
            None => self.notes.add(span, "a doc string stands under a step", "move it there"),
            Some(Step { document: Some(_), .. }) => {
                self.notes.add(span, "a step has one doc string", "join the two");
            }
            Some(_) => {}
        }
        let indent = line.chars().take_while(|character| character.is_whitespace()).count();
        self.open = Some(Open { fence, escaped, indent, span, text: Text::default(), end: None });
    }

    fn close(&mut self, open: Open) {
        if let Some(step) = self.steps().and_then(|steps| steps.last_mut()) {
            step.document.get_or_insert(Document { span: open.span, text: open.text });
        }
    }

    fn end(mut self) -> Option<Feature> {
        self.no_tags();
        if let Some(open) = self.open.take() {
            let hint = format!("write `{}` on a line below it", open.fence);
            self.notes.add(open.span, "the doc string is not closed", hint);
        }
        if self.feature.is_none() && self.notes.is_empty() {
            self.notes.add(self.source.span(0..0), "there is no feature here", "begin with `Feature: …`");
        }
        self.feature
    }

    fn no_tags(&mut self) {
        if let Some(tag) = mem::take(&mut self.tags).first() {
            let hint = "write them above a feature, a rule, a scenario or examples";
            self.notes.add(tag.span, "these tags stand above nothing", hint);
        }
    }

    /// Where steps go.
    fn steps(&mut self) -> Option<&mut Vec<Step>> {
        let rule = self.feature.as_mut()?.rules.last_mut()?;
        match self.under? {
            Heading::Background => Some(&mut rule.background),
            Heading::Scenario | Heading::Outline => {
                rule.scenarios.last_mut().map(|scenario| &mut scenario.steps)
            }
            Heading::Feature | Heading::Rule | Heading::Examples => None,
        }
    }

    /// Where rows go.
    fn table(&mut self) -> Option<&mut Table> {
        if !matches!(self.under, Some(Heading::Examples)) {
            return self.steps()?.last_mut().map(|step| &mut step.table);
        }
        let rule = self.feature.as_mut()?.rules.last_mut()?;
        let examples = rule.scenarios.last_mut()?.examples.last_mut()?;
        Some(&mut examples.table)
    }
}

impl Open {
    fn line(&mut self, line: &str, source: &Source<'_>) {
        let place = source.place(line);
        if let Some(end) = self.end.replace(place + line.len()) {
            self.text.push_meaning("\n", end);
        }
        let spaces = line.char_indices().take_while(|(_, character)| character.is_whitespace());
        let cut = spaces.take(self.indent).last().map_or(0, |(at, character)| at + character.len_utf8());
        let mut rest = line.get(cut..).unwrap_or_default();
        while let Some((before, after)) = rest.split_once(self.escaped) {
            self.text.push(before, source.place(before));
            self.text.push_meaning(self.fence, source.place(after) - self.escaped.len());
            rest = after;
        }
        self.text.push(rest, source.place(rest));
    }
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::VOCABULARY;
    use super::*;

    fn read_text(text: &str) -> (Option<Feature>, Vec<(u32, u32, String)>) {
        let source = Source::new(text);
        let mut notes = Notes::default();
        let feature = read(&source, &VOCABULARY, &mut notes);
        let told = notes.into_mistakes().into_iter().map(|error| {
            let span = error.span.unwrap();
            (span.line, span.column, error.message)
        });
        (feature, told.collect())
    }

    const EVERYTHING: &str = r#"# What a feature may hold
@contract:demo @p0 # and why
Feature: Everything
  A description,
  of two lines.

  Background:
    Given a step before all

  @slow
  @live
  Scenario: A1 first
    It shows something.
    # a comment
    When the first thing is done
      """json
        { "a": "\"\"\"",

      "b": 1 }
      """
    Then the table is
      | at | equals |
      # a comment inside
      | $  | a\|b   |

      | $.b |       |
    * and so on

  Scenario Outline: <id> second
    When <thing> is done
      ```
      text
      ```

    @some
    Examples: some
      | id | thing |
      | B1 | this  |

    Examples:
      | id | thing |
      | B2 | that  |

  Rule: Another
    Background:
      Given a step before some
    Example: C1 third
      But it is done
"#;

    #[test]
    fn everything_is_found_at_its_place() {
        let (feature, told) = read_text(EVERYTHING);
        assert!(told.is_empty(), "{told:?}");
        let feature = feature.unwrap();
        let names = |tags: &[Tag]| tags.iter().map(|tag| tag.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&feature.tags), ["contract:demo", "p0"]);
        assert_eq!(feature.rules.len(), 2);
        let (first, second) = (&feature.rules[0], &feature.rules[1]);
        assert_eq!((first.background.len(), second.background.len()), (1, 1));
        let [scenario, outline] = first.scenarios.as_slice() else { panic!("{first:#?}") };
        assert_eq!(names(&scenario.tags), ["slow", "live"]);
        assert_eq!((scenario.name.as_str(), scenario.outline, outline.outline), ("A1 first", false, true));
        let document = scenario.steps[0].document.as_ref().unwrap();
        assert_eq!(document.text.as_str(), "  { \"a\": \"\"\"\"\",\n\n\"b\": 1 }");
        assert_eq!(document.span.line, 16);
        let rows: Vec<Vec<_>> = scenario.steps[1]
            .table
            .rows
            .iter()
            .map(|row| row.cells.iter().map(Text::as_str).collect())
            .collect();
        assert_eq!(rows, [["at", "equals"], ["$", "a|b"], ["$.b", ""]]);
        assert_eq!(scenario.steps[1].table.rows[2].span.line, 26);
        assert_eq!(scenario.steps[2].text.as_str(), "and so on");
        assert_eq!(
            outline.examples.iter().map(|examples| examples.table.rows.len()).collect::<Vec<_>>(),
            [2, 2]
        );
        assert_eq!(names(&outline.examples[0].tags), ["some"]);
        assert_eq!(second.scenarios[0].name.as_str(), "C1 third");
    }

    #[test]
    fn line_ends_and_a_byte_order_mark_change_nothing() {
        let windows = format!("\u{feff}{}", EVERYTHING.replace('\n', "\r\n"));
        let (feature, told) = read_text(&windows);
        assert!(told.is_empty(), "{told:?}");
        let feature = feature.unwrap();
        let document = feature.rules[0].scenarios[0].steps[0].document.as_ref().unwrap();
        assert_eq!(document.text.as_str(), "  { \"a\": \"\"\"\"\",\n\n\"b\": 1 }");
        assert_eq!((document.span.line, document.span.column), (16, 7));
    }

    /// The scenarios of a feature as the cucumber project's own parser reads them.
    fn of_cucumber(text: &str) -> Vec<(String, Vec<String>)> {
        let feature = ::gherkin::Feature::parse(text, ::gherkin::GherkinEnv::default()).unwrap();
        let all = feature.scenarios.iter().chain(feature.rules.iter().flat_map(|rule| &rule.scenarios));
        all.map(|scenario| {
            let steps = scenario.steps.iter().map(|step| {
                let document =
                    step.docstring.as_deref().unwrap_or_default().trim().trim_start_matches("json");
                let document = document.split_whitespace().collect::<Vec<_>>().join(" ");
                let rows = step.table.iter().flat_map(|table| &table.rows).map(|row| row.join("|"));
                format!("{}\n{document}\n{}", step.value, rows.collect::<Vec<_>>().join("\n"))
            });
            (scenario.name.clone(), steps.collect())
        })
        .collect()
    }

    fn of_this(text: &str) -> Vec<(String, Vec<String>)> {
        let (feature, told) = read_text(text);
        assert!(told.is_empty(), "{told:?}");
        let feature = feature.unwrap();
        let all = feature.rules.iter().flat_map(|rule| &rule.scenarios);
        all.map(|scenario| {
            let steps = scenario.steps.iter().map(|step| {
                let document = step.document.as_ref().map_or("", |document| document.text.as_str());
                let document = document.split_whitespace().collect::<Vec<_>>().join(" ");
                let rows = step
                    .table
                    .rows
                    .iter()
                    .map(|row| row.cells.iter().map(Text::as_str).collect::<Vec<_>>().join("|"));
                format!("{}\n{document}\n{}", step.text.as_str(), rows.collect::<Vec<_>>().join("\n"))
            });
            (scenario.name.as_str().to_owned(), steps.collect())
        })
        .collect()
    }

    #[test]
    fn the_parser_of_the_cucumber_project_reads_the_same() {
        // It takes neither indentation nor escapes out of a doc string as Gherkin defines it.
        let plain = EVERYTHING.replace(r#""\"\"\"""#, "1");
        let shipped = [
            include_str!("../../../../scenarios/gsai/auth-scope.feature"),
            include_str!("../../../../scenarios/gsai/billing.feature"),
        ];
        for text in shipped.into_iter().chain([plain.as_str()]) {
            let read = of_this(text);
            assert!(read.len() > 1);
            assert_eq!(read, of_cucumber(text));
        }
    }

    #[test]
    fn a_line_that_does_not_belong_hides_nothing_after_it() {
        let text = r#"# language: de
Background:
  Given too early
@a b@c
Feature: F
Feature: again
  | a table |
Scenario: A t
  Wen chat calls GET /v1/models
  When chat calls GET /v1/models
  Thn the status is 200
  Scenaro: B t
  | open
  """ one line """
  @above @nothing
  Then the status is 200
Examples:
  | a |
  Then too late
Background:
  """
  never closed
"#;
        let (feature, told) = read_text(text);
        let told: Vec<_> =
            told.iter().map(|(line, column, message)| (*line, *column, message.as_str())).collect();
        assert_eq!(
            told,
            [
                (1, 1, "features are read in English"),
                (2, 1, "a file begins with its feature"),
                (2, 1, "a background stands once, above the scenarios"),
                (4, 4, "`b@c` is not a tag"),
                (5, 1, "a file holds one feature"),
                (6, 1, "a file holds one feature"),
                (7, 3, "a table stands under a step or under examples"),
                (9, 3, "no step begins with `Wen`"),
                (11, 3, "no step begins with `Thn`"),
                (12, 3, "this line does not belong here"),
                (13, 3, "the row is not closed"),
                (14, 3, "a doc string stands on lines of its own"),
                (15, 3, "these tags stand above nothing"),
                (19, 3, "a step stands above the examples of its scenario"),
                (20, 1, "a background stands once, above the scenarios"),
                (21, 3, "the doc string is not closed"),
            ]
        );
        assert_eq!(feature.unwrap().rules[0].scenarios[0].steps.len(), 2);
        assert_eq!(read_text("").1, [(1, 1, "there is no feature here".to_owned())]);
    }
}
