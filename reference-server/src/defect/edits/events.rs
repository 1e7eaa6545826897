//! Changes of a stream of events.

use serde_json::{Value, json};

use super::document::{edit, finds};
use super::file::{Edit, Position, Which};

/// An event, as the dialects write it: a name where it has one, and data in one line.
#[derive(Clone, Debug, PartialEq)]
struct Event {
    named: bool,
    /// `{ event, data }`.
    document: Value,
}

/// The text of a stream with changes made to it.
pub(super) fn edited<'e>(text: &str, edits: impl Iterator<Item = &'e Edit>) -> String {
    let mut events: Vec<Event> = text.split("\n\n").filter(|block| !block.is_empty()).map(read).collect();
    for change in edits {
        make(&mut events, change);
    }
    events.iter().map(write).collect()
}

fn make(events: &mut Vec<Event>, change: &Edit) {
    match change {
        Edit::Drop(which) => {
            for index in chosen(events, which).into_iter().rev() {
                events.remove(index);
            }
        }
        Edit::Double(which) => {
            for index in chosen(events, which).into_iter().rev() {
                if let Some(event) = events.get(index).cloned() {
                    events.insert(index, event);
                }
            }
        }
        Edit::Swap(which) => {
            for index in chosen(events, which).into_iter().rev() {
                if index + 1 < events.len() {
                    events.swap(index, index + 1);
                }
            }
        }
        Edit::Insert { before, after, event, data } => {
            let at = |path| events.iter().position(|event| finds(&event.document, path));
            let index = before.as_ref().and_then(at).or_else(|| after.as_ref().and_then(at).map(|at| at + 1));
            let name = event.as_deref().unwrap_or("message");
            let inserted = Event { named: event.is_some(), document: json!({ "event": name, "data": data }) };
            if let Some(index) = index {
                events.insert(index, inserted);
            }
        }
        Edit::Rename { at, to } => {
            for event in events.iter_mut().filter(|event| finds(&event.document, at)) {
                event.named = true;
                if let Some(name) = event.document.get_mut("event") {
                    *name = to.as_str().into();
                }
            }
        }
        Edit::Cut(most) => events.truncate(*most),
        change => events.iter_mut().for_each(|event| edit(&mut event.document, change)),
    }
}

fn chosen(events: &[Event], which: &Which) -> Vec<usize> {
    let found = events.iter().enumerate().filter(|(_, event)| finds(&event.document, &which.at));
    let mut found: Vec<_> = found.map(|(index, _)| index).collect();
    match which.which {
        Position::First => found.truncate(1),
        Position::Last => found = found.pop().into_iter().collect(),
        Position::All => {}
    }
    found
}

fn read(block: &str) -> Event {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    let name = field("event: ");
    let text = field("data: ").unwrap_or_default();
    let data = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    Event { named: name.is_some(), document: json!({ "event": name.unwrap_or("message"), "data": data }) }
}

fn write(event: &Event) -> String {
    let name = event.document.get("event").and_then(Value::as_str).filter(|_| event.named);
    let name = name.map_or_else(String::new, |name| format!("event: {name}\n"));
    match event.document.get("data") {
        // The mark of the end is no JSON.
        Some(Value::String(text)) => format!("{name}data: {text}\n\n"),
        Some(data) => format!("{name}data: {data}\n\n"),
        None => format!("{name}data: \n\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "data: {\"n\":1}\n\nevent: e\ndata: {\"n\":2}\n\ndata: [DONE]\n\n";

    fn edited(edits: &str) -> String {
        let edits: Vec<Edit> = serde_saphyr::from_str(edits).unwrap();
        super::edited(STREAM, edits.iter())
    }

    #[test]
    fn every_change_of_a_stream_is_made() {
        assert_eq!(edited("[]"), STREAM);
        let (one, two, done) = ("data: {\"n\":1}\n\n", "event: e\ndata: {\"n\":2}\n\n", "data: [DONE]\n\n");
        for (edits, wanted) in [
            ("[{ drop: { where: $.data.n } }]", done.to_owned()),
            ("[{ drop: { where: $.data.n, which: last } }]", format!("{one}{done}")),
            ("[{ drop: { where: \"$[?@ == '[DONE]']\" } }]", format!("{one}{two}")),
            ("[{ double: { where: $.data.n, which: first } }]", format!("{one}{one}{two}{done}")),
            ("[{ swap: { where: $.data.n, which: first } }]", format!("{two}{one}{done}")),
            ("[{ cut: 1 }]", one.to_owned()),
            ("[{ set: { at: $.data.n, to: 3 } }, { cut: 1 }]", "data: {\"n\":3}\n\n".to_owned()),
            ("[{ rename: { where: $.data.n, to: f } }, { cut: 1 }]", format!("event: f\n{one}")),
            ("[{ insert: { after: $.data.n, data: 5 } }]", format!("{one}data: 5\n\n{two}{done}")),
            (
                "[{ insert: { before: $.data.n, event: g, data: 5 } }]",
                format!("event: g\ndata: 5\n\n{STREAM}"),
            ),
        ] {
            assert_eq!(edited(edits), wanted, "{edits}");
        }
    }
}
