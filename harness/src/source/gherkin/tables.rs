use super::feature::{Row, Table};
use super::notes::Notes;
use super::text::Source;
use super::values::{value, verbatim, word};
use super::vocabulary::Column;
use crate::source::mistake::hint_among;
use crate::source::yaml::node::{Node, NodeValue};

/// Most rows of a table whose rows have names.
const NAMED_LIMIT: usize = 1_000;
/// The column of the names by which the rows of some tables are kept.
const NAME: &str = "name";

/// A row of a table: its name, where rows have one, and its other cells as a mapping from columns to values.
pub(super) struct Entry {
    pub(super) name: Option<Node>,
    pub(super) cells: Node,
}

/// The rows of a table. An empty cell is as if its column were not there; without columns, there may be any.
pub(super) fn entries(
    table: &Table,
    columns: &[Column],
    named: bool,
    source: &Source<'_>,
    notes: &mut Notes,
) -> Vec<Entry> {
    let Some((header, rows)) = table.rows.split_first() else { return Vec::new() };
    let headings = headings(header, columns, named, source, notes);
    if rows.is_empty() {
        notes.add(header.span, "the table has no rows", "write them below its header");
    }
    if named && rows.len() > NAMED_LIMIT {
        notes.add(header.span, format!("the table has more than {NAMED_LIMIT} rows"), "");
        return Vec::new();
    }
    let has_names = headings.iter().flatten().any(|heading| heading.key.is(NAME));
    if named && !has_names {
        notes.add(header.span, format!("the column `{NAME}` is missing"), "each row has a name");
    }
    let mut entries = Vec::new();
    for row in rows {
        if !fits(row, header, notes) {
            continue;
        }
        let (mut name, mut cells, mut whole) = (None, Vec::new(), true);
        for (heading, cell) in headings.iter().zip(&row.cells).filter(|(_, cell)| !cell.as_str().is_empty()) {
            let node = heading.as_ref().and_then(|heading| {
                let node = if heading.verbatim { verbatim(cell, source) } else { value(cell, source) };
                Some((&heading.key, notes.keep(node)?))
            });
            match node {
                Some((key, node)) if named && key.is(NAME) => name = Some(node),
                Some((key, node)) => cells.push((key.clone(), node)),
                None => whole = false,
            }
        }
        if has_names && named && name.is_none() {
            notes.add(row.span, "the row has no name", format!("write one in its column `{NAME}`"));
        }
        // What could not be read was noted; the rest of its row would be judged without it.
        if whole {
            entries.push(Entry { name, cells: Node { span: row.span, value: NodeValue::Map(cells) } });
        }
    }
    entries
}

/// Whether a row has as many cells as its header. One that could not be read has none, and that was noted.
pub(super) fn fits(row: &Row, header: &Row, notes: &mut Notes) -> bool {
    let (found, expected) = (row.cells.len(), header.cells.len());
    if found != expected && found > 0 && expected > 0 {
        let message = format!("the row has {found} cells, and its header {expected}");
        notes.add(row.span, message, "leave a cell empty where nothing is given");
    }
    found == expected
}

struct Heading {
    key: Node,
    verbatim: bool,
}

fn headings(
    header: &Row,
    columns: &[Column],
    named: bool,
    source: &Source<'_>,
    notes: &mut Notes,
) -> Vec<Option<Heading>> {
    let mut headings: Vec<Option<Heading>> = Vec::new();
    let all = || columns.iter().map(|column| column.name).chain(named.then_some(NAME));
    for cell in &header.cells {
        let name = cell.as_str();
        let key = word(cell, source);
        let heading = if name.is_empty() {
            notes.add(key.span, "the column has no name", "name it, or take it out");
            None
        } else if headings.iter().flatten().any(|heading| heading.key.is(name)) {
            notes.add(key.span, format!("the column `{name}` is given twice"), "make two rows of it");
            None
        } else if columns.is_empty() || all().any(|known| known == name) {
            let known = columns.iter().find(|column| column.name == name);
            let verbatim = known.map_or(named, |column| column.verbatim);
            Some(Heading { key, verbatim })
        } else {
            let hint = hint_among(name, all().collect::<Vec<_>>());
            notes.add(key.span, format!("there is no column `{name}` here"), hint.unwrap_or_default());
            None
        };
        headings.push(heading);
    }
    headings
}
