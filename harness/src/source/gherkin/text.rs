//! Texts of a feature that know where each part of them stands in the file, whatever was unescaped or filled in.

use std::cell::Cell;
use std::ops::Range;
use std::str::Lines;

use crate::source::Span;

/// A feature's file.
#[derive(Debug)]
pub(super) struct Source<'t> {
    text: &'t str,
    /// Where each line begins.
    lines: Vec<usize>,
    /// The place that was looked up last and its column, so that a long line is walked through once.
    last: Cell<(usize, u32)>,
}

impl<'t> Source<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(end, _)| end + 1)).collect();
        Self { text, lines, last: Cell::new((0, 1)) }
    }

    /// The lines without their ends, and without a byte order mark.
    pub(super) fn lines(&self) -> Lines<'t> {
        self.text.strip_prefix('\u{feff}').unwrap_or(self.text).lines()
    }

    /// Where a part of the file begins.
    pub(super) fn place(&self, part: &str) -> usize {
        part.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr()).min(self.text.len())
    }

    /// The stretch of a part of the file.
    pub(super) fn span_of(&self, part: &str) -> Span {
        let start = self.place(part);
        self.span(start..start + part.len())
    }

    /// The stretch between two places.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let line = self.lines.partition_point(|start| *start <= range.start);
        let first = self.lines.get(line.wrapping_sub(1)).copied().unwrap_or_default();
        let (from, column) = match self.last.get() {
            (place, column) if (first..=range.start).contains(&place) => (place, column),
            _ => (first, 1),
        };
        let walked = self.text.get(from..range.start).unwrap_or_default();
        let column = column.saturating_add(narrow(walked.chars().count()));
        self.last.set((range.start, column));
        Span { line: narrow(line), column, start: narrow(range.start), length: narrow(range.len()) }
    }
}

fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A text as its author means it, in pieces that stand in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    value: String,
    /// In order, the first at 0.
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Where it begins in the text.
    at: usize,
    /// Where it begins in the file.
    place: usize,
    /// Whether it is written there as it is, or by an escape.
    verbatim: bool,
}

impl Text {
    /// A text that stands in the file as it is.
    pub(super) fn verbatim(value: &str, place: usize) -> Self {
        let mut text = Self::default();
        text.push(value, place);
        text
    }

    pub(super) fn as_str(&self) -> &str {
        &self.value
    }

    /// Adds what stands in the file as it is.
    pub(super) fn push(&mut self, value: &str, place: usize) {
        self.pieces.push(Piece { at: self.value.len(), place, verbatim: true });
        self.value.push_str(value);
    }

    /// Adds what something else in the file stands for.
    pub(super) fn push_meaning(&mut self, value: &str, place: usize) {
        self.pieces.push(Piece { at: self.value.len(), place, verbatim: false });
        self.value.push_str(value);
    }

    /// Adds another text with its places.
    pub(super) fn append(&mut self, other: &Self) {
        let base = self.value.len();
        self.pieces.extend(other.pieces.iter().map(|piece| Piece { at: base + piece.at, ..*piece }));
        self.value.push_str(&other.value);
    }

    /// A part of the text; nothing where the range does not fit it.
    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        let value = self.value.get(range.clone()).unwrap_or_default().to_owned();
        let verbatim = self.piece_at(range.start).is_none_or(|(_, piece)| piece.verbatim);
        let first = Piece { at: 0, place: self.place(range.start), verbatim };
        let from = self.pieces.partition_point(|piece| piece.at <= range.start);
        let to = self.pieces.partition_point(|piece| piece.at < range.end);
        let within = self.pieces.get(from..to).unwrap_or_default();
        let within = within.iter().map(|piece| Piece { at: piece.at - range.start, ..*piece });
        Self { value, pieces: std::iter::once(first).chain(within).collect() }
    }

    /// A part of the text that was cut out of [`Self::as_str`].
    pub(super) fn part(&self, part: &str) -> Self {
        let start = part.as_ptr().addr().wrapping_sub(self.value.as_ptr().addr()).min(self.value.len());
        self.slice(start..start + part.len())
    }

    /// The text without spaces and tabs around it.
    pub(super) fn trimmed(&self) -> Self {
        self.part(self.value.trim_matches([' ', '\t']))
    }

    /// The stretch of the file where the text stands, or begins where it stands in several.
    pub(super) fn range(&self) -> Range<usize> {
        self.range_of(0..self.value.len())
    }

    /// As [`Self::range`], for a part of it.
    pub(super) fn range_of(&self, part: Range<usize>) -> Range<usize> {
        let start = self.place(part.start);
        match self.piece_at(part.start) {
            Some((index, piece)) if piece.verbatim => {
                let next = self.pieces.get(index + 1).map_or(self.value.len(), |next| next.at);
                let end = part.end.min(next);
                start..start + end.saturating_sub(part.start)
            }
            _ => start..start,
        }
    }

    fn place(&self, at: usize) -> usize {
        let at = at.min(self.value.len());
        let into = |piece: &Piece| if piece.verbatim { at - piece.at } else { 0 };
        self.piece_at(at).map_or(0, |(_, piece)| piece.place + into(piece))
    }

    /// The piece that holds a place in the text.
    fn piece_at(&self, at: usize) -> Option<(usize, &Piece)> {
        let index = self.pieces.partition_point(|piece| piece.at <= at).checked_sub(1)?;
        self.pieces.get(index).map(|piece| (index, piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_characters_and_points_at_bytes() {
        let file = "ä\r\n  öb|c\n";
        let source = Source::new(file);
        let lines: Vec<_> = source.lines().collect();
        assert_eq!(lines, ["ä", "  öb|c"]);
        let span = source.span_of(lines[1].trim().get(2..).unwrap());
        assert_eq!((span.line, span.column, span.start, span.length), (2, 4, 8, 3));
        assert_eq!(&file[span.start as usize..][..span.length as usize], "b|c");
        // Looked up out of order, places are the same.
        assert_eq!(source.span(0..2), Span { line: 1, column: 1, start: 0, length: 2 });
        assert_eq!(source.span(8..11), span);
        assert_eq!(source.span(4..4).column, 1);
    }

    #[test]
    fn every_part_of_a_text_knows_its_place() {
        // `a\|b` in a file, then what a placeholder stands for elsewhere.
        let mut text = Text::verbatim("a", 10);
        text.push_meaning("|", 11);
        text.push("b", 13);
        text.append(&Text::verbatim("cell", 90));
        assert_eq!(text.as_str(), "a|bcell");
        assert_eq!(text.range_of(0..1), 10..11);
        assert_eq!(text.range_of(1..2), 11..11);
        assert_eq!(text.range_of(2..3), 13..14);
        assert_eq!(text.range_of(4..6), 91..93);
        assert_eq!(text.range(), 10..11, "a text in several places is shown where it begins");
        let part = text.slice(2..5);
        assert_eq!(part.as_str(), "bce");
        assert_eq!(part.range_of(0..1), 13..14);
        assert_eq!(part.range_of(1..3), 90..92);
        assert_eq!(text.slice(5..100).as_str(), "");
        assert_eq!(Text::verbatim(" \tx ", 5).trimmed().range(), 7..8);
        assert_eq!(Text::verbatim("  ", 5).trimmed().as_str(), "");
    }
}
