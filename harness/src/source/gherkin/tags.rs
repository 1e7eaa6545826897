use super::feature::Tag;
use super::notes::Notes;
use crate::source::mistake::did_you_mean;
use crate::source::yaml::node::{Node, NodeValue};

/// What may stand before the colon of a tag that says more than a word to select by.
const PREFIXES: [&str; 5] = ["contract", "group", "requires", "covers", "timeout"];

/// What the tags of a scenario, and of all that it stands in, say of it.
#[derive(Debug, Default)]
pub(super) struct Tags {
    pub(super) words: Vec<Node>,
    pub(super) requires: Vec<Node>,
    pub(super) covers: Vec<Node>,
    pub(super) timeout: Option<Node>,
}

/// What the tags of a feature say of its file.
#[derive(Debug, Default)]
pub(super) struct FileTags {
    pub(super) contract: Option<Node>,
    pub(super) group: Option<Node>,
    /// What they say of its scenarios.
    pub(super) rest: Vec<Tag>,
}

impl FileTags {
    pub(super) fn read(tags: &[Tag], notes: &mut Notes) -> Self {
        let mut read = Self::default();
        for tag in tags {
            let (place, name) = match tag.name.split_once(':') {
                Some(("contract", name)) => (&mut read.contract, name),
                Some(("group", name)) => (&mut read.group, name),
                _ => {
                    read.rest.push(tag.clone());
                    continue;
                }
            };
            if place.replace(node(tag, name)).is_some() {
                notes.add(tag.span, format!("`@{}` is the second of its kind", tag.name), "keep one of them");
            }
        }
        read
    }
}

impl Tags {
    /// Reads tags from the outermost to the innermost.
    pub(super) fn read<'t>(tags: impl IntoIterator<Item = &'t Tag>, notes: &mut Notes) -> Self {
        let mut read = Self::default();
        for tag in tags {
            match tag.name.split_once(':') {
                Some(("requires", name)) => add(&mut read.requires, node(tag, name)),
                Some(("covers", name)) => add(&mut read.covers, node(tag, name)),
                Some(("timeout", name)) => read.timeout = Some(node(tag, name)),
                Some((prefix @ ("contract" | "group"), _)) => {
                    notes.add(
                        tag.span,
                        format!("`@{prefix}:…` belongs to a feature"),
                        "write it above `Feature:`",
                    );
                }
                other => match other.and_then(|(prefix, name)| Some((did_you_mean(prefix, PREFIXES)?, name)))
                {
                    Some((meant, name)) => {
                        let hint = format!("did you mean `@{meant}:{name}`?");
                        notes.add(tag.span, format!("`@{}` says nothing", tag.name), hint);
                    }
                    None => add(&mut read.words, node(tag, &tag.name)),
                },
            }
        }
        read
    }
}

fn node(tag: &Tag, text: &str) -> Node {
    Node { span: tag.span, value: NodeValue::Text(text.to_owned()) }
}

/// Adds a word that is not there yet.
fn add(words: &mut Vec<Node>, word: Node) {
    if let NodeValue::Text(text) = &word.value
        && !words.iter().any(|other| other.is(text))
    {
        words.push(word);
    }
}
