use super::feature::{Document, Row, Step, Table};
use super::notes::Notes;
use super::room::Room;
use super::text::{Source, Text};
use crate::source::mistake::did_you_mean;

/// Longest text in angle brackets that is looked at as a misspelt placeholder, in bytes.
const PLACEHOLDER_LIMIT: usize = 64;

/// A row of examples, which fills the placeholders of an outline.
#[derive(Clone, Copy)]
pub(super) struct Example<'f> {
    pub(super) header: &'f Row,
    pub(super) row: &'f Row,
}

impl Example<'_> {
    /// A step with its placeholders filled in.
    pub(super) fn step(&self, step: &Step, source: &Source<'_>, notes: &mut Notes, room: &mut Room) -> Step {
        let mut fill = |text: &Text| self.text(text, source, notes, room);
        let rows = step
            .table
            .rows
            .iter()
            .map(|row| Row { span: row.span, cells: row.cells.iter().map(&mut fill).collect() });
        let rows = rows.collect();
        let document = step.document.as_ref();
        let document = document.map(|document| Document { span: document.span, text: fill(&document.text) });
        Step { when: step.when, text: fill(&step.text), document, table: Table { rows } }
    }

    /// A text with its placeholders filled in, as far as there is room; what is no column stays.
    pub(super) fn text(&self, text: &Text, source: &Source<'_>, notes: &mut Notes, room: &mut Room) -> Text {
        let value = text.as_str();
        let mut filled = Text::default();
        let mut from = 0;
        for (open, _) in value.match_indices('<') {
            let rest = value.get(open + 1..).unwrap_or_default();
            let Some((name, close)) = rest.find(['<', '>', '\n']).map(|end| rest.split_at(end)) else {
                break;
            };
            if !close.starts_with('>') || name.is_empty() {
                continue;
            }
            if let Some(cell) = self.cell(name) {
                if !room.take(cell.as_str().len(), source.span(text.range()), notes) {
                    break;
                }
                filled.append(&text.slice(from..open));
                filled.append(cell);
                from = open + 1 + name.len() + 1;
            } else if let Some(meant) = self.meant(name) {
                let span = source.span(text.range_of(open..open + name.len() + 2));
                let hint = format!("did you mean `<{meant}>`?");
                notes.add(span, format!("the examples have no column `{name}`"), hint);
            }
        }
        filled.append(&text.slice(from..value.len()));
        filled
    }

    fn cell(&self, name: &str) -> Option<&Text> {
        let index = self.header.cells.iter().position(|cell| cell.as_str() == name)?;
        self.row.cells.get(index)
    }

    fn meant(&self, name: &str) -> Option<&str> {
        let columns = self.header.cells.iter().map(Text::as_str);
        (name.len() <= PLACEHOLDER_LIMIT).then(|| did_you_mean(name, columns)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::super::cells::cells;
    use super::*;

    #[test]
    fn placeholders_are_filled_and_keep_their_places() {
        let file = "say <a>, <b> and <c>\n| a | b |\n| ä\\|x | |\n<ab>";
        let source = Source::new(file);
        let row = |start: usize, end: usize| Row {
            span: source.span(start..end),
            cells: cells(&file[start..end], start).unwrap(),
        };
        let (header, row) = (row(21, 30), row(31, 42));
        let example = Example { header: &header, row: &row };
        let (mut notes, mut room) = (Notes::default(), Room::default());
        let filled = example.text(&Text::verbatim(&file[..20], 0), &source, &mut notes, &mut room);
        assert_eq!(filled.as_str(), "say ä|x,  and <c>");
        assert_eq!(filled.range_of(4..6), 33..35, "what was filled in stands in its cell");
        assert_eq!(filled.range_of(8..9), 7..8, "what follows stands where it stood");
        assert!(notes.is_empty());
        // Angle brackets that are none of a placeholder's stay, and take no time.
        let many = "<".repeat(100_000) + "a>";
        let filled = example.text(&Text::verbatim(&many, 0), &source, &mut notes, &mut room);
        assert_eq!(filled.as_str(), "<".repeat(99_999) + "ä|x");
        assert!(notes.is_empty());
    }

    #[test]
    fn a_misspelt_placeholder_is_told() {
        let file = "<modle>\n| model |\n| m |";
        let source = Source::new(file);
        let row = |start: usize, end: usize| Row {
            span: source.span(start..end),
            cells: cells(&file[start..end], start).unwrap(),
        };
        let (header, row) = (row(8, 17), row(18, 23));
        let (mut notes, mut room) = (Notes::default(), Room::default());
        let example = Example { header: &header, row: &row };
        assert_eq!(
            example.text(&Text::verbatim(&file[..7], 0), &source, &mut notes, &mut room).as_str(),
            "<modle>"
        );
        let told = notes.into_mistakes();
        assert_eq!(told[0].message, "the examples have no column `modle`");
        assert_eq!(told[0].hint.as_deref(), Some("did you mean `<model>`?"));
    }
}
