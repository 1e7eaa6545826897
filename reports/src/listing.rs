use std::io;

/// Columns of a list of ids.
const WIDTH: usize = 100;

/// Ids one after another, in indented lines that a terminal does not break.
pub(crate) fn list<'i>(
    ids: impl IntoIterator<Item = &'i str>,
    indent: &str,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let mut line = String::new();
    for id in ids {
        if !line.is_empty() && line.len() + id.len() + 2 > WIDTH {
            writeln!(out, "{indent}{line}")?;
            line.clear();
        }
        let gap = if line.is_empty() { "" } else { ", " };
        line.extend([gap, id]);
    }
    writeln!(out, "{indent}{line}")
}

/// `1 case`, `2 cases`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
