use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;
use serde_json_path::JsonPath;

use super::matching::Route;
use crate::defect::Defect;

/// The files, each with the dialect of the contract whose requirements it breaks.
const FILES: [(&str, &str); 4] = [
    ("openai", include_str!("../../../../fixtures/defects/openai.yaml")),
    ("anthropic", include_str!("../../../../fixtures/defects/anthropic.yaml")),
    ("gemini", include_str!("../../../../fixtures/defects/gemini.yaml")),
    ("bifrost", include_str!("../../../../fixtures/defects/bifrost.yaml")),
];

/// One defect.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edits {
    pub(crate) id: String,
    pub(crate) breaks: Vec<String>,
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) wild: bool,
    /// The dialect around which it is applied.
    #[serde(skip)]
    pub(super) dialect: &'static str,
    /// The requests that it touches.
    pub(super) on: Vec<Route>,
    /// Finds something in the requests that it touches: `{ body, headers, query }`.
    #[serde(rename = "where")]
    pub(super) condition: Option<JsonPath>,
    /// What is made of the request.
    #[serde(default)]
    pub(super) request: Vec<Edit>,
    /// What is made of an answer that is not a stream.
    #[serde(default)]
    pub(super) answer: Vec<Edit>,
    /// The statuses of the answers that are touched; none stands for all.
    #[serde(default)]
    pub(super) only: Vec<u16>,
    /// What is made of a stream.
    #[serde(default)]
    pub(super) stream: Vec<Edit>,
}

/// One change.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Edit {
    /// Takes away what a path finds.
    Remove(JsonPath),
    /// Puts a value in place of what a path finds.
    Set { at: JsonPath, to: Value },
    /// Puts a member into the objects that a path finds.
    Put { at: JsonPath, member: String, value: Value },
    /// Adds to the numbers that a path finds.
    Add { at: JsonPath, number: i64 },
    /// Replaces within the texts that a path finds.
    Replace {
        at: JsonPath,
        find: Pattern,
        #[serde(rename = "with")]
        text: String,
    },
    /// Adds to the end of the texts that a path finds.
    Text { at: JsonPath, append: String },
    /// Has the list elements that a path finds stand twice.
    Repeat(JsonPath),
    /// Turns round the lists that a path finds.
    Reverse(JsonPath),
    /// Another status.
    Status(u16),
    /// Another header, or none.
    Header { name: String, value: Option<String> },
    /// Another body.
    Body(String),
    /// Takes events out of a stream.
    Drop(Which),
    /// Sends events of a stream twice.
    Double(Which),
    /// Sends events of a stream after the one that follows them.
    Swap(Which),
    /// Puts an event into a stream, once.
    Insert { before: Option<JsonPath>, after: Option<JsonPath>, event: Option<String>, data: Value },
    /// Gives events of a stream another name.
    Rename {
        #[serde(rename = "where")]
        at: JsonPath,
        to: String,
    },
    /// Ends a stream after so many events.
    Cut(usize),
}

/// Some of the events of a stream.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Finds something in the events.
    #[serde(rename = "where")]
    pub(super) at: JsonPath,
    #[serde(default)]
    pub(super) which: Position,
}

/// Which of several.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Position {
    First,
    Last,
    #[default]
    All,
}

/// A regular expression.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pattern(pub(super) regex::Regex);

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        regex::Regex::new(&text).map(Self)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    defects: Vec<Edits>,
}

/// Every defect that is data, in the order of the files.
pub(crate) fn all() -> &'static [Edits] {
    static ALL: LazyLock<Vec<Edits>> = LazyLock::new(|| match read() {
        Ok(all) => all,
        // A test reads them all, so that no binary is made in which this happens.
        Err(problem) => {
            tracing::error!(problem, "the defects that are data cannot be used");
            Vec::new()
        }
    });
    &ALL
}

/// The edits of a defect that is data, if it is one of this dialect's.
pub(crate) fn of(defect: Defect, dialect: &str) -> Option<&'static Edits> {
    match defect {
        Defect::Edits(index) => all().get(usize::from(index)).filter(|edits| edits.dialect == dialect),
        _ => None,
    }
}

fn read() -> Result<Vec<Edits>, String> {
    let mut all = Vec::new();
    for (dialect, text) in FILES {
        let file: File = serde_saphyr::from_str(text)
            .map_err(|error| format!("read fixtures/defects/{dialect}.yaml: {error}"))?;
        all.extend(file.defects.into_iter().map(|edits| Edits { dialect, ..edits }));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_read_and_each_defect_changes_something() {
        let all = read().unwrap();
        for edits in &all {
            assert!(!edits.breaks.is_empty(), "{}", edits.id);
            assert!(!edits.on.is_empty(), "{}", edits.id);
            let changes = edits.request.len() + edits.answer.len() + edits.stream.len();
            assert!(changes > 0, "{} changes nothing", edits.id);
        }
    }
}
