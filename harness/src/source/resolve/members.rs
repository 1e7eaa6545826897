//! What paths and templates name of a stream.

use crate::scenario::StreamKind;
use crate::source::mistake::hint_among;

/// The members of a stream's document.
const MEMBERS: [&str; 6] = ["events", "joined", "comments", "ignored", "ended", "terminator"];

/// What is wrong with looking for these members, one within the other, in a stream of a kind, and how to mend it.
pub(super) fn unknown<'n>(
    kind: &StreamKind,
    mut members: impl Iterator<Item = &'n str>,
) -> Option<(String, Option<String>)> {
    let member = members.next()?;
    if !MEMBERS.contains(&member) {
        return Some((format!("a stream has no `{member}`"), hint_among(member, MEMBERS)));
    }
    let join = members.next().filter(|_| member == "joined")?;
    let known = kind.joined.iter().map(|join| &*join.name);
    let is_known = known.clone().any(|name| name == join);
    (!is_known).then(|| (format!("the stream `{}` joins no `{join}`", kind.name), hint_among(join, known)))
}

/// The members that a path, and each path in its filters, begins with, as far as they are written out.
pub(super) fn of_path(path: &str) -> Vec<Vec<&str>> {
    let (mut found, mut open, mut escaped) = (Vec::new(), None, false);
    for (at, character) in path.char_indices() {
        match (open, character) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(mark), _) if character == mark => open = None,
            (None, '\'' | '"') => open = Some(character),
            (None, '$') => found.push(written_out(path.get(at + 1..).unwrap_or_default())),
            _ => {}
        }
    }
    found
}

fn written_out(mut rest: &str) -> Vec<&str> {
    let mut names = Vec::new();
    while let Some((name, after)) = shorthand(rest).or_else(|| bracketed(rest)) {
        names.push(name);
        rest = after;
    }
    names
}

/// The name of a `.name`, and what follows it.
fn shorthand(rest: &str) -> Option<(&str, &str)> {
    let rest = rest.strip_prefix('.')?;
    let is_name =
        |character: char| character.is_ascii_alphanumeric() || character == '_' || !character.is_ascii();
    let length = rest.find(|character| !is_name(character)).unwrap_or(rest.len());
    (length > 0).then(|| rest.split_at(length))
}

/// The name of a `['name']`, and what follows it.
fn bracketed(rest: &str) -> Option<(&str, &str)> {
    let rest = rest.strip_prefix('[')?;
    let (name, after) = ['\'', '"'].into_iter().find_map(|mark| rest.strip_prefix(mark)?.split_once(mark))?;
    let after = after.strip_prefix(']')?;
    (!name.contains(['\\', '{'])).then_some((name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_a_path_are_those_that_it_writes_out() {
        for (path, members) in [
            ("$", vec![vec![]]),
            ("$.joined.text", vec![vec!["joined", "text"]]),
            ("$['joined'][\"a b\"].c[0].d", vec![vec!["joined", "a b", "c"]]),
            ("$.events[*].data", vec![vec!["events"]]),
            ("$..text", vec![vec![]]),
            ("$.*", vec![vec![]]),
            ("$[?@.event != '$.none']", vec![vec![]]),
            ("$.joined['a', 'b']", vec![vec!["joined"]]),
            ("$.joined['{{ name }}']", vec![vec!["joined"]]),
            ("$.joined.ids[?@ == $.joined.ids[0]]", vec![vec!["joined", "ids"], vec!["joined", "ids"]]),
        ] {
            assert_eq!(of_path(path), members, "{path}");
        }
    }
}
