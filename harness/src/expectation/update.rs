use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use plumbline_record::{ExpectationKind, Verdict};

use super::edit::rewritten;
use super::read::Entry;
use super::{Expectations, read};
use crate::source::{Mistake, SourceFile, Span};

/// What a run showed a file of expectations to lack.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// Patterns of `expected` whose every case passed: they are to be taken out.
    pub stale: Vec<Passing>,
    /// Patterns of `expected` of which only a part passed: they are left alone.
    pub partly: Vec<Passing>,
    /// Cases that failed and are listed nowhere, in order.
    pub unlisted: Vec<String>,
}

/// A pattern of which something passed.
#[derive(Clone, Debug)]
pub struct Passing {
    /// The pattern, as it is written.
    pub pattern: String,
    /// Its line, from 1.
    pub line: u32,
    /// The cases that passed.
    pub passed: Vec<String>,
    /// The others that it matches, those that the run did not reach included.
    pub others: Vec<String>,
    /// Number of its entry, and its own within the entry.
    place: (usize, usize),
}

/// What a new entry says of the cases in it.
#[derive(Clone, Copy, Debug)]
pub struct Addition<'a> {
    /// Why they are listed.
    pub reason: &'a str,
    /// Where more is said.
    pub link: Option<&'a str>,
}

impl Update {
    /// Compares what is expected with the verdicts of a run; of cases that it did not reach nothing is said.
    pub fn new(expectations: &Expectations, verdicts: &BTreeMap<String, Verdict>) -> Self {
        let mut update = Self::default();
        for (number, entry) in expectations.entries.iter().enumerate() {
            if entry.kind == ExpectationKind::Flaky {
                continue;
            }
            for (index, pattern) in entry.patterns.iter().enumerate() {
                let is_stale = |case: &String| verdicts.get(case) == Some(&Verdict::Passed);
                let (passed, others): (Vec<_>, Vec<_>) = pattern.cases.iter().cloned().partition(is_stale);
                let list = match (passed.is_empty(), others.is_empty()) {
                    (true, _) => continue,
                    (false, true) => &mut update.stale,
                    (false, false) => &mut update.partly,
                };
                let (pattern, line) = (pattern.text.clone(), pattern.span.line);
                list.push(Passing { pattern, line, passed, others, place: (number, index) });
            }
        }
        let unlisted = |(case, verdict): (&String, &Verdict)| {
            (*verdict == Verdict::Failed && expectations.of(case).is_none()).then(|| case.clone())
        };
        update.unlisted = verdicts.iter().filter_map(unlisted).collect();
        update
    }

    /// Whether the file can stay as it is.
    pub fn is_empty(&self) -> bool {
        self.stale.is_empty() && self.unlisted.is_empty()
    }
}

/// The text of a file without what is stale, and with an entry for what is not listed where `addition` says why.
///
/// Everything else stays as it is written, comments and formatting included. The new text is read again: a change
/// that would mean something else than the update is not made.
///
/// # Errors
/// When the file is written in a way that cannot be changed so.
pub fn rewrite(
    file: &Arc<SourceFile>,
    cases: &[String],
    expectations: &Expectations,
    update: &Update,
    addition: Option<Addition<'_>>,
) -> Result<String, Mistake> {
    let entries = &expectations.entries;
    let gone: HashSet<(usize, usize)> = update.stale.iter().map(|stale| stale.place).collect();
    let added = addition.filter(|_| !update.unlisted.is_empty()).map(|why| (&*update.unlisted, why));
    let wanted = wanted(entries, &gone, added);
    let means_the_same = |text: &String| {
        let changed = Arc::new(SourceFile { name: Arc::clone(&file.name), text: text.as_str().into() });
        read(&changed, cases).is_ok_and(|changed| changed.entries.iter().map(listed).eq(wanted))
    };
    rewritten(&file.text, entries, &gone, added).filter(means_the_same).ok_or_else(|| {
        let first = update.stale.first().and_then(|stale| entries.get(stale.place.0));
        let hint = "begin `expected:` at the margin, and each entry with `- ` on a line of its own";
        Mistake {
            file: Arc::clone(file),
            span: first.map_or(Span { line: 1, column: 1, start: 0, length: 0 }, |entry| entry.span),
            message: "this is written in a way that cannot be updated without changing more".to_owned(),
            hint: Some(hint.to_owned()),
        }
    })
}

/// What an entry means.
type Listed<'a> = (ExpectationKind, Vec<&'a str>, &'a str, Option<&'a str>);

fn listed(entry: &Entry) -> Listed<'_> {
    let patterns = entry.patterns.iter().map(|pattern| &*pattern.text).collect();
    (entry.kind, patterns, entry.reason.as_str(), entry.link.as_deref())
}

/// What the entries are to mean after an update, in their order.
fn wanted<'a>(
    entries: &'a [Entry],
    gone: &HashSet<(usize, usize)>,
    added: Option<(&'a [String], Addition<'a>)>,
) -> Vec<Listed<'a>> {
    let mut wanted = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        let (kind, patterns, reason, link) = listed(entry);
        let kept = patterns.into_iter().enumerate().filter(|(index, _)| !gone.contains(&(number, *index)));
        let kept: Vec<_> = kept.map(|(_, pattern)| pattern).collect();
        if !kept.is_empty() {
            wanted.push((kind, kept, reason, link));
        }
    }
    if let Some((cases, why)) = added {
        let end = wanted.partition_point(|entry| entry.0 == ExpectationKind::ExpectedFailure);
        let cases = cases.iter().map(String::as_str).collect();
        wanted.insert(end, (ExpectationKind::ExpectedFailure, cases, why.reason, why.link));
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: [&str; 6] = ["SEQ_A", "SEQ_A[billing]", "SEQ_B", "SEQ_B[billing]", "BURST", "LAST"];

    const FILE: &str = "\
# What we know.
expected:
  # The ledger is not there yet.
  - cases: 'SEQ_*[billing]'   # both of them
    reason: No billing events are written yet

  - cases:
      - SEQ_A
      - LAST  # since May
    reason: >
      Two words,
      one reason
    link: https://tracker.example/1

flaky:
  - cases: [\"BURST\"]
    reason: The provider throttles
";

    /// The file after a run in which these cases passed and these failed.
    fn after(text: &str, passed: &[&str], failed: &[&str]) -> Result<String, String> {
        let cases = CASES.map(str::to_owned);
        let file = Arc::new(SourceFile { name: "expected.yaml".into(), text: text.into() });
        let expectations = read(&file, &cases).unwrap();
        let passed = passed.iter().map(|case| ((*case).to_owned(), Verdict::Passed));
        let failed = failed.iter().map(|case| ((*case).to_owned(), Verdict::Failed));
        let update = Update::new(&expectations, &passed.chain(failed).collect());
        let addition = Addition { reason: "It \"never\" worked", link: Some("https://tracker.example/2") };
        rewrite(&file, &cases, &expectations, &update, Some(addition)).map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn nothing_changes_where_all_is_as_expected() {
        assert_eq!(after(FILE, &["SEQ_B", "BURST"], &["SEQ_A", "SEQ_A[billing]"]).unwrap(), FILE);
    }

    #[test]
    fn what_passes_goes_and_everything_else_stays() {
        let entry = "  - cases: 'SEQ_*[billing]'   # both of them\n    \
                     reason: No billing events are written yet\n\n";
        let both = after(FILE, &["SEQ_A[billing]", "SEQ_B[billing]"], &["SEQ_A"]).unwrap();
        assert_eq!(both, FILE.replace(entry, "\n"));
        let one = after(FILE, &["LAST"], &["SEQ_A"]).unwrap();
        assert_eq!(one, FILE.replace("      - LAST  # since May\n", ""));
        let entry = FILE.find("\n  - cases:\n").unwrap()..FILE.find("\nflaky:").unwrap();
        let mut without = FILE.to_owned();
        without.replace_range(entry, "");
        assert_eq!(after(FILE, &["SEQ_A", "LAST"], &[]).unwrap(), without);
    }

    #[test]
    fn a_pattern_of_which_only_a_part_passes_is_left_alone() {
        let cases = CASES.map(str::to_owned);
        let file = Arc::new(SourceFile { name: "expected.yaml".into(), text: FILE.into() });
        let expectations = read(&file, &cases).unwrap();
        let passed = ["SEQ_A[billing]", "BURST"].map(|case| (case.to_owned(), Verdict::Passed));
        let verdicts = passed.into_iter().chain([("LAST".to_owned(), Verdict::Error)]).collect();
        let update = Update::new(&expectations, &verdicts);
        assert!(update.is_empty(), "{update:?}");
        let partly = &update.partly[..];
        assert_eq!(partly.len(), 1, "{partly:?}");
        assert_eq!((partly[0].pattern.as_str(), partly[0].line), ("SEQ_*[billing]", 4));
        assert_eq!((&partly[0].passed[..], &partly[0].others[..]), (&cases[1..2], &cases[3..4]));
    }

    #[test]
    fn what_fails_is_added_behind_what_is_there() {
        let more = "  - cases: \"SEQ_B\"\n    reason: \"It \\\"never\\\" worked\"\n    \
                    link: \"https://tracker.example/2\"\n";
        let place = FILE.find("\nflaky:").unwrap();
        let expected = format!("{}{more}{}", &FILE[..place], &FILE[place..]);
        assert_eq!(after(FILE, &[], &["SEQ_B", "SEQ_A", "BURST"]).unwrap(), expected);
    }

    #[test]
    fn a_file_is_begun_where_there_is_none_and_a_list_where_it_is_empty() {
        let entry = "- cases:\n      - \"LAST\"\n      - \"SEQ_A[billing]\"\n    \
                     reason: \"It \\\"never\\\" worked\"\n    link: \"https://tracker.example/2\"\n";
        for (text, expected) in [
            ("", format!("expected:\n  {entry}")),
            ("# Ours.\n", format!("# Ours.\n\nexpected:\n  {entry}")),
            ("expected: [] # none\n\nflaky:\n", format!("expected: # none\n  {entry}\nflaky:\n")),
            ("expected:", format!("expected:\n  {entry}")),
            (
                "flaky:\n- cases: BURST\n  reason: x",
                format!("flaky:\n- cases: BURST\n  reason: x\n\nexpected:\n  {entry}"),
            ),
        ] {
            assert_eq!(after(text, &[], &["SEQ_A[billing]", "LAST"]).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn names_go_from_lists_in_brackets_and_lists_without_indent() {
        let first = |names: &str| format!("- cases: [{names}]\n  reason: x\n");
        let second = "- reason: y\n  cases: LAST";
        let all = first("SEQ_A, 'SEQ_A[billing]',  \"SEQ_B\"");
        let text = format!("expected:\n{all}{second}");
        for (passed, first, second) in [
            (&["SEQ_A"][..], first("'SEQ_A[billing]',  \"SEQ_B\""), second),
            (&["SEQ_A[billing]"], first("SEQ_A, \"SEQ_B\""), second),
            (&["SEQ_A[billing]", "SEQ_B"], first("SEQ_A"), second),
            (&["SEQ_A", "SEQ_B"], first("'SEQ_A[billing]'"), second),
            (&["SEQ_A", "SEQ_A[billing]", "SEQ_B"], String::new(), second),
            (&["LAST"], all, ""),
        ] {
            let expected = format!("expected:\n{first}{second}");
            assert_eq!(after(&text, passed, &[]).unwrap(), expected, "{passed:?}");
        }
        assert_eq!(after("expected:\n- {cases: LAST, reason: x}", &["LAST"], &[]).unwrap(), "expected:\n");
    }

    #[test]
    fn what_cannot_be_changed_alone_is_told_and_left() {
        for text in [
            "expected: [{ cases: LAST, reason: x }]\n",
            "{ expected: [{ cases: LAST, reason: x }] }\n",
            "expected:\n  - # why\n    cases: LAST\n    reason: x\n",
            "expected:\n  - cases: LAST\n    reason: &same x\nflaky:\n  - { cases: BURST, reason: *same }\n",
        ] {
            let mistake = after(text, &["LAST"], &[]).unwrap_err();
            assert!(mistake.contains("cannot be updated"), "{mistake}");
        }
    }
}
