use super::compose::Composer;
use super::lines;
use super::notes::Notes;
use super::room::Room;
use super::text::Source;
use super::vocabulary::{VOCABULARY, Vocabulary};
use crate::source::written::file::ScenarioFile;
use crate::source::yaml::Decoded;
use crate::source::yaml::decode::decode_node;

/// Reads a feature as a scenario file, with every mistake that does not hide another.
pub fn decode(text: &str) -> Decoded {
    decode_with(text, &VOCABULARY, Room::default())
}

fn decode_with(text: &str, vocabulary: &Vocabulary, room: Room) -> Decoded {
    let source = Source::new(text);
    let mut notes = Notes::default();
    let Some(feature) = lines::read(&source, vocabulary, &mut notes) else {
        return (None, notes.into_mistakes());
    };
    let (composed, mut notes) = Composer::new(&source, vocabulary, notes, room).feature(&feature);
    let (file, errors) = decode_node::<ScenarioFile>(&composed.file);
    let file = file.filter(|_| composed.named).map(|mut file| {
        let mut broken = composed.broken.into_iter();
        file.scenarios.retain(|_| !broken.next().unwrap_or_default());
        file
    });
    for error in errors {
        notes.error(error);
    }
    (file, notes.into_mistakes())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::vocabulary::{Does, Sentence, With};
    use super::*;

    const AMBIGUOUS: &[Sentence] = &[
        Sentence {
            expression: "{name} calls {method} {path}",
            does: Does::Begin(&[("name", With::Word(0)), ("call", With::Words(1, 2))]),
            means: "",
        },
        Sentence {
            expression: "{name} calls {value}",
            does: Does::Begin(&[("name", With::Word(0)), ("call", With::Word(1))]),
            means: "",
        },
    ];

    #[test]
    fn what_can_be_meant_in_two_ways_is_told() {
        let text =
            "@contract:demo\nFeature: F\nScenario: A t\n  When one calls GET /\n  When two calls GET\n";
        let (file, errors) = decode_with(text, &Vocabulary::new(AMBIGUOUS), Room::default());
        let told: Vec<_> =
            errors.iter().map(|error| (error.span.unwrap().line, error.message.as_str())).collect();
        assert_eq!(told, [(4, "this says two things at once")]);
        let hint = errors[0].hint.as_deref();
        assert_eq!(hint, Some("it is both `{name} calls {method} {path}` and `{name} calls {value}`"));
        assert!(file.unwrap().scenarios.is_empty(), "a scenario without one of its steps is none");
    }

    #[test]
    fn a_feature_may_grow_but_not_without_end() {
        let told = |text: &str| -> Vec<(u32, String)> {
            let (_, errors) = decode_with(text, &VOCABULARY, Room::of(1 << 20));
            errors.into_iter().map(|error| (error.span.unwrap().line, error.message)).collect()
        };
        // A long cell, two thousand times in each of a thousand scenarios.
        let (cell, places, rows) = ("a".repeat(1000), "<x>".repeat(2000), "| B | C |\n".repeat(1000));
        let heading = "@contract:demo\nFeature: F\n";
        let outline = format!(
            "{heading}Scenario Outline: <id> t\n  When one calls GET /{places}\nExamples:\n| id | x |\n\
             | A | {cell} |\n{rows}"
        );
        let message = "outlines and backgrounds fill more than 1048576 bytes".to_owned();
        assert_eq!(told(&outline), [(4, message.clone())]);
        // A body that is taken over from step to step.
        let mut repeated = format!("{heading}Scenario: A t\n  When s0 calls POST /\n");
        writeln!(repeated, "  And the request has the body \"{}\"", "a".repeat(10_000)).unwrap();
        for step in 1..200 {
            let earlier = step - 1;
            writeln!(repeated, "  When s{step} calls POST /").unwrap();
            writeln!(repeated, "  And the request has the same body as in s{earlier}").unwrap();
        }
        let told = told(&repeated);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].1, message);
    }
}
