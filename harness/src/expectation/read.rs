use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::sync::Arc;

use plumbline_record::{Expectation, ExpectationKind, Location};
use sha2::{Digest as _, Sha256};

use super::file::{ExpectationEntry, ExpectationsFile};
use super::pattern::matching;
use crate::source::written::wrappers::{Located, Recovered};
use crate::source::yaml::decode;
use crate::source::{Mistake, SourceFile, Span, did_you_mean};
use crate::target::hex;

/// What the user expects of single cases. By default of none.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    /// Those of `expected` before those of `flaky`, each in the order of the file.
    pub(super) entries: Vec<Entry>,
    by_case: HashMap<String, Expectation>,
    digest: Option<String>,
}

/// Cases that are listed for one reason.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) kind: ExpectationKind,
    pub(super) patterns: Vec<Pattern>,
    pub(super) reason: String,
    pub(super) link: Option<String>,
    pub(super) span: Span,
}

/// A pattern, and the cases that it matches.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    pub(super) span: Span,
    pub(super) cases: Vec<String>,
}

impl Expectations {
    /// What is expected of a case, where it is listed.
    pub fn of(&self, case: &str) -> Option<&Expectation> {
        self.by_case.get(case)
    }

    /// SHA-256, in hex, of the file that they were read from.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }
}

/// Reads a file of expectations and matches it against the names of all cases of a suite.
///
/// # Errors
/// With every mistake in the file; a pattern that matches nothing is one, and so is a case that is listed twice.
pub fn read(file: &Arc<SourceFile>, cases: &[String]) -> Result<Expectations, Vec<Mistake>> {
    let mut reader = Reader { file, cases, mistakes: Vec::new() };
    let entries = reader.entries();
    let by_case = reader.by_case(&entries);
    let mut mistakes = reader.mistakes;
    if mistakes.is_empty() {
        let digest = Some(hex(&Sha256::digest(file.text.as_bytes())));
        return Ok(Expectations { entries, by_case, digest });
    }
    mistakes.sort_by_key(|mistake| (mistake.span.line, mistake.span.column));
    Err(mistakes)
}

struct Reader<'r> {
    file: &'r Arc<SourceFile>,
    cases: &'r [String],
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn note(&mut self, span: Span, message: impl Into<String>, hint: Option<String>) {
        self.mistakes.push(Mistake { file: Arc::clone(self.file), span, message: message.into(), hint });
    }

    fn entries(&mut self) -> Vec<Entry> {
        let mut file = ExpectationsFile::default();
        // A file of nothing but comments lists nothing; to the decoder it is no mapping.
        if !self.file.text.lines().all(is_filler) {
            let (decoded, errors) = decode::<ExpectationsFile>(&self.file.text);
            for error in errors {
                self.note(error.span.unwrap_or_default(), error.message, error.hint);
            }
            file = decoded.unwrap_or_default();
        }
        let mut entries = self.list(ExpectationKind::ExpectedFailure, file.expected);
        entries.extend(self.list(ExpectationKind::Flaky, file.flaky));
        entries
    }

    fn list(
        &mut self,
        kind: ExpectationKind,
        list: Option<Vec<Recovered<Located<ExpectationEntry>>>>,
    ) -> Vec<Entry> {
        let read = list.into_iter().flatten().filter_map(|entry| entry.0);
        read.map(|entry| self.entry(kind, entry)).collect()
    }

    fn entry(&mut self, kind: ExpectationKind, entry: Located<ExpectationEntry>) -> Entry {
        let Located { value: ExpectationEntry { cases, reason, link }, span } = entry;
        if reason.trim().is_empty() {
            self.note(reason.span, "the reason is empty", Some("say why the cases are listed".to_owned()));
        }
        if cases.value.0.is_empty() {
            self.note(cases.span, "no case is named", Some("take the entry out".to_owned()));
        }
        let patterns = cases.value.0.into_iter().map(|pattern| self.pattern(pattern)).collect();
        Entry { kind, patterns, reason: reason.value, link, span }
    }

    fn pattern(&mut self, pattern: Located<String>) -> Pattern {
        let Located { value: text, span } = pattern;
        let cases = matching(&text, self.cases);
        if cases.is_empty() {
            let hint = self.hint(&text);
            self.note(span, format!("`{text}` matches no case of the suite"), Some(hint));
        }
        Pattern { text, span, cases }
    }

    /// What may have been meant by a pattern that matches nothing.
    fn hint(&self, text: &str) -> String {
        let (id, observer) = text.split_at(text.find('[').unwrap_or(text.len()));
        let is_spelt = |case: &String| case.strip_prefix(id).is_some_and(|rest| rest.starts_with('@'));
        if self.cases.iter().any(is_spelt) {
            return format!("it is there in several dialects: write `{id}@*{observer}`, or name one");
        }
        did_you_mean(text, self.cases.iter().map(String::as_str)).map_or_else(
            || "a case is named `ID`, or `ID[observer]`".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        )
    }

    /// What is expected of each case; one that is listed twice is noted, once for each pattern.
    fn by_case(&mut self, entries: &[Entry]) -> HashMap<String, Expectation> {
        let mut by_case: HashMap<String, Expectation> = HashMap::new();
        let patterns =
            entries.iter().flat_map(|entry| entry.patterns.iter().map(move |pattern| (entry, pattern)));
        for (entry, pattern) in patterns {
            let mut twice = None;
            for case in &pattern.cases {
                match by_case.entry(case.clone()) {
                    Place::Vacant(place) => {
                        place.insert(self.expectation(entry, pattern));
                    }
                    Place::Occupied(place) if twice.is_none() => {
                        let other = place.get();
                        twice = Some((case, other.location.line, other.pattern.clone()));
                    }
                    Place::Occupied(_) => {}
                }
            }
            if let Some((case, line, other)) = twice {
                let own = pattern.span.line;
                let message = format!("`{case}` is listed twice, in line {line} and in line {own}");
                let hint = format!("`{other}` in line {line} matches it as well");
                self.note(pattern.span, message, Some(hint));
            }
        }
        by_case
    }

    fn expectation(&self, entry: &Entry, pattern: &Pattern) -> Expectation {
        Expectation {
            kind: entry.kind,
            reason: entry.reason.trim().to_owned(),
            link: entry.link.clone(),
            pattern: pattern.text.clone(),
            location: Location {
                file: self.file.name.to_string(),
                line: pattern.span.line,
                column: pattern.span.column,
            },
        }
    }
}

/// Whether a line of YAML holds nothing but blanks and a comment.
pub(super) fn is_filler(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases() -> Vec<String> {
        ["SEQ_A", "SEQ_A[billing]", "SEQ_B", "SEQ_B[billing]", "BURST"].map(str::to_owned).to_vec()
    }

    fn read_text(text: &str) -> Result<Expectations, Vec<String>> {
        let file = Arc::new(SourceFile { name: "expected.yaml".into(), text: text.into() });
        read(&file, &cases()).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn lists_cases_by_pattern_with_reason_link_and_place() {
        let expectations = read_text(
            "expected:\n  - cases: \"*[billing]\"\n    reason: Not yet\n    \
             link: https://tracker.example/42\n\
             flaky:\n  - cases:\n      - BURST\n      - SEQ_B # slow\n    reason: |\n      Busy\n",
        )
        .unwrap();
        let billing = expectations.of("SEQ_A[billing]").unwrap();
        assert_eq!((billing.kind, &*billing.reason), (ExpectationKind::ExpectedFailure, "Not yet"));
        assert_eq!(billing.link.as_deref(), Some("https://tracker.example/42"));
        assert_eq!(billing.pattern, "*[billing]");
        assert_eq!((&*billing.location.file, billing.location.line), ("expected.yaml", 2));
        let slow = expectations.of("SEQ_B").unwrap();
        assert_eq!((slow.kind, &*slow.reason, slow.location.line), (ExpectationKind::Flaky, "Busy", 8));
        assert!(expectations.of("SEQ_A").is_none());
    }

    #[test]
    fn an_empty_list_or_file_expects_nothing() {
        for text in ["", "# nothing yet\n\n", "expected:\n", "expected: []\nflaky:\n"] {
            assert!(read_text(text).unwrap().entries.is_empty(), "{text}");
        }
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let mistakes = read_text(
            "expected:\n  - cases: SEQ_A\n  - cases: SEQ_A[biling]\n    reason: x\n\
             \x20 - cases: []\n    reason: ' '\n\
             \x20 - { cases: 7, reason: x }\n  - { cases: BURST, reason: x, links: y }\nflakey: []\n",
        )
        .unwrap_err();
        for (mistake, parts) in mistakes.iter().zip([
            &["expected.yaml:2:5", "the field `reason` is missing"][..],
            &["expected.yaml:3:12", "`SEQ_A[biling]` matches no case", "did you mean `SEQ_A[billing]`?"],
            &["expected.yaml:5:12", "no case is named"],
            &["expected.yaml:6:13", "the reason is empty"],
            &["expected.yaml:7:14", "named by a text"],
            &["expected.yaml:8:32", "`links`", "`link`"],
            &["expected.yaml:9:1", "`flakey`", "`flaky`"],
        ]) {
            assert!(parts.iter().all(|part| mistake.contains(part)), "{mistake}: {parts:?}");
        }
        assert_eq!(mistakes.len(), 7, "{mistakes:#?}");
    }

    #[test]
    fn cases_in_several_dialects_are_listed_by_dialect_or_all_together() {
        let names = ["G_1@anthropic", "G_1@openai", "G_1@openai[upstream]", "G_12@openai"].map(str::to_owned);
        let listed = |pattern: &str| {
            let text = format!("expected:\n  - cases: \"{pattern}\"\n    reason: x\n");
            let file = Arc::new(SourceFile { name: "expected.yaml".into(), text: text.into() });
            read(&file, &names).map_err(|mistakes| mistakes[0].hint.clone().unwrap())
        };
        for (pattern, expected) in [
            ("G_1@openai", &names[1..2]),
            ("G_1@openai[upstream]", &names[2..3]),
            ("G_1@*", &names[..3]),
            ("G_1@*[upstream]", &names[2..3]),
            ("*@openai", &[names[1].clone(), names[3].clone()]),
        ] {
            let expectations = listed(pattern).unwrap();
            let found: Vec<_> = names.iter().filter(|name| expectations.of(name).is_some()).collect();
            assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{pattern}");
        }
        assert!(listed("G_1").unwrap_err().contains("write `G_1@*`, or name one"));
        assert!(listed("G_1[upstream]").unwrap_err().contains("write `G_1@*[upstream]`"));
        assert!(listed("G_2").unwrap_err().contains("did you mean"));
    }

    #[test]
    fn two_files_are_told_apart_by_what_they_say() {
        let digest = |text: &str| read_text(text).unwrap().digest().unwrap().to_owned();
        let one = "expected:\n  - { cases: BURST, reason: x }\n";
        assert_eq!(digest(one), digest(one));
        assert_ne!(digest(one), digest(&one.replace("BURST", "SEQ_A")));
        assert_eq!(Expectations::default().digest(), None);
    }

    #[test]
    fn a_case_is_listed_once() {
        let mistakes = read_text(
            "expected:\n  - { cases: 'SEQ_*', reason: x }\n  - { cases: SEQ_A, reason: y }\n\
             flaky:\n  - { cases: ['*[billing]', BURST], reason: z }\n",
        )
        .unwrap_err();
        assert_eq!(
            mistakes,
            [
                "expected.yaml:3:14: `SEQ_A` is listed twice, in line 2 and in line 3 \
                 (`SEQ_*` in line 2 matches it as well)",
                "expected.yaml:5:15: `SEQ_A[billing]` is listed twice, in line 2 and in line 5 \
                 (`SEQ_*` in line 2 matches it as well)",
            ]
        );
    }
}
