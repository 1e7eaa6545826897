//! Changes the text of a file of expectations where something goes or comes, and nowhere else.

use std::collections::HashSet;
use std::ops::Range;

use plumbline_record::ExpectationKind;
use serde_json::Value;

use super::Addition;
use super::read::{Entry, Pattern, is_filler};

/// The text without the patterns that are gone, and with an entry for the cases that are added.
///
/// None where it is written in a way that cannot be changed line by line.
pub(super) fn rewritten(
    text: &str,
    entries: &[Entry],
    gone: &HashSet<(usize, usize)>,
    added: Option<(&[String], Addition<'_>)>,
) -> Option<String> {
    let lines = Lines::new(text);
    let mut edits = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        let is_gone: Vec<bool> =
            (0..entry.patterns.len()).map(|index| gone.contains(&(number, index))).collect();
        if is_gone.iter().all(|gone| *gone) {
            edits.push((lines.without_entry(entry)?, String::new()));
        } else if is_gone.contains(&true) {
            for range in lines.without_patterns(&entry.patterns, &is_gone)? {
                edits.push((range, String::new()));
            }
        }
    }
    if let Some((cases, addition)) = added {
        let last = entries.iter().rfind(|entry| entry.kind == ExpectationKind::ExpectedFailure);
        lines.add(cases, addition, last, &mut edits)?;
    }
    // An entry that goes ends where a new one is put.
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut rewritten = String::with_capacity(text.len());
    let mut done = 0;
    for (range, new) in edits {
        rewritten.push_str(text.get(done..range.start)?);
        rewritten.push_str(&new);
        done = range.end;
    }
    rewritten.push_str(text.get(done..)?);
    Some(rewritten)
}

/// A text and where its lines begin; behind a last line end there is one more, empty line.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

/// The lines of an entry, and the column of its dash.
struct Block {
    lines: Range<usize>,
    margin: usize,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// Where a line begins; behind the last one, where the text ends.
    fn start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.text.len())
    }

    /// A line with its end, if there is one of that number.
    fn get(&self, line: usize) -> Option<&'t str> {
        self.starts.get(line).and_then(|start| self.text.get(*start..self.start(line + 1)))
    }

    /// The line that a byte stands in.
    fn of(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte).saturating_sub(1)
    }

    fn is_blank(&self, line: usize) -> bool {
        self.get(line).is_none_or(|line| line.trim().is_empty())
    }

    /// An entry from its dash to its last line; blank lines and comments behind that are not its own.
    fn block(&self, entry: &Entry) -> Option<Block> {
        let dash = self.text.get(..entry.span.start as usize)?.trim_end().strip_suffix('-')?.len();
        let first = self.of(dash);
        let margin = self.text.get(self.start(first)..dash)?;
        if !margin.chars().all(|character| character == ' ') {
            return None;
        }
        let margin = margin.len();
        let mut end = first + 1;
        for number in first + 1..self.starts.len() {
            let line = self.get(number)?;
            if is_filler(line) {
                continue;
            }
            if line.len() - line.trim_start_matches(' ').len() <= margin {
                break;
            }
            end = number + 1;
        }
        Some(Block { lines: first..end, margin })
    }

    /// What is to be cut to take an entry out, with the blank lines before it where others follow it.
    fn without_entry(&self, entry: &Entry) -> Option<Range<usize>> {
        let Range { start: mut first, end } = self.block(entry)?.lines;
        if self.is_blank(end) {
            while first > 0 && self.is_blank(first - 1) {
                first -= 1;
            }
        }
        Some(self.start(first)..self.start(end))
    }

    /// What is to be cut to take some patterns out of a list, of which others stay.
    fn without_patterns(&self, patterns: &[Pattern], is_gone: &[bool]) -> Option<Vec<Range<usize>>> {
        let places: Vec<Range<usize>> = patterns
            .iter()
            .map(|Pattern { span, .. }| span.start as usize..span.start as usize + span.length as usize)
            .collect();
        let last_kept = is_gone.iter().rposition(|gone| !gone)?;
        let mut cuts = Vec::new();
        for (index, (place, is_gone)) in places.iter().zip(is_gone).enumerate() {
            if !is_gone {
                continue;
            }
            let line = self.of(place.start);
            let before = self.text.get(self.start(line)..place.start)?;
            cuts.push(if before.trim() == "-" {
                self.start(line)..self.start(line + 1)
            } else if index < last_kept {
                place.start..places.get(index + 1)?.start
            } else {
                places.get(index.checked_sub(1)?)?.end..place.end
            });
        }
        Some(cuts)
    }

    /// Adds an entry behind the last one, or begins a list.
    fn add(
        &self,
        cases: &[String],
        addition: Addition<'_>,
        last: Option<&Entry>,
        edits: &mut Vec<(Range<usize>, String)>,
    ) -> Option<()> {
        let (place, heading, margin) = if let Some(last) = last {
            let Block { lines, margin } = self.block(last)?;
            (self.start(lines.end), "", margin)
        } else if let Some(line) = (0..self.starts.len()).find(|line| self.begins_expected(*line)) {
            let value = self.start(line) + "expected:".len();
            let rest = self.text.get(value..self.start(line + 1))?;
            let written = rest.split('#').next().unwrap_or_default().trim_end();
            if !matches!(written.trim(), "" | "[]" | "~" | "null") {
                return None;
            }
            edits.push((value..value + written.len(), String::new()));
            (self.start(line + 1), "", 2)
        } else {
            let heading = if self.text.is_empty() { "expected:\n" } else { "\nexpected:\n" };
            (self.text.len(), heading, 2)
        };
        let before = self.text.get(..place)?;
        let line_end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        let new = format!("{line_end}{heading}{}", entry_text(cases, addition, &" ".repeat(margin)));
        let new = if self.text.contains("\r\n") { new.replace('\n', "\r\n") } else { new };
        edits.push((place..place, new));
        Some(())
    }

    fn begins_expected(&self, line: usize) -> bool {
        self.get(line).is_some_and(|line| line.starts_with("expected:"))
    }
}

fn entry_text(cases: &[String], addition: Addition<'_>, margin: &str) -> String {
    let mut lines = Vec::new();
    if let [case] = cases {
        lines.push(format!("- cases: {}", quoted(case)));
    } else {
        lines.push("- cases:".to_owned());
        lines.extend(cases.iter().map(|case| format!("    - {}", quoted(case))));
    }
    lines.push(format!("  reason: {}", quoted(addition.reason)));
    lines.extend(addition.link.map(|link| format!("  link: {}", quoted(link))));
    lines.iter().map(|line| margin.to_owned() + line + "\n").collect()
}

/// A text in quotes, as YAML and JSON both read it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
