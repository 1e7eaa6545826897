use std::mem;

use super::text::Text;

/// Most cells of a row.
const LIMIT: usize = 256;

/// The cells of a table's row, unescaped as Gherkin does: `\|`, `\\` and `\n`.
///
/// The row begins with `|`, at this place of the file. There are none where it does not end so, or has too many.
pub(super) fn cells(row: &str, place: usize) -> Option<Vec<Text>> {
    let mut cells = Vec::new();
    let mut cell = Text::default();
    let mut from = 1;
    let mut characters = row.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '|' if cells.len() == LIMIT => return None,
            '|' => {
                cell.push(row.get(from..at).unwrap_or_default(), place + from);
                cells.push(mem::take(&mut cell).trimmed());
                from = at + 1;
            }
            '\\' => {
                let Some((_, escaped)) = characters.next_if(|(_, next)| matches!(next, '|' | '\\' | 'n'))
                else {
                    continue;
                };
                let meaning = match escaped {
                    '|' => "|",
                    'n' => "\n",
                    _ => "\\",
                };
                cell.push(row.get(from..at).unwrap_or_default(), place + from);
                cell.push_meaning(meaning, place + at);
                from = at + 2;
            }
            _ => {}
        }
    }
    (from == row.len() && cell.as_str().is_empty() && !cells.is_empty()).then_some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(row: &str) -> Option<Vec<String>> {
        cells(row, 0).map(|cells| cells.iter().map(|cell| cell.as_str().to_owned()).collect())
    }

    #[test]
    fn cells_are_trimmed_and_unescaped() {
        let told = |cells: &[&str]| Some(cells.iter().map(ToString::to_string).collect());
        assert_eq!(values("| a |  b c\t| |"), told(&["a", "b c", ""]));
        assert_eq!(values(r"| a\|b | ^\d+\\d\n$ |"), told(&["a|b", "^\\d+\\d\n$"]));
        assert_eq!(values("||"), told(&[""]));
        assert_eq!(values("| ä | ö"), None);
        assert_eq!(values("|"), None);
        assert_eq!(values(r"| a \|"), None);
        assert_eq!(values(r"| a \"), None);
    }

    #[test]
    fn a_cell_knows_its_place() {
        let row = r"| ä\|b |  c |";
        let cells = cells(row, 100).unwrap();
        assert_eq!(cells[0].range(), 102..104);
        assert_eq!(cells[0].range_of(3..4), 106..107);
        assert_eq!(cells[1].range(), 111..112);
    }
}
