use std::fmt::Write as _;

use super::sentences::CHAPTERS;
use super::vocabulary::{Column, Does, PARAMETERS, Sentence, With};

/// The vocabulary in Markdown, as docs/gherkin.md holds it.
pub fn reference() -> String {
    let mut text =
        String::from("### Parameters\n\n| parameter | stands for | for example |\n|---|---|---|\n");
    for parameter in &PARAMETERS {
        // Writing into a text does not fail, here and below.
        let _ =
            writeln!(text, "| `{{{}}}` | {} | `{}` |", parameter.name, parameter.means, parameter.example);
    }
    for (chapter, sentences) in CHAPTERS {
        let _ = writeln!(
            text,
            "\n### {chapter}\n\n| sentence | meaning | below it | in YAML |\n|---|---|---|---|"
        );
        for sentence in *sentences {
            let (below, yaml) = (below(sentence), yaml(sentence));
            let _ = writeln!(text, "| `{}` | {} | {below} | {yaml} |", sentence.expression, sentence.means);
        }
    }
    text
}

/// What belongs under a sentence.
fn below(sentence: &Sentence) -> String {
    let of = |with: &With| match with {
        With::Document | With::Data => Some("a doc string".to_owned()),
        With::Row([]) => Some("a table of one row".to_owned()),
        With::Row(columns) => Some(format!("a table of one row: {}", names(&[], columns))),
        With::Rows(columns) => Some(format!("a table: {}", names(&[], columns))),
        With::Named(columns) => Some(format!("a table: {}", names(&["name"], columns))),
        With::Pairs => Some(format!("a table: {}", names(&["name", "value"], &[]))),
        _ => None,
    };
    sentence.fills().iter().find_map(|(_, with)| of(with)).unwrap_or_default()
}

fn names(first: &[&str], columns: &[Column]) -> String {
    let names = first.iter().copied().chain(columns.iter().map(|column| column.name));
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The fields that a sentence fills, as YAML names them.
fn yaml(sentence: &Sentence) -> String {
    let fields: Vec<_> = match sentence.does {
        Does::Begin(fills) | Does::Fill(fills) => fills
            .iter()
            .map(|(field, with)| match with {
                With::Fixed(word) => format!("`{field}: {word}`"),
                With::True => format!("`{field}: true`"),
                With::False => format!("`{field}: false`"),
                _ => format!("`{field}`"),
            })
            .collect(),
        Does::Alternative => vec!["`expect.any_of`".to_owned()],
        Does::Repeat(fields) => {
            let fields: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
            vec![format!("an alias in {}", fields.join(" or "))]
        }
        Does::Always => vec!["`always`".to_owned()],
    };
    fields.join(", ")
}
